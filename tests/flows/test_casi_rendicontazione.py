"""The cases of the public suites about settlement flows, against the simulator on a port. Source: node, 8.4."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.flows.casi.rendicontazione import CASI, Caso, Scena
from tests.world import World


@pytest.fixture
def scena(world: World) -> Iterator[Scena]:
    found = Scena(world)
    yield found
    found.close()


@pytest.mark.parametrize("caso", [each for each in CASI if each.play is not None], ids=str)
def test_a_case_about_settlement_flows(scena: Scena, caso: Caso) -> None:
    assert caso.play is not None

    caso.play(scena)


def test_every_case_of_the_table_is_played_or_has_a_reason() -> None:
    assert {each.number for each in CASI} == set(range(97, 109))
    assert all(each.reason for each in CASI if each.play is None)
