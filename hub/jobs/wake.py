"""Wake the jobs when somebody commits; the periodic tick stays as the safety net."""

from __future__ import annotations

import threading
from collections.abc import Callable

from hub.domain.errors import OutOfService
from hub.log import get_logger
from hub.store.commits import commits
from hub.store.database import Database

_RECONNECT_S = 1.0


def watch(db: Database, wake: Callable[[], None], stop: threading.Event) -> None:
    """Call `wake` after each commit of others until `stop`; a lost connection is opened again."""
    while not stop.is_set():
        try:
            for _ in commits(db, stop):
                wake()
        except OutOfService:
            get_logger().warning("wake_lost")
            stop.wait(_RECONNECT_S)
