"""The REST services of the stations, with their sealed keys."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Row, delete, insert, select, update

from hub.store.database import Session
from hub.store.schema import servizi_rest


def find(session: Session, stazione_id: str, servizio: str) -> Row[Any] | None:
    where = (servizi_rest.c.stazione_id == stazione_id, servizi_rest.c.servizio == servizio)
    return session.execute(select(servizi_rest).where(*where)).one_or_none()


def of_stazione(session: Session, stazione_id: str) -> list[Row[Any]]:
    query = select(servizi_rest).where(servizi_rest.c.stazione_id == stazione_id)
    return list(session.execute(query.order_by(servizi_rest.c.servizio)))


def add(session: Session, **values: Any) -> None:
    session.execute(insert(servizi_rest), values)


def change(session: Session, stazione_id: str, servizio: str, **values: Any) -> None:
    where = (servizi_rest.c.stazione_id == stazione_id, servizi_rest.c.servizio == servizio)
    session.execute(update(servizi_rest).where(*where).values(**values))


def remove(session: Session, stazione_id: str, servizio: str) -> None:
    where = (servizi_rest.c.stazione_id == stazione_id, servizi_rest.c.servizio == servizio)
    session.execute(delete(servizi_rest).where(*where))
