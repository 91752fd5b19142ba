"""paSendRT and paSendRTV2: the bytes are kept, then the node is told OK. Source: node, 3.4, 3.5, 3.0.7 (the KO).

What the schema has against a receipt is noted and not judged: a strict reader loses money when an element is added.
"""

from __future__ import annotations

from typing import Any

from hub.domain.ricevuta import Primitiva
from hub.runtime import Runtime
from hub.soap.operation import Call, Operation
from hub.usecases.record_ricevuta import record_ricevuta

TOLERANT = frozenset({str(Primitiva.SEND_RT), str(Primitiva.SEND_RT_V2)})


def build(runtime: Runtime, primitiva: Primitiva) -> Operation:
    def send_rt(call: Call, request: dict[str, Any]) -> dict[str, Any]:
        testata = record_ricevuta(
            runtime.db, primitiva, call.body, call.charset, call.correlation_id, runtime.clock()
        )
        call.log |= {"dominio": testata.id_pa, "avviso": testata.numero_avviso, "ricevuta": testata.receipt_id}
        return {"outcome": "OK"}

    return send_rt
