"""A process of the hub that works at one step of a story and may be told to die in it: a world, and real adapters.

Each step runs in a process of its own, forked from a server that has imported everything: it lives for some tens of
milliseconds, ends as a real one does, and what it knew is gone. The hub's clock is the story's, so that a lease of
minutes runs out at once.
"""

from __future__ import annotations

import faulthandler
import multiprocessing
import signal
import threading
import traceback
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from sqlalchemy import ColumnElement, select

from adapters.cartella.client import CartellaArchivio
from adapters.checkout.client import CheckoutClient
from adapters.ente.client import EnteClient
from adapters.nodo.client import NodoClient
from adapters.nodo.soap import NodoSoap
from adapters.nodo.trasporto import Attese, Trasporto
from adapters.posizioni.client import PosizioniClient
from adapters.ricevute.client import RicevuteClient
from hub import crash, log
from hub.store import schema
from hub.store.database import Database
from hub.usecases import (
    annulla_flusso,
    elabora_ricevute,
    esporta,
    inoltro_esito,
    invio_rpt,
    pubblica_posizioni,
    recupera_ricevute,
    recupero,
    relay_outbox,
    risultati_flusso,
)
from hub.usecases.flusso_aperto import LimitiImport
from hub.usecases.importa_flusso import ImportaFlussi
from hub.usecases.relay_outbox import Topic
from hub.usecases.start_pagamento import TOPIC_NODO
from hub.usecases.tentativo_nodo import Collegamento
from tests.importati import CUT_OFF
from tests.inoltro import LIMITI
from tests.rendicontazioni import Rendicontazione
from tests.world import LIMITS, Clock, World, world_over

CONTEXT = multiprocessing.get_context("forkserver")
CONTEXT.set_forkserver_preload(["tests.prova.storie", "tests.prova.storie_flussi"])
# One look at what is left to do, and the longest that anything may take to be in order again.
LOOK = timedelta(seconds=30)
LOOKS_MAX = 400
# A flow has several pieces.
PEZZO_ROWS = 100
# A step that lasts longer says where it stands, and ends.
_STEP_S = 300
_OPEN = ("DA_INVIARE", "SCONOSCIUTO", "IN_INVIO")
_BOOKED = ("LOAD_EXPORT", "EXPORT_IN_ELAB")


@dataclass(frozen=True, slots=True)
class Luogo:
    """Where a story happens; a process is told nothing else."""

    database_url: str
    archivio: str
    nodo_url: str


