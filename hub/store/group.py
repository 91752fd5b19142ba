"""SQLite's one writer of a process: callers share a transaction, the last of those who wait commits for all of them.

Each caller's work is a savepoint, or one statement of the driver; nobody is answered before the commit of the group.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from sqlalchemy import Connection, Engine

from hub.domain.errors import OutOfService
from hub.store.driver import DriverStatement

# A group is closed after this many callers, so that the first of them never waits long for its commit.
_GROUP_MAX = 64


class _Group:
    """The transaction that several callers share; done when its single commit is durable."""

    def __init__(self) -> None:
        self.size = 0
        self.done = threading.Event()
        self.error: BaseException | None = None


class GroupWriter:
    """The one writing connection of this process; it stays open from group to group."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._turn = threading.Lock()
        self._waiting = 0
        self._count = threading.Lock()
        self._connection: Connection | None = None
        self._driver: Any = None
        self._group: _Group | None = None

    @contextmanager
    def transaction(self) -> Iterator[Connection]:
        with self._member() as connection:
            savepoint = connection.begin_nested()
            try:
                yield connection
            except BaseException:
                if is_open(connection):
                    savepoint.rollback()
                raise
            savepoint.commit()

    def run(self, statement: DriverStatement, values: Mapping[str, Any]) -> int:
        """Run one statement in the group; one that fails is undone by SQLite alone, so it needs no savepoint."""
        bound = statement.bind(values)
        with self._member():
            touched: int = self._driver.execute(statement.sql, bound).rowcount
        return touched

    def close(self) -> None:
        """Give the connection back; the next writer takes another."""
        if self._connection is not None:
            self._connection.close()
        self._connection = self._driver = None

    @contextmanager
    def _member(self) -> Iterator[Connection]:
        """Give the turn within a group; return when the group's commit is durable."""
        with self._count:
            self._waiting += 1
        with self._turn:
            with self._count:
                self._waiting -= 1
            try:
                connection, group = self._open()
                yield connection
                group.size += 1
            finally:
                if self._group is not None:
                    is_full = self._group.size >= _GROUP_MAX
                    if self._waiting == 0 or is_full or not self._driver.in_transaction:
                        self._commit()
        group.done.wait()
        if group.error is not None:
            raise group.error

    def _open(self) -> tuple[Connection, _Group]:
        if self._connection is None:
            connection = self._engine.connect().execution_options(pontepa_write=True)
            self._connection, self._driver = connection, connection.connection.driver_connection
        if self._group is None:
            self._driver.execute("BEGIN IMMEDIATE")
            self._group = _Group()
        return self._connection, self._group

    def _commit(self) -> None:
        connection, group = self._connection, self._group
        assert connection is not None and group is not None
        self._group = None
        try:
            if not self._driver.in_transaction:
                raise OutOfService("il database ha annullato la transazione: ripetere la richiesta")
            if connection.in_transaction():
                connection.commit()
            else:
                self._driver.commit()
        except BaseException as error:
            group.error = error
            # SQLite leaves the transaction open when its commit fails; nobody may get this connection again.
            connection.invalidate()
            self.close()
            raise
        finally:
            group.done.set()


def is_open(connection: Connection) -> bool:
    """Whether SQLite still has the transaction: a full disk or an I/O error may undo all of it, for the whole group.

    Source: SQLite, "Response To Errors Within A Transaction".
    """
    driver = connection.connection.driver_connection
    return driver is not None and driver.in_transaction
