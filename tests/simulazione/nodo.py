"""The scripted node, as a port: it keeps what a node keeps (RPTs, their states, receipts that it owes) and misbehaves.

What it did is the truth that the hub is held against. Source: node, 2.0.4 to 2.5, 3.0.7, annex A.
"""

from __future__ import annotations

import base64
import json
import re
import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Protocol

from adapters.nodo.faults import CHIEDI_STATO, INVIA_CARRELLO
from adapters.nodo.soap import from_faults
from hub.domain.delivery import ChiaveRpt, Classe, Delivery, Outcome, Stazione
from hub.domain.errors import HubError, OutOfService
from hub.domain.pagamento_online import PagamentoOnline
from hub.domain.servizi_rest import Servizio
from hub.formats.rpt import read_rpt
from hub.formats.rt import render_rt
from hub.ports import Via
from tests.factories import rt_of
from tests.simulazione.tempo import Crash, Tempo, Violazione
from tests.simulazione.vie import PAGABILE, RptAlNodo, build_vie

# The hub waits so long for an answer; what it does not wait for may still arrive, up to so much later.
ATTESA_S, RITARDO_S = 20.0, 90.0
# After these seconds a receipt that was not taken is sent again; then it can only be asked for.
_RIPROVE_S = (20.0, 60.0, 300.0, 900.0)
# How a call may end when the node is faulty, and how often.
_SORTI = {
    "bene": 48, "non connesso": 6, "richiesta persa": 8, "richiesta in ritardo": 8, "risposta persa": 14,
    "PPT_SYSTEM_ERROR prima": 4, "PPT_SYSTEM_ERROR dopo": 4, "HTTP_503 dopo": 3, "HTTP_429": 3,
}  # fmt: skip
# What an RPT meets that the node will not have, whenever it comes.
_RIFIUTI = ("PPT_SEMANTICA", "PPT_DOMINIO_DISABILITATO", "PPT_CANALE_IRRAGGIUNGIBILE", "PPT_CANALE_ERRORE")
_FALLITE = {"PPT_CANALE_IRRAGGIUNGIBILE": "RPT_ERRORE_INVIO_A_PSP", "PPT_CANALE_ERRORE": "RPT_RIFIUTATA_PSP"}
_CLASSICA = ("identificativoDominio", "identificativoUnivocoVersamento", "codiceContestoPagamento", "rpt")
# A PSP that has activated a notice waits so long for its RPT.
_PSP_S = 60.0
# How a payer who has come to the node's page goes on.
_PAGANTI = {"paga": 62, "negativa": 14, "negativa poi positiva": 8, "scaduta": 6, "rinuncia": 7, "sparisce": 3}


@dataclass(frozen=True, slots=True)
class Pagamento:
    """Money that moved at the node; `chiave`: the CCP of the RPT, or the token of the counter."""

    iuv: str
    chiave: str
    importo_cent: int


class Porta(Protocol):
    """The doors of the hub that the node calls. Raises: HubError; Crash (no answer came)."""

    def ricevi_rt(self, chiave: ChiaveRpt, raw: bytes) -> None: ...

    def ricevi_ricevuta(self, raw: bytes) -> None: ...


@dataclass(frozen=True, slots=True)
class Indole:
    """What kind of node it is, for the whole of a story.

    `rileva_duplicati`: it refuses a key that it has; `is_lenient`: it lets two pay one notice; `has_stato`: it still
    has the question about a state; `dimentica`: after this time an RPT that is over is unknown.
    """

    rileva_duplicati: bool
    is_lenient: bool
    has_stato: bool
    dimentica: timedelta


