"""Receipts of paSendRT and paSendRTV2 as the node sends them: give only what matters to the case."""

from __future__ import annotations

import base64
import hashlib
import uuid
from typing import Any
from xml.sax.saxutils import escape

from sqlalchemy import Row

from hub.domain.iuv import numero_avviso
from hub.domain.ricevuta import Primitiva
from hub.usecases.record_ricevuta import record_ricevuta
from tests.world import INTERMEDIARIO, STAZIONE, World

NS = "http://pagopa-api.pagopa.gov.it/pa/paForNode.xsd"
VICINO = "98765432103"
IUV = "01000000000000144"
REQUEST = {"paSendRT": "paSendRTReq", "paSendRTV2": "paSendRTV2Request"}
_DEBITORE = (
    "<uniqueIdentifier><entityUniqueIdentifierType>F</entityUniqueIdentifierType><entityUniqueIdentifierValue>"
    "RSSMRA80A01H501U</entityUniqueIdentifierValue></uniqueIdentifier><fullName>Mario Rossi</fullName>"
)


def make_token() -> str:
    return uuid.uuid4().hex


def make_marca(documento: bytes = b"documento", impronta: str | None = None) -> bytes:
    """A digital stamp over a document, or over what has this digest. Source: node, digital stamp attachment (4.7)."""
    digest = impronta or base64.b64encode(hashlib.sha256(documento).digest()).decode()
    return (
        '<marcaDaBollo xmlns="http://www.agenziaentrate.gov.it/2014/MarcaDaBollo"><PSP><CodiceFiscale>00000000000'
        "</CodiceFiscale><Denominazione>PSP</Denominazione></PSP><IUBD>1</IUBD><OraAcquisto>2026-11-20T10:00:00+01:00"
        "</OraAcquisto><Importo>16.00</Importo><TipoBollo>01</TipoBollo><ImprontaDocumento><DigestMethod/>"
        f"<DigestValue>{digest}</DigestValue></ImprontaDocumento></marcaDaBollo>"
    ).encode()


def make_transfer(indice: int = 1, importo: str = "50.00", codice: str = INTERMEDIARIO, **texts: Any) -> str:
    """A transfer; `marca`: the bytes of a stamp in place of the IBAN; `extra`: more elements."""
    where = "<IBAN>IT60X0542811101000000123456</IBAN>"
    if texts.get("marca") is not None:
        where = f"<MBDAttachment>{base64.b64encode(texts['marca']).decode()}</MBDAttachment>"
    return (
        f"<transfer><idTransfer>{indice}</idTransfer><transferAmount>{importo}</transferAmount><fiscalCodePA>{codice}"
        f"</fiscalCodePA>{where}<remittanceInformation>{escape(texts.get('causale', '/RFB/TARI'))}"
        f"</remittanceInformation><transferCategory>{texts.get('categoria', '0101101IM')}</transferCategory>"
        f"{texts.get('extra', '')}</transfer>"
    )


def make_ricevuta(primitiva: str = "paSendRTV2", **values: Any) -> bytes:
    """The whole message. `None` leaves an element out; `extra` goes at the end of the receipt.

    Known: id_pa, intermediario, stazione, receipt_id, iuv, avviso, dominio, outcome, importo, transfers, pagato_at,
    stand_in, fee, extra, head (of the receipt).
    """
    iuv = values.get("iuv", IUV)
    importo = values.get("importo", "50.00")
    outer = [
        ("idPA", values.get("id_pa", INTERMEDIARIO)),
        ("idBrokerPA", values.get("intermediario", INTERMEDIARIO)),
        ("idStation", values.get("stazione", STAZIONE)),
    ]
    head = [
        ("receiptId", values.get("receipt_id", make_token())),
        ("noticeNumber", values.get("avviso", numero_avviso(iuv) if iuv else None)),
        ("fiscalCode", values.get("dominio", INTERMEDIARIO)),
        ("outcome", values.get("outcome", "OK")),
        ("creditorReferenceId", iuv),
        ("paymentAmount", importo),
        ("description", "Tassa rifiuti 2026"),
        ("companyName", "Comune di Prova"),
    ]
    middle = [
        ("idPSP", "PSP01"), ("PSPCompanyName", "Banca di prova"), ("idChannel", "C1"), ("channelDescription", "WISP"),
    ]  # fmt: skip
    tail = [
        ("paymentMethod", "CP"), ("fee", values.get("fee", "1.50")),
        ("paymentDateTime", values.get("pagato_at", "2026-11-20T10:11:12")),
        ("applicationDate", values.get("applicato", "2026-11-21")), ("standIn", values.get("stand_in")),
    ]  # fmt: skip
    transfers = values.get("transfers", (make_transfer(importo=importo or "50.00"),))
    receipt = (
        f"{values.get('head', '')}{_elements(head)}<debtor>{_DEBITORE}</debtor><transferList>{''.join(transfers)}"
        f"</transferList>{_elements(middle)}{_elements(tail)}{values.get('extra', '')}"
    )
    return envelope(primitiva, f"{_elements(outer)}<receipt>{receipt}</receipt>")


def envelope(primitiva: str, content: str) -> bytes:
    return (
        f'<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/" xmlns:p="{NS}"><s:Body>'
        f"<p:{REQUEST[primitiva]}>{content}</p:{REQUEST[primitiva]}></s:Body></s:Envelope>"
    ).encode()


def _elements(pairs: list[tuple[str, Any]]) -> str:
    return "".join(f"<{name}>{escape(str(text))}</{name}>" for name, text in pairs if text is not None)


def deliver(world: World, raw: bytes, primitiva: str = "paSendRTV2") -> None:
    """The node sends a receipt. Raises: HubError."""
    record_ricevuta(world.db, Primitiva(primitiva), raw, None, "e" * 32, world.clock())


def pay(world: World, primitiva: str = "paSendRTV2", **values: Any) -> Row[Any]:
    """A receipt arrives and is applied; return its row."""
    deliver(world, make_ricevuta(primitiva, **values), primitiva)
    world.apply()
    return world.ricevute()[-1]
