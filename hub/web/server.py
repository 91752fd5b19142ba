"""Between the server and the doors: bodies are read here, bounded in bytes and seconds, before a thread is taken.

The server (granian, RSGI) keeps thousands of connections without a thread each; a client that sends slowly, or stops,
costs one of them and nothing else. Threads work only on whole requests; what does not fit their queue is told to come
back. Source: RSGI specification 1.x; PEP 3333.
"""

from __future__ import annotations

import asyncio
import io
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache, partial
from pathlib import Path
from typing import IO, Any
from urllib.parse import unquote_to_bytes, urlsplit

from hub.runtime import ARRIVED, PEER_CERTIFICATE, PORTA
from hub.web.lane import Lane
from hub.web.long_road import LongRoad
from hub.web.rsgi import Exchange, Headers, Scope, Wsgi, declared_length, tell

Answer = tuple[int, Headers, bytes]
_RETRY_AFTER_S = 2
# Questions that wait, for each thread of theirs: more would be late, and whoever asks has others to ask.
_PROMPT_QUEUE = 8


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


class Front:
    """The application that the server calls: any WSGI callable behind bounded bodies and a bounded queue."""

    def __init__(
        self, wsgi: Wsgi, public_url: str, limits: BodyLimits, threads: int, domande: Domande | None = None
    ) -> None:
        self._wsgi = wsgi
        self._limits = limits
        self._domande = domande
        prompt = None if domande is None else Lane("domande", domande.threads, _PROMPT_QUEUE)
        self._lane = Lane("http", threads, gives_way_to=prompt)
        self._prompt = prompt or self._lane
        self._long = LongRoad(wsgi, dict(limits.long_by_path), limits.seconds, limits.folder)
        public = urlsplit(public_url)
        self._server = (public.hostname or "localhost", str(public.port or (443 if public.scheme == "https" else 80)))

    def __rsgi_del__(self, loop: asyncio.AbstractEventLoop) -> None:
        """Let the threads end; the server has waited for the requests before."""
        self._lane.close()
        if self._prompt is not self._lane:
            self._prompt.close()
        self._long.close()

    async def __rsgi__(self, scope: Scope, exchange: Exchange) -> None:
        long_limit = self._long.limit_of(scope.path)
        if long_limit is not None:
            return await self._long.serve(scope, exchange, long_limit, self._environ)
        limit = self._limits.bytes_of(scope.path)
        declared = declared_length(scope.headers)
        length, body = declared, b""
        # A length that is too long or makes no sense is judged by the door, which is given no byte of the body.
        is_within = declared is not None and declared.isdigit() and len(declared) < 19 and int(declared) <= limit
        if declared is None or is_within:
            try:
                async with asyncio.timeout(self._limits.seconds):
                    # Of a declared length the server lets nothing more through.
                    body = await exchange() if is_within else await _read(exchange, limit)
            except TimeoutError:
                return tell(exchange, 408, "Richiesta troppo lenta: il contenuto non è arrivato in tempo")
            if declared is None or len(body) > limit:
                length = str(len(body))
        lane = self._prompt if self._domande is not None and self._domande.has(scope) else self._lane
        if lane.busy >= lane.room:
            return tell(
                exchange, 503, "Servizio momentaneamente occupato: riprovare", ("retry-after", str(_RETRY_AFTER_S))
            )
        lane.busy += 1
        try:
            work = partial(self._work, self._environ(scope, length or "0", io.BytesIO(body)))
            status, headers, text = await lane.run(work)
        finally:
            lane.busy -= 1
        exchange.response_bytes(status, headers, text)

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


async def _read(exchange: Exchange, limit: int) -> bytes:
    """Return the body, cut just past the limit."""
    read = bytearray()
    async for block in exchange:
        read += block
        if len(read) > limit:
            return bytes(read[: limit + 1])
    return bytes(read)
