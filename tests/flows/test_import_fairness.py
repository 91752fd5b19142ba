"""Flows of several enti side by side: each ente has its turn, whatever the others send."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from hub.store import schema
from hub.usecases import risultati_flusso
from hub.usecases.flusso_aperto import LimitiImport
from hub.usecases.importa_flusso import ImportaFlussi
from tests.flows.gestionale import Gestionale
from tests.importati import Stabilimento
from tests.tracciati import make_campi
from tests.world import World

PIECE = 50


def worker_of(world: World, **limits: int) -> ImportaFlussi:
    limiti = LimitiImport(**{"pezzo_rows": PIECE, **limits})
    return ImportaFlussi(world.db, world.runtime.archivio, limiti, date(2024, 4, 30), world.clock)


@pytest.fixture
def worker(world: World) -> ImportaFlussi:
    return worker_of(world)


def send(world: World, count: int, iuf: str = "F1", ente: str = "C_PROVA") -> str:
    """A flow of so many rows waits for the worker; return its requestToken."""
    righe = [make_campi(IUD=f"{iuf}-{number}", flgGeneraIuv="true") for number in range(1, count + 1)]
    return Gestionale(world, ente).send(f"{ente}-{iuf}-1_3.zip", *righe)


def row(world: World, request_token: str) -> Any:
    return world.one(schema.flussi_import, request_token=request_token)


def done(world: World, request_token: str) -> int:
    """Return how many rows of a flow are decided."""
    return row(world, request_token).righe_totali or 0


def tick_until(worker: ImportaFlussi, is_so: Callable[[], bool], ticks_max: int = 500) -> int:
    """Return how many ticks it took."""
    for tick in range(ticks_max):
        if is_so():
            return tick
        worker.run_once()
    raise AssertionError(f"not in {ticks_max} ticks")


def test_a_small_flow_does_not_wait_for_an_enormous_one(world, worker):
    enormous = send(world, 40 * PIECE)
    tick_until(worker, lambda: done(world, enormous) >= 2 * PIECE)

    small = send(world, 10, ente="C_VICINO")
    before = done(world, enormous)
    tick_until(worker, lambda: row(world, small).stato_flusso == "CARICATO")

    # Taken in, loaded, found to be at its end: never more than one piece of the other between two of its own.
    assert done(world, enormous) - before <= 3 * PIECE
    assert row(world, enormous).stato_flusso == "LOAD_FLOW"


def test_an_ente_that_sends_many_flows_has_no_more_turns_than_one_that_sends_one(world, worker):
    many = [send(world, 20 * PIECE, f"F{number}") for number in range(3)]
    one = send(world, 20 * PIECE, ente="C_VICINO")

    tick_until(worker, lambda: done(world, one) >= 10 * PIECE)

    assert abs(sum(done(world, flow) for flow in many) - done(world, one)) <= 4 * PIECE


def test_the_flows_of_one_ente_go_on_side_by_side(world, worker):
    first, second = (send(world, 10 * PIECE, f"F{number}") for number in range(2))

    tick_until(worker, lambda: done(world, second) >= 5 * PIECE)

    assert row(world, first).stato_flusso == row(world, second).stato_flusso == "LOAD_FLOW"
    assert done(world, first) - done(world, second) <= 2 * PIECE


def test_an_ente_does_not_take_all_the_places_of_a_process(world):
    worker = worker_of(world, aperti_max=4, per_ente_max=2)
    many = [send(world, 20 * PIECE, f"F{number}") for number in range(4)]
    tick_until(worker, lambda: done(world, many[1]) >= PIECE)

    other = send(world, 10, ente="C_VICINO")
    tick_until(worker, lambda: row(world, other).stato_flusso == "CARICATO", ticks_max=10)

    assert [done(world, flow) > 0 for flow in many] == [True, True, False, False]


def test_callers_are_answered_while_a_flow_loads(world, worker):
    enormous = send(world, 20 * PIECE)
    failures: list[BaseException] = []

    def load() -> None:
        try:
            tick_until(worker, lambda: row(world, enormous).stato_flusso == "CARICATO")
        except BaseException as failure:  # noqa: BLE001
            failures.append(failure)

    thread = threading.Thread(target=load)
    thread.start()
    assert world.invia()
    while thread.is_alive():
        assert world.invia()
    thread.join()

    assert failures == []
    assert len(world.rows(schema.dovuti, origine="FLUSSO")) == 20 * PIECE


def test_two_workers_load_each_flow_once(world):
    flows = [send(world, 5 * PIECE, f"F{number}", ente) for number in range(3) for ente in ("C_PROVA", "C_VICINO")]
    workers = [worker_of(world) for _ in range(2)]

    def all_loaded() -> bool:
        return all(row(world, flow).stato_flusso == "CARICATO" for flow in flows)

    threads = [threading.Thread(target=tick_until, args=(one, all_loaded)) for one in workers]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)

    assert all_loaded()
    stored = world.rows(schema.dovuti)
    assert Counter(one.flusso_id for one in stored) == {row(world, flow).id: 5 * PIECE for flow in flows}
    assert len({(one.dominio, one.iuv) for one in stored}) == len(stored) == 30 * PIECE


def test_the_files_of_a_small_flow_do_not_wait_for_those_of_an_enormous_one(small_world):
    """Each kind of file has a lane for small flows: there, the enormous one that came first is not looked at."""
    stabilimento = Stabilimento(small_world)
    enormous = send(small_world, risultati_flusso.PICCOLO_ROWS + 1)
    small = send(small_world, 3, ente="C_VICINO")
    stabilimento.load()
    db, archivio, clock = small_world.db, small_world.runtime.archivio, small_world.clock
    modelli, rows_max = Path(small_world.cartella.name), risultati_flusso.PICCOLO_ROWS

    assert risultati_flusso.write_once(db, archivio, clock, rows_max=rows_max)
    assert risultati_flusso.print_once(
        db, small_world.runtime.callers.anagrafe, archivio, modelli, clock, rows_max=rows_max
    )

    assert row(small_world, small).stato == "IMPORT_ESEGUITO" and row(small_world, small).file_iuv
    assert (row(small_world, enormous).stato, row(small_world, enormous).file_iuv) == ("IMPORT_IN_ELAB", None)
    assert not risultati_flusso.write_once(db, archivio, clock, rows_max=rows_max)
