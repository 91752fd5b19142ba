"""Bodies that are held in memory while they arrive and wait: bounded each, of one address, and all together."""

from __future__ import annotations

from collections import Counter

from hub.web.rsgi import Exchange, pieces

# Shorter bodies are not counted: nearly all are, and as many as there are connections fit.
SMALL_BYTES = 16 * 1024
# All bodies of a lane, and the part of them that one address may have: thirty-two, or eight, of the longest.
_HELD_BYTES = 64 * 1024 * 1024
_OF_ONE = 4


class TroppiByte(Exception):
    """There is no room for this body now."""


class Deposito:
    """The bytes that the bodies of one lane hold; used in the server's loop alone."""

    def __init__(self, bytes_max: int = _HELD_BYTES) -> None:
        self.bytes_max = bytes_max
        self.held = 0
        self.by_source: Counter[str] = Counter()


class Posto:
    """The place of one body in a deposit, until the block ends."""

    def __init__(self, deposito: Deposito, source: str) -> None:
        self._deposito, self._source, self._held = deposito, source, 0

    def __enter__(self) -> Posto:
        return self

    def __exit__(self, *_: object) -> None:
        if self._held:
            self._deposito.held -= self._held
            self._deposito.by_source[self._source] -= self._held
            if not self._deposito.by_source[self._source]:
                del self._deposito.by_source[self._source]

    async def read(self, exchange: Exchange, limit: int) -> bytes:
        """Return the body, cut just past the limit. Raises: TroppiByte, TroppiPezzi."""
        read = bytearray()
        async for block in pieces(exchange):
            read += block
            if len(read) > limit:
                return bytes(read[: limit + 1])
            self._take(len(block))
        return bytes(read)

    def _take(self, count: int) -> None:
        deposito = self._deposito
        of_source = deposito.by_source[self._source] + count
        if deposito.held + count > deposito.bytes_max or of_source > deposito.bytes_max // _OF_ONE:
            raise TroppiByte
        deposito.held += count
        deposito.by_source[self._source] = of_source
        self._held += count
