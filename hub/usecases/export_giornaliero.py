"""Book the daily export of each ente, once for each window, and say where its file goes when it is there.

The windows follow each other without a gap: the next begins where the last one ended, at the hour of the night that was
due. Nights that nobody was there for are one window. Source: flows, 3.1 (half-open window) and 3.5.
"""

from __future__ import annotations

import uuid
from datetime import datetime, time, timedelta
from typing import Any

from sqlalchemy import Row

from hub.domain.flussi import GenereExport
from hub.domain.stati import StatoConsegna, StatoExport
from hub.formats.istanti import giorno_di, istante_di
from hub.log import get_logger
from hub.store import export_giornalieri, outbox, prenotazioni_export
from hub.store.database import Database, Session
from hub.usecases.consegna_export import TOPIC_EXPORT

# Windows that are seen to in one transaction.
_BATCH = 100
# Bookings of one window: an export that fails so often does not fail by chance.
_TENTATIVI_MAX = 5
_ENDS = {
    StatoExport.EXPORT_ESEGUITO: StatoConsegna.DISPONIBILE,
    StatoExport.EXPORT_ESEGUITO_NESSUN_DOVUTO_TROVATO: StatoConsegna.VUOTA,
    StatoExport.ERROR_EXPORT: StatoConsegna.FALLITA,
    StatoExport.EXPORT_CANCELLATO: StatoConsegna.FALLITA,
}


def run_once(db: Database, now: datetime) -> bool:
    """Book what is due and see to what is ready; True when there was something."""
    with db.reading() as session:
        due = [row for row in export_giornalieri.active(session) if _end(row, now) > row.fino_a]
        is_ready = bool(export_giornalieri.ready(session, list(_ENDS), 1))
    booked = [row for row in due if _book_window(db, row, now)]
    return (is_ready and _see_to_ready(db, now)) or bool(booked)


def _end(row: Row[Any], now: datetime) -> datetime:
    """The last instant at which an export of this ente was due."""
    today, ora = giorno_di(now), time.fromisoformat(row.ora)
    at = istante_di(today, ora)
    return at if at <= now else istante_di(today - timedelta(days=1), ora)


def _book_window(db: Database, row: Row[Any], now: datetime) -> bool:
    da, a = row.fino_a, _end(row, now)
    with db.transaction() as session:
        # The condition and the unique window: of several workers one books.
        if not export_giornalieri.take_window(session, row.ente_id, da, a):
            return False
        prenotazione = _book(session, row, da, a, now)
        export_giornalieri.add_consegna(
            session, now=now, ente_id=row.ente_id, istante_da=da, istante_a=a, prenotazione_id=prenotazione.id
        )
    get_logger().info(
        "export_giornaliero_prenotato",
        ente=row.cod_ipa_ente,
        request_token=prenotazione.request_token,
        istante_da=da.isoformat(),
        istante_a=a.isoformat(),
    )
    return True


def _book(session: Session, row: Row[Any], da: datetime, a: datetime, now: datetime) -> Row[Any]:
    request_token = str(uuid.uuid4())
    prenotazioni_export.add(
        session,
        now=now,
        request_token=request_token,
        ente_id=row.ente_id,
        genere=str(GenereExport.PAGATI),
        versione=row.versione,
        tipi=row.tipi,
        ricevuta=row.ricevuta,
        incrementale=True,
        istante_da=da,
        istante_a=a,
        eseguibile_at=now,
    )
    prenotazione = prenotazioni_export.find(session, GenereExport.PAGATI, request_token)
    assert prenotazione is not None
    return prenotazione


def _see_to_ready(db: Database, now: datetime) -> bool:
    with db.transaction() as session:
        rows = export_giornalieri.ready(session, list(_ENDS), _BATCH, lock=True)
        for row in rows:
            _see_to(session, row, StatoExport(row.stato_export), now)
    return bool(rows)


def _see_to(session: Session, row: Row[Any], stato: StatoExport, now: datetime) -> None:
    """Leave the file to be downloaded, or write the message that carries it to the ente; book again what failed."""
    wanted = export_giornalieri.find(session, row.ente_id)
    assert wanted is not None
    to = _ENDS[stato]
    if to == StatoConsegna.FALLITA and row.tentativi < _TENTATIVI_MAX:
        # The watermark has passed this window: without another booking its payments would never be told.
        again = _book(session, wanted, row.istante_da, row.istante_a, now)
        export_giornalieri.book_again(session, row, again.id, now)
    elif to == StatoConsegna.DISPONIBILE and wanted.sftp_host is not None:
        messaggio_id = outbox.put(
            # One file after the other for each ente: they are increments.
            session, TOPIC_EXPORT, str(row.ente_id), b"", correlation_id=row.request_token, now=now, ente_id=row.ente_id
        )  # fmt: skip
        export_giornalieri.move(session, row, to=StatoConsegna.IN_CONSEGNA, at=now, messaggio_id=messaggio_id)
    else:
        export_giornalieri.move(session, row, to=to, at=now)
    get_logger().info("export_giornaliero", ente=row.ente_id, request_token=row.request_token, stato=str(stato))
