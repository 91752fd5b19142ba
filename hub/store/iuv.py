"""Progressive numbers for IUVs, leased in blocks.

A number is drawn from memory; a block is leased in a transaction of its own, so that no caller ever waits on a counter
row for the length of its own transaction. What is left of a block when a process ends is lost: gaps are allowed, a
number twice is not. The counter is keyed by tax code and segregation code (two enti may share a tax code).
"""

from __future__ import annotations

import threading
from collections.abc import Collection

from sqlalchemy import ColumnElement, and_, select, update
from sqlalchemy.dialects import postgresql, sqlite

from hub.crash import Punto, crash_point
from hub.domain.errors import Misconfigured
from hub.domain.iuv import PROGRESSIVO_MAX, build_iuv, is_drawn
from hub.store.database import Database, Session
from hub.store.installazione import primo_numero
from hub.store.schema import enti, flussi_import, iuv_blocchi
from hub.store.segni import Segni


class IuvBlocks:
    """The blocks this process holds. Safe to share between threads.

    `segni`: where it is remembered, outside of the database, which numbers were taken; None: nowhere.
    """

    def __init__(self, db: Database, block_size: int, segni: Segni | None = None) -> None:
        self._db = db
        self._block_size = block_size
        self._segni = segni or Segni(None)
        self._lock = threading.Lock()
        self._held: dict[tuple[str, str], tuple[int, int]] = {}

    def draw(self, codice_fiscale: str, codice_segregazione: str) -> str:
        """Return an IUV that no process has drawn before.

        Raises: Misconfigured (the numbers of this ente are used up), DatabaseRipristinato (they were drawn before).
        """
        key = (codice_fiscale, codice_segregazione)
        with self._lock:
            next_number, end = self._held.get(key, (0, 0))
            if next_number == end:
                next_number, end = self._lease(key)
            self._held[key] = (next_number + 1, end)
        return build_iuv(int(codice_segregazione), next_number)

    def _lease(self, key: tuple[str, str]) -> tuple[int, int]:
        with self._segni.taking(key) as judge, self._db.transaction() as session:
            end = lease(session, *key, self._block_size)
            judge((end - self._block_size, end))
        crash_point(Punto.IUV_PRESI)
        return end - self._block_size, end


def lease(session: Session, codice_fiscale: str, codice_segregazione: str, count: int) -> int:
    """Take the next `count` numbers of an ente and return the one after the last.

    Raises: Misconfigured (the numbers of this ente are used up).
    """
    dialect = postgresql if session.dialect.name == "postgresql" else sqlite
    values = {"codice_fiscale": codice_fiscale, "codice_segregazione": codice_segregazione, "prossimo": primo_numero()}
    session.execute(dialect.insert(iuv_blocchi).values(values).on_conflict_do_nothing())
    end: int = session.execute(
        update(iuv_blocchi)
        .where(_is_counter(codice_fiscale, codice_segregazione))
        .values(prossimo=iuv_blocchi.c.prossimo + count)
        .returning(iuv_blocchi.c.prossimo)
    ).scalar_one()
    if end - 1 > PROGRESSIVO_MAX:
        raise Misconfigured(
            f"numeri IUV esauriti per l'ente {codice_fiscale}, codice di segregazione {codice_segregazione}"
        )
    return end


def move_past(session: Session, codice_fiscale: str, codice_segregazione: str, number: int) -> int:
    """Let the counter begin after `number`, unless it is further already; return the number that comes next.

    Raises: Misconfigured (there is none after it).
    """
    if number >= PROGRESSIVO_MAX:
        raise Misconfigured(
            f"numeri IUV esauriti per l'ente {codice_fiscale}, codice di segregazione {codice_segregazione}"
        )
    next_number = lease(session, codice_fiscale, codice_segregazione, 0)
    if next_number > number:
        return next_number
    session.execute(
        update(iuv_blocchi).where(_is_counter(codice_fiscale, codice_segregazione)).values(prossimo=number + 1)
    )
    return number + 1


def give_back(session: Session, codice_fiscale: str, codice_segregazione: str, first: int, end: int) -> None:
    """Give back numbers that were leased and not drawn, unless somebody has leased others since: gaps are allowed."""
    is_last = iuv_blocchi.c.prossimo == end
    session.execute(
        update(iuv_blocchi).where(_is_counter(codice_fiscale, codice_segregazione), is_last).values(prossimo=first)
    )


def still_to_draw(session: Session, dominio: str, iuv: Collection[str]) -> frozenset[str]:
    """Those of these IUVs that the hub may yet draw for an ente of this tax code: nobody may be given them before.

    Numbers that a flow holds while it is loaded are not drawn yet, and go back when it has no use for them.
    """
    wanted = {each: (each[:2], int(each[4:15])) for each in iuv if is_drawn(each)}
    if not wanted:
        return frozenset()
    segregazioni = {segregazione for segregazione, _ in wanted.values()}
    mine = (enti.c.codice_fiscale == dominio, enti.c.codice_segregazione.in_(segregazioni))
    fresh = session.execute(select(enti.c.codice_segregazione, primo_numero().label("prossimo")).where(*mine))
    next_of = {row.codice_segregazione: row.prossimo for row in fresh}
    counter = iuv_blocchi.c.codice_fiscale == dominio, iuv_blocchi.c.codice_segregazione.in_(segregazioni)
    next_of |= {row.codice_segregazione: row.prossimo for row in session.execute(select(iuv_blocchi).where(*counter))}
    f = flussi_import
    held = select(enti.c.codice_segregazione, f.c.iuv_da, f.c.iuv_a).join(enti, enti.c.id == f.c.ente_id)
    ranges = session.execute(held.where(*mine, f.c.iuv_da < f.c.iuv_a)).all()
    return frozenset(
        each
        for each, (segregazione, number) in wanted.items()
        if number >= next_of.get(segregazione, PROGRESSIVO_MAX + 1)
        or any(segregazione == row.codice_segregazione and row.iuv_da <= number < row.iuv_a for row in ranges)
    )


def _is_counter(codice_fiscale: str, codice_segregazione: str) -> ColumnElement[bool]:
    return and_(
        iuv_blocchi.c.codice_fiscale == codice_fiscale, iuv_blocchi.c.codice_segregazione == codice_segregazione
    )
