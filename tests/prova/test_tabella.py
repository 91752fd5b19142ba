"""The table at the end of a proof, and what makes its command fail."""

from __future__ import annotations

from tests.prova import tabella
from tests.prova.tutto import BREVE, part

ROWS = [("un guasto", 3, 0, 0, 1.4), ("un altro guasto", 2, 0, 0, 60.0)]


def test_the_table_has_a_line_for_each_fault_and_one_with_the_totals() -> None:
    head, first, _, totals = tabella.lines(ROWS)

    assert head.split() == ["guasto", "iniettato", "perduti", "doppi", "ripresa", "(s)"]
    assert first.split() == ["un", "guasto", "3", "0", "0", "1"]
    assert totals.split() == ["in", "tutto:", "2", "guasti", "5", "0", "0"]


def test_what_is_lost_or_doubled_and_a_proof_of_nothing_fail_the_command() -> None:
    codes = [tabella.exit_code(rows) for rows in (ROWS, [*ROWS, ("x", 1, 1, 0, 0)], [*ROWS, ("x", 1, 0, 1, 0)], [])]

    assert codes == [0, 1, 1, 1]


def test_a_part_that_breaks_is_something_lost() -> None:
    rows = part("simulazione", "un database che non c'è", BREVE)

    assert [row[2] for row in rows] == [1] and tabella.exit_code(rows) == 1
