"""Shares of paid dovuti that belong to a second beneficiary, found by his tax code."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from sqlalchemy import Row
from sqlalchemy.dialects import postgresql, sqlite

from hub.store.database import Session
from hub.store.schema import quote_secondarie


def put(session: Session, dovuto: Row[Any], data_esito: date, at: datetime) -> None:
    """Keep the share of a dovuto that a receipt says is paid. `at`: the date that its payment carries."""
    dialect = postgresql if session.dialect.name == "postgresql" else sqlite
    changed = {"data_esito": data_esito, "updated_at": at}
    key = {"dovuto_id": dovuto.id, "codice_fiscale": dovuto.secondario["codice_fiscale"]}
    statement = dialect.insert(quote_secondarie).values(key | changed)
    session.execute(statement.on_conflict_do_update(index_elements=[quote_secondarie.c.dovuto_id], set_=changed))
