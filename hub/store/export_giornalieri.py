"""Daily exports: what each ente gets, until when it has it, and what became of each window that was booked."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Row, insert, select, update

from hub.domain.errors import NotFound
from hub.domain.stati import StatoConsegna, StatoExport
from hub.store.database import Session
from hub.store.movement import move_row
from hub.store.schema import consegne_export, enti, export_giornalieri, prenotazioni_export


def find(session: Session, ente_id: int) -> Row[Any] | None:
    return session.execute(select(export_giornalieri).where(export_giornalieri.c.ente_id == ente_id)).one_or_none()


def add(session: Session, **values: Any) -> None:
    session.execute(insert(export_giornalieri), values)


def change(session: Session, ente_id: int, **values: Any) -> None:
    session.execute(update(export_giornalieri).where(export_giornalieri.c.ente_id == ente_id).values(**values))


def active(session: Session) -> Sequence[Row[Any]]:
    """Those that are switched on, each with its `cod_ipa_ente`."""
    query = select(export_giornalieri, enti.c.cod_ipa_ente).join(enti, enti.c.id == export_giornalieri.c.ente_id)
    query = query.where(export_giornalieri.c.attivo, export_giornalieri.c.fino_a.is_not(None))
    return session.execute(query.order_by(export_giornalieri.c.ente_id)).all()


def take_window(session: Session, ente_id: int, da: datetime, a: datetime) -> bool:
    """Move the watermark from `da` to `a`; False when somebody else has, or it was switched off."""
    where = (export_giornalieri.c.ente_id == ente_id, export_giornalieri.c.fino_a == da, export_giornalieri.c.attivo)
    return session.execute(update(export_giornalieri).where(*where).values(fino_a=a)).rowcount == 1


def add_consegna(session: Session, *, now: datetime, **values: Any) -> None:
    stato = str(StatoConsegna.PRENOTATA)
    session.execute(insert(consegne_export), {"stato": stato, "created_at": now, "updated_at": now} | values)


def ready(session: Session, stati: Collection[StatoExport], limit: int, *, lock: bool = False) -> list[Row[Any]]:
    """Booked windows whose export has come to one of these ends, oldest first, with its `stato_export` and token."""
    query = (
        select(
            consegne_export,
            prenotazioni_export.c.stato.label("stato_export"),
            prenotazioni_export.c.request_token,
        )
        .join(prenotazioni_export, prenotazioni_export.c.id == consegne_export.c.prenotazione_id)
        .where(consegne_export.c.stato == StatoConsegna.PRENOTATA, prenotazioni_export.c.stato.in_(stati))
        .order_by(consegne_export.c.id)
        .limit(limit)
    )
    return list(session.execute(query.with_for_update(skip_locked=True, of=consegne_export) if lock else query))


def by_messaggio(session: Session, messaggio_id: int) -> Row[Any]:
    """The window whose file a message carries, with the `file` of its export. Raises: NotFound."""
    query = select(consegne_export, prenotazioni_export.c.file).join(
        prenotazioni_export, prenotazioni_export.c.id == consegne_export.c.prenotazione_id
    )
    row = session.execute(query.where(consegne_export.c.messaggio_id == messaggio_id)).one_or_none()
    if row is None:
        raise NotFound(f"il messaggio {messaggio_id} non è la consegna di un export")
    return row


def move(session: Session, row: Row[Any], *, to: StatoConsegna, at: datetime, **values: Any) -> None:
    move_row(session, consegne_export, consegne_export.c.id, row, StatoConsegna, to, at, **values)


def book_again(session: Session, row: Row[Any], prenotazione_id: int, now: datetime) -> None:
    """Give a window another booking in place of one that failed."""
    session.execute(
        update(consegne_export)
        .where(consegne_export.c.id == row.id)
        .values(prenotazione_id=prenotazione_id, tentativi=row.tentativi + 1, updated_at=now)
    )
