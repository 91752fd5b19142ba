"""Stations of the intermediary; the password is kept sealed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Row, insert, select, update

from hub.domain.errors import NotFound
from hub.store.database import Session
from hub.store.schema import attivazioni, stazioni, tentativi


def find(session: Session, id: str) -> Row[Any] | None:
    return session.execute(select(stazioni).where(stazioni.c.id == id)).one_or_none()


def by_id(session: Session, id: str) -> Row[Any]:
    """Raises: NotFound."""
    row = find(session, id)
    if row is None:
        raise NotFound(f"stazione {id} sconosciuta")
    return row


def all_rows(session: Session) -> Sequence[Row[Any]]:
    return session.execute(select(stazioni).order_by(stazioni.c.id)).all()


def add(session: Session, **values: Any) -> None:
    session.execute(insert(stazioni), values)


def change(session: Session, id: str, **values: Any) -> None:
    session.execute(update(stazioni).where(stazioni.c.id == id).values(**values))


def has_intermediario(session: Session, intermediario: str) -> bool:
    """Whether any station of this installation belongs to the intermediary."""
    return (
        session.execute(select(stazioni.c.id).where(stazioni.c.intermediario == intermediario).limit(1)).first()
        is not None
    )


def has_begun(session: Session, intermediario: str, dominio: str, iuv: str) -> bool:
    """Whether a payment was begun through a station of the intermediary: an RPT was made, or a get was answered."""
    return any(
        session.execute(
            select(stazioni.c.id)
            .join(begun, begun.c.stazione_id == stazioni.c.id)
            .where(begun.c.dominio == dominio, begun.c.iuv == iuv, stazioni.c.intermediario == intermediario)
            .limit(1)
        ).first()
        for begun in (tentativi, attivazioni)
    )
