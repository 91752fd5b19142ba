"""Operations under load: the database lost and back, SQLite's file locked, the disk full, rolling restarts with a
migration and with another secret key.

Run: python -m tests.esercizio [sqlite] [postgresql]
At the end a table; the exit code is 1 when anything was lost or doubled, or a caller got an answer that none should.
"""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from benchmarks.processes import fresh_database
from tests import pg
from tests.esercizio import disco, scene, turno
from tests.esercizio.disco import small_disk
from tests.flows.plant import Plant
from tests.prova import tabella

# What a disk that becomes full has for everything: SQLite and its log; a fresh server of PostgreSQL and its.
_DISK_MIB = {"sqlite": 48, "postgresql": 320}


@contextmanager
def _plant(kind: str, disk: bool) -> Iterator[tuple[Plant, Path]]:
    with tempfile.TemporaryDirectory(prefix="pontepa-esercizio-") as name, ExitStack() as stack:
        folder = Path(name)
        folder.chmod(0o755)
        environment = scene.ENVIRONMENT
        if disk:
            folder = stack.enter_context(small_disk(folder / "disco", _DISK_MIB[kind]))
            environment |= disco.ENVIRONMENT | {"TMPDIR": str(folder)}
        with fresh_database(kind, folder) as url, Plant(folder, url, environment) as plant:
            plant.prepare()
            plant.up("simulator", "serve", "worker-1")
            yield plant, folder / "postgresql"


def main() -> int:
    """Do each to an installation of its own, print the table, return the exit code."""
    wanted: list[tuple[str, bool, Callable[[Plant, Path], scene.Prova]]] = [
        ("sqlite", False, lambda plant, _: scene.file_locked(plant)),
        ("postgresql", False, lambda plant, _: turno.rolling_upgrade(plant)),
        ("postgresql", False, lambda plant, _: turno.key_replaced(plant)),
    ]
    if os.geteuid() == 0:
        wanted.append(("sqlite", True, lambda plant, _: disco.disk_full(plant, "disco pieno (SQLite)")))
    else:
        print("disco pieno: non provato, solo root monta un file system")
    if pg.is_installed():
        wanted.append(("postgresql", False, scene.database_lost))
        if os.geteuid() == 0:
            wanted.append(
                ("postgresql", True, lambda plant, folder: disco.disk_full(plant, "disco pieno (PostgreSQL)", folder))
            )
    else:
        print("database perduto e tornato, PostgreSQL senza spazio: non provati, serve un PostgreSQL installato")
    only, prove = sys.argv[1:], []
    for kind, disk, act in wanted:
        if only and kind not in only:
            continue
        with _plant(kind, disk) as (plant, folder):
            prove.append(act(plant, folder))
        for wrong in prove[-1].sbagliate:
            print(f"risposta sbagliata: {wrong}")
    for line in tabella.lines(prova.riga for prova in prove):
        print(line)
    return 0 if all(prova.is_good for prova in prove) else 1


if __name__ == "__main__":
    sys.exit(main())
