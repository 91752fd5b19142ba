"""A share of the stories for every run of the suite; what makes them worth telling is in test_rotture.py."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from hub.store.schema import stazioni, tentativi
from tests.simulazione.corsa import cartella, quiet
from tests.simulazione.hub import Banco
from tests.simulazione.storia import racconta

_ROOT = Path(__file__).parents[2]
# A few seconds; the long runs are `python -m tests.simulazione`.
_STORIE = {"sqlite": 25, "postgresql": 8}


@pytest.fixture
def banco(backend: str, request: pytest.FixtureRequest) -> Iterator[Banco]:
    """A bench for stories, on both databases: SQLite's file is in memory."""
    with ExitStack() as stack:
        stack.enter_context(quiet())
        if backend == "sqlite":
            url = in_memoria(request.getfixturevalue("sqlite_url"), stack.enter_context(cartella()))
        else:
            url = request.getfixturevalue("postgresql_url")
        banco = Banco.open(url)
        stack.callback(banco.close)
        yield banco


def in_memoria(url: str, folder: Path) -> str:
    """The address of a copy of a SQLite database in another folder."""
    shutil.copyfile(url.removeprefix("sqlite:///"), folder / "storie.db")
    return f"sqlite:///{folder / 'storie.db'}"


def test_every_story_keeps_every_promise(banco, backend):
    esiti = [racconta(banco, seed) for seed in range(1, 1 + _STORIE[backend])]

    assert [(esito.seed, esito.violazione) for esito in esiti if esito.violazione] == []
    assert sum(esito.pagamenti for esito in esiti) > len(esiti) / 2


def test_a_seed_tells_the_same_story_every_time(banco):
    first, other, second = (racconta(banco, seed) for seed in (7, 8, 7))

    assert first.copione == second.copione != other.copione


def test_a_seed_tells_the_same_story_on_both_databases(sqlite_url, postgresql_url):
    told = []
    for url in (sqlite_url, postgresql_url):
        with quiet():
            banco = Banco.open(url)
            told.append([racconta(banco, seed).copione for seed in range(20, 25)])
            banco.close()

    assert told[0] == told[1]


def test_a_story_leaves_nothing_to_the_next_one(banco):
    for seed in (3, 4):
        racconta(banco, seed)

    banco.clear(rileva_duplicati=True)

    assert banco.world.rows(tentativi) == []
    assert [row.rileva_duplicati for row in banco.world.rows(stazioni)] == [True]


def test_the_runner_repeats_a_seed_and_says_how_fast_it_was():
    command = [sys.executable, "-m", "tests.simulazione"]

    one = subprocess.run([*command, "--seme", "5"], cwd=_ROOT, capture_output=True, text=True, timeout=120)
    many = subprocess.run([*command, "--semi", "3"], cwd=_ROOT, capture_output=True, text=True, timeout=120)

    assert one.returncode == 0 and "seme 5: tutte le promesse mantenute" in one.stdout
    assert many.returncode == 0 and "\n3 storie, " in many.stdout and "storie al minuto" in many.stdout
