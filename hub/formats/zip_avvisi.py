"""A ZIP of any number of small files, entry by entry, in memory that does not grow with them.

An entry is made by itself, anywhere, and is copied as it is: parts of an archive are finished before the archive is.
The standard library keeps half a kilobyte for each entry until the end and cannot copy one. Equal files give equal
bytes: no entry has a time. Source: PKWARE, APPNOTE.TXT 6.3.10, 4.3 (layout) and 4.5.3 (zip64).
"""

from __future__ import annotations

import struct
import tempfile
import zlib
from collections.abc import Iterator
from types import TracebackType
from typing import BinaryIO

# The best that deflate does with a PDF, whose own streams are packed already, it does at once.
_LEVEL = 1
_VERSION, _VERSION_ZIP64 = 20, 45
_UNIX = 3 << 8
_DEFLATED = 8
_EPOCH = 0x21  # 1 January 1980, the oldest day that ZIP can say
_MODE = 0o100644 << 16
_FULL_16, _FULL_32 = 0xFFFF, 0xFFFFFFFF
_MEMORY_MAX = 1024 * 1024

# Signature; version, flags, method, time, day; CRC, sizes packed and not; lengths of name and extra.
_LOCAL = struct.Struct("<4s5H3I2H")
_LOCAL_MARK = b"PK\x03\x04"
# Signature; versions, flags, method, time, day; CRC, sizes; lengths, disk, attributes; offset.
_CENTRAL = struct.Struct("<4s6H3I5H2I")
_EXTRA_OFFSET = struct.Struct("<2HQ")
_END = struct.Struct("<4s4H2IH")
_END_ZIP64 = struct.Struct("<4sQ2H2I4Q")
_LOCATOR = struct.Struct("<4sIQI")


def pack_entry(nome: str, data: bytes) -> bytes:
    """Return one file as an entry of an archive. `nome`: in ASCII, without folders."""
    packer = zlib.compressobj(_LEVEL, zlib.DEFLATED, -zlib.MAX_WBITS)
    packed = packer.compress(data) + packer.flush()
    name = nome.encode("ascii")
    head = _LOCAL.pack(
        _LOCAL_MARK, _VERSION, 0, _DEFLATED, 0, _EPOCH, zlib.crc32(data), len(packed), len(data), len(name), 0
    )
    return head + name + packed


def read_entries(part: BinaryIO) -> Iterator[bytes]:
    """Give the entries that were written one after the other. Raises: ValueError (these are not ours)."""
    while head := part.read(_LOCAL.size):
        if len(head) < _LOCAL.size or not head.startswith(_LOCAL_MARK):
            raise ValueError("not a sequence of entries")
        fields = _LOCAL.unpack(head)
        rest = part.read(fields[7] + fields[9])
        if len(rest) < fields[7] + fields[9]:
            raise ValueError("the last entry is cut")
        yield head + rest


class ScrittoreZip:
    """An archive being written to a stream that need not seek; whole when the block ends well."""

    def __init__(self, out: BinaryIO) -> None:
        self._out = out
        self._directory = tempfile.SpooledTemporaryFile(_MEMORY_MAX)
        self._offset = self._count = 0

    def __enter__(self) -> ScrittoreZip:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with self._directory:
            if kind is None:
                self._finish()

    def add(self, entry: bytes) -> None:
        """Put an entry behind the others."""
        _mark, _version, flags, method, time, day, crc, packed, size, name_length, _extra = _LOCAL.unpack_from(entry)
        is_far = self._offset >= _FULL_32
        extra = _EXTRA_OFFSET.pack(1, 8, self._offset) if is_far else b""
        version = _VERSION_ZIP64 if is_far else _VERSION
        self._directory.write(
            _CENTRAL.pack(
                b"PK\x01\x02", _UNIX | version, version, flags, method, time, day, crc, packed, size,
                name_length, len(extra), 0, 0, 0, _MODE, _FULL_32 if is_far else self._offset,
            )
            + entry[_LOCAL.size : _LOCAL.size + name_length]
            + extra
        )  # fmt: skip
        self._out.write(entry)
        self._offset += len(entry)
        self._count += 1

    def _finish(self) -> None:
        size, offset, count = self._directory.tell(), self._offset, self._count
        self._directory.seek(0)
        while block := self._directory.read(_MEMORY_MAX):
            self._out.write(block)
        if count >= _FULL_16 or offset >= _FULL_32 or size >= _FULL_32:
            self._out.write(
                _END_ZIP64.pack(
                    b"PK\x06\x06", _END_ZIP64.size - 12, _UNIX | _VERSION_ZIP64, _VERSION_ZIP64, 0, 0, count, count,
                    size, offset,
                )
                + _LOCATOR.pack(b"PK\x06\x07", 0, offset + size, 1)
            )  # fmt: skip
        shown = min(count, _FULL_16)
        self._out.write(
            _END.pack(b"PK\x05\x06", 0, 0, shown, shown, min(size, _FULL_32), min(offset, _FULL_32), 0)
        )
