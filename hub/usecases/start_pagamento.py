"""The payer goes on: the session becomes carrelli, dovuti and RPTs, and one message for the node waits in the outbox.

Source: pa-per-ente, life-cycle of a session (5.2); node, nodoInviaCarrelloRPT (2.2).
"""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Row

from hub.crash import Punto, crash_point
from hub.domain.documenti import Soggetto
from hub.domain.errors import Misconfigured, PagamentoScaduto
from hub.domain.pagamento_online import PagamentoOnline, RptPronta
from hub.domain.stati import StatoSessione, TipoSessione
from hub.domain.tassonomia import Tassonomia
from hub.formats.istanti import giorno_di
from hub.ports import Nodo
from hub.store import carrelli, posizioni, sessioni, tentativi
from hub.store.anagrafe import Anagrafe
from hub.store.database import Database
from hub.store.iuv import IuvBlocks
from hub.store.posizioni import Avvio, Messaggio
from hub.usecases.controlli_dovuti import check_anagrafica
from hub.usecases.parti_sessione import Parte, configurato_of, read_parti
from hub.usecases.rpt_parte import (
    build_rpt,
    build_rpt_secondaria,
    draw_id_carrello,
    draw_id_multibeneficiario,
)
from hub.usecases.tassonomia_vigente import tassonomia_di

# One for each profile of a station, so that a message leaves by the transport that it was written for.
TOPIC_NODO = "nodo."
# Due date of dovuti created here. Source: pa-per-ente, paaSILInviaDovuti, state effects, 4.
_SCADENZA = timedelta(days=30)
_ORIGINE = {
    TipoSessione.ESTERNO_ANONIMO: "ESTERNO-ANONIMO",
    TipoSessione.ESTERNO_ANONIMO_MULTIENTE: "ESTERNO-ANONIMO_MULTIENTE",
}
# What the node and Checkout say of a position that is paid, or being paid. Source: node, 2.0.4 (class D), 2.11.
_GIA_IN_PAGAMENTO = frozenset({"PPT_PAGAMENTO_DUPLICATO", "HTTP_422"})
_ESITO: dict[str, str] = {
    StatoSessione.PAGATO: "OK",
    StatoSessione.PARZ_PAGATO: "OK",
    StatoSessione.NON_PAGATO: "ERROR",
    StatoSessione.IMPOSSIBILE_INVIARE_CARRELLO_RP: "ERROR",
    StatoSessione.ABORT: "ERROR",
}


@dataclass(frozen=True, slots=True)
class SessionePagamento:
    """A session as the payer's page says it. `esito`: OK, ERROR, or None while it is open.

    `is_gia_in_pagamento`: it could not start because the platform knows it as paid, or as being paid.
    """

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
    is_gia_in_pagamento: bool = False
    chiave_ritorno_cifrata: str | None = field(default=None, repr=False)


def find_sessione(db: Database, anagrafe: Anagrafe, id_session: str, now: datetime) -> SessionePagamento:
    """Return the session behind the payer's address. Raises: NotFound, DovutoNonPagabile (it was cancelled)."""
    with db.reading() as session:
        row = sessioni.by_id(session, id_session)
    return _describe(db, anagrafe, row, now)


def _describe(db: Database, anagrafe: Anagrafe, row: Row[Any], now: datetime) -> SessionePagamento:
    """Raises: DovutoNonPagabile (the dovuto of the session was cancelled), Misconfigured (an ente is not there)."""
    ente = configurato_of(anagrafe, row.ente_id, now).ente
    parti = read_parti(db, anagrafe, row, now)
    pagatore = parti[0].documento.pagatore
    stato = StatoSessione(row.stato)
    is_new = stato == StatoSessione.NUOVO_CARRELLO
    return SessionePagamento(
        id_session=row.id_session,
        stato=stato,
        show_mypay=row.show_mypay,
        ente_cod_ipa=ente.cod_ipa_ente,
        ente_nome=ente.nome,
        ente_codice_fiscale=ente.codice_fiscale,
        voci=tuple(voce for parte in parti for voce in _voci_said(parte)),
        importo_cent=sum(parte.importo_cent for parte in parti),
        pagatore_nome=row.nome_pagatore or pagatore.anagrafica,
        pagatore_email=row.email_pagatore or pagatore.email,
        is_expired=(is_new and now >= row.expires_at) or stato == StatoSessione.SCADUTO,
        url_nodo=row.url_nodo,
        url_ritorno=row.url_esito or None,
        esito=_ESITO.get(stato),
        esito_ritorno=row.esito_ritorno,
        is_gia_in_pagamento=stato == StatoSessione.IMPOSSIBILE_INVIARE_CARRELLO_RP and _is_gia(db, row.id_session),
        chiave_ritorno_cifrata=ente.chiave_ritorno_cifrata,
    )


