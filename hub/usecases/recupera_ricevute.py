"""Receipts that a settlement flow tells of and nobody brought: asked of the platform one by one, and kept as they come.

They are applied by the job of the receipts like any other; one that comes by its own way afterwards changes nothing.
Source: node, BizEvents receipts (2.14), recovery protocol.
"""

from __future__ import annotations

import hashlib
import uuid
from datetime import datetime, timedelta

from hub.crash import Punto, crash_point
from hub.domain.delivery import Delivery, Outcome
from hub.domain.errors_nodo import RicevutaNonLeggibile
from hub.domain.pagamento_online import Trovato
from hub.domain.ricevuta import KEY_MAX, Primitiva
from hub.domain.servizi_rest import Servizio
from hub.domain.stati import StatoMessaggio
from hub.formats.ricevuta_rest import read_ricevuta_rest
from hub.formats.segreti import Cassaforte
from hub.log import get_logger
from hub.ports import Ricevute
from hub.store import enti, outbox, ricerche_ricevute, stazioni
from hub.store.database import Database, Session
from hub.store.outbox import Claimed
from hub.usecases import circuito
from hub.usecases.chiavi_servizio import read_chiavi
from hub.usecases.record_ricevuta import keep
from hub.usecases.relay_outbox import Clock, Pazienza, Topic

TOPIC_RICEVUTE = "piattaforma.ricevute"
CORSIA = "ricevute"
# Three days of a receipt that is not there: then a person looks.
_ATTEMPTS_MAX = 12
_CHIEDI_H = (1, 2, 4, 6)
# Flows looked at in one tick.
_BATCH = 20


def run_once(db: Database, now: datetime) -> bool:
    """Look for the receipts of the flows that were stored since; True when there may be more."""
    with db.reading() as session:
        # All flows that count are walked: SQLite's one writer is not held meanwhile, where there is nothing to write.
        if not ricerche_ricevute.flussi_to_look_at(session, 1):
            return False
    with db.transaction() as session:
        flussi = ricerche_ricevute.flussi_to_look_at(session, _BATCH)
        for flusso in flussi:
            missing = ricerche_ricevute.missing(session, flusso)
            for iuv, iur in missing:
                key, payload = f"{flusso.dominio}/{iur}"[:64], iuv.encode()
                outbox.put(session, TOPIC_RICEVUTE, key, payload, uuid.uuid4().hex, now, ente_id=flusso.ente_id)
            ricerche_ricevute.note(session, flusso.id, len(missing), now)
            if missing:
                get_logger().warning("receipts_missing", flusso=flusso.iuf, dominio=flusso.dominio, count=len(missing))
    return len(flussi) == _BATCH


def build_topic(db: Database, ricevute: Ricevute, cassaforte: Cassaforte, clock: Clock, lasts: timedelta) -> Topic:
    """The topic over this service; `message.chiave` is dominio/IUR, its payload the IUV.

    `lasts`: the longest that a question may take.
    """

    def deliver(message: Claimed) -> Delivery:
        dominio, _, iur = message.chiave.partition("/")
        with db.reading() as session:
            if ricerche_ricevute.is_known(session, dominio, message.payload.decode(), iur):
                return Delivery(Outcome.DELIVERED, "GIA_ARRIVATA")
            stazione = stazioni.by_id(session, enti.by_id(session, message.ente_id or 0).stazione_id)
            chiavi = read_chiavi(session, stazione.id, Servizio.RICEVUTE, cassaforte)
        answers: list[Trovato] = []

        def exchange() -> Delivery:
            answers.append(ricevute.ask(dominio, iur, message.payload.decode(), chiavi, message.correlation_id))
            return answers[0].delivery

        delivery = circuito.call(db, stazione.id, Servizio.RICEVUTE, exchange, clock, lasts)
        found = answers[0] if answers else Trovato(delivery)
        if found.documento is None:
            return found.delivery
        crash_point(Punto.PIATTAFORMA_RISPOSTA)
        try:
            _record(db, found.documento, dominio, stazione.intermediario, stazione.id, message.correlation_id, clock())
        except RicevutaNonLeggibile as refusal:
            return Delivery(Outcome.UNKNOWN, "RICEVUTA_NON_LEGGIBILE", refusal.description)
        return found.delivery

    def pazienza(session: Session, message: Claimed) -> Pazienza:
        return Pazienza(_ATTEMPTS_MAX, _pause, _pause, fine=StatoMessaggio.PARCHEGGIATO)

    # To ask changes nothing: it may be done again whatever became of the last time.
    return Topic(deliver, lambda message: Delivery(Outcome.TRY_AGAIN), _settled, pazienza, CORSIA)


def _pause(attempts: int) -> timedelta:
    return timedelta(hours=_CHIEDI_H[min(max(attempts, 1), len(_CHIEDI_H)) - 1])


def _settled(session: Session, message: Claimed, delivery: Delivery, now: datetime) -> None:
    """The receipt has a life of its own: nothing hangs on the question."""


def _record(
    db: Database, raw: bytes, dominio: str, intermediario: str, stazione: str, correlation_id: str, now: datetime
) -> None:
    """Make a receipt durable; the job of the receipts gives it its effect. Raises: RicevutaNonLeggibile."""
    testata = read_ricevuta_rest(raw, dominio, intermediario, stazione).testata
    values = {
        "primitiva": str(Primitiva.BIZ_EVENTS),
        "dominio": dominio,
        "dominio_avviso": testata.dominio[:KEY_MAX],
        "iuv": testata.iuv[:KEY_MAX],
        "ccp": testata.token,
        "numero_avviso": testata.numero_avviso[:KEY_MAX],
        "intermediario": intermediario,
        "stazione_id": stazione,
        "sha256": hashlib.sha256(raw).hexdigest(),
        "raw": raw,
        "charset": None,
        "correlation_id": correlation_id,
        "received_at": now,
    }
    keep(db, values, None)
