"""Refusals between the hub and the node: of a notice it asks about, of an amount it brings, of what it would refuse.

Part of the tree of `hub.domain.errors`. Source: node, catalogue PAA (annex B) and order of checks (3.0.4).
"""

from __future__ import annotations

from hub.domain.errors import Conflict, InvalidRequest, NotFound, OutOfService, RichiestaNonEseguibile


class PagamentoSconosciuto(NotFound):
    code = "PAA_PAGAMENTO_SCONOSCIUTO"


class PagamentoDuplicato(Conflict):
    """Paid already."""

    code = "PAA_PAGAMENTO_DUPLICATO"


class ImportoNonAttuale(Conflict):
    """A classic activation brings another amount than the one that is owed now."""

    code = "PAA_ATTIVA_RPT_IMPORTO_NON_VALIDO"


class NonRappresentabile(InvalidRequest):
    """The position has something that this operation's answer has no room for, or that the node would reject."""

    code = "PAA_SEMANTICA"


class DatiServizioNonValidi(InvalidRequest):
    """The document inside a demand cannot be read, or lacks what the ente needs."""

    code = "PAA_SINTASSI_XSD"


class ArchivioMuto(OutOfService):
    """The ente's own archive did not answer in time, and what is stored must not be told in its stead."""


class RispostaTardiva(OutOfService):
    """The question waited for so long that its answer would come too late: it is not worked on."""


class RptNonInviabile(RichiestaNonEseguibile):
    """The node would refuse these RPTs: nothing is stored, nothing leaves. Raised by the adapter that writes them."""