def _is_gia(db: Database, id_session: str) -> bool:
    with db.reading() as session:
        last = [tentativi.last_of(session, carrello.id) for carrello in carrelli.of_session(session, id_session)]
    return any(one is not None and one.fault_code in _GIA_IN_PAGAMENTO for one in last)


def _voci_said(parte: Parte) -> list[tuple[str, int]]:
    """The lines that the payer reads; the share of a second beneficiary is part of its dovuto's."""
    if parte.secondario is not None:
        return [(parte.documento.dovuti[0].causale, parte.importo_cent)]
    return [(dovuto.causale, dovuto.importo_cent) for dovuto in parte.documento.dovuti]


def start_pagamento(
    db: Database,
    iuv_blocks: IuvBlocks,
    anagrafe: Anagrafe,
    nodi: Mapping[str, Nodo],
    id_session: str,
    nome: str | None,
    email: str | None,
    now: datetime,
) -> None:
    """Start the payment of a session; a second call changes nothing.

    `nodi`: by profile of a station. `nome`, `email`: what the payer confirmed on the page, None where it stays as the
    ente wrote it.
    Raises: NotFound, PagamentoScaduto, IudDuplicato, DovutoNonPagabile, AnagraficaNonValida, Misconfigured.
    """
    with db.reading() as session:
        row = sessioni.by_id(session, id_session)
    if row.stato != StatoSessione.NUOVO_CARRELLO:
        return
    if now >= row.expires_at:
        raise PagamentoScaduto("la sessione di pagamento è scaduta: tornare al sito dell'ente e ricominciare")
    parti = _with_payer(read_parti(db, anagrafe, row, now), nome, email)
    for parte in parti:
        check_anagrafica(parte.documento.pagatore)
    avvii, pagamento = _prepare(id_session, parti, TipoSessione(row.tipo), iuv_blocks, tassonomia_di(anagrafe), now)
    profilo = parti[0].configurato.stazione.pagamento_online
    if profilo not in nodi:
        raise Misconfigured(f"la stazione {pagamento.stazione} paga con {profilo}, che qui non c'è")
    messaggio = Messaggio(TOPIC_NODO + profilo, avvii[0].tentativo["id"], nodi[profilo].write(pagamento))
    sessione = {"id_session": id_session, "correlation_id": row.correlation_id, "nome": nome, "email": email}
    with db.transaction() as session:
        posizioni.start(session, sessione, avvii, messaggio, now)
        crash_point(Punto.AVVIO_SCRITTO)
    crash_point(Punto.AVVIO_TENUTO)


def _with_payer(parti: list[Parte], nome: str | None, email: str | None) -> list[Parte]:
    """Put what the payer confirmed into every part that is his."""
    codice = parti[0].documento.pagatore.codice

    def confirmed(pagatore: Soggetto) -> Soggetto:
        if pagatore.codice != codice:
            return pagatore
        return replace(pagatore, anagrafica=nome or pagatore.anagrafica, email=email or pagatore.email)

    return [
        replace(parte, documento=replace(parte.documento, pagatore=confirmed(parte.documento.pagatore)))
        for parte in parti
    ]


