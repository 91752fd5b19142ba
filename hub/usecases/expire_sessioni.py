"""Sessions whose payer never came become SCADUTO. Source: pa-per-ente, paaSILInviaDovuti: one hour."""

from __future__ import annotations

from datetime import datetime, timedelta

from hub.domain.stati import StatoSessione
from hub.store import sessioni
from hub.store.database import Database

_BATCH = 500


def run_once(db: Database, grace: timedelta, now: datetime) -> bool:
    """Close up to a batch of sessions past term and grace; True when there may be more."""
    with db.reading() as session:
        if not sessioni.expired(session, now - grace, 1):
            return False
    with db.transaction() as session:
        rows = sessioni.expired(session, now - grace, _BATCH, lock=True)
        for row in rows:
            sessioni.move(session, row, to=StatoSessione.SCADUTO, at=now)
    return len(rows) == _BATCH
