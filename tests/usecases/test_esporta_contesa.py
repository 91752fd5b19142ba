"""Who writes an export: one at a time, fairly, and somebody else when he dies. Every state of a booking has its way."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from threading import Event
from typing import BinaryIO

import pytest

from adapters.cartella.client import CartellaArchivio
from hub.store import prenotazioni_export, schema
from hub.usecases import esporta, expire_flussi, righe_export
from tests.esportazioni import ask, book, book_expired, booking, pay, rows_of, tick
from tests.world import World, open_world


class Interrotto(BaseException):
    """The process died here."""


class WatchedArchivio(CartellaArchivio):
    """A real archive; something happens while a file is being written."""

    def __init__(self, root: Path, meanwhile) -> None:
        super().__init__(root)
        self._meanwhile = meanwhile

    @contextmanager
    def write(self, path: str) -> Iterator[BinaryIO]:
        with super().write(path) as file:
            self._meanwhile()
            yield file


def run(world: World, archivio: CartellaArchivio, stop: Event | None = None) -> bool:
    return esporta.run_once(world.db, archivio, world.clock, stop)


def files_of(world: World) -> list[str]:
    root = Path(world.cartella.name)
    return sorted(path.relative_to(root).as_posix() for path in root.rglob("*") if path.is_file())


def die(world: World) -> None:
    """Somebody begins the next export and dies before its file is there."""

    def kill() -> None:
        raise Interrotto

    with pytest.raises(Interrotto):
        run(world, WatchedArchivio(Path(world.cartella.name), kill))


def test_an_export_whose_writer_died_is_taken_again_when_his_lease_ends(world):
    pay(world)
    request_token = book(world)
    die(world)
    assert ask(world, request_token).stato == "EXPORT_IN_ELAB"
    assert files_of(world) == []
    world.clock.advance(esporta.LEASE.total_seconds())
    assert not tick(world)
    world.clock.advance(1)

    assert tick(world)

    assert len(rows_of(world, request_token)) == 1
    row = booking(world, request_token)
    assert row.fence == 2 and row.started_at < row.finished_at
    assert len(files_of(world)) == 1


def test_who_comes_back_after_his_lease_changes_nothing(world):
    pay(world)
    request_token = book(world)

    def sleep() -> None:
        world.clock.advance(esporta.LEASE.total_seconds() + 1)
        assert tick(world)

    assert run(world, WatchedArchivio(Path(world.cartella.name), sleep))

    row = booking(world, request_token)
    assert (row.stato, row.fence) == ("EXPORT_ESEGUITO", 2)
    assert files_of(world) == [row.file]


def test_an_export_that_is_written_renews_its_lease_and_tells_how_far_it_is(world, monkeypatch):
    monkeypatch.setattr(righe_export, "PAGINA", 1)
    for number in (1, 2, 3):
        pay(world, number)
    request_token = book(world)
    world.clock.advance(1)
    seen = []

    def clock():
        # A minute for each row: all of it together outlasts the lease.
        world.clock.advance(60)
        with world.db.reading() as session:
            row = prenotazioni_export.find(session, "PAGATI", request_token)
        seen.append((row.righe, row.lease_until))
        return world.clock()

    assert esporta.run_once(world.db, world.runtime.archivio, clock)

    assert len(rows_of(world, request_token)) == 3
    told = [righe for righe, _ in seen if righe]
    assert told == sorted(told) and {1, 2, 3} <= set(told)
    leases = {lease for _, lease in seen if lease}
    assert len(leases) >= 3


def test_a_worker_that_is_stopped_gives_the_booking_back_at_once(world, monkeypatch):
    monkeypatch.setattr(righe_export, "PAGINA", 1)
    pay(world, 1)
    pay(world, 2)
    request_token = book(world)
    stop = Event()
    stop.set()

    assert run(world, world.runtime.archivio, stop)

    assert (ask(world, request_token).stato, files_of(world)) == ("EXPORT_IN_ELAB", [])
    world.clock.advance(1)
    assert tick(world)
    assert len(rows_of(world, request_token)) == 2


def test_a_database_at_rest_is_only_read(world):
    assert not tick(world)
    request_token = book(world)
    world.change(
        schema.prenotazioni_export, "request_token", request_token, eseguibile_at=world.clock() + timedelta(seconds=1)
    )

    assert not tick(world)

    world.clock.advance(1)
    assert tick(world)


# The archive does not answer.


@pytest.fixture
def full(tmp_path: Path) -> CartellaArchivio:
    """An archive where nothing can be written: its root is a file."""
    (tmp_path / "pieno").write_bytes(b"")
    return CartellaArchivio(tmp_path / "pieno")


def test_an_archive_that_does_not_answer_puts_the_export_off(world, full):
    pay(world)
    request_token = book(world)

    assert run(world, full)

    assert ask(world, request_token).stato == "EXPORT_IN_ELAB"
    assert not tick(world)
    world.clock.advance(16)
    assert tick(world)
    assert len(rows_of(world, request_token)) == 1


@pytest.mark.parametrize(("kind", "told"), [("pagati", "ERROR_EXPORT"), ("scaduti", "PAA_ERROR_CREAZIONE_CSV")])
def test_an_archive_that_never_answers_is_an_error(world, full, kind, told):
    today = world.clock().date()
    pay(world, 1)
    world.lay_avviso(None, tipo="SANZIONE", scadenza=today - timedelta(days=2))
    request_token = book(world) if kind == "pagati" else book_expired(world, today)
    for _ in range(esporta.ATTEMPTS_MAX):
        assert ask(world, request_token).stato in ("LOAD_EXPORT", "EXPORT_IN_ELAB")
        assert run(world, full)
        world.clock.advance(16)

    assert not run(world, full)

    assert ask(world, request_token).stato == told
    assert booking(world, request_token).stato == "ERROR_EXPORT"


@pytest.mark.parametrize(("kind", "told"), [("pagati", "ERROR_EXPORT"), ("scaduti", "PAA_ERROR_ELABORAZIONE")])
def test_an_export_that_kills_its_writer_is_not_begun_for_ever(world, kind, told):
    today = world.clock().date()
    pay(world, 1)
    world.lay_avviso(None, tipo="SANZIONE", scadenza=today - timedelta(days=2))
    request_token = book(world) if kind == "pagati" else book_expired(world, today)
    for _ in range(esporta.ATTEMPTS_MAX):
        die(world)
        world.clock.advance(esporta.LEASE.total_seconds() + 1)

    assert tick(world) and not tick(world)

    assert ask(world, request_token).stato == told


@pytest.mark.parametrize(("kind", "told"), [("pagati", "ERROR_EXPORT"), ("scaduti", "PAA_ERROR_ELABORAZIONE")])
def test_twelve_hours_are_the_end_even_while_it_is_written(world, kind, told):
    today = world.clock().date()
    pay(world, 1)
    world.lay_avviso(None, tipo="SANZIONE", scadenza=today - timedelta(days=2))
    request_token = book(world) if kind == "pagati" else book_expired(world, today)

    def wait() -> None:
        world.clock.advance(12 * 3600 + 1)
        expire_flussi.run_once(world.db, world.clock())

    assert run(world, WatchedArchivio(Path(world.cartella.name), wait))

    assert ask(world, request_token).stato == told
    assert files_of(world) == []


# Turns.


def test_an_ente_with_many_bookings_does_not_keep_another_waiting(world):
    many = [book(world) for _ in range(3)]
    one = book(world, ente="C_VICINO")
    order = []
    while tick(world):
        world.clock.advance(1)
        done = {row.request_token for row in world.rows(schema.prenotazioni_export) if row.finished_at}
        order += [token for token in (*many, one) if token in done and token not in order]

    assert order == [many[0], one, many[1], many[2]]


def test_two_who_claim_at_once_take_different_bookings(postgresql_url):
    """On SQLite, which has one writer, a claim ends before the next begins."""
    with open_world(postgresql_url) as world:
        book(world)
        book(world)

        with world.db.transaction() as first:
            one = prenotazioni_export.claim(first, world.clock(), esporta.LEASE)
            with world.db.transaction() as second:
                other = prenotazioni_export.claim(second, world.clock(), esporta.LEASE)

        assert {one.id, other.id} == {row.id for row in world.rows(schema.prenotazioni_export)}


def test_the_process_of_flows_carries_no_library_that_only_others_need():
    code = (
        "import sys, hub.app_flussi, hub.usecases.stampa_avvisi; print([name for name in "
        "('lxml', 'spyne', 'flask', 'typst', 'PIL', 'zxingcpp', 'alembic') if name in sys.modules])"
    )

    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)

    assert (run.stdout.strip(), run.returncode) == ("[]", 0), run.stderr
