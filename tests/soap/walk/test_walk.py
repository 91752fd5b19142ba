"""The walk itself: the good request, one defect, two defects."""

from __future__ import annotations

import pytest

from tests.soap.stage import Stage
from tests.soap.walk.frame import Row, Table
from tests.soap.walk.tables import TABLES

ROWS = [pytest.param(table, row, id=f"{table}-{row.number}") for table in TABLES for row in table.rows if row.defects]


@pytest.mark.parametrize("table", TABLES, ids=str)
def test_a_request_without_defects_passes(stage: Stage, table: Table) -> None:
    assert table.build().ask(stage) == table.good


@pytest.mark.parametrize(("table", "row"), ROWS)
def test_one_defect_gets_its_code(stage: Stage, table: Table, row: Row) -> None:
    wrong = {}
    for defect in row.defects:
        answered = table.build(defect).ask(stage)
        if answered != defect.code:
            wrong[str(defect)] = f"{answered} instead of {defect.code}"

    assert wrong == {}


@pytest.mark.parametrize("table", TABLES, ids=str)
def test_of_two_defects_the_first_row_wins(stage: Stage, table: Table) -> None:
    """Every way of making both mistakes on SQLite; on PostgreSQL one way for every two rows, it is the slower one."""
    wrong = {}
    for first, one, second, other in table.pairs_of_rows() if stage.world.db.is_postgresql else table.pairs():
        answered = table.build(one, other).ask(stage)
        if answered != one.code:
            wrong[f"{first.number} {one} | {second.number} {other}"] = f"{answered} instead of {one.code}"

    assert wrong == {}
