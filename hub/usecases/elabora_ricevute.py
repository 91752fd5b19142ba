"""The job of the receipts: each that was kept is given its effect, once, in order of arrival.

Source: node, receipt processing (3.5.1), paaInviaRT steps 4-8 (3.9).
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Row

from hub.crash import Punto, crash_point
from hub.domain.errors import Conflict
from hub.domain.ricevuta import Primitiva
from hub.domain.stati import StatoRt
from hub.formats.rt import read_rt
from hub.log import get_logger
from hub.store import outbox, rt_ricevute
from hub.store.database import Database, Session
from hub.usecases.apply_ricevuta import apply_ricevuta
from hub.usecases.apply_rt import Effetto, apply_rt
from hub.usecases.record_rt import set_aside

_BATCH = 50
# SQLite has one writer, and who waits for it looks again every 100 ms at most (sqliteDefaultBusyCallback): a job that
# takes it back at once would keep the doors, which must answer within seconds, from ever seeing it free.
_TURN_S, _PAUSE_S = 0.2, 0.11
_Page = Callable[[Session, int, int], Sequence[int]]
# What an operator should see at once.
_TOLD = frozenset({StatoRt.ECCEDENZA, StatoRt.ORFANA, StatoRt.QUARANTENA})


def run_once(db: Database, now: datetime) -> bool:
    """Apply the receipts that wait, one transaction each; True when one of them had its effect.

    One that meets a conflict stays as it is for the next tick and does not hold up those behind it.
    """
    return _apply_all(db, rt_ricevute.to_process, now)


def retry_orphans(db: Database, now: datetime) -> bool:
    """Apply the receipts that nobody expected and whose dovuto or attempt has come since; True when there were any."""
    return _apply_all(db, rt_ricevute.applicable_orphans, now)


def look_again(db: Database, rt_id: int, now: datetime) -> None:
    """Let a receipt that was set aside take its turn again: what was wrong was mended outside.

    Raises: Conflict (it waits already, or has had its effect).
    """
    with db.transaction() as session:
        row = rt_ricevute.by_id(session, rt_id, lock=True)
        rt_ricevute.settle(session, row, StatoRt.RICEVUTA, now)
        outbox.wake(session)
    get_logger().info("receipt_looked_at_again", rt_id=rt_id, stato=row.stato)


def _apply_all(db: Database, page: _Page, now: datetime) -> bool:
    has_worked, last, turn_ends_at = False, 0, time.monotonic() + _TURN_S
    while True:
        with db.reading() as session:
            waiting = page(session, _BATCH, last)
        for rt_id in waiting:
            if not db.is_postgresql and time.monotonic() >= turn_ends_at:
                time.sleep(_PAUSE_S)
                turn_ends_at = time.monotonic() + _TURN_S
            try:
                has_worked |= _apply_one(db, rt_id, now)
            except Conflict as error:
                # A sending was settled at this very moment; if it lasts, a person must look.
                get_logger().warning("rt_conflict", rt_id=rt_id, error=str(error))
        if len(waiting) < _BATCH:
            return has_worked
        last = waiting[-1]


def _apply_one(db: Database, rt_id: int, now: datetime) -> bool:
    with db.transaction() as session:
        row = rt_ricevute.take(session, rt_id)
        if row is None or row.stato not in (StatoRt.RICEVUTA, StatoRt.ORFANA):
            return False
        if row.primitiva != Primitiva.INVIA_RT:
            effetto = apply_ricevuta(session, row, now)
        elif set_aside(session, row, now) is not None:
            return True
        else:
            effetto = apply_rt(session, row, read_rt(bytes(row.raw)), now)
        crash_point(Punto.RICEVUTA_APPLICATA)
    crash_point(Punto.RICEVUTA_ELABORATA)
    _tell(row, effetto)
    return True


def _tell(row: Row[Any], effetto: Effetto) -> None:
    log = get_logger()
    (log.warning if effetto.stato in _TOLD else log.info)(
        "rt_applied",
        rt_id=row.id,
        primitiva=row.primitiva,
        dominio=row.dominio,
        iuv=row.iuv,
        ccp=row.ccp,
        stato=str(effetto.stato),
        motivo=effetto.motivo,
        segnalazioni=[str(flag) for flag in effetto.segnalazioni],
        correlation_id=row.correlation_id,
    )
