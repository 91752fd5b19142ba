"""The world of these tests: a hub that is a sandbox."""

from __future__ import annotations

from dataclasses import replace

import pytest

from hub.usecases.registra_chiamata import Registratore
from tests.world import World, small_world, world

__all__ = ["banco", "piccolo", "small_world", "world"]


def as_sandbox(world: World) -> World:
    config = world.runtime.config.model_copy(update={"sandbox": True})
    world.runtime = replace(world.runtime, config=config, registratore=Registratore(world.db, world.clock))
    return world


@pytest.fixture
def banco(world: World) -> World:
    """On both databases."""
    return as_sandbox(world)


@pytest.fixture
def piccolo(small_world: World) -> World:
    """On SQLite alone."""
    return as_sandbox(small_world)
