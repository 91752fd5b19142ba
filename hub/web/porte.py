"""Ports beside the first: asyncio and h11 carry the same requests to the same `Front`, with the same bounds.

The server of the first port (granian 2) asks for client certificates but tells nobody which one it was shown, and has
one port. Each server process listens for itself on these. Source: RFC 9112.
"""

from __future__ import annotations

import asyncio
import ssl
from collections import Counter
from collections.abc import AsyncIterator, Collection, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any
from urllib.parse import urlsplit

import h11

from hub.log import get_logger
from hub.web.rsgi import Headers
from hub.web.server import Front

_HANDSHAKE_S = 10.0
# For the head of a request to arrive, the pause between two requests included; as on the first port.
_HEAD_S = 10.0
_HEAD_BYTES = 32 * 1024
# For an answer to be taken; a few megabytes on a poor line.
_WRITE_S = 30.0
_CLOSE_S = 5.0
_LINGER_S = 1.0
# How often one looks whether a client that is told nothing is still there.
_GONE_S = 0.5
_CONNECTIONS_MAX = 1024
# The part of them that one address may have, unless it is a proxy.
_OF_ONE = 4
_BACKLOG = 256
_BLOCK = 64 * 1024
_OF_TLS: dict[str, Any] = {"ssl_handshake_timeout": _HANDSHAKE_S, "ssl_shutdown_timeout": _CLOSE_S}


@dataclass(frozen=True, slots=True)
class Porta:
    """A port. `context` None: no TLS; `nome`: what the doors are told of the requests that come in here.

    `is_shared`: several processes listen on it.
    """

    host: str
    port: int
    context: ssl.SSLContext | None
    nome: str = ""
    is_shared: bool = False


