"""`pontepa flusso check`: what it prints of a good and of a bad flow, how it ends, and that it stores nothing."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from hub import cli_flusso
from tests.test_cli import Shell, configured, shell
from tests.tracciati import make_campi, make_csv, make_zip, rows

__all__ = ["configured", "shell"]
CSV = "C_PROVA-F1-1_3.csv"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "flussi").mkdir()
    return tmp_path / "flussi"


def lay(folder: Path, data: bytes, name: str = CSV) -> str:
    (folder / name).write_bytes(data)
    return str(folder / name)


def test_a_good_flow_says_what_it_would_do_and_needs_no_installation(folder: Path) -> None:
    file = lay(folder, make_csv(make_campi(), make_campi(IUD="B", azione="M", importoDovuto="0.50")))
    nowhere = Shell(f"sqlite:///{folder / 'nessuno' / 'x.db'}")
    nowhere.env.pop("PONTEPA_AMBIENTE")

    said = nowhere.good("flusso", "check", file)

    assert "righe: 2, scartate: 0\nnuovi: 1, euro 100.00\nmodificati: 1, euro 0.50\nannullati: 0, euro 0.00\n" in said
    assert "serve --ente" in said
    assert sorted(path.name for path in folder.iterdir()) == [CSV]


def test_a_bad_row_is_told_with_line_column_value_code_and_what_to_write(folder: Path, shell: Shell) -> None:
    rotta = make_campi(IUD="B", importoDovuto="12,50", codiceIdentificativoUnivoco="")
    file = lay(folder, make_csv(make_campi(), "", rotta, make_campi(IUD="C", provinciaPagatore="XX")))

    result = shell.run("flusso", "check", file)

    assert (result.exit_code, result.stderr) == (1, "righe scartate: 2 su 3\n")
    assert (
        "riga 2 (linea 4), importoDovuto '12,50': PAA_IMPORT_SINTASSI_CSV: IMPORTO_DOVUTO NON CONFROME: 12,50\n"
        "    scrivere: cifre, un punto e due decimali, per esempio 120.50"
    ) in result.stdout
    assert "codiceIdentificativoUnivoco '': PAA_IMPORT_SINTASSI_CSV: CODICE_IDENTIFICATIVO_UNIVOCO NON" in result.stdout
    assert "riga 3 (linea 5), provinciaPagatore 'XX': PAA_IMPORT_SINTASSI_CSV_PROV: provincia" in result.stdout
    assert "nuovi: 1, euro 100.00" in result.stdout


def test_a_zip_is_read_like_the_csv_in_it(folder: Path, shell: Shell) -> None:
    data = make_csv(make_campi())
    good = lay(folder, make_zip([(CSV, data)]).getvalue(), "C_PROVA-F1-1_3.zip")
    other = lay(folder, make_zip([("altro.csv", data)]).getvalue(), "C_PROVA-F2-1_3.zip")

    assert "nuovi: 1" in shell.good("flusso", "check", good)
    assert "PAA_IMPORT_NO_CSV" in shell.bad("flusso", "check", other)


def test_a_file_that_cannot_be_a_flow_is_a_sentence(folder: Path, shell: Shell) -> None:
    data = make_csv(make_campi())

    hyphen = shell.bad("flusso", "check", lay(folder, data, "ENTE-A-FLUSSO-1_3.zip"))
    assert "senza trattini" in hyphen and "PAA_IMPORT_NOME_FILE_ERR(ENTE-A-FLUSSO-1_3.zip)" in hyphen
    assert "PAA_IMPORT_FILE_VERSIONE_ERR(1_45)" in shell.bad("flusso", "check", lay(folder, data, "ENTE-F1-1_45.zip"))
    assert "vuoto" in shell.bad("flusso", "check", lay(folder, b""))
    assert "non è uno zip" in shell.bad("flusso", "check", lay(folder, data, "C_PROVA-F1-1_3.zip"))


def test_with_an_ente_its_tipi_and_dovuti_count(configured: Shell, folder: Path) -> None:
    file = lay(folder, make_csv(make_campi(tipoDovuto="IGNOTO"), make_campi(IUD="B", azione="A")))

    result = configured.run("flusso", "check", file, "--ente", "C_PROVA")

    assert result.exit_code == 1
    assert "tipoDovuto 'IGNOTO': PAA_IMPORT_SINTASSI_CSV_TIPO_DOVUTO_INESISTENTE" in result.stdout
    assert "IUD 'B': PAA_IMPORT_DOVUTO_NON_PRESENTE" in result.stdout
    assert "serve --ente" not in result.stdout
    assert "C_NESSUNO sconosciuto" in configured.bad("flusso", "check", file, "--ente", "C_NESSUNO")


@pytest.mark.parametrize("bad", [0, 2])
def test_as_json_it_is_one_object(folder: Path, shell: Shell, bad: int) -> None:
    righe = [make_campi(), *(make_campi(IUD=f"B{number}", mailPagatore="x") for number in range(bad))]

    result = shell.run("flusso", "check", lay(folder, make_csv(*righe)), "--json")

    said = json.loads(result.stdout)
    assert result.exit_code == (1 if bad else 0)
    assert said["flusso"] == {"cod_ipa_ente": "C_PROVA", "iuf": "F1", "versione": "1_3"}
    assert said["riepilogo"]["nuovi"] == {"dovuti": 1, "importo": "100.00"}
    assert [(one["riga"], one["linea"], one["campo"], one["valore"]) for one in said["scarti"]] == [
        (number + 2, number + 3, "mailPagatore", "x") for number in range(bad)
    ]


def test_a_long_trial_says_how_far_it_is(folder: Path, shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cli_flusso, "_PROGRESS_S", 0.0)

    result = shell.run("flusso", "check", lay(folder, make_csv(*rows(2000))))

    assert result.exit_code == 0
    assert "al secondo, circa" in result.stderr and "nuovi: 2000" in result.stdout


def test_codes_that_ended_are_told_and_the_trial_ends_well(folder: Path, shell: Shell) -> None:
    file = lay(folder, make_csv(make_campi(), make_campi(IUD="B", datiSpecificiRiscossione="9/0115119AP/")))

    told, said = shell.good("flusso", "check", file), json.loads(shell.good("flusso", "check", file, "--json"))

    assert "attenzione: datiSpecificiRiscossione 9/0115119AP/ SCADUTO in 1 dovuti nuovi" in told
    assert said["riepilogo"]["avvisi"] == [{"inizio": "9/0115119AP/", "stato": "SCADUTO", "dovuti": 1}]
    assert said["riepilogo"]["nuovi"]["dovuti"] == 2
