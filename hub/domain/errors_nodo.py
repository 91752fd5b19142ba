"""Refusals that only the node is told: of a notice it asks about, of an amount it brings.

Part of the tree of `hub.domain.errors`. Source: node, catalogue PAA (annex B) and order of checks (3.0.4).
"""

from __future__ import annotations

from hub.domain.errors import Conflict, InvalidRequest, NotFound


class PagamentoSconosciuto(NotFound):
    code = "PAA_PAGAMENTO_SCONOSCIUTO"


class PagamentoDuplicato(Conflict):
    """Paid already."""

    code = "PAA_PAGAMENTO_DUPLICATO"


class NonRappresentabile(InvalidRequest):
    """The position has something that this operation's answer has no room for, or that the node would reject."""

    code = "PAA_SEMANTICA"
