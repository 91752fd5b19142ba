"""Instants that a clock which was set back has left in the future: what waits for them would wait for hours or days.

Only what no right clock can have written is touched, so that any number of workers may do it, on machines whose clocks
are right too.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import and_, or_, update

from hub.domain.stati import StatoExport, StatoImport, StatoMessaggio
from hub.store import outbox as messaggi
from hub.store.database import Session
from hub.store.schema import circuiti, flussi_import, outbox, prenotazioni_export

# Two machines may disagree by as much.
_SKEW = timedelta(minutes=2)
# The longest pause before another attempt is a day.
_WAIT_MAX = timedelta(hours=25)
# The longest pause of a circuit is half an hour.
_CIRCUIT_MAX = timedelta(hours=1)
_WAITING = (StatoMessaggio.DA_INVIARE, StatoMessaggio.SCONOSCIUTO)


def bring_back(session: Session, now: datetime, lease_max: timedelta) -> int:
    """Let what waits for such an instant wait no more, and return how many rows that were.

    `lease_max`: no lease is longer. One that seems to be is over: if its holder lives, its write meets another fence.
    """
    is_written_later = outbox.c.created_at > now + _SKEW
    waits = and_(
        outbox.c.stato.in_(_WAITING),
        outbox.c.next_attempt_at > now,
        or_(is_written_later, outbox.c.next_attempt_at > now + _WAIT_MAX),
    )
    too_long = now + lease_max + _SKEW
    sent = and_(outbox.c.stato == StatoMessaggio.IN_INVIO, outbox.c.lease_until > too_long)
    flussi, export = flussi_import, prenotazioni_export
    statements = (
        update(outbox).where(waits).values(next_attempt_at=now),
        update(outbox).where(sent).values(next_attempt_at=now, lease_until=now),
        update(flussi)
        .where(flussi.c.stato == StatoImport.IMPORT_IN_ELAB, flussi.c.lease_until > too_long)
        .values(lease_until=now),
        update(export)
        .where(export.c.stato == StatoExport.EXPORT_IN_ELAB, export.c.lease_until > too_long)
        .values(lease_until=now),
        update(export)
        .where(export.c.stato == StatoExport.LOAD_EXPORT, export.c.eseguibile_at > now + _WAIT_MAX)
        .values(eseguibile_at=now),
        update(circuiti).where(circuiti.c.riprova_at > now + _CIRCUIT_MAX).values(riprova_at=now),
    )
    touched = sum(session.execute(statement).rowcount for statement in statements)
    messaggi.wake(session)
    return touched
