"""The catalogue of faults: every code that an operation may answer, when, and what the integrator does about it.

The single source of docs/guasti.md. The door asks `is_known` of each fault it answers: a code that is not here for its
operation is a mistake of ours, told in the log (`fault_not_in_catalogue`). Source of the codes: pa-per-ente, master
list (2.12), and each operation's checks; node, catalogue PAA.
"""

from __future__ import annotations

from hub.domain.guasti import avvisi, comuni, dovuti, esiti, flussi, nodo, pagamenti, portali, ricevute
from hub.domain.guasti.guasto import OPERAZIONI, OPERAZIONI_DOMANDA, OPERAZIONI_ENTE, OPERAZIONI_NODO, Guasto, Ripetere

__all__ = [
    "CATALOGO", "OPERAZIONI", "OPERAZIONI_DOMANDA", "OPERAZIONI_ENTE", "OPERAZIONI_NODO", "Guasto", "Ripetere",
    "is_known",
]  # fmt: skip

CATALOGO: tuple[Guasto, ...] = (
    *comuni.GUASTI,
    *pagamenti.GUASTI,
    *esiti.GUASTI,
    *dovuti.GUASTI,
    *flussi.GUASTI,
    *portali.GUASTI,
    *nodo.GUASTI,
    *avvisi.GUASTI,
    *ricevute.GUASTI,
)
_KNOWN = frozenset((operazione, guasto.code) for guasto in CATALOGO for operazione in guasto.operazioni)


def is_known(operation: str, code: str) -> bool:
    """Say whether the catalogue has this code for this operation."""
    return (operation, code) in _KNOWN
