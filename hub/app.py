"""Assembly of the processes: a runtime, the HTTP side over it, the server, the worker. What goes out: app_uscite."""

from __future__ import annotations

import gc
import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterable
from datetime import timedelta
from functools import partial
from typing import Any

from adapters.ente.client import EnteClient
from adapters.firma.xmlsec_verifier import XmlsecFirme
from adapters.nodo.fake import serve_simulator
from adapters.nodo.simulatore import SimulatoreClient
from adapters.posizioni.client import PosizioniClient
from adapters.ricevute.client import RicevuteClient
from hub import app_flussi, app_porte, app_uscite, crash, log, misure
from hub.app_giornale import Testimoni, build_giornale, build_journals, build_registratore
from hub.config import Config
from hub.config_reading import is_nodo_di_produzione, load_config
from hub.domain.chiamata_sandbox import Canale
from hub.domain.errors import Misconfigured
from hub.formats.resources import resource
from hub.formats.segreti import Cassaforte
from hub.jobs import schedule
from hub.jobs.figlio import Figlio
from hub.runtime import Runtime, utc_now
from hub.soap import ente, nodo
from hub.soap.contract import load_contract
from hub.soap.nodo.vaglio import build_outgoing
from hub.soap.protocol import fault_text
from hub.soap.security import Signatures
from hub.soap.server import behind_proxies, build_wsgi
from hub.soap.shown import proxied_certificate
from hub.store import migrate
from hub.store.anagrafe import Anagrafe
from hub.store.database import Database
from hub.store.iuv import IuvBlocks
from hub.store.segni import Segni
from hub.systemd import Notifica
from hub.usecases import (
    consegna_export,
    inoltro_esito,
    invio_rpt,
    pubblica_posizioni,
    recupera_ricevute,
    recupero,
    visita_sandbox,
)
from hub.usecases.authenticate import Callers
from hub.usecases.consegna_export import TOPIC_EXPORT
from hub.usecases.inoltro_esito import TOPIC_ESITO
from hub.usecases.passo import Passo
from hub.usecases.pubblica_posizioni import TOPIC_POSIZIONI
from hub.usecases.recupera_ricevute import TOPIC_RICEVUTE
from hub.usecases.recupero import TOPIC_RECUPERO
from hub.usecases.start_pagamento import TOPIC_NODO
from hub.web import create_front
from hub.web.flussi import PROBLEM_PATHS, UPLOAD, long_paths
from hub.web.metrics import FOLDER, Metrics, shared_folder
from hub.web.mittente import Mittenti
from hub.web.porte import Porte
from hub.web.rifiuti import Rifiuti
from hub.web.salute import serve_beside
from hub.web.server import Accoglienza, BodyLimits, Domande, Front

_BACKLOG = 1024
_CONNECTIONS_MAX = 8192
_HEADER_TIMEOUT_MS = 10_000
# The head of a request fits; of a body and of requests that follow unasked no more than that waits here.
_BUFFER_BYTES = 64 * 1024
_STOP_TIMEOUT_S = 10
# Objects made and not yet freed; one request makes a few hundred.
_GC_THRESHOLD = 10_000

Wsgi = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]


def build_runtime(config: Config) -> Runtime:
    """Open the parts of one process. Raises: Misconfigured."""
    db = Database.open(config.database_url, pool_size=config.db_pool_size)
    segni = Segni(config.data_dir)
    cassaforte = Cassaforte(config.secret_key)
    giornale = build_giornale(config, db)
    registratore = build_registratore(config, db)
    if config.sandbox:
        log.get_logger().warning("sandbox_mode", kept="requests and answers", shown=f"{config.public_url}/sandbox")
    testimoni = Testimoni(giornale, registratore)
    nodi = testimoni.nodi(app_uscite.build_nodi(config))
    linked = app_uscite.build_collegamenti(config, db, nodi, cassaforte)
    enti = testimoni.enti(EnteClient(is_open=not config.is_produzione))
    posizioni = testimoni.posizioni(PosizioniClient(config.piattaforma_url))
    ricevute = testimoni.ricevute(RicevuteClient(config.piattaforma_url))
    recapiti = testimoni.recapiti(app_uscite.build_recapiti(config))
    archivio = app_flussi.build_archivio_file(config)
    lasts = timedelta(seconds=config.node_call_s)
    passo = Passo(config.applicazione_al_secondo, config.applicazione_insieme)
    return Runtime(
        config=config,
        db=db,
        nodi=nodi,
        iuv=IuvBlocks(db, config.iuv_block_size, segni),
        segni=segni,
        callers=Callers(Anagrafe(db), config.auth_failures_max, passo),
        cassaforte=cassaforte,
        firme=XmlsecFirme(),
        archivio=archivio,
        archivi=app_uscite.build_archivi(config, testimoni),
        giornale=giornale,
        registratore=registratore,
        simulatore=SimulatoreClient(config.node_url) if config.sandbox and config.node_url else None,
        topics=testimoni.topics({
            **{
                TOPIC_NODO + name: invio_rpt.build_topic(one, config.relay_attempts_max)
                for name, one in linked.items()
            },
            TOPIC_RECUPERO: recupero.build_topic(linked, timedelta(seconds=config.ricevuta_attesa_s)),
            TOPIC_ESITO: inoltro_esito.build_topic(db, enti, cassaforte),
            TOPIC_POSIZIONI: pubblica_posizioni.build_topic(db, posizioni, cassaforte, utc_now, lasts),
            TOPIC_RICEVUTE: recupera_ricevute.build_topic(db, ricevute, cassaforte, utc_now, lasts),
            TOPIC_EXPORT: consegna_export.build_topic(db, archivio, recapiti, cassaforte),
        }),
    )


