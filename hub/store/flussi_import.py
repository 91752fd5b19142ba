"""Requests to load a flow: one row from the authorisation to the results."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import Row, Select, delete, func, insert, select

from hub.domain.stati import IMPORT_APERTI, StatoImport
from hub.store.database import Session
from hub.store.movement import move_row
from hub.store.schema import flussi_import


def add(session: Session, *, now: datetime, **values: Any) -> None:
    session.execute(
        insert(flussi_import), {"stato": str(StatoImport.AUTORIZZATO), "created_at": now, "updated_at": now} | values
    )


def find(session: Session, request_token: str) -> Row[Any] | None:
    return session.execute(select(flussi_import).where(flussi_import.c.request_token == request_token)).one_or_none()


def move(session: Session, row: Row[Any], *, to: StatoImport, at: datetime, **values: Any) -> None:
    move_row(session, flussi_import, flussi_import.c.id, row, StatoImport, to, at, **values)


def find_by_nome(session: Session, ente_id: int, nome_file: str) -> Row[Any] | None:
    """Return the last flow of an ente for which a file name is taken, None when it is free.

    Taken: a flow was made of such a file, whatever became of it, or one waits or is being worked on.
    Source: flows, 1.2 (check 4) and 1.3.
    """
    has_come = flussi_import.c.stato.in_(sorted(IMPORT_APERTI))
    where = (
        (flussi_import.c.ente_id == ente_id)
        & (flussi_import.c.nome_file == nome_file)
        & (has_come | flussi_import.c.stato_flusso.is_not(None))
    )
    return session.execute(select(flussi_import).where(where).order_by(flussi_import.c.id.desc()).limit(1)).first()


def waiting(session: Session, ente_id: int) -> int:
    """Return how many authorisations of an ente no file has come for."""
    where = (flussi_import.c.ente_id == ente_id) & (flussi_import.c.stato == StatoImport.AUTORIZZATO)
    return session.execute(select(func.count()).select_from(flussi_import).where(where)).scalar_one()


def forget(session: Session, request_token: str) -> None:
    """Remove a request whose file has not come."""
    where = (flussi_import.c.request_token == request_token) & (flussi_import.c.stato == StatoImport.AUTORIZZATO)
    session.execute(delete(flussi_import).where(where))


def has_unused(session: Session, before: datetime) -> bool:
    """Whether an authorisation expired before an instant without a file."""
    return session.execute(_unused(before).limit(1)).first() is not None


def forget_unused(session: Session, before: datetime, limit: int) -> int:
    """Remove authorisations that expired before an instant without a file; return how many."""
    stale = _unused(before).order_by(flussi_import.c.id).limit(limit)
    # The state again, outside the subquery: an upload that commits meanwhile keeps its row.
    where = flussi_import.c.id.in_(stale) & (flussi_import.c.stato == StatoImport.AUTORIZZATO)
    return session.execute(delete(flussi_import).where(where)).rowcount


def _unused(before: datetime) -> Select[Any]:
    return select(flussi_import.c.id).where(
        flussi_import.c.stato == StatoImport.AUTORIZZATO, flussi_import.c.authorization_expires_at < before
    )
