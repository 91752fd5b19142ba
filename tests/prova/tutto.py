"""All that is proved about money, in one command: points of death, races, simulation, and `pontepa verify` after each.

Run: python -m tests.prova [--lunga]. At the end one table; the exit code is 1 when anything was lost or doubled.
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import time
import traceback
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass

from hub import log
from tests.gare import corsa as gare
from tests.prova import crash, lunghe, tabella
from tests.prova.palco import Quiet
from tests.prova.tabella import Row
from tests.simulazione import corsa as simulazione


@dataclass(frozen=True, slots=True)
class Misura:
    """How much is done: deaths in a row at a point, up to which time it is reached, races, stories by database."""

    times: int
    nth: int
    gare: gare.Misura
    storie: dict[str, int]
    is_long: bool = False


BREVE = Misura(1, 1, gare.BREVE, {"sqlite": 1200, "postgresql": 120})
LUNGA = Misura(2, 2, gare.LUNGA, {"sqlite": 40_000, "postgresql": 4_000}, is_long=True)


def _crash(kind: str, misura: Misura) -> Iterator[Row]:
    return crash.corri(kind, crash.TUTTE, times=misura.times, nth=misura.nth)


def _gare(kind: str, misura: Misura) -> Iterator[Row]:
    return gare.corri(kind, misura.gare)


def _simulazione(kind: str, misura: Misura) -> Iterator[Row]:
    return simulazione.righe(kind, misura.storie[kind])


def _lunghe(kind: str, misura: Misura) -> Iterator[Row]:
    return lunghe.corri(kind) if misura.is_long else iter(())


PARTI: dict[str, Callable[[str, Misura], Iterator[Row]]] = {
    "punti di caduta": _crash, "gare": _gare, "simulazione": _simulazione, "a caso": _lunghe,
}  # fmt: skip


def part(parte: str, kind: str, misura: Misura) -> list[Row]:
    """Do one part on one kind of database. A part that fails is something lost: why is printed."""
    log.configure(Quiet())
    rows: list[Row] = []
    try:
        rows += PARTI[parte](kind, misura)
    # Whatever breaks a part must stand in the table, and the other parts must go on.
    except Exception:
        traceback.print_exc()
        rows.append((f"{kind}, {parte}: interrotta", 1, 1, 0, 0.0))
    return rows


def main(argv: Sequence[str] | None = None) -> int:
    """Do every part, as many at once as there are processors; print the table and return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m tests.prova", description=__doc__)
    parser.add_argument("--lunga", action="store_true", help="la prova lunga, al posto di quella breve")
    parser.add_argument("--database", choices=crash.DATABASES, help="uno solo")
    options = parser.parse_args(argv)
    misura = LUNGA if options.lunga else BREVE
    kinds = [options.database] if options.database else crash.DATABASES
    started, rows = time.monotonic(), list[Row]()
    # Each part begins in a new interpreter: those that fork find no thread of another.
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(len(os.sched_getaffinity(0)), context, max_tasks_per_child=1) as pool:
        begun = {pool.submit(part, parte, kind, misura): (parte, kind) for parte in PARTI for kind in kinds}
        for one in as_completed(begun):
            parte, kind = begun[one]
            found = one.result()
            rows += found
            if found:
                print(f"{time.monotonic() - started:6.0f} s  {kind}, {parte}: {len(found)} righe", flush=True)
    for line in tabella.lines(rows):
        print(line)
    print(f"{time.monotonic() - started:.0f} s")
    return tabella.exit_code(rows)
