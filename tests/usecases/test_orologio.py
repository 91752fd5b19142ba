"""The clock of the machine is set while a worker runs: ahead or back, an hour or a day."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from apscheduler.schedulers.background import BackgroundScheduler

from hub.jobs.orologio import Guardia, Orologio
from hub.store import schema
from hub.usecases import expire_sessioni, export_giornaliero
from tests.world import GRACE, World

JUMPS = [timedelta(hours=1), timedelta(days=1)]


class Tempo:
    """Time as nobody can set it; the clock of the world goes with it until somebody does."""

    def __init__(self, world: World) -> None:
        self._clock, self.passed_s = world.clock, 0.0

    def __call__(self) -> float:
        return self.passed_s

    def pass_by(self, seconds: float) -> None:
        self.passed_s += seconds
        self._clock.advance(seconds)


@pytest.fixture
def scheduler() -> Iterator[BackgroundScheduler]:
    found = BackgroundScheduler(timezone="UTC")
    found.start()
    yield found
    found.shutdown()


def guard(world: World, scheduler: BackgroundScheduler) -> tuple[Guardia, Orologio, Tempo]:
    tempo = Tempo(world)
    orologio = Orologio(world.clock, tempo)
    return Guardia(world.runtime, orologio, scheduler, threading.Event()), orologio, tempo


def times(world: World, table: Any, column: str) -> list[datetime]:
    return [getattr(row, column) for row in world.rows(table)]


@pytest.mark.parametrize("jump", JUMPS)
def test_a_message_written_before_the_clock_was_set_back_leaves_at_once(
    world: World, scheduler: BackgroundScheduler, jump: timedelta
) -> None:
    watch, _, tempo = guard(world, scheduler)
    world.begin()
    world.clock.advance(-jump.total_seconds())
    assert world.relay() is False, "it waits for an hour that has been"
    tempo.pass_by(5)

    assert watch.look() is True

    assert world.relay() is True
    assert len(world.nodo.received) == 1
    assert watch.look() is False, "from here on it is the time"


@pytest.mark.parametrize("jump", JUMPS)
def test_what_a_dead_process_held_when_the_clock_was_set_back_is_soon_free(
    world: World, scheduler: BackgroundScheduler, jump: timedelta
) -> None:
    watch, _, _ = guard(world, scheduler)
    id_session = world.begin()
    lease_until = world.clock() + timedelta(seconds=90)
    world.change(
        schema.outbox, "id", world.messaggio(id_session).id, stato="IN_INVIO", lease_until=lease_until,
        next_attempt_at=lease_until, attempts=1,
    )  # fmt: skip
    world.clock.advance(-jump.total_seconds())

    assert watch.look() is True

    assert times(world, schema.outbox, "lease_until") == [world.clock()]
    world.clock.advance(1)
    assert world.relay() is True
    assert len(world.nodo.asked) == 1, "asked about, not sent again"
    assert world.nodo.received == []


def test_a_lease_and_a_pause_that_a_right_clock_wrote_are_left_alone(
    world: World, scheduler: BackgroundScheduler
) -> None:
    watch, _, _ = guard(world, scheduler)
    world.clock.advance(-3600)
    id_session = world.begin()
    later = world.clock() + timedelta(hours=6)
    world.change(schema.outbox, "id", world.messaggio(id_session).id, stato="SCONOSCIUTO", next_attempt_at=later)

    assert watch.look() is True

    assert times(world, schema.outbox, "next_attempt_at") == [later]


def test_the_jobs_run_again_when_the_clock_was_set_back(world: World, scheduler: BackgroundScheduler) -> None:
    watch, _, _ = guard(world, scheduler)
    has_run = threading.Event()
    # As it is after a day back: the next run was told by the day that has been.
    tomorrow = datetime.now(UTC) + timedelta(days=1)
    scheduler.add_job(has_run.set, "interval", seconds=60, next_run_time=tomorrow, id="job")
    world.clock.advance(-86_400)

    watch.look()

    assert has_run.wait(60)


@pytest.mark.parametrize("jump", JUMPS)
def test_nothing_ends_by_a_date_while_the_clock_is_ahead(
    world: World, scheduler: BackgroundScheduler, jump: timedelta
) -> None:
    _, orologio, tempo = guard(world, scheduler)
    id_session = world.invia()
    world.lay(schema.export_giornalieri, ente_id=1, attivo=True, ora="02:00", versione="1.3", ricevuta=False,
              fino_a=world.clock())  # fmt: skip
    expire = orologio.guarded(lambda: expire_sessioni.run_once(world.db, GRACE, world.clock()))
    daily = orologio.guarded(lambda: export_giornaliero.run_once(world.db, world.clock()))
    world.clock.advance(jump.total_seconds())
    tempo.pass_by(400)

    assert (expire(), daily()) == (False, False)
    assert world.sessione(id_session).stato == "NUOVO_CARRELLO"
    assert world.rows(schema.prenotazioni_export) == []
    world.clock.advance(-jump.total_seconds())
    tempo.pass_by(86_400 - 400)

    assert daily() is True, "the clock came back, and the day went by"
    expire()
    assert world.sessione(id_session).stato == "SCADUTO"


def test_a_clock_that_is_kept_right_in_small_steps_is_no_jump(world: World, scheduler: BackgroundScheduler) -> None:
    watch, orologio, tempo = guard(world, scheduler)
    tempo.pass_by(3600)
    world.clock.advance(30)

    assert (watch.look(), orologio.is_ahead) == (False, False)


def test_the_clock_of_a_machine_agrees_with_itself() -> None:
    assert Orologio(lambda: datetime.now(UTC)).look() == timedelta(0)


@pytest.mark.parametrize(("day", "hours"), [(datetime(2026, 3, 28, 12, tzinfo=UTC), 23),
                                            (datetime(2026, 10, 24, 12, tzinfo=UTC), 25)])  # fmt: skip
def test_in_the_nights_when_clocks_change_the_export_is_booked_once_and_no_hour_is_left_out(
    world: World, day: datetime, hours: int
) -> None:
    world.clock.now = day
    world.lay(schema.export_giornalieri, ente_id=1, attivo=True, ora="02:30", versione="1.3", ricevuta=False,
              fino_a=day)  # fmt: skip
    booked = 0
    for _ in range(3 * 24 * 4):
        booked += export_giornaliero.run_once(world.db, world.clock())
        world.clock.advance(15 * 60)

    windows = [(row.istante_da, row.istante_a) for row in world.rows(schema.prenotazioni_export)]

    assert booked == len(windows) == 3
    assert all(one[1] == other[0] for one, other in zip(windows, windows[1:], strict=False))
    assert {end - start for start, end in windows[1:]} == {timedelta(hours=hours), timedelta(hours=24)}
