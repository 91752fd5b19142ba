"""Liveness, readiness and metrics: what a supervisor, a balancer and Prometheus ask."""

from __future__ import annotations

import threading
from datetime import timedelta
from socketserver import ThreadingMixIn
from typing import TYPE_CHECKING, Any
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server

from flask import Flask, Response, current_app, jsonify, request

from hub.domain.errors import DatabaseRipristinato, Misconfigured, OutOfService
from hub.formats.resources import resource
from hub.misure import DATABASE, SPAZIO
from hub.store import migrate
from hub.usecases.leggi_misure import Lettura, leggi_misure
from hub.usecases.spazio import dischi, problema
from hub.web.carico import CARICO, Carico
from hub.web.context import METRICS, RUNTIME, runtime
from hub.web.metrics import CONTENT_TYPE, Metrics

if TYPE_CHECKING:
    from hub.runtime import Runtime

_HEAD = "pontepa.migrations.head"
# Who asks a worker is near: one that is silent for so long is gone.
_SILENT_S = 10


def register(app: Flask) -> None:
    """Add /health/live, /health/ready and /metrics. What the newest migration is, is read once, here."""
    app.extensions[_HEAD] = migrate.head(resource("migrations"))
    app.add_url_rule("/health/live", view_func=live)
    app.add_url_rule("/health/ready", view_func=ready)
    app.add_url_rule("/metrics", view_func=exposition)


def live() -> Response:
    """Answer that the process runs; nothing else is looked at."""
    return jsonify(stato="ok")


def ready() -> tuple[Response, int]:
    """Answer 200 when the database answers, its schema fits this version, it is not an older copy, there is room on the
    disks and the server has room, else 503 and why.

    An exception on the way becomes 503 in the door's translation.
    """
    db = runtime().db
    db.ping()
    is_migrated = migrate.is_fit(migrate.current(db), current_app.extensions[_HEAD])
    try:
        runtime().segni.check(db)
    except DatabaseRipristinato as error:
        why = str(error)
        return jsonify(stato="non pronto", database=True, migrazioni=is_migrated, ripristinato=True, motivo=why), 503
    carico: Carico | None = request.environ.get(CARICO)
    motivo = None if is_migrated else "il database non è alla versione di questo programma"
    if motivo is None:
        motivo = problema(db, runtime().config)
    if motivo is None and carico is not None:
        motivo = carico.problem()
    if motivo is not None:
        return jsonify(stato="non pronto", database=True, migrazioni=is_migrated, motivo=motivo), 503
    return jsonify(stato="ok", database=True, migrazioni=True), 200


def exposition() -> Response:
    """Answer what the processes of this machine count, and what the database holds, which is everybody's.

    When it does not answer, what is counted is told all the same.
    """
    config = runtime().config
    lettura = Lettura(
        topics=tuple(runtime().topics),
        attesa=timedelta(seconds=config.ricevuta_attesa_s),
        every=timedelta(seconds=config.metrics_cache_s),
    )
    try:
        lette = leggi_misure(runtime().db, lettura, runtime().clock)
    except OutOfService:
        lette = {DATABASE.name: [([], 0)]}
    lette[SPAZIO.name] = [
        ([disco.dove], disco.libero_bytes) for disco in dischi(config) if disco.libero_bytes is not None
    ]
    metrics: Metrics = current_app.extensions[METRICS]
    return Response(metrics.exposition(lette), content_type=CONTENT_TYPE)


class _Handler(WSGIRequestHandler):
    timeout = _SILENT_S

    def log_message(self, *_: Any) -> None:
        """Nobody reads who has asked for numbers."""


class _Server(ThreadingMixIn, WSGIServer):
    daemon_threads = True


def serve_beside(runtime: Runtime, metrics: Metrics, host: str, port: int) -> WSGIServer:
    """Answer /health/live, /health/ready and /metrics of a process that has no other door, in threads of its own.

    Raises: Misconfigured (the port is taken).
    """
    app = Flask("hub.web", static_folder=None)
    app.extensions |= {RUNTIME: runtime, METRICS: metrics}
    register(app)
    app.register_error_handler(500, lambda _: (jsonify(stato="non pronto"), 503))
    try:
        server = make_server(host, port, app, server_class=_Server, handler_class=_Handler)
    except OSError as error:
        raise Misconfigured(f"PONTEPA_METRICS_PORT: {host}:{port} non si può aprire ({error.strerror})") from error
    threading.Thread(target=server.serve_forever, name="metriche", daemon=True).start()
    return server
