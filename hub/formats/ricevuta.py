"""Receipts of paSendRT and paSendRTV2, read leniently: money stands behind them.

Order, namespaces, unknown elements and codes do not matter; what is not known is named, never refused. Source: node,
3.4 and 3.5 (fields), 3.0.2 (why the reader must be tolerant).
"""

from __future__ import annotations

import base64
import binascii

from lxml import etree

from hub.domain.documenti import Soggetto
from hub.domain.errors_nodo import RicevutaNonLeggibile
from hub.domain.iuv import is_valid_avviso, iuv_from_avviso
from hub.domain.ricevuta import Ricevuta, Testata, Trasferimento
from hub.formats.blocchi import by_name, local_name, text_of
from hub.formats.importi import cent_from_tolerant_text
from hub.formats.istanti import giorno_o_niente, istante_o_niente
from hub.formats.xml import Limits, XmlNonValido, canonical, parse

# A receipt of five transfers with five stamps is under 60 kB.
BYTES_MAX = 4 * 1024 * 1024
_LIMITS = Limits(bytes_max=BYTES_MAX, depth_max=32, tags_max=20_000)
_IGNOTI_MAX, _NAME_MAX = 20, 80
# More than any contract admits, few enough to be kept.
_TRANSFERS_MAX = 100

_SUBJECT = frozenset(
    {
        "uniqueIdentifier", "fullName", "streetName", "civicNumber", "postalCode", "city", "stateProvinceRegion",
        "country", "e-mail",
    }
)  # fmt: skip
# Of both versions: what one of them does not have is no news in the other.
_KNOWN = {
    "paSendRTReq": frozenset({"idPA", "idBrokerPA", "idStation", "receipt"}),
    "receipt": frozenset(
        {
            "receiptId", "noticeNumber", "fiscalCode", "outcome", "creditorReferenceId", "paymentAmount", "description",
            "companyName", "officeName", "debtor", "transferList", "idPSP", "pspFiscalCode", "pspPartitaIVA",
            "PSPCompanyName", "idChannel", "channelDescription", "payer", "paymentMethod", "paymentNote", "fee",
            "primaryCiIncurredFee", "idBundle", "idCiBundle", "paymentDateTime", "applicationDate", "transferDate",
            "metadata", "standIn",
        }
    ),
    "debtor": _SUBJECT,
    "payer": _SUBJECT,
    "uniqueIdentifier": frozenset({"entityUniqueIdentifierType", "entityUniqueIdentifierValue"}),
    "transferList": frozenset({"transfer"}),
    "transfer": frozenset(
        {
            "idTransfer", "transferAmount", "fiscalCodePA", "companyName", "IBAN", "MBDAttachment",
            "remittanceInformation", "transferCategory", "metadata",
        }
    ),
    "metadata": frozenset({"mapEntry"}),
    "mapEntry": frozenset({"key", "value"}),
}  # fmt: skip
_KNOWN["paSendRTV2Request"] = _KNOWN["paSendRTReq"]


def payload_of(data: bytes, charset: str | None = None) -> etree._Element:
    """Return the request of a message as it came, envelope and all. `charset`: of the HTTP header.

    Raises: RicevutaNonLeggibile.
    """
    try:
        root = parse(data, _LIMITS, charset)
    except XmlNonValido as error:
        raise RicevutaNonLeggibile("ricevuta non leggibile", f"Documento: {error.reason}") from error
    if local_name(root) == "Envelope":
        body = by_name(root).get("Body")
        root = next(iter(body), root) if body is not None else root
    if "receipt" not in by_name(root):
        raise RicevutaNonLeggibile("ricevuta non leggibile", "Elemento receipt: manca")
    return root


def read_testata(payload: etree._Element) -> Testata:
    """Return the keys of a request; the IUV is that of the notice when the receipt does not say it."""
    outer = by_name(payload)
    receipt = by_name(outer.get("receipt"))
    avviso = text_of(receipt, "noticeNumber")
    iuv = text_of(receipt, "creditorReferenceId")
    if not iuv and is_valid_avviso(avviso):
        iuv = iuv_from_avviso(avviso)
    return Testata(
        id_pa=text_of(outer, "idPA"),
        intermediario=text_of(outer, "idBrokerPA"),
        stazione=text_of(outer, "idStation"),
        receipt_id=text_of(receipt, "receiptId"),
        numero_avviso=avviso,
        iuv=iuv,
        dominio=text_of(receipt, "fiscalCode"),
    )


def content_of(payload: etree._Element) -> bytes:
    """Return what two deliveries of one receipt have in common, whatever envelope, station or blanks they came with."""
    return canonical(by_name(payload)["receipt"])


