"""The rows of a file of a tracciato, one at a time and in bounded memory, whatever the file is.

A row is a line: quotes never reach over a line end, so that a quote left open costs its own row and no other.
Source: flows, 2.1.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple, Protocol

from hub.domain.errors import FlussoRifiutato

SEPARATORE = ";"
# What is read at a time.
BLOCK_BYTES = 64 * 1024
_BOM = b"\xef\xbb\xbf"
_UTF16 = (b"\xff\xfe", b"\xfe\xff")
_QUOTED = re.compile(r'\s*"((?:[^"]|"")*)"\s*(?:;|$)')
_QUOTED_BACKSLASH = re.compile(r'\s*"((?:[^"\\]|\\.|"")*)"\s*(?:;|$)')
_ESCAPED = re.compile(r'""|\\"')
_DOUBLED = re.compile('""')


@dataclass(frozen=True, slots=True)
class LimitiRighe:
    """What a file may be.

    The widest row that its columns admit, in quotes and in four-byte letters, stays below `line_bytes_max`; a file of
    five million rows is ten times the largest that an ente has.
    """

    bytes_max: int = 4 * 1024**3
    rows_max: int = 5_000_000
    line_bytes_max: int = 64 * 1024


LIMITI = LimitiRighe()


class Riga(NamedTuple):
    """A row as written. `numero` counts data rows from 1 (0 is the header), `linea` the lines of the file from 1.

    `difetto`: why its text cannot be read, an Italian sentence; empty when it can. `testo` has no line end; bytes that
    are not UTF-8 stand in it as Python's surrogates, so that the line can be given back as it came.
    """

    numero: int
    linea: int
    testo: str
    difetto: str = ""


class Leggibile(Protocol):
    """What gives bytes: a file, a member of an archive, an upload."""

    def read(self, size: int = -1, /) -> bytes: ...


def read_righe(flusso: Leggibile, limiti: LimitiRighe = LIMITI) -> Iterator[Riga]:
    """Give the header and the rows; blank lines are skipped and count as lines only.

    Raises: FlussoRifiutato (not even a header, UTF-16, too many bytes or rows).
    """
    numero = -1
    linea = 0
    for block, offset, dropped in _blocks(flusso, limiti):
        for testo, difetto in _lines(block, offset, dropped, linea, limiti):
            linea += 1
            if difetto or (testo and not testo.isspace()):
                numero += 1
                # Nobody reads the header: a wrong one costs nothing.
                yield Riga(numero, linea, testo, difetto if numero else "")
        if numero > limiti.rows_max:
            raise _refused(f"il file ha più di {limiti.rows_max} righe: dividerlo in più flussi")
    if numero < 0:
        raise _refused("il file è vuoto: manca anche la riga di intestazione")


def split(testo: str) -> list[str]:
    """Return the fields of a row. Raises: ValueError, its text an Italian sentence.

    >>> split('a; b;"c;d";"e ""f"" \\\\"g\\\\"";Ditta "X" srl;')
    ['a', ' b', 'c;d', 'e "f" "g"', 'Ditta "X" srl', '']
    >>> split('"a;b')
    Traceback (most recent call last):
    ValueError: virgolette aperte e non chiuse bene nella colonna 1
    """
    if '"' not in testo:
        return testo.split(SEPARATORE)
    try:
        return _split_quoted(testo, _QUOTED, _DOUBLED)
    except ValueError:
        if "\\" not in testo:
            raise
    # Only then is a backslash more than a backslash: what common libraries write reads back as it was.
    return _split_quoted(testo, _QUOTED_BACKSLASH, _ESCAPED)


def _split_quoted(testo: str, pattern: re.Pattern[str], escaped: re.Pattern[str]) -> list[str]:
    fields: list[str] = []
    start, end = 0, len(testo)
    while True:
        stop = testo.find(SEPARATORE, start)
        stop = end if stop < 0 else stop
        if testo[start:stop].lstrip()[:1] == '"':
            match = pattern.match(testo, start)
            if match is None:
                raise ValueError(f"virgolette aperte e non chiuse bene nella colonna {len(fields) + 1}")
            fields.append(escaped.sub('"', match[1]))
            is_last = not match[0].endswith(SEPARATORE)
            stop = match.end() - (0 if is_last else 1)
        else:
            fields.append(testo[start:stop])
            is_last = stop == end
        if is_last:
            return fields
        start = stop + 1


def _refused(message: str) -> FlussoRifiutato:
    return FlussoRifiutato("PAA_IMPORT_ERROR", message)


def _blocks(flusso: Leggibile, limiti: LimitiRighe) -> Iterator[tuple[bytes, int, int]]:
    """Give whole lines, many at a time, where in the file they begin, and how much of the first was dropped."""
    data = flusso.read(BLOCK_BYTES)
    if data.startswith(_UTF16):
        raise _refused("il file è in UTF-16: salvarlo in UTF-8")
    offset = len(_BOM) if data.startswith(_BOM) else 0
    data = data[offset:]
    total, dropped = len(data), 0
    while True:
        # A return at the end may be the first half of a line end: it waits for the next block.
        cut = max(data.rfind(b"\n"), data.rfind(b"\r", 0, max(len(data) - 1, 0))) + 1
        if cut:
            yield data[:cut], offset, dropped
            offset += cut + dropped
            data, dropped = data[cut:], 0
        elif len(data) > limiti.line_bytes_max + 1:
            dropped += len(data) - limiti.line_bytes_max - 1
            data = data[: limiti.line_bytes_max] + data[-1:]
        more = flusso.read(BLOCK_BYTES)
        total += len(more)
        if total > limiti.bytes_max:
            raise _refused(f"il file supera {limiti.bytes_max} byte: dividerlo in più flussi")
        if not more:
            break
        data += more
    if data:
        yield data, offset, dropped


def _lines(block: bytes, offset: int, dropped: int, linea: int, limiti: LimitiRighe) -> Iterator[tuple[str, str]]:
    """Give text and flaw of each line of a block."""
    first = min(found for found in (block.find(b"\n"), block.find(b"\r"), len(block)) if found >= 0)
    if first <= limiti.line_bytes_max and b"\0" not in block:
        try:
            text = block.decode()
        except UnicodeDecodeError:
            pass
        else:
            if "\r" in text:
                text = text.replace("\r\n", "\n").replace("\r", "\n")
            lines = text.split("\n")
            if not lines[-1]:
                lines.pop()
            for line in lines:
                yield line, ""
            return
    for raw in block.splitlines(keepends=True):
        linea += 1
        yield _flawed(raw.rstrip(b"\r\n"), offset, linea, limiti)
        offset += len(raw) + dropped
        dropped = 0


def _flawed(raw: bytes, offset: int, linea: int, limiti: LimitiRighe) -> tuple[str, str]:
    text = raw[: limiti.line_bytes_max].decode(errors="surrogateescape")
    if len(raw) > limiti.line_bytes_max:
        return text, f"la linea {linea} supera {limiti.line_bytes_max} byte: nessuna colonna ne ammette tanti"
    if b"\0" in raw:
        return text, (
            f"la linea {linea} contiene il carattere nullo (byte {offset + raw.index(0) + 1} del file): toglierlo"
        )
    try:
        return raw.decode(), ""
    except UnicodeDecodeError as error:
        return text, (
            f"il byte {offset + error.start + 1} del file (linea {linea}, valore 0x{raw[error.start]:02x}) "
            "non è UTF-8: salvare il file in UTF-8"
        )
