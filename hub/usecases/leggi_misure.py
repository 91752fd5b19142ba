"""What /metrics tells of the database: read by one process for all of them, and not more often than it is worth.

Nothing here walks over the dovuti: what is counted is open or set aside, and has an index of its own. Settlement flows
that are missing are looked for among the payments, ente by ente, a few times a day, by a worker.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from hub import misure as m
from hub.domain.acquisizione_fdr import FINESTRA
from hub.domain.avanzamento import avanzamento_di
from hub.domain.calendario import Attesa, atteso_entro
from hub.domain.stati import StatoMessaggio
from hub.domain.tassonomia import Vigore
from hub.formats.istanti import giorno_di
from hub.misure import Lette
from hub.store import (
    acquisizioni_fdr,
    circuiti,
    misure,
    outbox,
    pagati_fdr,
    pulizie_archivio,
    registro,
    rendicontazioni,
    rt_ricevute,
    tassonomia,
    tentativi,
)
from hub.store.database import Database, Session
from hub.usecases.calendario_fdr import PERIODO
from hub.usecases.scadenze_stazioni import scadenze_stazioni
from hub.usecases.tentativi_aperti import VECCHIO

_PRONTA, _FDR = "pronta", "fdr"
# Who took the reading and died: another one reads after so long.
_HOLD = timedelta(minutes=1)
# Of the database's time a reading may take one part in so many; and yet it is not older than this.
_SHARE = 20
_OLDEST = timedelta(minutes=5)
# A flow comes once a day.
_FDR_EVERY = timedelta(hours=6)
_FDR_HOLD = timedelta(hours=1)
# Of one ente; more says nothing more.
_MISSING_MAX = 10_000
_DAY = timedelta(days=1)
# Nought where there is none, so that an alarm ends.
_STATI_TENTATIVO = ("DA_INVIARE", "SCONOSCIUTO", "IN_ATTESA", "IN_RITARDO", "VECCHIO")
_STATI_MESSAGGIO = ("DA_INVIARE", "SCONOSCIUTO", "IN_INVIO", "PARCHEGGIATO")
_ETA = {
    "1m": timedelta(minutes=1),
    "10m": timedelta(minutes=10),
    "1h": timedelta(hours=1),
    "24h": timedelta(days=1),
}
_OLTRE = "oltre"


@dataclass(frozen=True, slots=True)
class Lettura:
    """`topics`: those told even when they have no message. `attesa`: for how long a receipt is not overdue. `every`:
    for how long a reading is good for all processes; nought: each reads for itself."""

    topics: Collection[str]
    attesa: timedelta
    every: timedelta


def leggi_misure(db: Database, lettura: Lettura, clock: Callable[[], datetime]) -> Lette:
    """Return the newest reading; who finds it too old reads for everybody. Raises: OutOfService."""
    now = clock()
    with db.reading() as session:
        row, of_fdr = misure.find(session, _PRONTA), misure.find(session, _FDR)
    missing: Lette = {} if of_fdr is None else of_fdr.valori or {}
    if lettura.every and misure.is_due(row, now):
        with db.transaction() as session:
            is_mine = misure.take(session, _PRONTA, now, now + _HOLD)
        if is_mine:
            return missing | _read_for_all(db, lettura, clock)
    if lettura.every and row is not None and row.valori is not None:
        return missing | row.valori | _about(row.letta_at, row.durata_ms, now)
    # Nobody has ended a reading yet.
    with db.reading() as session:
        return missing | _read(session, lettura, now) | _about(now, 0, now)


def _read_for_all(db: Database, lettura: Lettura, clock: Callable[[], datetime]) -> Lette:
    began = clock()
    with db.reading() as session:
        valori = _read(session, lettura, began)
    ended = clock()
    took = max(ended - began, timedelta(0))
    until = ended + min(max(lettura.every, _SHARE * took), max(_OLDEST, lettura.every))
    with db.transaction() as session:
        misure.keep(session, _PRONTA, valori, began, took // timedelta(milliseconds=1), until)
    return valori | _about(began, took // timedelta(milliseconds=1), ended)


def _about(letta_at: datetime, durata_ms: int, now: datetime) -> Lette:
    return _one(m.DATABASE, 1) | _one(m.LETTURA_ETA_S, _age_s(letta_at, now)) | _one(m.LETTURA_MS, durata_ms)


def count_missing_fdr(db: Database, now: datetime) -> bool:
    """Count the payments whose settlement flow should be here, when it is time. There is never more to do."""
    with db.reading() as session:
        if not misure.is_due(misure.find(session, _FDR), now):
            return False
    with db.transaction() as session:
        if not misure.take(session, _FDR, now, now + _FDR_HOLD):
            return False
    today = giorno_di(now)
    late, lost = _last_due(today), _last_due(today - FINESTRA)
    spans = {Attesa.IN_RITARDO: (lost + _DAY, late), Attesa.DA_CHIEDERE: (today - PERIODO, lost)}
    with db.reading() as session:
        enti = acquisizioni_fdr.ente_ids(session)
        counts = {
            str(stato): sum(pagati_fdr.count_not_settled(session, dal, al, ente, _MISSING_MAX) for ente in enti)
            for stato, (dal, al) in spans.items()
        }
    with db.transaction() as session:
        misure.keep(session, _FDR, _by(m.PAGATI_SENZA_FDR, counts), now, 0, now + _FDR_EVERY)
    return False


def _last_due(today: date) -> date:
    """The last day of payments whose flow is late today."""
    day = today
    while atteso_entro(day) >= today:
        day -= _DAY
    return day


def _read(session: Session, lettura: Lettura, now: datetime) -> Lette:
    return (
        _messaggi(session, lettura.topics, now)
        | _tentativi(session, now, lettura.attesa)
        | _ricevute(session, now)
        | _flussi(session, now)
        | _del_resto(session)
    )


def _messaggi(session: Session, topics: Iterable[str], now: datetime) -> Lette:
    stati = dict.fromkeys(_STATI_MESSAGGIO, 0)
    by_topic = {(topic, stato): 0 for topic in topics for stato in _STATI_MESSAGGIO}
    oldest, overdue = dict.fromkeys(topics, 0), dict.fromkeys(topics, 0)
    for row in outbox.by_topic(session):
        stati[row.stato] += row.numero
        by_topic[row.topic, row.stato] = row.numero
        if row.stato != StatoMessaggio.PARCHEGGIATO:
            oldest[row.topic] = max(oldest.get(row.topic, 0), _age_s(row.created_at, now))
            overdue[row.topic] = max(overdue.get(row.topic, 0), _age_s(row.next_at, now))
    return (
        _by(m.MESSAGGI, stati)
        | {m.MESSAGGI_TOPIC.name: [([*labels], number) for labels, number in by_topic.items()]}
        | _by(m.MESSAGGI_ETA_S, oldest)
        | _by(m.MESSAGGI_ATTESA_S, overdue)
    )


def _tentativi(session: Session, now: datetime, attesa: timedelta) -> Lette:
    stati = dict.fromkeys(_STATI_TENTATIVO, 0) | tentativi.count_open(session, now - attesa, now - VECCHIO)
    ages = {(str(stato), eta): 0 for stato in tentativi.APERTI for eta in (*_ETA, _OLTRE)}
    oldest = dict.fromkeys(map(str, tentativi.APERTI), 0)
    for row in tentativi.ages_open(session, [(name, now - age) for name, age in _ETA.items()], _OLTRE):
        ages[row.stato, row.eta] = row.numero
        oldest[row.stato] = max(oldest[row.stato], _age_s(row.created_at, now))
    circuits = [
        ([row.stazione_id, row.servizio], int(row.aperto_at is not None)) for row in circuiti.all_rows(session)
    ]
    return (
        _by(m.TENTATIVI, stati)
        | {m.TENTATIVI_ETA.name: [([*labels], number) for labels, number in ages.items()]}
        | _by(m.TENTATIVI_ETA_S, oldest)
        | {m.CIRCUITI.name: circuits}
    )


def _ricevute(session: Session, now: datetime) -> Lette:
    return (
        _by(m.RICEVUTE, rt_ricevute.counts(session))
        | _one(m.RICEVUTE_ATTESA_S, _age_s(rt_ricevute.oldest_waiting(session), now))
        | _by(m.RENDICONTAZIONI, rendicontazioni.count_by_stato(session))
        | _one(m.RENDICONTAZIONI_FERME, acquisizioni_fdr.count_stopped(session))
        | _one(m.RENDICONTAZIONI_LISTA_S, _age_s(acquisizioni_fdr.oldest_list(session), now))
        | _one(m.RENDICONTAZIONI_LACUNE, acquisizioni_fdr.count_lacune(session))
    )


def _flussi(session: Session, now: datetime) -> Lette:
    under_way = [avanzamento_di(row, now) for row in registro.in_elaboration(session)]
    return (
        _by(m.IMPORT, registro.count_imports(session))
        | _by(m.FLUSSI, registro.count_flussi(session))
        | _by(m.EXPORT, registro.count_exports(session))
        | _one(m.IMPORT_RIGHE, sum(fatto.righe for fatto in under_way))
        | _one(m.IMPORT_RESTO, sum(fatto.righe_rimaste for fatto in under_way))
        | _one(m.IMPORT_RITMO, sum(fatto.righe_al_secondo for fatto in under_way))
        | _one(m.IMPORT_ATTESA_S, _age_s(registro.oldest_waiting(session), now))
    )


def _del_resto(session: Session) -> Lette:
    rimossi, rimossi_bytes = pulizie_archivio.removed(session)
    # As the worker counted them last.
    avvisi = tassonomia.stato(session).avvisi or {}
    ends = [([one.stazione, one.cosa], int(one.scade_at.timestamp())) for one in scadenze_stazioni(session)]
    return (
        _by(m.TASSONOMIA, {str(vigore): avvisi.get(vigore, 0) for vigore in Vigore if vigore != Vigore.VALIDO})
        | {m.SCADENZE.name: ends}
        | _by(m.FILE_RIMOSSI, rimossi)
        | _one(m.BYTE_RIMOSSI, rimossi_bytes)
    )


def _by(misura: m.Misura, counts: Mapping[str, int]) -> Lette:
    return {misura.name: [([name], number) for name, number in counts.items()]}


def _one(misura: m.Misura, number: int) -> Lette:
    return {misura.name: [([], number)]}


def _age_s(since: datetime | None, now: datetime) -> int:
    return 0 if since is None else max((now - since) // timedelta(seconds=1), 0)
