"""What has had its effect and is looked at by nobody any more goes: delivered messages, sessions that nobody paid.

Evidence of money never goes: receipts with their bytes, RPTs, carrelli, dovuti and their history, what the node was
told, settlement flows, the events told to entes. Source: pa-per-ente, life-cycle of a session (5.2).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from hub.store import outbox, sessioni
from hub.store.database import Database

# One transaction of some tens of milliseconds; at one a minute a million messages a day go.
_BATCH = 1000


@dataclass(frozen=True, slots=True)
class Permanenza:
    """How long delivered messages are kept after their delivery, unpaid sessions after they ran out."""

    messaggi: timedelta
    sessioni: timedelta

    @classmethod
    def of_giorni(cls, messaggi: int, sessioni: int) -> Permanenza:
        return cls(timedelta(days=messaggi), timedelta(days=sessioni))


def run_once(db: Database, permanenza: Permanenza, now: datetime) -> bool:
    """Forget up to a batch of each; True when there may be more. A database at rest is only read."""
    delivered_before, ended_before = now - permanenza.messaggi, now - permanenza.sessioni
    with db.reading() as session:
        has_messages = outbox.has_delivered(session, delivered_before)
        has_sessions = sessioni.has_unpaid(session, ended_before)
    forgotten = [0]
    if has_messages:
        with db.transaction() as session:
            forgotten.append(outbox.forget_delivered(session, delivered_before, _BATCH))
    if has_sessions:
        with db.transaction() as session:
            forgotten.append(sessioni.forget_unpaid(session, ended_before, _BATCH))
    return _BATCH in forgotten
