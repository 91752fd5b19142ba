"""What a get was answered, by dominio and IUV: a receipt is held against it. Source: node, 3.5.1, step 4."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import Executable, Row, select
from sqlalchemy.dialects import postgresql, sqlite

from hub.store.database import Session
from hub.store.schema import attivazioni


def _upsert(dialect: Any) -> Executable:
    statement = dialect.insert(attivazioni)
    latest = {name: statement.excluded[name] for name in ("stazione_id", "primitiva", "nota", "ultima_at")}
    counted = latest | {"volte": attivazioni.c.volte + 1}
    upsert: Executable = statement.on_conflict_do_update(index_elements=["dominio", "iuv", "impronta"], set_=counted)
    return upsert


# Made once: the node asks for a notice while its payer waits.
_NOTE = {"postgresql": _upsert(postgresql), "sqlite": _upsert(sqlite)}


def note(session: Session, at: datetime, **values: Any) -> None:
    """Keep an answer; the same amounts to the same accounts again only count."""
    session.execute(_NOTE[session.dialect.name], values | {"prima_at": at, "ultima_at": at})


def answered(session: Session, dominio: str, iuv: str) -> list[Row[Any]]:
    """All different answers for a notice, the latest first. `trasferimenti`: idTransfer, cents, beneficiary, IBAN."""
    query = select(attivazioni).where(attivazioni.c.dominio == dominio, attivazioni.c.iuv == iuv)
    return list(session.execute(query.order_by(attivazioni.c.ultima_at.desc(), attivazioni.c.id.desc())))
