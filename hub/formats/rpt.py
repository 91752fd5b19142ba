"""RPT, the payment request that goes to the node.

Source: PagInf_RPT_RT 6.2.0; node, 4.1 (fields), 4.4 (from a position to an RPT). Instants are Europe/Rome local time
without offset, as both peers write them.
"""

from __future__ import annotations

from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

from lxml import etree

from hub.domain.documenti import MarcaBollo, Rpt, SingoloRpt
from hub.formats import schemi
from hub.formats.blocchi import (
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
from hub.formats.causale import CAUSALE_MAX
from hub.formats.importi import cent_from_text, text_from_cent
from hub.formats.testi import clean, rome_text
from hub.formats.xml import XmlNonValido, parse

VERSIONE = "6.2.0"
VERSAMENTI_MAX = 5


class RptNonValida(ValueError):
    """An RPT that the node would refuse; the reason is in Italian and quotes no value."""


def render_rpt(rpt: Rpt) -> bytes:
    """Return the bytes of the RPT, UTF-8 with declaration, already checked the way the node does.

    `causale` of each line is written as given (see `causale_rpt`), cut at 140.
    Raises: RptNonValida (a schema rule, number of lines, neither or both of IBAN and stamp, stamp or two lines with
    PO), ValueError (naive instant).
    Source: node, 2.1 and 4.1; the sum of the lines is the total by construction.
    """
    _check(rpt)
    root = etree.Element(f"{{{NS_RPT_RT}}}RPT", nsmap={None: NS_RPT_RT})
    add(root, "versioneOggetto", VERSIONE)
    dominio = add(root, "dominio")
    add(dominio, "identificativoDominio", rpt.dominio)
    add_if(dominio, "identificativoStazioneRichiedente", rpt.stazione)
    add(root, "identificativoMessaggioRichiesta", rpt.id_messaggio)
    add(root, "dataOraMessaggioRichiesta", rome_text(rpt.creata_at))
    add(root, "autenticazioneSoggetto", rpt.autenticazione)
    if rpt.versante is not None:
        write_soggetto(root, "Versante", rpt.versante)
    write_soggetto(root, "Pagatore", rpt.pagatore)
    write_organizzazione(root, "enteBeneficiario", "Beneficiario", rpt.ente)
    dati = add(root, "datiVersamento")
    add(dati, "dataEsecuzionePagamento", rpt.data_esecuzione.isoformat())
    add(dati, "importoTotaleDaVersare", text_from_cent(rpt.importo_cent))
    add(dati, "tipoVersamento", rpt.tipo_versamento)
    add(dati, "identificativoUnivocoVersamento", rpt.iuv)
    add(dati, "codiceContestoPagamento", rpt.ccp)
    add(dati, "firmaRicevuta", "0")
    for versamento in rpt.versamenti:
        _write_versamento(dati, versamento)
    errors = schemi.schema(schemi.RPT_RT).check(root)
    if errors:
        raise RptNonValida("RPT non valida: " + "; ".join(f"{error.element}: {error.rule}" for error in errors[:3]))
    return etree.tostring(root, encoding="UTF-8", xml_declaration=True)


def _check(rpt: Rpt) -> None:
    if not 1 <= len(rpt.versamenti) <= VERSAMENTI_MAX:
        raise RptNonValida("RPT non valida: i versamenti devono essere da 1 a 5")
    for versamento in rpt.versamenti:
        if (versamento.iban_accredito is None) == (versamento.marca is None):
            raise RptNonValida("RPT non valida: ogni versamento ha un IBAN di accredito oppure una marca da bollo")
    if rpt.tipo_versamento == "PO" and (len(rpt.versamenti) != 1 or rpt.versamenti[0].marca is not None):
        raise RptNonValida("RPT non valida: con tipoVersamento PO un solo versamento, senza marca da bollo")


def _write_versamento(parent: etree._Element, versamento: SingoloRpt) -> None:
    block = add(parent, "datiSingoloVersamento")
    add(block, "importoSingoloVersamento", text_from_cent(versamento.importo_cent))
    add_if(block, "ibanAccredito", versamento.iban_accredito)
    add_if(block, "ibanAppoggio", versamento.iban_appoggio)
    add(block, "causaleVersamento", clean(versamento.causale, CAUSALE_MAX))
    try:
        add(block, "datiSpecificiRiscossione", dati_specifici(versamento.dati_specifici))
    except ValueError as error:
        raise RptNonValida("RPT non valida: datiSpecificiRiscossione non rispetta il formato richiesto") from error
    if versamento.marca is not None:
        marca = add(block, "datiMarcaBolloDigitale")
        add(marca, "tipoBollo", versamento.marca.tipo_bollo)
        add(marca, "hashDocumento", versamento.marca.hash_documento)
        add(marca, "provinciaResidenza", versamento.marca.provincia_residenza)


def read_rpt(data: bytes) -> Rpt:
    """Return the RPT of a document that the schema accepts.

    Raises: RptNonValida (unreadable, not an RPT, schema violation).
    """
    try:
        root = parse(data)
    except XmlNonValido as error:
        raise RptNonValida(f"RPT non leggibile: {error.reason}") from error
    errors = schemi.schema(schemi.RPT_RT).check(root)
    if errors or local_name(root) != "RPT":
        detail = "; ".join(f"{error.element}: {error.rule}" for error in errors[:3]) or "la radice non è RPT"
        raise RptNonValida(f"RPT non valida: {detail}")
    children = by_name(root)
    dominio = by_name(children["dominio"])
    versamento = by_name(children["datiVersamento"])
    return Rpt(
        dominio=text_of(dominio, "identificativoDominio"),
        stazione=text_of(dominio, "identificativoStazioneRichiedente"),
        id_messaggio=text_of(children, "identificativoMessaggioRichiesta"),
        creata_at=_instant(text_of(children, "dataOraMessaggioRichiesta")),
        autenticazione=text_of(children, "autenticazioneSoggetto"),
        versante=read_soggetto(children["soggettoVersante"], "Versante") if "soggettoVersante" in children else None,
        pagatore=read_soggetto(children["soggettoPagatore"], "Pagatore"),
        ente=read_organizzazione(children["enteBeneficiario"], "Beneficiario"),
        data_esecuzione=date.fromisoformat(text_of(versamento, "dataEsecuzionePagamento")[:10]),
        tipo_versamento=text_of(versamento, "tipoVersamento"),
        iuv=text_of(versamento, "identificativoUnivocoVersamento"),
        ccp=text_of(versamento, "codiceContestoPagamento"),
        versamenti=tuple(
            _read_versamento(child)
            for child in children["datiVersamento"]
            if local_name(child) == "datiSingoloVersamento"
        ),
    )


def importo_totale_cent(data: bytes) -> int:
    """Return the total that a valid RPT declares: the sum of its lines is another matter, for the node to check."""
    versamento = by_name(by_name(parse(data))["datiVersamento"])
    return cent_from_text(text_of(versamento, "importoTotaleDaVersare"))


def _read_versamento(element: etree._Element) -> SingoloRpt:
    children = by_name(element)
    marca = children.get("datiMarcaBolloDigitale")
    bollo = by_name(marca)
    return SingoloRpt(
        importo_cent=cent_from_text(text_of(children, "importoSingoloVersamento")),
        causale=text_of(children, "causaleVersamento"),
        dati_specifici=text_of(children, "datiSpecificiRiscossione"),
        iban_accredito=text_of(children, "ibanAccredito") or None,
        iban_appoggio=text_of(children, "ibanAppoggio") or None,
        marca=None
        if marca is None
        else MarcaBollo(
            text_of(bollo, "tipoBollo"), text_of(bollo, "hashDocumento"), text_of(bollo, "provinciaResidenza")
        ),
    )


def _instant(text: str) -> datetime:
    try:
        instant = datetime.fromisoformat(text)
    except ValueError as error:
        raise RptNonValida("RPT non valida: dataOraMessaggioRichiesta non leggibile") from error
    if instant.tzinfo is None:
        instant = instant.replace(tzinfo=ZoneInfo("Europe/Rome"))
    return instant.astimezone(UTC)
