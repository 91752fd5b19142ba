"""The payer goes on: the session becomes carrello, dovuti and RPT, and the RPT waits in the outbox.

Source: pa-per-ente, life-cycle of a session (5.2); node, from a position to an RPT (4.4).
"""

from __future__ import annotations

import hashlib
import secrets
import uuid
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import Row

from hub.domain.delivery import ChiaveRpt
from hub.domain.documenti import DocumentoDovuti, Organizzazione, Rpt, SingoloRpt
from hub.domain.errors import Misconfigured, PagamentoScaduto
from hub.domain.stati import StatoSessione
from hub.formats.dovuti import read_dovuti
from hub.formats.nodo_messaggi import build_invia_carrello_rpt, build_invia_rpt
from hub.formats.rpt import causale_rpt, render_rpt
from hub.store import posizioni, sessioni
from hub.store.anagrafe import Anagrafe, EnteConfigurato
from hub.store.database import Database
from hub.store.iuv import IuvBlocks
from hub.usecases.controlli_dovuti import TIPO_MARCA, check_anagrafica

ROMA = ZoneInfo("Europe/Rome")
TOPIC_RPT = "nodo.rpt"
# Due date of dovuti created here. Source: pa-per-ente, paaSILInviaDovuti, state effects, 4.
_SCADENZA = timedelta(days=30)
_ESITO: dict[str, str] = {
    StatoSessione.PAGATO: "OK",
    StatoSessione.PARZ_PAGATO: "OK",
    StatoSessione.NON_PAGATO: "ERROR",
    StatoSessione.IMPOSSIBILE_INVIARE_CARRELLO_RP: "ERROR",
    StatoSessione.ABORT: "ERROR",
}


@dataclass(frozen=True, slots=True)
class SessionePagamento:
    """A session as the payer's page says it. `esito`: OK, ERROR, or None while it is open."""

    id_session: str
    stato: StatoSessione
    show_mypay: str
    ente_cod_ipa: str
    ente_nome: str
    ente_codice_fiscale: str
    voci: tuple[tuple[str, int], ...]
    importo_cent: int
    pagatore_nome: str
    pagatore_email: str | None
    is_expired: bool
    url_nodo: str | None
    url_ritorno: str | None
    esito: str | None
    esito_ritorno: str | None
    chiave_ritorno_cifrata: str | None = field(default=None, repr=False)

    @property
    def is_outcome_pending(self) -> bool:
        return self.stato == StatoSessione.PAGAM_IN_CORSO


def find_sessione(db: Database, anagrafe: Anagrafe, id_session: str, now: datetime) -> SessionePagamento:
    """Return the session behind the payer's address. Raises: NotFound."""
    with db.reading() as session:
        row = sessioni.by_id(session, id_session)
    return describe_sessione(anagrafe, row, now)


def describe_sessione(anagrafe: Anagrafe, row: Row[Any], now: datetime) -> SessionePagamento:
    configurato = anagrafe.find_by_id(row.ente_id, now)
    if configurato is None:
        raise Misconfigured("l'ente della sessione non è più configurato")
    documento = read_dovuti(row.documento)
    stato = StatoSessione(row.stato)
    is_new = stato == StatoSessione.NUOVO_CARRELLO
    return SessionePagamento(
        id_session=row.id_session,
        stato=stato,
        show_mypay=row.show_mypay,
        ente_cod_ipa=configurato.ente.cod_ipa_ente,
        ente_nome=configurato.ente.nome,
        ente_codice_fiscale=configurato.ente.codice_fiscale,
        voci=tuple((dovuto.causale, dovuto.importo_cent) for dovuto in documento.dovuti),
        importo_cent=documento.importo_cent,
        pagatore_nome=row.nome_pagatore or documento.pagatore.anagrafica,
        pagatore_email=row.email_pagatore or documento.pagatore.email,
        is_expired=(is_new and now >= row.expires_at) or stato == StatoSessione.SCADUTO,
        url_nodo=row.url_nodo,
        url_ritorno=row.url_esito or None,
        esito=_ESITO.get(stato),
        esito_ritorno=row.esito_ritorno,
        chiave_ritorno_cifrata=configurato.ente.chiave_ritorno_cifrata,
    )


