"""Wake the relay when somebody commits: LISTEN on PostgreSQL, the file's own change counter on SQLite.

The periodic tick stays as the safety net.
"""

from __future__ import annotations

import threading
from collections.abc import Callable

from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError

from hub.log import get_logger
from hub.store.database import Database
from hub.store.outbox import CHANNEL

# Reading the counter costs microseconds; this is the longest an idle SQLite worker takes to see a commit.
_SQLITE_LOOK_S = 0.01
# How long one wait for notifications lasts before the stop flag is looked at.
_LISTEN_S = 0.5
_RECONNECT_S = 1.0


def watch(db: Database, wake: Callable[[], None], stop: threading.Event) -> None:
    """Call `wake` after each commit of others until `stop`; a lost connection is opened again."""
    while not stop.is_set():
        try:
            if db.is_postgresql:
                _listen(db, wake, stop)
            else:
                _look(db, wake, stop)
        except (SQLAlchemyError, OSError, db.driver_error) as error:
            get_logger().warning("wake_lost", error=type(error).__name__)
            wake()
            stop.wait(_RECONNECT_S)


def _listen(db: Database, wake: Callable[[], None], stop: threading.Event) -> None:
    with db.listen_connection() as connection:
        connection.execute(text(f"LISTEN {CHANNEL}"))
        driver = connection.connection.driver_connection
        wake()  # whatever was committed before the LISTEN
        while not stop.is_set():
            for _ in driver.notifies(timeout=_LISTEN_S, stop_after=1):  # type: ignore[union-attr]
                wake()


def _look(db: Database, wake: Callable[[], None], stop: threading.Event) -> None:
    with db.listen_connection() as connection:
        seen = None
        while not stop.wait(_SQLITE_LOOK_S):
            version = connection.execute(text("PRAGMA data_version")).scalar_one()
            if version != seen:
                seen = version
                wake()
