"""What became of the cases: green, not applicable with the reason, red."""

from __future__ import annotations

from collections.abc import Sequence

from tests.flows.casi.ricevute import CASI, Caso


def lines(green: int, red: int, casi: Sequence[Caso] = CASI) -> list[str]:
    """The lines at the end of a run, given how many plays (one for each database) passed and failed."""
    beside = [each for each in casi if each.play is None]
    told = f"cases about receipts (node, 8.2 and 8.3): {len(casi)} cases, {len(beside)} not applicable; "
    return [
        f"{told}{green} plays green, {red} red",
        *(f"    {each.number} ({each.words}): {each.reason}" for each in beside),
    ]
