"""Refusals between the hub and the node: of who asks, of a notice, of a receipt, of what the node would refuse.

Part of the tree of `hub.domain.errors`. Source: node, catalogue PAA (annex B) and order of checks (3.0.4).
"""

from __future__ import annotations

from hub.domain.errors import (
    Conflict,
    InvalidRequest,
    NotAllowed,
    NotFound,
    OutOfService,
    RichiestaNonEseguibile,
    Sovraccarico,
)


class RichiestaNonValida(InvalidRequest):
    """A request of the node that the contract's schema refuses."""

    code = "PAA_SINTASSI_EXTRAXSD"


class RtNonLeggibile(InvalidRequest):
    code = "PAA_SINTASSI_XSD"


class RicevutaNonLeggibile(InvalidRequest):
    """A receipt of paSendRT or paSendRTV2 without what makes it one."""

    code = "PAA_SINTASSI_EXTRAXSD"


class IntermediarioErrato(NotAllowed):
    code = "PAA_ID_INTERMEDIARIO_ERRATO"


class StazioneErrata(NotAllowed):
    code = "PAA_STAZIONE_INT_ERRATA"


class DominioErrato(NotAllowed):
    code = "PAA_ID_DOMINIO_ERRATO"


class RptSconosciuta(NotFound):
    code = "PAA_RPT_SCONOSCIUTA"


class RtIncoerente(Conflict):
    code = "PAA_SEMANTICA"


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


class RispostaTardiva(Sovraccarico):
    """The question waited for so long that its answer would come too late: it is not worked on."""


class RptNonInviabile(RichiestaNonEseguibile):
    """The node would refuse these RPTs: nothing is stored, nothing leaves. Raised by the adapter that writes them."""
