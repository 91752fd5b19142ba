"""Ids of signed messages are forgotten when no clock could take the message for a new one any more."""

from __future__ import annotations

from datetime import datetime, timedelta

from hub.store import messaggi_visti
from hub.store.database import Database

# A message is good for five minutes and two skews of one: an hour leaves room for machines whose clocks disagree.
KEEP = timedelta(hours=1)
_BATCH = 1000


def run_once(db: Database, now: datetime) -> bool:
    """Forget up to a batch of old ids; True when there may be more."""
    with db.transaction() as session:
        return messaggi_visti.purge(session, now - KEEP, _BATCH) == _BATCH
