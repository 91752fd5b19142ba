"""The topic `ente.esito`: the outcome of a processed dovuto leaves for the ente's own system.

The receiver is idempotent on the event's id, so an unknown end is simply repeated; what cannot be delivered is set
aside for a person. Source: pa-per-ente, push of the outcome (4.2), defects 16 and 17 (8); node, backoff (2.0.5).
"""

from __future__ import annotations

import uuid
from dataclasses import replace
from datetime import datetime
from typing import Any

from sqlalchemy import Row

from hub.domain.attesa import before_ente
from hub.domain.delivery import Delivery, Outcome
from hub.domain.documenti import Rt
from hub.domain.errors import Misconfigured
from hub.domain.inoltro import InvioEsito
from hub.domain.stati import StatoMessaggio
from hub.formats.inoltro import render_inoltro
from hub.formats.pagati import render_pagati
from hub.formats.rt import read_rt
from hub.formats.segreti import Cassaforte
from hub.log import get_logger
from hub.ports import SistemaEnte
from hub.store import carrelli, enti, eventi_esito, outbox, tipi
from hub.store.database import Database, Session
from hub.store.outbox import Claimed
from hub.usecases.relay_outbox import Pazienza, Topic

TOPIC_ESITO = "ente.esito"
CORSIA = "ente"


def queue_esito(
    session: Session, ente: Row[Any], dovuto: Row[Any], rt_bytes: bytes | None, now: datetime
) -> str | None:
    """Write the outcome of a processed dovuto for the ente's system, in the transaction of the fact.

    Returns the event's id; None when the ente did not ask for it or the receipt does not list the dovuto.
    `rt_bytes`: the receipt as it came; None: there is none, and the outcome is the `esito_locale` of the dovuto's
    carrello, with one line (written before this call). Call it once per dovuto, after the dovuto's row has its outcome.
    """
    if not is_wanted(session, ente, dovuto.tipo):
        return None
    if rt_bytes is not None:
        rt = _only(read_rt(rt_bytes), carrelli.dovuti_of(session, dovuto.carrello_id), dovuto.id)
    else:
        # Written for this dovuto alone, whatever its place in the carrello.
        rt = read_rt(bytes(carrelli.by_id(session, dovuto.carrello_id).esito_locale))
    if rt is None:
        return None
    sequenza = eventi_esito.next_sequenza(session, ente.id, dovuto.iud)
    evento = f"{uuid.uuid4().hex}-{sequenza}"
    corpo = render_inoltro(rt_bytes, render_pagati(rt, [dovuto.iud], con_ricevuta=False))
    messaggio_id = outbox.put(
        session, TOPIC_ESITO, f"{ente.id}:{dovuto.iud}", corpo, correlation_id=evento, now=now, ente_id=ente.id
    )
    eventi_esito.add(
        session,
        id=evento,
        ente_id=ente.id,
        iud=dovuto.iud,
        sequenza=sequenza,
        iuv=rt.iuv,
        tipo=dovuto.tipo,
        codice_esito=rt.codice_esito,
        messaggio_id=messaggio_id,
        created_at=now,
    )
    get_logger().info("esito_queued", evento=evento, ente=ente.cod_ipa_ente, iuv=rt.iuv, codice_esito=rt.codice_esito)
    return evento


def queue_carrello(session: Session, carrello_id: str, rt_bytes: bytes, now: datetime) -> None:
    """Write the outcome of each dovuto that the receipt of a carrello lists, once each."""
    for dovuto in carrelli.dovuti_of(session, carrello_id):
        queue_esito(session, enti.by_id(session, dovuto.ente_id), dovuto, rt_bytes, now)


def is_wanted(session: Session, ente: Row[Any], codice: str) -> bool:
    """Whether the ente wants the outcomes of this tipo: function on, flag on the tipo, an address for the pair."""
    if not ente.inoltro_esito:
        return False
    tipo = tipi.find(session, ente.id, codice)
    return tipo is not None and tipo.notifica_esito and eventi_esito.find_endpoint(session, ente.id, codice) is not None


def build_topic(db: Database, sistema: SistemaEnte, cassaforte: Cassaforte) -> Topic:
    """The topic over the entes' systems; the address and its keys are those configured now."""

    def deliver(message: Claimed) -> Delivery:
        with db.reading() as session:
            evento = eventi_esito.by_messaggio(session, message.id)
            ente = enti.by_id(session, evento.ente_id)
            endpoint = eventi_esito.find_endpoint(session, ente.id, evento.tipo)
            is_on = is_wanted(session, ente, evento.tipo)
        if endpoint is None or not is_on:
            return Delivery(Outcome.REFUSED, "INOLTRO_SPENTO", f"inoltro non più configurato per {evento.tipo}")
        try:
            chiave = cassaforte.open(endpoint.chiave_cifrata)
        except Misconfigured as error:
            return Delivery(Outcome.REFUSED, "CHIAVE_ILLEGGIBILE", str(error))
        invio = InvioEsito(
            url=endpoint.url,
            evento=evento.id,
            sequenza=evento.sequenza,
            corpo=message.payload,
            chiave=chiave,
            client_id=endpoint.client_id,
            mail=endpoint.mail,
        )
        return sistema.push_esito(invio)

    return Topic(deliver, ask, settle, pazienza, CORSIA)


def ask(message: Claimed) -> Delivery:
    """Nobody can be asked: the same event goes again, and the receiver knows its id."""
    return Delivery(Outcome.TRY_AGAIN)


def settle(session: Session, message: Claimed, delivery: Delivery, now: datetime) -> None:
    """Note when the ente acknowledged the event."""
    if delivery.outcome == Outcome.DELIVERED:
        eventi_esito.set_consegnato(session, eventi_esito.by_messaggio(session, message.id).id, now)


def pazienza(session: Session, message: Claimed) -> Pazienza:
    """As many attempts as the tipo is configured for, ever further apart; then a person looks."""
    evento = eventi_esito.by_messaggio(session, message.id)
    endpoint = eventi_esito.find_endpoint(session, evento.ente_id, evento.tipo)
    return Pazienza(
        attempts_max=endpoint.tentativi_max if endpoint is not None else 1,
        before_retry=before_ente,
        before_question=before_ente,
        fine=StatoMessaggio.PARCHEGGIATO,
    )


def _only(rt: Rt, dovuti: list[Row[Any]], dovuto_id: str) -> Rt | None:
    """The receipt with the one line of this dovuto, first to first; None when it lists no such line."""
    lines = {row.id: pagamento for row, pagamento in zip(dovuti, rt.pagamenti, strict=False)}
    return replace(rt, pagamenti=(lines[dovuto_id],)) if dovuto_id in lines else None
