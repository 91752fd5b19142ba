"""What became of the cases: green, not applicable with the reason, red."""

from __future__ import annotations

from collections.abc import Sequence

from tests.flows.casi import carrelli, rendicontazione
from tests.flows.casi.ricevute import CASI, Caso


def lines(green: int, red: int, casi: Sequence[Caso] = CASI) -> list[str]:
    """The lines at the end of a run, given how many plays (one for each database) passed and failed."""
    beside = [each for each in casi if each.play is None]
    told = f"cases about receipts (node, 8.2 and 8.3): {len(casi)} cases, {len(beside)} not applicable; "
    return [
        f"{told}{green} plays green, {red} red",
        *(f"    {each.number} ({each.words}): {each.reason}" for each in beside),
    ]


def lines_of_fdr(green: int, red: int) -> list[str]:
    """The same for settlement flows; what the hub does not do yet is red, too."""
    missing = [each for each in rendicontazione.CASI if each.is_missing]
    beside = [each for each in rendicontazione.CASI if each.play is None and not each.is_missing]
    told = f"cases about settlement flows (node, 8.4): {len(rendicontazione.CASI)} cases, {len(beside)} not applicable"
    return [
        f"{told}, {len(missing)} not built; {green} plays green, {red} red",
        *(f"    {each.number} ({each.words}): {each.reason}" for each in (*beside, *missing)),
    ]


def lines_of_carts(green: int, red: int) -> list[str]:
    """The same for carts."""
    beside = [each for each in carrelli.CASI if each.play is None]
    told = f"cases about carts (node, 8.4): {len(carrelli.CASI)} cases, {len(beside)} not applicable"
    return [
        f"{told}; {green} plays green, {red} red",
        *(f"    {each.number} ({each.words}): {each.reason}" for each in beside),
    ]
