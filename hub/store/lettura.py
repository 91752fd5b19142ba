"""Reading a whole table inside a snapshot: bounded memory, and how far it is told.

SQLite, and documents on both, go in stretches of the key. PostgreSQL finds the few rows that are wrong in one walk over
the table as it lies: in the order of keys that are drawn by chance it would look up ten million pages one by one.

A row that the database itself cannot read (broken JSON, bytes that are no text) stops nothing: its stretch is halved
until it stands alone, and it is noted.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from itertools import islice
from typing import Any

from sqlalchemy import Column, ColumnElement, Row, Select, select, text
from sqlalchemy.exc import DataError, DBAPIError, OperationalError

from hub.domain.verifica import Rilievo, iuv_mostrabile
from hub.store.database import Session

# Rows looked at in one statement: some tens of milliseconds, and what is wrong in them fits in memory.
TRATTO = 5000
# What SQLite says of a value that it cannot read; it has no class of errors for it.
_ILLEGGIBILE = ("malformed JSON", "Could not decode to UTF-8")


class Lettura:
    """The snapshot that one control looks at. `told`: called with a table and the rows of it that were looked at.

    `chiavi`: the public keys whose signatures are believed; None: nobody said which, any is.
    """

    def __init__(
        self,
        session: Session,
        told: Callable[[str, int], None],
        tratto: int = TRATTO,
        chiavi: Collection[bytes] | None = None,
    ) -> None:
        self.session = session
        self.chiavi = chiavi
        self.illeggibili: list[Rilievo] = []
        self._told, self._tratto = told, tratto

    def rows(
        self, query: Select[Any], key: Column[Any], tratto: int = TRATTO, within: Sequence[ColumnElement[bool]] = ()
    ) -> Iterator[Row[Any]]:
        """Yield what a query finds, by `key`, its table a stretch at a time. `tratto`: fewer where rows are heavy.

        `within`: where the key is a key only among some rows, what those have in common.
        """
        query, keys = query.where(*within), select(key).where(*within).order_by(key)
        size = min(tratto, self._tratto)
        if size < TRATTO or self.session.dialect.name != "postgresql":
            yield from self._stretches(query, keys, key, size)
            return
        given = 0
        try:
            for row in self._whole(query, key):
                yield row
                given += 1
        except (DBAPIError, ValueError) as error:
            if not _is_of_a_value(error):
                raise
            # The same rows in the same order, but for what stands in the way.
            yield from islice(self._stretches(query, keys, key, size), given, None)

    def _whole(self, query: Select[Any], key: Column[Any]) -> Iterator[Row[Any]]:
        """Yield what a query finds by its key, which is among its columns. Put in order afterwards, not walked so."""
        found = query.offset(0).subquery()
        order = found.corresponding_column(key)
        assert order is not None, f"{key} is not among what is read"
        # All of it is wanted, and not soon the first rows of it.
        self.session.execute(text("SET LOCAL cursor_tuple_fraction = 1"))
        with self.session.begin_nested():
            in_order = select(found).order_by(order)
            yield from self.session.execute(in_order, execution_options={"yield_per": TRATTO})

    def _stretches(
        self, query: Select[Any], keys: Select[Any], key: Column[Any], size: int
    ) -> Iterator[Row[Any]]:
        after, seen = None, 0
        while True:
            ends = keys.offset(size - 1).limit(1)
            end = self.session.execute(ends if after is None else ends.where(key > after)).scalar_one_or_none()
            yield from self._stretch(query, keys, key, after, end)
            if end is None:
                return
            after, seen = end, seen + size
            self._told(key.table.name, seen)

    def _stretch(
        self, query: Select[Any], keys: Select[Any], key: Column[Any], after: Any, end: Any
    ) -> Iterator[Row[Any]]:
        where = _between(key, after, end)
        try:
            # Once a statement has failed PostgreSQL takes no other, but for a savepoint before it.
            with self.session.begin_nested():
                found: Sequence[Row[Any]] = self.session.execute(query.where(*where).order_by(key)).all()
        except (DBAPIError, ValueError) as error:
            if not _is_of_a_value(error):
                raise
            yield from self._halves(query, keys, key, after, end)
            return
        yield from found

    def _halves(
        self, query: Select[Any], keys: Select[Any], key: Column[Any], after: Any, end: Any
    ) -> Iterator[Row[Any]]:
        found = list(self.session.execute(keys.where(*_between(key, after, end))).scalars())
        if len(found) < 2:
            words = "la riga ha un valore che il database non sa leggere"
            self.illeggibili += [Rilievo(key.table.name, str(one), words) for one in found]
            return
        middle = found[len(found) // 2 - 1]
        yield from self._stretch(query, keys, key, after, middle)
        yield from self._stretch(query, keys, key, middle, end)


def rilievo(row: Row[Any], tabella: str, dettaglio: str) -> Rilievo:
    """Say what is wrong with a row; its columns: `id`, and `ente_id` and `iuv` where there are."""
    values = row._mapping
    return Rilievo(tabella, str(row.id), dettaglio, values.get("ente_id"), iuv_mostrabile(values.get("iuv")))


def _between(key: Column[Any], after: Any, end: Any) -> list[ColumnElement[bool]]:
    return [*([] if after is None else [key > after]), *([] if end is None else [key <= end])]


def _is_of_a_value(error: Exception) -> bool:
    """Whether a value is to blame, and not the database."""
    if isinstance(error, OperationalError):
        return any(words in str(error.orig) for words in _ILLEGGIBILE)
    return isinstance(error, (DataError, ValueError))
