"""The node by SOAP: one envelope out, one answer in, or what its lack means. Source: node, transport (2.0.1)."""

from __future__ import annotations

from adapters.nodo.faults import classe_of, outcome_of
from adapters.nodo.trasporto import Attese, Trasporto
from hub.domain.delivery import Delivery, Outcome, Stazione
from hub.domain.traccia import inviato
from hub.formats.nodo_messaggi import RispostaNonLeggibile, soap_fault_code
from hub.formats.senza_password import senza_password

_LEAST_SURE_FIRST = (Outcome.UNKNOWN, Outcome.TRY_AGAIN, Outcome.REFUSED, Outcome.DELIVERED)


class NodoSoap:
    """What the SOAP client of a node does for every primitive: one envelope, one answer, or what its lack means."""

    def __init__(self, url: str, attese: Attese, trasporto: Trasporto) -> None:
        """`url`: where a station that has no address of its own calls."""
        self._url = url
        self._attese = attese
        self._trasporto = trasporto

    def exchange(
        self, stazione: Stazione, operation: str, envelope: bytes, correlation_id: str, *, is_question: bool
    ) -> bytes | Delivery:
        """Return the body of the answer.

        A SOAP Fault to a question is told by its code: who does not know the operation says Client.
        """
        headers = {
            "Content-Type": "text/xml; charset=utf-8",
            "SOAPAction": f'"{operation}"',
            "X-Correlation-Id": correlation_id,
        }
        url = stazione.indirizzi.get("nodo", self._url)
        timeout = self._attese.of(stazione, is_question=is_question)
        answers = (200, 500) if is_question else (200,)
        inviato(senza_password(envelope)[0], operation)
        answer = self._trasporto.call(
            "POST", url, timeout=timeout, headers=headers, body=envelope, answers=answers, identita=stazione.identita
        )
        if isinstance(answer, Delivery):
            return answer
        if answer.status == 500:
            fault = soap_fault_code(answer.body)
            return Delivery(Outcome.UNKNOWN, f"SOAP_{fault}" if fault else "HTTP_500", is_answered=False)
        return answer.body


def unreadable(error: RispostaNonLeggibile) -> Delivery:
    return Delivery(Outcome.UNKNOWN, "RISPOSTA_NON_LEGGIBILE", str(error), is_answered=False)


def from_faults(primitiva: str, codes: list[str]) -> Delivery:
    """One outcome for all the faults of an answer: what is not sure makes the whole not sure."""
    if not codes:
        return Delivery(Outcome.UNKNOWN, "KO_SENZA_FAULT", is_answered=False)
    by_outcome = {outcome_of(primitiva, code): code for code in reversed(codes)}
    outcome = next(one for one in _LEAST_SURE_FIRST if one in by_outcome)
    return Delivery(outcome, by_outcome[outcome], classe=classe_of(by_outcome[outcome]))
