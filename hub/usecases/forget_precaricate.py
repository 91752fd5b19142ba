"""Sessions that a portal listed and whose payer never came are forgotten.

Each look at the open positions of a citizen makes a session for each of them; hardly any is opened. Source:
pa-per-ente, life-cycle of a session (5.2): what ran out is deleted after 240 hours.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from hub.store import portali
from hub.store.database import Database

KEEP = timedelta(hours=240)
_BATCH = 500


def run_once(db: Database, now: datetime) -> bool:
    """Forget up to a batch; True when there may be more."""
    with db.transaction() as session:
        return portali.forget_unopened(session, now - KEEP, _BATCH) == _BATCH
