"""The receipts of the counter on their way to the hub: sent until it gives an answer that the node can read.

Source: node, paSendRT (3.4), paSendRTV2 (3.5), what a KO means (3.0.7).
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import datetime, timedelta
from functools import partial

from adapters.nodo.fake_chiamata import HubCalls
from adapters.nodo.fake_pfn import PATH, PfnContract
from adapters.nodo.fake_ricevuta import with_codes, with_extra
from adapters.nodo.fake_rt import PAUSES_S
from adapters.nodo.faults_script import FaultRule, FaultScript, Kind
from adapters.nodo.ledger_sportello import NON_NOTIFICATA, NOTIFICATA, VIOLAZIONE, LedgerSportello, Ricevuta
from adapters.nodo.scadenzario import Scadenzario
from hub.log import get_logger

log = get_logger()

# The node's hard limit on an answer. Source: node, 3.0.1.
LIMIT_S = 15.0
WORKERS = 32
# A receipt that waits to be overtaken, and nobody comes, goes by itself.
_HELD_S = 5.0


class Notifiche:
    """Brings receipts to the hub in the background.

    OK, or a well-formed KO: NOTIFIED, never sent again. No answer, HTTP error, an answer against the contract: again
    after a pause; after the last one NOTICE_FAILED.
    """

    def __init__(
        self,
        calls: HubCalls,
        contract: PfnContract,
        ledger: LedgerSportello,
        faults: FaultScript,
        clock: Callable[[], datetime],
    ) -> None:
        self._calls = calls
        self._contract = contract
        self._ledger = ledger
        self._faults = faults
        self._clock = clock
        self._scadenzario = Scadenzario("notifiche", WORKERS, clock)
        self._lock = threading.Lock()
        self._held: dict[int, Ricevuta] = {}
        for ricevuta in ledger.pending_ricevute():
            self.post(ricevuta)

    def post(self, ricevuta: Ricevuta, delay_s: float = 0.0, attempt: int = 0, is_spared: bool = False) -> None:
        """Have the receipt sent after `delay_s`; `is_spared`: it had its misfortune, no other is drawn."""
        due_at = self._clock() + timedelta(seconds=delay_s)
        self._scadenzario.at(due_at, partial(self._deliver, ricevuta, attempt, is_spared))

    def close(self) -> None:
        """Stop sending; what is owed stays in the ledger."""
        self._scadenzario.close()

    def _deliver(self, ricevuta: Ricevuta, attempt: int, is_spared: bool) -> None:
        fault = None if is_spared else self._faults.next(ricevuta.operazione)
        kind = fault.kind if fault else None
        if fault is not None and kind in (Kind.RT_DELAY, Kind.LATE):
            self._note(ricevuta, "RIMANDATA", f"{fault.seconds:g} s", fault.label)
            return self.post(ricevuta, fault.seconds, attempt, is_spared=True)
        if fault is not None and kind is Kind.RT_REORDER:
            return self._hold(ricevuta, fault)
        esito = self._send(ricevuta, fault)
        if esito in ("OK", "KO") and kind in (Kind.RT_DUPLICATE, Kind.TWICE):
            self._send(ricevuta, None)
        if esito in ("OK", "KO"):
            self._ledger.close_ricevuta(ricevuta.id, NOTIFICATA)
        elif attempt < len(PAUSES_S):
            self.post(ricevuta, PAUSES_S[attempt], attempt + 1)
        else:
            self._ledger.close_ricevuta(ricevuta.id, NON_NOTIFICATA)
        self._release(ricevuta.id)

    def _hold(self, ricevuta: Ricevuta, fault: FaultRule) -> None:
        """Keep a receipt until the next one has gone."""
        self._note(ricevuta, "TRATTENUTA", "fino alla prossima", fault.label)
        with self._lock:
            self._held[ricevuta.id] = ricevuta
        due_at = self._clock() + timedelta(seconds=fault.seconds or _HELD_S)
        self._scadenzario.at(due_at, partial(self._release, 0, ricevuta.id))

    def _release(self, gone: int, only: int | None = None) -> None:
        """Let go what was held back: all of it after another receipt has gone, or one whose time is over."""
        with self._lock:
            free = [key for key in self._held if key != gone and (only is None or key == only)]
            released = [self._held.pop(key) for key in free]
        for ricevuta in released:
            self.post(ricevuta, is_spared=True)

    def _send(self, ricevuta: Ricevuta, fault: FaultRule | None) -> str:
        """Send once; return OK, KO, INCERTO (no answer) or VIOLAZIONE (one that the node cannot read)."""
        kind = fault.kind if fault else None
        label = fault.label if fault else ""
        corpo = ricevuta.corpo
        if kind is Kind.REFUSE_CONNECTION:
            return self._note(ricevuta, "INCERTO", "connessione non aperta", label)
        if kind is Kind.RT_EXTRA:
            corpo = with_extra(corpo)
        elif kind is Kind.RT_CODES:
            corpo = with_codes(corpo)
        elif kind in (Kind.GARBAGE, Kind.CLOSE):
            corpo = corpo[: len(corpo) // 2]
        received = self._calls.post(PATH, ricevuta.operazione, corpo, LIMIT_S)
        if kind in (Kind.LOST_AFTER, Kind.GARBAGE, Kind.CLOSE):
            return self._note(ricevuta, "INCERTO", "risposta non letta", label, received.ms)
        if received.problema:
            return self._note(ricevuta, "INCERTO", received.dettaglio, label, received.ms)
        answer = self._contract.read(ricevuta.operazione, received.body)
        if answer.violazione:
            return self._note(ricevuta, VIOLAZIONE, answer.violazione, label, received.ms)
        return self._note(ricevuta, answer.esito, answer.code, label, received.ms)

    def _note(self, ricevuta: Ricevuta, esito: str, dettaglio: str, guasto: str, ms: int = 0) -> str:
        self._ledger.note_consegna(ricevuta.id, esito, dettaglio, guasto, ms, self._clock())
        log.info("receipt_sent", operation=ricevuta.operazione, outcome=esito, detail=dettaglio, duration_ms=ms)
        return esito
