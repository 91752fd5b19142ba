"""Receipts as they came: raw bytes and digest first, meaning afterwards."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Row, select, update
from sqlalchemy.dialects import postgresql, sqlite

from hub.domain.stati import StatoRt, check_transition
from hub.store.database import Session
from hub.store.schema import rt_ricevute


def add(session: Session, **values: Any) -> int | None:
    """Store the bytes and return their id; None when these very bytes are kept already."""
    dialect = postgresql if session.dialect.name == "postgresql" else sqlite
    statement = dialect.insert(rt_ricevute).values(values).on_conflict_do_nothing().returning(rt_ricevute.c.id)
    return session.execute(statement).scalar_one_or_none()


def by_id(session: Session, id: int, *, lock: bool = False) -> Row[Any]:
    query = select(rt_ricevute).where(rt_ricevute.c.id == id)
    return session.execute(query.with_for_update() if lock else query).one()


def to_process(session: Session, limit: int) -> Sequence[int]:
    """Ids of receipts nobody has applied yet, in order of arrival."""
    return (
        session.execute(
            select(rt_ricevute.c.id)
            .where(rt_ricevute.c.stato == StatoRt.RICEVUTA)
            .order_by(rt_ricevute.c.id)
            .limit(limit)
        )
        .scalars()
        .all()
    )


def settle(session: Session, row: Row[Any], to: StatoRt, at: datetime, motivo: str | None = None) -> bool:
    """Record what became of a receipt; False when somebody else already did.

    Raises: Conflict (not a legal step).
    """
    check_transition(StatoRt(row.stato), to)
    changed = session.execute(
        update(rt_ricevute)
        .where(rt_ricevute.c.id == row.id, rt_ricevute.c.stato == row.stato)
        .values(stato=str(to), processed_at=at, motivo=motivo)
    )
    return changed.rowcount == 1
