"""RT, the receipt of the classic model: read leniently (money stands behind it), written strictly.

Source: PagInf_RPT_RT 6.2.0; node, 4.2 (fields), 4.5 (outcomes), 4.9 (read what either generation of the schema admits).
"""

from __future__ import annotations

import base64
import binascii
from datetime import date, datetime

from lxml import etree

from hub.domain.documenti import Rt, SingoloRt
from hub.domain.errors_nodo import RtNonLeggibile
from hub.formats import schemi
from hub.formats.base64_campi import decode_strict
from hub.formats.blocchi import (
    ASSENTE,
    NS_RPT_RT,
    add,
    add_if,
    by_name,
    dati_specifici,
    local_name,
    read_organizzazione,
    read_soggetto,
    text_of,
    write_organizzazione,
    write_soggetto,
)
from hub.formats.importi import cent_from_tolerant_text, text_from_cent
from hub.formats.testi import clean
from hub.formats.xml import SchemaError, XmlNonValido, parse

VERSIONE = "6.2.0"
_ESITI = ("0", "1", "2", "3", "4")


def decode_rt_field(text: str) -> bytes:
    """Return the bytes of the field `rt` of paaInviaRT, exactly as they were signed over or hashed.

    Raises: RtNonLeggibile.
    """
    try:
        return decode_strict(text)
    except ValueError as error:
        raise RtNonLeggibile("RT non leggibile", "Elemento rt: non è base64 valido") from error


def read_rt(data: bytes) -> Rt:
    """Return the receipt, whatever order, unknown extra elements, offsets and amounts without decimals it has.

    Needed: domain, IUV, CCP, outcome, total, date of the message. The rest may be missing: descriptive texts are then
    empty, days fall back on the day of the message. `messaggio_at` keeps the text of the document.
    Raises: RtNonLeggibile; its description names the element.
    """
    root = _root(data)
    children = by_name(root)
    pagamento = by_name(children.get("datiPagamento"))
    dominio = by_name(children.get("dominio"))
    messaggio_at = _instant_text(_needed(children, "dataOraMessaggioRicevuta"))
    messaggio_day = date.fromisoformat(messaggio_at[:10])
    esito = _needed(pagamento, "codiceEsitoPagamento")
    if esito not in _ESITI:
        raise RtNonLeggibile("RT non leggibile", "Elemento codiceEsitoPagamento: ammessi 0, 1, 2, 3, 4")
    ccp = text_of(pagamento, "CodiceContestoPagamento") or text_of(pagamento, "codiceContestoPagamento")
    if not ccp:
        raise RtNonLeggibile("RT non leggibile", "Elemento CodiceContestoPagamento: manca")
    return Rt(
        versione=text_of(children, "versioneOggetto") or VERSIONE,
        dominio=_needed(dominio, "identificativoDominio"),
        stazione=text_of(dominio, "identificativoStazioneRichiedente") or None,
        id_messaggio=text_of(children, "identificativoMessaggioRicevuta"),
        messaggio_at=messaggio_at,
        riferimento_messaggio=text_of(children, "riferimentoMessaggioRichiesta"),
        riferimento_data=_day(text_of(children, "riferimentoDataRichiesta"), messaggio_day),
        attestante=read_organizzazione(children.get("istitutoAttestante"), "Attestante"),
        ente=read_organizzazione(children.get("enteBeneficiario"), "Beneficiario"),
        pagatore=read_soggetto(children.get("soggettoPagatore"), "Pagatore"),
        codice_esito=int(esito),
        importo_cent=_cent("importoTotalePagato", _needed(pagamento, "importoTotalePagato")),
        iuv=_needed(pagamento, "identificativoUnivocoVersamento"),
        ccp=ccp,
        pagamenti=tuple(
            _read_pagamento(child, messaggio_day)
            for child in children["datiPagamento"]
            if local_name(child) == "datiSingoloPagamento"
        ),
        versante=read_soggetto(children["soggettoVersante"], "Versante") if "soggettoVersante" in children else None,
    )


def is_rt(data: bytes) -> bool:
    """Whether the bytes are an RT at all, be it one that cannot be understood."""
    try:
        _root(data)
    except RtNonLeggibile:
        return False
    return True


def check_rt(data: bytes) -> list[SchemaError]:
    """Return what the schema has against the receipt, an empty list when nothing: differences are flagged, not refused.

    Raises: RtNonLeggibile when it is not XML or not an RT.
    """
    return schemi.schema(schemi.RPT_RT).check(_root(data))