class Porte:
    """A front with ports of its own: what the server of the first port calls instead of the front alone."""

    def __init__(self, front: Front, porte: Sequence[Porta], proxies: Collection[str] = ()) -> None:
        self._front = front
        self._porte = porte
        self._proxies = proxies
        self._by_source: Counter[str] = Counter()
        self._servers: list[asyncio.Server] = []
        self._open: set[asyncio.Task[None]] = set()
        self.__rsgi__ = front.__rsgi__

    def __rsgi_init__(self, loop: asyncio.AbstractEventLoop) -> None:
        """Open the ports; the loop is not running yet."""
        loop.run_until_complete(self.listen())

    def __rsgi_del__(self, loop: asyncio.AbstractEventLoop) -> None:
        """Close the ports, let the requests at work end."""
        loop.run_until_complete(self.close())
        self._front.__rsgi_del__(loop)

    async def listen(self) -> None:
        for porta in self._porte:
            of_tls = {} if porta.context is None else _OF_TLS
            server = await asyncio.start_server(
                partial(self._connected, porta),
                porta.host,
                porta.port,
                ssl=porta.context,
                backlog=_BACKLOG,
                reuse_port=porta.is_shared or None,
                limit=_BLOCK,
                **of_tls,
            )
            self._servers.append(server)

    async def close(self) -> None:
        for server in self._servers:
            server.close()
        if self._open:
            _, late = await asyncio.wait(self._open, timeout=_CLOSE_S)
            for task in late:
                task.cancel()

    async def _connected(self, porta: Porta, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        source = writer.get_extra_info("peername")[0]
        part = max(1, _CONNECTIONS_MAX // _OF_ONE)
        is_excess = self._by_source[source] >= part and source not in self._proxies
        if len(self._open) >= _CONNECTIONS_MAX or is_excess:
            writer.transport.abort()
            return
        self._open.add(task)
        self._by_source[source] += 1
        try:
            await _Connection(self._front, porta, reader, writer).run()
        except (OSError, TimeoutError, h11.LocalProtocolError):
            pass  # the other side went away, or was too slow to be waited for
        finally:
            self._open.discard(task)
            self._by_source[source] -= 1
            if not self._by_source[source]:
                del self._by_source[source]
            await _close(writer)


async def _close(writer: asyncio.StreamWriter) -> None:
    try:
        writer.close()
        async with asyncio.timeout(_CLOSE_S):
            await writer.wait_closed()
    except (OSError, TimeoutError):
        writer.transport.abort()


@dataclass(slots=True)
class _RequestHeaders:
    """Headers as the front reads them: names in lower case, in the order they came."""

    pairs: list[tuple[str, str]]
    first: dict[str, str] = field(init=False)

    def __post_init__(self) -> None:
        self.first = dict(reversed(self.pairs))

    def items(self) -> list[tuple[str, str]]:
        return self.pairs

    def get(self, name: str, default: Any = None) -> Any:
        return self.first.get(name, default)

    def __contains__(self, name: str) -> bool:
        return name in self.first


@dataclass(slots=True)
class _Scope:
    """What the front is told of a request; `peer_certificate`: DER, None when the client showed none; `porta`: name."""

    method: str
    path: str
    query_string: str
    client: str
    http_version: str
    headers: _RequestHeaders
    peer_certificate: bytes | None
    porta: str
    scheme: str


class _Connection:
    """One connection: request after request, as h11 reads them."""

    def __init__(
        self, front: Front, porta: Porta, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        self._front, self._porta, self._reader, self._writer = front, porta, reader, writer
        self._http = h11.Connection(h11.SERVER, max_incomplete_event_size=_HEAD_BYTES)
        tls = writer.get_extra_info("ssl_object")
        self._peer: bytes | None = None if tls is None else tls.getpeercert(binary_form=True)
        host, port = writer.get_extra_info("peername")[:2]
        self._client = f"{host}:{port}"

    async def run(self) -> None:
        """Serve until the client goes away, is too slow, or an answer ends the connection.

        Raises: OSError, TimeoutError (and the connection is to be closed).
        """
        while True:
            try:
                async with asyncio.timeout(_HEAD_S):
                    request = await self.event()
                if not isinstance(request, h11.Request):
                    return
                exchange = _Exchange(self)
                await self._front.__rsgi__(self._scope(request), exchange)
                if exchange.is_streamed:
                    await self._sent(h11.EndOfMessage())
                    if self._is_over():
                        return await self._linger()
                    self._http.start_next_cycle()
                    continue
                status, headers, body = exchange.answer
            except h11.RemoteProtocolError as error:
                status, headers, body = error.error_status_hint, [], b""
            except (OSError, TimeoutError):
                raise
            except Exception as error:  # noqa: BLE001 - the door's last stand, as the first port's server has its own
                get_logger().error("port_request_crashed", error=type(error).__name__)
                status, headers, body = 500, [], b""
            await self._send(status, headers, body)
            if self._is_over():
                return await self._linger()
            self._http.start_next_cycle()

    def _is_over(self) -> bool:
        return self._http.our_state is not h11.DONE or self._http.their_state is not h11.DONE

    async def _linger(self) -> None:
        """Let the answer arrive: what is still on its way to us would make the kernel throw it away."""
        try:
            async with asyncio.timeout(_LINGER_S):
                while await self._reader.read(_BLOCK):
                    pass
        except TimeoutError:
            pass

    async def event(self) -> Any:
        """Return the next thing the client says. Raises: h11.RemoteProtocolError."""
        while (event := self._http.next_event()) is h11.NEED_DATA:
            if self._http.they_are_waiting_for_100_continue:
                self._write(h11.InformationalResponse(status_code=100, headers=[]))
            self._http.receive_data(await self._reader.read(_BLOCK))
        return event

    def _scope(self, request: h11.Request) -> _Scope:
        target = request.target.decode("latin-1")
        if not target.startswith("/"):
            parts = urlsplit(target)
            target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        path, _, query = target.partition("?")
        pairs = [(name.decode("latin-1"), value.decode("latin-1")) for name, value in request.headers]
        return _Scope(
            request.method.decode("latin-1"), path, query, self._client, request.http_version.decode("ascii"),
            _RequestHeaders(pairs), self._peer, self._porta.nome, "http" if self._porta.context is None else "https",
        )  # fmt: skip

    async def _send(self, status: int, headers: Headers, body: bytes) -> None:
        if self._http.our_state not in (h11.IDLE, h11.SEND_RESPONSE):
            return
        length = dict(headers).get("content-length", str(len(body)))
        self.begin(status, [*((name, value) for name, value in headers if name != "content-length"),
                            ("content-length", length)])  # fmt: skip
        if body:
            self._write(h11.Data(data=body))
        await self._sent(h11.EndOfMessage())

    def begin(self, status: int, headers: Headers) -> None:
        """Say the status and the headers of an answer."""
        given = [(name, value) for name, value in headers if name != "connection"]
        # A body that nobody read would be taken for the next request.
        more = [] if self._http.their_state is h11.DONE else [("connection", "close")]
        self._write(h11.Response(status_code=status, headers=[*given, *more]))

    async def send_bytes(self, data: bytes) -> None:
        """Send a block of an answer that has begun, and wait until there is room for the next one."""
        await self._sent(h11.Data(data=data))

    async def gone(self) -> None:
        """Return when the client is gone."""
        while not (self._reader.at_eof() or self._writer.transport.is_closing()):
            await asyncio.sleep(_GONE_S)

    async def _sent(self, event: Any) -> None:
        self._write(event)
        async with asyncio.timeout(_WRITE_S):
            await self._writer.drain()

    def _write(self, event: Any) -> None:
        data = self._http.send(event)
        if data:
            self._writer.write(data)


class _Exchange:
    """The connection's side of one request, as the front uses it."""

    def __init__(self, connection: _Connection) -> None:
        self._connection = connection
        self.answer: tuple[int, Headers, bytes] = (500, [], b"")
        self.is_streamed = False

    async def __call__(self) -> bytes:
        return b"".join([block async for block in self])

    async def __aiter__(self) -> AsyncIterator[bytes]:
        while isinstance(event := await self._connection.event(), h11.Data):
            yield bytes(event.data)

    async def client_disconnect(self) -> None:
        await self._connection.gone()

    def response_bytes(self, status: int, headers: Headers, body: bytes) -> None:
        self.answer = (status, headers, body)

    def response_stream(self, status: int, headers: Headers) -> _Connection:
        self.is_streamed = True
        self._connection.begin(status, headers)
        return self._connection
