"""What the scripted node keeps of an RPT, and how it answers when it is asked: state, list of pending ones, copy.

Source: node, 2.3 to 2.5, annex A.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING

from adapters.nodo.faults import CHIEDI_COPIA, CHIEDI_STATO, azione_of, outcome_of_stato
from adapters.nodo.soap import from_faults
from hub.domain.delivery import ChiaveRpt, Delivery, Outcome, Stazione
from hub.domain.pagamento_online import TentativoCercato, Trovato
from hub.ports import Via

if TYPE_CHECKING:
    from tests.simulazione.nodo import NodoSimulato

PAGABILE = "RPT_PARCHEGGIATA_NODO"


@dataclass(slots=True)
class RptAlNodo:
    """An RPT that the node has taken; `nota_dal`: from then on the node's own questions know of it."""

    chiave: ChiaveRpt
    rpt: bytes
    importo_cent: int
    nota_dal: datetime
    stato: str = PAGABILE
    ricevute: list[bytes] = field(default_factory=list)
    conclusa_at: datetime | None = None

    @property
    def is_payable(self) -> bool:
        return self.stato == PAGABILE


class ViaSimulata:
    """One way of finding out: what becomes of the call is drawn, what it would say is looked up."""

    def __init__(self, nodo: NodoSimulato, nome: str, look: Callable[[RptAlNodo | None], Trovato]) -> None:
        self._nodo, self.nome, self._look = nodo, nome, look

    def ask(self, stazione: Stazione, cercato: TentativoCercato, correlation_id: str) -> Trovato:
        failed = self._nodo.ask_fails()
        found = self._look(self._nodo.find(cercato.chiave)) if failed is None else Trovato(failed)
        said = found.delivery
        self._nodo.tempo.tell(f"chiede {self.nome} …{cercato.chiave.ccp[-4:]}: {said.outcome} {said.code}")
        return found


def build_vie(nodo: NodoSimulato) -> Sequence[Via]:
    """The ways that this node has, each with what it says of an RPT that it knows, or does not (None)."""

    def stato(rpt: RptAlNodo | None) -> Trovato:
        if not nodo.indole.has_stato:
            return Trovato(Delivery(Outcome.UNKNOWN, "SOAP_Client"), is_gone=True)
        if nodo.is_faulty and nodo.tempo.chance(0.08):
            return _of_stato("RPT_ESITO_SCONOSCIUTO_PSP")
        return _of_fault(CHIEDI_STATO, "PPT_RPT_SCONOSCIUTA") if rpt is None else _of_stato(rpt.stato)

    def pendenti(rpt: RptAlNodo | None) -> Trovato:
        if rpt is None or not rpt.is_payable:
            return Trovato(Delivery(Outcome.UNKNOWN, "NON_IN_LISTA"))
        return _of_stato(rpt.stato)

    def copia(rpt: RptAlNodo | None) -> Trovato:
        if rpt is None:
            return _of_fault(CHIEDI_COPIA, "PPT_RT_SCONOSCIUTA")
        if not rpt.ricevute:
            return _of_fault(CHIEDI_COPIA, "PPT_RT_NONDISPONIBILE")
        return Trovato(Delivery(Outcome.DELIVERED, "RT"), documento=rpt.ricevute[-1])

    asked = {"stato": stato, "pendenti": pendenti, "copia": copia}
    return [ViaSimulata(nodo, nome, look) for nome, look in asked.items()]


def _of_stato(stato: str) -> Trovato:
    return Trovato(Delivery(outcome_of_stato(stato), stato), azione_of(stato))


def _of_fault(primitiva: str, code: str) -> Trovato:
    return Trovato(from_faults(primitiva, [code]))
