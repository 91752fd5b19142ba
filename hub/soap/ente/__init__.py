"""The management software's service: pa-per-ente, written to said and back. Source: pa-per-ente, operations."""

from __future__ import annotations

from collections.abc import Mapping

from hub.runtime import Runtime
from hub.soap.ente import dovuti, flussi, pagamenti, portali
from hub.soap.operation import Operation

PATH = "/ws/pa/PagamentiTelematiciDovutiPagati"

# Published facets that the original never required of a message, and that working clients break: SHORT, the default
# of stShowMyPay, is longer than its own maxLength of 4; secrets longer than 15 characters are in use, and a password
# of any other length is a wrong password (PAA_ENTE_NON_VALIDO), not a broken message.
# Source: pa-per-ente, authentication (1.4) and paaSILInviaDovuti (2.1).
RELAXED = {"stShowMyPay": frozenset({"maxLength"}), "stPassword": frozenset({"minLength", "maxLength"})}

# Elements, by the type they stand in, whose absence or form the original answers with a code of its own.
TEXTUAL = flussi.TEXTUAL | portali.TEXTUAL


def build_operations(runtime: Runtime) -> Mapping[str, Operation]:
    """Return every operation of the contract by name."""
    parts = (pagamenti, dovuti, flussi, portali)
    return {name: operation for part in parts for name, operation in part.operations(runtime).items()}
