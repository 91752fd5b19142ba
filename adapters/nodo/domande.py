"""The ways of finding out that the node has by SOAP: state, list of pending RPTs, copy of the receipt.

Each tells what it says about the attempt; a primitive that the node does not have any more is told as gone.
Source: node, 2.3 to 2.5, annex A.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Protocol, TypeVar

from adapters.nodo.faults import CHIEDI_COPIA, CHIEDI_PENDENTI, CHIEDI_STATO, azione_of, outcome_of_stato
from adapters.nodo.soap import NodoSoap, from_faults, unreadable
from hub.domain.delivery import Delivery, Outcome, Stazione
from hub.domain.pagamento_online import TentativoCercato, Trovato
from hub.formats.nodo_domande import (
    RispostaCopia,
    RispostaPendenti,
    build_chiedi_copia_rt,
    build_chiedi_lista_pendenti,
    read_chiedi_copia_rt_risposta,
    read_chiedi_lista_pendenti_risposta,
)
from hub.formats.nodo_messaggi import (
    FaultNodo,
    FaultSoap,
    RispostaNonLeggibile,
    RispostaStato,
    build_chiedi_stato_rpt,
    read_chiedi_stato_rpt_risposta,
)

# What a gateway answers for a path or an operation that it does not have.
_GONE = frozenset({"HTTP_404", "HTTP_405", "HTTP_410", "HTTP_501", "SOAP_Client"})
# An RPT is listed under the instant at which the node took it: around that of its writing, and a day late at most.
_PRIMA, _DOPO = timedelta(minutes=10), timedelta(days=1)


class _ConFault(Protocol):
    """Every answer to a question may be a fault instead."""

    @property
    def fault(self) -> FaultNodo | None: ...


Risposta = TypeVar("Risposta", bound=_ConFault)


class _ViaSoap:
    """What the three ways have in common: one question, and what its answer proves when it is none, or a fault."""

    def __init__(self, soap: NodoSoap) -> None:
        self._soap = soap

    def _find(
        self,
        operation: str,
        stazione: Stazione,
        envelope: bytes,
        correlation_id: str,
        read: Callable[[bytes], Risposta],
        tell: Callable[[Risposta], Trovato],
    ) -> Trovato:
        """Ask once; what is no answer says nothing about the attempt, which stays as unknown as before."""
        answer = self._soap.exchange(stazione, operation, envelope, correlation_id, is_question=True)
        if isinstance(answer, Delivery):
            is_gone = answer.code in _GONE
            # Who says that it has no such operation has answered: nothing is wrong with the station.
            answer = replace(answer, outcome=Outcome.UNKNOWN, is_answered=answer.is_answered or is_gone)
            return Trovato(answer, is_gone=is_gone)
        try:
            risposta = read(answer)
        except FaultSoap as error:
            is_gone = error.code == "Client"
            return Trovato(replace(unreadable(error), is_answered=is_gone), is_gone=is_gone)
        except RispostaNonLeggibile as error:
            return Trovato(unreadable(error))
        if risposta.fault is not None:
            return Trovato(from_faults(operation, [risposta.fault.code]))
        return tell(risposta)


class ViaStato(_ViaSoap):
    """nodoChiediStatoRPT. Source: node, 2.3 and annex A."""

    nome = "stato"

    def ask(self, stazione: Stazione, cercato: TentativoCercato, correlation_id: str) -> Trovato:
        """The state of the attempt; DELIVERED may carry `response["url"]` while the payer can still go on."""

        def tell(risposta: RispostaStato) -> Trovato:
            response = {"url": risposta.url} if risposta.url else {}
            stato = risposta.stato
            return Trovato(Delivery(outcome_of_stato(stato), stato, response=response), azione_of(stato))

        envelope = build_chiedi_stato_rpt(stazione, cercato.chiave)
        return self._find(CHIEDI_STATO, stazione, envelope, correlation_id, read_chiedi_stato_rpt_risposta, tell)


class ViaPendenti(_ViaSoap):
    """nodoChiediListaPendentiRPT: who is listed is there, who is not proves nothing. Source: node, 2.5."""

    nome = "pendenti"

    def ask(self, stazione: Stazione, cercato: TentativoCercato, correlation_id: str) -> Trovato:
        """Whether the attempt is in the list of its ente, of the day on which it was written."""

        def tell(risposta: RispostaPendenti) -> Trovato:
            stato = next((stato for chiave, stato in risposta.pendenti if chiave == cercato.chiave), None)
            if stato is None:
                return Trovato(Delivery(Outcome.UNKNOWN, "NON_IN_LISTA"))
            return Trovato(Delivery(outcome_of_stato(stato), stato), azione_of(stato))

        da, a = cercato.creato_at - _PRIMA, cercato.creato_at + _DOPO
        envelope = build_chiedi_lista_pendenti(stazione, cercato.chiave.dominio, da, a)
        read = read_chiedi_lista_pendenti_risposta
        return self._find(CHIEDI_PENDENTI, stazione, envelope, correlation_id, read, tell)


class ViaCopia(_ViaSoap):
    """nodoChiediCopiaRT: the receipt itself. Source: node, 2.4."""

    nome = "copia"

    def ask(self, stazione: Stazione, cercato: TentativoCercato, correlation_id: str) -> Trovato:
        """The receipt of the attempt when there is one; that it is not ready yet proves that the node has the RPT."""

        def tell(risposta: RispostaCopia) -> Trovato:
            return Trovato(Delivery(Outcome.DELIVERED, "RT"), documento=risposta.rt)

        envelope = build_chiedi_copia_rt(stazione, cercato.chiave)
        return self._find(CHIEDI_COPIA, stazione, envelope, correlation_id, read_chiedi_copia_rt_risposta, tell)
