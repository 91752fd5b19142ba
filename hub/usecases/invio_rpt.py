"""The topics `nodo.<profile>`: a payment leaves in one message, and what its outcome means for the session.

Source: node, nodoInviaCarrelloRPT, retry protocol of model 1; nodoChiediStatoRPT; annex A.
"""

from __future__ import annotations

import uuid
from dataclasses import replace
from datetime import datetime
from typing import Any
from urllib.parse import parse_qs, urlsplit

from sqlalchemy import Row

from hub.domain.delivery import Delivery, Outcome
from hub.domain.documenti import Organizzazione, Rt
from hub.domain.stati import CARRELLO_BY_ESITO, StatoCarrello, StatoSessione, StatoTentativo, is_legal
from hub.formats.rpt import read_rpt
from hub.formats.rt import render_rt
from hub.formats.testi import rome_text
from hub.store import carrelli, sessioni, tentativi
from hub.store.database import Session
from hub.store.outbox import Claimed
from hub.usecases.apply_rt import close_dovuti, close_sessione
from hub.usecases.relay_outbox import Pazienza, Topic
from hub.usecases.tentativo_nodo import Collegamento, Tentativo

# Closed because every way that is there has answered that it knows nothing, after the lock of the position was over.
SENZA_TRACCIA = "SENZA_TRACCIA"
# Faults of a sending that mean for sure that it failed, once a question cannot say more. Source: node, 2.0.4, class N.
_PROOFS = frozenset({"PPT_CANALE_ERRORE"})
# What a receipt would have said, by the state that the node told: term expired. Everything else: not paid.
_ESITO_BY_STATO = {"RPT_DECORSI_TERMINI": 3}


def build_topic(collegamento: Collegamento, attempts_max: int) -> Topic:
    """The topic of the messages that were written for this node; `message.chiave` is the id of the attempt."""
    nodo = collegamento.nodo
    # A doubt is asked about for as long as it lasts: it never waits for a person. Source: node, 2.0.5.
    pazienza = Pazienza(attempts_max, parks_unknown=False)

    def deliver(message: Claimed) -> Delivery:
        tentativo = collegamento.read(message.chiave)
        with collegamento.db.reading() as session:
            is_closed = _is_closed(session, tentativo.row)
        if is_closed:
            # The ente has said meanwhile that it was paid elsewhere: nobody must pay it a second time.
            return Delivery(Outcome.REFUSED, "TENTATIVO_CHIUSO", "pagamento già registrato: la RPT non parte")
        stazione = tentativo.stazione
        return collegamento.call(tentativo, lambda: nodo.send(stazione, message.payload, message.correlation_id))

    def ask(message: Claimed) -> Delivery:
        if nodo.is_repeatable:
            return Delivery(Outcome.TRY_AGAIN, "RIPETIBILE")
        return _judge(collegamento, collegamento.read(message.chiave), message)

    return Topic(deliver, ask, settle, lambda session, message: pazienza)


def _judge(collegamento: Collegamento, tentativo: Tentativo, message: Claimed) -> Delivery:
    """Say what the search means for a message of which nobody knows whether it arrived."""
    if tentativo.row.stato == StatoTentativo.CHIUSO:
        return Delivery(Outcome.DELIVERED, "TENTATIVO_CHIUSO")
    ricerca = collegamento.search(tentativo, message)
    delivery = replace(ricerca.esito.delivery, detail=ricerca.esito.delivery.detail or ricerca.told)
    if delivery.outcome != Outcome.UNKNOWN or delivery.is_held:
        return delivery
    if tentativo.row.fault_code in _PROOFS and ricerca.passi[0][1].is_gone:
        # The node itself had said that it failed; there is no state any more to confirm it with.
        return replace(delivery, outcome=Outcome.REFUSED, code=tentativo.row.fault_code)
    if not ricerca.is_without_trace:
        return delivery
    if collegamento.is_lapsed(tentativo):
        return Delivery(Outcome.REFUSED, SENZA_TRACCIA, f"nessuna traccia al nodo, blocco scaduto ({ricerca.told})")
    # The key is unknown there, and should the first sending still be on its way, the second is refused as a duplicate.
    return replace(delivery, outcome=Outcome.TRY_AGAIN) if tentativo.stazione.rileva_duplicati else delivery


