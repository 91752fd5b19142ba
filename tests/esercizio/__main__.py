"""Operations under load: the database lost and back, SQLite's file locked, a rolling restart with a migration.

Run: python -m tests.esercizio
At the end a table; the exit code is 1 when anything was lost or doubled, or a caller got an answer that none should.
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from benchmarks.processes import fresh_database
from tests import pg
from tests.esercizio import scene
from tests.flows.plant import Plant
from tests.prova import tabella


@contextmanager
def _plant(kind: str) -> Iterator[tuple[Plant, Path]]:
    with tempfile.TemporaryDirectory(prefix="pontepa-esercizio-") as name:
        folder = Path(name)
        folder.chmod(0o755)
        with fresh_database(kind, folder) as url, Plant(folder, url, scene.ENVIRONMENT) as plant:
            plant.prepare()
            plant.up("simulator", "serve", "worker-1")
            yield plant, folder / "postgresql"


def main() -> int:
    """Do each to an installation of its own, print the table, return the exit code."""
    wanted: list[tuple[str, Callable[[Plant, Path], scene.Prova]]] = [
        ("sqlite", lambda plant, _: scene.file_locked(plant)),
        ("postgresql", lambda plant, _: scene.rolling_upgrade(plant)),
    ]
    if pg.is_installed():
        wanted.append(("postgresql", scene.database_lost))
    else:
        print("database perduto e tornato: non provato, serve un PostgreSQL installato sulla macchina")
    prove = []
    for kind, act in wanted:
        with _plant(kind) as (plant, folder):
            prove.append(act(plant, folder))
        for wrong in prove[-1].sbagliate:
            print(f"risposta sbagliata: {wrong}")
    for line in tabella.lines(prova.riga for prova in prove):
        print(line)
    return 0 if all(prova.is_good for prova in prove) else 1


if __name__ == "__main__":
    sys.exit(main())
