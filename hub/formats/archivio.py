"""The messages exchanged with an ente's external archive: built strictly, read leniently.

Source: contract esterni-per-pa; pa-per-ente, ente as archive (4.3). The old operations answer with an element inside
one of the same name; an archive that writes it once is understood too.
"""

from __future__ import annotations

import base64
import binascii
from dataclasses import dataclass
from datetime import date

from lxml import etree

from hub.domain.archivio import ChiaveArchivio, PagamentoPsp, PosizioneEsterna, RispostaArchivio
from hub.domain.delivery import Outcome
from hub.domain.documenti import Soggetto
from hub.formats.blocchi import by_name, local_name, text_of, write_soggetto
from hub.formats.importi import cent_from_tolerant_text, text_from_cent
from hub.formats.testi import clean
from hub.formats.xml import Limits, Schema, XmlNonValido, parse

NS_SOAP = "http://schemas.xmlsoap.org/soap/envelope/"
NS_PA = "http://www.regione.veneto.it/pagamenti/pa/"
NS_TESTATA = "http://www.regione.veneto.it/pagamenti/pa/ppthead"
NS_PAGAMENTI = "http://www.regione.veneto.it/schemas/2012/Pagamenti/"
VERIFICA, ATTIVA, AVVISO = "paaSILVerificaEsterna", "paaSILAttivaEsterna", "paExternalVerifyPaymentNotice"

# An answer is a page; a document of five items in base64 fits twice.
LIMITS = Limits(bytes_max=256 * 1024, depth_max=16, tags_max=2_000)
_DETAIL_MAX = 300


def build_verifica(chiave: ChiaveArchivio, psp: str) -> bytes:
    """Return the envelope of paaSILVerificaEsterna."""
    envelope, payload = _envelope(VERIFICA, chiave)
    _child(payload, "identificativoPSP", psp)
    return _bytes(envelope)


def build_attiva(chiave: ChiaveArchivio, pagamento: PagamentoPsp) -> bytes:
    """Return the envelope of paaSILAttivaEsterna."""
    envelope, payload = _envelope(ATTIVA, chiave)
    _child(payload, "identificativoPSP", pagamento.psp)
    _child(payload, "identificativoIntermediarioPSP", pagamento.intermediario)
    _child(payload, "identificativoCanalePSP", pagamento.canale)
    dati = etree.SubElement(payload, "datiPagamentoPSP")
    _child(dati, "importoSingoloVersamento", text_from_cent(pagamento.importo_cent))
    _child(dati, "ibanAppoggio", pagamento.iban_appoggio)
    _child(dati, "bicAppoggio", pagamento.bic_appoggio)
    _soggetto(dati, "Versante", pagamento.versante)
    _child(dati, "ibanAddebito", pagamento.iban_addebito)
    _child(dati, "bicAddebito", pagamento.bic_addebito)
    _soggetto(dati, "Pagatore", pagamento.pagatore)
    return _bytes(envelope)


def build_avviso(chiave: ChiaveArchivio, numero_avviso: str) -> bytes:
    """Return the envelope of paExternalVerifyPaymentNotice: no header, and the root is not named as the operation."""
    envelope, payload = _envelope(f"{AVVISO}Req", None)
    _child(payload, "idPA", chiave.dominio)
    _child(payload, "idBrokerPA", chiave.intermediario)
    _child(payload, "idStation", chiave.stazione)
    _child(payload, "qrCodeFiscalCode", chiave.dominio)
    _child(payload, "noticeNumber", numero_avviso)
    return _bytes(envelope)


@dataclass(frozen=True, slots=True)
class Domanda:
    """A question as an archive receives it. `chiave`: IUV or notice number; `violazioni`: of the contract."""

    operation: str
    chiave: str
    has_header: bool
    violazioni: tuple[str, ...]


def read_domanda(schema: Schema, data: bytes) -> Domanda:
    """Return what an archive is asked, for the one that plays an ente's. Raises: ValueError (no envelope)."""
    envelope = by_name(parse(data, LIMITS))
    payload = next(iter(envelope.get("Body", ())), None)
    if payload is None:
        raise ValueError("busta senza corpo")
    header = next(iter(envelope.get("Header", ())), None)
    # Each on its own, as the contract's schemas see them.
    parts = [etree.fromstring(etree.tostring(part)) for part in (payload, header) if part is not None]
    chiave = text_of(by_name(payload), "noticeNumber") or text_of(by_name(header), "identificativoUnivocoVersamento")
    return Domanda(
        operation=local_name(payload).removesuffix("Req"),
        chiave=chiave,
        has_header=header is not None,
        violazioni=tuple(str(error) for part in parts for error in schema.check(part)),
    )


def read_risposta(operation: str, data: bytes) -> RispostaArchivio:
    """Return what an answer says, of any of the three operations."""
    try:
        payload = _payload(data)
        if local_name(payload) == "Fault":
            return RispostaArchivio(Outcome.UNKNOWN, "SOAP_FAULT", _words(text_of(by_name(payload), "faultstring")))
        return _read(operation, payload)
    except (XmlNonValido, ValueError) as error:
        reason = error.reason if isinstance(error, XmlNonValido) else str(error)
        return RispostaArchivio(Outcome.UNKNOWN, "RISPOSTA_NON_LEGGIBILE", _words(reason))


