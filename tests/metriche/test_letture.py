"""What is read of the database: once for all processes, by indexes, and exact."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import event, select, text, update
from werkzeug.test import Client

from hub.domain.delivery import Delivery, Outcome
from hub.store import acquisizioni_fdr, misure, pagati_fdr, schema
from hub.store.database import Database
from hub.usecases.leggi_misure import Lettura, count_missing_fdr, leggi_misure
from hub.web import create_front
from tests.metriche.esposte import Esposte, of_world, read
from tests.rendicontazioni import NodoInMemoria, Rendicontazione
from tests.ricevute import pay
from tests.world import TOPIC_RPT, World

EVERY = timedelta(seconds=10)
# What grows for ever, or may be long: it is never walked over.
LARGE = {
    "dovuti", "outbox", "tentativi", "rt_ricevute", "carrelli", "sessioni", "rendicontazioni", "rendicontazioni_righe",
    "flussi_import", "flussi_righe", "prenotazioni_export", "eventi_esito", "trasferimenti_ricevute",
}  # fmt: skip


def lettura(world: World, every: timedelta = EVERY) -> Lettura:
    return Lettura(("nodo.rpt", "ente.esito"), timedelta(minutes=30), every)


def value(world: World, name: str, *labels: str, every: timedelta = EVERY) -> int:
    """What a process is told of one name, as /metrics would tell it."""
    rows = leggi_misure(world.db, lettura(world, every), world.clock)[name]
    return dict((tuple(found), number) for found, number in rows)[labels]


def test_one_reading_is_good_for_all_processes_until_its_time_is_over(world: World) -> None:
    assert value(world, "pontepa_outbox_messages", "DA_INVIARE") == 0
    world.begin()

    assert value(world, "pontepa_outbox_messages", "DA_INVIARE") == 0
    world.clock.advance(9)
    assert value(world, "pontepa_reading_age_seconds") == 9
    world.clock.advance(1)
    assert value(world, "pontepa_outbox_messages", "DA_INVIARE") == 1
    assert value(world, "pontepa_reading_age_seconds") == 0


def test_with_nought_seconds_each_question_reads(world: World) -> None:
    world.begin()
    assert value(world, "pontepa_outbox_messages", "DA_INVIARE", every=timedelta(0)) == 1

    world.begin()

    assert value(world, "pontepa_outbox_messages", "DA_INVIARE", every=timedelta(0)) == 2
    assert world.rows(schema.misure) == []


def test_while_one_reads_the_others_tell_what_was_read_before(world: World) -> None:
    value(world, "pontepa_outbox_messages", "DA_INVIARE")
    world.begin()
    world.clock.advance(10)
    with world.db.transaction() as session:
        assert misure.take(session, "pronta", world.clock(), world.clock() + timedelta(minutes=1))

    assert value(world, "pontepa_outbox_messages", "DA_INVIARE") == 0
    # Who took it has died.
    world.clock.advance(60)
    assert value(world, "pontepa_outbox_messages", "DA_INVIARE") == 1


def test_a_reading_is_one_readers(world: World) -> None:
    now = world.clock()
    with world.db.transaction() as session:
        first = misure.take(session, "pronta", now, now + EVERY)
        second = misure.take(session, "pronta", now, now + EVERY)

    assert (first, second) == (True, False)


def test_a_clock_that_was_put_back_does_not_stop_the_readings(world: World) -> None:
    world.clock.advance(3 * 86_400)
    value(world, "pontepa_outbox_messages", "DA_INVIARE")
    world.begin()

    world.clock.advance(-3 * 86_400)

    assert value(world, "pontepa_outbox_messages", "DA_INVIARE") == 1


def test_a_slow_reading_is_made_less_often(world: World) -> None:
    """One part in twenty of the database's time, and never older than five minutes."""
    clock = world.clock
    calls = iter([clock.now, clock.now, clock.now + timedelta(seconds=4)])

    leggi_misure(world.db, lettura(world), lambda: next(calls))

    row = world.one(schema.misure)
    assert (row.durata_ms, row.non_prima_at) == (4000, clock.now + timedelta(seconds=84))


