"""`pontepa flusso carica`: the file is kept as from the door, and with --attendi the operator sees it to its end."""

from __future__ import annotations

import getpass
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Row, select, update

from hub import app_flussi, cli_carica
from hub.config_reading import load_config
from hub.store import schema
from hub.store.database import Database
from tests.test_cli import DEMO, Shell
from tests.tracciati import make_campi, make_csv, make_zip, rows

BASE = "C_PROVA-F1-1_3"


@pytest.fixture
def desk(database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Shell:
    monkeypatch.setattr(cli_carica, "_LOOK_AGAIN_S", 0.01)
    shell = Shell(database_url)
    shell.env["PONTEPA_DATA_DIR"] = str(tmp_path / "dati")
    shell.good("config", "apply", DEMO)
    return shell


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / f"{BASE}.zip"
    path.write_bytes(make_zip([(f"{BASE}.csv", make_csv(make_campi()))]).getvalue())
    return path


@contextmanager
def opened(desk: Shell) -> Iterator[Database]:
    db = Database.open(desk.url)
    yield db
    db.close()


def requests(desk: Shell) -> list[Row[Any]]:
    with opened(desk) as db, db.reading() as session:
        return list(session.execute(select(schema.flussi_import).order_by(schema.flussi_import.c.id)))


@contextmanager
def worker(desk: Shell, *steps: dict[str, Any]) -> Iterator[None]:
    """Somebody who takes the file that comes and leaves the row as a worker does, step after step."""
    stop = threading.Event()

    def work() -> None:
        with opened(desk) as db:
            left = list(steps)
            while left and not stop.wait(0.05):
                with db.transaction() as session:
                    where = schema.flussi_import.c.stato.in_(("LOAD_IMPORT", "IMPORT_IN_ELAB"))
                    if session.execute(update(schema.flussi_import).where(where).values(**left[0])).rowcount:
                        left.pop(0)

    thread = threading.Thread(target=work)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join(30)


def in_elab(**values: Any) -> dict[str, Any]:
    return {"stato": "IMPORT_IN_ELAB", "stato_flusso": "LOAD_FLOW", "started_at": datetime.now(UTC)} | values


def test_the_file_waits_for_a_worker_with_the_name_of_who_brought_it(desk: Shell, file: Path) -> None:
    said = desk.good("flusso", "carica", str(file), "--ente", "C_PROVA")

    (row,) = requests(desk)
    assert said == f"flusso {BASE}.zip ricevuto: lo elabora il worker (requestToken {row.request_token})\n"
    assert (row.stato, row.nome_file, row.operatore) == ("LOAD_IMPORT", f"{BASE}.zip", getpass.getuser())
    assert (row.applicazione, row.tipi, row.stato_flusso) == (None, None, None)
    with app_flussi.build_archivio_file(load_config(None, desk.env)).open(row.file) as kept:
        assert kept.read() == file.read_bytes()
    assert json.loads(desk.good("flusso", "list", "--json"))[0]["operatore"] == getpass.getuser()


def test_a_file_that_the_door_would_refuse_is_refused_and_leaves_nothing(desk: Shell, file: Path) -> None:
    def carica(path: Path, ente: str = "C_PROVA") -> str:
        return desk.bad("flusso", "carica", str(path), "--ente", ente)

    no_zip = file.with_name("C_PROVA-F2-1_3.zip")
    no_zip.write_bytes(b"non uno zip")
    versione = file.with_name("C_PROVA-F2-1_9.zip")
    versione.write_bytes(file.read_bytes())
    altrui = file.with_name("C_VICINO-F2-1_3.zip")
    altrui.write_bytes(file.read_bytes())

    assert "C_NESSUNO sconosciuto" in carica(file, "C_NESSUNO")
    assert "il nome deve iniziare con C_PROVA-" in carica(altrui)
    assert "zip" in carica(no_zip)
    assert "versione" in carica(versione)
    desk.env["PONTEPA_MAX_UPLOAD_BYTES"] = "4096"
    big = file.with_name("C_PROVA-F3-1_3.zip")
    big.write_bytes(make_zip([("C_PROVA-F3-1_3.csv", make_csv(*rows(2000)))]).getvalue())
    assert "dividere il flusso" in carica(big)
    assert requests(desk) == []


def test_the_same_name_is_taken_once(desk: Shell, file: Path) -> None:
    desk.good("flusso", "carica", str(file), "--ente", "C_PROVA")

    assert "già stato ricevuto" in desk.bad("flusso", "carica", str(file), "--ente", "C_PROVA")

    assert len(requests(desk)) == 1


def test_waiting_ends_well_when_every_row_was_accepted(desk: Shell, file: Path) -> None:
    half = in_elab(righe_totali=1, righe_caricate=1, csv_bytes=100, csv_letti=50)
    end = {"stato": "IMPORT_ESEGUITO", "stato_flusso": "CARICATO", "righe_totali": 2, "righe_caricate": 2}

    with worker(desk, half, end | {"csv_letti": 100, "finished_at": datetime.now(UTC)}):
        result = desk.run("flusso", "carica", str(file), "--ente", "C_PROVA", "--attendi")

    assert result.exit_code == 0, result.output
    assert f"flusso {BASE}.zip: IMPORT_ESEGUITO, righe 2, scartate 0" in result.stdout
    assert BASE in result.stderr


def test_waiting_ends_with_one_when_rows_were_refused(desk: Shell, file: Path) -> None:
    end = {"stato": "IMPORT_ESEGUITO", "stato_flusso": "CARICATO", "righe_totali": 3, "righe_caricate": 1}

    with worker(desk, in_elab(**end) | end):
        result = desk.run("flusso", "carica", str(file), "--ente", "C_PROVA", "--attendi", "--json")

    (row,) = requests(desk)
    assert result.exit_code == 1
    assert json.loads(result.stdout)["righe_caricate"] == 1
    assert f"righe scartate: 2 su 3; per vederle: pontepa flusso scarica {row.request_token} --scarti" in result.stderr


def test_waiting_ends_with_one_when_the_file_was_aborted(desk: Shell, file: Path) -> None:
    with worker(desk, {"stato": "IMPORT_ABORTITO", "codice_errore": "PAA_IMPORT_NO_CSV"}):
        result = desk.run("flusso", "carica", str(file), "--ente", "C_PROVA", "--attendi")

    assert result.exit_code == 1
    assert "è stato rifiutato: PAA_IMPORT_NO_CSV" in result.stderr
