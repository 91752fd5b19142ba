"""Tipi dovuto of an ente."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Row, bindparam, insert, select, update
from sqlalchemy.dialects import postgresql, sqlite

from hub.store import revisione
from hub.store.database import Session
from hub.store.schema import tipi

# Built once: making a statement costs more than running it.
_FIND = select(tipi).where(tipi.c.ente_id == bindparam("ente_id"), tipi.c.codice == bindparam("codice"))


def find(session: Session, ente_id: int, codice: str) -> Row[Any] | None:
    return session.execute(_FIND, {"ente_id": ente_id, "codice": codice}).one_or_none()


def of_ente(session: Session, ente_id: int) -> Sequence[Row[Any]]:
    return session.execute(select(tipi).where(tipi.c.ente_id == ente_id).order_by(tipi.c.codice)).all()


def with_scadenza(session: Session, ente_id: int, codici: Sequence[str]) -> list[str]:
    """Those of `codici` whose due date is mandatory."""
    query = select(tipi.c.codice).where(tipi.c.ente_id == ente_id, tipi.c.codice.in_(codici))
    return list(session.execute(query.where(tipi.c.scadenza_obbligatoria).order_by(tipi.c.codice)).scalars())


def add(session: Session, **values: Any) -> None:
    revisione.move_on(session)
    session.execute(insert(tipi), values)


def add_if_missing(session: Session, **values: Any) -> None:
    """Keep a tipo unless the ente has one with this code, whatever it is."""
    dialect = postgresql if session.dialect.name == "postgresql" else sqlite
    statement = dialect.insert(tipi).values(values).on_conflict_do_nothing().returning(tipi.c.id)
    if session.execute(statement).scalar_one_or_none() is not None:
        revisione.move_on(session)


def change(session: Session, id: int, **values: Any) -> None:
    revisione.move_on(session)
    session.execute(update(tipi).where(tipi.c.id == id).values(**values))