class Palco:
    """What the processes of a hub do, by hand and as their jobs do it."""

    def __init__(self, luogo: Luogo, world: World) -> None:
        self.world, self.luogo = world, luogo
        soap = NodoSoap(luogo.nodo_url + "/nodo", Attese(2, 10, 10), Trasporto())
        self.nodo: Any = NodoClient(soap)
        self.checkout: Any = CheckoutClient(luogo.nodo_url, public_url=world.runtime.config.public_url)
        world.runtime = replace(
            world.runtime,
            nodi={"rpt": self.nodo, "checkout": self.checkout},
            archivio=CartellaArchivio(Path(luogo.archivio)),
        )
        limiti = LimitiImport(PEZZO_ROWS)
        self._importa = ImportaFlussi(world.db, world.runtime.archivio, limiti, CUT_OFF, world.clock)
        self._topics = self._all_topics()
        # Whoever plays the node of settlement flows, for the stories that have some.
        self.fdr: Rendicontazione | None = None

    def _all_topics(self) -> dict[str, Topic]:
        """All that leaves the hub, but for files on SFTP servers."""
        world, seal = self.world, self.world.runtime.cassaforte
        linked = Collegamento(
            db=world.db, nodo=self.checkout, cassaforte=seal, clock=world.clock, lasts=LIMITS.margin,
            blocco=timedelta(hours=1), registra={},
        )  # fmt: skip
        node_url = self.luogo.nodo_url
        return world.topics(nodo=self.nodo) | {
            TOPIC_NODO + "checkout": invio_rpt.build_topic(linked, LIMITS.attempts_max),
            inoltro_esito.TOPIC_ESITO: inoltro_esito.build_topic(
                world.db, EnteClient(is_open=True, limiti=replace(LIMITI, read_s=5, total_s=10)), seal
            ),
            pubblica_posizioni.TOPIC_POSIZIONI: pubblica_posizioni.build_topic(
                world.db, PosizioniClient(node_url), seal, world.clock, LIMITS.margin
            ),
            recupera_ricevute.TOPIC_RICEVUTE: recupera_ricevute.build_topic(
                world.db, RicevuteClient(node_url), seal, world.clock, LIMITS.margin
            ),
        }

    def work(self) -> None:
        """Let every job of a worker work until all that has begun is over, however long that takes by the clock.

        Raises: AssertionError (it is never over).
        """
        for _ in range(LOOKS_MAX):
            while self._tick():
                pass
            left = self.left()
            if not left:
                return
            self.world.clock.advance(LOOK.total_seconds())
        raise AssertionError(f"never over: {left}")

    def _tick(self) -> bool:
        world, runtime = self.world, self.world.runtime
        db, clock, archivio = world.db, world.clock, runtime.archivio
        attesa = timedelta(seconds=runtime.config.ricevuta_attesa_s)
        has_worked = elabora_ricevute.run_once(db, clock())
        has_worked |= recupero.run_once(db, ("rpt",), attesa, clock())
        has_worked |= recupera_ricevute.run_once(db, clock())
        has_worked |= pubblica_posizioni.run_once(db, clock())
        with ThreadPoolExecutor(1) as pool:
            has_worked |= relay_outbox.run_once(
                db, self._topics, pool, replace(LIMITS, slots=1), clock, threading.Event()
            )
        has_worked |= self._importa.run_once()
        has_worked |= risultati_flusso.write_once(db, archivio, clock)
        has_worked |= risultati_flusso.print_once(
            db, runtime.callers.anagrafe, archivio, Path(world.cartella.name), clock
        )
        has_worked |= annulla_flusso.run_once(db, clock)
        has_worked |= esporta.run_once(db, archivio, clock)
        if self.fdr is not None:
            has_worked |= self.fdr.elenca() | self.fdr.scarica() | self.fdr.leggi(pezzo=2) | self.fdr.abbina()
        return has_worked

    def left(self) -> list[str]:
        """What has begun and is not over."""
        tables: list[tuple[str, ColumnElement[Any], ColumnElement[bool]]] = [
            ("messaggio", schema.outbox.c.topic, schema.outbox.c.stato.in_(_OPEN)),
            ("ricevuta", schema.rt_ricevute.c.id, schema.rt_ricevute.c.stato == "RICEVUTA"),
            ("flusso", schema.flussi_import.c.id, schema.flussi_import.c.stato.in_(("LOAD_IMPORT", "IMPORT_IN_ELAB"))),
            ("annullo", schema.flussi_import.c.id, schema.flussi_import.c.annullamento_riga.is_not(None)),
            ("export", schema.prenotazioni_export.c.id, schema.prenotazioni_export.c.stato.in_(_BOOKED)),
            ("elenco", schema.acquisizioni_fdr.c.dominio, schema.acquisizioni_fdr.c.elencata_at.is_(None)),
            (
                "rendicontazione",
                schema.rendicontazioni.c.iuf,
                schema.rendicontazioni.c.stato.in_(("LISTED", "DOWNLOADING", "DOWNLOAD_ERROR", "STORED")),
            ),
        ]
        with self.world.db.reading() as session:
            return [
                f"{name} {value}"
                for name, column, is_open in tables
                for value in session.execute(select(column).where(is_open)).scalars()
            ]


Deed = Callable[[Palco], Any]


@contextmanager
def open_palco(luogo: Luogo, now: datetime) -> Iterator[Palco]:
    database = Database.open(luogo.database_url)
    try:
        yield Palco(luogo, world_over(database, Clock(now)))
    finally:
        database.close()


@dataclass(frozen=True, slots=True)
class Fine:
    """How a process ended: killed, or with what it returned and the time that it was by then."""

    is_killed: bool
    result: Any = None
    now: datetime | None = None


def perform(luogo: Luogo, now: datetime, deed: Deed, flag: str = "") -> Fine:
    """Do one step in a process of its own, which dies where `flag` says. Raises: AssertionError (it failed)."""
    ours, theirs = CONTEXT.Pipe(duplex=False)
    process = CONTEXT.Process(target=_perform, args=(luogo, now, deed, flag, theirs))
    process.start()
    theirs.close()
    try:
        told = ours.recv() if ours.poll(_STEP_S) else None
    except EOFError:
        told = None
    finally:
        process.join(_STEP_S)
        ours.close()
    if process.exitcode == -signal.SIGKILL:
        return Fine(is_killed=True)
    assert told is not None, f"a step ended with {process.exitcode}"
    assert isinstance(told, Fine), told
    return told


def _perform(luogo: Luogo, now: datetime, deed: Deed, flag: str, answers: Connection) -> None:
    faulthandler.dump_traceback_later(_STEP_S, exit=True)
    log.configure(Quiet())
    crash.arm({crash.FLAG: flag}, is_production=False)
    try:
        with open_palco(luogo, now) as palco:
            result = deed(palco)
            answers.send(Fine(False, result, palco.world.clock.now))
    # A process that fails tells why to whoever started it.
    except BaseException:
        answers.send(traceback.format_exc())


class Quiet:
    """Settings of a process that tells errors alone."""

    log_format = "json"
    log_level = "error"
