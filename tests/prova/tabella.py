"""The table at the end of a proof: fault, times injected, lost, doubled, time to recover."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

Row = tuple[str, int, int, int, float]


def lines(rows: Iterable[Row]) -> Iterator[str]:
    """Give the lines of the table, and a last one with the totals."""
    rows = list(rows)
    width = max(len(row[0]) for row in rows)
    yield f"{'guasto':{width}}  iniettato  perduti  doppi  ripresa (s)"
    for fault, injected, lost, doubled, recovery_s in rows:
        yield f"{fault:{width}}  {injected:9}  {lost:7}  {doubled:5}  {recovery_s:11.0f}"
    injected, lost, doubled = (sum(row[index] for row in rows) for index in (1, 2, 3))
    yield f"{'in tutto: ' + str(len(rows)) + ' guasti':{width}}  {injected:9}  {lost:7}  {doubled:5}"


def exit_code(rows: Iterable[Row]) -> int:
    """1 when anything was lost or doubled, or nothing was injected at all."""
    rows = list(rows)
    return 0 if any(row[1] for row in rows) and not any(row[2] or row[3] for row in rows) else 1