def start_pagamento(
    db: Database,
    iuv_blocks: IuvBlocks,
    anagrafe: Anagrafe,
    id_session: str,
    nome: str | None,
    email: str | None,
    now: datetime,
) -> None:
    """Start the payment of a session; a second call changes nothing.

    `nome`, `email`: what the payer confirmed on the page, None where it stays as the ente wrote it.
    Raises: NotFound, PagamentoScaduto, IudDuplicato, AnagraficaNonValida, Misconfigured.
    """
    with db.reading() as session:
        row = sessioni.by_id(session, id_session)
    if row.stato != StatoSessione.NUOVO_CARRELLO:
        return
    if now >= row.expires_at:
        raise PagamentoScaduto("la sessione di pagamento è scaduta: tornare al sito dell'ente e ricominciare")
    configurato = anagrafe.find_by_id(row.ente_id, now)
    if configurato is None:
        raise Misconfigured("l'ente della sessione non è più configurato")
    documento = read_dovuti(row.documento)
    pagatore = replace(
        documento.pagatore, anagrafica=nome or documento.pagatore.anagrafica, email=email or documento.pagatore.email
    )
    check_anagrafica(pagatore)
    iuv = iuv_blocks.draw(configurato.ente.codice_fiscale, configurato.ente.codice_segregazione)
    rpt = _build_rpt(configurato, replace(documento, pagatore=pagatore), iuv, now)
    rpt_bytes = render_rpt(rpt)
    id_carrello_nodo = f"{now.astimezone(ROMA).year}{rpt.dominio}01{secrets.randbelow(10**18):018d}"
    carrello_id, tentativo_id = uuid.uuid4().hex, uuid.uuid4().hex
    with db.transaction() as session:
        posizioni.start(
            session,
            sessione={"id_session": id_session, "correlation_id": row.correlation_id, "nome": nome, "email": email},
            carrello={
                "id": carrello_id,
                "ente_id": row.ente_id,
                "dominio": rpt.dominio,
                "iuv": iuv,
                "importo_cent": rpt.importo_cent,
            },
            voci=_voci(documento, now),
            tentativo={
                "id": tentativo_id,
                "stazione_id": rpt.stazione,
                "dominio": rpt.dominio,
                "iuv": iuv,
                "ccp": rpt.ccp,
                "id_messaggio": rpt.id_messaggio,
                "id_carrello_nodo": id_carrello_nodo,
                "rpt": rpt_bytes,
                "rpt_sha256": hashlib.sha256(rpt_bytes).hexdigest(),
            },
            topic=TOPIC_RPT,
            payload=_build_message(configurato.stazione, id_carrello_nodo, rpt, rpt_bytes),
            now=now,
        )


def _voci(documento: DocumentoDovuti, now: datetime) -> list[dict[str, Any]]:
    scadenza = now.astimezone(ROMA).date() + _SCADENZA
    return [
        {
            "id": uuid.uuid4().hex,
            "posizione": posizione,
            "iud": dovuto.iud,
            "tipo": dovuto.tipo,
            "importo_cent": dovuto.importo_cent,
            "causale": dovuto.causale,
            "dati_specifici": dovuto.dati_specifici,
            "bilancio_xml": dovuto.bilancio_xml,
            "scadenza": scadenza,
        }
        for posizione, dovuto in enumerate(documento.dovuti, 1)
    ]


def _build_rpt(configurato: EnteConfigurato, documento: DocumentoDovuti, iuv: str, now: datetime) -> Rpt:
    ente = configurato.ente
    versamenti = []
    for dovuto in documento.dovuti:
        tipo = configurato.tipi.get(dovuto.tipo)
        is_marca = dovuto.tipo == TIPO_MARCA
        versamenti.append(
            SingoloRpt(
                importo_cent=dovuto.importo_cent,
                causale=causale_rpt(iuv, dovuto.importo_cent, dovuto.causale),
                dati_specifici=dovuto.dati_specifici,
                iban_accredito=None if is_marca else (tipo.iban if tipo is not None and tipo.iban else ente.iban),
                marca=dovuto.marca if is_marca else None,
            )
        )
    return Rpt(
        dominio=ente.codice_fiscale,
        stazione=ente.stazione_id,
        id_messaggio=uuid.uuid4().hex,
        creata_at=now,
        pagatore=documento.pagatore,
        ente=Organizzazione(tipo="G", codice=ente.codice_fiscale, denominazione=ente.nome[:70]),
        data_esecuzione=now.astimezone(ROMA).date(),
        tipo_versamento="BBT",
        iuv=iuv,
        ccp=uuid.uuid4().hex,
        versamenti=tuple(versamenti),
    )


def _build_message(stazione: Row[Any], id_carrello_nodo: str, rpt: Rpt, rpt_bytes: bytes) -> bytes:
    chiave = ChiaveRpt(rpt.dominio, rpt.iuv, rpt.ccp)
    if stazione.primitiva_rpt == "nodoInviaRPT":
        return build_invia_rpt(stazione.id, stazione.intermediario, chiave, rpt_bytes)
    return build_invia_carrello_rpt(stazione.id, stazione.intermediario, id_carrello_nodo, [(chiave, rpt_bytes)])
