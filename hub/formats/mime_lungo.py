"""A multipart answer (MTOM) read part by part while it arrives, in constant memory.

Source: RFC 2046, 5.1 (multipart); RFC 2387 (multipart/related); node, 2.0.1 (inline base64 and an XOP include).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping

_HEAD_MAX = 16 * 1024
_PARTS_MAX = 20
_BOUNDARY = re.compile(r"""boundary\s*=\s*(?:"([^"]{1,70})"|([^\s;"]{1,70}))""", re.IGNORECASE)


class MimeNonLeggibile(ValueError):
    """An answer that is not the multipart that it says to be."""


def boundary_of(content_type: str) -> bytes | None:
    """Return the boundary of a multipart answer; None when it is not one.

    >>> boundary_of('multipart/related; type="application/xop+xml"; boundary="uuid:1"'), boundary_of("text/xml")
    (b'uuid:1', None)
    """
    if not content_type.lower().startswith("multipart/"):
        return None
    match = _BOUNDARY.search(content_type)
    return (match[1] or match[2]).encode("latin-1", "replace") if match else None


def read_parts(blocks: Iterable[bytes], boundary: bytes) -> Iterator[tuple[Mapping[str, str], Iterator[bytes]]]:
    """Yield each part: its headers by lower-case name, and its bytes, to be read before the next part is asked for.

    Raises: MimeNonLeggibile, here or while the bytes are read (the answer breaks off).
    """
    reader = _Reader(blocks, boundary)
    reader.skip_to_part()
    for _ in range(_PARTS_MAX):
        headers = reader.head()
        yield headers, reader.body()
        if reader.is_last():
            return
    raise MimeNonLeggibile(f"oltre {_PARTS_MAX} parti")


class _Reader:
    def __init__(self, blocks: Iterable[bytes], boundary: bytes) -> None:
        self._blocks = iter(blocks)
        self._delimiter = b"\r\n--" + boundary
        # As if a line had ended before the first: the first delimiter may be the beginning.
        self._data = b"\r\n"

    def _more(self) -> None:
        block = next(self._blocks, b"")
        if not block:
            raise MimeNonLeggibile("risposta interrotta")
        self._data += block

    def skip_to_part(self) -> None:
        for _ in self.body():
            pass
        self.is_last()

    def head(self) -> Mapping[str, str]:
        while (end := self._data.find(b"\r\n\r\n")) < 0:
            if len(self._data) > _HEAD_MAX:
                raise MimeNonLeggibile("intestazioni di una parte troppo lunghe")
            self._more()
        lines, self._data = self._data[:end], self._data[end + 2 :]
        pairs = (line.partition(b":") for line in lines.split(b"\r\n"))
        # The blank line stays in front of the bytes: a part may be empty, its delimiter begins with it.
        return {name.decode("latin-1").strip().lower(): value.decode("latin-1").strip() for name, _, value in pairs}

    def body(self) -> Iterator[bytes]:
        is_first = True
        while (found := self._data.find(self._delimiter)) < 0:
            # What may be the beginning of a delimiter waits.
            ready = len(self._data) - len(self._delimiter)
            if ready > 2:
                piece, self._data = self._data[:ready], self._data[ready:]
                yield piece[2:] if is_first else piece
                is_first = False
            self._more()
        piece, self._data = self._data[:found], self._data[found + len(self._delimiter) :]
        yield piece[2:] if is_first else piece

    def is_last(self) -> bool:
        """Whether the delimiter that was met is the closing one; the rest of its line is passed over."""
        while len(self._data) < 2:
            self._more()
        if self._data.startswith(b"--"):
            return True
        while (end := self._data.find(b"\r\n")) < 0:
            self._more()
        self._data = self._data[end + 2 :]
        return False
