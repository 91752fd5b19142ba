"""A ZIP with one csv, written row by row: nothing but the row at hand is kept.

Source: flows, 3.3 and 3.4 (one csv with the base name of its archive).
"""

from __future__ import annotations

import csv
import io
import zipfile
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import IO, BinaryIO

# Rows that repeat themselves shrink to a tenth at the first level; the sixth takes twice the time for a little more.
_LEVEL = 2
_BLOCK_CHARS = 256 * 1024


class CsvScritto:
    """The csv, UTF-8, `;` between the fields, lines that end with a line feed."""

    def __init__(self, entry: IO[bytes], *, all_quoted: bool) -> None:
        self._entry = entry
        self._text = io.StringIO(newline="")
        self._writer = csv.writer(
            self._text, delimiter=";", lineterminator="\n", quoting=csv.QUOTE_ALL if all_quoted else csv.QUOTE_MINIMAL
        )

    def rows(self, rows: Iterable[Sequence[str]]) -> None:
        for row in rows:
            self._writer.writerow(row)
            if self._text.tell() >= _BLOCK_CHARS:
                self.flush()

    def flush(self) -> None:
        self._entry.write(self._text.getvalue().encode("utf-8", "replace"))
        self._text.seek(0)
        self._text.truncate()


@contextmanager
def write_csv(file: BinaryIO, nome_csv: str, *, all_quoted: bool, is_huge: bool = False) -> Iterator[CsvScritto]:
    """Give the csv `nome_csv` of a new archive in `file`. `is_huge`: it may pass 2 GiB.

    Only a huge one is in the zip64 format, which old readers do not know.
    """
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED, compresslevel=_LEVEL) as archive:
        with archive.open(nome_csv, "w", force_zip64=is_huge) as entry:
            csv_scritto = CsvScritto(entry, all_quoted=all_quoted)
            yield csv_scritto
            csv_scritto.flush()
