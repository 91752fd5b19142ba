"""The files of results of an import: the rejected rows as they came, the accepted ones with their IUV.

Source: flows, 1.5; defects 2 (order of the file) and 3 (whole rows, amounts with a point) of section 12.
"""

from __future__ import annotations

import zipfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import BinaryIO

from hub.formats.tracciati.colonne import Importo
from hub.formats.tracciati.import_dovuti import ImportDovuti, join
from hub.formats.tracciati.righe import SEPARATORE, Riga, split

# Rows that resemble each other pack well at once; more effort costs more than the disk it spares.
_LEVEL = 1
_FIRST_DAY = (1980, 1, 1, 0, 0, 0)
_MEMORY_MAX = 256 * 1024
_INTESTAZIONE_SCARTI = ";cod_rifiuto;de_rifiuto"
_IUV = "iuv"


class Righe:
    """The csv of a result, inside its archive."""

    def __init__(self, csv: BinaryIO) -> None:
        self._csv = csv
        self._held: list[str] = []
        self._held_length = 0

    def add(self, line: str) -> None:
        """Write a line; its end is ours."""
        self._held.append(line)
        self._held_length += len(line)
        if self._held_length > _MEMORY_MAX:
            self.flush()

    def flush(self) -> None:
        if self._held:
            # What was not UTF-8 goes back as the bytes that came.
            self._csv.write(("\n".join(self._held) + "\n").encode(errors="surrogateescape"))
        self._held, self._held_length = [], 0


@contextmanager
def writing(out: BinaryIO, nome: str) -> Iterator[Righe]:
    """Give the csv of a new archive, called `nome`.csv in it. Equal rows give equal bytes: nothing has a time."""
    entry = zipfile.ZipInfo(f"{nome}.csv", _FIRST_DAY)
    entry.compress_type = zipfile.ZIP_DEFLATED
    entry.external_attr = 0o644 << 16
    with zipfile.ZipFile(out, "w", compresslevel=_LEVEL) as archive:
        entry._compresslevel = _LEVEL  # type: ignore[attr-defined]  # `open` looks there and nowhere else
        with archive.open(entry, "w", force_zip64=True) as csv:
            righe = Righe(csv)  # type: ignore[arg-type]
            yield righe
            righe.flush()


def intestazione_scarti(riga: Riga) -> str:
    return riga.testo + _INTESTAZIONE_SCARTI


def line_scarto(riga: Riga, codici: str, descrizioni: str) -> str:
    """Return a rejected row: as it came, and why."""
    return SEPARATORE.join((riga.testo, join((codici, descrizioni))))


class RigaConIuv:
    """An accepted row as it is given back: trimmed, its IUV filled, amounts with two decimals."""

    def __init__(self, tracciato: type[ImportDovuti]) -> None:
        self._iuv = tracciato.nomi.index(_IUV)
        self._importi = [
            (place, colonna) for place, colonna in enumerate(tracciato.colonne) if isinstance(colonna, Importo)
        ]

    def __call__(self, riga: Riga, iuv: str | None) -> str:
        texts = list(map(str.strip, split(riga.testo)))
        texts[self._iuv] = iuv or ""
        for place, colonna in self._importi:
            if texts[place] and texts[place][-3:-2] != ".":
                texts[place] = _two_decimals(colonna, texts, place)
        line = SEPARATORE.join(texts)
        # A field with a separator or quotes in it was in quotes.
        return join(texts) if '"' in riga.testo else line


def _two_decimals(colonna: Importo, texts: Sequence[str], place: int) -> str:
    try:
        return colonna.write(colonna.read(texts[place]))
    except ValueError:
        # A column of the second beneficiary that nobody looks at, because its flag is off.
        return texts[place]
