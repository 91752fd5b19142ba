"""Delivered messages and unpaid sessions go when their time is over, and nothing else does. On both databases."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import insert, select, update

from hub.store import schema
from hub.usecases import forget_conclusi
from hub.usecases.forget_conclusi import Permanenza
from tests.world import World

DAY = timedelta(days=1)
DUE = Permanenza(messaggi=90 * DAY, sessioni=30 * DAY)


def lay_message(world: World, stato: str, settled_at: datetime | None) -> int:
    row = {
        "topic": "ente.esito", "chiave": "k", "payload": b"x", "stato": stato, "correlation_id": "c",
        "next_attempt_at": world.clock(), "created_at": world.clock(), "settled_at": settled_at,
    }  # fmt: skip
    with world.db.transaction() as session:
        return int(session.execute(insert(schema.outbox).returning(schema.outbox.c.id), row).scalar_one())


def lay_session(world: World, id_session: str, stato: str, expires_at: datetime, *, has_carrello: bool = False) -> None:
    now = world.clock()
    sessione = {
        "id_session": id_session, "ente_id": 1, "stato": stato, "show_mypay": "NONE", "documento": b"x",
        "nome_pagatore": "Mario Rossi", "created_at": now, "expires_at": expires_at, "updated_at": now,
        "correlation_id": "c",
    }  # fmt: skip
    element = {"id_session": id_session, "posizione": 1, "ente_id": 1, "documento": b"x"}
    carrello = {
        "id": id_session, "id_session": id_session, "ente_id": 1, "dominio": "12345678903", "iuv": id_session,
        "stato": "SCADUTO", "importo_cent": 1, "created_at": now, "updated_at": now,
    }  # fmt: skip
    with world.db.transaction() as session:
        session.execute(insert(schema.sessioni), sessione)
        session.execute(insert(schema.sessioni_elementi), element)
        if has_carrello:
            session.execute(insert(schema.carrelli), carrello)


def left(world: World, column: Any) -> list[Any]:
    with world.db.reading() as session:
        return list(session.execute(select(column).order_by(column)).scalars())


def forget(world: World) -> bool:
    return forget_conclusi.run_once(world.db, DUE, world.clock())


def test_a_delivered_message_goes_after_its_days_and_not_before(world: World) -> None:
    old = lay_message(world, "CONSEGNATO", world.clock() - 91 * DAY)
    young = lay_message(world, "CONSEGNATO", world.clock() - 89 * DAY)

    forget(world)

    assert left(world, schema.outbox.c.id) == [young]
    assert old != young


@pytest.mark.parametrize("stato", ["RIFIUTATO", "PARCHEGGIATO", "DA_INVIARE", "SCONOSCIUTO", "IN_INVIO"])
def test_a_message_that_was_not_delivered_stays_however_old(world: World, stato: str) -> None:
    message = lay_message(world, stato, world.clock() - 900 * DAY)

    forget(world)

    assert left(world, schema.outbox.c.id) == [message]


def test_a_session_that_nobody_paid_goes_with_its_payer_and_what_it_was_made_of(world: World) -> None:
    lay_session(world, "vecchia", "SCADUTO", world.clock() - 31 * DAY)
    lay_session(world, "giovane", "SCADUTO", world.clock() - 29 * DAY)

    forget(world)

    assert left(world, schema.sessioni.c.id_session) == ["giovane"]
    assert left(world, schema.sessioni_elementi.c.id_session) == ["giovane"]


@pytest.mark.parametrize("stato", ["PAGATO", "NON_PAGATO", "PAGAM_IN_CORSO", "NUOVO_CARRELLO", "PARZ_PAGATO"])
def test_a_session_in_another_state_stays_however_old(world: World, stato: str) -> None:
    lay_session(world, "s", stato, world.clock() - 900 * DAY)

    forget(world)

    assert left(world, schema.sessioni.c.id_session) == ["s"]


def test_a_session_that_went_to_the_node_stays_with_its_carrello(world: World) -> None:
    lay_session(world, "s", "SCADUTO", world.clock() - 900 * DAY, has_carrello=True)

    forget(world)

    assert left(world, schema.sessioni.c.id_session) == ["s"]
    assert left(world, schema.carrelli.c.id) == ["s"]


def test_more_than_a_batch_goes_in_several_ticks(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(forget_conclusi, "_BATCH", 2)
    for _ in range(3):
        lay_message(world, "CONSEGNATO", world.clock() - 91 * DAY)

    assert forget(world)
    assert len(left(world, schema.outbox.c.id)) == 1
    assert not forget(world)

    assert left(world, schema.outbox.c.id) == []


def test_the_outcome_that_was_told_stays_when_its_message_goes(world: World) -> None:
    message = lay_message(world, "CONSEGNATO", world.clock() - 91 * DAY)
    evento = {
        "id": "e", "ente_id": 1, "iud": "I", "sequenza": 1, "tipo": "TARI", "codice_esito": 0,
        "messaggio_id": message, "created_at": world.clock(),
    }  # fmt: skip
    with world.db.transaction() as session:
        session.execute(insert(schema.eventi_esito), evento)
        session.execute(update(schema.eventi_esito).values(consegnato_at=world.clock()))

    forget(world)

    assert left(world, schema.eventi_esito.c.id) == ["e"]
    assert left(world, schema.outbox.c.id) == []
