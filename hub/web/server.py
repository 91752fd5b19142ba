"""Between the server and the doors: bodies are read here, bounded in bytes and seconds, before a thread is taken.

The server (granian, RSGI) keeps thousands of connections without a thread each; a client that sends slowly, or stops,
costs one of them and nothing else. Threads work only on whole requests; what does not fit their queue is told to come
back. Source: RSGI specification 1.x; PEP 3333.
"""

from __future__ import annotations

import asyncio
import io
import random
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache, partial
from http import HTTPStatus
from pathlib import Path
from typing import IO, Any
from urllib.parse import unquote_to_bytes, urlsplit

from hub.runtime import ARRIVED, PEER_CERTIFICATE, PORTA
from hub.web.carico import CARICO, ECCESSO, FREQUENZA, MEMORIA, PIENO, Carico
from hub.web.corpi import SMALL_BYTES, Deposito, Posto, TroppiByte
from hub.web.lane import Lane, Scartata
from hub.web.long_road import LongRoad
from hub.web.mittente import Mittenti
from hub.web.rifiuti import Rifiuti
from hub.web.rsgi import (
    DI_TROPPI_PEZZI,
    Exchange,
    Headers,
    Scope,
    TroppiPezzi,
    Wsgi,
    declared_length,
    is_unreadable,
)

Answer = tuple[int, Headers, bytes]
# Who is sent away comes back after so many seconds, not all at the same instant.
_RETRY_AFTER_S = (2, 5)
# Questions that wait, for each thread of theirs: more would be late, and whoever asks has others to ask.
_PROMPT_QUEUE = 8
_LIVE, _READY, _SALUTE = "/health/live", "/health/ready", ("/health/", "/metrics")
# Each takes less than a millisecond.
_VITA_QUEUE = 255
# One of them may be waiting for the database, and the other is still answered.
_SALUTE_THREADS, _SALUTE_QUEUE = 2, 4
_INTERROTTA = "Richiesta interrotta: il contenuto non è arrivato intero"
# A database that takes longer to say that it is there is not.
_READY_S = 3.0


@dataclass(frozen=True, slots=True)
class BodyLimits:
    """`bytes_by_path`: the longest body by path prefix; elsewhere `bytes_max`. `seconds`: for the whole of a body.

    `long_by_path`: the paths whose bodies and answers may be long; `seconds` is then for the body to begin to move, and
    `folder` the place where it is laid down, None: the system's.
    """

    bytes_by_path: Mapping[str, int]
    bytes_max: int
    seconds: float
    long_by_path: Mapping[str, int] = field(default_factory=dict)
    folder: Path | None = None

    def bytes_of(self, path: str) -> int:
        return next((size for prefix, size in self.bytes_by_path.items() if path.startswith(prefix)), self.bytes_max)


@dataclass(frozen=True, slots=True)
class Domande:
    """Questions that must be answered soon: they have threads of their own. `actions`: SOAPAction by path."""

    actions: Mapping[str, frozenset[str]]
    threads: int

    def has(self, scope: Scope) -> bool:
        actions = self.actions.get(scope.path)
        return actions is not None and (scope.headers.get("soapaction") or "").strip('" ') in actions


@dataclass(frozen=True, slots=True)
class Accoglienza:
    """How callers are received. `nodo`: paths that the node calls, with `nodo_threads` of their own; `mittenti`: in
    whose name a request waits; `rifiuti`: what is told to who is turned away; `interrupted`: what the server raises
    when a body breaks off."""

    nodo: frozenset[str] = frozenset()
    nodo_threads: int = 0
    mittenti: Mittenti = field(default_factory=Mittenti)
    rifiuti: Rifiuti = field(default_factory=Rifiuti)
    interrupted: tuple[type[Exception], ...] = ()


