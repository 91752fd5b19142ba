"""The REST door of the simulated platform: key, ledger, faults of the script; what a call does is its service's.

Source: node, keys (5), limits and classes of the REST calls (2.0.4, 2.0.5); RFC 9457 for the problems.
"""

from __future__ import annotations

import json
import re
import uuid
from collections.abc import Callable
from datetime import datetime
from typing import Any

from werkzeug.wrappers import Request, Response

from adapters.nodo.fake_wire import break_connection, spoiled
from adapters.nodo.faults_script import FaultRule, FaultScript, Kind
from adapters.nodo.ledger import Ledger
from hub.log import get_logger

log = get_logger()

KEY_HEADER = "Ocp-Apim-Subscription-Key"
# What no key of the platform is shorter than.
_KEY_MIN = 16
_CORRELATION_ID = re.compile(r"[A-Za-z0-9_-]{8,64}")
_NOT_CARRIED_OUT = frozenset({Kind.HTTP_500, Kind.HTTP_429, Kind.FAULT})

# Does what the call asks for; raises Problema when it cannot.
Lavoro = Callable[[], Response]


class Problema(Exception):
    """The service refuses; the message says why, as a ProblemJson will."""

    def __init__(self, status: int, title: str, detail: str) -> None:
        super().__init__(detail)
        self.status, self.title, self.detail = status, title, detail


def problem_response(status: int, title: str, detail: str = "") -> Response:
    words = {"type": "about:blank", "title": title, "status": status, "detail": detail}
    return Response(json.dumps(words, ensure_ascii=False), status, content_type="application/json")


class RestDoor:
    """Where the REST calls of the hub come in. `chiavi`: those that are known; empty: any of a legal shape."""

    def __init__(self, ledger: Ledger, faults: FaultScript, clock: Callable[[], datetime]) -> None:
        self.chiavi: frozenset[str] = frozenset()
        self._ledger = ledger
        self._faults = faults
        self._clock = clock

    def answer(self, request: Request, operazione: str, chiave: str, lavoro: Lavoro) -> Response:
        """Answer a call, well or as badly as the script says; the ledger knows of it in any case."""
        body = request.get_data(cache=True)
        found = request.headers.get("X-Correlation-Id", "")
        correlation_id = found if _CORRELATION_ID.fullmatch(found) else uuid.uuid4().hex
        number = self._ledger.note_message(operazione, chiave, body, correlation_id, self._clock())
        fault = self._faults.next(operazione)
        if fault is not None and fault.kind is Kind.LOST_BEFORE:
            self._ledger.note_answer(number, "", fault.label)
            return break_connection(request, reset=True)
        response = self._answer(request, lavoro, fault)
        self._ledger.note_answer(number, f"HTTP_{response.status_code}", fault.label if fault else "")
        log.info(
            "rest_request", operation=operazione, status=response.status_code, fault=fault.label if fault else "",
            correlation_id=correlation_id,
        )  # fmt: skip
        return spoiled(request, response, fault, "application/json")

    def _answer(self, request: Request, lavoro: Lavoro, fault: FaultRule | None) -> Response:
        kind = fault.kind if fault else None
        response = None
        if fault is None or fault.processed or kind not in _NOT_CARRIED_OUT:
            response = self._carry_out(request, lavoro)
        if fault is not None and kind is Kind.FAULT:
            return problem_response(int(fault.code[-3:]), fault.code, "guasto richiesto al simulatore")
        if kind is Kind.HTTP_500:
            return problem_response(500, "Internal Server Error")
        if fault is not None and kind is Kind.HTTP_429:
            refused = problem_response(429, "Too Many Requests")
            refused.headers["Retry-After"] = str(max(1, round(fault.seconds)))
            return refused
        assert response is not None
        return response

    def _carry_out(self, request: Request, lavoro: Lavoro) -> Response:
        key = request.headers.get(KEY_HEADER) or request.args.get("subscription-key", "")
        if len(key) < _KEY_MIN or (self.chiavi and key not in self.chiavi):
            return problem_response(401, "Access denied due to invalid subscription key")
        try:
            return lavoro()
        except Problema as refusal:
            return problem_response(refusal.status, refusal.title, refusal.detail)


def json_body(request: Request) -> dict[str, Any]:
    """The object that a call carries. Raises: Problema (400)."""
    try:
        words = json.loads(request.get_data(cache=True))
    except (ValueError, RecursionError) as error:
        raise Problema(400, "Bad Request", "JSON non ben formato") from error
    if not isinstance(words, dict):
        raise Problema(400, "Bad Request", "atteso un oggetto")
    return words
