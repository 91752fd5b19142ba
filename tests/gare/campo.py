"""Where a race is run: the cast over a database of its own, real processes beside it, and calls that leave together."""

from __future__ import annotations

import http.client
import tempfile
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeVar

from sqlalchemy import Table, select

from hub.domain.iuv import build_iuv
from hub.formats.resources import resource
from hub.store import migrate
from hub.store.database import Database
from hub.store.iuv import lease
from tests import pg
from tests.flows.plant import Plant
from tests.prova.tabella import Row
from tests.world import INTERMEDIARIO, Clock, World, build_world

T = TypeVar("T")
# Longer than any answer on a machine that does something else as well; who is silent for longer is lost.
_ANSWER_S = 60
# Leases that run out within a race; always longer than one call to the node.
FAST = {
    "PONTEPA_LEASE_S": "4",
    "PONTEPA_NODE_CONNECT_TIMEOUT_S": "0.5",
    "PONTEPA_NODE_READ_TIMEOUT_S": "1.5",
    "PONTEPA_NODE_QUERY_TIMEOUT_S": "1.5",
}


@dataclass
class Esito:
    """What a race came to: how many things raced, and in words what was lost or doubled."""

    gara: str
    injected: int = 0
    lost: list[str] = field(default_factory=list)
    doubled: list[str] = field(default_factory=list)
    recovery_s: float = 0.0

    @property
    def row(self) -> Row:
        return self.gara, self.injected, len(self.lost), len(self.doubled), self.recovery_s

    @property
    def is_clean(self) -> bool:
        return self.injected > 0 and not self.lost and not self.doubled

    def count(self, what: str, found: int, wanted: int) -> None:
        """Note what is missing, or too many."""
        if found < wanted:
            self.lost.append(f"{what}: {found}, attesi {wanted}")
        elif found > wanted:
            self.doubled.append(f"{what}: {found}, attesi {wanted}")


@dataclass(frozen=True, slots=True)
class Chiamata:
    """One HTTP request; without a body a GET."""

    path: str
    body: bytes | None = None
    action: str = ""


class Campo:
    """The cast of the tests on a migrated database; the races start what processes they need."""

    def __init__(self, url: str, folder: Path) -> None:
        self.url, self.folder = url, folder
        database = Database.open(url)
        self.world: World = build_world(database, Clock(datetime.now(UTC).replace(microsecond=0)))
        self._next = 1

    @property
    def db(self) -> Database:
        return self.world.db

    @contextmanager
    def plant(self, *names: str, **environment: str) -> Iterator[Plant]:
        """Real processes over this database, started under these names."""
        given = {"PONTEPA_SECRET_KEY": self.world.runtime.config.secret_key}
        # On SQLite one process answers; workers are processes of their own on both.
        given["PONTEPA_WORKERS"] = "2" if self.db.is_postgresql else "1"
        with Plant(self.folder, self.url, FAST | given | environment) as plant:
            plant.up(*names)
            yield plant

    def lay(self, count: int, importo_cent: int = 5000) -> list[str]:
        """So many notices that wait to be paid, each with an IUV of the ente's counter; return their IUVs."""
        with self.db.transaction() as session:
            end = lease(session, INTERMEDIARIO, "01", count)
        iuvs = [build_iuv(1, number) for number in range(end - count, end)]
        for iuv in iuvs:
            self.world.lay_avviso(iuv, iud=f"IUD-{iuv}", importo_cent=importo_cent)
        return iuvs

    def rows(self, table: Table, column: str, values: Sequence[str]) -> list[Any]:
        with self.db.reading() as session:
            return list(session.execute(select(table).where(table.c[column].in_(values))))

    def close(self) -> None:
        self.world.runtime.db.close()
        self.world.cartella.cleanup()


@contextmanager
def open_campo(url: str, folder: Path) -> Iterator[Campo]:
    """`url`: of a migrated, empty database."""
    campo = Campo(url, folder)
    try:
        yield campo
    finally:
        campo.close()


@contextmanager
def fresh_campo(server: pg.Server | None) -> Iterator[Campo]:
    """The cast on a new database, of a server or in a file."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="pontepa-gare-")))
        url = f"sqlite:///{folder / 'gare.db'}"
        if server is not None:
            name = server.create_database()
            stack.callback(server.drop_database, name)
            url = server.url_of(name)
        database = Database.open(url)
        migrate.upgrade(database, resource("migrations"))
        database.close()
        yield stack.enter_context(open_campo(url, folder))


def at_once(deeds: Sequence[Callable[[], T]]) -> list[T]:
    """Let every deed begin in the same instant, each in a thread of its own; return what they returned, in order."""
    together = threading.Barrier(len(deeds))

    def begin(deed: Callable[[], T]) -> T:
        together.wait()
        return deed()

    with ThreadPoolExecutor(len(deeds)) as pool:
        return [one.result() for one in [pool.submit(begin, deed) for deed in deeds]]


def send_at_once(plant: Plant, chiamate: Sequence[Chiamata]) -> list[tuple[int, bytes]]:
    """Send each over a connection that is open already, all in the same instant; return status and body of each."""
    connections = []
    for _ in chiamate:
        port = int(plant.hub_url.rpartition(":")[2])
        connections.append(http.client.HTTPConnection("127.0.0.1", port, timeout=_ANSWER_S))
        connections[-1].connect()

    def deed(connection: http.client.HTTPConnection, chiamata: Chiamata) -> Callable[[], tuple[int, bytes]]:
        def call() -> tuple[int, bytes]:
            headers = {"Content-Type": "text/xml; charset=utf-8", "SOAPAction": f'"{chiamata.action}"'}
            method = "GET" if chiamata.body is None else "POST"
            connection.request(method, chiamata.path, chiamata.body, {} if chiamata.body is None else headers)
            answer = connection.getresponse()
            return answer.status, answer.read()

        return call

    try:
        return at_once([deed(*pair) for pair in zip(connections, chiamate, strict=True)])
    finally:
        for connection in connections:
            connection.close()
