"""Flows that will not go on by themselves: exports stuck for 12 hours, authorisations that nobody used.

Source: flows, 3.1 and 11 (every booked export ends in a final state).
"""

from __future__ import annotations

from datetime import datetime, timedelta

from hub.domain.flussi import GenereExport
from hub.domain.stati import StatoExport
from hub.store import flussi_import, prenotazioni_export
from hub.store.database import Database
from hub.usecases import esporta

STUCK_AFTER = timedelta(hours=12)
# An authorisation that ran out says nothing to anyone; a day is for who looks into why a file never came.
_FORGET_AFTER = timedelta(days=1)
_BATCH = 500


def run_once(db: Database, now: datetime) -> bool:
    """Close up to a batch of each; True when there may be more. A database at rest is only read."""
    forgotten_before, stuck_before = now - _FORGET_AFTER, now - STUCK_AFTER
    with db.reading() as session:
        has_stuck = bool(prenotazioni_export.stuck(session, stuck_before, 1))
        has_stale = flussi_import.has_unused(session, forgotten_before)
    if not has_stuck and not has_stale:
        return False
    with db.transaction() as session:
        rows = prenotazioni_export.stuck(session, stuck_before, _BATCH, lock=True)
        for row in rows:
            codice = esporta.ELABORAZIONE if row.genere == GenereExport.SCADUTI else None
            prenotazioni_export.move(
                session, row, to=StatoExport.ERROR_EXPORT, at=now, finished_at=now, codice_errore=codice
            )
        forgotten = flussi_import.forget_unused(session, forgotten_before, _BATCH)
    return _BATCH in (len(rows), forgotten)
