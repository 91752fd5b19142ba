"""The relay of a worker that is told to stop: what is answered in time is settled, the rest is another worker's."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

from hub.usecases import relay_outbox
from tests.copione import FrozenNodo
from tests.usecases.test_relay_outbox import IN_DOUBT, SENT, TAKEN, states
from tests.world import LIMITS


def test_a_worker_that_stops_gives_back_what_is_not_answered_and_another_asks_before_it_sends(world):
    id_session = world.begin()
    nodo, stop, limits = FrozenNodo(TAKEN), threading.Event(), replace(LIMITS, slots=1, stop_s=0)
    with ThreadPoolExecutor(1) as pool, ThreadPoolExecutor(1) as worker:
        topics = world.topics(limits, nodo)
        tick = worker.submit(relay_outbox.run_once, world.db, topics, pool, limits, world.clock, stop)
        assert nodo.has_arrived.wait(30)

        stop.set()

        tick.result(30)
        assert states(world, id_session) == IN_DOUBT
        nodo.may_answer.set()
    assert world.messaggio(id_session).lease_until is None
    assert states(world, id_session) == IN_DOUBT, "an answer that comes too late is another worker's to find out"
    assert world.relay() is False, "the call may still go on at the node"
    world.clock.advance(LIMITS.margin.total_seconds())
    world.nodo.states.append(TAKEN)
    world.relay()
    assert states(world, id_session) == SENT
    assert world.nodo.received == []


def test_a_worker_that_stops_settles_what_is_answered_in_time(world):
    id_session = world.begin()
    nodo, stop, limits = FrozenNodo(TAKEN), threading.Event(), replace(LIMITS, slots=1, stop_s=60)
    with ThreadPoolExecutor(1) as pool, ThreadPoolExecutor(1) as worker:
        topics = world.topics(limits, nodo)
        tick = worker.submit(relay_outbox.run_once, world.db, topics, pool, limits, world.clock, stop)
        assert nodo.has_arrived.wait(30)

        stop.set()
        nodo.may_answer.set()

        tick.result(30)
    assert states(world, id_session) == SENT
