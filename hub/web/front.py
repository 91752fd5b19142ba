"""One port for two doors: paths of the SOAP services go to their own application, everything else to the pages."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from http import HTTPStatus
from time import perf_counter
from typing import TYPE_CHECKING, Any
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

from hub import misure
from hub.runtime import REPLACED
from hub.web.app import Certificate, create_flask
from hub.web.context import ROUTE
from hub.web.flussi import long_paths
from hub.web.giornale import annotating
from hub.web.guardia_nodo import GuardiaNodo
from hub.web.metrics import Metrics
from hub.web.scarico import waiting

if TYPE_CHECKING:
    from hub.runtime import Runtime


def create_front(
    runtime: Runtime,
    mounts: Mapping[str, WSGIApplication],
    certificate: Certificate | None = None,
    guardia: GuardiaNodo | None = None,
    metrics: Metrics | None = None,
) -> WSGIApplication:
    """Return the WSGI application of the whole HTTP server.

    `mounts`: path -> application which sees what follows the path ("", "/...", or ".wsdl"). `certificate`: finds the
    fingerprint of the TLS client certificate of a request. `guardia`: who gets to the doors of the node; None: all.
    `metrics`: where this process counts; None: by itself.
    """
    metrics = metrics or Metrics()
    misure.collect(metrics)
    flask = create_flask(runtime, certificate, metrics)
    by_length = sorted(mounts.items(), key=lambda mount: -len(mount[0]))

    def front(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        started = perf_counter()
        status = "500"

        def recording(line: str, headers: list[tuple[str, str]], exc_info: Any = None) -> Any:
            nonlocal status
            status = line[:3]
            return start_response(line, headers, exc_info) if exc_info else start_response(line, headers)

        app = _choose(by_length, environ) or flask
        refusal = None if guardia is None else guardia.refuse(environ, environ.get(ROUTE))
        try:
            return app(environ, recording) if refusal is None else _turn_away(refusal, recording)
        finally:
            route = environ.get(ROUTE, "-")
            if REPLACED in environ:
                metrics.replaced(environ[REPLACED])
            metrics.request(environ.get("REQUEST_METHOD", ""), route, status, perf_counter() - started)

    return annotating(waiting(front, runtime), runtime.giornale, runtime.registratore, long_paths(runtime.config))


def _turn_away(status: HTTPStatus, start_response: StartResponse) -> Iterable[bytes]:
    """Answer a request that is not let in: nothing is said but the status."""
    start_response(f"{status.value} {status.phrase}", [("Content-Type", "text/plain"), ("Content-Length", "0")])
    return [b""]


def _choose(mounts: list[tuple[str, WSGIApplication]], environ: WSGIEnvironment) -> WSGIApplication | None:
    """Return the application mounted on the request's path, the path moved into SCRIPT_NAME; None for the pages."""
    path = environ.get("PATH_INFO", "")
    for prefix, app in mounts:
        rest = path[len(prefix) :]
        if path.startswith(prefix) and rest[:1] in ("", "/", "."):
            environ["SCRIPT_NAME"] = environ.get("SCRIPT_NAME", "") + prefix
            environ["PATH_INFO"] = rest
            environ[ROUTE] = prefix
            return app
    return None
