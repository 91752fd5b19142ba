"""The door `paForNode`: one module for each of its operations.

Source: node, 3.1 to 3.6. No header; the owner of the notice is `idPA`, and `fault/id` says it back.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from hub.domain.errors_nodo import RichiestaNonValida
from hub.domain.ricevuta import Primitiva
from hub.formats.xml import SchemaError
from hub.runtime import Runtime
from hub.soap.contract import Contract
from hub.soap.nodo import demand, get_payment, send_rt, verify
from hub.soap.operation import Call, Operation

PATH = "/ws/fesp/paForNode"


def build_operations(runtime: Runtime, contract: Contract) -> Mapping[str, Operation]:
    """Return every operation of the contract by name."""
    return {
        "paVerifyPaymentNotice": verify.build(runtime),
        "paGetPayment": get_payment.build(runtime, is_v2=False),
        "paGetPaymentV2": get_payment.build(runtime, is_v2=True),
        "paDemandPaymentNotice": demand.build(runtime),
        "paSendRT": send_rt.build(runtime, Primitiva.SEND_RT),
        "paSendRTV2": send_rt.build(runtime, Primitiva.SEND_RT_V2),
    }


def on_invalid(call: Call, qname: str, errors: list[SchemaError]) -> dict[str, Any] | None:
    """Answer a request that the contract refuses with the KO that the node expects (HTTP 200). Source: node, 3.0.2."""
    refusal = RichiestaNonValida("richiesta non conforme al contratto")
    fault = {
        "faultCode": refusal.code,
        "faultString": str(refusal),
        "id": str(call.said.get("idPA") or "n/a")[:35],
        "description": f"{errors[0].element}: {errors[0].rule}" if errors else refusal.description,
    }
    return {"outcome": "KO", "fault": fault}
