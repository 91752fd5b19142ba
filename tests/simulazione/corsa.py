"""Many stories one after the other: how many a minute, and how to repeat one that failed."""

from __future__ import annotations

import argparse
import gc
import logging
import multiprocessing
import os
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, fields
from datetime import timedelta
from pathlib import Path

import structlog

from hub.formats.resources import resource
from hub.store import migrate
from hub.store.database import Database
from tests import pg
from tests.prova import controllo
from tests.prova.tabella import Row
from tests.simulazione.hub import Banco
from tests.simulazione.storia import Esito, racconta

# Files in memory: a commit costs no disk.
_MEMORIA = Path("/dev/shm")
# A broken promise is usually broken by many seeds.
_FALLITE_MAX = 3
# What the last story left is looked at as well, by the checker for live databases: it costs as much as a story.
_VERIFICA_OGNI = 50


@dataclass
class Somma:
    """What many stories came to; `rilievi`: what `pontepa verify` said of the databases it was shown."""

    storie: int = 0
    passi: int = 0
    pagamenti: int = 0
    eccedenze: int = 0
    guasti: Counter[str] = field(default_factory=Counter)
    quiete: timedelta = timedelta()
    fallite: list[Esito] = field(default_factory=list)
    verificate: int = 0
    rilievi: list[str] = field(default_factory=list)
    cpu_s: float = 0.0

    def add(self, esito: Esito) -> None:
        self.storie += 1
        self.passi += esito.passi
        self.pagamenti += esito.pagamenti
        self.eccedenze += esito.eccedenze
        self.guasti += esito.guasti
        self.quiete = max(self.quiete, esito.quiete)
        if esito.violazione:
            self.fallite.append(esito)

    def join(self, other: Somma) -> None:
        """Add what another process came to."""
        for one in fields(self):
            if one.name != "quiete":
                setattr(self, one.name, getattr(self, one.name) + getattr(other, one.name))
        self.quiete = max(self.quiete, other.quiete)


def main(arguments: Sequence[str]) -> int:
    """Play the stories that were asked for; 1 when one of them broke a promise."""
    options = _options(arguments)
    if options.seme is not None:
        with quiet(), open_banco(options.database) as banco:
            return _repeat(banco, options.seme, options.database)
    started = time.monotonic()
    somma = corri(
        options.database, options.da, options.semi, minuti=options.minuti, processi=options.processi
    )
    for esito in somma.fallite[:_FALLITE_MAX]:
        tell_failure(esito, options.database)
    _tell(somma, time.monotonic() - started, options.processi)
    return 1 if somma.fallite or somma.rilievi else 0


def corri(database: str, da: int, semi: int, *, minuti: float | None = None, processi: int = 1) -> Somma:
    """Play so many stories from a seed on, or for some minutes, in so many processes, each with its own database."""
    turni = [Turno(database, da + place, processi, da + semi, minuti) for place in range(processi)]
    if processi == 1:
        return _play(turni[0])
    somma = Somma()
    # Forked from here, where everything is loaded already and no thread has begun.
    with multiprocessing.get_context("fork").Pool(processi) as pool:
        for other in pool.imap_unordered(_play, turni):
            somma.join(other)
    return somma


def righe(database: str, semi: int) -> Iterator[Row]:
    """Play so many stories from the first seed on; yield how often each fault was injected, and what became of all."""
    somma = corri(database, 1, semi)
    for esito in somma.fallite[:_FALLITE_MAX]:
        tell_failure(esito, database)
    for name, count in sorted(somma.guasti.items()):
        yield f"{database}, simulazione: {name}", count, 0, 0, 0.0
    yield f"{database}, simulazione: storie", somma.storie, len(somma.fallite), 0, somma.quiete.total_seconds()
    yield controllo.row(f"{database}, simulazione", somma.verificate, somma.rilievi)


@dataclass(frozen=True, slots=True)
class Turno:
    """The seeds of one process: every `passo`-th from `da` on, before `end` or for some minutes."""

    database: str
    da: int
    passo: int
    end: int
    minuti: float | None

    def seeds(self) -> Iterator[int]:
        if self.minuti is None:
            yield from range(self.da, self.end, self.passo)
            return
        end = time.monotonic() + 60 * self.minuti
        seed = self.da
        while time.monotonic() < end:
            yield seed
            seed += self.passo


def _play(turno: Turno) -> Somma:
    """Play the stories of one process."""
    somma = Somma()
    with quiet(), open_banco(turno.database) as banco:
        # What is loaded stays: the collector need not look at it, nor at each of the small things a story makes.
        gc.collect()
        gc.freeze()
        gc.set_threshold(50_000, 50, 50)
        spent = time.process_time()
        for seed in turno.seeds():
            somma.add(racconta(banco, seed))
            if len(somma.fallite) >= _FALLITE_MAX:
                break
            if somma.storie % _VERIFICA_OGNI == 0:
                _verify(banco, seed, somma)
        somma.cpu_s = time.process_time() - spent
        if somma.storie % _VERIFICA_OGNI:
            _verify(banco, seed, somma)
    return somma


def _verify(banco: Banco, seed: int, somma: Somma) -> None:
    somma.verificate += 1
    somma.rilievi += [f"seme {seed}: {found}" for found in controllo.rilievi(banco.db)]


def _options(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.simulazione", description=__doc__)
    parser.add_argument("--semi", type=int, default=2000, help="quante storie (2000)")
    parser.add_argument("--da", type=int, default=1, help="il primo seme (1)")
    parser.add_argument("--seme", type=int, help="una storia sola, con il suo copione")
    parser.add_argument("--database", choices=("sqlite", "postgresql"), default="sqlite")
    parser.add_argument("--minuti", type=float, help="per quanto tempo, al posto di --semi")
    cores = len(os.sched_getaffinity(0))
    parser.add_argument("--processi", type=int, default=cores, help=f"quanti insieme ({cores}, i processori)")
    return parser.parse_args(arguments)


def _repeat(banco: Banco, seed: int, database: str) -> int:
    esito = racconta(banco, seed)
    if esito.violazione:
        tell_failure(esito, database)
        return 1
    print("\n".join(esito.copione))
    print(f"seme {seed}: tutte le promesse mantenute")
    return 0


def _tell(somma: Somma, wall: float, processi: int) -> None:
    print(f"{'guasto':<46} volte")
    for name, count in sorted(somma.guasti.items(), key=lambda one: -one[1]):
        print(f"{name:<46} {count:>5}")
    for line in somma.rilievi:
        print(line)
    rate, rate_cpu = (60 * somma.storie / seconds for seconds in (wall, somma.cpu_s))
    print(
        f"{somma.storie} storie, {somma.passi} passi, {somma.pagamenti} pagamenti, {somma.eccedenze} eccedenze; "
        f"{len(somma.fallite)} fallite; tutto concluso entro {somma.quiete} dall'ultimo guasto; {somma.verificate} "
        f"database guardati da pontepa verify, {len(somma.rilievi)} rilievi; {rate:.0f} storie al minuto con "
        f"{processi} processi ({rate_cpu:.0f} al minuto di processore)"
    )


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
