"""The registry of imports and exports as operators and metrics read it. Who writes it is elsewhere."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import Column, Row, Select, Table, func, or_, select

from hub.domain.errors import NotFound
from hub.domain.stati import StatoExport, StatoFlusso, StatoImport
from hub.store.database import Session
from hub.store.schema import consegne_export, enti, flussi_import, prenotazioni_export

_ENDING = ".zip"


def list_imports(
    session: Session,
    ente_id: int | None,
    dal: datetime | None,
    al: datetime | None,
    stato: str | None,
    limit: int,
) -> Sequence[Row[Any]]:
    """Imports of a file, newest first, each with its `cod_ipa_ente`; received in [dal, al). `stato`: of either kind."""
    query = _with_ente(flussi_import).where(flussi_import.c.received_at.is_not(None))
    if stato is not None:
        query = query.where(or_(flussi_import.c.stato == stato, flussi_import.c.stato_flusso == stato))
    return _newest(session, query, flussi_import, flussi_import.c.received_at, ente_id, dal, al, limit)


def import_named(session: Session, name: str) -> Row[Any]:
    """The import of a requestToken, or of a file: what became a flow, else the last one that came under this name.

    Raises: NotFound.
    """
    nome = name if name.lower().endswith(_ENDING) else name + _ENDING
    query = _with_ente(flussi_import)
    query = query.where(or_(flussi_import.c.request_token == name, flussi_import.c.nome_file == nome))
    query = query.order_by(flussi_import.c.stato_flusso.is_(None), flussi_import.c.id.desc()).limit(1)
    row = session.execute(query).one_or_none()
    if row is None:
        raise NotFound(f"flusso {name} sconosciuto: serve un requestToken o il nome del file")
    return row


def list_exports(
    session: Session,
    ente_id: int | None,
    dal: datetime | None,
    al: datetime | None,
    stato: str | None,
    limit: int,
) -> Sequence[Row[Any]]:
    """Booked exports, newest first, each with its `cod_ipa_ente`; booked in [dal, al).

    `consegna`: what became of the file of a daily one.
    """
    query = _with_consegna()
    if stato is not None:
        query = query.where(prenotazioni_export.c.stato == stato)
    return _newest(session, query, prenotazioni_export, prenotazioni_export.c.created_at, ente_id, dal, al, limit)


def export_named(session: Session, request_token: str) -> Row[Any]:
    """Raises: NotFound."""
    query = _with_consegna().where(prenotazioni_export.c.request_token == request_token)
    row = session.execute(query).one_or_none()
    if row is None:
        raise NotFound(f"export {request_token} sconosciuto: serve il requestToken della prenotazione")
    return row


def count_imports(session: Session) -> dict[str, int]:
    """How many imports are in each state."""
    return _count(session, flussi_import.c.stato, StatoImport)


def count_flussi(session: Session) -> dict[str, int]:
    """How many flows are in each state."""
    return _count(session, flussi_import.c.stato_flusso, StatoFlusso)


def count_exports(session: Session) -> dict[str, int]:
    """How many booked exports are in each state."""
    return _count(session, prenotazioni_export.c.stato, StatoExport)


def _count(session: Session, column: Column[Any], states: type[StrEnum]) -> dict[str, int]:
    """Every state is told, so that a graph falls to zero and does not end."""
    query = select(column, func.count()).where(column.in_(states)).group_by(column)
    return {str(stato): 0 for stato in states} | {stato: number for stato, number in session.execute(query)}


def in_elaboration(session: Session) -> Sequence[Row[Any]]:
    """Imports that are worked on: as many as there are workers, or a few more."""
    return session.execute(select(flussi_import).where(flussi_import.c.stato == StatoImport.IMPORT_IN_ELAB)).all()


def oldest_waiting(session: Session) -> datetime | None:
    """When the file came that has waited longest for a worker; None: none waits."""
    query = select(flussi_import.c.received_at).where(flussi_import.c.stato == StatoImport.LOAD_IMPORT)
    return session.execute(query.order_by(flussi_import.c.id).limit(1)).scalar_one_or_none()


def _with_ente(table: Table) -> Select[Any]:
    return select(table, enti.c.cod_ipa_ente).join(enti, enti.c.id == table.c.ente_id)


def _with_consegna() -> Select[Any]:
    query = _with_ente(prenotazioni_export).add_columns(consegne_export.c.stato.label("consegna"))
    return query.outerjoin(consegne_export, consegne_export.c.prenotazione_id == prenotazioni_export.c.id)


def _newest(
    session: Session,
    query: Select[Any],
    table: Table,
    at: Any,
    ente_id: int | None,
    dal: datetime | None,
    al: datetime | None,
    limit: int,
) -> Sequence[Row[Any]]:
    wanted = [table.c.ente_id == ente_id] if ente_id is not None else []
    wanted += [at >= dal] if dal is not None else []
    wanted += [at < al] if al is not None else []
    return session.execute(query.where(*wanted).order_by(table.c.id.desc()).limit(limit)).all()
