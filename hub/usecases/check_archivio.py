"""Look whether the archive has every file that a row names. Nothing is written."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Row

from hub.ports import Archivio
from hub.store import pulizie_archivio
from hub.store.database import Database

_BATCH = 200


@dataclass(frozen=True, slots=True)
class Mancante:
    """A file that a row names and the archive has not."""

    path: str
    registro: str
    request_token: str


def missing(db: Database, archivio: Archivio) -> Iterator[Mancante]:
    """Tell the files that are named and not there. Raises: OutOfService."""
    for registro, find in (
        ("flusso", pulizie_archivio.imports_with_files),
        ("export", pulizie_archivio.exports_with_files),
    ):
        for row in _rows(db, find):
            lost = [path for path in pulizie_archivio.files_of(row) if archivio.size_bytes(path) is None]
            # Its time to be kept may have ended between the row and the file.
            still = set(_files_now(db, find, row.id)) if lost else set()
            yield from (Mancante(path, registro, row.request_token) for path in lost if path in still)


_Find = Callable[..., Sequence[Row[Any]]]


def _rows(db: Database, find: _Find) -> Iterator[Row[Any]]:
    after = 0
    while True:
        with db.reading() as session:
            rows = find(session, after, _BATCH)
        yield from rows
        if len(rows) < _BATCH:
            return
        after = rows[-1].id


def _files_now(db: Database, find: _Find, id: int) -> list[str]:
    with db.reading() as session:
        return [path for row in find(session, id - 1, 1) if row.id == id for path in pulizie_archivio.files_of(row)]
