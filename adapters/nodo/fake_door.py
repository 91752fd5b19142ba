"""POST /nodo: the message into the ledger, the fault of the script, the node's judgement, the answer.

Source: node, transport (2.0.1), order of the checks (2.0.3).
"""

from __future__ import annotations

import re
import uuid
from collections.abc import Callable
from datetime import datetime

from werkzeug.wrappers import Request, Response

from adapters.nodo.fake_node import OPERAZIONI_INVIO, STATE_AFTER_FAULT, Node, pagamento_url
from adapters.nodo.fake_soap import (
    BustaNonLeggibile,
    Fault,
    NodeContract,
    Richiesta,
    Rifiuto,
    render_copia,
    render_ko,
    render_ok,
    render_pendenti,
    render_soap_fault,
    render_stato,
)
from adapters.nodo.fake_wire import break_connection, soap_response, spoiled
from adapters.nodo.faults_script import CHIEDI_COPIA, CHIEDI_PENDENTI, FaultRule, FaultScript, Kind
from hub.log import get_logger

log = get_logger()

_CORRELATION_ID = re.compile(r"[A-Za-z0-9_-]{8,64}")
_NOT_CARRIED_OUT = frozenset({Kind.HTTP_500, Kind.HTTP_429, Kind.FAULT, Kind.SOAP_FAULT, Kind.GONE})


class NodeDoor:
    """The SOAP door of the simulated node. `refuse` closes the port for some seconds, once a server has set it.

    `on_parked` is told every session that waits for its payer.
    """

    def __init__(self, node: Node, faults: FaultScript, clock: Callable[[], datetime], public_url: str) -> None:
        self.public_url = public_url
        self.refuse: Callable[[float], None] | None = None
        self.on_parked: Callable[[str, datetime], None] = lambda id_session, now: None
        self._contract = NodeContract()
        self._node = node
        self._ledger = node.ledger
        self._faults = faults
        self._clock = clock

    def answer(self, request: Request) -> Response:
        """Answer a request of the hub, well or as badly as the script says; the ledger knows of it in any case."""
        body = request.get_data(cache=False)
        now = self._clock()
        found = request.headers.get("X-Correlation-Id", "")
        correlation_id = found if _CORRELATION_ID.fullmatch(found) else uuid.uuid4().hex
        try:
            richiesta = self._contract.read(body)
        except BustaNonLeggibile as error:
            number = self._ledger.note_message("", "", body, correlation_id, now)
            self._ledger.note_answer(number, "PPT_SINTASSI_EXTRAXSD", "")
            return soap_response(render_soap_fault(f"PPT_SINTASSI_EXTRAXSD: {error}"), 500, correlation_id)
        operazione = richiesta.operazione
        number = self._ledger.note_message(operazione, richiesta.chiave, body, correlation_id, now)
        fault = self._faults.next(operazione)
        if fault is not None and fault.kind in (Kind.LOST_BEFORE, Kind.REFUSE_CONNECTION):
            self._ledger.note_answer(number, "", fault.label)
            return self._vanish(request, fault)
        risposta, response = self._answer(request, richiesta, fault, correlation_id, now)
        self._ledger.note_answer(number, risposta, fault.label if fault else "")
        log.info(
            "node_request", operation=operazione, outcome=risposta, fault=fault.label if fault else "",
            correlation_id=correlation_id,
        )  # fmt: skip
        return spoiled(request, response, fault)

    def _answer(
        self, request: Request, richiesta: Richiesta, fault: FaultRule | None, correlation_id: str, now: datetime
    ) -> tuple[str, Response]:
        """Return the outcome for the ledger and the answer, as honest as the fault lets it be."""
        kind = fault.kind if fault else None
        risposta, body = "", b""
        is_channel_fault = fault is not None and fault.code in STATE_AFTER_FAULT and kind is Kind.FAULT
        if fault is None or fault.processed or kind not in _NOT_CARRIED_OUT or is_channel_fault:
            code = fault.code if fault is not None and is_channel_fault else ""
            risposta, body = self._carry_out(richiesta, self._url(request), correlation_id, now, code)
        if fault is not None and kind is Kind.FAULT and not is_channel_fault:
            risposta, body = (
                fault.code,
                render_ko(richiesta.operazione, [Fault(fault.code, "guasto richiesto al simulatore")]),
            )
        if kind is Kind.SOAP_FAULT:
            return risposta or "SOAP_FAULT", soap_response(render_soap_fault("errore interno"), 500, correlation_id)
        if kind is Kind.HTTP_500:
            return risposta or "HTTP_500", Response("Internal Server Error", 500, content_type="text/plain")
        if kind is Kind.GONE:
            # As a gateway says it of a path or an operation that it has no more.
            body_404 = '{"statusCode": 404, "message": "Resource not found"}'
            return risposta or "HTTP_404", Response(body_404, 404, content_type="application/json")
        if kind is Kind.HTTP_429:
            headers = {"Retry-After": str(max(1, round(fault.seconds)))} if fault else {}
            return risposta or "HTTP_429", Response("Too Many Requests", 429, headers, content_type="text/plain")
        return risposta, soap_response(body, 200, correlation_id)

    def _carry_out(
        self, richiesta: Richiesta, public_url: str, correlation_id: str, now: datetime, code: str
    ) -> tuple[str, bytes]:
        try:
            if richiesta.operazione in OPERAZIONI_INVIO:
                id_session = self._node.take(richiesta, correlation_id, now, code)
                if id_session:
                    self.on_parked(id_session, now)
                url = pagamento_url(public_url, id_session) if id_session else ""
                return "OK", render_ok(richiesta.operazione, url)
            return self._tell(richiesta, public_url)
        except Rifiuto as refusal:
            return refusal.faults[0].code, render_ko(richiesta.operazione, refusal.faults)

    def _tell(self, richiesta: Richiesta, public_url: str) -> tuple[str, bytes]:
        """Answer a question. Raises: Rifiuto."""
        if richiesta.operazione == CHIEDI_COPIA:
            return "OK", render_copia(self._node.copia(richiesta))
        if richiesta.operazione == CHIEDI_PENDENTI:
            return "OK", render_pendenti(self._node.pendenti(richiesta))
        stato = self._node.stato(richiesta, public_url)
        return stato.stato, render_stato(stato)

    def _vanish(self, request: Request, fault: FaultRule) -> Response:
        if fault.kind is Kind.REFUSE_CONNECTION and self.refuse is not None:
            self.refuse(fault.seconds or 1.0)
        return break_connection(request, reset=True)

    def _url(self, request: Request) -> str:
        return self.public_url or request.host_url.rstrip("/")
