"""The cases about carts, each on both databases. Source: node, 8.4."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.flows.casi.carrelli import CASI, Caso, Scena
from tests.world import World


@pytest.fixture
def scena(world: World) -> Iterator[Scena]:
    scena = Scena(world)
    yield scena
    scena.close()


@pytest.mark.parametrize("caso", [each for each in CASI if each.play is not None], ids=str)
def test_a_case_about_carts(scena: Scena, caso: Caso) -> None:
    assert caso.play is not None
    caso.play(scena)


def test_every_case_that_is_not_played_says_why() -> None:
    assert all(each.reason for each in CASI if each.play is None)
    assert {each.number for each in CASI if each.play is not None} >= {"109", "110", "111", "112", "113"}
