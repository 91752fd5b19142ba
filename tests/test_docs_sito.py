"""The pages of docs/ make a site without a broken link, and what the first of them promises happens."""

from __future__ import annotations

import json
import re
import shlex
import subprocess
import sys
from pathlib import Path

import yaml
from click.testing import CliRunner

from benchmarks.processes import free_port
from hub.cli import main
from tests.flows.plant import Plant
from tests.interop.conftest import Client
from tests.interop.hub import RunningHub

ROOT = Path(__file__).parents[1]
AVVIO = (ROOT / "docs/avvio.md").read_text(encoding="utf-8")


def commands() -> list[list[str]]:
    """The commands of the page, in order, as words."""
    blocks = re.findall(r"^```sh\n(.*?)^```", AVVIO, re.MULTILINE | re.DOTALL)
    lines = [line for block in blocks for line in block.replace("\\\n", " ").splitlines()]
    return [shlex.split(line) for line in lines]


def test_every_page_is_in_the_site_and_no_link_is_broken(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "sphinx", "-q", "-W", "--keep-going", "-b", "html", "docs", str(tmp_path / "sito")],
        cwd=ROOT, capture_output=True, text=True, timeout=300,
    )  # fmt: skip

    assert done.returncode == 0, done.stderr
    pages = {path.relative_to(ROOT / "docs").with_suffix("") for path in (ROOT / "docs").rglob("*.md")}
    made = (path.relative_to(tmp_path / "sito").with_suffix("") for path in (tmp_path / "sito").rglob("*.html"))
    assert set(made) >= pages
    assert 'lang="it"' in (tmp_path / "sito/index.html").read_text(encoding="utf-8")


def test_the_first_page_leads_to_a_paid_receipt(tmp_path: Path) -> None:
    """Its commands, as they are written, but for the folder and the ports, which may be taken here."""
    _make, init, simulator, serve, worker, doctor, cerca, tipo, client = commands()
    hub, node = free_port(), free_port()
    moved = {"prova": str(tmp_path / "prova"), "prova/pontepa.toml": str(tmp_path / "prova/pontepa.toml")}

    def words(command: list[str]) -> list[str]:
        ported = [word.replace("8080", str(hub)).replace("8081", str(node)) for word in command]
        return [moved.get(word, word) for word in ported]

    assert all(command[0] == ".venv/bin/pontepa" for command in (init, simulator, serve, worker, doctor, cerca, tipo))
    made = CliRunner().invoke(main, words(init)[1:])
    assert made.exit_code == 0, made.output
    settings = tmp_path / "prova/pontepa.toml"
    settings.write_text(settings.read_text().replace("8080", str(hub)).replace("8081", str(node)))
    (ente,) = yaml.safe_load((tmp_path / "prova/installazione.yaml").read_text())["enti"]

    with Plant(tmp_path, f"sqlite:///{tmp_path / 'prova/pontepa.db'}", {"PONTEPA_CONFIG": str(settings)}) as plant:
        plant.hub_url, plant.node_url = f"http://127.0.0.1:{hub}", f"http://127.0.0.1:{node}"
        # These three are what the plant starts, each with the settings of the file.
        assert [command[3] for command in (simulator, serve, worker)] == ["simulator", "serve", "worker"]
        plant.up("simulator", "serve", "worker")
        told = CliRunner().invoke(main, [*words(doctor)[1:], "--json"])
        assert told.exit_code == 0, told.output
        assert {row["esito"] for row in json.loads(told.stdout)} == {"bene"}
        found = CliRunner().invoke(main, words(cerca)[1:])
        assert tipo[tipo.index("--tassonomia") + 1] in found.output
        added = CliRunner().invoke(main, words(tipo)[1:])
        assert added.exit_code == 0, added.output
        python, script, *options = [ente["password"] if word == "LA_PASSWORD" else word for word in client]
        assert python == ".venv/bin/python"
        running = RunningHub(plant.hub_url, plant.node_url)
        asks = Client([sys.executable, str(ROOT / script), *options, "--wsdl", running.wsdl, "--json"], tmp_path)
        try:
            running.pay(asks.step("inviato")["url"])
            assert asks.step("ricevuta")["esito"] == "0"
            assert asks.end() == 0
        finally:
            asks.stop()