def build_wsgi_app(runtime: Runtime, metrics: Metrics | None = None) -> Wsgi:
    """Return the whole HTTP side of the hub over one runtime. `metrics`: where its process counts; None: by itself."""
    config = runtime.config
    ente_contract = load_contract(resource("wsdl", "pa-per-ente.wsdl"), ente.RELAXED, ente.TEXTUAL)
    client_ip = behind_proxies(config.trusted_proxies)
    certificate = proxied_certificate(config.proxy_cert_header, config.trusted_proxies)
    mounts = {
        ente.PATH: build_wsgi(
            ente_contract,
            ente.build_operations(runtime),
            public_url=config.public_url,
            path=ente.PATH,
            max_bytes=config.max_body_bytes,
            journal=build_journals(runtime, Canale.ENTE),
            client_ip=client_ip,
            certificate=certificate,
            signatures=Signatures(runtime.firme, runtime.callers, config.public_url + ente.PATH, runtime.clock),
        ),
    }
    for porta in nodo.PORTE:
        contract = load_contract(resource("wsdl", porta.wsdl))
        mounts[porta.path] = build_wsgi(
            contract,
            porta.build_operations(runtime, contract),
            public_url=config.public_url,
            path=porta.path,
            max_bytes=config.max_rt_body_bytes,
            journal=build_journals(runtime, Canale.NODO),
            client_ip=client_ip,
            on_invalid=porta.on_invalid,
            tolerant=porta.tolerant,
            outgoing=build_outgoing(contract),
        )
    return create_front(runtime, mounts, certificate, app_porte.build_guardia(config, runtime.clock), metrics)


def build_accoglienza(runtime: Runtime) -> Accoglienza:
    """Return how the server receives callers: whose a request is, and what is told to who is turned away."""
    from granian.rsgi import ProtocolClosed, ProtocolError

    config, paths = runtime.config, frozenset(porta.path for porta in nodo.PORTE)
    return Accoglienza(
        nodo=paths,
        nodo_threads=config.nodo_threads,
        mittenti=Mittenti(config.trusted_proxies, runtime.callers.is_known),
        rifiuti=Rifiuti((ente.PATH, *paths), fault_text, (UPLOAD,), PROBLEM_PATHS),
        interrupted=(ProtocolClosed, ProtocolError),
    )


def create_front_server() -> Front | Porte:
    """The factory that each server process calls: settings from its own environment, nothing at import."""
    config = load_config(os.environ.get("PONTEPA_CONFIG"), os.environ)
    log.configure(config)
    crash.arm(os.environ, is_production=config.is_produzione)
    limits = BodyLimits(
        bytes_by_path={ente.PATH: config.max_body_bytes}
        | {porta.path: config.max_rt_body_bytes for porta in nodo.PORTE},
        bytes_max=config.max_form_bytes,
        seconds=config.body_timeout_s,
        long_by_path=long_paths(config),
        folder=config.arrivals_dir,
    )
    config.arrivals_dir.mkdir(parents=True, exist_ok=True)
    metrics = _begin_counting(config, "serve", os.environ.get(FOLDER))
    runtime = build_runtime(config)
    wsgi = build_wsgi_app(runtime, metrics)
    closing = (lambda: None) if runtime.giornale is None else runtime.giornale.close
    _keep_out_of_collections()
    domande = Domande(nodo.DOMANDE, config.domande_threads)
    how = build_accoglienza(runtime)
    front = Front(wsgi, config.public_url, limits, config.blocking_threads, domande, how, closing)
    porte = app_porte.build_porte(config)
    app_porte.build_vigile(config, app_porte.places(_CONNECTIONS_MAX)).start()
    return Porte(front, list(porte.values()), config.trusted_proxies) if porte else front