def _prepare(
    id_session: str,
    parti: Sequence[Parte],
    tipo: TipoSessione,
    iuv_blocks: IuvBlocks,
    tassonomia: Tassonomia,
    now: datetime,
) -> tuple[list[Avvio], PagamentoOnline]:
    first = parti[0]
    quota = first.altro_beneficiario
    id_carrello = draw_id_carrello(first.configurato.ente.codice_fiscale, now)
    avvii, pronte = [], []
    for parte in parti:
        ente = parte.configurato.ente
        iuv = parte.dovuto.iuv if parte.dovuto is not None else None
        iuv = iuv or iuv_blocks.draw(ente.codice_fiscale, ente.codice_segregazione)
        if quota is not None:
            id_carrello = draw_id_multibeneficiario(ente.codice_fiscale, iuv)
        ccp = id_carrello if quota is not None else uuid.uuid4().hex
        pronta = build_rpt(parte, iuv, ccp, tassonomia, now)
        pronte.append(pronta)
        avvii.append(_avvio(parte, pronta, id_carrello, tipo, now))
    if quota is not None:
        pronte.append(build_rpt_secondaria(first, quota, pronte[0].rpt.iuv, id_carrello, now))
    stazione = first.configurato.stazione
    return avvii, PagamentoOnline(
        id_session=id_session,
        stazione=stazione.id,
        intermediario=stazione.intermediario,
        primitiva_rpt=stazione.primitiva_rpt,
        id_carrello=id_carrello,
        parti=tuple(pronte),
        is_multibeneficiario=quota is not None,
        email=first.documento.pagatore.email,
        codice_convenzione=_convenzione(parti),
    )


def _convenzione(parti: Sequence[Parte]) -> str | None:
    """The agreement under which a cart is paid: a cart names one, and enti with different ones name none."""
    named = {parte.configurato.ente.codice_convenzione for parte in parti}
    return next(iter(named)) if len(named) == 1 else None


def _avvio(parte: Parte, pronta: RptPronta, id_carrello: str, tipo: TipoSessione, now: datetime) -> Avvio:
    rpt = pronta.rpt
    carrello = {
        "id": uuid.uuid4().hex,
        "ente_id": parte.configurato.ente.id,
        "dominio": rpt.dominio,
        "iuv": rpt.iuv,
        "importo_cent": rpt.importo_cent,
    }
    tentativo = {
        "id": uuid.uuid4().hex,
        "stazione_id": rpt.stazione,
        "dominio": rpt.dominio,
        "iuv": rpt.iuv,
        "ccp": rpt.ccp,
        "id_messaggio": rpt.id_messaggio,
        "id_carrello_nodo": id_carrello,
        "profilo": parte.configurato.stazione.pagamento_online,
        "rpt": pronta.raw,
        "rpt_sha256": hashlib.sha256(pronta.raw).hexdigest(),
    }
    if parte.dovuto is not None:
        return Avvio(carrello, tentativo, dovuto=parte.dovuto)
    pagatore = parte.documento.pagatore
    comuni: dict[str, Any] = {
        "tipo_versamento": parte.documento.tipo_versamento,
        "pagatore_tipo": pagatore.tipo,
        "pagatore_codice": pagatore.codice,
        "pagatore": asdict(pagatore),
        "origine": _ORIGINE[tipo],
    }
    if parte.secondario is not None:
        comuni["secondario"] = asdict(parte.secondario)
    return Avvio(carrello, tentativo, _voci(parte, now), comuni)


def _voci(parte: Parte, now: datetime) -> list[dict[str, Any]]:
    scadenza = giorno_di(now) + _SCADENZA
    return [
        {
            "id": uuid.uuid4().hex,
            "posizione": posizione,
            "iud": dovuto.iud,
            "tipo": dovuto.tipo,
            "importo_cent": dovuto.importo_cent,
            "commissione_cent": dovuto.commissione_cent,
            "causale": dovuto.causale,
            "dati_specifici": dovuto.dati_specifici,
            "bilancio_xml": dovuto.bilancio_xml,
            "marca": None if dovuto.marca is None else asdict(dovuto.marca),
            "scadenza": scadenza,
        }
        for posizione, dovuto in enumerate(parte.documento.dovuti, 1)
    ]
