"""The database of the great load: made once by the product's own road and set-wise from there, kept and copied.

On PostgreSQL it is a database that each run copies, in a server whose files may be kept in a folder; on SQLite a file.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
from psycopg import sql
from sqlalchemy import create_engine, select
from sqlalchemy.engine import make_url

from benchmarks import report
from benchmarks.carico_dati import Modello, load
from benchmarks.carico_enti import EnteCarico, Misura, build_enti, codice_tipo, configurazione
from benchmarks.load import run_all
from benchmarks.nodo_piano import OK, richiesta_get, richiesta_ricevuta
from benchmarks.processes import Installation, free_port
from hub.domain.stati import StatoDovuto
from hub.formats.tracciati.import_dovuti import join
from hub.store.schema import attivazioni, carrelli, dovuti, flussi_import, rt_ricevute
from tests import pg
from tests.flows.carico import write_flow
from tests.flows.plant import until
from tests.tracciati import make_campi

# The configuration has thousands of passwords to be hashed; the commands of an installation end sooner.
_CONFIG_TIMEOUT_S = 900
_MODEL_TIMEOUT_S = 120.0
_MODEL_IUD = ("MODELLO-1", "MODELLO-2")
# As a server of this size is set up, half of the memory for PostgreSQL itself: ten million dovuti fit. What is left
# to the system's cache stays there on most machines; some virtual ones give it back, and read from the disk again.
_MEMORY_MB = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // 2**20
SERVER = {
    "shared_buffers": f"{_MEMORY_MB // 2}MB", "max_wal_size": "8GB", "checkpoint_timeout": "15min",
    "random_page_cost": "1.1", "max_connections": "200", "wal_compression": "on",
}  # fmt: skip
# What a server that has been up for days has in memory: indexes first.
_WARM = (
    "SELECT coalesce(sum(pg_prewarm(oid::regclass)), 0) / 128 FROM (SELECT oid FROM pg_class"
    " WHERE relkind IN ('r', 'i') AND relnamespace = 'public'::regnamespace ORDER BY relkind) AS ours"
)
# While it is filled nothing is durable: what breaks is made again.
_LOADING = SERVER | {"fsync": "off", "full_page_writes": "off", "max_wal_size": "32GB", "checkpoint_timeout": "1h",
                     "autovacuum": "off"}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Base:
    """A database that is ready to be loaded upon, and whose notices it has.

    `server_pid`: of PostgreSQL; 0: SQLite. `folder`: where it writes.
    """

    url: str
    enti: list[EnteCarico]
    server_pid: int
    folder: Path


@contextmanager
def base(kind: str, misura: Misura, folder: Path, keep: Path | None, rest_s: float = 0) -> Iterator[Base]:
    """Give a database with the dovuti of `misura`. `folder`: for what goes; `keep`: where the full one is kept.

    `rest_s`: for which nothing is done once it is there, so that the disk is done with the copy.
    """
    place = (keep or folder / "base").absolute()
    place.mkdir(parents=True, exist_ok=True)
    give = _sqlite if kind == "sqlite" else _postgresql
    with give(misura, folder, place) as (url, server_pid):
        time.sleep(rest_s)
        yield Base(url, build_enti(misura), server_pid, folder if kind == "sqlite" else place)


@contextmanager
def _sqlite(misura: Misura, folder: Path, place: Path) -> Iterator[tuple[str, int]]:
    full = place / f"{misura.name}.db"
    if not full.exists():
        making = place / "in_corso.db"
        for path in place.glob("in_corso.db*"):
            path.unlink()
        _make(f"sqlite:///{making}", misura, folder)
        making.rename(full)
    copy = folder / "carico.db"
    shutil.copy(full, copy)
    yield f"sqlite:///{copy}", 0


@contextmanager
def _postgresql(misura: Misura, folder: Path, place: Path) -> Iterator[tuple[str, int]]:
    if not pg.is_installed():
        raise SystemExit("needs the programs of a PostgreSQL in /usr/lib/postgresql")
    # The server runs as an account of its own, which must reach its files.
    for each in (folder, place):
        each.chmod(0o755)
    home = place / "postgresql"
    home.mkdir(exist_ok=True)
    with pg.start_installed(home, free_port(), _LOADING, is_kept=True) as server:
        if not _has(server, misura.name):
            _execute(server, "DROP DATABASE IF EXISTS in_corso WITH (FORCE)")
            _execute(server, "CREATE DATABASE in_corso")
            _make(_url(server, "in_corso"), misura, folder)
            _execute(server, f"ALTER DATABASE in_corso RENAME TO {misura.name}")
        started = time.perf_counter()
        _execute(server, "DROP DATABASE IF EXISTS corsa WITH (FORCE)")
        _execute(server, f"CREATE DATABASE corsa TEMPLATE {misura.name} STRATEGY file_copy")
        report.say(f"  copied in {time.perf_counter() - started:.0f} s")
    with pg.start_installed(home, free_port(), SERVER, is_kept=True) as server:
        try:
            _warm(server.url_of("corsa"))
            yield _url(server, "corsa"), int((home / "installato" / "postmaster.pid").read_text().split()[0])
        finally:
            _execute(server, "DROP DATABASE IF EXISTS corsa WITH (FORCE)")


def _warm(url: str) -> None:
    dsn = make_url(url).set(drivername="postgresql").render_as_string(hide_password=False)
    started = time.perf_counter()
    with psycopg.connect(dsn, autocommit=True) as connection:
        try:
            connection.execute("CREATE EXTENSION IF NOT EXISTS pg_prewarm")
        except psycopg.errors.FeatureNotSupported:
            report.say("  pg_prewarm is not on this machine: what is asked for first comes from the disk")
            return
        row = connection.execute(_WARM).fetchone()
    report.say(f"  {row[0] if row else 0:.0f} MiB in memory after {time.perf_counter() - started:.0f} s")


def _url(server: pg.Server, name: str) -> str:
    return make_url(server.url_of(name)).render_as_string(hide_password=False)


def _execute(server: pg.Server, statement: str) -> list[Any]:
    dsn = server.url.set(drivername="postgresql").render_as_string(hide_password=False)
    with psycopg.connect(dsn, autocommit=True) as connection:
        cursor = connection.execute(sql.SQL(statement))  # type: ignore[arg-type]
        return cursor.fetchall() if cursor.description else []


def _has(server: pg.Server, name: str) -> bool:
    return bool(_execute(server, f"SELECT 1 FROM pg_database WHERE datname = '{name}'"))


def _make(url: str, misura: Misura, folder: Path) -> None:
    """Fill an empty database."""
    started = time.perf_counter()
    report.say(f"  filling a database: {misura.dovuti} dovuti of {misura.enti} enti, {misura.tipi} tipi, "
               f"{misura.credenziali} credentials")  # fmt: skip
    with Installation(folder, url) as installation:
        installation.run("db", "upgrade")
        file = folder / "carico.yaml"
        file.write_text(configurazione(misura))
        _apply(installation, file)
        report.say(f"    config apply: {time.perf_counter() - started:.0f} s")
        enti = build_enti(misura)
        modello = make_modello(installation, enti[-1], folder)
    load(url, modello, enti)
    report.say(f"  filled in {time.perf_counter() - started:.0f} s")


def _apply(installation: Installation, file: Path) -> None:
    command = [str(Path(sys.executable).with_name("pontepa")), "config", "apply", str(file)]
    done = subprocess.run(
        command, env=installation.environment, cwd=installation.folder, capture_output=True, timeout=_CONFIG_TIMEOUT_S
    )
    if done.returncode:
        raise SystemExit(f"pontepa config apply: {(done.stderr or done.stdout).decode()[-2000:]}")


def make_modello(installation: Installation, ente: EnteCarico, folder: Path) -> Modello:
    """Have the hub make two dovuti from a flow, one of them paid by a receipt, and return the rows that it made."""
    flow = folder / f"{ente.cod_ipa_ente}-MODELLO-1_3.zip"
    write_flow(flow, (join(make_campi(IUD=iud, tipoDovuto=codice_tipo(0))) for iud in _MODEL_IUD))
    installation.serve()
    installation.worker()
    installation.run("flusso", "carica", str(flow), "--ente", ente.cod_ipa_ente)
    engine = create_engine(installation.database_url)

    def find(table: Any, *where: Any) -> Any:
        with engine.connect() as connection:
            found = connection.execute(select(table).where(*where)).one_or_none()
        return None if found is None else dict(found._mapping)

    try:
        flusso = until(lambda: find(flussi_import, flussi_import.c.stato == "IMPORT_ESEGUITO"), _MODEL_TIMEOUT_S)
        libero = find(dovuti, dovuti.c.iud == _MODEL_IUD[1])
        pagato = find(dovuti, dovuti.c.iud == _MODEL_IUD[0])
        assert libero is not None and pagato is not None
        port = int(installation.hub_url.rpartition(":")[2])
        euro = f"{pagato['importo_cent'] // 100}.{pagato['importo_cent'] % 100:02d}"
        for request in (
            richiesta_get(ente, pagato["iuv"], is_v2=True),
            richiesta_ricevuta(ente, pagato["iuv"], "paSendRTV2", "modello-" + "0" * 24, euro),
        ):
            answers = run_all(port, [request], OK, connections=1)
            assert not answers.refused, answers.sample
        is_paid = (dovuti.c.id == pagato["id"], dovuti.c.stato == str(StatoDovuto.COMPLETATO))
        pagato = until(lambda: find(dovuti, *is_paid), _MODEL_TIMEOUT_S)
        return Modello(
            libero=libero, pagato=pagato, flusso=flusso, carrello=find(carrelli), ricevuta=find(rt_ricevute),
            attivazione=find(attivazioni), ente=ente,
        )  # fmt: skip
    finally:
        engine.dispose()
        installation.stop()

