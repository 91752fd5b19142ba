"""Open notices are kept at the platform too: published, changed and closed as their dovuti are.

What a position is worth is computed in the transaction that changes its dovuto, and leaves through the outbox, in order
for each position. What flows bring, and what was there before an ente began to publish, is found by a walk over its
dovuti. Source: node, ACA and debt positions (2.13).
"""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Collection, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from itertools import groupby
from typing import Any

from sqlalchemy import Row

from hub.crash import Punto, crash_point
from hub.domain.delivery import Classe, Delivery, Outcome
from hub.domain.documenti import MarcaBollo, QuotaSecondaria
from hub.domain.errors import IuvNonValido
from hub.domain.iuv import numero_avviso
from hub.domain.posizione import Trasferimento
from hub.domain.posizione_aca import PosizioneAca
from hub.domain.servizi_rest import Servizio
from hub.domain.stati import ORIGINI_NON_ARCHIVIATE, StatoDovuto, StatoMessaggio
from hub.formats.causale import causale_rpt
from hub.formats.istanti import ROMA
from hub.formats.posizione_aca import PosizioneNonValida, read_posizione, render_posizione
from hub.formats.posizione_intera import problem_of, read_posizione_intera, render_posizione_intera
from hub.formats.segreti import Cassaforte
from hub.log import get_logger
from hub.ports import Posizioni
from hub.store import enti, outbox, posizioni_pubblicate, tipi
from hub.store.database import Database, Session
from hub.store.outbox import Claimed
from hub.usecases import circuito
from hub.usecases.chiavi_servizio import read_chiavi
from hub.usecases.relay_outbox import Pazienza, Topic

TOPIC_POSIZIONI = "piattaforma.posizioni"
CORSIA = "posizioni"
# Two days of a platform that is down, with an hour at most between attempts.
_ATTEMPTS_MAX = 60
# The platform wants a day; of a notice that has none, one that nobody will see.
_SENZA_SCADENZA = date(2099, 12, 31)
# One transaction of the walk.
_STRETCH = 500
# Of one tick: a million dovuti are walked in a quarter of an hour, and other jobs are not kept waiting.
_STRETCHES = 150
# Whatever a deed forgot to tell is found within a day.
_OGNI = timedelta(days=1)
_APERTI = frozenset({StatoDovuto.INSERIMENTO_DOVUTO, StatoDovuto.PREDISPOSTO, StatoDovuto.PAGAMENTO_INIZIATO})


def queue_posizioni(session: Session, ente_id: int, iuv: Collection[str | None], now: datetime) -> int:
    """Put in the outbox what has changed of these notices, if their ente publishes them; return how many."""
    wanted = sorted({one for one in iuv if one})
    ente = posizioni_pubblicate.ente_that_publishes(session, ente_id) if wanted else None
    return 0 if ente is None else _queue(session, ente, wanted, now)


def _queue(session: Session, ente: Row[Any], wanted: Sequence[str], now: datetime) -> int:
    configurati = {row.codice: row for row in tipi.of_ente(session, ente.id)}
    known = posizioni_pubblicate.known(session, ente.codice_fiscale, wanted)
    versioni = posizioni_pubblicate.versioni(session, ente.id, wanted)
    queued = 0
    for iuv, rows in groupby(versioni, key=lambda row: row.iuv):
        posizione = _posizione(ente, configurati, list(rows))
        if posizione is None:
            continue
        before = known.get(iuv)
        reason = problem_of(posizione) if posizione.trasferimenti else None
        if reason is not None:
            posizione = replace(posizione, importo_cent=0, trasferimenti=())
        # What the platform never heard of needs no closing.
        if before is not None or not posizione.is_chiusura:
            queued += _put(session, ente, posizione, before, now)
        if reason is not None:
            _note(session, ente, posizione, before, reason, now)
        elif posizione.is_chiusura and before is not None and before.stato == posizioni_pubblicate.NON_AMMESSA:
            stato = posizioni_pubblicate.CHIUSA
            posizioni_pubblicate.change(session, posizione.dominio, iuv, stato=stato, motivo=None, updated_at=now)
    return queued


def _put(session: Session, ente: Row[Any], posizione: PosizioneAca, before: Row[Any] | None, now: datetime) -> bool:
    try:
        is_whole = posizione.trasferimenti and not posizione.is_chiusura
        body = render_posizione_intera(posizione) if is_whole else render_posizione(posizione)
    except PosizioneNonValida as error:
        _note(session, ente, posizione, before, str(error), now)
        return False
    digest = hashlib.sha256(body).hexdigest()
    if before is not None and before.sha256 == digest and before.stato != posizioni_pubblicate.RIFIUTATA:
        return False
    if before is not None and posizione.is_chiusura and before.importo_cent == 0:
        return False
    values = {
        "importo_cent": posizione.importo_cent,
        "sha256": digest,
        "stato": posizioni_pubblicate.IN_CODA,
        "motivo": None,
        "updated_at": now,
    }
    if before is None:
        posizioni_pubblicate.add(
            session, dominio=posizione.dominio, iuv=posizione.iuv, ente_id=ente.id, **values
        )
    else:
        posizioni_pubblicate.change(session, posizione.dominio, posizione.iuv, **values)
    key = f"{posizione.dominio}/{posizione.iuv}"
    outbox.put(session, TOPIC_POSIZIONI, key, body, uuid.uuid4().hex, now, ente_id=ente.id)
    return True


