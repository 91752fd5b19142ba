"""Operators of the console; only a slow hash of the password is kept."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Row, insert, select, update

from hub.store.database import Session
from hub.store.schema import enti, operatori

_ATTIVO = operatori.c.revoked_at.is_(None)


def find(session: Session, id: int) -> Row[Any] | None:
    """The operator, when not revoked."""
    return session.execute(select(operatori).where(operatori.c.id == id, _ATTIVO)).one_or_none()


def find_by_nome(session: Session, nome: str) -> Row[Any] | None:
    """The operator of that name, when not revoked."""
    return session.execute(select(operatori).where(operatori.c.nome == nome, _ATTIVO)).one_or_none()


def all_rows(session: Session) -> Sequence[Row[Any]]:
    """Operators in force, each with the codIpaEnte of its ente, if any."""
    query = select(operatori, enti.c.cod_ipa_ente).outerjoin(enti, enti.c.id == operatori.c.ente_id)
    return session.execute(query.where(_ATTIVO).order_by(operatori.c.nome)).all()


def add(session: Session, **values: Any) -> None:
    session.execute(insert(operatori), values)


def revoke(session: Session, nome: str, now: datetime) -> bool:
    """False when there is no such operator."""
    gone = session.execute(update(operatori).where(operatori.c.nome == nome, _ATTIVO).values(revoked_at=now))
    return gone.rowcount == 1
