"""The node by SOAP, the profile `rpt`: contract-built messages, every end of a call told as one of four outcomes.

Source: node, common rules (2.0), nodoInviaRPT (2.1), nodoInviaCarrelloRPT (2.2), nodoChiediStatoRPT (2.3).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from adapters.nodo.faults import (
    CHIEDI_STATO,
    INVIA_CARRELLO,
    INVIA_RPT,
    azione_of,
    classe_of,
    outcome_of,
    outcome_of_stato,
)
from adapters.nodo.trasporto import Attese, Trasporto
from hub.domain.delivery import Delivery, Outcome, Stazione
from hub.domain.errors import Misconfigured
from hub.domain.pagamento_online import PagamentoOnline, TentativoCercato, Trovato
from hub.formats.nodo_messaggi import (
    RispostaNonLeggibile,
    build_chiedi_stato_rpt,
    build_invia_carrello_rpt,
    build_invia_rpt,
    fill_password,
    read_chiedi_stato_rpt_risposta,
    read_invia_carrello_rpt_risposta,
    read_invia_rpt_risposta,
)
from hub.ports import Via

_LEAST_SURE_FIRST = (Outcome.UNKNOWN, Outcome.TRY_AGAIN, Outcome.REFUSED, Outcome.DELIVERED)
# How the bytes of a cart begin; an RPT alone has another element.
_CARRELLO_ELEMENT = f":{INVIA_CARRELLO} ".encode()


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
        """Return the body of the answer."""
        headers = {
            "Content-Type": "text/xml; charset=utf-8",
            "SOAPAction": f'"{operation}"',
            "X-Correlation-Id": correlation_id,
        }
        url = stazione.indirizzi.get("nodo", self._url)
        timeout = self._attese.of(stazione, is_question=is_question)
        answer = self._trasporto.call("POST", url, timeout=timeout, headers=headers, body=envelope)
        return answer if isinstance(answer, Delivery) else answer.body


class NodoClient:
    """The profile `rpt`: RPTs leave by SOAP. Safe to share between threads."""

    is_repeatable = False

    def __init__(self, soap: NodoSoap) -> None:
        self._soap = soap
        self.vie: Sequence[Via] = (ViaStato(soap),)

    def write(self, pagamento: PagamentoOnline) -> bytes:
        """The envelope, with a placeholder for the password. See `hub.ports.Nodo.write`."""
        if pagamento.primitiva_rpt != INVIA_RPT:
            return build_invia_carrello_rpt(
                pagamento.stazione,
                pagamento.intermediario,
                pagamento.id_carrello,
                [(parte.chiave, parte.raw) for parte in pagamento.parti],
                is_multibeneficiario=pagamento.is_multibeneficiario,
            )
        if len(pagamento.parti) != 1:
            raise Misconfigured(f"la stazione {pagamento.stazione} invia una RPT per volta: serve {INVIA_CARRELLO}")
        (parte,) = pagamento.parti
        return build_invia_rpt(pagamento.stazione, pagamento.intermediario, parte.chiave, parte.raw)

    def send(self, stazione: Stazione, payload: bytes, correlation_id: str) -> Delivery:
        """Send a message that changes state at the node. See `hub.ports.Nodo.send`."""
        # The bytes say what they are: the station may have another primitive since they were written.
        operation = INVIA_CARRELLO if _CARRELLO_ELEMENT in payload else INVIA_RPT
        envelope = fill_password(payload, stazione.password)
        answer = self._soap.exchange(stazione, operation, envelope, correlation_id, is_question=False)
        if isinstance(answer, Delivery):
            return answer
        read = read_invia_carrello_rpt_risposta if operation == INVIA_CARRELLO else read_invia_rpt_risposta
        try:
            risposta = read(answer)
        except RispostaNonLeggibile as error:
            return unreadable(error)
        if risposta.is_ok:
            return Delivery(Outcome.DELIVERED, response={"url": risposta.url} if risposta.url else {})
        return from_faults(operation, [one.code for one in (risposta.fault, *risposta.errori) if one is not None])


class ViaStato:
    """nodoChiediStatoRPT. Source: node, 2.3 and annex A."""

    nome = "stato"

    def __init__(self, soap: NodoSoap) -> None:
        self._soap = soap

    def ask(self, stazione: Stazione, cercato: TentativoCercato, correlation_id: str) -> Trovato:
        envelope = build_chiedi_stato_rpt(stazione, cercato.chiave)
        answer = self._soap.exchange(stazione, CHIEDI_STATO, envelope, correlation_id, is_question=True)
        if isinstance(answer, Delivery):
            # Whatever happened to the question, the attempt is as unknown as before.
            return Trovato(replace(answer, outcome=Outcome.UNKNOWN))
        try:
            risposta = read_chiedi_stato_rpt_risposta(answer)
        except RispostaNonLeggibile as error:
            return Trovato(unreadable(error))
        if risposta.fault is not None:
            return Trovato(from_faults(CHIEDI_STATO, [risposta.fault.code]))
        response = {"url": risposta.url} if risposta.url else {}
        stato = risposta.stato
        return Trovato(Delivery(outcome_of_stato(stato), stato, response=response), azione_of(stato))


def unreadable(error: RispostaNonLeggibile) -> Delivery:
    return Delivery(Outcome.UNKNOWN, "RISPOSTA_NON_LEGGIBILE", str(error), is_answered=False)


def from_faults(primitiva: str, codes: list[str]) -> Delivery:
    """One outcome for all the faults of an answer: what is not sure makes the whole not sure."""
    if not codes:
        return Delivery(Outcome.UNKNOWN, "KO_SENZA_FAULT", is_answered=False)
    by_outcome = {outcome_of(primitiva, code): code for code in reversed(codes)}
    outcome = next(one for one in _LEAST_SURE_FIRST if one in by_outcome)
    return Delivery(outcome, by_outcome[outcome], classe=classe_of(by_outcome[outcome]))
