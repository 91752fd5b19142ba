"""The topics `nodo.<profile>`: a payment leaves in one message, and what its outcome means for the session.

Source: node, nodoInviaCarrelloRPT, retry protocol of model 1; nodoChiediStatoRPT; annex A.
"""

from __future__ import annotations

import uuid
from datetime import datetime
from typing import Any
from urllib.parse import parse_qs, urlsplit

from sqlalchemy import Row

from hub.domain.delivery import ChiaveRpt, Delivery, Outcome, Stazione
from hub.domain.documenti import Organizzazione, Rt
from hub.domain.pagamento_online import TentativoCercato
from hub.domain.stati import StatoCarrello, StatoSessione, StatoTentativo, is_legal
from hub.formats.rpt import read_rpt
from hub.formats.rt import render_rt
from hub.formats.segreti import Cassaforte
from hub.formats.testi import rome_text
from hub.ports import Nodo
from hub.store import carrelli, servizi_rest, sessioni, stazioni, tentativi
from hub.store.database import Database, Session
from hub.store.outbox import Claimed
from hub.usecases.apply_rt import close_dovuti
from hub.usecases.relay_outbox import Topic
from hub.usecases.stazione_nodo import stazione_of


def build_topic(db: Database, nodo: Nodo, cassaforte: Cassaforte) -> Topic:
    """The topic of the messages that were written for this node; `message.chiave` is the id of the attempt."""

    def read(message: Claimed) -> tuple[Stazione, TentativoCercato, bool]:
        with db.reading() as session:
            tentativo = tentativi.by_id(session, message.chiave)
            row = stazioni.by_id(session, tentativo.stazione_id)
            id_session = carrelli.by_id(session, tentativo.carrello_id).id_session
            is_closed = _is_closed(session, tentativo)
            servizio = None if nodo.servizio is None else servizi_rest.find(session, row.id, nodo.servizio)
        chiave = ChiaveRpt(tentativo.dominio, tentativo.iuv, tentativo.ccp)
        cercato = TentativoCercato(chiave, tentativo.created_at, id_session or "")
        return stazione_of(row, cassaforte, servizio), cercato, is_closed

    def deliver(message: Claimed) -> Delivery:
        stazione, _, is_closed = read(message)
        if is_closed:
            # The ente has said meanwhile that it was paid elsewhere: nobody must pay it a second time.
            return Delivery(Outcome.REFUSED, "TENTATIVO_CHIUSO", "pagamento già registrato: la RPT non parte")
        return nodo.send(stazione, message.payload, message.correlation_id)

    def ask(message: Claimed) -> Delivery:
        if nodo.is_repeatable:
            return Delivery(Outcome.TRY_AGAIN, "RIPETIBILE")
        stazione, cercato, _ = read(message)
        answer = Delivery(Outcome.UNKNOWN, "NESSUNA_VIA")
        for via in nodo.vie:
            answer = via.ask(stazione, cercato, message.correlation_id).delivery
            if answer.outcome != Outcome.UNKNOWN:
                break
        if answer.outcome == Outcome.TRY_AGAIN and not stazione.rileva_duplicati:
            # The first sending may still be on its way and this node would not notice the second.
            return Delivery(Outcome.REFUSED, answer.code, "RPT ignota al nodo, che non rileva i duplicati")
        return answer

    return Topic(deliver, ask, settle)


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
            _settle_one(session, tentativo, delivery, now)
    url = delivery.response.get("url", "")
    if delivery.outcome == Outcome.DELIVERED and url and id_session is not None:
        sessioni.set_nodo(session, id_session, url, id_session_of(url), now)


def _settle_one(session: Session, tentativo: Row[Any], delivery: Delivery, now: datetime) -> None:
    match delivery.outcome:
        case Outcome.DELIVERED:
            tentativi.move(session, tentativo, to=StatoTentativo.ACCETTATO, at=now)
        case Outcome.REFUSED:
            tentativi.move(session, tentativo, to=StatoTentativo.RIFIUTATO, at=now, fault_code=delivery.code[:64])
            _free(session, tentativo.rpt, carrelli.by_id(session, tentativo.carrello_id), now)
        case Outcome.UNKNOWN if tentativo.stato == StatoTentativo.DA_INVIARE:
            tentativi.move(session, tentativo, to=StatoTentativo.SCONOSCIUTO, at=now, fault_code=delivery.code[:64])


def id_session_of(url: str) -> str | None:
    """The node's idSession inside the address it gave."""
    found = parse_qs(urlsplit(url).query).get("idSession", [])
    return found[0][:128] if found else None


def _free(session: Session, rpt_bytes: bytes, carrello: Row[Any], now: datetime) -> None:
    """Close as not paid what surely never started: a negative outcome of the hub's own, for the books."""
    if not is_legal(StatoCarrello(carrello.stato), StatoCarrello.NON_PAGATO):
        return
    rt = _negative_outcome(bytes(rpt_bytes), now)
    carrelli.move(session, carrello, to=StatoCarrello.NON_PAGATO, at=now, esito_locale=render_rt(rt))
    close_dovuti(session, carrello, rt, now)
    if carrello.id_session is None:
        return
    sessione = sessioni.by_id(session, carrello.id_session)
    if is_legal(StatoSessione(sessione.stato), StatoSessione.IMPOSSIBILE_INVIARE_CARRELLO_RP):
        sessioni.move(session, sessione, to=StatoSessione.IMPOSSIBILE_INVIARE_CARRELLO_RP, at=now)


def _negative_outcome(rpt_bytes: bytes, now: datetime) -> Rt:
    """An RT with outcome 1 and no lines, as the node itself would have written it."""
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
        codice_esito=1,
        importo_cent=0,
        iuv=rpt.iuv,
        ccp=rpt.ccp,
        pagamenti=(),
    )
