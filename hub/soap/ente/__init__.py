"""The management software's service: pa-per-ente, written to said and back. Source: pa-per-ente, operations."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from hub.domain.errors import RichiestaNonEseguibile
from hub.runtime import Runtime
from hub.soap.contract import Contract
from hub.soap.ente import dovuti, flussi, pagamenti
from hub.soap.operation import Call, Operation

PATH = "/ws/pa/PagamentiTelematiciDovutiPagati"

# Published facets that the original never required of a message, and that working clients break: SHORT, the default
# of stShowMyPay, is longer than its own maxLength of 4; secrets longer than 15 characters are in use, and a password
# of any other length is a wrong password (PAA_ENTE_NON_VALIDO), not a broken message.
# Source: pa-per-ente, authentication (1.4) and paaSILInviaDovuti (2.1).
RELAXED = {"stShowMyPay": frozenset({"maxLength"}), "stPassword": frozenset({"minLength", "maxLength"})}

# Elements, by the type they stand in, whose absence or form the original answers with a code of its own.
TEXTUAL = flussi.TEXTUAL


def build_operations(runtime: Runtime, contract: Contract) -> Mapping[str, Operation]:
    """Return every operation of the contract by name."""
    built = {**pagamenti.operations(runtime), **dovuti.operations(runtime), **flussi.operations(runtime)}
    return {verb.name: built.get(verb.name, _not_built) for verb in contract.by_request.values()}


def _not_built(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    raise RichiestaNonEseguibile(
        f"operazione {call.operation} non ancora disponibile",
        f"{call.operation} fa parte del contratto ma questa versione dell'hub non la esegue: nulla è stato registrato",
    )
