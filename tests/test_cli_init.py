"""Five answers make an installation in which a payment works."""

from __future__ import annotations

import os
import stat
import sys
import tomllib
from pathlib import Path

import pytest
import yaml
from click.testing import CliRunner, Result

from benchmarks.processes import free_port
from hub.cli import main
from tests.flows.plant import Plant
from tests.store.test_spazio import longest_file

ANSWERS = ("Comune di Piova", "01234567897", "c_piova", "IT60X0542811101000000123456", "tari")


def run(*arguments: str, typed: str = "") -> Result:
    # What a shell of another installation says does not count.
    return CliRunner().invoke(
        main, ("init", *arguments), input=typed, env={"PONTEPA_DATABASE_URL": "sqlite:////nowhere/x"}
    )


def given(cartella: Path, **other: str) -> list[str]:
    names = ("nome", "codice-fiscale", "codice-ipa", "iban", "tipo")
    answers = dict(zip(names, ANSWERS, strict=True)) | other
    return ["--cartella", str(cartella), *(part for name, value in answers.items() for part in (f"--{name}", value))]


def test_five_answers_typed_make_an_installation_in_order(tmp_path: Path) -> None:
    folder = tmp_path / "nuova"
    typed = ["Comune di Piova", "01234567890", *ANSWERS[1:3], "IT00", *ANSWERS[3:]]

    result = run("--cartella", str(folder), typed="\n".join(typed) + "\n")

    assert result.exit_code == 0, result.output
    # What is wrong is asked again, with the reason.
    assert result.stderr.count("2/5") == 2 and result.stderr.count("4/5") == 2 and "cifre di controllo" in result.stderr
    configurazione = yaml.safe_load((folder / "installazione.yaml").read_text())
    (ente,) = configurazione["enti"]
    assert (ente["codIpaEnte"], ente["tipi"][0]["codice"]) == ("C_PIOVA", "TARI")
    assert ente["password"] in result.stdout
    for name in ("pontepa.toml", "installazione.yaml"):
        assert stat.S_IMODE((folder / name).stat().st_mode) == 0o600
    planned = CliRunner().invoke(
        main, ["--config", str(folder / "pontepa.toml"), "config", "plan", str(folder / "installazione.yaml")]
    )
    assert planned.stdout == "nessun cambiamento\n"


def test_the_commands_that_it_tells_work_in_the_shell_that_called_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """From a clone the program is in .venv, where no shell looks."""
    program = tmp_path / "bin/pontepa"
    program.parent.mkdir()
    program.touch(mode=0o755)
    monkeypatch.setattr(sys, "argv", [str(program)])

    monkeypatch.setenv("PATH", str(tmp_path))
    assert f"\n  {program} --config " in run(*given(tmp_path / "una")).stdout
    monkeypatch.setenv("PATH", str(program.parent))
    assert "\n  pontepa --config " in run(*given(tmp_path / "altra")).stdout


def test_a_payment_works_in_it_at_once(tmp_path: Path) -> None:
    folder = tmp_path / "nuova"
    assert run(*given(folder)).exit_code == 0
    settings = tomllib.loads((folder / "pontepa.toml").read_text())
    (ente,) = yaml.safe_load((folder / "installazione.yaml").read_text())["enti"]
    hub, node = free_port(), free_port()
    # The ports of the file may be taken on this machine; all the rest is the file's.
    extra = {"PONTEPA_CONFIG": str(folder / "pontepa.toml")}
    with Plant(tmp_path, settings["database_url"], extra) as plant:
        plant.hub_url, plant.node_url = f"http://127.0.0.1:{hub}", f"http://127.0.0.1:{node}"
        plant.up("simulator", "serve", "worker")
        plant.cod_ipa_ente, plant.password = ente["codIpaEnte"], ente["password"]

        told = plant.tell()

    assert told.codice_esito == "0" and told.iuv.startswith("0100")


@pytest.mark.parametrize(
    ("other", "said"),
    [
        ({"codice-fiscale": "01234567890"}, "codice fiscale di 11 cifre"),
        ({"iban": "IT00X"}, "cifre di controllo"),
        ({"codice-ipa": "comune di piova"}, "al massimo 35"),
        ({"nome": " "}, "Nome dell'ente"),
        ({"tipo": "GELATI"}, "codice di tassonomia"),
    ],
)
def test_a_wrong_answer_is_refused_and_nothing_is_written(tmp_path: Path, other: dict[str, str], said: str) -> None:
    result = run(*given(tmp_path / "nuova", **other))

    assert (result.exit_code, result.stdout) == (1, "") and said in result.stderr
    assert not (tmp_path / "nuova").exists()


def test_a_code_of_the_taxonomy_is_a_first_tipo_too(tmp_path: Path) -> None:
    assert run(*given(tmp_path, tipo="9/0105107TS/")).exit_code == 0
    (ente,) = yaml.safe_load((tmp_path / "installazione.yaml").read_text())["enti"]
    assert ente["tipi"][0]["tassonomia"] == "9/0105107TS/" and ente["tipi"][0]["descrizione"]


@pytest.mark.parametrize("in_the_way", ["pontepa.db", "dati"])
def test_what_fails_half_way_leaves_nothing_and_can_be_done_again(tmp_path: Path, in_the_way: str) -> None:
    """Something that is no database, or no folder, stands where that is to be made."""
    obstacle = tmp_path / in_the_way
    obstacle.write_text("un testo, e non altro\n" * 100)

    failed = run(*given(tmp_path))

    assert failed.exit_code == 1 and "si ripete il comando" in failed.stderr and failed.stdout == ""
    assert os.listdir(tmp_path) == [in_the_way] and obstacle.read_text().startswith("un testo")
    obstacle.unlink()
    assert run(*given(tmp_path)).exit_code == 0


def test_a_disk_that_fills_up_under_it_is_left_as_it_was(tmp_path: Path) -> None:
    """There is room for the two files, not for the database."""
    with longest_file(20_000):
        failed = run(*given(tmp_path / "nuova"))

    assert failed.exit_code == 1 and "spazio" in failed.stderr and "si ripete il comando" in failed.stderr
    assert os.listdir(tmp_path) == []


def test_what_is_there_is_never_overwritten(tmp_path: Path) -> None:
    (tmp_path / "installazione.yaml").write_text("mio")

    result = run(*given(tmp_path))

    assert result.exit_code == 1 and "installazione.yaml" in result.stderr
    assert (tmp_path / "installazione.yaml").read_text() == "mio" and os.listdir(tmp_path) == ["installazione.yaml"]