def _read(operation: str, payload: etree._Element) -> RispostaArchivio:
    name = f"{AVVISO}Res" if operation == AVVISO else f"{operation}Risposta"
    if local_name(payload) != name:
        raise ValueError(f"risposta diversa da {name}")
    children = by_name(payload)
    if operation != AVVISO:
        children = by_name(children.get(name, payload))
    fault = by_name(children.get("fault"))
    if fault:
        code = text_of(fault, "faultCode") or "FAULT_SENZA_CODICE"
        words = text_of(fault, "description") or text_of(fault, "faultString")
        return RispostaArchivio(Outcome.REFUSED, clean(code, 64), _words(words))
    if operation == AVVISO:
        return RispostaArchivio(Outcome.DELIVERED, posizione=_avviso(children))
    esito = text_of(children, "esito")
    dati = by_name(children.get("datiPagamentoPA"))
    if esito != "OK":
        return RispostaArchivio(Outcome.REFUSED, clean(esito, 64) or "SENZA_ESITO", "l'archivio non ha detto OK")
    if not dati:
        raise ValueError("esito OK senza datiPagamentoPA")
    return RispostaArchivio(Outcome.DELIVERED, "OK", posizione=_posizione(dati, text_of(children, "dovuto")))


def _avviso(children: dict[str, etree._Element]) -> PosizioneEsterna:
    scadenza = text_of(children, "dueDate")
    return PosizioneEsterna(
        importo_cent=_importo(children, "amount"),
        causale=text_of(children, "paymentDescription"),
        scadenza=date.fromisoformat(scadenza[:10]) if scadenza else None,
        codice_fiscale=text_of(children, "fiscalCodePA"),
        nome_ente=text_of(children, "companyName"),
        ufficio=text_of(children, "officeName"),
        dettaglio=text_of(children, "detailDescription"),
        tutti_ccp={"true": True, "1": True, "false": False, "0": False}.get(text_of(children, "allCCP")),
    )


def _posizione(dati: dict[str, etree._Element], dovuto: str) -> PosizioneEsterna:
    try:
        document = base64.b64decode("".join(dovuto.split()), validate=True) if dovuto else None
    except binascii.Error as error:
        raise ValueError("dovuto non in base64") from error
    return PosizioneEsterna(
        importo_cent=_importo(dati, "importoSingoloVersamento"),
        causale=text_of(dati, "causaleVersamento"),
        iban=text_of(dati, "ibanAccredito") or None,
        bic=text_of(dati, "bicAccredito") or None,
        credenziali_pagatore=text_of(dati, "credenzialiPagatore") or None,
        dovuto=document,
    )


def _importo(children: dict[str, etree._Element], name: str) -> int:
    try:
        return cent_from_tolerant_text(text_of(children, name))
    except ValueError as error:
        raise ValueError(f"{name} assente o non valido") from error


def _payload(data: bytes) -> etree._Element:
    envelope = parse(data, LIMITS)
    body = by_name(envelope).get("Body") if local_name(envelope) == "Envelope" else None
    if body is None or len(body) != 1:
        raise ValueError("risposta senza un Body SOAP con un solo elemento")
    return body[0]


def _envelope(name: str, chiave: ChiaveArchivio | None) -> tuple[etree._Element, etree._Element]:
    envelope = etree.Element(f"{{{NS_SOAP}}}Envelope", nsmap={"soapenv": NS_SOAP})
    if chiave is not None:
        header = etree.SubElement(envelope, f"{{{NS_SOAP}}}Header")
        testata = etree.SubElement(header, f"{{{NS_TESTATA}}}intestazionePPT", nsmap={"ppthead": NS_TESTATA})
        _child(testata, "identificativoIntermediarioPA", chiave.intermediario)
        _child(testata, "identificativoStazioneIntermediarioPA", chiave.stazione)
        _child(testata, "identificativoDominio", chiave.dominio)
        _child(testata, "identificativoUnivocoVersamento", chiave.iuv)
        _child(testata, "codiceContestoPagamento", chiave.ccp)
    body = etree.SubElement(envelope, f"{{{NS_SOAP}}}Body")
    return envelope, etree.SubElement(body, f"{{{NS_PA}}}{name}", nsmap={"pa": NS_PA})


def _child(parent: etree._Element, name: str, text: str | None) -> None:
    """Append a child without namespace, as the contract wants those of its own elements, unless there is no text."""
    if text:
        etree.SubElement(parent, name).text = text


def _soggetto(parent: etree._Element, ruolo: str, soggetto: Soggetto | None) -> None:
    """Append `soggetto<ruolo>`: the element itself without namespace, what is inside it qualified."""
    if soggetto is None:
        return
    holder = etree.Element(f"{{{NS_PAGAMENTI}}}holder", nsmap={"pay_i": NS_PAGAMENTI})
    write_soggetto(holder, ruolo, soggetto)
    block = holder[0]
    block.tag = f"soggetto{ruolo}"
    parent.append(block)


def _bytes(envelope: etree._Element) -> bytes:
    return etree.tostring(envelope, encoding="UTF-8", xml_declaration=True)


def _words(text: str) -> str:
    return clean(text, _DETAIL_MAX)
