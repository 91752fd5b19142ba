"""The drill of unknown outcomes, small: `python -m tests.nodo.drill` runs it with a thousand payments."""

from __future__ import annotations

import random
from pathlib import Path

from tests.flows.plant import Plant
from tests.nodo import drill

# Who dies just before a sending leaves it unknown: when it is asked about for the fifth time the lock may have a moment
# to last, and the sixth time is two minutes later.
_LIMIT_S = 240


def test_no_payment_leaves_twice_or_is_lost_when_answers_and_workers_are(database_url: str, tmp_path: Path) -> None:
    with Plant(tmp_path, database_url, drill.ENVIRONMENT) as plant:
        outcome = drill.run(plant, 40, 2, random.Random(7), convertita=False, limit_s=_LIMIT_S)

    drill.tell(outcome)
    drill.check(outcome, convertita=False)
    assert (outcome.doubled, outcome.unresolved, outcome.receipts) == (0, [], 40)
    assert outcome.lost_answers > 0 and outcome.fetched > 0


def test_a_node_that_notices_no_duplicate_is_sent_nothing_twice(sqlite_url: str, tmp_path: Path) -> None:
    with Plant(tmp_path, sqlite_url, drill.ENVIRONMENT) as plant:
        outcome = drill.run(plant, 25, 2, random.Random(7), convertita=True, limit_s=_LIMIT_S)

    drill.tell(outcome)
    drill.check(outcome, convertita=True)
    assert outcome.unresolved == []