def _begin_counting(config: Config, ruolo: str, folder: str | None = None) -> Metrics:
    metrics = Metrics(folder)
    misure.collect(metrics)
    metrics.begin(ruolo)
    misure.level(misure.DB_CONNESSIONI_MAX, config.db_pool_size)
    return metrics


def _keep_out_of_collections() -> None:
    """Spare the collector what lives as long as the process, and make it look at the rest less often.

    A whole look at the libraries takes 50 ms, in which nobody is answered; a request leaves next to no cycles.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(_GC_THRESHOLD, 50, 50)


def serve(config: Config) -> None:
    """Serve HTTP until a signal.

    Raises: Misconfigured (the database is not at this version's migration; TLS), DatabaseRipristinato.
    """
    from granian.constants import HTTPModes, Interfaces, Loops
    from granian.http import HTTP1Settings
    from granian.server import Server

    _check_database(config)
    app_porte.check_porte(config)
    server = Server(
        "hub.app:create_front_server",
        address=config.host,
        port=config.port,
        interface=Interfaces.RSGI,
        # uvloop where it is installed.
        loop=Loops.auto,
        factory=True,
        workers=config.workers,
        # A connection costs memory, not a thread: who is slow is outlasted by the others until its time is over.
        backlog=_BACKLOG,
        backpressure=app_porte.places(_CONNECTIONS_MAX),
        http=HTTPModes.http1,
        http1_settings=HTTP1Settings(
            header_read_timeout=_HEADER_TIMEOUT_MS, keep_alive=True, max_buffer_size=_BUFFER_BYTES
        ),
        workers_kill_timeout=_STOP_TIMEOUT_S,
        log_enabled=False,
        websockets=False,
    )
    answers = partial(app_porte.answer_all, config)
    with shared_folder():
        # Processes are born before it first looks.
        Notifica(os.environ).follow_aside(answers, threading.Event())
        server.serve()


def run_worker(config: Config) -> None:
    """Run the jobs until SIGTERM or SIGINT, then settle what is in flight.

    Raises: Misconfigured, DatabaseRipristinato (also while it runs: nothing leaves twice).
    """
    if not config.node_url:
        raise Misconfigured("PONTEPA_NODE_URL non valorizzata: il worker non sa dove inviare")
    log.configure(config)
    _check_database(config)
    crash.arm(os.environ, is_production=config.is_produzione)
    metrics = _begin_counting(config, "worker")
    runtime = build_runtime(config)
    told = None
    if config.metrics_port is not None:
        told = serve_beside(runtime, metrics, config.host, config.metrics_port)
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    threading.Thread(target=_end_in_time, args=(stop,), name="end", daemon=True).start()
    flows = Figlio(app_flussi.command(), stop)
    flows.start()
    fonte = app_uscite.build_fonte_tassonomia(config) if config.tassonomia_aggiorna else None
    fdr = Testimoni(runtime.giornale, runtime.registratore).fdr(app_uscite.build_fdr(config, stop))
    try:
        schedule.run(runtime, stop, fonte, fdr, Notifica(os.environ))
    finally:
        stop.set()
        flows.join()
        if told is not None:
            told.server_close()
        if runtime.giornale is not None:
            runtime.giornale.close()
        runtime.db.close()


def _end_in_time(stop: threading.Event) -> None:
    """End the process when it has had its time to stop: what it held is given back, or free when its lease is over.

    A call that the node answers in half a minute would keep it alive until then.
    """
    stop.wait()
    time.sleep(_STOP_TIMEOUT_S - 1)
    log.get_logger().warning("worker_ended", threads=[thread.name for thread in threading.enumerate()])
    sys.stdout.flush()
    os._exit(0)


def run_simulator(config: Config, *, port: int, hub_url: str, **options: Any) -> None:
    """Play the node, the payer's page and their misbehaviour until a signal."""
    log.configure(config)
    serve_simulator(host=config.host, port=port, hub_url=hub_url, data_dir=config.data_dir, **options)


def _check_database(config: Config) -> None:
    db = Database.open(config.database_url, pool_size=1)
    try:
        if not migrate.is_fit(migrate.current(db), migrate.head(resource("migrations"))):
            raise Misconfigured("il database non è aggiornato: eseguire `pontepa db upgrade`")
        Segni(config.data_dir).check(db)
        if config.sandbox:
            visita_sandbox.check_stazioni(db, is_nodo_di_produzione, config.piattaforma_url)
    finally:
        db.close()
