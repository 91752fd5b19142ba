"""Outcomes told to the entes, and where they go. The outbox carries them; here is what each of them is."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import Row, bindparam, func, insert, select, update

from hub.domain.errors import NotFound
from hub.store.database import Session
from hub.store.schema import endpoint_esito, eventi_esito

# Built once: making a statement costs more than running it.
_LAST = select(func.max(eventi_esito.c.sequenza)).where(
    eventi_esito.c.ente_id == bindparam("ente_id"), eventi_esito.c.iud == bindparam("iud")
)
_BY_MESSAGGIO = select(eventi_esito).where(eventi_esito.c.messaggio_id == bindparam("messaggio_id"))
_ENDPOINT = select(endpoint_esito).where(
    endpoint_esito.c.ente_id == bindparam("ente_id"), endpoint_esito.c.tipo == bindparam("tipo")
)


def next_sequenza(session: Session, ente_id: int, iud: str) -> int:
    """The number of the next outcome of a dovuto, from 1; the caller's transaction has just changed the dovuto."""
    return (session.execute(_LAST, {"ente_id": ente_id, "iud": iud}).scalar_one() or 0) + 1


def add(session: Session, **values: Any) -> None:
    session.execute(insert(eventi_esito), values)


def by_messaggio(session: Session, messaggio_id: int) -> Row[Any]:
    """Raises: NotFound."""
    row = session.execute(_BY_MESSAGGIO, {"messaggio_id": messaggio_id}).one_or_none()
    if row is None:
        raise NotFound(f"il messaggio {messaggio_id} non è un inoltro di esito")
    return row


def set_consegnato(session: Session, id: str, at: datetime) -> None:
    session.execute(update(eventi_esito).where(eventi_esito.c.id == id).values(consegnato_at=at))


def find_endpoint(session: Session, ente_id: int, tipo: str) -> Row[Any] | None:
    return session.execute(_ENDPOINT, {"ente_id": ente_id, "tipo": tipo}).one_or_none()


def add_endpoint(session: Session, **values: Any) -> None:
    session.execute(insert(endpoint_esito), values)


def change_endpoint(session: Session, ente_id: int, tipo: str, **values: Any) -> None:
    where = (endpoint_esito.c.ente_id == ente_id, endpoint_esito.c.tipo == tipo)
    session.execute(update(endpoint_esito).where(*where).values(**values))
