"""A node that follows a script: what it answers, question by question, and what it was asked."""

from __future__ import annotations

import threading
from collections import deque
from dataclasses import dataclass, field

from adapters.nodo.client import NodoClient
from adapters.nodo.soap import NodoSoap
from adapters.nodo.trasporto import Attese, Trasporto
from hub.domain.delivery import ChiaveRpt, Delivery, Outcome, Stazione
from hub.domain.pagamento_online import PagamentoOnline, TentativoCercato, Trovato
from hub.formats.nodo_messaggi import fill_password

URL_NODO = "https://nodo.example.org/pagamento?idSession=nodo-1"
ACCEPTED = Delivery(Outcome.DELIVERED, response={"url": URL_NODO})


@dataclass
class ScriptedNodo:
    """A node that answers what the test wrote down, in order; with nothing written it accepts what is sent."""

    sends: deque[Delivery] = field(default_factory=deque)
    states: deque[Delivery] = field(default_factory=deque)
    received: list[bytes] = field(default_factory=list)
    asked: list[ChiaveRpt] = field(default_factory=list)

    is_repeatable = False
    servizio = None

    @property
    def vie(self) -> tuple[ScriptedVia, ...]:
        return (ScriptedVia(self),)

    def write(self, pagamento: PagamentoOnline) -> bytes:
        return NodoClient(NodoSoap("", Attese(1, 1, 1), Trasporto())).write(pagamento)

    def send(self, stazione: Stazione, payload: bytes, correlation_id: str) -> Delivery:
        self.received.append(fill_password(payload, stazione.password))
        return self.sends.popleft() if self.sends else ACCEPTED


@dataclass
class ScriptedVia:
    """The question about a state, answered as the node's script says."""

    nodo: ScriptedNodo
    nome: str = "stato"

    def ask(self, stazione: Stazione, cercato: TentativoCercato, correlation_id: str) -> Trovato:
        self.nodo.asked.append(cercato.chiave)
        states = self.nodo.states
        return Trovato(states.popleft() if states else Delivery(Outcome.UNKNOWN, "SENZA_RISPOSTA"))


class FrozenNodo(ScriptedNodo):
    """A node whose answer comes only when the test lets it: the worker that sent to it hangs meanwhile."""

    def __init__(self, answer: Delivery) -> None:
        super().__init__()
        self._answer = answer
        self.has_arrived = threading.Event()
        self.may_answer = threading.Event()

    def send(self, stazione: Stazione, payload: bytes, correlation_id: str) -> Delivery:
        self.has_arrived.set()
        assert self.may_answer.wait(30)
        return self._answer
