"""What goes over the wire during one call to the outside, as digests: told by who moves the bytes, read by who called.

A thread makes one call at a time; outside of a call nothing is kept.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from hashlib import sha256


class Traccia:
    """The digests of all the bytes of one call, in their order; None: there were none."""

    def __init__(self) -> None:
        self._sent, self._received = sha256(), sha256()
        self._has_sent = self._has_received = False
        # What is called, when only who makes the bytes knows it.
        self.operazione = ""
        # Something was asked of the network, whatever came of it.
        self.is_begun = False

    @property
    def inviato(self) -> bytes | None:
        return self._sent.digest() if self._has_sent else None

    @property
    def ricevuto(self) -> bytes | None:
        return self._received.digest() if self._has_received else None

    def add_sent(self, data: bytes) -> None:
        self.is_begun = True
        if data:
            self._sent.update(data)
            self._has_sent = True

    def add_received(self, data: bytes) -> None:
        if data:
            self._received.update(data)
            self._has_received = True


_current: ContextVar[Traccia | None] = ContextVar("traccia", default=None)


@contextmanager
def traccia() -> Iterator[Traccia]:
    """Give what notes the bytes of the call that is made inside.

    >>> with traccia() as noted:
    ...     inviato(b"abc")
    >>> noted.inviato == sha256(b"abc").digest(), noted.ricevuto
    (True, None)
    """
    noted = Traccia()
    token = _current.set(noted)
    try:
        yield noted
    finally:
        _current.reset(token)


def inviato(data: bytes, operazione: str = "") -> None:
    """Note bytes that are about to leave, without their secrets."""
    noted = _current.get()
    if noted is not None:
        noted.add_sent(data)
        noted.operazione = operazione or noted.operazione


def ricevuto(data: bytes) -> None:
    """Note bytes that came."""
    noted = _current.get()
    if noted is not None:
        noted.add_received(data)
