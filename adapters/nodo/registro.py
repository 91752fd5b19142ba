"""A file of the simulated node: SQLite that outlives a killed process, safe for threads."""

from __future__ import annotations

import re
import sqlite3
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path


class Registro:
    """Some tables of the simulated node: one connection, one lock. Several of them may share a file."""

    def __init__(self, path: Path | None, tables: str) -> None:
        """Open the file, or keep everything in memory when `path` is None."""
        if path is not None:
            path.parent.mkdir(parents=True, exist_ok=True)
        self._lock = threading.RLock()
        self._connection = sqlite3.connect(
            str(path) if path is not None else ":memory:", check_same_thread=False, isolation_level=None, timeout=10
        )
        self._connection.row_factory = sqlite3.Row
        self._connection.execute("PRAGMA journal_mode=WAL")
        # NORMAL survives the death of the process; only a power cut may lose the last lines of a simulation.
        self._connection.execute("PRAGMA synchronous=NORMAL")
        self._connection.executescript(tables)
        self._names = re.findall(r"CREATE TABLE IF NOT EXISTS (\w+)", tables)

    def empty(self) -> None:
        """Forget every row of these tables."""
        with self._writing() as connection:
            for name in self._names:
                connection.execute(f"DELETE FROM {name}")

    def close(self) -> None:
        with self._lock:
            self._connection.close()

    @contextmanager
    def _writing(self) -> Iterator[sqlite3.Connection]:
        with self._lock:
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                yield self._connection
            except BaseException:
                self._connection.execute("ROLLBACK")
                raise
            self._connection.execute("COMMIT")

    def _rows(self, statement: str, parameters: Sequence[object] = ()) -> list[sqlite3.Row]:
        with self._lock:
            return self._connection.execute(statement, parameters).fetchall()
