"""How far the walk goes: rows in the tables, rows tested, rows that nothing reaches and why."""

from __future__ import annotations

from collections.abc import Sequence

from tests.soap.walk.frame import Table
from tests.soap.walk.tables import TABLES


def counts(tables: Sequence[Table] = TABLES) -> tuple[int, int, int, int]:
    """Return rows of the tables, those tested, rows beside them, pairs of defects.

    A row that an operation walks several times, once for each of its actions, counts once.
    """
    every = {(table.operation, row.words): row for table in tables for row in table.rows}
    rows = [row for row in every.values() if not row.is_beside]
    tested = sum(row.unreachable is None for row in rows)
    return len(rows), tested, len(every) - len(rows), sum(1 for table in tables for _ in table.pairs())


def line(green: int, red: int) -> str:
    """The one line at the end of a run, given how many tests of the walk passed and failed."""
    rows, tested, beside, pairs = counts()
    of_rows = sum(1 for table in TABLES for _ in table.pairs_of_rows())
    return (
        f"fault walk: {rows} rows in {len(TABLES)} tables, {tested} tested, {rows - tested} unreachable, "
        f"{beside} beside the tables, {pairs} pairs of defects ({of_rows} on PostgreSQL, one of "
        f"every two rows); {green} tests green, {red} red"
    )


def pages() -> list[str]:
    """A line for each table, and one for each row that nothing reaches."""
    told = []
    for table in TABLES:
        rows, tested, beside, pairs = counts([table])
        told.append(f"{table!s:<48} rows {rows:>3}, tested {tested:>3}, beside {beside:>2}, pairs {pairs:>5}")
        unreached = [row for row in table.rows if row.unreachable is not None]
        told += [f"    row {row.number} ({row.words}): {row.unreachable}" for row in unreached]
    return told
