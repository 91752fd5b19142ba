"""Nothing hostile is taken for good: every input of tests/data/hostile goes through the real door of real processes.

What is looked at after each input and each family: docs/prove.md.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.ostili.corpo import Famiglia, famiglie
from tests.ostili.prova import run
from tests.ostili.scena import Scena
from tests.pg import Server

FAMIGLIE = [one for one in famiglie() if not one.is_dentro]


@contextmanager
def open_scena(folder: Path, url: str) -> Iterator[Scena]:
    with Scena(folder, url) as scena:
        scena.prepare()
        scena.up("serve", "simulator", "worker")
        yield scena


@pytest.fixture(scope="module")
def on_sqlite(_servers: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scena]:
    """One installation for all the families that this process sends."""
    folder = tmp_path_factory.mktemp("ostili")
    shutil.copyfile(_servers.sqlite(), folder / "pontepa.db")
    with open_scena(folder, f"sqlite:///{folder / 'pontepa.db'}") as scena:
        yield scena


@pytest.fixture(scope="module")
def on_postgresql(
    _servers: Any, postgresql_server: Server, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Scena]:
    name = postgresql_server.create_database(_servers.template())
    with open_scena(tmp_path_factory.mktemp("ostili"), postgresql_server.url_of(name)) as scena:
        yield scena
    postgresql_server.drop_database(name)


def check(scena: Scena, famiglia: Famiglia, where: str, request: pytest.FixtureRequest) -> None:
    esito = run(scena, famiglia)

    request.node.user_properties.append(("ostili", (where, esito.row)))
    assert esito.rossi == []


@pytest.mark.parametrize("famiglia", FAMIGLIE, ids=lambda famiglia: famiglia.nome)
def test_a_hostile_family_leaves_nothing_behind(
    on_sqlite: Scena, famiglia: Famiglia, request: pytest.FixtureRequest
) -> None:
    check(on_sqlite, famiglia, "SQLite", request)


@pytest.mark.parametrize(
    "famiglia", [one for one in FAMIGLIE if one.is_on_postgresql], ids=lambda famiglia: famiglia.nome
)
def test_a_hostile_family_that_reaches_the_rows_leaves_nothing_behind_on_postgresql(
    on_postgresql: Scena, famiglia: Famiglia, request: pytest.FixtureRequest
) -> None:
    check(on_postgresql, famiglia, "PostgreSQL", request)
