"""The one row about the installation as a whole: its heartbeat, and where counters of IUVs begin.

The heartbeat only ever goes up: a database in which it is lower than somebody remembers is an older copy.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import ScalarSelect, func, literal, select, update
from sqlalchemy.dialects import postgresql, sqlite

from hub.domain.stati import StatoMessaggio
from hub.store.database import Session
from hub.store.schema import installazione, iuv_blocchi, outbox

# Where a counter begins that nobody has drawn from.
PRIMO = 1
_ID = 1


def battito(session: Session) -> int:
    return session.execute(select(installazione.c.battito)).scalar_one_or_none() or 0


def add_battiti(session: Session, count: int, at: datetime) -> int:
    """Let the heart beat so many times and return the count."""
    table = installazione
    counted: int = session.execute(
        _insert(session)(table)
        .values(id=_ID, battito=count, battito_at=at)
        .on_conflict_do_update(index_elements=[table.c.id], set_={"battito": table.c.battito + count, "battito_at": at})
        .returning(table.c.battito)
    ).scalar_one()
    return counted


def contatori(session: Session) -> dict[tuple[str, str], int]:
    """The next number of each counter, by tax code and segregation code."""
    query = select(iuv_blocchi.c.codice_fiscale, iuv_blocchi.c.codice_segregazione, iuv_blocchi.c.prossimo)
    return {(row.codice_fiscale, row.codice_segregazione): row.prossimo for row in session.execute(query)}


def primo_numero() -> ScalarSelect[int]:
    """Where a new counter begins: 1, or past what was drawn before a restore of which nobody knows whose it was."""
    return select(func.coalesce(func.max(installazione.c.iuv_da), literal(PRIMO))).scalar_subquery()


def begin_counters(session: Session, primo: int, at: datetime) -> None:
    """Let counters that are not there yet begin at a number. The row is there: the heart has beaten."""
    session.execute(update(installazione).values(iuv_da=primo, ripristinato_at=at))


def doubt_outbox(session: Session, at: datetime) -> int:
    """Call every message that waits a doubtful one, and return their number: it may have left after the copy."""
    waiting = outbox.c.stato.in_((StatoMessaggio.DA_INVIARE, StatoMessaggio.IN_INVIO))
    changed = session.execute(
        update(outbox)
        .where(waiting)
        .values(stato=str(StatoMessaggio.SCONOSCIUTO), lease_until=None, next_attempt_at=at, fence=outbox.c.fence + 1)
    )
    return changed.rowcount


def _insert(session: Session) -> Any:
    return (postgresql if session.dialect.name == "postgresql" else sqlite).insert
