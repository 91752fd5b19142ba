"""A database without room: what does not fit is not there, it is said, and with room everything goes on by itself."""

from __future__ import annotations

import resource
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from sqlalchemy import event
from werkzeug.test import Client

from hub.domain.errors import OutOfService, SpazioEsaurito
from hub.store import schema
from hub.store.database import Database
from hub.usecases.spazio import dischi, problema
from hub.web import create_front
from tests.world import World

# Pages beyond those that there are: a few sessions fit.
_PAGES_MORE = 8


class Limite:
    """The number of pages that a SQLite file may have: beyond it SQLite says what it says when its disk is full."""

    def __init__(self, db: Database) -> None:
        self._db = db
        self._pages = 0
        event.listen(db.engine, "checkout", self._limit)

    def press(self) -> None:
        with self._db.transaction() as session:
            self._pages = session.exec_driver_sql("PRAGMA page_count").scalar_one() + _PAGES_MORE
            session.exec_driver_sql(f"PRAGMA max_page_count={self._pages}")

    def free(self) -> None:
        with self._db.transaction() as session:
            self._pages = 2**30
            session.exec_driver_sql(f"PRAGMA max_page_count={self._pages}")

    def _limit(self, connection: Any, *_: object) -> None:
        if self._pages:
            connection.execute(f"PRAGMA max_page_count={self._pages}")


@contextmanager
def longest_file(size_bytes: int) -> Iterator[None]:
    """No file of this process grows beyond that."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size_bytes, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def kept(world: World) -> set[str]:
    return {row.id_session for row in world.rows(schema.sessioni)}


def test_what_does_not_fit_is_refused_whole_and_with_room_everything_goes_on(small_world: World) -> None:
    limite = Limite(small_world.db)
    accepted = {small_world.invia() for _ in range(3)}
    limite.press()

    with pytest.raises(SpazioEsaurito, match="il database non ha più spazio: ripetere la richiesta più tardi"):
        for _ in range(10_000):
            accepted.add(small_world.invia())
    found = kept(small_world)
    limite.free()
    later = {small_world.invia() for _ in range(3)}

    assert found == accepted
    assert kept(small_world) == accepted | later


def test_a_full_database_is_not_ready_says_why_and_is_counted(small_world: World) -> None:
    limite = Limite(small_world.db)
    front = Client(create_front(small_world.runtime, {}))
    before = front.get("/health/ready")
    limite.press()
    with pytest.raises(SpazioEsaurito):
        for _ in range(10_000):
            small_world.invia()

    answer = front.get("/health/ready")

    assert before.status_code == 200
    assert (answer.status_code, answer.json["motivo"]) == (503, "il database non ha più spazio")
    assert front.get("/health/live").status_code == 200
    assert problema(small_world.db, small_world.runtime.config) == answer.json["motivo"]


def test_a_disk_with_less_room_than_asked_for_is_not_ready(small_world: World) -> None:
    """No disk has so much room."""
    small_world.runtime.__dict__["config"] = config = small_world.runtime.config.model_copy(
        update={"spazio_min_mib": 10**12}
    )

    answer = Client(create_front(small_world.runtime, {})).get("/health/ready")

    assert answer.status_code == 503 and answer.json["motivo"].startswith("poco spazio in ")
    assert {disco.dove for disco in dischi(config)} == {"dati", "database"}


def test_a_file_that_does_not_fit_leaves_nothing(small_world: World) -> None:
    archivio = small_world.runtime.archivio

    with pytest.raises(OutOfService, match="non risponde o è pieno"), longest_file(4096):
        with archivio.write("C_PROVA/IMPORT/2026_11/x/C_PROVA-F1-1_3.zip") as file:
            file.write(bytes(1_000_000))

    assert [file.path for page in archivio.pages() for file in page] == []
