"""The cases of the public suites about receipts, over HTTP against a served hub. Source: node, 8.2 and 8.3."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from hub.store import schema
from tests.flows.casi.ricevute import CASI, Caso
from tests.flows.casi.scena import ALTRA_STAZIONE, STAZIONE_CONVERTITA, Scena
from tests.flows.plant import Plant
from tests.soap.stage import open_stage
from tests.world import INTERMEDIARIO, World


@pytest.fixture(scope="session")
def served(
    backend: str, request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[World, Plant]]:
    """The cast, and a server over its database."""
    servers: Any = request.getfixturevalue("_servers")
    with open_stage(backend, servers, tmp_path_factory) as stage:
        world = stage.world
        for id in (ALTRA_STAZIONE, STAZIONE_CONVERTITA):
            world.lay(schema.stazioni, id=id, intermediario=INTERMEDIARIO, password_cifrata="x")
        extra = {"PONTEPA_STAZIONI_CONVERTITORE": STAZIONE_CONVERTITA}
        with Plant(tmp_path_factory.mktemp("casi"), world.db.url, extra) as plant:
            plant.up("serve")
            yield world, plant


@pytest.mark.parametrize("caso", [each for each in CASI if each.play is not None], ids=str)
def test_a_case_of_the_public_suites(served: tuple[World, Plant], caso: Caso) -> None:
    assert caso.play is not None

    caso.play(Scena(*served))


def test_every_case_of_the_table_is_played_or_has_a_reason() -> None:
    of_receipts = set(range(37, 55)) | {61, 62, 63, 64, 65, 67, 68, 69, 70, 71}

    assert {each.number for each in CASI} == of_receipts
    assert all(each.reason for each in CASI if each.play is None)
