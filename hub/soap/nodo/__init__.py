"""The doors that the node calls: for each its path, its contract and its operations.

Source: node, services the hub must expose (3), endpoint behaviour (3.0.1).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from hub.runtime import Runtime
from hub.soap.contract import Contract
from hub.soap.nodo import ccp, pa_for_node, paa_invia_rt, send_rt
from hub.soap.operation import OnInvalid, Operation

# Of paaInviaRT.
PATH = paa_invia_rt.PATH


@dataclass(frozen=True, slots=True)
class Porta:
    """A door: `wsdl` is the file name of its contract; `tolerant` operations take what its schema refuses."""

    path: str
    wsdl: str
    build_operations: Callable[[Runtime, Contract], Mapping[str, Operation]]
    on_invalid: OnInvalid
    tolerant: frozenset[str] = frozenset()


PORTE = (
    Porta(
        paa_invia_rt.PATH,
        "PaPerNodo.wsdl",
        paa_invia_rt.build_operations,
        paa_invia_rt.on_invalid,
        paa_invia_rt.TOLERANT,
    ),
    Porta(pa_for_node.PATH, "paForNode.wsdl", pa_for_node.build_operations, pa_for_node.on_invalid, send_rt.TOLERANT),
    Porta(ccp.PATH, "PaPerNodoPagamentoPsp.wsdl", ccp.build_operations, paa_invia_rt.on_invalid),
)

# SOAPAction by path: what must be answered in two seconds, whatever else is going on.
DOMANDE = {
    pa_for_node.PATH: frozenset({"paVerifyPaymentNotice", "paGetPayment", "paGetPaymentV2", "paDemandPaymentNotice"}),
    ccp.PATH: frozenset({"paaVerificaRPT", "paaAttivaRPT"}),
}
