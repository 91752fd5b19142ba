"""The stage of the walk: one for each database, for the whole run."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from typing import Any

import pytest

from tests.soap.walk.stage import Stage
from tests.world import open_world


@pytest.fixture(scope="session")
def stage(backend: str, _servers: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    """The cast on a database of this kind; cases add to it and never undo each other."""
    if backend == "sqlite":
        path = tmp_path_factory.mktemp("passi") / "passi.db"
        shutil.copyfile(_servers.sqlite(), path)
        with open_world(f"sqlite:///{path}") as world:
            yield Stage(world)
        return
    name = _servers.server().create_database(_servers.template())
    with open_world(_servers.server().url_of(name)) as world:
        yield Stage(world)
    _servers.server().drop_database(name)
