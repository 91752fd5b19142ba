"""The topic `recupero`: attempts whose receipt is overdue, asked about until something certain is known.

From the moment the answer is overdue, not when the settlement flow arrives: by state, by list of pending RPTs, by copy,
by REST receipt, whichever the profile has. Each search is a message of the outbox, so that its next time is seen, two
workers never ask at once, and a circuit holds it. Nothing is closed without evidence: a receipt, or a state which says
that it failed. Source: node, 2.0.5, 2.3 to 2.5, annex A.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial

from hub.domain.attesa import before_recupero
from hub.domain.delivery import Delivery, Outcome
from hub.domain.stati import StatoTentativo
from hub.log import get_logger
from hub.store import outbox, tentativi
from hub.store.database import Database, Session
from hub.store.outbox import Claimed
from hub.usecases.invio_rpt import settle_one
from hub.usecases.relay_outbox import Pazienza, Topic
from hub.usecases.tentativo_nodo import Collegamento

TOPIC_RECUPERO = "recupero"
CORSIA = "recupero"
# The payer gave up and the negative receipt never came. Source: node, annex A, RPT_ANNULLATA_WISP. A node forgets: that
# it said so is kept with the attempt.
_ANNULLATA, _ANNULLATA_DOPO = "RPT_ANNULLATA_WISP", timedelta(hours=24)
# A search never ends by its number.
_SEMPRE = 1_000_000
# Attempts taken up at once; the rest is found by the next tick.
_BATCH = 500


def run_once(db: Database, profili: Sequence[str], attesa: timedelta, now: datetime) -> bool:
    """Take up the attempts whose receipt is overdue since `attesa`; True when there may be more.

    `profili`: those that have a way of finding out; of the others time or a receipt decides.
    """
    taken = 0
    with db.transaction() as session:
        rows = tentativi.to_pursue(session, profili, TOPIC_RECUPERO, now - attesa, _BATCH)
        for row in rows:
            correlation_id = row.correlation_id or uuid.uuid4().hex
            outbox.put(session, TOPIC_RECUPERO, row.id, b"", correlation_id, now, ente_id=row.ente_id)
            taken += 1
    if taken:
        get_logger().warning("receipts_overdue", attempts=taken)
    return taken == _BATCH


def build_topic(collegamenti: Mapping[str, Collegamento], attesa: timedelta) -> Topic:
    """The topic over the nodes by profile; `message.chiave` is the id of the attempt.

    `attesa`: how long a receipt may take; the pauses between two searches are in proportion to it.
    """
    pazienza = Pazienza(_SEMPRE, before_question=partial(before_recupero, attesa), parks_unknown=False)

    def pursue(message: Claimed) -> Delivery:
        return _pursue(collegamenti, message)

    return Topic(pursue, pursue, _settle, lambda session, message: pazienza, CORSIA)


def _pursue(collegamenti: Mapping[str, Collegamento], message: Claimed) -> Delivery:
    """Search once; DELIVERED: nothing is left to search for. Never TRY_AGAIN: there is nothing to send."""
    any_of = next(iter(collegamenti.values()))
    tentativo = any_of.read(message.chiave)
    if tentativo.row.stato != StatoTentativo.ACCETTATO:
        return Delivery(Outcome.DELIVERED, "TENTATIVO_CHIUSO")
    collegamento = collegamenti[tentativo.row.profilo]
    ricerca = collegamento.search(collegamento.read(message.chiave), message)
    found = ricerca.esito.delivery
    if found.is_held or found.outcome == Outcome.REFUSED:
        return found
    if ricerca.esito.documento is not None:
        return Delivery(Outcome.DELIVERED, "RT_TROVATA", ricerca.told)
    is_old = collegamento.clock() - tentativo.cercato.creato_at >= _ANNULLATA_DOPO
    has_said_so = tentativo.row.fault_code == _ANNULLATA and ricerca.is_forgotten
    if is_old and (found.code == _ANNULLATA or has_said_so):
        reason = "rinuncia del pagatore, nessuna ricevuta in 24 ore"
        return replace(found, outcome=Outcome.REFUSED, code=_ANNULLATA, detail=reason)
    told = {} if ricerca.esito.azione is None else {"stato": found.code}
    return Delivery(Outcome.UNKNOWN, found.code, ricerca.told, told)


def _settle(session: Session, message: Claimed, delivery: Delivery, now: datetime) -> None:
    """Close an attempt that failed at the node for sure; a receipt that was found closes its own by itself.

    That the payer gave up is kept until the node says otherwise.
    """
    tentativo = tentativi.by_id(session, message.chiave)
    if tentativo.stato != StatoTentativo.ACCETTATO:
        return
    if delivery.outcome == Outcome.REFUSED:
        settle_one(session, tentativo, delivery, now)
    elif (stato := delivery.response.get("stato")) is not None:
        is_given_up = tentativo.fault_code == _ANNULLATA
        if is_given_up != (stato == _ANNULLATA):
            tentativi.note_fault(session, tentativo, None if is_given_up else _ANNULLATA)
