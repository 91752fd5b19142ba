"""The jobs of a worker: fixed ids, in memory, each a deed with `run_once`.

The outbox is the queue; these are the ticks.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

from apscheduler.executors.pool import ThreadPoolExecutor as JobThreads
from apscheduler.schedulers.background import BackgroundScheduler

from hub.config import Config
from hub.domain.attesa import SLOT_ENTE_S
from hub.domain.errors import DatabaseRipristinato
from hub.formats.firma_giornale import FirmaGiornale
from hub.jobs import rendicontazione
from hub.jobs.loops import Loop, await_stop, job
from hub.jobs.orologio import Guardia, Orologio
from hub.jobs.wake import watch
from hub.log import get_logger
from hub.ports import FonteTassonomia
from hub.runtime import Runtime
from hub.systemd import Notifica
from hub.usecases import (
    aggiorna_tassonomia,
    annulla_flusso,
    consegna_export,
    elabora_ricevute,
    expire_carrelli,
    expire_flussi,
    expire_sessioni,
    export_giornaliero,
    firma_giornale,
    forget_conclusi,
    forget_messaggi,
    forget_precaricate,
    inoltro_esito,
    leggi_misure,
    pubblica_posizioni,
    recupera_ricevute,
    recupero,
    relay_outbox,
    scadenze_stazioni,
)
from hub.usecases.elenca_fdr import Porte
from hub.usecases.forget_conclusi import Permanenza

_EXPIRE_EVERY_S = 60
# How old a copy of the database must be at least to be noticed whatever happened since.
_BATTITO_S = 60
# The longest that a call to an ente may take.
_MARGIN_ENTE = timedelta(seconds=SLOT_ENTE_S)
# The node is one and serves all.
_DEL_NODO = ("nodo", recupero.CORSIA, pubblica_posizioni.CORSIA, recupera_ricevute.CORSIA)
# A search asks three ways at most, and some time goes by between.
_WAYS = 4
# Beyond the longest call: a job that has not come round for so long never will.
_SILENZIO_S = 600.0
# Files on their way to the entes at once: a few a night for each, each with a line of its own to fill.
_SFTP_THREADS = 4
# Positions on their way to the platform at once: a flow brings a million, and payers must not wait for them.
_POSIZIONI_THREADS = 4
# Receipts that nobody brought are few, and the platform counts the calls.
_RICEVUTE_THREADS = 2


def run(
    runtime: Runtime,
    stop: threading.Event,
    fonte: FonteTassonomia | None = None,
    fdr: Porte | None = None,
    notifica: Notifica | None = None,
) -> None:
    """Run the jobs until `stop`, then settle what is in flight, or give it back, and return.

    `fonte`: None, no taxonomy is fetched; `fdr`: None, no settlement flow is. `notifica`: who is told that it works.
    Raises: DatabaseRipristinato (the database became older than it was: nothing more was claimed).
    """
    config = runtime.config
    relays = [
        _Relay("relay_outbox", "nodo", config.relay_threads),
        _Relay("relay_recupero", recupero.CORSIA, 1),
        _Relay("relay_enti", inoltro_esito.CORSIA, config.inoltro_threads),
        _Relay("relay_sftp", consegna_export.CORSIA, _SFTP_THREADS),
        _Relay("relay_ricevute", recupera_ricevute.CORSIA, _RICEVUTE_THREADS),
        _Relay("relay_posizioni", pubblica_posizioni.CORSIA, _POSIZIONI_THREADS),
    ]
    receipts = job("apply_rt", lambda: elabora_ricevute.run_once(runtime.db, runtime.clock()))
    grace = timedelta(seconds=config.session_grace_s)
    expire = job("expire_sessioni", lambda: expire_sessioni.run_once(runtime.db, grace, runtime.clock()))
    cart_ttl = timedelta(seconds=config.checkout_ttl_s)
    carts = job("expire_carrelli", lambda: expire_carrelli.run_once(runtime.db, cart_ttl, runtime.clock()))
    expire_flows = job("expire_flussi", lambda: expire_flussi.run_once(runtime.db, runtime.clock()))

    scheduler = BackgroundScheduler(
        executors={"default": JobThreads(4)},
        job_defaults={"coalesce": True, "max_instances": 1, "misfire_grace_time": None},
        timezone="UTC",
    )
    orologio = Orologio(runtime.clock)
    dated = orologio.guarded
    scheduler.add_job(dated(expire), "interval", seconds=_EXPIRE_EVERY_S, id="expire_sessioni")
    missing = job("recupera_ricevute", lambda: recupera_ricevute.run_once(runtime.db, runtime.clock()))
    scheduler.add_job(missing, "interval", seconds=_EXPIRE_EVERY_S, id="recupera_ricevute")
    positions = job("pubblica_posizioni", lambda: pubblica_posizioni.run_once(runtime.db, runtime.clock()))
    scheduler.add_job(positions, "interval", seconds=_EXPIRE_EVERY_S, id="pubblica_posizioni")
    scheduler.add_job(dated(carts), "interval", seconds=_EXPIRE_EVERY_S, id="expire_carrelli")
    scheduler.add_job(dated(expire_flows), "interval", seconds=_EXPIRE_EVERY_S, id="expire_flussi")
    forget = job("forget_messaggi", lambda: forget_messaggi.run_once(runtime.db, runtime.clock()))
    scheduler.add_job(dated(forget), "interval", seconds=_EXPIRE_EVERY_S, id="forget_messaggi")
    unopened = job("forget_precaricate", lambda: forget_precaricate.run_once(runtime.db, runtime.clock()))
    scheduler.add_job(dated(unopened), "interval", seconds=_EXPIRE_EVERY_S, id="forget_precaricate")
    conclusi = Permanenza.of_giorni(config.conserva_messaggi_giorni, config.conserva_sessioni_giorni)
    over = job("forget_conclusi", lambda: forget_conclusi.run_once(runtime.db, conclusi, runtime.clock()))
    scheduler.add_job(dated(over), "interval", seconds=_EXPIRE_EVERY_S, id="forget_conclusi")
    annul = job("annulla_flusso", lambda: annulla_flusso.run_once(runtime.db, runtime.clock))
    scheduler.add_job(annul, "interval", seconds=_EXPIRE_EVERY_S, id="annulla_flusso")
    daily = job("export_giornaliero", lambda: export_giornaliero.run_once(runtime.db, runtime.clock()))
    scheduler.add_job(dated(daily), "interval", seconds=_EXPIRE_EVERY_S, id="export_giornaliero")
    orphans = job("retry_orphans", lambda: elabora_ricevute.retry_orphans(runtime.db, runtime.clock()))
    scheduler.add_job(orphans, "interval", seconds=_EXPIRE_EVERY_S, id="retry_orphans")
    unsettled = job("count_missing_fdr", lambda: leggi_misure.count_missing_fdr(runtime.db, runtime.clock()))
    scheduler.add_job(unsettled, "interval", seconds=_EXPIRE_EVERY_S, id="count_missing_fdr")
    attesa = timedelta(seconds=config.ricevuta_attesa_s)
    con_vie = [profilo for profilo, nodo in runtime.nodi.items() if nodo.vie]
    overdue = job("recupero", lambda: recupero.run_once(runtime.db, con_vie, attesa, runtime.clock()))
    scheduler.add_job(overdue, "interval", seconds=min(_EXPIRE_EVERY_S, config.ricevuta_attesa_s), id="recupero")
    scheduler.add_job(_scadenze(runtime), "interval", days=1, next_run_time=runtime.clock(), id="scadenze_stazioni")
    scheduler.add_job(dated(_tassonomia(runtime, fonte)), "interval", seconds=_EXPIRE_EVERY_S, id="aggiorna_tassonomia")
    battito = _Battito(runtime, stop)
    scheduler.add_job(battito.tick, "interval", seconds=_BATTITO_S, next_run_time=runtime.clock(), id="battito")
    for name, deed in _giornale(runtime).items():
        scheduler.add_job(deed, "interval", seconds=_EXPIRE_EVERY_S, next_run_time=runtime.clock(), id=name)
    loops = [Loop(relay.name, relay.tick(runtime, stop), config.tick_s, stop) for relay in relays]
    loops.append(Loop("apply_rt", receipts, config.tick_s, stop))
    for loop in loops:
        scheduler.add_job(loop.wake, "interval", seconds=config.tick_s, id=loop.name)
        loop.start()

    def wake() -> None:
        for loop in loops:
            loop.wake()

    watcher = threading.Thread(target=watch, args=(runtime.db, wake, stop), name="wake", daemon=True)
    watcher.start()
    scheduler.start()
    Guardia(runtime, orologio, scheduler, stop).start()
    reports = [] if fdr is None else rendicontazione.start(runtime, fdr, stop)
    get_logger().info("worker_started", threads=config.relay_threads)
    if notifica is not None:
        silence_s = _WAYS * config.node_call_s + _SILENZIO_S
        notifica.follow_aside(lambda: all(loop.has_turned(silence_s) for loop in loops), stop)
    await_stop(stop)
    if notifica is not None:
        notifica.tell("STOPPING=1")
    scheduler.shutdown(wait=True)
    for loop in reports:
        loop.wake()
    for loop in (*loops, *reports):
        loop.join()
    for relay in relays:
        # Who is still in a call was let go of; nobody waits for its answer.
        relay.pool.shutdown(wait=False)
    watcher.join()
    get_logger().info("worker_stopped")
    if battito.failure is not None:
        raise battito.failure


class _Battito:
    """The heartbeat; it stops the worker when the database has become older than it was."""

    def __init__(self, runtime: Runtime, stop: threading.Event) -> None:
        self.failure: DatabaseRipristinato | None = None
        self.tick = job("battito", self._beat)
        self._runtime, self._stop = runtime, stop

    def _beat(self) -> bool:
        try:
            self._runtime.segni.beat(self._runtime.db, self._runtime.clock())
        except DatabaseRipristinato as error:
            get_logger().error("database_older")
            self.failure = error
            self._stop.set()
        return False


def _tassonomia(runtime: Runtime, fonte: FonteTassonomia | None) -> Callable[[], bool]:
    ora, preavviso = runtime.config.tassonomia_ora, timedelta(days=runtime.config.tassonomia_preavviso_giorni)
    return job(
        "aggiorna_tassonomia",
        lambda: aggiorna_tassonomia.run_once(runtime.db, fonte, ora, preavviso, runtime.clock()),
        is_told=False,
    )


def _giornale(runtime: Runtime) -> dict[str, Callable[[], bool]]:
    """What is signed and purged of the journal, also when it is not kept any more."""
    db, clock, firma = runtime.db, runtime.clock, FirmaGiornale(runtime.config.secret_key)
    conserva = timedelta(days=runtime.config.giornale_giorni)
    deeds: dict[str, Callable[[], bool]] = {
        "firma_giornale": lambda: firma_giornale.sign_heads(db, firma, clock()),
        "purga_giornale": lambda: firma_giornale.purge(db, firma, conserva, clock()),
    }
    return {name: job(name, deed) for name, deed in deeds.items()}


def _scadenze(runtime: Runtime) -> Callable[[], bool]:
    preavviso = timedelta(days=runtime.config.scadenze_preavviso_giorni)
    return job("scadenze_stazioni", lambda: scadenze_stazioni.run_once(runtime.db, preavviso, runtime.clock()))


class _Relay:
    """The relay of one lane: its topics and the threads that they share."""

    def __init__(self, name: str, corsia: str, threads: int) -> None:
        self.name = name
        self.pool = ThreadPoolExecutor(threads, thread_name_prefix=name)
        self._corsia = corsia
        self._threads = threads

    def tick(self, runtime: Runtime, stop: threading.Event) -> Callable[[], bool]:
        config = runtime.config
        topics = {name: topic for name, topic in runtime.topics.items() if topic.corsia == self._corsia}
        lease, margin = {
            inoltro_esito.CORSIA: (timedelta(seconds=config.lease_s), _MARGIN_ENTE),
            consegna_export.CORSIA: (consegna_export.LEASE, consegna_export.MARGINE),
            # Time for every way of finding out, one after the other.
            recupero.CORSIA: (_WAYS * _margin_nodo(config), _margin_nodo(config)),
        }.get(self._corsia, (timedelta(seconds=config.lease_s), _margin_nodo(config)))
        limits = relay_outbox.RelayLimits(
            slots=min(config.relay_batch, self._threads),
            lease=lease,
            margin=margin,
            attempts_max=config.relay_attempts_max,
            # Of the entes none may take more than a quarter.
            per_ente=None if self._corsia in _DEL_NODO else max(1, self._threads // 4),
            pausa_s=config.recupero_pausa_s if self._corsia == recupero.CORSIA else 0.0,
        )

        def relay() -> bool:
            return relay_outbox.run_once(runtime.db, topics, self.pool, limits, runtime.clock, stop)

        return job(self.name, relay)


def _margin_nodo(config: Config) -> timedelta:
    return timedelta(seconds=config.node_call_s)