class NodoSimulato:
    """One node for all the workers of a story. `is_faulty`: its calls may end badly; payers it always has."""

    is_repeatable = False
    servizio: Servizio | None = None

    def __init__(self, tempo: Tempo, indole: Indole) -> None:
        self.tempo = tempo
        self.indole = indole
        self.is_faulty = True
        self.porta: Porta | None = None
        self.rpt: dict[ChiaveRpt, RptAlNodo] = {}
        self.pagamenti: list[Pagamento] = []
        # Receipts that the hub has thanked for: key and bytes.
        self.ringraziate: list[tuple[ChiaveRpt, bytes]] = []
        self.token_ringraziati: set[str] = set()
        # Tokens with which a counter holds a notice, by IUV.
        self.sportello: dict[str, str] = {}
        # Activations of the classic model: until when its PSP waits, by CCP.
        self.classiche: dict[str, datetime] = {}
        self._rifiuti: dict[ChiaveRpt, str | None] = {}
        self.vie: Sequence[Via] = build_vie(self)

    # The port.

    def write(self, pagamento: PagamentoOnline) -> bytes:
        (parte,) = pagamento.parti
        chiave = parte.chiave
        raw = base64.b64encode(parte.raw).decode()
        return json.dumps([chiave.dominio, chiave.iuv, chiave.ccp, raw]).encode()

    def send(self, stazione: Stazione, payload: bytes, correlation_id: str) -> Delivery:
        self.tempo.point("prima di chiamare il nodo")
        delivery = self._exchange(payload)
        self.tempo.tell(f"invia RPT …{_read(payload)[0].ccp[-4:]}: {delivery.outcome} {delivery.code}")
        self.tempo.point("dopo la risposta del nodo")
        return delivery

    def _exchange(self, payload: bytes) -> Delivery:
        sorte = self._draw(_SORTI) if self.is_faulty else "bene"
        if sorte != "bene":
            self.tempo.contati[f"invio: {sorte}"] += 1
        match sorte:
            case "non connesso":
                return Delivery(Outcome.TRY_AGAIN, "NewConnectionError", is_answered=False)
            case "HTTP_429":
                return Delivery(Outcome.TRY_AGAIN, "HTTP_429", classe=Classe.TRANSITORIA, retry_after_s=10.0)
            case "richiesta persa":
                return self._no_answer()
            case "richiesta in ritardo":
                late = ATTESA_S + self.tempo.rng.uniform(0.0, RITARDO_S)
                self.tempo.start("rete", lambda: self.arriva(payload), late)
                return self._no_answer()
            case "risposta persa":
                self.arriva(payload)
                return self._no_answer()
            case "PPT_SYSTEM_ERROR prima":
                return from_faults(INVIA_CARRELLO, ["PPT_SYSTEM_ERROR"])
            case "PPT_SYSTEM_ERROR dopo":
                self.arriva(payload)
                return from_faults(INVIA_CARRELLO, ["PPT_SYSTEM_ERROR"])
            case "HTTP_503 dopo":
                self.arriva(payload)
                return Delivery(Outcome.UNKNOWN, "HTTP_503", classe=Classe.AMBIGUA, is_answered=False)
        self.tempo.sleep(0.2)
        fault = self.arriva(payload)
        if fault is not None:
            return from_faults(INVIA_CARRELLO, [fault])
        return Delivery(Outcome.DELIVERED, response={"url": "https://nodo.example.org/paga?idSession=s1"})

    def _no_answer(self) -> Delivery:
        self.tempo.sleep(ATTESA_S)
        return Delivery(Outcome.UNKNOWN, "ReadTimeoutError", is_answered=False)

    def ask_fails(self) -> Delivery | None:
        """What becomes of a question before anybody hears it; None: it is heard."""
        self.tempo.point("prima di chiedere al nodo")
        if self.is_faulty and self.tempo.chance(0.25):
            self.tempo.contati["domanda senza risposta o con un errore"] += 1
            if self.tempo.chance(0.5):
                self.tempo.sleep(ATTESA_S)
                return Delivery(Outcome.UNKNOWN, "ReadTimeoutError", is_answered=False)
            return from_faults(CHIEDI_STATO, ["PPT_SYSTEM_ERROR"])
        return None

    # The node itself.

    def arriva(self, payload: bytes) -> str | None:
        """An RPT is here: take it, or say with which fault not."""
        chiave, raw = _read(payload)
        iuv, ccp = chiave.iuv, chiave.ccp
        if chiave in self.rpt:
            if self.indole.rileva_duplicati:
                return "PPT_RPT_DUPLICATA"
            raise Violazione(f"la stessa RPT {iuv}/{ccp[-4:]} è al nodo due volte, e questo nodo non se ne accorge")
        rifiuto = self._rifiuto_of(chiave)
        rpt = RptAlNodo(chiave, raw, 0, self.tempo.now)
        rpt.importo_cent = read_rpt(rpt.rpt).importo_cent
        if rifiuto in _FALLITE:
            rpt.stato, rpt.conclusa_at = _FALLITE[rifiuto], self.tempo.now
            self.rpt[chiave] = rpt
            if not self.indole.has_stato:
                self._owe(rpt, 1)
        if rifiuto is not None:
            return rifiuto
        others = [one for one in self.rpt.values() if one.chiave.iuv == iuv and one.is_payable]
        if others:
            raise Violazione(f"due RPT pagabili insieme per lo IUV {iuv}: {others[0].chiave.ccp[-4:]} e {ccp[-4:]}")
        if not self.indole.is_lenient:
            if self.is_paid(iuv):
                return "PPT_PAGAMENTO_DUPLICATO"
            if iuv in self.sportello:
                return "PPT_PAGAMENTO_IN_CORSO"
        if self.is_faulty and self.tempo.chance(0.2):
            self.tempo.contati["RPT presa e non ancora nota alle domande"] += 1
            rpt.nota_dal = self.tempo.now + timedelta(seconds=self.tempo.rng.uniform(1, 60))
        self.rpt[chiave] = rpt
        self.tempo.start("pagante", lambda: self._goes_on(rpt), self.tempo.rng.uniform(2, 300))
        return None

    def attesa_psp(self, ccp: str) -> None:
        """A PSP waits for the RPT of its activation from now on."""
        self.classiche[ccp] = self.tempo.now + timedelta(seconds=_PSP_S)

    def is_paid(self, iuv: str) -> bool:
        return any(one.iuv == iuv for one in self.pagamenti)

    def is_busy(self, iuv: str) -> bool:
        """Whether an RPT of this notice may be paid at this moment."""
        return any(one.chiave.iuv == iuv and one.is_payable for one in self.rpt.values())

    def find(self, chiave: ChiaveRpt) -> RptAlNodo | None:
        """What the node's questions know of a key: nothing at first, nothing when it is long over."""
        found = self.rpt.get(chiave)
        if found is None or found.nota_dal > self.tempo.now:
            return None
        is_old = found.conclusa_at is not None and self.tempo.now - found.conclusa_at > self.indole.dimentica
        return None if is_old else found

    def _rifiuto_of(self, chiave: ChiaveRpt) -> str | None:
        if chiave not in self._rifiuti:
            is_refused = self.is_faulty and self.tempo.chance(0.12)
            self._rifiuti[chiave] = rifiuto = self.tempo.rng.choice(_RIFIUTI) if is_refused else None
            if rifiuto is not None:
                self.tempo.contati[f"rifiuto: {rifiuto}"] += 1
        return self._rifiuti[chiave]

    def _draw(self, weights: dict[str, int]) -> str:
        return self.tempo.rng.choices(list(weights), list(weights.values()))[0]

    def _goes_on(self, rpt: RptAlNodo) -> None:
        """The payer at the node's page; receipts leave for the hub by themselves."""
        how = self._draw(_PAGANTI)
        is_alone = rpt.chiave.ccp in self.classiche and rpt.nota_dal > self.classiche[rpt.chiave.ccp]
        if is_alone or self.is_paid(rpt.chiave.iuv) and not self.indole.is_lenient:
            how = "negativa"
        self.tempo.tell(f"RPT …{rpt.chiave.ccp[-4:]}: {how}")
        rpt.conclusa_at = self.tempo.now
        if how not in ("paga", "negativa"):
            self.tempo.contati[f"pagante: {how}"] += 1
        match how:
            case "paga":
                self._pay(rpt)
                self._owe(rpt, 0)
            case "negativa":
                self._owe(rpt, 1)
            case "scaduta":
                self._owe(rpt, 3)
            case "negativa poi positiva":
                self._pay(rpt)
                self._owe(rpt, 1)
                self._owe(rpt, 0, after_s=self.tempo.rng.uniform(0, 60))
            case "rinuncia":
                rpt.stato = "RPT_ANNULLATA_WISP"
                # Where no state is told there is nothing else to learn it from.
                if not self.indole.has_stato or self.tempo.chance(0.5):
                    self._owe(rpt, 1)
            case "sparisce":
                rpt.stato = "RPT_DECORSI_TERMINI"
                if not self.indole.has_stato:
                    self._owe(rpt, 3)

    def _pay(self, rpt: RptAlNodo) -> None:
        self.pagamenti.append(Pagamento(rpt.chiave.iuv, rpt.chiave.ccp, rpt.importo_cent))

    def _owe(self, rpt: RptAlNodo, esito: int, after_s: float = 0.0) -> None:
        rt = rt_of(read_rpt(rpt.rpt), esito)
        iur = uuid.uuid4().hex[:20]
        rt = replace(rt, pagamenti=tuple(replace(one, iur=iur) for one in rt.pagamenti))
        raw = render_rt(rt)
        rpt.ricevute.append(raw)
        if rpt.stato == PAGABILE:
            rpt.stato = "RT_GENERATA_NODO"
        self.tempo.start("nodo", lambda: self._push_rt(rpt, raw, esito), after_s, is_mortal=True)

    def push_ricevuta(self, token: str, raw: bytes) -> None:
        """Send a receipt of the new model, which nobody can be asked for afterwards: until it is taken."""
        porta = self.porta
        assert porta is not None
        if self._push(f"ricevuta …{token[-4:]}", lambda: porta.ricevi_ricevuta(raw), is_endless=True):
            self.token_ringraziati.add(token)

    def _push_rt(self, rpt: RptAlNodo, raw: bytes, esito: int) -> None:
        porta = self.porta
        assert porta is not None
        name = f"RT …{rpt.chiave.ccp[-4:]} esito {esito}"
        if self._push(name, lambda: porta.ricevi_rt(rpt.chiave, raw)):
            self.ringraziate.append((rpt.chiave, raw))
            rpt.stato = "RT_ACCETTATA_PA"
        else:
            rpt.stato = "RT_ERRORE_INVIO_A_PA"

    def _push(self, name: str, call: Callable[[], None], *, is_endless: bool = False) -> bool:
        """Send a receipt until it is taken or the node gives up, now and then once too often; True: it was taken."""
        is_taken, turn = False, 0
        while turn <= len(_RIPROVE_S) or is_endless:
            wait_s = 0.1 if turn == 0 else _RIPROVE_S[min(turn, len(_RIPROVE_S)) - 1]
            turn += 1
            self.tempo.sleep(wait_s + self.tempo.rng.uniform(0, 5))
            if self.is_faulty and self.tempo.chance(0.25):
                self.tempo.contati["ricevuta persa per strada"] += 1
                self.tempo.tell(f"{name}: si perde")
                continue
            if is_taken:
                self.tempo.contati["ricevuta mandata di nuovo"] += 1
            is_taken |= self._hand_over(name, call)
            if is_taken and not (self.is_faulty and self.tempo.chance(0.2)):
                break
        return is_taken

    def _hand_over(self, name: str, call: Callable[[], None]) -> bool:
        try:
            call()
        except (Crash, OutOfService):
            return False
        except HubError as refusal:
            raise Violazione(f"ricevuta buona rifiutata: {refusal.code} {refusal.description}") from refusal
        is_answered = not (self.is_faulty and self.tempo.chance(0.15))
        if not is_answered:
            self.tempo.contati["risposta a una ricevuta persa"] += 1
        self.tempo.tell(f"{name}: presa" if is_answered else f"{name}: la risposta si perde")
        return is_answered


def _read(payload: bytes) -> tuple[ChiaveRpt, bytes]:
    """The key and the RPT of a message: as `write` wrote it, or as the classic model writes its own."""
    if payload.startswith(b"["):
        dominio, iuv, ccp, raw = json.loads(payload)
    else:
        dominio, iuv, ccp, raw = (_element(payload, name) for name in _CLASSICA)
    return ChiaveRpt(dominio, iuv, ccp), base64.b64decode(raw)


def _element(payload: bytes, name: str) -> str:
    found = re.search(rf"<(?:\w+:)?{name}>([^<]+)<".encode(), payload)
    assert found is not None
    return found[1].decode()
