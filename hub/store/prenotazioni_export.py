"""Booked exports: what was asked for, how it stands, where the file is."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Row, and_, func, insert, literal_column, or_, select, update

from hub.domain.flussi import GenereExport
from hub.domain.stati import StatoExport, check_transition
from hub.store.database import Session
from hub.store.movement import move_row
from hub.store.schema import prenotazioni_export


def add(session: Session, *, now: datetime, **values: Any) -> None:
    session.execute(
        insert(prenotazioni_export),
        {"stato": str(StatoExport.LOAD_EXPORT), "created_at": now, "updated_at": now} | values,
    )


def find(session: Session, genere: GenereExport, request_token: str) -> Row[Any] | None:
    where = (prenotazioni_export.c.request_token == request_token) & (prenotazioni_export.c.genere == genere)
    return session.execute(select(prenotazioni_export).where(where)).one_or_none()


def move(session: Session, row: Row[Any], *, to: StatoExport, at: datetime, **values: Any) -> None:
    move_row(session, prenotazioni_export, prenotazioni_export.c.id, row, StatoExport, to, at, **values)


# Written out: the index of open bookings is partial, and a parameter could be anything.
_WAITS = prenotazioni_export.c.stato == literal_column("'LOAD_EXPORT'")
_IS_WORKED_ON = prenotazioni_export.c.stato == literal_column("'EXPORT_IN_ELAB'")


def _due(now: datetime) -> Any:
    """Bookings that nobody holds: not begun, or begun by somebody whose lease ran out."""
    return or_(
        and_(_WAITS, prenotazioni_export.c.eseguibile_at <= now),
        and_(_IS_WORKED_ON, func.coalesce(prenotazioni_export.c.lease_until, prenotazioni_export.c.started_at) < now),
    )


def has_due(session: Session, now: datetime) -> bool:
    return session.execute(select(prenotazioni_export.c.id).where(_due(now)).limit(1)).first() is not None


def claim(session: Session, now: datetime, lease: timedelta) -> Row[Any] | None:
    """Take a booking for as long as the lease lasts and return it; None when there is none.

    The ente that was served longest ago comes first: whoever books many waits for who books one.
    """
    served = prenotazioni_export.alias("served")
    last = select(func.max(served.c.started_at)).where(served.c.ente_id == prenotazioni_export.c.ente_id)
    chosen = (
        select(prenotazioni_export.c.id)
        .where(_due(now))
        .order_by(
            last.scalar_subquery().asc().nulls_first(),
            prenotazioni_export.c.eseguibile_at,
            prenotazioni_export.c.id,
        )
        .limit(1)
    )
    found = session.execute(chosen.with_for_update(skip_locked=True, of=prenotazioni_export)).scalar_one_or_none()
    if found is None:
        return None
    taken = (
        update(prenotazioni_export)
        .where(prenotazioni_export.c.id == found, _due(now))
        .values(
            stato=str(StatoExport.EXPORT_IN_ELAB),
            lease_until=now + lease,
            fence=prenotazioni_export.c.fence + 1,
            started_at=func.coalesce(prenotazioni_export.c.started_at, now),
            updated_at=now,
        )
        .returning(*prenotazioni_export.c)
    )
    return session.execute(taken).one_or_none()


def keep(session: Session, held: Row[Any], lease_until: datetime, at: datetime, **values: Any) -> bool:
    """Renew the lease, or give it back by one that is over; False when somebody else has the booking."""
    return _write(session, held, {"lease_until": lease_until, "updated_at": at} | values)


def finish(session: Session, held: Row[Any], to: StatoExport, at: datetime, **values: Any) -> bool:
    """Take a booking to its end; False when somebody else has it, or its time was over."""
    check_transition(StatoExport(held.stato), to)
    ended = {"stato": str(to), "lease_until": None, "finished_at": at, "updated_at": at}
    return _write(session, held, ended | values)


def _write(session: Session, held: Row[Any], values: dict[str, Any]) -> bool:
    mine = (prenotazioni_export.c.id == held.id, prenotazioni_export.c.fence == held.fence, _IS_WORKED_ON)
    return session.execute(update(prenotazioni_export).where(*mine).values(**values)).rowcount == 1


def waiting(session: Session, ente_id: int) -> int:
    """Return how many bookings of an ente nobody has begun."""
    where = (prenotazioni_export.c.ente_id == ente_id) & (prenotazioni_export.c.stato == StatoExport.LOAD_EXPORT)
    return session.execute(select(func.count()).select_from(prenotazioni_export).where(where)).scalar_one()


def stuck(session: Session, before: datetime, limit: int, *, lock: bool = False) -> list[Row[Any]]:
    """Exports that were begun before an instant and have not ended, oldest first."""
    query = (
        select(prenotazioni_export)
        .where(prenotazioni_export.c.stato == StatoExport.EXPORT_IN_ELAB, prenotazioni_export.c.started_at < before)
        .order_by(prenotazioni_export.c.id)
        .limit(limit)
    )
    return list(session.execute(query.with_for_update(skip_locked=True) if lock else query))
