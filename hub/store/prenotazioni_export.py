"""Booked exports: what was asked for, how it stands, where the file is."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import Row, func, insert, select

from hub.domain.flussi import GenereExport
from hub.domain.stati import StatoExport
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