def render_rt(rt: Rt) -> bytes:
    """Return the bytes of the receipt, UTF-8 with declaration.

    Mandatory texts that are blank become `n/a`; nothing else is invented.
    Raises: ValueError when amounts or datiSpecificiRiscossione cannot be written.
    """
    root = etree.Element(f"{{{NS_RPT_RT}}}RT", nsmap={None: NS_RPT_RT})
    add(root, "versioneOggetto", clean(rt.versione, 16) or VERSIONE)
    dominio = add(root, "dominio")
    add(dominio, "identificativoDominio", rt.dominio)
    add_if(dominio, "identificativoStazioneRichiedente", rt.stazione)
    add(root, "identificativoMessaggioRicevuta", rt.id_messaggio or ASSENTE)
    add(root, "dataOraMessaggioRicevuta", rt.messaggio_at)
    add(root, "riferimentoMessaggioRichiesta", rt.riferimento_messaggio or ASSENTE)
    add(root, "riferimentoDataRichiesta", rt.riferimento_data.isoformat())
    write_organizzazione(root, "istitutoAttestante", "Attestante", rt.attestante)
    write_organizzazione(root, "enteBeneficiario", "Beneficiario", rt.ente)
    if rt.versante is not None:
        write_soggetto(root, "Versante", rt.versante)
    write_soggetto(root, "Pagatore", rt.pagatore)
    dati = add(root, "datiPagamento")
    add(dati, "codiceEsitoPagamento", str(rt.codice_esito))
    add(dati, "importoTotalePagato", text_from_cent(rt.importo_cent))
    add(dati, "identificativoUnivocoVersamento", rt.iuv)
    add(dati, "CodiceContestoPagamento", rt.ccp)
    for pagamento in rt.pagamenti:
        _write_pagamento(dati, pagamento)
    return etree.tostring(root, encoding="UTF-8", xml_declaration=True)


def _write_pagamento(parent: etree._Element, pagamento: SingoloRt) -> None:
    block = add(parent, "datiSingoloPagamento")
    add(block, "singoloImportoPagato", text_from_cent(pagamento.importo_cent))
    add_if(block, "esitoSingoloPagamento", clean(pagamento.esito, 35))
    add(block, "dataEsitoSingoloPagamento", pagamento.data_esito.isoformat())
    add(block, "identificativoUnivocoRiscossione", clean(pagamento.iur, 35) or ASSENTE)
    add(block, "causaleVersamento", clean(pagamento.causale, 140) or ASSENTE)
    add(block, "datiSpecificiRiscossione", dati_specifici(pagamento.dati_specifici))
    if pagamento.commissioni_psp_cent is not None:
        add(block, "commissioniApplicatePSP", text_from_cent(pagamento.commissioni_psp_cent))
    if pagamento.commissioni_pa_cent:
        add(block, "commissioniApplicatePA", text_from_cent(pagamento.commissioni_pa_cent))
    if pagamento.allegato_tipo is not None and pagamento.allegato is not None:
        allegato = add(block, "allegatoRicevuta")
        add(allegato, "tipoAllegatoRicevuta", pagamento.allegato_tipo)
        add(allegato, "testoAllegato", base64.b64encode(pagamento.allegato).decode("ascii"))


def _root(data: bytes) -> etree._Element:
    try:
        root = parse(data)
    except XmlNonValido as error:
        raise RtNonLeggibile("RT non leggibile", f"Documento RT: {error.reason}") from error
    if local_name(root) != "RT":
        raise RtNonLeggibile("RT non leggibile", "Documento RT: la radice non è RT")
    return root


def _read_pagamento(element: etree._Element, messaggio_day: date) -> SingoloRt:
    children = by_name(element)
    commissioni, a_carico_ente = (text_of(children, f"commissioniApplicate{who}") for who in ("PSP", "PA"))
    allegato = by_name(children.get("allegatoRicevuta"))
    return SingoloRt(
        importo_cent=_cent("singoloImportoPagato", _needed(children, "singoloImportoPagato")),
        esito=text_of(children, "esitoSingoloPagamento") or None,
        data_esito=_day(text_of(children, "dataEsitoSingoloPagamento"), messaggio_day),
        iur=text_of(children, "identificativoUnivocoRiscossione"),
        causale=text_of(children, "causaleVersamento"),
        dati_specifici=text_of(children, "datiSpecificiRiscossione"),
        commissioni_psp_cent=_cent("commissioniApplicatePSP", commissioni) if commissioni else None,
        allegato_tipo=text_of(allegato, "tipoAllegatoRicevuta") or None,
        allegato=_attachment(text_of(allegato, "testoAllegato")),
        commissioni_pa_cent=_cent("commissioniApplicatePA", a_carico_ente) if a_carico_ente else None,
    )


def _needed(children: dict[str, etree._Element], name: str) -> str:
    text = text_of(children, name)
    if not text:
        raise RtNonLeggibile("RT non leggibile", f"Elemento {name}: manca o è vuoto")
    return text


def _cent(name: str, text: str) -> int:
    try:
        return cent_from_tolerant_text(text)
    except ValueError as error:
        raise RtNonLeggibile("RT non leggibile", f"Elemento {name}: importo non leggibile") from error


def _instant_text(text: str) -> str:
    try:
        datetime.fromisoformat(text)
    except ValueError as error:
        raise RtNonLeggibile(
            "RT non leggibile", "Elemento dataOraMessaggioRicevuta: data e ora non leggibili"
        ) from error
    return text


def _day(text: str, fallback: date) -> date:
    """Return the civil day of an xsd:date; an offset behind it does not move the day."""
    try:
        return date.fromisoformat(text[:10])
    except ValueError:
        return fallback


def _attachment(text: str) -> bytes | None:
    if not text:
        return None
    try:
        return base64.b64decode("".join(text.split()), validate=True)
    except (binascii.Error, ValueError):
        return None  # the receipt counts; its bytes are kept as they came