def read_ricevuta(data: bytes, charset: str | None = None) -> Ricevuta:
    """Return the receipt of a message as it came.

    Needed: receiptId, the IUV or the notice, and an amount. The rest may be missing: texts are then empty.
    Raises: RicevutaNonLeggibile; its description names the element.
    """
    payload = payload_of(data, charset)
    testata = read_testata(payload)
    for name, text in (("receiptId", testata.receipt_id), ("creditorReferenceId", testata.iuv)):
        if not text:
            raise RicevutaNonLeggibile("ricevuta non leggibile", f"Elemento {name}: manca o è vuoto")
    element = by_name(payload)["receipt"]
    receipt = by_name(element)
    ignoti = _unknown_elements(payload)
    esito, stand_in = text_of(receipt, "outcome"), text_of(receipt, "standIn")
    _note_code(ignoti, "outcome", esito, ("OK", "KO"))
    _note_code(ignoti, "standIn", stand_in, ("", "true", "false", "1", "0"))
    transfers = [each for each in receipt.get("transferList", ()) if local_name(each) == "transfer"]
    if len(transfers) > _TRANSFERS_MAX:
        raise RicevutaNonLeggibile("ricevuta non leggibile", f"Elemento transferList: oltre {_TRANSFERS_MAX} voci")
    return Ricevuta(
        testata=testata,
        esito=esito,
        importo_cent=_cent(receipt, "paymentAmount"),
        descrizione=text_of(receipt, "description"),
        ente_nome=text_of(receipt, "companyName"),
        debitore=_read_subject(receipt.get("debtor"), ignoti),
        trasferimenti=tuple(_read_transfer(each, number, ignoti) for number, each in enumerate(transfers, 1)),
        psp=text_of(receipt, "idPSP"),
        psp_nome=text_of(receipt, "PSPCompanyName"),
        canale=text_of(receipt, "idChannel"),
        versante=_read_subject(receipt["payer"], ignoti) if "payer" in receipt else None,
        nota=text_of(receipt, "paymentNote") or None,
        commissione_cent=_cent_if(receipt, "fee", ignoti),
        commissione_ente_cent=_cent_if(receipt, "primaryCiIncurredFee", ignoti),
        pagato_at=istante_o_niente(text_of(receipt, "paymentDateTime")),
        data_applicazione=giorno_o_niente(text_of(receipt, "applicationDate")),
        is_stand_in=stand_in in ("true", "1"),
        ignoti=tuple(ignoti)[:_IGNOTI_MAX],
    )


def _read_transfer(element: etree._Element, number: int, ignoti: dict[str, None]) -> Trasferimento:
    children = by_name(element)
    indice = text_of(children, "idTransfer")
    _note_code(ignoti, "idTransfer", indice, ("1", "2", "3", "4", "5"))
    return Trasferimento(
        indice=int(indice) if indice.isascii() and indice.isdigit() and len(indice) < 4 else number,
        importo_cent=_cent(children, "transferAmount"),
        codice_fiscale=text_of(children, "fiscalCodePA"),
        iban=text_of(children, "IBAN") or None,
        marca=_attachment(text_of(children, "MBDAttachment"), ignoti),
        causale=text_of(children, "remittanceInformation"),
        categoria=text_of(children, "transferCategory"),
        denominazione=text_of(children, "companyName") or None,
    )


def _read_subject(element: etree._Element | None, ignoti: dict[str, None]) -> Soggetto:
    children = by_name(element)
    identifier = by_name(children.get("uniqueIdentifier"))
    tipo = text_of(identifier, "entityUniqueIdentifierType")
    _note_code(ignoti, "entityUniqueIdentifierType", tipo, ("F", "G", ""))
    return Soggetto(
        tipo=tipo,
        codice=text_of(identifier, "entityUniqueIdentifierValue"),
        anagrafica=text_of(children, "fullName"),
        indirizzo=text_of(children, "streetName") or None,
        civico=text_of(children, "civicNumber") or None,
        cap=text_of(children, "postalCode") or None,
        localita=text_of(children, "city") or None,
        provincia=text_of(children, "stateProvinceRegion") or None,
        nazione=text_of(children, "country") or None,
        email=text_of(children, "e-mail") or None,
    )


def _unknown_elements(payload: etree._Element) -> dict[str, None]:
    """Name, once each, the elements that no version of the contract has; what lies below them is theirs."""
    found: dict[str, None] = {}
    waiting = [payload]
    while waiting and len(found) < _IGNOTI_MAX:
        element = waiting.pop(0)
        known = _KNOWN.get(local_name(element))
        if known is None:
            continue
        for child in element:
            if local_name(child) in known:
                waiting.append(child)
            else:
                found[f"{local_name(element)}/{local_name(child)}"[:_NAME_MAX]] = None
    return found


def _note_code(ignoti: dict[str, None], name: str, text: str, known: tuple[str, ...]) -> None:
    if text not in known:
        ignoti[f"{name}={text}"[:_NAME_MAX]] = None


def _cent(children: dict[str, etree._Element], name: str) -> int:
    try:
        return cent_from_tolerant_text(text_of(children, name))
    except ValueError as error:
        raise RicevutaNonLeggibile("ricevuta non leggibile", f"Elemento {name}: importo non leggibile") from error


def _cent_if(children: dict[str, etree._Element], name: str, ignoti: dict[str, None]) -> int | None:
    """A fee: what cannot be read of it does not stop the payment."""
    text = text_of(children, name)
    try:
        return cent_from_tolerant_text(text) if text else None
    except ValueError:
        ignoti[f"{name}: importo non leggibile"] = None
        return None


def _attachment(text: str, ignoti: dict[str, None]) -> bytes | None:
    if not text:
        return None
    try:
        return base64.b64decode("".join(text.split()), validate=True)
    except (binascii.Error, ValueError):
        ignoti["MBDAttachment: non è base64"] = None
        return None  # the receipt counts; its bytes are kept as they came
