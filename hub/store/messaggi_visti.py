"""Signed messages that were seen: the first one of an id wins, for every process on the database."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import delete, select
from sqlalchemy.dialects import postgresql, sqlite

from hub.store.database import Session
from hub.store.schema import messaggi_visti


def add(session: Session, impronta: str, message_id: str, now: datetime) -> bool:
    """Keep the id of a message signed with a certificate; False when it was there already."""
    dialect = postgresql if session.dialect.name == "postgresql" else sqlite
    values = {"impronta": impronta, "message_id": message_id, "visto_at": now}
    statement = dialect.insert(messaggi_visti).values(values).on_conflict_do_nothing()
    return session.execute(statement.returning(messaggi_visti.c.message_id)).first() is not None


def purge(session: Session, before: datetime, limit: int) -> int:
    """Forget up to `limit` messages seen before an instant and return how many they were."""
    old = select(messaggi_visti.c.id).where(messaggi_visti.c.visto_at < before).limit(limit)
    return session.execute(delete(messaggi_visti).where(messaggi_visti.c.id.in_(old))).rowcount
