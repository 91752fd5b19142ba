"""The world, for the tests that speak through the contracts, and a stage that many requests share."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from typing import Any

import pytest

from tests.soap.stage import Stage
from tests.world import open_world, small_world, world

__all__ = ["small_world", "world"]


@pytest.fixture(scope="session")
def small_stage(_servers: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    """The cast on SQLite for the whole run: cases add to it and never undo each other."""
    path = tmp_path_factory.mktemp("passi") / "passi.db"
    shutil.copyfile(_servers.sqlite(), path)
    with open_world(f"sqlite:///{path}") as world:
        yield Stage(world)


@pytest.fixture(scope="session")
def stage(backend: str, _servers: Any, request: pytest.FixtureRequest) -> Iterator[Stage]:
    """The same on each kind of database."""
    if backend == "sqlite":
        yield request.getfixturevalue("small_stage")
        return
    name = _servers.server().create_database(_servers.template())
    with open_world(_servers.server().url_of(name)) as world:
        yield Stage(world)
    _servers.server().drop_database(name)
