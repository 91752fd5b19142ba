"""Calls of the node and of the ente, as bytes, and what is read in their answers."""

from __future__ import annotations

import re

from hub.domain.iuv import numero_avviso
from tests.factories import encode
from tests.flows.plant import NS as NS_ENTE
from tests.flows.plant import SERVICE
from tests.gare.campo import Chiamata
from tests.ricevute import NS as NS_AVVISI
from tests.versamenti import Versamento
from tests.world import INTERMEDIARIO, PASSWORDS, STAZIONE

_AVVISI = "/ws/fesp/paForNode"
_RT = "/ws/fesp/PagamentiTelematiciRT"
_NS_RT = "http://ws.pagamenti.telematici.gov/"
_HEAD_RT = (
    f"<identificativoIntermediarioPA>{INTERMEDIARIO}</identificativoIntermediarioPA>"
    f"<identificativoStazioneIntermediarioPA>{STAZIONE}</identificativoStazioneIntermediarioPA>"
)


def ricevuta(raw: bytes, primitiva: str = "paSendRTV2") -> Chiamata:
    """A receipt, made by tests.ricevute."""
    return Chiamata(_AVVISI, raw, primitiva)


def rt(dominio: str, iuv: str, ccp: str, raw: bytes) -> Chiamata:
    """paaInviaRT."""
    head = (
        f"{_HEAD_RT}<identificativoDominio>{dominio}</identificativoDominio>"
        f"<identificativoUnivocoVersamento>{iuv}</identificativoUnivocoVersamento>"
        f"<codiceContestoPagamento>{ccp}</codiceContestoPagamento>"
    )
    body = f"<w:paaInviaRT><tipoFirma>0</tipoFirma><rt>{encode(raw)}</rt></w:paaInviaRT>"
    header = f'<h:intestazionePPT xmlns:h="{_NS_RT}ppthead">{head}</h:intestazionePPT>'
    return Chiamata(_RT, _envelope(body, header, f'xmlns:w="{_NS_RT}"'), "paaInviaRT")


def domanda(operation: str, iuv: str) -> Chiamata:
    """`paVerifyPaymentNotice` or `paGetPaymentV2`."""
    root = {"paVerifyPaymentNotice": "paVerifyPaymentNoticeReq", "paGetPaymentV2": "paGetPaymentV2Request"}[operation]
    content = (
        f"<idPA>{INTERMEDIARIO}</idPA><idBrokerPA>{INTERMEDIARIO}</idBrokerPA><idStation>{STAZIONE}</idStation>"
        f"<qrCode><fiscalCode>{INTERMEDIARIO}</fiscalCode><noticeNumber>{numero_avviso(iuv)}</noticeNumber></qrCode>"
    )
    return Chiamata(_AVVISI, _envelope(f"<p:{root}>{content}</p:{root}>", "", f'xmlns:p="{NS_AVVISI}"'), operation)


def annullo(iud: str, iuv: str, importo: str) -> Chiamata:
    """paaSILImportaDovuto that cancels."""
    documento = Versamento(iud, azione="A", iuv=iuv, importo=importo)
    inner = f"<password>{PASSWORDS['C_PROVA']}</password><dovuto>{encode(documento.xml)}</dovuto>"
    header = f'<h:intestazionePPT xmlns:h="{NS_ENTE}ppthead"><codIpaEnte>C_PROVA</codIpaEnte></h:intestazionePPT>'
    body = f"<e:paaSILImportaDovuto>{inner}</e:paaSILImportaDovuto>"
    return Chiamata(SERVICE, _envelope(body, header, f'xmlns:e="{NS_ENTE}"'), "paaSILImportaDovuto")


def apre(id_session: str) -> Chiamata:
    """The payer opens his address: the payment starts."""
    return Chiamata(f"/paga/{id_session}")


def code_of(status: int, body: bytes) -> str:
    """OK, the code of the fault, or what else came."""
    text = body.decode(errors="replace")
    found = re.search(r"<(?:\w+:)?faultCode>([^<]+)</", text)
    if status == 200 and found is None and re.search(r"<(?:\w+:)?(?:outcome|esito)>OK</", text):
        return "OK"
    return found[1] if found else f"HTTP {status}: {text[:200]}"


def importo_of(body: bytes) -> str | None:
    """The amount of a notice in an answer."""
    found = re.search(rb"<(?:amount|paymentAmount)>([0-9.]+)</", body)
    return found[1].decode() if found else None


def _envelope(body: str, header: str, namespace: str) -> bytes:
    return (
        f'<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/" {namespace}><s:Header>{header}</s:Header>'
        f"<s:Body>{body}</s:Body></s:Envelope>"
    ).encode()
