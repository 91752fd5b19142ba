"""SQLite's one writer of a process: callers share a transaction, the last of those who wait commits for all of them.

Each caller's work is a savepoint, or one statement of the driver; nobody is answered before the commit of the group.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from sqlalchemy import Connection, Engine

from hub import misure
from hub.domain.errors import OutOfService
from hub.misure import COMMIT_INSIEME
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
        # One entry for each thread before the turn: append and pop are atomic.
        self._waiting: list[None] = []
        self._connection: Connection | None = None
        self._driver: Any = None
        self._group: _Group | None = None

    @contextmanager
    def transaction(self) -> Iterator[Connection]:
        """Give the turn within a group, with a savepoint; return when the group's commit is durable."""
        group = self._enter()
        try:
            connection = self._connection
            assert connection is not None
            savepoint = connection.begin_nested()
            try:
                yield connection
            except BaseException:
                if is_open(connection):
                    savepoint.rollback()
                raise
            savepoint.commit()
            group.size += 1
        finally:
            self._leave()
        _await(group)

    def run(self, statement: DriverStatement, values: Mapping[str, Any]) -> int:
        """Run one statement in the group; one that fails is undone by SQLite alone, so it needs no savepoint."""
        bound = statement.bind(values)
        group, touched = self._enter(), 0
        try:
            touched = self._driver.execute(statement.sql, bound).rowcount
            group.size += 1
        finally:
            self._leave()
        _await(group)
        return touched

    def close(self) -> None:
        """Give the connection back; the next writer takes another."""
        if self._connection is not None:
            self._connection.close()
        self._connection = self._driver = None

    def _enter(self) -> _Group:
        """Wait for the turn and return the group that is open in it; `_leave` must follow."""
        self._waiting.append(None)
        self._turn.acquire()
        self._waiting.pop()
        try:
            if self._connection is None:
                connection = self._engine.connect().execution_options(pontepa_write=True)
                self._connection, self._driver = connection, connection.connection.driver_connection
            if self._group is None:
                self._driver.execute("BEGIN IMMEDIATE")
                self._group = _Group()
        except BaseException:
            self._leave()
            raise
        return self._group

    def _leave(self) -> None:
        """Give the turn to the next; when there is none, or the group is full, commit for all first."""
        try:
            if self._group is not None:
                is_full = self._group.size >= _GROUP_MAX
                if not self._waiting or is_full or not self._driver.in_transaction:
                    self._commit()
        finally:
            self._turn.release()

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
            misure.observe(COMMIT_INSIEME, group.size)
        except BaseException as error:
            group.error = error
            # SQLite leaves the transaction open when its commit fails; nobody may get this connection again.
            connection.invalidate()
            self.close()
            raise
        finally:
            group.done.set()


def _await(group: _Group) -> None:
    """Return when the group is durable. Raises: why it is not."""
    group.done.wait()
    if group.error is not None:
        raise group.error


def is_open(connection: Connection) -> bool:
    """Whether SQLite still has the transaction: a full disk or an I/O error may undo all of it, for the whole group.

    Source: SQLite, "Response To Errors Within A Transaction".
    """
    driver = connection.connection.driver_connection
    return driver is not None and driver.in_transaction
