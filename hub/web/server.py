"""Between the server and the doors: bodies are read here, bounded in bytes and seconds, before a thread is taken.

The server (granian, RSGI) keeps thousands of connections without a thread each; a client that sends slowly, or stops,
costs one of them and nothing else. Threads work only on whole requests; what does not fit their queue is told to come
back. Source: RSGI specification 1.x; PEP 3333.
"""

from __future__ import annotations

import asyncio
import io
import sys
import threading
from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from queue import SimpleQueue
from typing import Any, Protocol
from urllib.parse import unquote_to_bytes, urlsplit

from hub.runtime import PEER_CERTIFICATE

Wsgi = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]
Headers = list[tuple[str, str]]
Answer = tuple[int, Headers, bytes]
# A request for the threads, with the loop and the future that wait for its answer; None ends a thread.
Job = tuple[dict[str, Any], asyncio.AbstractEventLoop, "asyncio.Future[Answer]"] | None
# Whole requests that wait for a thread, for each thread: a longer queue only makes everybody late.
_QUEUE_PER_THREAD = 16
_RETRY_AFTER_S = 2


class Scope(Protocol):
    """What the server says of a request."""

    method: str
    path: str
    query_string: str
    scheme: str
    client: str
    http_version: str
    headers: Any


class Exchange(Protocol):
    """The server's side of one request."""

    async def __call__(self) -> bytes: ...

    def __aiter__(self) -> AsyncIterator[bytes]: ...

    def response_bytes(self, status: int, headers: Headers, body: bytes) -> None: ...


@dataclass(frozen=True, slots=True)
class BodyLimits:
    """`bytes_by_path`: the longest body by path prefix; elsewhere `bytes_max`. `seconds`: for the whole of a body."""

    bytes_by_path: Mapping[str, int]
    bytes_max: int
    seconds: float

    def bytes_of(self, path: str) -> int:
        return next((size for prefix, size in self.bytes_by_path.items() if path.startswith(prefix)), self.bytes_max)


class Front:
    """The application that the server calls: any WSGI callable behind bounded bodies and a bounded queue."""

    def __init__(self, wsgi: Wsgi, public_url: str, limits: BodyLimits, threads: int) -> None:
        self._wsgi = wsgi
        self._limits = limits
        self._jobs: SimpleQueue[Job] = SimpleQueue()
        self._threads = [threading.Thread(target=self._serve, name=f"http-{n}", daemon=True) for n in range(threads)]
        for thread in self._threads:
            thread.start()
        self._room = threads * (1 + _QUEUE_PER_THREAD)
        self._busy = 0
        public = urlsplit(public_url)
        self._server = (public.hostname or "localhost", str(public.port or (443 if public.scheme == "https" else 80)))

    def __rsgi_del__(self, loop: asyncio.AbstractEventLoop) -> None:
        """Let the threads end; the server has waited for the requests before."""
        for _ in self._threads:
            self._jobs.put(None)

    async def __rsgi__(self, scope: Scope, exchange: Exchange) -> None:
        limit = self._limits.bytes_of(scope.path)
        # Chunks have their own ends: a length beside them means nothing.
        declared = None if "transfer-encoding" in scope.headers else scope.headers.get("content-length")
        length, body = declared, b""
        # A length that is too long or makes no sense is judged by the door, which is given no byte of the body.
        is_within = declared is not None and declared.isdigit() and len(declared) < 19 and int(declared) <= limit
        if declared is None or is_within:
            try:
                async with asyncio.timeout(self._limits.seconds):
                    # Of a declared length the server lets nothing more through.
                    body = await exchange() if is_within else await _read(exchange, limit)
            except TimeoutError:
                return _tell(exchange, 408, "Richiesta troppo lenta: il contenuto non è arrivato in tempo")
            if declared is None or len(body) > limit:
                length = str(len(body))
        if self._busy >= self._room:
            return _tell(
                exchange, 503, "Servizio momentaneamente occupato: riprovare", ("retry-after", str(_RETRY_AFTER_S))
            )
        loop = asyncio.get_running_loop()
        answer: asyncio.Future[Answer] = loop.create_future()
        self._busy += 1
        try:
            self._jobs.put((self._environ(scope, length or "0", body), loop, answer))
            status, headers, text = await answer
        finally:
            self._busy -= 1
        exchange.response_bytes(status, headers, text)

    def _environ(self, scope: Scope, length: str, body: bytes) -> dict[str, Any]:
        environ: dict[str, Any] = {
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
            "wsgi.input": io.BytesIO(body),
            "wsgi.errors": sys.stderr,
            "wsgi.multithread": True,
            "wsgi.multiprocess": True,
            "wsgi.run_once": False,
        }
        certificate = getattr(scope, "peer_certificate", None)
        if certificate is not None:
            environ[PEER_CERTIFICATE] = certificate
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

    def _serve(self) -> None:
        """A thread's life: one whole request after the other."""
        while (job := self._jobs.get()) is not None:
            environ, loop, answer = job
            try:
                told = self._work(environ)
            except BaseException as error:  # noqa: BLE001 - it is of that request alone: the server answers it with 500
                loop.call_soon_threadsafe(_fail, answer, error)
            else:
                loop.call_soon_threadsafe(_settle, answer, told)

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


def _settle(future: asyncio.Future[Answer], answer: Answer) -> None:
    if not future.done():
        future.set_result(answer)


def _fail(future: asyncio.Future[Answer], error: BaseException) -> None:
    if not future.done():
        future.set_exception(error)


async def _read(exchange: Exchange, limit: int) -> bytes:
    """Return the body, cut just past the limit."""
    read = bytearray()
    async for block in exchange:
        read += block
        if len(read) > limit:
            return bytes(read[: limit + 1])
    return bytes(read)


def _tell(exchange: Exchange, status: int, text: str, *headers: tuple[str, str]) -> None:
    body = text.encode()
    exchange.response_bytes(status, [("content-type", "text/plain; charset=utf-8"), *headers], body)
