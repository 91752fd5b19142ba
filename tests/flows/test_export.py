"""A booked export with real processes: paid, booked, written, downloaded; and begun again when its writer is killed."""

from __future__ import annotations

import csv
import io
import os
import re
import signal
import subprocess
import uuid
import zipfile
from datetime import UTC, date, datetime, timedelta
from html import unescape
from pathlib import Path
from typing import Any

from sqlalchemy import insert, select, update

from hub import app_flussi
from hub.domain.iuv import build_iuv
from hub.store import schema
from tests.flows.plant import HTTP, NS, PASSWORD, Plant, field, until
from tests.world import World

ROWS = 6_000
RT = (Path(__file__).parents[1] / "data" / "rt" / "pagata.xml").read_bytes()


def test_what_was_paid_is_downloaded_as_a_file(database_url: str, tmp_path: Path) -> None:
    with Plant(tmp_path, database_url) as plant:
        plant.prepare()
        plant.up("simulator", "serve", "worker-1")
        paid = plant.tell()
        header = f'<h:intestazionePPT xmlns:h="{NS}ppthead"><codIpaEnte>C_PROVA</codIpaEnte></h:intestazionePPT>'
        began = (datetime.now(UTC) - timedelta(days=1)).isoformat()
        window = f"<dateFrom>{began}</dateFrom><ricevuta>true</ricevuta><incrementale>false</incrementale>"
        booked = plant.call(
            "paaSILPrenotaExportFlussoIncrementaleConRicevuta", f"<password>{PASSWORD}</password>{window}", header
        )
        asked = f"<password>{PASSWORD}</password><requestToken>{field(booked, 'requestToken')}</requestToken>"

        def url() -> str | None:
            answer = plant.call("paaSILChiediStatoExportFlusso", asked, header)
            found = re.search("<downloadUrl>(http.*?)</downloadUrl>", answer)
            return unescape(found.group(1)) if found else None

        answer = HTTP.request("GET", until(url, 60))

    assert answer.status == 200
    with zipfile.ZipFile(io.BytesIO(answer.data)) as archive:
        text = archive.read(archive.namelist()[0]).decode()
    (row,) = csv.DictReader(io.StringIO(text, newline=""), delimiter=";")
    assert (row["codIud"], row["codIuv"]) == (paid.iud, paid.iuv)
    assert row["rt"] and row["codiceEsitoPagamento"] == "0"


def lay_paid(world: World) -> None:
    at = world.clock()
    common = {"ente_id": 1, "dominio": "12345678903", "created_at": at, "updated_at": at}
    ids = [(uuid.uuid4().hex, build_iuv(1, number)) for number in range(1, ROWS + 1)]
    carrelli = [
        {"id": id, "iuv": iuv, "stato": "PAGATO", "importo_cent": 100, "esito_locale": RT} | common for id, iuv in ids
    ]
    paid: dict[str, Any] = {
        "posizione": 1, "tipo": "TARI", "importo_cent": 100, "causale": "c", "dati_specifici": "9/0101101IM/",
        "stato": "COMPLETATO", "codice_esito": 0, "importo_pagato_cent": 100, "iur": "IUR",
        "data_esito": date(2026, 11, 20),
    } | common  # fmt: skip
    with world.db.transaction() as session:
        session.execute(insert(schema.carrelli), carrelli)
        session.execute(
            insert(schema.dovuti), [paid | {"id": id, "carrello_id": id, "iud": id, "iuv": iuv} for id, iuv in ids]
        )
        session.execute(
            insert(schema.prenotazioni_export),
            {
                "request_token": "t", "ente_id": 1, "genere": "PAGATI", "versione": "1.0", "stato": "LOAD_EXPORT",
                "giorno_da": date(2026, 11, 20), "giorno_a": date(2026, 11, 20), "eseguibile_at": at,
                "created_at": at, "updated_at": at,
            },
        )  # fmt: skip


def test_a_writer_killed_in_the_middle_is_replaced_and_the_file_is_whole(world: World, tmp_path: Path) -> None:
    lay_paid(world)
    env = os.environ | {
        "PONTEPA_AMBIENTE": "sviluppo", "PONTEPA_DATA_DIR": str(tmp_path / "dati"), "PONTEPA_TICK_S": "0.1",
        "PONTEPA_DATABASE_URL": world.db.engine.url.render_as_string(hide_password=False),
    }  # fmt: skip

    def start() -> subprocess.Popen[bytes]:
        return subprocess.Popen(app_flussi.command(), env=env, stdin=subprocess.PIPE, stderr=subprocess.DEVNULL)

    def state(*wanted: str) -> str | None:
        with world.db.reading() as session:
            found: str = session.execute(select(schema.prenotazioni_export.c.stato)).scalar_one()
        return found if found in wanted else None

    first = start()
    until(lambda: state("EXPORT_IN_ELAB", "EXPORT_ESEGUITO"), 60)
    first.send_signal(signal.SIGKILL)
    first.wait(60)
    assert state("EXPORT_IN_ELAB"), "the export was over before its writer could be killed: more rows"
    # Two minutes are too long to wait.
    with world.db.transaction() as session:
        over = datetime.now(UTC) - timedelta(seconds=1)
        session.execute(update(schema.prenotazioni_export).values(lease_until=over))
    second = start()
    until(lambda: state("EXPORT_ESEGUITO"), 120)
    second.terminate()
    second.wait(60)

    row = world.one(schema.prenotazioni_export)
    assert (row.righe, row.fence) == (ROWS, 2)
    with zipfile.ZipFile(tmp_path / "dati" / "archivio" / row.file) as archive:
        lines = archive.read(archive.namelist()[0]).decode().splitlines()
    assert len(set(lines)) == len(lines) == ROWS + 1
