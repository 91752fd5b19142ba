"""Incremental windows fed back one after the other: nothing is lost and nothing repeated while payments are written.

Source: flows, 3.1 and 13, vector 11.
"""

from __future__ import annotations

import csv
import io
import random
import threading
import time
import uuid
import zipfile
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import insert

from hub.domain.errors import OutOfService
from hub.domain.stati import StatoDovuto
from hub.store import chiusure_export, depositati, dovuti, schema
from hub.store.database import Database
from hub.usecases import esporta
from tests.esportazioni import book_incremental, iuv_of, pay, rows_of, tick
from tests.world import World

RT = (Path(__file__).parents[1] / "data" / "rt" / "pagata.xml").read_bytes()
# More payments than there is time for: the windows end first.
WRITERS, PAYMENTS, WINDOWS = 4, 500, 8
PAID = {"codice_esito": 0, "importo_pagato_cent": 100, "iur": "IUR", "data_esito": date(2026, 11, 21)}
A, B = "ente:1", "ente:2"


def utc_now() -> datetime:
    return datetime.now(UTC)


def test_windows_fed_back_by_the_contract_share_nothing_and_leave_nothing_out(world):
    watermark = datetime(2026, 11, 20, tzinfo=UTC)
    found = []
    for number in range(1, 6):
        pay(world, number)
        request_token, watermark = book_incremental(world, watermark)
        # In the same second as the booking, and after it.
        pay(world, 10 + number)
        tick(world)
        found += [row["codIuv"] for row in rows_of(world, request_token)]
        world.clock.advance(1)
    request_token, _ = book_incremental(world, watermark)
    tick(world)
    found += [row["codIuv"] for row in rows_of(world, request_token)]

    assert sorted(found) == sorted(iuv_of(number) for number in (*range(1, 6), *range(11, 16)))


def test_a_receipt_that_was_read_before_the_window_closed_belongs_to_the_next(world):
    """Its clock was read, then the process stood still; whoever comes later is dated after the window."""
    begun = world.clock()
    paid = pay(world, esito=1)
    id_session = world.attempt(None, paid.iuv)
    world.clock.advance(10)
    first, watermark = book_incremental(world, begun)
    tick(world)
    world.clock.now = begun
    world.conclude(id_session, 0)
    world.clock.advance(20)

    second, _ = book_incremental(world, watermark)
    tick(world)

    assert rows_of(world, first) == []
    assert [row["codIud"] for row in rows_of(world, second)] == [paid.iud]


def test_a_window_closes_for_its_ente_alone(db):
    edge = datetime(2026, 11, 21, 12, tzinfo=UTC)
    early = edge - timedelta(seconds=1)
    with db.transaction() as session:
        chiusure_export.close(session, [A], edge)
    with db.transaction() as session:
        chiusure_export.close(session, [A], early)

    with db.transaction() as session:
        dates = [chiusure_export.date_of(session, chiavi, early) for chiavi in ([A], [B], [B, A])]
        late = chiusure_export.date_of(session, [A], edge + timedelta(seconds=1))

    assert dates == [edge, early, edge]
    assert late == edge + timedelta(seconds=1)


def test_closing_waits_for_who_asked_before(db, database_url):
    """PostgreSQL gives way after a moment, so that payments behind it go on; SQLite waits for its one writer."""
    edge, other = datetime(2026, 11, 21, 12, tzinfo=UTC), Database.open(database_url)
    has_closed = threading.Event()

    def close() -> None:
        with other.transaction() as session:
            chiusure_export.close(session, [A], edge)
        has_closed.set()

    with ThreadPoolExecutor(1) as pool:
        with db.transaction() as session:
            chiusure_export.date_of(session, [A], edge)
            attempt = pool.submit(close)
            if db.is_postgresql:
                with pytest.raises(OutOfService):
                    attempt.result(30)
            else:
                assert not has_closed.wait(0.3)
        (pool.submit(close) if db.is_postgresql else attempt).result(30)
    other.close()

    assert has_closed.is_set()


