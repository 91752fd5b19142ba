"""The cases of the public suites about SOAP calls, over sockets against the simulated node. Source: node, 8.4."""

from __future__ import annotations

import pytest

from adapters.nodo.fake import SimulatorServer
from tests.adapters.simulated import StubHub
from tests.nodo.banco import Banco
from tests.nodo.casi import CASI, Caso
from tests.world import World


@pytest.mark.parametrize("caso", [each for each in CASI if each.play is not None], ids=str)
def test_a_case_about_calls_of_the_hub(world: World, simulator: SimulatorServer, hub: StubHub, caso: Caso) -> None:
    assert caso.play is not None

    caso.play(Banco(world, simulator, hub))


def test_the_soap_cases_are_all_there() -> None:
    assert [each.number for each in CASI] == [*range(72, 97), *range(114, 118)]
