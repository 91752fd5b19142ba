"""What of the stations ends by itself, and when; told every day before it does. Source: node, security (5)."""

from __future__ import annotations

from datetime import datetime, timedelta

from hub.domain.scadenze import Scadenza
from hub.formats.identita_tls import read_catena
from hub.formats.istanti import inizio_di
from hub.log import get_logger
from hub.store import servizi_rest, stazioni
from hub.store.database import Database, Session


def scadenze_stazioni(session: Session) -> list[Scadenza]:
    """Return every end that is known, the nearest first."""
    found = []
    for row in stazioni.all_rows(session):
        if row.certificato is not None:
            found.append(Scadenza(row.id, "certificato", read_catena(row.certificato).valido_fino))
        for servizio in servizi_rest.of_stazione(session, row.id):
            if servizio.scade_il is not None:
                # Its last day is a whole one.
                end = inizio_di(servizio.scade_il + timedelta(days=1))
                found.append(Scadenza(row.id, f"chiave {servizio.servizio}", end))
    return sorted(found, key=lambda one: one.scade_at)


def run_once(db: Database, preavviso: timedelta, now: datetime) -> bool:
    """Write a log line for what has ended or soon will. There is never more to do."""
    with db.reading() as session:
        found = scadenze_stazioni(session)
    for one in found:
        if one.is_near(now, preavviso):
            get_logger().warning("credential_expiring", stazione=one.stazione, cosa=one.cosa, scade_at=one.scade_at)
    return False
