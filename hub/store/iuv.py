"""Progressive numbers for IUVs, leased in blocks.

A number is drawn from memory; a block is leased in a transaction of its own, so that no caller ever waits on a counter
row for the length of its own transaction. What is left of a block when a process ends is lost: gaps are allowed, a
number twice is not. The counter is keyed by tax code and segregation code (two enti may share a tax code).
"""

from __future__ import annotations

import threading

from sqlalchemy import update
from sqlalchemy.dialects import postgresql, sqlite

from hub.domain.errors import Misconfigured
from hub.domain.iuv import PROGRESSIVO_MAX, build_iuv
from hub.store.database import Database
from hub.store.schema import iuv_blocchi


class IuvBlocks:
    """The blocks this process holds. Safe to share between threads."""

    def __init__(self, db: Database, block_size: int) -> None:
        self._db = db
        self._block_size = block_size
        self._lock = threading.Lock()
        self._held: dict[tuple[str, str], tuple[int, int]] = {}

    def draw(self, codice_fiscale: str, codice_segregazione: str) -> str:
        """Return an IUV that no process has drawn before.

        Raises: Misconfigured (the numbers of this ente are used up).
        """
        key = (codice_fiscale, codice_segregazione)
        with self._lock:
            next_number, end = self._held.get(key, (0, 0))
            if next_number == end:
                next_number, end = self._lease(key)
            self._held[key] = (next_number + 1, end)
        return build_iuv(int(codice_segregazione), next_number)

    def _lease(self, key: tuple[str, str]) -> tuple[int, int]:
        dialect = postgresql if self._db.is_postgresql else sqlite
        values = {"codice_fiscale": key[0], "codice_segregazione": key[1], "prossimo": 1}
        with self._db.transaction() as session:
            session.execute(dialect.insert(iuv_blocchi).values(values).on_conflict_do_nothing())
            end = session.execute(
                update(iuv_blocchi)
                .where(iuv_blocchi.c.codice_fiscale == key[0], iuv_blocchi.c.codice_segregazione == key[1])
                .values(prossimo=iuv_blocchi.c.prossimo + self._block_size)
                .returning(iuv_blocchi.c.prossimo)
            ).scalar_one()
            if end - 1 > PROGRESSIVO_MAX:
                raise Misconfigured(f"numeri IUV esauriti per l'ente {key[0]}, codice di segregazione {key[1]}")
        return end - self._block_size, end
