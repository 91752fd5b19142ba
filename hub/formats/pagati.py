"""`Pagati` and `PagatiConRicevuta`: the outcome of a payment as the management software reads it.

Source: PagInf_Dovuti_Pagati 6.2.0; pa-per-ente, 3.4 and 3.5 (how it is filled from an RT), 1.5 (levels of base64).
"""

from __future__ import annotations

import base64
from collections.abc import Sequence
from datetime import datetime

from lxml import etree

from hub.domain.documenti import Rt, SingoloRt
from hub.formats.blocchi import (
    ASSENTE,
    NS_ENTE,
    add,
    add_if,
    dati_specifici,
    write_organizzazione,
    write_soggetto,
)
from hub.formats.importi import text_from_cent
from hub.formats.testi import clean

VERSIONE = "6.2.0"
PAGAMENTI_MAX = 5
_NON_CLASSIFICATI = "9/n/a"  # a receipt without datiSpecificiRiscossione still has to reach the ente


def render_pagati(rt: Rt, iud_by_position: Sequence[str], con_ricevuta: bool, versione: str = VERSIONE) -> bytes:
    """Return the document of a receipt, prefix `pay_i`, UTF-8 without XML declaration.

    `iud_by_position`: the IUD of the dovuti in the order of the RPT's lines: the receipt has no other tie. Lines
    without `identificativoUnivocoRiscossione` do not appear (nothing was collected), nor lines beyond the IUD given.
    `con_ricevuta`: PagatiConRicevuta, with index, fees and attachment; else Pagati.
    """
    name = "PagatiConRicevuta" if con_ricevuta else "Pagati"
    root = etree.Element(f"{{{NS_ENTE}}}{name}", nsmap={"pay_i": NS_ENTE})
    add(root, "versioneOggetto", clean(versione, 16) or VERSIONE)
    dominio = add(root, "dominio")
    add(dominio, "identificativoDominio", rt.dominio)
    add_if(dominio, "identificativoStazioneRichiedente", rt.stazione)
    add(root, "identificativoMessaggioRicevuta", clean(rt.id_messaggio, 35) or ASSENTE)
    add(root, "dataOraMessaggioRicevuta", _date_time(rt.messaggio_at))
    add(root, "riferimentoMessaggioRichiesta", clean(rt.riferimento_messaggio, 35) or ASSENTE)
    add(root, "riferimentoDataRichiesta", rt.riferimento_data.isoformat())
    write_organizzazione(root, "istitutoAttestante", "Attestante", rt.attestante)
    write_organizzazione(root, "enteBeneficiario", "Beneficiario", rt.ente)
    write_soggetto(root, "Pagatore", rt.pagatore)
    dati = add(root, "datiPagamento")
    add(dati, "codiceEsitoPagamento", str(rt.codice_esito))
    add(dati, "importoTotalePagato", text_from_cent(rt.importo_cent))
    add(dati, "identificativoUnivocoVersamento", rt.iuv)
    add(dati, "codiceContestoPagamento", rt.ccp)
    lines = list(zip(iud_by_position, rt.pagamenti, strict=False))[:PAGAMENTI_MAX]
    for index, (iud, pagamento) in enumerate(lines, start=1):
        if pagamento.iur.strip():
            _write_pagamento(dati, iud, pagamento, index if con_ricevuta else None)
    return etree.tostring(root, encoding="UTF-8", xml_declaration=False)


def encode_pagati(xml: bytes, livelli: int) -> str:
    """Return the text of the base64Binary element: the document encoded `livelli` times, once at least.

    The regional portals encode twice; the default of an ente is 2.

    >>> encode_pagati(b"<a/>", 1), encode_pagati(b"<a/>", 2)
    ('PGEvPg==', 'UEdFdlBnPT0=')
    """
    if not 1 <= livelli <= 3:
        raise ValueError("levels of base64 are 1 to 3")
    for _ in range(livelli):
        xml = base64.b64encode(xml)
    return xml.decode("ascii")


def _write_pagamento(parent: etree._Element, iud: str, pagamento: SingoloRt, index: int | None) -> None:
    block = add(parent, "datiSingoloPagamento")
    add(block, "identificativoUnivocoDovuto", iud)
    add(block, "singoloImportoPagato", text_from_cent(pagamento.importo_cent))
    add_if(block, "esitoSingoloPagamento", clean(pagamento.esito, 35))
    add(block, "dataEsitoSingoloPagamento", pagamento.data_esito.isoformat())
    add(block, "identificativoUnivocoRiscossione", clean(pagamento.iur, 35))
    add(block, "causaleVersamento", clean(pagamento.causale, 140) or ASSENTE)
    add(block, "datiSpecificiRiscossione", _dati_specifici(pagamento.dati_specifici))
    if index is None:
        return
    add(block, "indiceDatiSingoloPagamento", str(index))
    if pagamento.commissioni_psp_cent is not None:
        add(block, "commissioniApplicatePSP", text_from_cent(pagamento.commissioni_psp_cent))
    if pagamento.allegato_tipo in ("ES", "BD") and pagamento.allegato is not None:
        allegato = add(block, "allegatoRicevuta")
        add(allegato, "tipoAllegatoRicevuta", pagamento.allegato_tipo)
        add(allegato, "testoAllegato", base64.b64encode(pagamento.allegato).decode("ascii"))


def _dati_specifici(text: str) -> str:
    try:
        return dati_specifici(text)
    except ValueError:
        return _NON_CLASSIFICATI


def _date_time(text: str) -> str:
    """Return the instant in the schema's form: Python reads more shapes than xsd:dateTime admits."""
    instant = datetime.fromisoformat(text)
    return instant.isoformat(timespec="milliseconds" if instant.microsecond else "seconds")
