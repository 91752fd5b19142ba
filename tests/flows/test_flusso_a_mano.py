"""A flow in the hands of an operator, from the command line alone, with the real process of flows beside it."""

from __future__ import annotations

import json
import os
import subprocess
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Row, select

from hub import app_flussi
from hub.store import schema
from hub.store.database import Database
from tests.test_cli import DEMO, Shell
from tests.tracciati import make_campi, make_csv, make_zip, rows


@pytest.fixture
def desk(database_url: str, tmp_path: Path) -> Iterator[Shell]:
    """The demo's enti, and a process that loads flows."""
    shell = Shell(database_url)
    shell.env |= {"PONTEPA_DATA_DIR": str(tmp_path / "dati"), "PONTEPA_TICK_S": "0.1"}
    shell.good("config", "apply", DEMO)
    env = {**os.environ, **shell.env}
    process = subprocess.Popen(
        app_flussi.command(), env=env, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    yield shell
    process.terminate()
    process.wait(60)


def lay(folder: Path, iuf: str, *righe: list[str] | str) -> str:
    base = f"C_PROVA-{iuf}-1_3"
    (folder / f"{base}.zip").write_bytes(make_zip([(f"{base}.csv", make_csv(*righe))]).getvalue())
    return str(folder / f"{base}.zip")


def carica(desk: Shell, file: str) -> Any:
    return desk.run("flusso", "carica", file, "--ente", "C_PROVA", "--attendi")


def payable(desk: Shell) -> list[Row[Any]]:
    db = Database.open(desk.url)
    with db.reading() as session:
        found = list(session.execute(select(schema.dovuti).where(schema.dovuti.c.attuale)))
    db.close()
    return found


def test_brought_loaded_downloaded_cancelled_and_brought_again(desk: Shell, tmp_path: Path) -> None:
    loaded = carica(desk, lay(tmp_path, "F1", *rows(300, iuv=True)))
    assert loaded.exit_code == 0, loaded.output
    assert "flusso C_PROVA-F1-1_3.zip: IMPORT_ESEGUITO, righe 300, scartate 0" in loaded.stdout
    shown = json.loads(desk.good("flusso", "show", "C_PROVA-F1-1_3", "--json"))
    assert (shown["stato_flusso"], shown["righe"], shown["percento"]) == ("CARICATO", 300, 100)
    assert shown["rimasti_s"] is None

    again = carica(desk, lay(tmp_path, "F2", *rows(2, iuv=True)))
    assert again.exit_code == 1 and "righe scartate: 2 su 2" in again.stderr
    desk.good("flusso", "scarica", "C_PROVA-F2-1_3", "--scarti", "--in", str(tmp_path))
    with zipfile.ZipFile(tmp_path / "C_PROVA-F2-1_3_SCARTI.zip") as archive:
        assert archive.read("C_PROVA-F2-1_3_SCARTI.csv").decode().count("PAA_IMPORT_IUD_DUPLICATO") == 2

    said = desk.good("flusso", "annulla", "C_PROVA-F1-1_3", "--si")
    assert said.endswith("dovuti annullati 300, lasciati 0 pagati e 0 in pagamento\n")

    last = carica(desk, lay(tmp_path, "F3", *rows(2, iuv=True)))
    assert last.exit_code == 0, last.output


def test_what_a_later_flow_modified_stays_when_the_first_is_cancelled(desk: Shell, tmp_path: Path) -> None:
    righe = [make_campi(IUD=iud, flgGeneraIuv="false") for iud in "ABC"]
    assert carica(desk, lay(tmp_path, "F1", *righe)).exit_code == 0
    changed = make_campi(IUD="B", flgGeneraIuv="false", importoDovuto="7.00", azione="M")
    assert carica(desk, lay(tmp_path, "F2", changed)).exit_code == 0

    said = desk.good("flusso", "annulla", "C_PROVA-F1-1_3", "--si")

    assert "dovuti annullati 2," in said
    assert [(row.iud, row.importo_cent, row.stato) for row in payable(desk)] == [("B", 700, "INSERIMENTO_DOVUTO")]
