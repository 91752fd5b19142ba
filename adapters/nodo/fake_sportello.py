"""The counter of a simulated PSP: a notice is asked of the hub, paid or not, and its receipts go out.

Source: node, paVerifyPaymentNotice (3.1), paGetPayment (3.2), paGetPaymentV2 (3.3), paaVerificaRPT (3.7), paaAttivaRPT
(3.8); what the PSP is told when the hub refuses or fails (3.0.1).
"""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from adapters.nodo import fake_ccp, fake_pfn, fake_ricevuta
from adapters.nodo.fake_busta import Risposta
from adapters.nodo.fake_ccp import CcpContract
from adapters.nodo.fake_chiamata import (
    EMESSO_DA_PAA,
    IN_RITARDO,
    IRRAGGIUNGIBILE,
    NON_VALIDA,
    HubCalls,
    Ricevuto,
)
from adapters.nodo.fake_node import Node
from adapters.nodo.fake_notifica import Notifiche
from adapters.nodo.fake_pfn import Avviso, PfnContract
from adapters.nodo.fake_psp import PSP, Psp
from adapters.nodo.fake_ricevuta import Pagato
from adapters.nodo.faults_script import ATTIVA, GET, GET_V2, SPORTELLO, VERIFICA, VERIFY, FaultScript, Kind
from adapters.nodo.ledger_sportello import VIOLAZIONE, LedgerSportello
from hub.domain.delivery import ChiaveRpt

# The node's own limit on each question, and on the RPT after an activation. Source: node, 3.0.1.
QUESTION_S = 7.0
CLASSIC_S = 30.0
RPT_S = 10.0
_LOOK_S = 0.05
# Whoever pays "another amount" without saying which pays one cent more: the least that a reader may overlook.
_OTHER_CENT = 1
# Where the money of a payment goes of which nobody was asked.
_IBAN = "IT60X0542811101000000123456"
VERSIONI = {"V1": 1, "V2": 2}

PAGATO = "PAGATO"
RIFIUTATO = "RIFIUTATO"
VERIFICATO = "VERIFICATO"
ABBANDONATO = "ABBANDONATO"
IN_ATTESA = "RPT_NON_ARRIVATA"

# Settles an activated RPT as paid: puts its receipt on the way, or says that the RPT is not there.
Salda = Callable[[ChiaveRpt], bool]


@dataclass(frozen=True, slots=True)
class AlloSportello:
    """Somebody with a notice. `primitive` empty: as the station wants; `azione`: paga, verifica or rinuncia.

    `stranezza`: None lets the script decide. `pagato_cent`: another amount than told, and what is paid when nobody was
    asked. `nota` is the cart's id, of a payment that comes from one. Empty `stazione`: the one the node knows.
    """

    dominio: str
    numero: str
    azione: str = "paga"
    primitive: str = ""
    stranezza: Kind | None = None
    pagato_cent: int | None = None
    psp: int = 0
    stazione: str = ""
    intermediario: str = ""
    postale: bool = False
    nota: str = ""


class Chiuso(Exception):
    """The payment is over before its end. `codice` is what the PSP is told, `originale` the ente's own code."""

    def __init__(self, stato: str, codice: str = "", originale: str = "", dettaglio: str = "") -> None:
        super().__init__(stato)
        self.words = {"stato": stato, "codice": codice, "originale": originale, "dettaglio": dettaglio}


