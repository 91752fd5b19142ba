"""What may happen to an installation in service, done to real processes while callers go on."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import create_engine, select
from sqlalchemy.engine import make_url

from hub.store.schema import sessioni
from tests import pg
from tests.esercizio.carico import Carico
from tests.flows.plant import HTTP, Plant, until
from tests.prova.tabella import Row

# Refused calls after which a fault has been seen by everybody.
SEEN = 12
BACK_S = 180.0
_PAYMENTS = 4
ENVIRONMENT = {"PONTEPA_LEASE_S": "8", "PONTEPA_NODE_CONNECT_TIMEOUT_S": "1", "PONTEPA_NODE_READ_TIMEOUT_S": "4",
               "PONTEPA_NODE_QUERY_TIMEOUT_S": "4"}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Prova:
    """How a fault ended; `riga` is its row of the table, `sbagliate` the answers that no caller should have got."""

    riga: Row
    sbagliate: tuple[str, ...]

    @property
    def is_good(self) -> bool:
        return not (self.riga[2] or self.riga[3] or self.sbagliate)


def run(plant: Plant, guasto: str, break_it: Callable[[Carico], int], mend: Callable[[], None], *more: str) -> Prova:
    """Tell payments and keep callers calling while something breaks and is mended. `more`: other doors' addresses.

    `break_it`: returns how often it broke something. Raises: TimeoutError (it does not come back by itself).
    """
    with Carico([plant.hub_url, *more]) as carico:
        begun = [plant.send() for _ in range(_PAYMENTS)]
        for id_session, _ in begun[: _PAYMENTS // 2]:
            plant.open(id_session)
        until(lambda: len(carico.accolte) > SEEN or None, BACK_S)
        injected = break_it(carico)
        assert all(process.poll() is None for process in plant.by_name.values()), "a process died of it"
        mend()
        started, before = time.monotonic(), len(carico.accolte)
        until(lambda: len(carico.accolte) > before + SEEN or None, BACK_S)
        recovery_s = time.monotonic() - started
        for id_session, _ in begun[_PAYMENTS // 2 :]:
            plant.open(id_session)
        for id_session, _ in begun:
            plant.pay(plant.url_of_node(id_session, BACK_S))
        paid = [plant.read_back(id_session, iud, BACK_S).codice_esito for id_session, iud in begun]
    lost = paid.count("0") != len(paid)
    lost += len(set(carico.accolte) - _kept(plant.database_url))
    doubled = len(carico.accolte) - len(set(carico.accolte)) + plant.ledger()["conteggi"]["invii_duplicati"]
    plant.run("verify")
    print(f"{guasto}: {dict(carico.esiti)}", flush=True)
    return Prova((guasto, injected, lost, doubled, recovery_s), tuple(carico.sbagliate))


def _kept(url: str) -> set[str]:
    engine = create_engine(url)
    with engine.connect() as connection:
        found = set(connection.execute(select(sessioni.c.id_session)).scalars())
    engine.dispose()
    return found


def await_refusals(plant: Plant, carico: Carico) -> None:
    """Return when callers have been told to come back, and the health tells it too."""
    before = carico.esiti["503"]
    until(lambda: carico.esiti["503"] >= before + SEEN or None, BACK_S)
    assert HTTP.request("GET", f"{plant.hub_url}/health/live").status == 200


def database_lost(plant: Plant, folder: Path) -> Prova:
    """PostgreSQL is stopped without a warning and started again. `folder`: where its files are."""

    def stop(carico: Carico) -> int:
        _pg_ctl(plant, folder, "-m", "immediate", "stop")
        await_refusals(plant, carico)
        assert HTTP.request("GET", f"{plant.hub_url}/health/ready").status == 503
        return 1

    return run(plant, "database perduto e tornato", stop, lambda: _pg_ctl(plant, folder, "start"))


def file_locked(plant: Plant) -> Prova:
    """Another program holds SQLite's one writer for longer than anybody waits."""
    other = sqlite3.connect(make_url(plant.database_url).database or "", check_same_thread=False)
    other.isolation_level = None

    def lock(carico: Carico) -> int:
        until(lambda: _begun(other) or None, BACK_S)
        before = carico.esiti["503"]
        until(lambda: carico.esiti["503"] > before or None, BACK_S)
        return 1

    def unlock() -> None:
        other.execute("ROLLBACK")
        other.close()

    return run(plant, "file SQLite bloccato a lungo", lock, unlock)


def _begun(connection: sqlite3.Connection) -> bool:
    try:
        connection.execute("BEGIN IMMEDIATE")
    except sqlite3.OperationalError:
        return False
    return True


def start_again(plant: Plant, folder: Path) -> None:
    """Start PostgreSQL if it gave up, as its unit of systemd would. `folder`: where its files are."""
    if not _is_running(folder):
        _pg_ctl(plant, folder, "start")


def _is_running(folder: Path) -> bool:
    command = [f"{pg._programs()[-1]}/pg_ctl", "-D", str(folder / "installato"), "status"]
    user = "postgres" if os.geteuid() == 0 else None
    return subprocess.run(command, user=user, cwd=folder, stdout=subprocess.DEVNULL).returncode == 0


def _pg_ctl(plant: Plant, folder: Path, *options: str) -> None:
    port = make_url(plant.database_url).port
    subprocess.run(
        [f"{pg._programs()[-1]}/pg_ctl", "-w", "-D", str(folder / "installato"), "-l", str(folder / "postgres.log"),
         "-o", f"-h 127.0.0.1 -p {port} -k {folder}", *options],
        check=True, user="postgres" if os.geteuid() == 0 else None, cwd=folder, stdout=subprocess.DEVNULL,
        timeout=pg.START_TIMEOUT_S,
    )  # fmt: skip
