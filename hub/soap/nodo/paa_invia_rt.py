"""What the node calls: paaInviaRT. Source: node, paaInviaRT (3.9), endpoint behaviour (3.0.1)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from hub.domain.errors import HubError, OutOfService, RichiestaNonEseguibile
from hub.domain.errors_nodo import RichiestaNonValida
from hub.formats.xml import SchemaError
from hub.runtime import Runtime
from hub.soap.contract import Contract
from hub.soap.operation import Call, Operation
from hub.usecases.record_rt import IntestazioneRt, record_rt

PATH = "/ws/fesp/PagamentiTelematiciRT"
# What the schema misses, or does not know, is judged after the bytes of the receipt are kept.
TOLERANT = frozenset({"paaInviaRT"})
_INTESTAZIONE = (
    "identificativoIntermediarioPA",
    "identificativoStazioneIntermediarioPA",
    "identificativoDominio",
    "identificativoUnivocoVersamento",
    "codiceContestoPagamento",
)


def build_operations(runtime: Runtime, contract: Contract) -> Mapping[str, Operation]:
    """Return every operation of the contract by name."""
    # Of these the WISP converter is the peer: it sends again after PAA_SYSTEM_ERROR alone. Source: node, 1.3 and 3.0.7.
    convertite = frozenset(runtime.config.stazioni_convertitore)

    def invia_rt(call: Call, request: dict[str, Any]) -> dict[str, Any]:
        if any(violation.is_garbled for violation in call.violations):
            raise RichiestaNonValida("richiesta non conforme al contratto", "un elemento non contiene un testo")
        header = call.header or {}
        intestazione = IntestazioneRt(*(header.get(name) or "" for name in _INTESTAZIONE))
        call.log |= {"dominio": intestazione.dominio, "iuv": intestazione.iuv, "ccp": intestazione.ccp}
        try:
            record_rt(runtime.db, intestazione, request.get("rt") or "", call.correlation_id, runtime.clock())
        except OutOfService as error:
            if intestazione.stazione not in convertite:
                raise
            raise RichiestaNonEseguibile(str(error), id=intestazione.dominio) from error
        except HubError as error:
            if not call.violations:
                raise
            # A receipt that ends in a KO anyway is told the first check that it fails: the contract.
            first = call.violations[0]
            reason = f"{first.element}: {first.rule}"
            raise RichiestaNonValida("richiesta non conforme al contratto", reason, id=error.id) from error
        return {"paaInviaRTRisposta": {"esito": "OK"}}

    return {verb.name: invia_rt if verb.name == "paaInviaRT" else _not_built for verb in contract.by_request.values()}


def _not_built(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    raise RichiestaNonEseguibile(f"operazione {call.operation} non disponibile su questo hub")


def on_invalid(call: Call, qname: str, errors: list[SchemaError]) -> dict[str, Any] | None:
    """Answer a request that the contract refuses with the business KO that the node expects (HTTP 200)."""
    answer_name = qname.rpartition("}")[2] + "Risposta"
    refusal: HubError = RichiestaNonValida("richiesta non conforme al contratto")
    fault = {
        "faultCode": refusal.code,
        "faultString": str(refusal),
        "id": (call.header or {}).get("identificativoDominio") or "n/a",
        "description": f"{errors[0].element}: {errors[0].rule}" if errors else refusal.description,
    }
    return {answer_name: {"fault": fault, "esito": "KO"}}