def test_the_outbox_is_told_by_topic_with_ages(world: World) -> None:
    id_session = world.begin()
    world.clock.advance(30)
    world.begin()
    with world.db.transaction() as session:
        waiting = update(schema.outbox).where(schema.outbox.c.id == world.messaggio(id_session).id)
        session.execute(waiting.values(next_attempt_at=world.clock() + timedelta(seconds=100)))
    world.clock.advance(20)

    found = of_world(world)

    assert found[f'pontepa_outbox_topic_messages{{stato="DA_INVIARE",topic="{TOPIC_RPT}"}}'] == 2
    assert found[f'pontepa_outbox_oldest_seconds{{topic="{TOPIC_RPT}"}}'] == 50
    assert found[f'pontepa_outbox_overdue_seconds{{topic="{TOPIC_RPT}"}}'] == 20
    assert [found[f'pontepa_outbox_messages{{stato="{stato}"}}'] for stato in ("DA_INVIARE", "PARCHEGGIATO")] == [2, 0]


def test_what_was_parked_is_no_open_message(world: World) -> None:
    message = world.messaggio(world.begin())
    world.change(schema.outbox, "id", message.id, stato="PARCHEGGIATO")
    world.clock.advance(60)

    found = of_world(world)

    assert found[f'pontepa_outbox_topic_messages{{stato="PARCHEGGIATO",topic="{TOPIC_RPT}"}}'] == 1
    assert f'pontepa_outbox_oldest_seconds{{topic="{TOPIC_RPT}"}}' not in found


def test_a_topic_without_messages_is_told_as_nought(world: World) -> None:
    assert value(world, "pontepa_outbox_overdue_seconds", "ente.esito") == 0
    assert value(world, "pontepa_outbox_topic_messages", "nodo.rpt", "PARCHEGGIATO") == 0


def test_attempts_are_told_by_state_and_age(world: World) -> None:
    world.nodo.sends.append(Delivery(Outcome.UNKNOWN, "TIMEOUT"))
    world.begin()
    world.relay()
    world.clock.advance(59)
    world.begin()
    young = _ages(of_world(world))
    world.clock.advance(3 * 3600)

    found = of_world(world)

    assert young == {("SCONOSCIUTO", "1m"): 1, ("DA_INVIARE", "1m"): 1}
    assert _ages(found) == {("SCONOSCIUTO", "24h"): 1, ("DA_INVIARE", "24h"): 1}
    assert found['pontepa_attempts_oldest_seconds{stato="SCONOSCIUTO"}'] == 3 * 3600 + 59


def _ages(found: Esposte) -> dict[tuple[str, str], float]:
    """The bands that are not empty."""
    bands = ("1m", "10m", "1h", "24h", "oltre")
    all_of_them = {
        (stato, eta): found[f'pontepa_attempts_open_by_age{{eta="{eta}",stato="{stato}"}}']
        for stato in ("DA_INVIARE", "SCONOSCIUTO", "ACCETTATO")
        for eta in bands
    }
    return {key: number for key, number in all_of_them.items() if number}


@pytest.fixture
def fdr(world: World) -> Rendicontazione:
    world.clock.now = datetime(2026, 11, 16, 11, tzinfo=UTC)
    fdr = Rendicontazione(world, NodoInMemoria())
    fdr.elenca()
    world.lay_avviso("01000000000000144")
    pay(world, iuv="01000000000000144", receipt_id="token-1", pagato_at="2026-11-16T10:00:00")
    return fdr


@pytest.mark.parametrize(("days", "late", "lost"), [(3, 0, 0), (4, 1, 0), (33, 1, 0), (34, 0, 1)])
def test_payments_whose_settlement_flow_is_missing_are_counted_as_the_calendar_has_them(
    fdr: Rendicontazione, days: int, late: int, lost: int
) -> None:
    world = fdr.world
    world.clock.advance(days * 86_400)

    count_missing_fdr(world.db, world.clock())

    found = of_world(world)
    assert found['pontepa_rendicontazioni_missing_payments{stato="IN_RITARDO"}'] == late
    assert found['pontepa_rendicontazioni_missing_payments{stato="DA_CHIEDERE"}'] == lost


