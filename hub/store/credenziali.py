"""Credentials of those who call for an ente; of a secret only a slow hash is kept. `applicazione` None: the ente."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Row, and_, insert, or_, select, update

from hub.domain.credenziali import NuovaCredenziale
from hub.store import revisione
from hub.store.database import Session
from hub.store.schema import credenziali


def in_force(now: datetime) -> ColumnElement[bool]:
    """The condition of a credential that opens the door at `now`, or will when its certificate begins.

    Not revoked, not expired after a rotation, its certificate not over.
    """
    ends = [or_(column.is_(None), column > now) for column in (credenziali.c.expires_at, credenziali.c.valido_fino)]
    return and_(credenziali.c.revoked_at.is_(None), *ends)


def attive(session: Session, ente_id: int, now: datetime) -> Sequence[Row[Any]]:
    """Credentials of an ente that are in force, oldest first."""
    condition = (credenziali.c.ente_id == ente_id, in_force(now))
    return session.execute(select(credenziali).where(*condition).order_by(credenziali.c.id)).all()


def kept(session: Session, ente_id: int, now: datetime) -> Sequence[Row[Any]]:
    """Credentials of an ente that nobody took away, those with an expired certificate included."""
    condition = (
        credenziali.c.ente_id == ente_id,
        credenziali.c.revoked_at.is_(None),
        or_(credenziali.c.expires_at.is_(None), credenziali.c.expires_at > now),
    )
    return session.execute(select(credenziali).where(*condition).order_by(credenziali.c.id)).all()


def add(session: Session, ente_id: int, nuova: NuovaCredenziale, now: datetime, **values: Any) -> None:
    """Keep a new credential. `values`: applicazione, software_house, tipi, operazioni; absent means None."""
    certificato = nuova.certificato
    columns = {
        "ente_id": ente_id,
        "genere": str(nuova.genere),
        "hash": nuova.hash,
        "impronta": nuova.impronta,
        "certificato": certificato and certificato.der,
        "valido_dal": certificato and certificato.valido_dal,
        "valido_fino": certificato and certificato.valido_fino,
        "created_at": now,
    }
    revisione.move_on(session)
    session.execute(insert(credenziali), columns | values)


def change(session: Session, id: int, **values: Any) -> None:
    revisione.move_on(session)
    session.execute(update(credenziali).where(credenziali.c.id == id).values(**values))


def revoke(session: Session, id: int, now: datetime) -> None:
    revisione.move_on(session)
    session.execute(update(credenziali).where(credenziali.c.id == id).values(revoked_at=now))
