"""An answer that leaves block by block, at the pace of who takes it.

The server (granian 2) takes every block that it is given and keeps what the client has not taken yet: of a slow one,
the whole file. A file it reads only as fast as it is taken; so the blocks reach it through a named pipe, which holds
64 KiB.
Source: RSGI specification 1.x (response_file, response_stream); fifo(7).
"""

from __future__ import annotations

import asyncio
import errno
import os
import tempfile
from collections.abc import AsyncIterator
from contextlib import ExitStack, asynccontextmanager, suppress
from pathlib import Path
from typing import cast

from hub.log import get_logger
from hub.web.rsgi import Exchange, Headers, Stream

# For the server to open its end, which it does as soon as it is told the name.
_OPEN_S = 10.0
_LOOK_S = 0.002


@asynccontextmanager
async def answering(exchange: Exchange, status: int, headers: Headers) -> AsyncIterator[Stream | None]:
    """Begin an answer and give what takes its blocks; `send_bytes` waits until there is room for the next one.

    None: there is no pipe to be had, and no answer was begun. The client sees the end when the block ends; one that is
    gone, or too slow for who waits, ends it early and in silence.
    """
    begin_with_file = getattr(exchange, "response_file", None)
    if begin_with_file is None:
        # The port that this process ends itself: its streams have a pace of their own.
        yield exchange.response_stream(status, headers)
        return
    # The pipe has a name until both sides have their end of it.
    with ExitStack() as named:
        path = _make(named)
        if path is None:
            yield None
            return
        begin_with_file(status, headers, str(path))
        end = await _open(path)
    pipe = _Pipe()
    if end is not None:
        await asyncio.get_running_loop().connect_write_pipe(lambda: pipe, os.fdopen(end, "wb", 0))
    try:
        yield pipe
        pipe.close()
    except (ConnectionError, TimeoutError):
        pipe.abort()
    except BaseException:
        pipe.abort()
        raise


def _make(named: ExitStack) -> Path | None:
    """Make a pipe that has a name until `named` ends; None: there is no room, or no such thing here."""
    try:
        path = Path(named.enter_context(tempfile.TemporaryDirectory(prefix="pontepa-")), "risposta")
        os.mkfifo(path, 0o600)
    except OSError as error:
        get_logger().error("no_pipe", error=error.strerror)
        return None
    return path


async def _open(path: Path) -> int | None:
    """Open our end as soon as the server has its own; None: it never had, and is not left waiting for ours."""
    loop = asyncio.get_running_loop()
    until = loop.time() + _OPEN_S
    while True:
        try:
            return os.open(path, os.O_WRONLY | os.O_NONBLOCK)
        except OSError as error:
            if error.errno != errno.ENXIO or loop.time() > until:
                get_logger().error("no_pipe", error=error.strerror)
                with suppress(OSError):
                    os.close(os.open(path, os.O_RDWR | os.O_NONBLOCK))
                return None
        await asyncio.sleep(_LOOK_S)


class _Pipe(asyncio.BaseProtocol):
    """Our end of a pipe, as a stream; before it is connected, and when the other end is gone, nothing can be sent."""

    def __init__(self) -> None:
        self._transport: asyncio.WriteTransport | None = None
        self._room = asyncio.Event()
        self._room.set()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # One of uvloop is no subclass of it.
        self._transport = cast(asyncio.WriteTransport, transport)
        # What does not fit the pipe is waited for.
        self._transport.set_write_buffer_limits(high=0)

    def connection_lost(self, exc: Exception | None) -> None:
        self._transport = None
        self._room.set()

    def pause_writing(self) -> None:
        self._room.clear()

    def resume_writing(self) -> None:
        self._room.set()

    async def send_bytes(self, data: bytes) -> None:
        """Send a block and wait until there is room for the next. Raises: BrokenPipeError (the client is gone)."""
        if self._transport is not None and not self._transport.is_closing():
            self._transport.write(data)
            await self._room.wait()
        if self._transport is None or self._transport.is_closing():
            raise BrokenPipeError(errno.EPIPE, os.strerror(errno.EPIPE))

    def close(self) -> None:
        """End the answer after what was sent."""
        if self._transport is not None:
            self._transport.close()

    def abort(self) -> None:
        """End the answer now."""
        if self._transport is not None:
            self._transport.abort()
