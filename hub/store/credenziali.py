"""Credentials of those who call for an ente; only a slow hash is kept. `applicazione` None: the ente itself."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Row, insert, or_, select, update

from hub.store.database import Session
from hub.store.schema import credenziali


def attive(session: Session, ente_id: int, now: datetime) -> Sequence[Row[Any]]:
    """Credentials that open the door at `now`: not revoked, not expired after a rotation."""
    return session.execute(
        select(credenziali)
        .where(
            credenziali.c.ente_id == ente_id,
            credenziali.c.revoked_at.is_(None),
            or_(credenziali.c.expires_at.is_(None), credenziali.c.expires_at > now),
        )
        .order_by(credenziali.c.id)
    ).all()


def add(session: Session, **values: Any) -> None:
    session.execute(insert(credenziali), values)


def change(session: Session, id: int, **values: Any) -> None:
    session.execute(update(credenziali).where(credenziali.c.id == id).values(**values))


def revoke(session: Session, id: int, now: datetime) -> None:
    session.execute(update(credenziali).where(credenziali.c.id == id).values(revoked_at=now))