class Front:
    """The application that the server calls: any WSGI callable behind bounded bodies and bounded, fair queues."""

    def __init__(
        self,
        wsgi: Wsgi,
        public_url: str,
        limits: BodyLimits,
        threads: int,
        domande: Domande | None = None,
        accoglienza: Accoglienza | None = None,
        closing: Callable[[], None] = lambda: None,
    ) -> None:
        """`closing`: called when the server has stopped."""
        self._closing = closing
        self._wsgi = wsgi
        self._limits = limits
        self._domande = domande
        self._how = how = accoglienza or Accoglienza()
        self.carico = Carico()
        self._prompt = None if domande is None else Lane("domande", domande.threads, _PROMPT_QUEUE)
        first = () if self._prompt is None else (self._prompt,)
        self._nodo = Lane("nodo", how.nodo_threads, gives_way_to=first) if how.nodo else None
        before = first if self._nodo is None else (*first, self._nodo)
        self._lane = Lane("http", threads, gives_way_to=before, leaves_one=True)
        self._salute = Lane("salute", _SALUTE_THREADS, _SALUTE_QUEUE, leaves_one=True)
        # It waits for nothing, and is answered while every other thread waits for something.
        self._vita = Lane("vita", 1, _VITA_QUEUE)
        lanes = (self._lane, self._prompt, self._nodo, self._salute, self._vita)
        self._lanes = [lane for lane in lanes if lane is not None]
        self._depositi = {lane.name: Deposito() for lane in self._lanes}
        self._long = LongRoad(
            wsgi, dict(limits.long_by_path), limits.seconds, limits.folder, how.rifiuti, self.carico
        )
        public = urlsplit(public_url)
        self._server = (public.hostname or "localhost", str(public.port or (443 if public.scheme == "https" else 80)))

    def __rsgi_del__(self, loop: asyncio.AbstractEventLoop) -> None:
        """Let the threads end; the server has waited for the requests before."""
        for lane in self._lanes:
            lane.close()
        self._long.close()
        self._closing()

    async def __rsgi__(self, scope: Scope, exchange: Exchange) -> None:
        if "transfer-encoding" in scope.headers and "content-length" in scope.headers:
            # Who is in front may have taken the other one for the end of the body. Source: RFC 9112, 6.1 and 11.2.
            text = "Richiesta ambigua: lunghezza dichiarata due volte"
            return self._tell(exchange, scope, 400, text, ("connection", "close"))
        if is_unreadable(scope.headers):
            return self._tell(exchange, scope, 400, "Intestazione con caratteri non ammessi")
        source = self._how.mittenti.source(scope)
        long_limit = self._long.limit_of(scope.path)
        if long_limit is not None:
            return await self._long.serve(scope, exchange, long_limit, self._environ, source)
        lane = self._lane_of(scope)
        limit = self._limits.bytes_of(scope.path)
        declared = declared_length(scope.headers)
        length, body = declared, b""
        # A length that is too long or makes no sense is judged by the door, which is given no byte of the body.
        is_within = declared is not None and declared.isdigit() and len(declared) < 19 and int(declared) <= limit
        with Posto(self._depositi[lane.name], source) as posto:
            if declared is None or is_within:
                is_small = is_within and int(declared or 0) <= SMALL_BYTES
                try:
                    async with asyncio.timeout(self._limits.seconds):
                        # Of a declared length the server lets nothing more through.
                        body = await (exchange() if is_small else posto.read(exchange, limit))
                except TimeoutError:
                    text = "Richiesta troppo lenta: il contenuto non è arrivato in tempo"
                    return self._tell(exchange, scope, 408, text)
                except TroppiPezzi:
                    return self._tell(exchange, scope, 400, DI_TROPPI_PEZZI)
                except TroppiByte:
                    return self._shed(exchange, scope, lane, MEMORIA)
                except self._how.interrupted:
                    return self._tell(exchange, scope, 400, _INTERROTTA)
                if declared is None or len(body) > limit:
                    length = str(len(body))
                elif len(body) < int(declared):
                    return self._tell(exchange, scope, 400, _INTERROTTA)
            await self._serve(scope, exchange, lane, source, length or "0", body)

    def _lane_of(self, scope: Scope) -> Lane:
        if self._prompt is not None and self._domande is not None and self._domande.has(scope):
            return self._prompt
        if self._nodo is not None and scope.path in self._how.nodo:
            return self._nodo
        if scope.path.startswith(_SALUTE):
            return self._vita if scope.path == _LIVE else self._salute
        return self._lane

    async def _serve(
        self, scope: Scope, exchange: Exchange, lane: Lane, source: str, length: str, body: bytes
    ) -> None:
        environ = self._environ(scope, length, io.BytesIO(body))
        chi = self._how.mittenti.of(source, body)
        if lane is self._salute:
            environ[CARICO] = self.carico
            # Who asks for the metrics does not keep the balancer waiting.
            chi = (scope.path, source)
        try:
            async with asyncio.timeout(_READY_S if scope.path == _READY else None):
                status, headers, text = await lane.run(partial(self._work, environ), chi)
        except Scartata as shed:
            # Of the node all is one sender's: whatever is turned away was worth its room.
            return self._shed(exchange, scope, lane, ECCESSO if shed.is_excess and lane is self._lane else PIENO)
        except TimeoutError:
            if scope.path != _READY:
                raise
            return self._tell(exchange, scope, 503, f"il database non risponde entro {_READY_S:.0f} secondi")
        if status == HTTPStatus.TOO_MANY_REQUESTS:
            self.carico.shed(lane.name, FREQUENZA)
        exchange.response_bytes(status, headers, text)

    def _shed(self, exchange: Exchange, scope: Scope, lane: Lane, reason: str) -> None:
        self.carico.shed(lane.name, reason)
        if lane is self._salute:
            return self._tell(exchange, scope, 503, "le domande precedenti aspettano ancora il database")
        after_s = random.randint(*_RETRY_AFTER_S)
        text = f"Servizio momentaneamente occupato: riprovare fra {after_s} secondi"
        self._tell(exchange, scope, 503, text, ("retry-after", str(after_s)))

    def _tell(self, exchange: Exchange, scope: Scope, status: int, text: str, *headers: tuple[str, str]) -> None:
        self._how.rifiuti.tell(exchange, scope.path, status, text, *headers)

    def _environ(self, scope: Scope, length: str, body: IO[bytes]) -> dict[str, Any]:
        environ: dict[str, Any] = {
            ARRIVED: time.monotonic(),
            "REQUEST_METHOD": scope.method,
            "SCRIPT_NAME": "",
            "PATH_INFO": unquote_to_bytes(scope.path).decode("latin-1"),
            "QUERY_STRING": scope.query_string,
            "SERVER_NAME": self._server[0],
            "SERVER_PORT": self._server[1],
            "SERVER_PROTOCOL": f"HTTP/{scope.http_version}",
            "REMOTE_ADDR": scope.client.rpartition(":")[0].strip("[]"),
            "wsgi.version": (1, 0),
            "wsgi.url_scheme": scope.scheme,
            "wsgi.input": body,
            "wsgi.errors": sys.stderr,
            "wsgi.multithread": True,
            "wsgi.multiprocess": True,
            "wsgi.run_once": False,
        }
        certificate = getattr(scope, "peer_certificate", None)
        if certificate is not None:
            environ[PEER_CERTIFICATE] = certificate
        environ[PORTA] = getattr(scope, "porta", "")
        for name, value in scope.headers.items():
            if "_" in name:
                continue  # Client_Cert would be read as Client-Cert, which a proxy in front guards
            key = _environ_key(name)
            environ[key] = f"{environ[key]},{value}" if key in environ else value
        # The body is whole here, however it came.
        environ.pop("HTTP_TRANSFER_ENCODING", None)
        environ["CONTENT_TYPE"] = environ.pop("HTTP_CONTENT_TYPE", "")
        environ.pop("HTTP_CONTENT_LENGTH", None)
        environ["CONTENT_LENGTH"] = length
        return environ

    def _work(self, environ: dict[str, Any]) -> Answer:
        told: list[tuple[str, Headers]] = []

        def start_response(status: str, headers: Headers, exc_info: Any = None) -> Callable[[bytes], None]:
            told.append((status, headers))
            return lambda _: None

        parts = self._wsgi(environ, start_response)
        try:
            answer = b"".join(parts)
        finally:
            close = getattr(parts, "close", None)
            if close is not None:
                close()
        status, headers = told[-1]
        return int(status[:3]), [(name.lower(), value) for name, value in headers], answer


@lru_cache(maxsize=512)
def _environ_key(name: str) -> str:
    return "HTTP_" + name.upper().replace("-", "_")
