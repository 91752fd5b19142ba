"""The table at the end: family, inputs, refused, taken as the contract says, red, growth of the server's memory."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from tests.ostili.prova import Row

_TITLES = ("famiglia", "ingressi", "rifiutati", "tollerati", "rossi", "MiB")


def lines(rows: Iterable[Row]) -> Iterator[str]:
    """Give the lines of the table, and a last one with the totals."""
    rows = list(rows)
    totals = (f"in tutto: {len(rows)} famiglie", *(sum(row[index] for row in rows) for index in range(1, 5)))
    width = max(len(row[0]) for row in (*rows, totals))
    yield f"{_TITLES[0]:{width}}" + "".join(f"  {title:>9}" for title in _TITLES[1:])
    for row in rows:
        yield f"{row[0]:{width}}" + "".join(f"  {number:9}" for number in row[1:])
    yield f"{totals[0]:{width}}" + "".join(f"  {number:9}" for number in totals[1:])
