"""`pontepa tassonomia`, and the warnings of those who configure a tipo."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from hub.formats.resources import resource
from tests.tassonomie import table
from tests.test_cli import DEMO, Shell

ENDED = "9/0115119AP/"


@pytest.fixture
def shell(database_url: str) -> Shell:
    return Shell(database_url)


@pytest.fixture
def configured(shell: Shell) -> Shell:
    shell.good("config", "apply", DEMO)
    return shell


def test_the_shipped_table_is_there_before_any_other(shell: Shell) -> None:
    rows = json.loads(shell.good("tassonomia", "list", "--json"))

    assert len(rows) == 623
    assert rows[0].keys() >= {"codice", "tipo_ente", "macro_area", "servizio", "versione", "valido_dal", "valido_al"}


def test_codes_are_found_by_name_kind_and_day(shell: Shell) -> None:
    def codes(*arguments: str) -> list[str]:
        return [row["codice"] for row in json.loads(shell.good("tassonomia", "list", *arguments, "--json"))]

    assert "9/0101101IM/" in codes("--cerca", "tari", "--tipo-ente", "01")
    assert "9/0101101IM/" not in codes("--cerca", "tari", "--tipo-ente", "02")
    assert ENDED in codes("--il", "2021-06-01") and ENDED not in codes("--il", "2026-06-01")
    assert "9/0101101IM/  1900-01-01  2080-01-01" in shell.good("tassonomia", "list", "--cerca", "0101101")


@pytest.mark.parametrize(("codice", "oggi"), [("7/0101101IM/rata", "VALIDO"), (ENDED, "SCADUTO")])
def test_one_code_says_whether_it_counts_today(shell: Shell, codice: str, oggi: str) -> None:
    assert json.loads(shell.good("tassonomia", "show", codice, "--json"))["oggi"] == oggi


def test_a_code_that_is_none_is_refused(shell: Shell) -> None:
    assert "versione 33" in shell.bad("tassonomia", "show", "9/0109999IM/")


def test_a_table_is_taken_from_a_file_where_there_is_no_network(shell: Shell, tmp_path: Path) -> None:
    file = tmp_path / "tassonomia.csv"
    file.write_bytes(table(34, without=("9/0101102TS/",)))

    done = json.loads(shell.good("tassonomia", "aggiorna", "--file", str(file), "--json"))

    assert (done["esito"], done["versione"], done["cessati"], done["scartate"]) == ("NUOVO", 34, 1, [])
    assert "INVARIATO" in shell.good("tassonomia", "aggiorna", "--file", str(file))


def test_a_table_that_is_refused_says_why_and_what_stays(shell: Shell, tmp_path: Path) -> None:
    file = tmp_path / "tassonomia.csv"
    file.write_bytes(resource("schemas", "tassonomia.csv").read_bytes()[:9000])

    sentence = shell.bad("tassonomia", "aggiorna", "--file", str(file))

    assert "è incompleta; resta la versione 33, 623 codici" in sentence


def test_a_service_that_does_not_answer_is_a_sentence(shell: Shell) -> None:
    shell.env["PONTEPA_TASSONOMIA_URL"] = "http://127.0.0.1:1/"

    assert "NewConnectionError; resta la versione 33" in shell.bad("tassonomia", "aggiorna")


def test_tipi_with_a_code_that_does_not_count_are_listed(configured: Shell) -> None:
    assert configured.good("tassonomia", "avvisi") == "(nessuno)\n"
    configured.good("tipo", "add", "C_PROVA", "BANDI", "--descrizione", "Bandi", "--tassonomia", ENDED)
    configured.good("tipo", "add", "C_PROVA", "VECCHIO", "--descrizione", "Vecchio", "--tassonomia", "2/1234")

    rows = json.loads(configured.good("tassonomia", "avvisi", "--json"))

    assert [(row["tipo"], row["vigore"], row["valido_al"]) for row in rows] == [
        ("BANDI", "SCADUTO", "2021-12-01"), ("VECCHIO", "FUORI_TASSONOMIA", None),
    ]  # fmt: skip
    # All codes end in 2080.
    assert len(json.loads(configured.good("tassonomia", "avvisi", "--giorni", "3660", "--json"))) == 2


def test_who_configures_an_ended_code_is_warned_and_not_refused(shell: Shell, tmp_path: Path) -> None:
    file = tmp_path / "enti.yaml"
    file.write_text(Path(DEMO).read_text(encoding="utf-8").replace("9/0101101IM/", ENDED), encoding="utf-8")

    planned, applied = shell.run("config", "plan", str(file)), shell.run("config", "apply", str(file), "--json")
    added = shell.run("tipo", "add", "C_PROVA", "IGNOTO", "--descrizione", "x", "--tassonomia", "8/0109999IM/")

    assert [result.exit_code for result in (planned, applied, added)] == [0, 0, 0]
    warning = f"attenzione: ente C_PROVA, tipo TARI: il codice {ENDED} è scaduto il 2021-12-01\n"
    assert planned.stderr == applied.stderr == warning
    assert isinstance(json.loads(applied.stdout), list)
    assert "il codice 8/0109999IM/ non è nella tassonomia pagoPA" in added.stderr
