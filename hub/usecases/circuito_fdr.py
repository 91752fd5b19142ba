"""A question about settlement flows through the circuit of its station: a service that is down is not hammered.

It has a circuit of its own, whichever the transport: payments of the station go on. Source: node, 2.0.4, 2.0.5.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import TypeVar

from hub.domain.acquisizione_fdr import Elenco, EsitoDomanda, Scarico
from hub.domain.delivery import Classe, Delivery, Outcome
from hub.domain.servizi_rest import Servizio
from hub.store.database import Database
from hub.usecases.circuito import Clock, call

_Risposta = TypeVar("_Risposta", Elenco, Scarico)
# Of a caller that is refused by SOAP the ente's import stops by itself and the others go on (node, 8.4, case 99).
_OF_STATION = ("HTTP_401", "HTTP_403")


def ask(
    db: Database, stazione_id: str, exchange: Callable[[], _Risposta], clock: Clock, lasts: timedelta
) -> _Risposta | Delivery:
    """Return what came of the question, or the delivery that is held: nothing was asked then.

    `lasts`: the longest that the question may take.
    """
    answers: list[_Risposta] = []

    def told() -> Delivery:
        answers.append(exchange())
        return _delivery(answers[0])

    held = call(db, stazione_id, Servizio.FDR, told, clock, lasts, _OF_STATION)
    return answers[0] if answers else held


def _delivery(risposta: Elenco | Scarico) -> Delivery:
    """What an answer says of the service: whatever it says of one flow, it is there."""
    if risposta.esito == EsitoDomanda.RIFIUTATA:
        return Delivery(Outcome.REFUSED, risposta.codice, risposta.dettaglio, classe=Classe.CONFIGURAZIONE)
    if risposta.is_answered:
        return Delivery(Outcome.DELIVERED, risposta.codice)
    pause = risposta.retry_after_s
    return Delivery(Outcome.TRY_AGAIN, risposta.codice, retry_after_s=pause, is_answered=False)
