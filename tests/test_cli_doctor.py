"""`pontepa doctor`: what it finds of an installation, well and ill."""

from __future__ import annotations

import json
import shutil
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.certificates import Identity, make_identity
from tests.test_cli import DEMO, Shell

NOW = datetime.now(UTC).replace(microsecond=0)
LASTING = make_identity("durevole.example.org", "ec", days=300)
ENDING = make_identity("quasi.example.org", "ec", days=12)
ENDED = make_identity("scaduto.example.org", "ec", begin=NOW - timedelta(days=40), days=30)


class Node(BaseHTTPRequestHandler):
    clock = timedelta(0)

    def do_HEAD(self) -> None:
        self.send_response(403)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def date_time_string(self, timestamp: float | None = None) -> str:
        return super().date_time_string((datetime.now(UTC) + self.clock).timestamp())

    def log_message(self, format: str, *args: Any) -> None:
        pass


@pytest.fixture
def node() -> Iterator[str]:
    Node.clock = timedelta(0)
    server = ThreadingHTTPServer(("127.0.0.1", 0), Node)
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_address[1]}"
    server.shutdown()
    server.server_close()


@pytest.fixture
def shell(database_url: str, node: str, tmp_path: Path) -> Shell:
    shell = Shell(database_url)
    shell.env |= {"PONTEPA_NODE_URL": node, "PONTEPA_DATA_DIR": str(tmp_path / "var")}
    shell.good("config", "apply", DEMO)
    return shell


def give(shell: Shell, folder: Path, identity: Identity) -> None:
    values = yaml.safe_load(Path(DEMO).read_text(encoding="utf-8"))
    values["stazioni"][0]["certificato"] = {"pem": identity.pem, "chiave": identity.key_pem.decode()}
    path = folder / "config.yaml"
    path.write_text(yaml.safe_dump(values), encoding="utf-8")
    shell.good("config", "apply", str(path))


def found(shell: Shell, code: int) -> dict[str, tuple[str, str]]:
    result = shell.run("doctor", "--json")
    assert result.exit_code == code, result.output
    return {row["cosa"].partition(" (")[0]: (row["esito"], row["dettaglio"]) for row in json.loads(result.output)}


def test_an_installation_in_order_has_nothing_to_mend(shell: Shell, tmp_path: Path) -> None:
    give(shell, tmp_path, LASTING)

    rows = found(shell, 0)

    disks = ("spazio: dati", "spazio: database") if "sqlite" in shell.url else ("spazio: dati",)
    assert {cosa: esito for cosa, (esito, _) in rows.items()} == dict.fromkeys(
        (
            "database", "migrazioni", "copia del database", "cartella dei dati", *disks,
            "stazione 12345678903_01: certificato", "pagamenti al nodo", "nodo", "orologio",
        ),
        "bene",
    )  # fmt: skip
    assert "bene" in shell.good("doctor")


def test_a_certificate_that_ends_soon_is_a_warning_and_one_that_ended_is_ill(shell: Shell, tmp_path: Path) -> None:
    give(shell, tmp_path, ENDING)
    soon = found(shell, 0)["stazione 12345678903_01: certificato"]
    give(shell, tmp_path, ENDED)
    over = found(shell, 1)["stazione 12345678903_01: certificato"]

    assert (soon[0], over[0]) == ("attenzione", "male")
    assert "fra 9 giorni" in soon[1] and "scaduto il" in over[1]


def test_a_node_that_is_off_is_ill(shell: Shell) -> None:
    shell.env["PONTEPA_NODE_URL"] = "http://127.0.0.1:1"

    assert found(shell, 1)["nodo"][0] == "male"


def test_a_clock_that_is_wrong_is_ill(shell: Shell) -> None:
    Node.clock = timedelta(minutes=5)

    assert found(shell, 1)["orologio"][0] == "male"


def test_a_database_without_tables_is_ill_and_the_rest_is_looked_at(empty_database_url: str, tmp_path: Path) -> None:
    shell = Shell(empty_database_url)
    shell.env["PONTEPA_DATA_DIR"] = str(tmp_path / "var")

    rows = found(shell, 1)

    assert rows["migrazioni"][0] == "male" and "pontepa db upgrade" in rows["migrazioni"][1]
    assert rows["cartella dei dati"][0] == "bene"


def test_a_folder_in_which_nothing_can_be_written_is_ill(shell: Shell, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    shell.env["PONTEPA_DATA_DIR"] = str(tmp_path / "file")

    assert found(shell, 1)["cartella dei dati"][0] == "male"


def test_the_servers_own_certificate_is_looked_at(shell: Shell, tmp_path: Path) -> None:
    certificate, key = ENDED.write(tmp_path, "server")
    shell.env |= {"PONTEPA_TLS_CERT": str(certificate), "PONTEPA_TLS_KEY": str(key)}

    assert found(shell, 1)["certificato del server"][0] == "male"


def test_a_disk_with_less_room_than_asked_for_is_ill(shell: Shell, tmp_path: Path) -> None:
    """Twice as much as the whole disk has."""
    shell.env["PONTEPA_SPAZIO_MIN_MIB"] = str(2 * shutil.disk_usage(tmp_path).total // 1024**2)

    assert found(shell, 1)["spazio: dati"][0] == "male"
