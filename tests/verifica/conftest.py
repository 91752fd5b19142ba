"""A healthy world for each kind of database, played once: who breaks it takes everything back."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.soap.stage import open_stage
from tests.verifica.mondo import Sano, play
from tests.world import small_world, world

__all__ = ["small_world", "world"]


@pytest.fixture(scope="module")
def sano(backend: str, _servers: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sano]:
    with open_stage(backend, _servers, tmp_path_factory) as stage:
        yield play(stage.world)