def _is_closed(session: Session, first: Row[Any]) -> bool:
    """Whether every RPT of the message belongs to an attempt that is over."""
    if first.stato != StatoTentativo.CHIUSO:
        return False
    id_session = carrelli.by_id(session, first.carrello_id).id_session
    return all(one.stato == StatoTentativo.CHIUSO for one in tentativi.of_cart(session, first, id_session))


def settle(session: Session, message: Claimed, delivery: Delivery, now: datetime) -> None:
    """Record what the outcome means for each RPT of the message; an attempt that a receipt has closed is left alone."""
    first = tentativi.by_id(session, message.chiave)
    id_session = carrelli.by_id(session, first.carrello_id).id_session
    for tentativo in tentativi.of_cart(session, first, id_session):
        if tentativo.stato != StatoTentativo.CHIUSO:
            settle_one(session, tentativo, delivery, now)
    url = delivery.response.get("url", "")
    if delivery.outcome == Outcome.DELIVERED and url and id_session is not None:
        sessioni.set_nodo(session, id_session, url, id_session_of(url), now)


def settle_one(session: Session, tentativo: Row[Any], delivery: Delivery, now: datetime) -> None:
    match delivery.outcome:
        case Outcome.DELIVERED if tentativo.stato != StatoTentativo.ACCETTATO:
            tentativi.move(session, tentativo, to=StatoTentativo.ACCETTATO, at=now)
        case Outcome.REFUSED:
            tentativi.move(session, tentativo, to=StatoTentativo.RIFIUTATO, at=now, fault_code=delivery.code[:64])
            _free(session, tentativo, delivery.code, now)
        case Outcome.UNKNOWN if tentativo.stato == StatoTentativo.DA_INVIARE:
            tentativi.move(session, tentativo, to=StatoTentativo.SCONOSCIUTO, at=now, fault_code=delivery.code[:64])


def id_session_of(url: str) -> str | None:
    """The node's idSession inside the address it gave."""
    found = parse_qs(urlsplit(url).query).get("idSession", [])
    return found[0][:128] if found else None


def _free(session: Session, tentativo: Row[Any], code: str, now: datetime) -> None:
    """Close as not paid what surely was not: a negative outcome of the hub's own, for the books."""
    carrello = carrelli.by_id(session, tentativo.carrello_id)
    rt = _negative_outcome(bytes(tentativo.rpt), _ESITO_BY_STATO.get(code, 1), now)
    to = CARRELLO_BY_ESITO[rt.codice_esito]
    # An attempt that has given way to another one has nothing to free: the position is the other's.
    if tentativo.superato_at is not None or not is_legal(StatoCarrello(carrello.stato), to):
        return
    carrelli.move(session, carrello, to=to, at=now, esito_locale=render_rt(rt))
    close_dovuti(session, carrello, rt, now)
    if carrello.id_session is None:
        return
    sessione = sessioni.by_id(session, carrello.id_session)
    if tentativo.stato == StatoTentativo.ACCETTATO:
        # The payer had gone on: it is the outcome of a payment, not of a sending.
        close_sessione(session, carrello.id_session, now)
    elif is_legal(StatoSessione(sessione.stato), StatoSessione.IMPOSSIBILE_INVIARE_CARRELLO_RP):
        sessioni.move(session, sessione, to=StatoSessione.IMPOSSIBILE_INVIARE_CARRELLO_RP, at=now)


def _negative_outcome(rpt_bytes: bytes, codice_esito: int, now: datetime) -> Rt:
    """An RT with a negative outcome and no lines, as the node itself would have written it."""
    rpt = read_rpt(rpt_bytes)
    return Rt(
        versione="6.2.0",
        dominio=rpt.dominio,
        stazione=rpt.stazione,
        id_messaggio=uuid.uuid4().hex,
        messaggio_at=rome_text(now),
        riferimento_messaggio=rpt.id_messaggio,
        riferimento_data=rpt.data_esecuzione,
        attestante=Organizzazione(tipo="G", codice=rpt.dominio, denominazione=rpt.ente.denominazione),
        ente=rpt.ente,
        pagatore=rpt.pagatore,
        codice_esito=codice_esito,
        importo_cent=0,
        iuv=rpt.iuv,
        ccp=rpt.ccp,
        pagamenti=(),
    )
