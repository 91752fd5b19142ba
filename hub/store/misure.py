"""What was last read of the database for who watches it: one row for each reading, kept for all processes."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Row, or_, select, update
from sqlalchemy.dialects import postgresql, sqlite

from hub.store.database import Session
from hub.store.schema import misure

# Nobody means to wait for longer: the clock that wrote it was ahead, or has been put back since.
_AHEAD = timedelta(hours=24)


def find(session: Session, lettura: str) -> Row[Any] | None:
    return session.execute(select(misure).where(misure.c.lettura == lettura)).one_or_none()


def is_due(row: Row[Any] | None, now: datetime) -> bool:
    """Whether `take` may succeed; asked first, so that nobody writes in vain."""
    return row is None or row.non_prima_at <= now or row.non_prima_at > now + _AHEAD


def take(session: Session, lettura: str, now: datetime, until: datetime) -> bool:
    """Take the reading until an instant; False when another was faster."""
    due = or_(misure.c.non_prima_at <= now, misure.c.non_prima_at > now + _AHEAD)
    taken = update(misure).where(misure.c.lettura == lettura, due).values(non_prima_at=until)
    if session.execute(taken).rowcount == 1:
        return True
    dialect = postgresql if session.dialect.name == "postgresql" else sqlite
    first = dialect.insert(misure).values(lettura=lettura, non_prima_at=until).on_conflict_do_nothing()
    return session.execute(first.returning(misure.c.lettura)).one_or_none() is not None


def keep(
    session: Session, lettura: str, valori: dict[str, Any], letta_at: datetime, durata_ms: int, until: datetime
) -> None:
    """Keep what was read for everybody, until somebody reads again."""
    values = {"valori": valori, "letta_at": letta_at, "durata_ms": durata_ms, "non_prima_at": until}
    session.execute(update(misure).where(misure.c.lettura == lettura).values(values))
