"""Requests with long bodies and long answers: the body goes to a file, the answer leaves block by block.

Nothing of them is held in memory, and no thread waits for the other side: a thread takes a body that is whole, and
makes one block of an answer at a time. They have threads of their own, so that they never keep the short ones out.
Source: RSGI specification 1.x (response_stream); PEP 3333 (an empty block: nothing yet).
"""

from __future__ import annotations

import asyncio
import errno
import os
import tempfile
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager, nullcontext, suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import IO, Any

from hub.web.carico import ECCESSO, FILE, Carico
from hub.web.lane import Chi, Lane
from hub.web.mittente import ALTRI
from hub.web.paced import answering
from hub.web.rifiuti import Rifiuti
from hub.web.rsgi import DI_TROPPI_PEZZI, Exchange, Headers, Stream, TroppiPezzi, Wsgi, declared_length, pieces

# Key of the WSGI environment: an empty block before the status is taken as "ask again in a moment".
PACED = "pontepa.paced"
_PAUSE_S = 0.5
_THREADS = 4
# Bodies on their way, each with a file: nobody knows yet whose they are.
_ARRIVING_MAX = 128
# Requests in all, each with at most an open file and a block in memory: who takes a file has shown a link of ours.
_OPEN_MAX = 512
# The part of either that one address may have.
_OF_ONE = 2
_RETRY_AFTER_S = 10
# Whoever sends slower than this has no line, or no good intention.
_SLOWEST_BYTES_S = 32 * 1024
_IN_MEMORY_BYTES = 64 * 1024
_WRITE_BYTES = 256 * 1024
# For one block of an answer to be taken.
_TAKE_S = 60.0

Environ = dict[str, Any]


@dataclass(slots=True)
class _Begun:
    """An answer that has begun: its next block is here, None at the end. `told`: empty until it has a status."""

    blocks: Iterator[bytes]
    close: Callable[[], None]
    told: list[tuple[str, Headers]]
    block: bytes | None = None
    after: bytes | None = None

    def pull(self) -> None:
        """Have the first block, or an empty one and no status; of an answer of one block, that it is the only one."""
        self.block = next(self.blocks, None)
        if self.told and self.block is not None:
            self.after = next(self.blocks, None)

    def move_on(self) -> None:
        self.block, self.after = self.after, None
        if self.block is not None:
            self.after = next(self.blocks, None)

    def end(self) -> None:
        """Let go of what the answer holds, once."""
        close, self.close = self.close, _nothing
        close()


