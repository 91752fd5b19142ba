"""Tables that were exported from another hub as CSV files in one folder: file -> rows with their place.

A row is a mapping from column (lower case) to text, empty values left out. UTF-8, a line of column names, separated by
semicolons, commas or tabs: whichever the first line has most of.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from hub.formats.campi import Problemi

# A logo in base64 is the longest honest value.
_FIELD_MAX_CHARS = 2 * 1024 * 1024
_FILE_MAX_BYTES = 256 * 1024 * 1024
_ROWS_MAX = 2_000_000
_SEPARATORS = ";,\t"


@dataclass(frozen=True, slots=True)
class RigaTabella:
    """`posto`: file and line, as an operator finds them."""

    posto: str
    valori: Mapping[str, str]

    def get(self, colonna: str) -> str:
        return self.valori.get(colonna, "")


def read_tabella(path: Path, colonne: tuple[str, ...], problems: Problemi) -> Iterator[RigaTabella]:
    """Give the rows of a table; what cannot be read is noted in `problems` and ends it.

    `colonne`: the columns without which the table says nothing.
    Raises: OSError (the file).
    """
    if path.stat().st_size > _FILE_MAX_BYTES:
        return problems.add(path.name, f"file troppo grande: oltre {_FILE_MAX_BYTES // 1024 // 1024} MiB")
    with path.open("rb") as opened:
        text = io.TextIOWrapper(opened, encoding="utf-8-sig", newline="")
        yield from _rows(text, path.name, colonne, problems)


def _rows(text: io.TextIOWrapper, file: str, colonne: tuple[str, ...], problems: Problemi) -> Iterator[RigaTabella]:
    before = csv.field_size_limit(_FIELD_MAX_CHARS)
    reader = None
    try:
        first = text.readline(64 * 1024)
        separator = max(_SEPARATORS, key=first.count)
        header = [name.strip().lower() for name in next(csv.reader([first], delimiter=separator), [])]
        missing = [name for name in colonne if name not in header]
        if missing:
            return problems.add(file, f"mancano le colonne {', '.join(missing)}")
        if len(set(header)) != len(header):
            return problems.add(file, "una colonna c'è due volte")
        reader = csv.reader(text, delimiter=separator, strict=True)
        for number, row in enumerate(reader, 1):
            posto = f"{file} riga {reader.line_num + 1}"
            if number > _ROWS_MAX:
                return problems.add(posto, f"troppe righe: al massimo {_ROWS_MAX}")
            if not any(row):
                continue
            if len(row) != len(header):
                problems.add(posto, f"ha {len(row)} colonne, la prima riga ne ha {len(header)}")
                continue
            values = {name: value.strip() for name, value in zip(header, row, strict=True)}
            yield RigaTabella(posto, {name: value for name, value in values.items() if value and value != r"\N"})
    except UnicodeDecodeError as error:
        problems.add(file, f"non è in UTF-8: il byte {error.object[error.start]:#04x} non ha senso")
    except csv.Error:
        line = reader.line_num + 1 if reader else 1
        problems.add(f"{file} riga {line}", "non è CSV: virgolette che non si chiudono, o un campo troppo lungo")
    finally:
        csv.field_size_limit(before)
