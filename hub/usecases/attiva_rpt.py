"""The classic model 3: what a notice costs, and the RPT that leaves once a PSP has activated it.

Source: node, paaVerificaRPT (3.7), paaAttivaRPT (3.8), nodoInviaRPT (2.1), from a position to an RPT (4.4).
"""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from hub.domain.delivery import ChiaveRpt
from hub.domain.documenti import Organizzazione, Rpt, SingoloRpt, Soggetto
from hub.domain.errors import Conflict, PagamentoInCorso
from hub.domain.errors_nodo import ImportoNonAttuale, NonRappresentabile
from hub.domain.posizione import Posizione
from hub.formats.istanti import giorno_di
from hub.formats.nodo_messaggi import Psp, build_invia_rpt
from hub.formats.rpt import render_rpt
from hub.store import attivazioni_ccp, outbox
from hub.store.database import Database
from hub.usecases.controlli_nodo import Domanda, Pagabile
from hub.usecases.posizione_avviso import check_accettabile
from hub.usecases.start_pagamento import TOPIC_NODO

# Model 3 leaves as an RPT, whatever the station does with payments on line.
_TOPIC = TOPIC_NODO + "rpt"
_CCP_ASSENTE = "n/a"


@dataclass(frozen=True, slots=True)
class AttivazioneCcp:
    """What a PSP says when it activates. `importo_cent`: what the payer saw; `versante`: who pays, if it is told."""

    ccp: str
    psp: Psp
    importo_cent: int
    versante: Soggetto | None = None
    dati: dict[str, Any] = field(default_factory=dict)


def check_classica(posizione: Posizione) -> None:
    """Refuse a position that is more than one amount to one account, or that the node would reject.

    Raises: NonRappresentabile.
    """
    if len(posizione.trasferimenti) != 1 or posizione.has_marche:
        raise NonRappresentabile(
            "l'avviso non si può pagare con il modello classico",
            "il modello classico porta un solo importo su un solo conto, senza marche da bollo",
            id=posizione.dominio,
        )
    check_accettabile(posizione)


def attiva_rpt(
    db: Database,
    domanda: Domanda,
    pagabile: Pagabile,
    posizione: Posizione,
    attivazione: AttivazioneCcp,
    announce: Callable[[Posizione], None],
    blocco: timedelta,
    correlation_id: str,
    now: datetime,
) -> None:
    """Record the attempt of a PSP; its RPT waits in the outbox and leaves after the answer.

    `announce`: called with the position before a wrong amount is refused, its answer says the right one.
    Raises: NonRappresentabile, ImportoNonAttuale, PagamentoInCorso (the same key again, or somebody else is paying).
    """
    check_classica(posizione)
    if attivazione.ccp.lower() == _CCP_ASSENTE:
        raise NonRappresentabile("codiceContestoPagamento n/a non ammesso", id=posizione.dominio)
    if attivazione.importo_cent != posizione.importo_cent:
        announce(posizione)
        raise ImportoNonAttuale(
            "l'importo dell'avviso è cambiato",
            "importoSingoloVersamento: vale quello in datiPagamentoPA",
            id=posizione.dominio,
        )
    rpt = _build_rpt(posizione, attivazione, domanda.stazione, now)
    raw = render_rpt(rpt)
    chiave = ChiaveRpt(rpt.dominio, rpt.iuv, rpt.ccp)
    tentativo: dict[str, Any] = {
        "id": uuid.uuid4().hex,
        "stazione_id": domanda.stazione,
        "dominio": rpt.dominio,
        "iuv": rpt.iuv,
        "ccp": rpt.ccp,
        "id_messaggio": rpt.id_messaggio,
        "id_carrello_nodo": None,
        "rpt": raw,
        "rpt_sha256": hashlib.sha256(raw).hexdigest(),
    }
    psp = {
        "psp": attivazione.psp.id,
        "intermediario_psp": attivazione.psp.intermediario,
        "canale": attivazione.psp.canale,
        "dati": attivazione.dati,
        "importo_cent": posizione.importo_cent,
    }
    payload = build_invia_rpt(domanda.stazione, domanda.intermediario, chiave, raw, attivazione.psp)
    (dovuto,) = pagabile.dovuti
    try:
        with db.transaction() as session:
            attivazioni_ccp.start(session, dovuto, tentativo, psp, now - blocco, now)
            outbox.put(session, _TOPIC, tentativo["id"], payload, correlation_id, now, ente_id=dovuto.ente_id)
    except Conflict as error:
        raise PagamentoInCorso(
            "un altro pagamento di questo avviso è in corso: riprovare più tardi", str(error), id=posizione.dominio
        ) from error


def _build_rpt(posizione: Posizione, attivazione: AttivazioneCcp, stazione: str, now: datetime) -> Rpt:
    (line,) = posizione.trasferimenti
    return Rpt(
        dominio=posizione.dominio,
        stazione=stazione,
        id_messaggio=uuid.uuid4().hex,
        creata_at=now,
        versante=attivazione.versante,
        pagatore=posizione.debitore,
        ente=Organizzazione(tipo="G", codice=posizione.dominio, denominazione=posizione.nome_ente[:70]),
        data_esecuzione=giorno_di(now),
        tipo_versamento="PO",
        iuv=posizione.iuv,
        ccp=attivazione.ccp,
        versamenti=(
            SingoloRpt(
                importo_cent=line.importo_cent,
                causale=line.causale,
                dati_specifici=line.tassonomia,
                iban_accredito=line.iban,
            ),
        ),
    )
