"""The node by SOAP, the profile `rpt`: contract-built messages, every end of a call told as one of four outcomes.

Source: node, common rules (2.0), nodoInviaRPT (2.1), nodoInviaCarrelloRPT (2.2).
"""

from __future__ import annotations

from collections.abc import Sequence

from adapters.nodo.domande import ViaCopia, ViaPendenti, ViaStato
from adapters.nodo.faults import INVIA_CARRELLO, INVIA_RPT
from adapters.nodo.soap import NodoSoap, from_faults, unreadable
from hub.domain.carrello_rpt import problem_of
from hub.domain.delivery import Delivery, Outcome, Stazione
from hub.domain.errors_nodo import RptNonInviabile
from hub.domain.pagamento_online import PagamentoOnline
from hub.domain.servizi_rest import Servizio
from hub.formats.nodo_messaggi import (
    RispostaNonLeggibile,
    build_invia_carrello_rpt,
    build_invia_rpt,
    fill_password,
    read_invia_carrello_rpt_risposta,
    read_invia_rpt_risposta,
)
from hub.ports import Via

# How the bytes of a cart begin; an RPT alone has another element.
_CARRELLO_ELEMENT = f":{INVIA_CARRELLO} ".encode()


class NodoClient:
    """The profile `rpt`: RPTs leave by SOAP. Safe to share between threads."""

    is_repeatable = False
    servizio: Servizio | None = None

    def __init__(self, soap: NodoSoap) -> None:
        self._soap = soap
        self.vie: Sequence[Via] = (ViaStato(soap), ViaPendenti(soap), ViaCopia(soap))

    def write(self, pagamento: PagamentoOnline) -> bytes:
        """The envelope, with a placeholder for the password. See `hub.ports.Nodo.write`.

        Raises: RptNonInviabile (the node would refuse it: a rule of 2.1 or 2.2).
        """
        in_carrello = pagamento.primitiva_rpt != INVIA_RPT
        problem = problem_of(pagamento, in_carrello=in_carrello)
        if problem is not None:
            raise RptNonInviabile(problem)
        if not in_carrello:
            (parte,) = pagamento.parti
            return build_invia_rpt(pagamento.stazione, pagamento.intermediario, parte.chiave, parte.raw)
        return build_invia_carrello_rpt(
            pagamento.stazione,
            pagamento.intermediario,
            pagamento.id_carrello,
            [(parte.chiave, parte.raw) for parte in pagamento.parti],
            is_multibeneficiario=pagamento.is_multibeneficiario,
            codice_convenzione=pagamento.codice_convenzione,
        )

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
