"""Every story again for every named point: killed there once or so many times in a row, the first time or a later one.

Run: python -m tests.prova.crash [--database sqlite|postgresql] [--times 2] [--nth 2] [--storia NOME]
Without --database both kinds. At the end a table; the exit code is 1 when anything was lost or doubled.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

from hub.formats.resources import resource
from hub.store import migrate
from hub.store.database import Database
from tests import pg
from tests.prova import tabella
from tests.prova.scena import Caduta, Prova, Storia
from tests.prova.storie import STORIE
from tests.prova.storie_flussi import STORIE as IN_MASSA

DATABASES = ("sqlite", "postgresql")


@contextmanager
def _migrated(server: pg.Server | None, folder: Path) -> Iterator[str]:
    name = None if server is None else server.create_database()
    url = f"sqlite:///{folder / 'prova.db'}" if server is None else server.url_of(name or "")
    database = Database.open(url)
    migrate.upgrade(database, resource("migrations"))
    database.close()
    yield url
    if server is not None and name is not None:
        server.drop_database(name)


def _tell(storia: Storia, server: pg.Server | None, times: int, nth: int) -> list[Caduta]:
    with tempfile.TemporaryDirectory(prefix="pontepa-prova-") as name, _migrated(server, Path(name)) as url:
        return Prova(storia, url, server, Path(name)).run(times=times, nth=nth)


def main(argv: Sequence[str] | None = None) -> int:
    """Tell the stories, print the table, return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--database", choices=DATABASES)
    parser.add_argument("--times", type=int, default=2, help="deaths in a row at one point")
    parser.add_argument("--nth", type=int, default=1, help="up to which time that the point is reached")
    parser.add_argument("--storia", help="one story alone, by its name")
    options = parser.parse_args(argv)
    wanted = [one for one in (*STORIE, *IN_MASSA) if options.storia in (None, one.nome)]
    started, rows, noticed = time.monotonic(), [], 0
    for kind in [options.database] if options.database else DATABASES:
        with ExitStack() as stack:
            server = None if kind == "sqlite" else stack.enter_context(pg.running_server(None))
            for storia in wanted:
                for nth in range(1, options.nth + 1):
                    for caduta in _tell(storia, server, options.times, nth):
                        # A later time may never come: then nothing was injected.
                        if nth > 1 and not caduta.injected:
                            continue
                        noticed += not caduta.is_unnoticed
                        fault, *rest = caduta.row
                        rows.append((f"{kind}, {fault}" + (f":{nth}" if nth > 1 else ""), *rest))
                        if not caduta.is_unnoticed:
                            print(f"{rows[-1]}: {dict(caduta.lost)} {dict(caduta.doubled)}", flush=True)
    for line in tabella.lines(rows):
        print(line)
    print(f"{time.monotonic() - started:.0f} s")
    return 1 if noticed else 0


if __name__ == "__main__":
    sys.exit(main())