class Sportello:
    """The counter. Safe for threads: everybody may stand at it at once."""

    def __init__(
        self,
        calls: HubCalls,
        node: Node,
        ledger: LedgerSportello,
        faults: FaultScript,
        clock: Callable[[], datetime],
        salda: Salda,
    ) -> None:
        self._calls, self._node, self._ledger, self._faults = calls, node, ledger, faults
        self._clock, self._salda = clock, salda
        self._pfn, self._ccp = PfnContract(), CcpContract()
        self._notifiche = Notifiche(calls, self._pfn, ledger, faults, clock)
        self.rpt_s = RPT_S

    def close(self) -> None:
        self._notifiche.close()

    def serve(self, chi: AlloSportello) -> dict[str, Any]:
        """Do what somebody came for; return what happened, and under `secondo` what happened at a second PSP."""
        fault = None if chi.stranezza is not None or chi.azione != "paga" else self._faults.next(SPORTELLO)
        if fault is not None:
            chi = replace(chi, stranezza=fault.kind)
        if chi.stranezza is not Kind.TWO_PSPS:
            return self._ledger.pagamento(self._one(chi)[0])
        # Both are told the amount before either has paid: the hub locks nothing. Source: node, locking (3.0.5).
        first, settle_first = self._one(chi, is_held=True)
        second, settle_second = self._one(replace(chi, psp=1 - chi.psp), is_held=True)
        settle_first()
        settle_second()
        return self._ledger.pagamento(first) | {"secondo": self._ledger.pagamento(second)}

    def _one(self, chi: AlloSportello, is_held: bool = False) -> tuple[int, Callable[[], None]]:
        """Serve at one PSP; return the number of the payment, and what sends its receipts when they are held back."""
        avviso, primitive = self._avviso(chi)
        psp = PSP[chi.psp]
        number = self._ledger.open_pagamento(
            self._clock(), dominio=avviso.dominio, numero_avviso=avviso.numero, iuv=avviso.iuv,
            stazione=avviso.stazione, primitive=primitive, psp=psp.id, stranezza=str(chi.stranezza or ""),
        )  # fmt: skip
        try:
            if primitive == "classico":
                self._classico(number, chi, avviso, psp)
                return number, _nothing
            pagato = self._pagato(number, chi, avviso, VERSIONI[primitive])
            settle = self._receipts(number, pagato, avviso, psp, VERSIONI[primitive])
        except Chiuso as end:
            self._ledger.close_pagamento(number, **end.words)
            return number, _nothing
        if not is_held:
            settle()
        return number, settle

    def _avviso(self, chi: AlloSportello) -> tuple[Avviso, str]:
        """Return the notice with its station: as told, as the node knows it, or else named after the ente."""
        known = self._node.anagrafe.of_avviso(chi.dominio, chi.numero)
        intermediario = chi.intermediario or (known.intermediario if known else chi.dominio)
        stazione = chi.stazione or (known.id if known else f"{intermediario}_01")
        primitive = chi.primitive or (known.primitive if known else "V2")
        return Avviso(chi.dominio, chi.numero, intermediario, stazione), primitive

    def _pagato(self, number: int, chi: AlloSportello, avviso: Avviso, versione: int) -> Pagato:
        """Return what was paid.

        Raises: Chiuso.
        """
        token = uuid.uuid4().hex
        if chi.stranezza in (Kind.STAND_IN, Kind.UNKNOWN_NOTICE):
            is_stand_in = chi.stranezza is Kind.STAND_IN
            return fake_ricevuta.without_get(avviso, token, chi.pagato_cent or 1000, _IBAN, stand_in=is_stand_in)
        verified = self._ask(number, VERIFY, fake_pfn.build_verify(avviso), avviso)
        told = fake_pfn.told_cent(verified.dati)
        self._ledger.close_pagamento(number, chiesto_cent=told)
        if chi.azione != "paga":
            raise Chiuso(VERIFICATO if chi.azione == "verifica" else ABBANDONATO)
        operation = GET_V2 if versione == 2 else GET
        body = fake_pfn.build_get(operation, avviso, told, chi.nota, postale=chi.postale)
        data = self._ask(number, operation, body, avviso).dati.find("data")
        asked = fake_pfn.importo_cent(data)
        self._ledger.close_pagamento(number, chiesto_cent=asked)
        if chi.stranezza is Kind.ABANDON:
            raise Chiuso(ABBANDONATO)
        return fake_ricevuta.from_get(data, token, _paid(chi, asked), versione, self._clock(), chi.nota)

    def _receipts(self, number: int, pagato: Pagato, avviso: Avviso, psp: Psp, versione: int) -> Callable[[], None]:
        """Store the receipts, one for each ente of the transfers; return what sends them."""
        now = self._clock()
        operation = fake_ricevuta.operation_of(versione)
        lavori = []
        for dominio in dict.fromkeys((avviso.dominio, *pagato.enti)):
            destinatario = self._recipient(dominio, avviso)
            if destinatario is not None:
                corpo = fake_ricevuta.build_receipt(pagato, avviso, destinatario, psp, versione, now)
                lavori.append((operation, dominio, corpo))
        ricevute = self._ledger.add_ricevute(number, pagato.token, lavori, now)
        self._ledger.close_pagamento(number, stato=PAGATO, pagato_cent=pagato.importo_cent, token=pagato.token)

        def send() -> None:
            for ricevuta in ricevute:
                self._notifiche.post(ricevuta)

        return send

    def _recipient(self, dominio: str, avviso: Avviso) -> tuple[str, str, str] | None:
        """Return where the copy of an ente goes; None: to a station that is none of this hub's."""
        known = self._node.anagrafe.of_avviso(dominio, "")
        if dominio == avviso.dominio or not self._node.anagrafe.stazioni:
            return dominio, avviso.intermediario, avviso.stazione
        return None if known is None else (dominio, known.intermediario, known.id)

    def _classico(self, number: int, chi: AlloSportello, avviso: Avviso, psp: Psp) -> None:
        """Pay the classic way: the RPT that follows the activation is settled as soon as it is there.

        Raises: Chiuso.
        """
        ccp = uuid.uuid4().hex
        verified = self._ask(number, VERIFICA, fake_ccp.build_verifica(avviso, ccp, psp), avviso)
        told = fake_ccp.importo_cent(verified.dati)
        self._ledger.close_pagamento(number, chiesto_cent=told, token=ccp)
        if chi.azione != "paga":
            raise Chiuso(VERIFICATO if chi.azione == "verifica" else ABBANDONATO)
        shown = _paid(chi, told)
        self._ask(number, ATTIVA, fake_ccp.build_attiva(avviso, ccp, psp, shown), avviso)
        if chi.stranezza is Kind.ABANDON:
            raise Chiuso(ABBANDONATO)
        chiave = ChiaveRpt(avviso.dominio, avviso.iuv, ccp)
        deadline = time.monotonic() + self.rpt_s
        while not self._salda(chiave):
            if time.monotonic() > deadline:
                raise Chiuso(IN_ATTESA, dettaglio=f"nessuna RPT con CCP {ccp} in {self.rpt_s:g} s")
            time.sleep(_LOOK_S)
        self._ledger.close_pagamento(number, stato=PAGATO, pagato_cent=shown)

    def _ask(self, number: int, operazione: str, body: bytes, avviso: Avviso) -> Risposta:
        """Ask the hub and judge its answer.

        Raises: Chiuso (refused, failed, or an answer that the node rejects).
        """
        received, guasto = self._question(operazione, body)
        if received.problema:
            self._note(number, operazione, received, "INCERTO", received.problema, received.dettaglio, guasto)
            raise Chiuso(RIFIUTATO, received.problema, dettaglio=received.dettaglio)
        if operazione in (VERIFICA, ATTIVA):
            answer = self._ccp.read(operazione, received.body)
        else:
            rules = fake_pfn.rules_of(operazione, avviso, self._node.anagrafe)
            answer = self._pfn.read(operazione, received.body, rules)
        if answer.violazione:
            self._note(number, operazione, received, VIOLAZIONE, NON_VALIDA, answer.violazione, guasto)
            raise Chiuso(RIFIUTATO, NON_VALIDA, dettaglio=answer.violazione)
        self._note(number, operazione, received, answer.esito, answer.code, answer.description, guasto)
        if not answer.is_ok:
            raise Chiuso(RIFIUTATO, EMESSO_DA_PAA, answer.code, answer.description)
        return answer

    def _note(
        self, number: int, operazione: str, received: Ricevuto, esito: str, codice: str, dettaglio: str, guasto: str
    ) -> None:
        self._ledger.note_passo(
            number, self._clock(), received.ms,
            operazione=operazione, esito=esito, codice=codice, dettaglio=dettaglio, guasto=guasto,
        )  # fmt: skip

    def _question(self, operazione: str, body: bytes) -> tuple[Ricevuto, str]:
        """Call the hub as well or as badly as the script says; return what came back and the fault's name."""
        is_classic = operazione in (VERIFICA, ATTIVA)
        path, limit_s = (fake_ccp.PATH, CLASSIC_S) if is_classic else (fake_pfn.PATH, QUESTION_S)
        fault = self._faults.next(operazione)
        kind = fault.kind if fault else None
        label = fault.label if fault else ""
        if kind is Kind.REFUSE_CONNECTION:
            return Ricevuto(b"", IRRAGGIUNGIBILE, "connessione non aperta", 0), label
        if fault is not None and kind is Kind.LATE:
            time.sleep(fault.seconds)
        if kind is Kind.GARBAGE:
            body = body[: len(body) // 2]
        elif kind is Kind.TWICE:
            self._calls.post(path, operazione, body, limit_s)
        received = self._calls.post(path, operazione, body, limit_s)
        if kind is Kind.LOST_AFTER:
            return Ricevuto(b"", IN_RITARDO, "risposta non letta", received.ms), label
        return received, label


def _paid(chi: AlloSportello, asked: int) -> int:
    if chi.pagato_cent is not None:
        return chi.pagato_cent
    return asked + _OTHER_CENT if chi.stranezza is Kind.OTHER_AMOUNT else asked


def _nothing() -> None:
    """No receipts are owed."""