def test_missing_flows_are_looked_for_every_six_hours(fdr: Rendicontazione) -> None:
    world = fdr.world
    count_missing_fdr(world.db, world.clock())
    world.clock.advance(4 * 86_400)
    count_missing_fdr(world.db, world.clock())
    world.clock.advance(6 * 3600 - 1)
    first = world.one(schema.misure, lettura="fdr").letta_at
    count_missing_fdr(world.db, world.clock())
    assert world.one(schema.misure, lettura="fdr").letta_at == first

    world.clock.advance(1)
    count_missing_fdr(world.db, world.clock())

    assert world.one(schema.misure, lettura="fdr").letta_at == world.clock()


def test_without_a_database_what_was_counted_is_told(world: World, tmp_path: Path) -> None:
    absent = Database.open(f"sqlite:///{tmp_path / 'senza_tabelle.db'}")
    front = Client(create_front(replace(world.runtime, db=absent), {}))
    front.get("/health/live")

    answer = front.get("/metrics")
    absent.close()

    found = read(answer.text)
    assert (answer.status_code, found["pontepa_database_up"]) == (200, 0)
    assert found['pontepa_http_requests_total{method="GET",route="/health/live",status="200"}'] == 1
    assert not [name for name in found if name.startswith("pontepa_outbox")]


def _plans(world: World, ask: Any) -> list[str]:
    """How the database answers each statement of a question, when it may not walk over a table on a whim."""
    db, statements, found = world.db, [], []

    def note(_: Any, __: Any, statement: str, values: Any, *___: Any) -> None:
        if statement.lstrip().startswith("SELECT"):
            statements.append((statement, values))

    event.listen(db.engine, "before_cursor_execute", note)
    try:
        ask()
    finally:
        event.remove(db.engine, "before_cursor_execute", note)
    with db.transaction() as session:
        if db.is_postgresql:
            session.execute(text("SET LOCAL enable_seqscan = off"))
        for statement, values in statements:
            explain = "EXPLAIN " if db.is_postgresql else "EXPLAIN QUERY PLAN "
            found += [str(row[-1]) for row in session.exec_driver_sql(explain + statement, values)]
    return found


def test_nothing_that_grows_for_ever_is_walked_over(world: World) -> None:
    """PostgreSQL names the walk `Seq Scan on x`; SQLite `SCAN x`, without an index or with one that is not partial."""
    plans = _plans(world, lambda: leggi_misure(world.db, lettura(world, timedelta(0)), world.clock))

    walks = [line for line in plans for table in LARGE if f"Seq Scan on {table} " in line or f"SCAN {table}" == line]
    assert plans and walks == []
    # The whole of an index is read of what is counted by state, and of what is open.
    assert not [line for line in plans if "dovuti" in line]


def test_missing_flows_are_looked_for_in_the_days_of_one_ente(world: World) -> None:
    day = world.clock().date()

    plans = _plans(world, lambda: _counted(world, day))

    of_paid = "ix_dovuti_pagati" if world.db.is_postgresql else "ix_dovuti_pagati_data_esito"
    assert [line for line in plans if of_paid in line], plans
    assert not [line for line in plans if "Seq Scan on dovuti" in line or line.startswith("SCAN dovuti")]


def _counted(world: World, day: Any) -> None:
    with world.db.reading() as session:
        pagati_fdr.count_not_settled(session, day, day, 1, 100)
        acquisizioni_fdr.ente_ids(session)


def test_a_row_for_each_reading_and_no_more(world: World) -> None:
    for _ in range(3):
        world.clock.advance(60)
        value(world, "pontepa_outbox_messages", "DA_INVIARE")

    with world.db.reading() as session:
        assert session.execute(select(schema.misure.c.lettura)).scalars().all() == ["pronta"]
