"""The services through which an ente lets notices be made on demand, and the notices that were. Source: node, 3.6."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import Row, delete, insert, select
from sqlalchemy.dialects import postgresql, sqlite

from hub.store.database import Session
from hub.store.schema import avvisi_richiesti, servizi_avviso


def of_ente(session: Session, ente_id: int) -> list[Row[Any]]:
    query = select(servizi_avviso).where(servizi_avviso.c.ente_id == ente_id)
    return list(session.execute(query.order_by(servizi_avviso.c.id_servizio, servizi_avviso.c.id_soggetto)))


def find(session: Session, ente_id: int, id_servizio: str, id_soggetto: str) -> Row[Any] | None:
    query = select(servizi_avviso).where(
        servizi_avviso.c.ente_id == ente_id,
        servizi_avviso.c.id_servizio == id_servizio,
        servizi_avviso.c.id_soggetto == id_soggetto,
    )
    return session.execute(query).one_or_none()


def replace(session: Session, ente_id: int, rows: list[dict[str, Any]]) -> None:
    """Let the ente have these services and no others."""
    session.execute(delete(servizi_avviso).where(servizi_avviso.c.ente_id == ente_id))
    if rows:
        session.execute(insert(servizi_avviso), [{**row, "ente_id": ente_id} for row in rows])


def find_richiesto(session: Session, ente_id: int, id_servizio: str, id_soggetto: str, impronta: str) -> str | None:
    """The IUD of the notice that was last made for these data."""
    query = select(avvisi_richiesti.c.iud).where(
        avvisi_richiesti.c.ente_id == ente_id,
        avvisi_richiesti.c.id_servizio == id_servizio,
        avvisi_richiesti.c.id_soggetto == id_soggetto,
        avvisi_richiesti.c.impronta == impronta,
    )
    return session.execute(query).scalar_one_or_none()


def note_richiesto(session: Session, at: datetime, **values: Any) -> None:
    """Keep which notice was made for some data; a new one takes the place of the one before."""
    dialect = postgresql if session.dialect.name == "postgresql" else sqlite
    statement = dialect.insert(avvisi_richiesti).values(values | {"created_at": at})
    session.execute(
        statement.on_conflict_do_update(
            index_elements=["ente_id", "id_servizio", "id_soggetto", "impronta"],
            set_={"iud": statement.excluded.iud, "created_at": statement.excluded.created_at},
        )
    )
