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
