"""The Flask application: its limits, its headers, the one translation of refusals, one log line per request."""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING, Any

import structlog
from flask import Flask, Response, g, jsonify, render_template, request
from werkzeug.exceptions import HTTPException, InternalServerError

from hub.domain.errors import (
    Conflict,
    HubError,
    InvalidRequest,
    NotAllowed,
    NotFound,
    OutOfService,
    PagamentoScaduto,
    TroppoSpesso,
)
from hub.log import get_logger
from hub.web import avviso, console, flussi, giornale, landing, paga, problemi, salute, sandbox
from hub.web.context import CERTIFICATE, CORRELATION_ID, METRICS, ROUTE, RUNTIME
from hub.web.metrics import Metrics
from hub.web.testi import ERRORI, euro, ora

if TYPE_CHECKING:
    from hub.runtime import Runtime

# Name, e-mail and a seal; a browser's own additions fit too.
_FORM_MAX_PARTS = 20
_STATIC_MAX_AGE_S = 86_400

_HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; img-src 'self'; "
        "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=()",
}

# The first class that fits decides: the precise ones stand before their parents.
_STATUS: tuple[tuple[type[HubError], int], ...] = (
    (PagamentoScaduto, 410),
    (TroppoSpesso, 429),
    (NotFound, 404),
    (NotAllowed, 403),
    (Conflict, 409),
    (InvalidRequest, 422),
    (OutOfService, 503),
)


Certificate = Callable[[dict[str, Any]], str | None]


class _PrivateFlask(Flask):
    """Flask whose log of an unexpected exception goes through the hub's, which leaves its message out."""

    def log_exception(self, exc_info: Any) -> None:
        get_logger().error("http_request_crashed", exc_info=exc_info)


def create_flask(
    runtime: Runtime, certificate: Certificate | None = None, metrics: Metrics | None = None
) -> Flask:
    """Return the application of pages, health and metrics. It calls no network; only the console sets cookies."""
    app = _PrivateFlask("hub.web", static_url_path="/static")
    app.config.update(
        MAX_CONTENT_LENGTH=runtime.config.max_form_bytes,
        MAX_FORM_MEMORY_SIZE=runtime.config.max_form_bytes,
        MAX_FORM_PARTS=_FORM_MAX_PARTS,
        SEND_FILE_MAX_AGE_DEFAULT=_STATIC_MAX_AGE_S,
    )
    app.extensions[RUNTIME] = runtime
    app.extensions[METRICS] = metrics or Metrics()
    app.extensions[CERTIFICATE] = certificate
    app.jinja_env.filters.update(euro=euro, ora=ora, istante=datetime.isoformat)
    app.jinja_env.globals["is_sandbox"] = runtime.config.sandbox
    app.jinja_env.globals["static_version"] = _digest(Path(str(app.static_folder)))
    # An address is one text: what is nearly ours is not found, and nobody is sent on to wherever his Host header says.
    app.url_map.merge_slashes = False
    app.before_request(_begin)
    app.after_request(_finish)
    app.register_error_handler(HubError, _refused)
    app.register_error_handler(HTTPException, _http_error)
    paga.register(app)
    avviso.register(app)
    landing.register(app)
    salute.register(app)
    flussi.register(app)
    console.register(app)
    sandbox.register(app)
    return app


def _begin() -> None:
    given = request.headers.get("X-Correlation-Id", "")
    g.started = perf_counter()
    g.correlation_id = given if CORRELATION_ID.fullmatch(given) else uuid.uuid4().hex
    structlog.contextvars.clear_contextvars()
    structlog.contextvars.bind_contextvars(correlation_id=g.correlation_id)


def _finish(response: Response) -> Response:
    """Add the headers of every answer and write its one line. The address is not logged: it may carry tokens."""
    route = request.url_rule.rule if request.url_rule is not None else "-"
    request.environ[ROUTE] = route
    giornale.tell()
    response.headers.update(_HEADERS)
    response.headers["X-Correlation-Id"] = g.correlation_id
    if request.endpoint != "static":
        response.headers["Cache-Control"] = "no-store"
        duration_ms = round((perf_counter() - g.started) * 1000, 1)
        extra = g.get("log", {}) | ({"refusal": g.refusal} if "refusal" in g else {})
        get_logger().info(
            "http_request",
            method=request.method,
            route=route,
            status=response.status_code,
            duration_ms=duration_ms,
            **extra,
        )
    return response


def _refused(error: HubError) -> tuple[Response | str, int]:
    """Translate a refusal of the hub into its page, or its JSON where a program asked."""
    g.refusal = error.code
    if error.reason is not None:
        g.log = {"reason": error.reason}
    if request.endpoint in flussi.LEGACY_ENDPOINTS | flussi.PROBLEM_ENDPOINTS:
        g.refusal = problemi.code_of(error)
        told = problemi.legacy(error) if request.endpoint in flussi.LEGACY_ENDPOINTS else problemi.problem(error)
        return told, told.status_code
    status = next((status for kind, status in _STATUS if isinstance(error, kind)), 500)
    return _answer(status, ERRORI.get(type(error).__name__)), status


def _http_error(error: HTTPException) -> tuple[Response | str, int] | HTTPException:
    """Translate what Flask refuses, and our own crash, into a page that tells nothing of the inside."""
    if error.code is None or error.code < 400:
        return error
    if isinstance(error, InternalServerError) and request.endpoint == "ready":
        # Whatever broke while looking, this process cannot serve: a balancer understands 503.
        motivo = "il database non risponde"
        return jsonify(stato="non pronto", database=False, migrazioni=False, motivo=motivo), 503
    if request.endpoint in flussi.LEGACY_ENDPOINTS and error.code != 405:
        return problemi.legacy(None), 200
    if flussi.tells_problems(request.path):
        return _with_headers(problemi.problem_of_status(error.code), error), error.code
    return _answer(error.code), error.code


def _with_headers(answer: Response, error: HTTPException) -> Response:
    """Keep what Flask says beside its page: the methods that are allowed."""
    answer.headers.extend(
        (name, value) for name, value in error.get_headers() if name.lower() not in ("content-type", "content-length")
    )
    return answer


def _answer(status: int, testo: tuple[str, str] | None = None) -> Response | str:
    titolo, spiegazione = testo or ERRORI.get(status) or ERRORI[500]
    if request.endpoint in paga.JSON_ENDPOINTS or request.path.startswith(("/health/", "/metrics")):
        return jsonify(errore=titolo, correlation_id=g.correlation_id)
    return render_template(
        "errore.html", titolo=titolo, spiegazione=spiegazione, status=status, sessione=g.get("sessione"),
        ritorno=paga.way_back(g.get("sessione")), correlation_id=g.correlation_id,
    )  # fmt: skip


def _digest(folder: Path) -> str:
    """Return a short fingerprint of the static files: their address changes when they do."""
    digest = hashlib.sha256()
    for path in sorted(folder.iterdir()):
        if path.is_file():
            digest.update(path.read_bytes())
    return digest.hexdigest()[:12]
