"""Files in the archive as they are long after, and the sweep of them."""

from __future__ import annotations

from datetime import timedelta
from threading import Event
from typing import Any

import structlog

from hub.domain.pulizia import Conservazione
from hub.ports import Archivio
from hub.usecases import sweep_archivio
from tests.archivi import make_older
from tests.world import World

DAY = timedelta(days=1)
MESE = "2026_11"
PER_SEMPRE = Conservazione()


def keep(archivio: Archivio, path: str, age: timedelta = 30 * DAY) -> str:
    with archivio.write(path) as file:
        file.write(b"1234567890")
    make_older(archivio, path, age)
    return path


def paths(archivio: Archivio) -> set[str]:
    return {file.path for page in archivio.pages() for file in page}


def grow_old(archivio: Archivio) -> set[str]:
    """Everything in the archive was written a month ago; returns it."""
    found = paths(archivio)
    for path in found:
        make_older(archivio, path, 30 * DAY)
    return found


def sweep(world: World, conservazione: Conservazione = PER_SEMPRE, stop: Event | None = None) -> dict[str, Any]:
    """One sweep; returns its line in the log."""
    with structlog.testing.capture_logs() as lines:
        assert sweep_archivio.run_once(world.db, world.runtime.archivio, world.clock, conservazione, stop)
    (line,) = [line for line in lines if line["event"] == "archive_swept"]
    return line
