"""Assembly of what goes out: the node, the platform, the systems of the entes, as the use cases know them."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from datetime import timedelta

from adapters.checkout.client import CheckoutClient
from adapters.ente.archivio import LIMITI_ARCHIVIO, ArchivioClient
from adapters.ente.chiamata import Limiti as LimitiEnte
from adapters.ente.fake import EnteFinto
from adapters.nodo.client import NodoClient
from adapters.nodo.fdr_http import Tempi
from adapters.nodo.fdr_rest import FdrRest
from adapters.nodo.fdr_soap import FdrSoap
from adapters.nodo.soap import NodoSoap
from adapters.nodo.trasporto import Attese, Trasporto
from adapters.sftp.client import Limiti, SftpClient
from adapters.tassonomia.client import TassonomiaClient
from hub.app_giornale import Testimoni
from hub.config import Config
from hub.domain.acquisizione_fdr import Trasporto as TrasportoFdr
from hub.formats.segreti import Cassaforte
from hub.ports import ArchivioEsterno, FlussiRendicontazione, FonteTassonomia, Nodo, Recapiti
from hub.runtime import utc_now
from hub.store.database import Database
from hub.usecases import consegna_export
from hub.usecases.importo_attuale import Archivi
from hub.usecases.record_rt import record_copia
from hub.usecases.tentativo_nodo import Collegamento

# The services of settlement flows on the platform's gateway. Source: node, 1.4.
_FDR_SOAP, _FDR_REST = "/nodo-auth/node-for-pa/v1", "/fdr-org/service/v1"


def build_nodi(config: Config) -> Mapping[str, Nodo]:
    """The node by profile of a station (`pagamento_online`). Of a station that says nothing else, by its addresses."""
    attese = Attese(config.node_connect_timeout_s, config.node_read_timeout_s, config.node_query_timeout_s)
    trasporto = Trasporto(config.relay_threads)
    soap = NodoSoap(f"{config.node_url or ''}/nodo", attese, trasporto)
    checkout = CheckoutClient(
        config.piattaforma_url, public_url=config.public_url, is_open=not config.is_produzione
    )
    return {"rpt": NodoClient(soap), "checkout": checkout}


def build_fdr(config: Config, stop: threading.Event) -> Mapping[TrasportoFdr, FlussiRendicontazione]:
    """Where settlement flows are asked for by the transport of a station, when it has no address of its own."""
    attese = Attese(config.node_connect_timeout_s, config.node_read_timeout_s, config.node_query_timeout_s)
    tempi = Tempi(attese, config.fdr_totale_s, stop)
    return {
        TrasportoFdr.SOAP: FdrSoap(f"{config.node_url or ''}{_FDR_SOAP}", tempi),
        TrasportoFdr.REST: FdrRest(f"{config.piattaforma_url}{_FDR_REST}", tempi),
    }


def build_collegamenti(
    config: Config, db: Database, nodi: Mapping[str, Nodo], cassaforte: Cassaforte
) -> dict[str, Collegamento]:
    """What the topics of each profile work with. `registra`: who keeps each kind of document that a search finds."""
    return {
        profilo: Collegamento(
            db=db,
            nodo=nodo,
            cassaforte=cassaforte,
            clock=utc_now,
            lasts=timedelta(seconds=config.node_call_s),
            blocco=timedelta(seconds=config.blocco_pagamento_s),
            registra={"RT": record_copia},
        )
        for profilo, nodo in nodi.items()
    }


def build_recapiti(config: Config) -> Recapiti:
    """The servers where files of the entes are left."""
    return SftpClient(is_open=not config.is_produzione, limiti=Limiti(total_s=consegna_export.INVIO_S))


def build_fonte_tassonomia(config: Config) -> FonteTassonomia:
    """Where pagoPA publishes the taxonomy."""
    return TassonomiaClient(config.tassonomia_url)


def build_archivi(config: Config, testimoni: Testimoni) -> Archivi:
    """The external archives of the entes, for the node's questions: seconds are counted, some threads stay free."""
    budget_s = config.archivio_budget_s
    limiti = LimitiEnte(
        connect_s=budget_s, read_s=budget_s, total_s=budget_s, answer_max_bytes=LIMITI_ARCHIVIO.answer_max_bytes
    )
    client = testimoni.archivio(ArchivioClient(is_open=not config.is_produzione, limiti=limiti))
    return Archivi(client, max(1, config.domande_threads - 1))


def build_archivio(config: Config) -> ArchivioEsterno:
    """The external archives of the entes, for who asks them from the command line."""
    return ArchivioClient(is_open=not config.is_produzione)


def build_ente_finto(chiave: str) -> EnteFinto:
    """The system of an ente that the demo plays: it takes what is pushed and checks the signature."""
    return EnteFinto(chiave)
