"""The outcome on its way to the ente, over real HTTP: order, repetition, two workers, crashes, the last attempt.

Source: pa-per-ente, push of the outcome (4.2); node, backoff (2.0.5).
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest
from sqlalchemy import Row

from adapters.ente.fake import Comportamento, EnteFinto, Guasto
from hub.domain.stati import StatoMessaggio
from hub.store import outbox, schema
from hub.usecases import relay_outbox
from tests.factories import make_documento, make_voce
from tests.inoltro import CHIAVE, configure_inoltro, inoltro_topics, pay, refuse, relay_enti
from tests.world import LIMITS, World

DOWN = Comportamento(Guasto.STATO, status=503)
LOST = Comportamento(Guasto.CHIUDE)


@pytest.fixture
def ente(world: World) -> Iterator[EnteFinto]:
    """The system of Comune di Prova, which wants the outcomes of TARI: at most four attempts."""
    with EnteFinto(CHIAVE) as ente:
        configure_inoltro(world, "TARI", url=ente.url)
        yield ente


def paid(world: World, items: int = 1) -> str:
    id_session = world.begin(make_documento(*(make_voce() for _ in range(items))))
    pay(world, id_session)
    return id_session


def messages(world: World) -> list[Row]:
    return world.rows(schema.outbox, topic="ente.esito")


def the_message(world: World) -> Row:
    (message,) = messages(world)
    return message


def test_each_dovuto_of_a_cart_is_told_and_acknowledged_once(world: World, ente: EnteFinto) -> None:
    paid(world, items=3)

    relay_enti(world)

    eventi = world.rows(schema.eventi_esito)
    assert sorted(ente.acknowledged) == sorted(row.id for row in eventi)
    assert len(ente.received) == 3 and all(one.is_signed for one in ente.received)
    assert {row.stato for row in messages(world)} == {"CONSEGNATO"}
    assert {row.consegnato_at for row in eventi} == {world.clock()}


def test_what_is_acknowledged_does_not_leave_again(world: World, ente: EnteFinto) -> None:
    paid(world)
    relay_enti(world)
    world.clock.advance(1_000_000)

    assert relay_enti(world) is False
    assert len(ente.received) == 1


@pytest.mark.parametrize(
    "come",
    [DOWN, LOST, Comportamento(Guasto.FAULT, code="OCCUPATO"), Comportamento(Guasto.LENTO, seconds=0.8)],
    ids=["refused", "lost", "fault", "slow"],
)
def test_whatever_happened_the_same_event_with_the_same_bytes_goes_again(
    world: World, ente: EnteFinto, come: Comportamento
) -> None:
    paid(world)
    ente.script.append(come)
    relay_enti(world)
    assert relay_enti(world) is False
    world.clock.advance(10)

    relay_enti(world)

    first, second = ente.received
    assert (first.evento, first.body) == (second.evento, second.body)
    assert the_message(world).stato == "CONSEGNATO"


def test_the_pauses_grow_as_the_node_asks_of_its_callers(world: World, ente: EnteFinto) -> None:
    """slot x (2^k - 1), slot 10 seconds."""
    paid(world)
    ente.script.extend([DOWN] * 3)
    pauses = []

    for _ in range(3):
        relay_enti(world)
        message = the_message(world)
        pauses.append((message.next_attempt_at - world.clock()).total_seconds())
        world.clock.now = message.next_attempt_at

    assert pauses == [10, 30, 70]


def test_outcomes_of_one_dovuto_arrive_in_order_though_the_first_fails(world: World, ente: EnteFinto) -> None:
    id_session = world.begin()
    refuse(world, id_session)
    pay(world, id_session)
    ente.script.extend([DOWN, LOST])

    for _ in range(4):
        relay_enti(world)
        world.clock.advance(3600)

    assert [one.sequenza for one in ente.received] == [1, 1, 1, 2]
    assert [evento.rpartition("-")[2] for evento in ente.acknowledged] == ["1", "2"]


def test_a_dovuto_that_waits_holds_up_no_other(world: World, ente: EnteFinto) -> None:
    paid(world)
    ente.script.append(DOWN)
    relay_enti(world)

    paid(world)
    relay_enti(world)

    assert [row.stato for row in messages(world)] == ["DA_INVIARE", "CONSEGNATO"]


def test_after_the_last_attempt_a_message_is_parked_with_its_reason(world: World, ente: EnteFinto) -> None:
    """Surely not taken, for the node, frees the position; for an ente somebody must look."""
    paid(world)
    ente.script.extend([DOWN] * 4)

    for _ in range(6):
        relay_enti(world)
        world.clock.advance(86_400)

    message = the_message(world)
    assert (message.stato, message.attempts, message.last_code) == ("PARCHEGGIATO", 4, "HTTP_503")
    assert message.motivo == "tentativi esauriti: il sistema dell'ente ha risposto: HTTP 503"
    assert len(ente.received) == 4


def test_an_unknown_end_is_repeated_and_parked_too(world: World, ente: EnteFinto) -> None:
    paid(world)
    ente.script.extend([LOST] * 4)

    for _ in range(6):
        relay_enti(world)
        world.clock.advance(86_400)

    assert the_message(world).stato == "PARCHEGGIATO"
    assert len({one.evento for one in ente.received}) == 1 and len(ente.received) == 4


def test_a_parked_message_that_is_tried_again_is_the_same_event(world: World, ente: EnteFinto) -> None:
    paid(world)
    ente.script.extend([DOWN] * 4)
    for _ in range(4):
        relay_enti(world)
        world.clock.advance(86_400)

    with world.db.transaction() as session:
        outbox.retry(session, the_message(world).id, world.clock())
    relay_enti(world)

    assert the_message(world).stato == "CONSEGNATO"
    assert {one.evento for one in ente.received} == {world.one(schema.eventi_esito).id}


@pytest.mark.parametrize("off", ["inoltro", "endpoint", "chiave", "indirizzo"])
def test_what_cannot_be_sent_is_parked_at_once_with_its_reason(world: World, ente: EnteFinto, off: str) -> None:
    paid(world)
    codes = {
        "inoltro": "INOLTRO_SPENTO", "endpoint": "INOLTRO_SPENTO", "chiave": "CHIAVE_ILLEGGIBILE",
        "indirizzo": "INDIRIZZO_NON_AMMESSO",
    }  # fmt: skip
    if off == "inoltro":
        world.change(schema.enti, "id", 1, inoltro_esito=False)
    elif off == "endpoint":
        world.change(schema.endpoint_esito, "ente_id", 1, tipo="ALTRO")
    elif off == "chiave":
        world.change(schema.endpoint_esito, "ente_id", 1, chiave_cifrata="sigillata con un'altra chiave")
    else:
        world.change(schema.endpoint_esito, "ente_id", 1, url="ftp://sportello.example.org/")

    relay_enti(world)

    message = the_message(world)
    assert (message.stato, message.last_code) == ("PARCHEGGIATO", codes[off])
    assert message.motivo
    assert ente.received == []


def test_the_address_and_key_are_those_configured_now(world: World, ente: EnteFinto) -> None:
    """The operator mends the address; what waits goes to the new one."""
    world.change(schema.endpoint_esito, "ente_id", 1, url="http://127.0.0.1:9/")
    paid(world)
    relay_enti(world)
    world.change(schema.endpoint_esito, "ente_id", 1, url=ente.url)
    world.clock.advance(10)

    relay_enti(world)

    assert len(ente.acknowledged) == 1


# Crashes and workers.


def claim(world: World) -> outbox.Claimed:
    with world.db.transaction() as session:
        (message,) = outbox.claim(session, world.clock(), LIMITS.lease, 1, ["ente.esito"])
    return message


def test_a_crash_between_send_and_settle_repeats_the_same_event(world: World, ente: EnteFinto) -> None:
    paid(world)
    (topic,) = inoltro_topics(world).values()
    topic.deliver(claim(world))
    world.clock.advance(LIMITS.lease.total_seconds() + 1)

    relay_enti(world)

    assert ente.acknowledged == [world.one(schema.eventi_esito).id] * 2
    assert the_message(world).stato == StatoMessaggio.CONSEGNATO


def test_a_crash_before_the_send_loses_nothing(world: World, ente: EnteFinto) -> None:
    paid(world)
    claim(world)
    assert relay_enti(world) is False
    world.clock.advance(LIMITS.lease.total_seconds() + 1)

    relay_enti(world)

    assert len(ente.acknowledged) == 1


def test_two_workers_tell_each_event_once_and_keep_the_order(world: World, ente: EnteFinto) -> None:
    sessions = [world.begin() for _ in range(8)]
    for id_session in sessions:
        refuse(world, id_session)
        pay(world, id_session)
    together = threading.Barrier(2)

    def work() -> None:
        together.wait()
        relay_enti(world)

    with ThreadPoolExecutor(2) as workers:
        for future in [workers.submit(work) for _ in range(2)]:
            future.result(60)
    relay_enti(world)

    assert sorted(ente.acknowledged) == sorted(row.id for row in world.rows(schema.eventi_esito))
    by_dovuto = {row.id: row.iud for row in world.rows(schema.eventi_esito)}
    for iud in set(by_dovuto.values()):
        assert [one.sequenza for one in ente.received if by_dovuto[one.evento] == iud] == [1, 2]


def test_a_relay_takes_only_the_messages_of_its_own_topics(world: World, ente: EnteFinto) -> None:
    """A slow ente keeps nobody waiting at the node: the lanes share no thread."""
    paid(world)
    id_session = world.begin()

    relay_enti(world)

    assert world.messaggio(id_session).stato == "DA_INVIARE"
    assert world.relay() is True
    assert world.messaggio(id_session).stato == "CONSEGNATO"


def test_a_slow_ente_does_not_keep_the_others_waiting(world: World, ente: EnteFinto) -> None:
    """Four slots, two at most for an ente: those of Comune Vicino leave while Comune di Prova makes everybody wait."""
    limits = replace(LIMITS, per_ente=2)
    ente.script.extend([Comportamento(Guasto.LENTO, seconds=0.4)] * 6)
    paid(world, items=5)
    with EnteFinto(CHIAVE) as vicino:
        configure_inoltro(world, "TARI", ente_id=2, url=vicino.url)
        id_session = world.begin(ente="C_VICINO")
        pay(world, id_session)

        with ThreadPoolExecutor(1) as worker:
            tick = worker.submit(relay_enti, world, limits)
            while not vicino.received:
                assert not tick.done()
            seen = len(ente.received)
            assert tick.result(30)

    assert seen <= 2
    assert {row.stato for row in messages(world)} == {"CONSEGNATO"}
    assert len(ente.received) == 5


def test_an_ente_that_is_down_does_not_stop_the_node(world: World) -> None:
    configure_inoltro(world, "TARI", url="http://127.0.0.1:9/")
    paid(world)
    relay_enti(world)

    with ThreadPoolExecutor(1) as pool:
        has_worked = relay_outbox.run_once(
            world.db, inoltro_topics(world), pool, LIMITS, world.clock, threading.Event()
        )

    assert has_worked is False
    assert the_message(world).stato == "DA_INVIARE"
