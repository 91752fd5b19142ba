"""The simulation can fail: each of these ways to break the hub is found within so many seeds."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest
from sqlalchemy import select, update

from hub.domain.delivery import Delivery, Outcome
from hub.domain.stati import StatoRt
from hub.store import outbox, rt_ricevute, schema
from hub.usecases import invio_rpt, record_rt, relay_outbox
from tests.simulazione import hub as scena
from tests.simulazione.corsa import open_banco, quiet, tell_failure
from tests.simulazione.hub import Banco
from tests.simulazione.storia import Esito, racconta
from tests.world import TOPIC_RPT

# None of them has needed half as many.
_SEMI = 100


@pytest.fixture(scope="module")
def banco() -> Iterator[Banco]:
    """One bench for all: each story begins on a cleared one."""
    with quiet(), open_banco("sqlite") as banco:
        yield banco


def first_broken(banco: Banco) -> Esito:
    """The first story that breaks a promise. Fails when none of them does."""
    for seed in range(1, _SEMI + 1):
        esito = racconta(banco, seed)
        if esito.violazione:
            return esito
    pytest.fail(f"nessuna delle {_SEMI} storie se ne è accorta")


def test_a_relay_that_does_not_fence_is_found(banco, monkeypatch):
    """Whoever comes back late writes his outcome all the same."""
    settle = outbox.settle

    def unfenced(session, message, stato, now, **values):
        fence = session.execute(select(schema.outbox.c.fence).where(schema.outbox.c.id == message.id)).scalar_one()
        mine = update(schema.outbox).where(schema.outbox.c.id == message.id).values(stato="IN_INVIO")
        session.execute(mine)
        return settle(session, replace(message, fence=fence), stato, now, **values)

    monkeypatch.setattr(outbox, "settle", unfenced)

    assert "outbox" in str(first_broken(banco).violazione)


def test_a_relay_that_sends_again_without_asking_is_found(banco, monkeypatch):
    build_topic = invio_rpt.build_topic

    def hasty(collegamento, attempts_max):
        topic = build_topic(collegamento, attempts_max)
        return replace(topic, ask=lambda message: Delivery(Outcome.TRY_AGAIN, "CHISSA"))

    monkeypatch.setattr(scena, "build_topic", hasty)

    assert "due volte" in str(first_broken(banco).violazione)


def test_a_doubt_taken_for_a_failure_is_found(banco, monkeypatch):
    """The position is free while the first RPT may still be paid."""
    exchange = relay_outbox._exchange

    def rash(topic, message, limits, clock):
        delivery = exchange(topic, message, limits, clock)
        is_doubt = delivery is not None and delivery.outcome == Outcome.UNKNOWN and message.topic == TOPIC_RPT
        return replace(delivery, outcome=Outcome.REFUSED) if is_doubt else delivery

    monkeypatch.setattr(relay_outbox, "_exchange", rash)

    assert first_broken(banco).violazione


def test_a_receipt_that_is_applied_twice_is_found(banco, monkeypatch):
    """Its effect and the note that it had one are not one transaction: it has its turn again."""
    settle, forgotten = rt_ricevute.settle, set()

    def forgetful(session, row, to, at, motivo=None, **values):
        if to == StatoRt.ELABORATA and row.sha256 not in forgotten:
            forgotten.add(row.sha256)
            return True
        return settle(session, row, to, at, motivo, **values)

    monkeypatch.setattr(rt_ricevute, "settle", forgetful)

    assert first_broken(banco).violazione


def test_a_receipt_that_is_thanked_before_it_is_kept_is_found(banco, monkeypatch):
    """Every other one is answered OK, and its bytes were never written."""
    keep, calls = record_rt.keep, []

    def careless(db, values, refusal):
        calls.append(1)
        return keep(db, values, refusal) if len(calls) % 2 else None

    monkeypatch.setattr(record_rt, "keep", careless)

    assert "ringraziata" in str(first_broken(banco).violazione)


def test_a_broken_promise_comes_with_the_script_and_the_command(banco, monkeypatch, capsys):
    monkeypatch.setattr(record_rt, "keep", lambda db, values, refusal: None)
    broken = first_broken(banco)

    tell_failure(broken, "sqlite")

    told = capsys.readouterr().out
    assert f"python -m tests.simulazione --seme {broken.seed} --database sqlite" in told
    assert str(broken.violazione) in told and "invia RPT" in told
