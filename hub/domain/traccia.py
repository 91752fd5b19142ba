"""What goes over the wire during one call to the outside: told by who moves the bytes, read by who called.

Digests, and for who asks the first bytes themselves. A thread makes one call at a time; outside of a call nothing is
kept.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from hashlib import sha256


class Copia:
    """The first bytes of what goes by; `testo` says how many are missing."""

    def __init__(self, bytes_max: int) -> None:
        self._bytes_max = bytes_max
        self._kept = bytearray()
        self._seen = 0

    def add(self, data: bytes) -> None:
        self._kept += data[: max(0, self._bytes_max - len(self._kept))]
        self._seen += len(data)

    @property
    def testo(self) -> bytes:
        """The bytes, and behind them how many were left out.

        >>> copia = Copia(3)
        >>> copia.add(b"abcde")
        >>> copia.testo.decode()
        'abc\\n[tagliato qui: mancano 2 byte di 5]'
        """
        missing = self._seen - len(self._kept)
        notice = b"\n[tagliato qui: mancano %d byte di %d]" % (missing, self._seen) if missing else b""
        return bytes(self._kept) + notice


class Traccia:
    """The digests of all the bytes of one call, in their order; None: there were none. And copies of `copia_bytes`."""

    def __init__(self, copia_bytes: int = 0) -> None:
        self._sent, self._received = sha256(), sha256()
        self._has_sent = self._has_received = False
        self.richiesta, self.risposta = Copia(copia_bytes), Copia(copia_bytes)
        # The HTTP status of the last answer; None: there was none, or it was not HTTP.
        self.stato: int | None = None
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
            self.richiesta.add(data)

    def add_received(self, data: bytes) -> None:
        if data:
            self._received.update(data)
            self._has_received = True
            self.risposta.add(data)


_current: ContextVar[Traccia | None] = ContextVar("traccia", default=None)


@contextmanager
def traccia(copia_bytes: int = 0) -> Iterator[Traccia]:
    """Give what notes the bytes of the call that is made inside. `copia_bytes`: how many to keep each way.

    >>> with traccia() as noted:
    ...     inviato(b"abc")
    >>> noted.inviato == sha256(b"abc").digest(), noted.ricevuto
    (True, None)
    """
    noted = Traccia(copia_bytes)
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


def ricevuto(data: bytes, stato: int | None = None) -> None:
    """Note bytes that came, and the HTTP status before them."""
    noted = _current.get()
    if noted is not None:
        noted.add_received(data)
        noted.stato = stato if stato is not None else noted.stato
