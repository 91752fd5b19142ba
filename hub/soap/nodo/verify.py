"""paVerifyPaymentNotice: whether a notice may be paid, and how much. A pure read. Source: node, 3.1."""

from __future__ import annotations

from typing import Any

from hub.runtime import Runtime
from hub.soap.nodo.parole import descrizione, posizione_asked
from hub.soap.operation import Call, Operation


def build(runtime: Runtime) -> Operation:
    def verify(call: Call, request: dict[str, Any]) -> dict[str, Any]:
        return {"outcome": "OK"} | descrizione(posizione_asked(runtime, call, request))

    return verify
