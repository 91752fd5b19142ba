"""The world, for the tests that speak through the contracts, and a stage that many requests share."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.soap.stage import Stage, open_stage
from tests.world import small_world, world

__all__ = ["small_world", "world"]


@pytest.fixture(scope="session")
def small_stage(_servers: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    """The cast on SQLite for the whole run: cases add to it and never undo each other."""
    with open_stage("sqlite", _servers, tmp_path_factory) as stage:
        yield stage


@pytest.fixture(scope="session")
def stage(backend: str, request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    """The same on each kind of database."""
    if backend == "sqlite":
        yield request.getfixturevalue("small_stage")
        return
    with open_stage(backend, request.getfixturevalue("_servers"), tmp_path_factory) as stage:
        yield stage