def _note(
    session: Session, ente: Row[Any], posizione: PosizioneAca, before: Row[Any] | None, reason: str, now: datetime
) -> None:
    """Keep why a notice is not at the platform, for `pontepa ente posizioni`."""
    if before is not None and (before.stato, before.motivo) == (posizioni_pubblicate.NON_AMMESSA, reason[:500]):
        return
    values = {"importo_cent": 0, "sha256": "", "stato": posizioni_pubblicate.NON_AMMESSA, "motivo": reason[:500]}
    if before is None:
        key = {"dominio": posizione.dominio, "iuv": posizione.iuv, "ente_id": ente.id}
        posizioni_pubblicate.add(session, **key, **values, updated_at=now)
    else:
        posizioni_pubblicate.change(session, posizione.dominio, posizione.iuv, **values, updated_at=now)
    get_logger().warning("position_not_publishable", ente=ente.cod_ipa_ente, iuv=posizione.iuv, error=reason)


def _posizione(ente: Row[Any], configurati: dict[str, Row[Any]], rows: list[Row[Any]]) -> PosizioneAca | None:
    """What a notice is worth now, 0 when it may not be paid; None when it is none that could be published."""
    row = rows[0]
    try:
        numero = numero_avviso(row.iuv, codice_applicazione=ente.codice_segregazione)
    except IuvNonValido:
        return None
    tipo = configurati.get(row.tipo)
    pagatore = row.pagatore or {}
    attuali = [one for one in rows if one.attuale]
    is_open = _is_open(attuali)
    lines = _trasferimenti(ente, configurati, attuali) if is_open else ()
    # One amount to one account is all that the upsert can say.
    is_simple = len(lines) == 1 and lines[0].marca is None
    return PosizioneAca(
        dominio=ente.codice_fiscale,
        iuv=row.iuv,
        numero_avviso=numero,
        debitore_tipo=row.pagatore_tipo or "F",
        debitore_codice=row.pagatore_codice or "ANONIMO",
        debitore_nome=pagatore.get("anagrafica") or "ANONIMO",
        importo_cent=sum(line.importo_cent for line in lines),
        causale=row.causale,
        scade_at=_end_of(row.scadenza or _SENZA_SCADENZA),
        iban=(tipo.iban if tipo is not None else None) or ente.iban,
        iban_postale=tipo.iban_postale if tipo is not None else None,
        is_perentoria=bool(tipo is not None and tipo.scadenza_obbligatoria),
        nome_ente="" if is_simple else ente.nome,
        trasferimenti=() if is_simple else lines,
    )


def _is_open(attuali: list[Row[Any]]) -> bool:
    """Whether the platform may keep it as payable."""
    return bool(attuali) and all(
        not row.iuv_volatile and row.origine not in ORIGINI_NON_ARCHIVIATE and row.stato in _APERTI for row in attuali
    )


def _trasferimenti(
    ente: Row[Any], configurati: dict[str, Row[Any]], rows: list[Row[Any]]
) -> tuple[Trasferimento, ...]:
    """The ente's own shares, then those of second beneficiaries, as `posizione_avviso` tells them to the node."""
    lines: list[dict[str, Any]] = []
    for row in rows:
        tipo = configurati.get(row.tipo)
        line = {
            "importo_cent": row.importo_cent,
            "beneficiario": ente.codice_fiscale,
            "nome": ente.nome,
            "causale": causale_rpt(row.iuv, row.importo_cent, row.causale),
            "tassonomia": row.dati_specifici,
        }
        if row.marca is not None:
            lines.append(line | {"marca": MarcaBollo(**row.marca)})
        else:
            conto = (tipo.iban if tipo is not None else None) or ente.iban
            lines.append(line | {"iban": conto, "iban_postale": tipo.iban_postale if tipo is not None else None})
    for row in rows:
        if row.secondario:
            quota = QuotaSecondaria(**row.secondario)
            causale = causale_rpt(row.iuv, quota.importo_cent, quota.causale or row.causale)
            lines.append(
                {
                    "importo_cent": quota.importo_cent,
                    "beneficiario": quota.codice_fiscale,
                    "nome": quota.denominazione,
                    "causale": causale,
                    "tassonomia": quota.dati_specifici,
                    "iban": quota.iban,
                }
            )
    return tuple(Trasferimento(number, **line) for number, line in enumerate(lines, 1))


