"""The inner document `Versamento`: one stored dovuto, and whether to insert, modify, cancel or print it.

Source: PagInf_Dovuti_Pagati 6.2.0, type ctVersamento; pa-per-ente, 3.3.
"""

from __future__ import annotations

from datetime import date

from hub.domain.documenti import DocumentoVersamento
from hub.domain.errors import XmlDovutiNonValido
from hub.formats.documenti_ente import Q, read_bilancio, read_importo, read_pagatore, read_root, texts_of

CAMPO = "dovuto"


def read_versamento(data: bytes) -> DocumentoVersamento:
    """Return the dovuto of a document that its schema accepts.

    Texts come out trimmed, blank optional ones as absent, the province in capitals, the bilancio without namespaces.
    Raises: XmlDovutiNonValido; its description names element, value (never a person's) and rule.
    """
    root = read_root(data, CAMPO, "Versamento")
    head = texts_of(root)
    pagatore = root.find(Q + "soggettoPagatore")
    versamento = root.find(Q + "datiVersamento")
    assert versamento is not None
    texts = texts_of(versamento)
    bilancio_xml, bilancio_cent = read_bilancio(versamento.find(Q + "bilancio"), CAMPO)
    return DocumentoVersamento(
        versione=head.get("versioneOggetto", ""),
        azione=head.get("azione", ""),
        pagatore=None if pagatore is None else read_pagatore(pagatore),
        iud=texts.get("identificativoUnivocoDovuto", ""),
        iuv=texts.get("identificativoUnivocoVersamento"),
        importo_cent=read_importo(texts, "importoSingoloVersamento", CAMPO),
        tipo=texts.get("identificativoTipoDovuto", ""),
        causale=texts.get("causaleVersamento", ""),
        dati_specifici=texts["datiSpecificiRiscossione"],
        tipo_versamento=texts.get("tipoVersamento", ""),
        scadenza=_day(texts.get("dataEsecuzionePagamento")),
        commissione_cent=(
            read_importo(texts, "commissioneCaricoPA", CAMPO) if "commissioneCaricoPA" in texts else None
        ),
        bilancio_xml=bilancio_xml,
        bilancio_cent=bilancio_cent,
    )


def _day(text: str | None) -> date | None:
    """Read an xsd:date; its offset, if any, is left aside: the day is the one that the ente wrote."""
    if text is None:
        return None
    try:
        return date.fromisoformat(text[:10])
    except ValueError as error:
        raise XmlDovutiNonValido(
            f"documento {CAMPO} non valido",
            "Elemento dataEsecuzionePagamento: attesa una data AAAA-MM-GG fra gli anni 0001 e 9999",
        ) from error
