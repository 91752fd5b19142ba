"""Every story again for every named point: killed there once or so many times in a row, the first time or a later one.

Run: python -m tests.prova.crash [--database sqlite|postgresql] [--times 2] [--nth 2] [--storia NOME]
Without --database both kinds. At the end a table; the exit code is 1 when anything was lost or doubled.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

from hub.formats.resources import resource
from hub.store import migrate
from hub.store.database import Database
from tests import pg
from tests.prova import controllo, tabella
from tests.prova.scena import Caduta, Prova, Storia
from tests.prova.storie import STORIE
from tests.prova.storie_flussi import STORIE as IN_MASSA
from tests.prova.tabella import Row

DATABASES = ("sqlite", "postgresql")
TUTTE = (*STORIE, *IN_MASSA)


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


def corri(kind: str, storie: Sequence[Storia], *, times: int, nth: int) -> Iterator[Row]:
    """Tell the stories on one kind of database; yield the row of each fault, and of what `pontepa verify` says of what
    they left. What was noticed is printed."""
    with ExitStack() as stack:
        server = None if kind == "sqlite" else stack.enter_context(pg.running_server(None))
        if server is not None:
            server.forgo_power_cuts()
        looked_at, found = 0, list[str]()
        for storia in storie:
            for time_of in range(1, nth + 1):
                with tempfile.TemporaryDirectory(prefix="pontepa-prova-") as name:
                    with _migrated(server, Path(name)) as url:
                        prova = Prova(storia, url, server, Path(name))
                        yield from _rows(kind, prova.run(times=times, nth=time_of, has_verify=True), time_of)
                looked_at += prova.verificate
                found += prova.rilievi
        yield controllo.row(f"{kind}, punti di caduta", looked_at, found)


def _rows(kind: str, cadute: Iterable[Caduta], nth: int) -> Iterator[Row]:
    for caduta in cadute:
        # A later time may never come: then nothing was injected.
        if nth > 1 and not caduta.injected:
            continue
        fault, injected, lost, doubled, recovery_s = caduta.row
        row = (f"{kind}, {fault}" + (f":{nth}" if nth > 1 else ""), injected, lost, doubled, recovery_s)
        if not caduta.is_unnoticed:
            # A point at which nobody died proves nothing.
            row = (*row[:2], max(lost, not injected), *row[3:])
            print(f"{row}: {dict(caduta.lost)} {dict(caduta.doubled)}", flush=True)
        yield row


def main(argv: Sequence[str] | None = None) -> int:
    """Tell the stories, print the table, return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--database", choices=DATABASES)
    parser.add_argument("--times", type=int, default=2, help="deaths in a row at one point")
    parser.add_argument("--nth", type=int, default=1, help="up to which time that the point is reached")
    parser.add_argument("--storia", help="one story alone, by its name")
    options = parser.parse_args(argv)
    wanted = [one for one in TUTTE if options.storia in (None, one.nome)]
    started, rows = time.monotonic(), list[Row]()
    for kind in [options.database] if options.database else DATABASES:
        rows += corri(kind, wanted, times=options.times, nth=options.nth)
    for line in tabella.lines(rows):
        print(line)
    print(f"{time.monotonic() - started:.0f} s")
    return tabella.exit_code(rows)


if __name__ == "__main__":
    sys.exit(main())
