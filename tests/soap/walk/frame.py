"""The fault walk: every row of every check table of the contract's specification, one defect at a time, then two.

Here: rows of a table, the mistakes that belong to them, which mistakes can be made together. A module per operation
holds its tables as they are written: number, words, how to make the mistake, the code that must be answered. `stage.py`
speaks to the hub; `python -m tests.soap.walk` counts.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from tests.soap.stage import GOOD, Stage


class Case(Protocol):
    """A request and the state of the world around it, good unless its fields say otherwise."""

    def ask(self, stage: Stage) -> str:
        """Arrange the world, send the request, return the fault's code or GOOD."""
        ...


@dataclass(frozen=True, slots=True)
class Defect:
    """One way to make the mistake of a row: `spoils` are the fields of the case that carry it.

    `needs`: fields it sets that another defect may overrule; `keeps`: fields that another defect may not touch, `*`
    for all of them.
    """

    code: str
    spoils: Mapping[str, Any]
    needs: Mapping[str, Any] = field(default_factory=dict)
    keeps: frozenset[str] = frozenset()

    def goes_with(self, other: Defect) -> bool:
        """Say whether both mistakes can stand in one request."""
        if "*" in self.keeps | other.keeps:
            return False
        shared = set(self.spoils) & set(other.spoils)
        return (
            all(self.spoils[name] == other.spoils[name] for name in shared)
            and not self.keeps & set(other.spoils)
            and not other.keeps & set(self.spoils)
        )

    def __str__(self) -> str:
        return ", ".join(f"{name}={value!r}"[:60] for name, value in self.spoils.items())


@dataclass(frozen=True, slots=True)
class Row:
    """A row as the specification numbers it. `unreachable` is the reason why no request can get its answer.

    The defects of an unreachable row carry the code that is answered in its stead.
    """

    number: str
    words: str
    defects: tuple[Defect, ...]
    unreachable: str | None = None
    # Not of the table: a rule of this hub, or something the text around the table says.
    is_beside: bool = False


@dataclass(frozen=True, slots=True)
class Table:
    """A check table: rows in the order in which the first failure wins."""

    section: str
    operation: str
    case: type
    rows: tuple[Row, ...]
    # What a request without defects gets.
    good: str = GOOD

    def __str__(self) -> str:
        return f"{self.section} {self.operation.removeprefix('paaSIL')}"

    def pairs(self) -> Iterator[tuple[Row, Defect, Row, Defect]]:
        """Give every two defects of two rows that can be had together, the one of the earlier row first."""
        rows = [row for row in self.rows if row.unreachable is None]
        for first, second in itertools.combinations(rows, 2):
            for one, other in itertools.product(first.defects, second.defects):
                if one.goes_with(other):
                    yield first, one, second, other

    def pairs_of_rows(self) -> Iterator[tuple[Row, Defect, Row, Defect]]:
        """Give for every two rows the first two of their defects that can be had together."""
        for _, pairs in itertools.groupby(self.pairs(), key=lambda pair: (pair[0].words, pair[2].words)):
            yield next(pairs)

    def build(self, *defects: Defect) -> Case:
        values: dict[str, Any] = {}
        for defect in defects:
            values |= defect.needs
        for defect in defects:
            values |= defect.spoils
        return self.case(**values)


def defect(code: str, needs: Mapping[str, Any] | None = None, keeps: str = "", **spoils: Any) -> Defect:
    """A defect in short; `keeps` is a list of names with blanks between."""
    return Defect(code, spoils, needs or {}, frozenset(keeps.split()))


def row(number: str, words: str, *defects: Defect) -> Row:
    return Row(number, words, defects)


def beside(number: str, words: str, *defects: Defect) -> Row:
    return Row(number, words, defects, is_beside=True)


def unreachable(number: str, words: str, reason: str, *instead: Defect) -> Row:
    return Row(number, words, instead, reason)