def test_two_payments_never_wait_for_each_other(postgresql_url):
    db = Database.open(postgresql_url)
    now = utc_now()
    with db.transaction() as first:
        chiusure_export.date_of(first, [A, B], now)
        with db.transaction() as second:
            assert chiusure_export.date_of(second, [B, A], now) == now
    db.close()


def lay_unpaid(world: World, count: int) -> list[str]:
    ids = [uuid.uuid4().hex for _ in range(count)]
    at = world.clock()
    stamped = {"ente_id": 1, "dominio": "12345678903", "created_at": at, "updated_at": at}
    carrelli = [
        {"id": id, "iuv": iuv_of(number), "stato": "PAGATO", "importo_cent": 100, "esito_locale": RT} | stamped
        for number, id in enumerate(ids, 1)
    ]
    rows = [
        {
            "id": id, "carrello_id": id, "iud": id, "iuv": iuv_of(number), "posizione": 1, "tipo": "TARI",
            "importo_cent": 100, "causale": "c", "dati_specifici": "9/0101101IM/", "stato": "PAGAMENTO_INIZIATO",
        }
        | stamped
        for number, id in enumerate(ids, 1)
    ]  # fmt: skip
    with world.db.transaction() as session:
        session.execute(insert(schema.carrelli), carrelli)
        session.execute(insert(schema.dovuti), rows)
    return ids


def write_payments(url: str, ids: list[str], seed: int, is_enough: threading.Event) -> list[str]:
    """A process of its own that dates a payment early, begins its transaction later and commits later still."""
    dice, db, paid = random.Random(seed), Database.open(url), []
    for id in ids:
        if is_enough.is_set():
            break
        now = utc_now()
        time.sleep(dice.uniform(0, 0.03))
        with db.transaction() as session:
            row = depositati.find_version(session, id)
            time.sleep(dice.uniform(0, 0.01))
            dovuti.move(session, row, to=StatoDovuto.COMPLETATO, at=now, **PAID)
            time.sleep(dice.uniform(0, 0.03))
        paid.append(id)
    db.close()
    return paid


def export(world: World, da: datetime, a: datetime) -> list[str]:
    """The IUD of one window; its edge is as fine as the clock, where the contract's is a second."""
    request_token = str(uuid.uuid4())
    world.lay(
        schema.prenotazioni_export,
        **{"request_token": request_token, "ente_id": 1, "genere": "PAGATI", "versione": "1.0", "incrementale": True},
        **{"istante_da": da, "istante_a": a, "stato": "LOAD_EXPORT", "eseguibile_at": da, "created_at": da},
        updated_at=da,
    )
    assert esporta.run_once(world.db, world.runtime.archivio, utc_now)
    row = world.one(schema.prenotazioni_export, request_token=request_token)
    if row.stato == "EXPORT_ESEGUITO_NESSUN_DOVUTO_TROVATO":
        return []
    assert row.stato == "EXPORT_ESEGUITO"
    with world.runtime.archivio.open(row.file) as file, zipfile.ZipFile(file) as archive:
        text = archive.read(archive.namelist()[0]).decode()
    return [line["codIud"] for line in csv.DictReader(io.StringIO(text, newline=""), delimiter=";")]


def test_no_row_is_lost_or_repeated_while_payments_commit_late_and_out_of_order(world, database_url):
    ids = lay_unpaid(world, WRITERS * PAYMENTS)
    began = edge = utc_now() - timedelta(seconds=1)
    found: Counter[str] = Counter()
    is_enough = threading.Event()

    with ThreadPoolExecutor(WRITERS) as pool:
        writers = [
            pool.submit(write_payments, database_url, ids[turn::WRITERS], turn, is_enough) for turn in range(WRITERS)
        ]
        try:
            for _ in range(WINDOWS):
                before, edge = edge, utc_now()
                found.update(export(world, before, edge))
        finally:
            is_enough.set()
        paid = [id for writer in writers for id in writer.result(60)]
    # What was dated after the last window, some of it by the window itself.
    found.update(export(world, edge, utc_now() + timedelta(seconds=1)))

    assert paid
    assert (set(paid) - set(found), {iud: times for iud, times in found.items() if times > 1}) == (set(), {})
    assert sorted(export(world, began, utc_now() + timedelta(seconds=1))) == sorted(paid)
