"""The sealed secrets of every table. A column that holds one is called `..._cifrata`; it is found here by its name."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from sqlalchemy import Column, Table, select, update

from hub.store import revisione, schema
from hub.store.database import Session

_SEALED = "_cifrata"


@dataclass(frozen=True, slots=True)
class Sigillo:
    """One sealed secret and where it stands. `key`: the values of the table's primary key, in its order."""

    table: Table
    column: Column[str]
    key: tuple[object, ...]
    sealed: str

    @property
    def place(self) -> str:
        return f"{self.table.name} {' '.join(map(str, self.key))}: {self.column.name.removesuffix(_SEALED)}"


def everywhere(session: Session) -> Iterator[Sigillo]:
    """Give every sealed secret: some for each station and each ente, so all of them fit in memory."""
    for table in schema.metadata.sorted_tables:
        names = table.primary_key.columns
        for column in table.columns:
            if column.name.endswith(_SEALED):
                for *key, sealed in session.execute(select(*names, column).where(column.is_not(None)).order_by(*names)):
                    yield Sigillo(table, column, tuple(key), sealed)


def replace(session: Session, sigillo: Sigillo, sealed: str) -> bool:
    """Put another sealed text in the place of one; False: it is not there any more."""
    revisione.move_on(session)
    names = sigillo.table.primary_key.columns
    where = [name == value for name, value in zip(names, sigillo.key, strict=True)]
    statement = update(sigillo.table).where(*where, sigillo.column == sigillo.sealed)
    return session.execute(statement.values({sigillo.column.name: sealed})).rowcount == 1
