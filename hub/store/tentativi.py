"""Attempts: one RPT each, with the exact bytes that leave."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import Boolean, Row, literal_column, select

from hub.domain.errors import NotFound
from hub.domain.stati import StatoTentativo
from hub.store.database import Session
from hub.store.movement import move_row
from hub.store.schema import carrelli, tentativi


def by_id(session: Session, id: str) -> Row[Any]:
    """Raises: NotFound."""
    row = session.execute(select(tentativi).where(tentativi.c.id == id)).one_or_none()
    if row is None:
        raise NotFound(f"tentativo {id} sconosciuto")
    return row


def find_by_key(session: Session, dominio: str, iuv: str, ccp: str) -> Row[Any] | None:
    return session.execute(
        select(tentativi).where(tentativi.c.dominio == dominio, tentativi.c.iuv == iuv, tentativi.c.ccp == ccp)
    ).one_or_none()


def of_cart(session: Session, row: Row[Any], id_session: str | None) -> list[Row[Any]]:
    """The attempts that left in one message with this one, itself included. Without a session it left alone."""
    if row.id_carrello_nodo is None:
        return [row]
    mine = select(carrelli.c.id).where(carrelli.c.id_session == id_session)
    same = tentativi.c.id_carrello_nodo == row.id_carrello_nodo
    return list(session.execute(select(tentativi).where(tentativi.c.carrello_id.in_(mine), same)))


def last_of(session: Session, carrello_id: str) -> Row[Any] | None:
    return session.execute(
        select(tentativi).where(tentativi.c.carrello_id == carrello_id).order_by(tentativi.c.created_at.desc()).limit(1)
    ).one_or_none()


def move(session: Session, row: Row[Any], *, to: StatoTentativo, at: datetime, **values: Any) -> None:
    move_row(session, tentativi, tentativi.c.id, row, StatoTentativo, to, at, **values)


def expired_carts(session: Session, before: datetime, limit: int, *, lock: bool = False) -> list[Row[Any]]:
    """Attempts of carts of notices that began before an instant and have no outcome, the longest untouched first."""
    # Written out, and not bound: the partial index is chosen by these words.
    aperti = literal_column("tentativi.stato IN ('DA_INVIARE', 'SCONOSCIUTO', 'ACCETTATO')", Boolean)
    query = (
        select(tentativi)
        .where(
            aperti,
            tentativi.c.superato_at.is_(None),
            tentativi.c.profilo == "checkout",
            tentativi.c.created_at < before,
        )
        .order_by(tentativi.c.updated_at, tentativi.c.id)
        .limit(limit)
    )
    return list(session.execute(query.with_for_update(skip_locked=True) if lock else query))