class LongRoad:
    """What serves the paths of long requests."""

    def __init__(
        self,
        wsgi: Wsgi,
        bytes_by_path: dict[str, int],
        seconds: float,
        folder: Path | None,
        rifiuti: Rifiuti,
        carico: Carico,
    ) -> None:
        """`bytes_by_path`: the longest body by path prefix; `seconds`: of patience before a body moves; `folder`: for
        bodies, a disk rather than memory; None is the system's own."""
        self._wsgi = wsgi
        self._bytes_by_path = bytes_by_path
        self._seconds = seconds
        self._folder = None if folder is None else str(folder)
        self._rifiuti, self._carico = rifiuti, carico
        # Each request has at most one thing in it: whoever was let in finds room.
        self._lane = Lane("file", _THREADS, _OPEN_MAX // _THREADS, leaves_one=True) if bytes_by_path else None
        self._open: Counter[str] = Counter()
        self._arriving: Counter[str] = Counter()

    def limit_of(self, path: str) -> int | None:
        """Return the longest body of a path; None for a path of another road."""
        return next((size for prefix, size in self._bytes_by_path.items() if path.startswith(prefix)), None)

    def close(self) -> None:
        if self._lane is not None:
            self._lane.close()

    def _problem(self, source: str, has_body: bool) -> str | None:
        """Return why there is no room for one more request, from this address or at all."""
        if self._open.total() >= _OPEN_MAX or (has_body and self._arriving.total() >= _ARRIVING_MAX):
            return FILE
        is_excess = self._open[source] >= _OPEN_MAX // _OF_ONE
        return ECCESSO if is_excess or (has_body and self._arriving[source] >= _ARRIVING_MAX // _OF_ONE) else None

    async def serve(
        self,
        scope: Any,
        exchange: Exchange,
        limit: int,
        environ_of: Callable[[Any, str, IO[bytes]], Environ],
        source: str,
    ) -> None:
        """Answer a request that comes from `source`."""
        has_body = declared_length(scope.headers) not in (None, "0") or "transfer-encoding" in scope.headers
        reason = self._problem(source, has_body)
        if reason is not None:
            self._carico.shed("file", reason)
            text = f"Troppi file in viaggio: riprovare fra {_RETRY_AFTER_S} secondi"
            after = ("retry-after", str(_RETRY_AFTER_S))
            return self._rifiuti.tell(exchange, scope.path, 503, text, after)
        with _counted(self._open, source), ExitStack() as stack:
            try:
                # Without a name: whatever happens to this process, nothing is left behind.
                file = tempfile.SpooledTemporaryFile(max_size=_IN_MEMORY_BYTES, dir=self._folder)
                body = stack.enter_context(file)
                with _counted(self._arriving, source) if has_body else nullcontext():
                    length = await self._read(scope, exchange, limit, body)
                body.seek(0)
            except TimeoutError:
                text = "Richiesta troppo lenta: il contenuto non è arrivato in tempo"
                return self._rifiuti.tell(exchange, scope.path, 408, text)
            except TroppiPezzi:
                return self._rifiuti.tell(exchange, scope.path, 400, DI_TROPPI_PEZZI)
            except ConnectionResetError:
                text = "Richiesta interrotta: il contenuto non è arrivato intero"
                return self._rifiuti.tell(exchange, scope.path, 400, text)
            except OSError:
                # What it could not write it would try again when it is closed.
                with suppress(OSError):
                    body.close()
                return self._no_room(exchange, scope.path)
            environ = environ_of(scope, length, body) | {PACED: True}
            await self._answer(environ, exchange, scope.path, (ALTRI, source))

    async def _read(self, scope: Any, exchange: Exchange, limit: int, body: IO[bytes]) -> str:
        """Lay the body down and return its length; of one that is too long, cut or not even begun, a length that says
        so.

        Raises: TimeoutError, TroppiPezzi, OSError (no room), ConnectionResetError (it broke off).
        """
        declared = declared_length(scope.headers)
        if declared is not None and not (declared.isdigit() and len(declared) < 19 and int(declared) <= limit):
            return declared
        loop = asyncio.get_running_loop()
        started, read, held = loop.time(), 0, bytearray()
        async with asyncio.timeout(self._seconds) as patience:
            async for block in pieces(exchange):
                held += block
                read += len(block)
                if len(held) >= _WRITE_BYTES:
                    # The disk may make its writers wait; the loop has others to serve.
                    await asyncio.to_thread(body.write, bytes(held))
                    held.clear()
                if read > limit:
                    return str(read)
                patience.reschedule(started + self._seconds + read / _SLOWEST_BYTES_S)
        if declared is not None and read < int(declared):
            raise ConnectionResetError(errno.ECONNRESET, os.strerror(errno.ECONNRESET))
        await asyncio.to_thread(body.write, bytes(held))
        return str(read)

    async def _answer(self, environ: Environ, exchange: Exchange, path: str, chi: Chi) -> None:
        assert self._lane is not None
        begun = await self._lane.run(partial(_begin, self._wsgi, environ), chi)
        try:
            while not begun.told:
                await asyncio.sleep(_PAUSE_S)
                await self._lane.run(begun.pull, chi)
            status, headers = begun.told[-1]
            lower = [(name.lower(), value) for name, value in headers]
            if begun.after is None:
                return exchange.response_bytes(int(status[:3]), lower, begun.block or b"")
            async with answering(exchange, int(status[:3]), lower) as stream:
                if stream is None:
                    return self._no_room(exchange, path)
                try:
                    await self._send(begun, stream, exchange, chi)
                finally:
                    # Before the client sees the end, and may come again.
                    await self._lane.run(begun.end, chi)
        finally:
            await self._lane.run(begun.end, chi)

    async def _send(self, begun: _Begun, stream: Stream, exchange: Exchange, chi: Chi) -> None:
        """Send block after block; one who is gone is noticed also while there is nothing to send."""
        assert self._lane is not None
        gone = asyncio.ensure_future(exchange.client_disconnect())
        try:
            while begun.block is not None and not gone.done():
                if begun.block:
                    async with asyncio.timeout(_TAKE_S):
                        await stream.send_bytes(begun.block)
                await self._lane.run(begun.move_on, chi)
        finally:
            gone.cancel()

    def _no_room(self, exchange: Exchange, path: str) -> None:
        self._carico.shed("file", FILE)
        self._rifiuti.tell(exchange, path, 503, "Non c'è posto per il file: riprovare più tardi", ("retry-after", "60"))


@contextmanager
def _counted(counter: Counter[str], name: str) -> Iterator[None]:
    counter[name] += 1
    try:
        yield
    finally:
        counter[name] -= 1
        if not counter[name]:
            del counter[name]


def _nothing() -> None:
    """What is left to close of an answer that has ended."""


def _begin(wsgi: Wsgi, environ: Environ) -> _Begun:
    """Call the application and have its first block."""
    told: list[tuple[str, Headers]] = []

    def start_response(status: str, headers: Headers, exc_info: Any = None) -> Callable[[bytes], None]:
        told.append((status, headers))
        return lambda _: None

    parts: Iterable[bytes] = wsgi(environ, start_response)
    begun = _Begun(iter(parts), getattr(parts, "close", lambda: None), told)
    try:
        begun.pull()
    except BaseException:
        begun.close()
        raise
    return begun
