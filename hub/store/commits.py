"""Hear of the commits of other processes: LISTEN on PostgreSQL, the file's own change counter on SQLite."""

from __future__ import annotations

import threading
from collections.abc import Iterator

from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError

from hub.domain.errors import OutOfService
from hub.store.database import Database
from hub.store.outbox import CHANNEL

# Reading the counter costs microseconds; this is the longest an idle SQLite worker takes to see a commit.
_SQLITE_LOOK_S = 0.01
# How long one wait for notifications lasts before the stop flag is looked at.
_LISTEN_S = 0.5


def commits(db: Database, stop: threading.Event) -> Iterator[None]:
    """Yield once at the start and after each commit of others, until `stop`.

    Raises: OutOfService (the connection was lost; whatever was committed meanwhile is not told).
    """
    try:
        yield from _listen(db, stop) if db.is_postgresql else _look(db, stop)
    except (SQLAlchemyError, db.driver_error) as error:
        raise OutOfService("connessione al database perduta") from error


def _listen(db: Database, stop: threading.Event) -> Iterator[None]:
    with db.listen_connection() as connection:
        connection.execute(text(f"LISTEN {CHANNEL}"))
        driver = connection.connection.driver_connection
        assert driver is not None
        yield
        while not stop.is_set():
            for _ in driver.notifies(timeout=_LISTEN_S, stop_after=1):
                yield


def _look(db: Database, stop: threading.Event) -> Iterator[None]:
    with db.listen_connection() as connection:
        seen = None
        while not stop.wait(_SQLITE_LOOK_S):
            version = connection.execute(text("PRAGMA data_version")).scalar_one()
            if version != seen:
                seen = version
                yield
