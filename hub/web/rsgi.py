"""What the server (granian, RSGI) says of a request and takes for an answer. Source: RSGI specification 1.x."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterable
from typing import Any, Protocol

Wsgi = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]
Headers = list[tuple[str, str]]


class Scope(Protocol):
    """What the server says of a request."""

    method: str
    path: str
    query_string: str
    scheme: str
    client: str
    http_version: str
    headers: Any


class Stream(Protocol):
    """An answer that leaves in blocks; it ends when the call does."""

    async def send_bytes(self, data: bytes) -> None: ...


# What says who is calling, or from where.
_SHOWN = ("authorization", "client-cert", "x-ssl-client-cert", "x-forwarded-for")
# Each piece of a body costs the loop a turn, however small it is; a network's own have some 1,400 bytes.
_PIECES_FREE = 4096
_PIECE_BYTES_MIN = 256
DI_TROPPI_PEZZI = "Contenuto in troppi pezzi: mandarlo in pezzi più grandi, o dirne la lunghezza"


class TroppiPezzi(Exception):
    """The body comes in pieces so small that whoever sends it means to keep the server busy."""


class Exchange(Protocol):
    """The server's side of one request."""

    async def __call__(self) -> bytes: ...

    def __aiter__(self) -> AsyncIterator[bytes]: ...

    async def client_disconnect(self) -> None: ...

    def response_bytes(self, status: int, headers: Headers, body: bytes) -> None: ...

    def response_stream(self, status: int, headers: Headers) -> Stream: ...


def declared_length(headers: Any) -> str | None:
    """Return the length that a request gives to its body; chunks have their own ends: beside them it means nothing."""
    return None if "transfer-encoding" in headers else headers.get("content-length")


def is_unreadable(headers: Any) -> bool:
    """Say whether something that is shown for a caller is there and cannot be read.

    The server leaves a value that is not ASCII out without a word: what is shown would count as not shown.
    """
    return any(name in headers and headers.get(name) is None for name in _SHOWN)


async def pieces(exchange: Exchange) -> AsyncIterator[bytes]:
    """Give the body as it comes. Raises: TroppiPezzi."""
    count = read = 0
    async for block in exchange:
        count, read = count + 1, read + len(block)
        if count > _PIECES_FREE and read < count * _PIECE_BYTES_MIN:
            raise TroppiPezzi
        yield block
