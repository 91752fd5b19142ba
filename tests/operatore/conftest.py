"""A world, a shell of its operator and the archive that both see."""

from __future__ import annotations

from pathlib import Path

import pytest

from hub import app_flussi
from hub.config_reading import load_config
from hub.ports import Archivio
from tests.test_cli import Shell
from tests.world import world

__all__ = ["world"]


@pytest.fixture
def desk(database_url: str, tmp_path: Path) -> Shell:
    shell = Shell(database_url)
    shell.env["PONTEPA_DATA_DIR"] = str(tmp_path / "dati")
    return shell


@pytest.fixture
def archivio(desk: Shell) -> Archivio:
    return app_flussi.build_archivio_file(load_config(None, desk.env))
