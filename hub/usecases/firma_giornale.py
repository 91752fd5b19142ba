"""Once a day the head of every chain of the journal is signed; what is too old is removed, and where is signed too.

A signed head is what tells a tail that was cut off; a signed cut is what tells removal by age from removal by hand.
Several workers may do it at once: the same thing is signed once.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from hub.domain.giornale import SENZA_ENTE, Genere, Sigillo
from hub.formats.firma_giornale import FirmaGiornale
from hub.store import giornale
from hub.store.database import Database

_ROMA = ZoneInfo("Europe/Rome")
# Heads signed in one transaction, and events removed in one: who writes beside waits for neither.
_TESTE = 200
_TAGLIO = 2000
# Batches of one chain at a tick: 100,000 events a minute are more than any hub takes in.
_TAGLI = 50


def sign_heads(db: Database, firma: FirmaGiornale, now: datetime) -> bool:
    """Sign the heads that have no signature of this day in Rome yet; True when there may be more."""
    giorno = now.astimezone(_ROMA).date()
    with db.reading() as session:
        due = giornale.unsigned(session, giorno, _TESTE)
    if not due:
        return False
    with db.transaction() as session:
        counted = giornale.count_catene(session)
        for row in due:
            # How many chains there are is said by the one that belongs to no ente.
            catene = counted if row.nome == SENZA_ENTE else 0
            head = (row.nome, row.ultimo_numero, bytes(row.ultima_impronta))
            sigillo = Sigillo(Genere.TESTA, *head, catene, now)
            giornale.add_firma(session, row.id, sigillo, giorno, firma.pubblica, firma.sign(sigillo.testo))
    return len(due) == _TESTE


def purge(db: Database, firma: FirmaGiornale, conserva: timedelta, now: datetime) -> bool:
    """Remove the events that are older than `conserva`, some batches of each chain; True when any was removed."""
    with db.reading() as session:
        catene = giornale.catene(session)
    removed = 0
    for catena in catene:
        for _ in range(_TAGLI):
            count = _purge_catena(db, firma, catena.id, catena.nome, now - conserva, now)
            removed += count
            if count < _TAGLIO:
                break
    return removed > 0


def _purge_catena(
    db: Database, firma: FirmaGiornale, catena_id: int, nome: str, before: datetime, now: datetime
) -> int:
    with db.reading() as session:
        last = giornale.oldest(session, catena_id, before, _TAGLIO)
    if last is None:
        return 0
    sigillo = Sigillo(Genere.TAGLIO, nome, last.numero, bytes(last.impronta), 0, now)
    giorno = now.astimezone(_ROMA).date()
    with db.transaction() as session:
        # Who comes second finds the mark of the first, and removes nothing.
        if not giornale.add_firma(session, catena_id, sigillo, giorno, firma.pubblica, firma.sign(sigillo.testo)):
            return 0
        return giornale.remove_until(session, catena_id, last.numero)