def _end_of(day: date) -> datetime:
    return datetime.combine(day, time(23, 59, 59), ROMA).astimezone(UTC)


def run_once(db: Database, now: datetime) -> bool:
    """Walk some stretches of the dovuti of each ente that publishes and has something new; True when there was any."""
    with db.reading() as session:
        walking = [ente for ente in posizioni_pubblicate.enti_that_publish(session) if _has_more(session, ente, now)]
    has_worked = bool(walking)
    for _ in range(_STRETCHES):
        walking = [ente for ente in walking if _walk(db, ente, now)]
    return has_worked


def _has_more(session: Session, ente: Row[Any], now: datetime) -> bool:
    ripasso = posizioni_pubblicate.find_ripasso(session, ente.id)
    return ripasso is None or ripasso.fino_a is not None or _is_due(session, ente, ripasso, now)


def _walk(db: Database, ente: Row[Any], now: datetime) -> bool:
    with db.transaction() as session:
        # As everyone who changes stored dovuti of an ente: one at a time.
        enti.lock(session, ente.id)
        ripasso = posizioni_pubblicate.find_ripasso(session, ente.id)
        if ripasso is None or (ripasso.fino_a is None and _is_due(session, ente, ripasso, now)):
            posizioni_pubblicate.put_ripasso(session, ente.id, iniziato_at=now, fino_a="")
            after = ""
        elif ripasso.fino_a is None:
            return False
        else:
            after = ripasso.fino_a
        rows = posizioni_pubblicate.stretch(session, ente.id, after, _STRETCH)
        queued = _queue(session, ente, sorted({row.iuv for row in rows if row.iuv}), now)
        is_over = len(rows) < _STRETCH
        posizioni_pubblicate.put_ripasso(session, ente.id, fino_a=None if is_over else rows[-1].id)
        crash_point(Punto.RIPASSO_SCRITTO)
    crash_point(Punto.RIPASSO_TENUTO)
    if queued or is_over:
        get_logger().info("positions_walked", ente=ente.cod_ipa_ente, rows=len(rows), queued=queued, is_over=is_over)
    return not is_over


def _is_due(session: Session, ente: Row[Any], ripasso: Row[Any], now: datetime) -> bool:
    flusso_at = posizioni_pubblicate.last_flusso_at(session, ente.id)
    return now - ripasso.iniziato_at >= _OGNI or (flusso_at is not None and flusso_at >= ripasso.iniziato_at)


def build_topic(
    db: Database, posizioni: Posizioni, cassaforte: Cassaforte, clock: circuito.Clock, lasts: timedelta
) -> Topic:
    """The topic over this archive; `message.chiave` is dominio/IUV. `lasts`: the longest that publishing may take."""

    def deliver(message: Claimed) -> Delivery:
        with db.reading() as session:
            stazione_id = enti.by_id(session, message.ente_id or 0).stazione_id
            chiavi = read_chiavi(session, stazione_id, Servizio.POSIZIONI, cassaforte)

        def exchange() -> Delivery:
            return posizioni.publish(message.payload, chiavi, message.correlation_id)

        return circuito.call(db, stazione_id, Servizio.POSIZIONI, exchange, clock, lasts)

    def ask(message: Claimed) -> Delivery:
        # The same body twice is once: nothing needs to be known before it is published again.
        return Delivery(Outcome.TRY_AGAIN, "RIPETIBILE")

    def pazienza(session: Session, message: Claimed) -> Pazienza:
        return Pazienza(_ATTEMPTS_MAX, fine=StatoMessaggio.PARCHEGGIATO)

    return Topic(deliver, ask, settle, pazienza=pazienza, corsia=CORSIA)


def settle(session: Session, message: Claimed, delivery: Delivery, now: datetime) -> None:
    """Record how a position stands at the platform, unless it has changed again meanwhile."""
    dominio, _, iuv = message.chiave.partition("/")
    digest = hashlib.sha256(message.payload).hexdigest()
    if delivery.outcome == Outcome.DELIVERED:
        is_closed = read_posizione_intera(message.payload) is None and read_posizione(message.payload).is_chiusura
        stato = posizioni_pubblicate.CHIUSA if is_closed else posizioni_pubblicate.PUBBLICATA
        posizioni_pubblicate.settle(session, dominio, iuv, digest, stato=stato, motivo=None, updated_at=now)
    elif delivery.outcome == Outcome.REFUSED:
        if delivery.classe is Classe.GIA_PAGATA:
            # Paid at the platform and open here: its receipt is missing.
            get_logger().warning("position_paid_at_the_platform", dominio=dominio, iuv=iuv, detail=delivery.detail)
        motivo = ": ".join(filter(None, (delivery.code, delivery.detail)))[:500]
        stato = posizioni_pubblicate.RIFIUTATA
        posizioni_pubblicate.settle(session, dominio, iuv, digest, stato=stato, motivo=motivo, updated_at=now)
