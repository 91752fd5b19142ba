"""How a station asks for settlement flows, with its secrets open: lives only while it asks."""

from __future__ import annotations

from hub.domain.acquisizione_fdr import DomandaFdr, Trasporto
from hub.domain.servizi_rest import Servizio
from hub.formats.segreti import Cassaforte
from hub.store import acquisizioni_fdr, rendicontazioni, servizi_rest, stazioni
from hub.store.database import Session
from hub.usecases.stazione_nodo import stazione_of


def trasporto_of(session: Session, stazione_id: str) -> Trasporto:
    """Return how a station asks: as was said, else over REST when it has a key to it, else over SOAP.

    Source: node, 1.4 (fdr_transport).
    """
    said = acquisizioni_fdr.trasporto_of(session, stazione_id)
    if said is not None:
        return Trasporto(said)
    return Trasporto.SOAP if servizi_rest.find(session, stazione_id, Servizio.FDR) is None else Trasporto.REST


def domanda_of(session: Session, cassaforte: Cassaforte, stazione_id: str, dominio: str) -> DomandaFdr:
    """Return who asks. Raises: Misconfigured (a secret sealed with another key)."""
    row = stazioni.by_id(session, stazione_id)
    service = servizi_rest.find(session, stazione_id, Servizio.FDR)
    sealed = () if service is None else (service.chiave_cifrata, service.chiave_secondaria_cifrata)
    stazione = stazione_of(row, cassaforte)
    psp = rendicontazioni.psp_of_dominio(session, dominio)
    return DomandaFdr(stazione, dominio, tuple(cassaforte.open(key) for key in sealed if key), psp)
