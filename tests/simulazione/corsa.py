"""Many stories one after the other: how many a minute, and how to repeat one that failed."""

from __future__ import annotations

import argparse
import gc
import logging
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from datetime import timedelta
from pathlib import Path

import structlog

from hub.formats.resources import resource
from hub.store import migrate
from hub.store.database import Database
from tests import pg
from tests.simulazione.hub import Banco
from tests.simulazione.storia import Esito, racconta

# Files in memory: a commit costs no disk.
_MEMORIA = Path("/dev/shm")
# A broken promise is usually broken by many seeds.
_FALLITE_MAX = 3


def main(arguments: Sequence[str]) -> int:
    """Play the stories that were asked for; 1 when one of them broke a promise."""
    options = _options(arguments)
    with quiet(), open_banco(options.database) as banco:
        # What is loaded stays: the collector need not look at it, nor at each of the small things a story makes.
        gc.collect()
        gc.freeze()
        gc.set_threshold(50_000, 50, 50)
        if options.seme is not None:
            return _repeat(banco, options.seme, options.database)
        return _many(banco, options)


def _options(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.simulazione", description=__doc__)
    parser.add_argument("--semi", type=int, default=2000, help="quante storie (2000)")
    parser.add_argument("--da", type=int, default=1, help="il primo seme (1)")
    parser.add_argument("--seme", type=int, help="una storia sola, con il suo copione")
    parser.add_argument("--database", choices=("sqlite", "postgresql"), default="sqlite")
    parser.add_argument("--minuti", type=float, help="per quanto tempo, al posto di --semi")
    return parser.parse_args(arguments)


def _repeat(banco: Banco, seed: int, database: str) -> int:
    esito = racconta(banco, seed)
    if esito.violazione:
        tell_failure(esito, database)
        return 1
    print("\n".join(esito.copione))
    print(f"seme {seed}: tutte le promesse mantenute")
    return 0


def _many(banco: Banco, options: argparse.Namespace) -> int:
    started, spent = time.monotonic(), time.process_time()
    totals, failed = Counter[str](), 0
    guasti, quiete = Counter[str](), timedelta()
    seed = options.da
    most, end = (options.semi, None) if options.minuti is None else (None, started + 60 * options.minuti)
    while (most is None or totals["storie"] < most) and (end is None or time.monotonic() < end):
        esito = racconta(banco, seed)
        if esito.violazione:
            failed += 1
            tell_failure(esito, options.database)
            if failed >= _FALLITE_MAX:
                break
        seed += 1
        totals.update(storie=1, passi=esito.passi, pagamenti=esito.pagamenti, eccedenze=esito.eccedenze)
        guasti, quiete = guasti + esito.guasti, max(quiete, esito.quiete)
    wall, cpu = time.monotonic() - started, time.process_time() - spent
    print(f"{'guasto':<46} volte")
    for name, count in sorted(guasti.items(), key=lambda one: -one[1]):
        print(f"{name:<46} {count:>5}")
    rate, rate_cpu = (60 * totals["storie"] / seconds for seconds in (wall, cpu))
    print(
        f"{totals['storie']} storie, {totals['passi']} passi, {totals['pagamenti']} pagamenti, "
        f"{totals['eccedenze']} eccedenze; {failed} fallite; tutto concluso entro {quiete} dall'ultimo guasto; "
        f"{rate:.0f} storie al minuto ({rate_cpu:.0f} al minuto di processore)"
    )
    return 1 if failed else 0


def tell_failure(esito: Esito, database: str) -> None:
    """Print what happened, step by step, which promise was broken, and the command that repeats it."""
    print("\n".join(esito.copione))
    print(f"SEME {esito.seed}: {esito.violazione}")
    print(f"per ripetere: python -m tests.simulazione --seme {esito.seed} --database {database}")


@contextmanager
def quiet() -> Iterator[None]:
    """Say nothing in the log: lines are counted by the thousand, and the script tells the story."""
    before = structlog.get_config()
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    try:
        yield
    finally:
        structlog.configure(**before)


@contextmanager
def open_banco(database: str) -> Iterator[Banco]:
    """A bench over a fresh database of this kind, in memory as far as it goes."""
    with ExitStack() as stack:
        if database == "postgresql":
            server = stack.enter_context(pg.running_server())
            server.forgo_power_cuts()
            url = server.url_of(server.create_database())
        else:
            url = f"sqlite:///{stack.enter_context(cartella())}/storie.db"
        db = Database.open(url)
        migrate.upgrade(db, resource("migrations"))
        db.close()
        banco = Banco.open(url)
        stack.callback(banco.close)
        yield banco


@contextmanager
def cartella() -> Iterator[Path]:
    """A folder for a database of stories, in memory where there is such a place."""
    with tempfile.TemporaryDirectory(prefix="simulazione-", dir=_MEMORIA if _MEMORIA.is_dir() else None) as folder:
        yield Path(folder)
