"""The inner document `Dovuti`: what the management software asks to have paid.

Source: PagInf_Dovuti_Pagati 6.2.0, type ctDovuti.
"""

from __future__ import annotations

from lxml import etree

from hub.domain.documenti import DocumentoDovuti, MarcaBollo, SingoloDovuto
from hub.formats.documenti_ente import Q, name_of, read_bilancio, read_importo, read_pagatore, read_root, texts_of

CAMPO = "dovuti"
_MARCA, _BILANCIO = Q + "datiMarcaBolloDigitale", Q + "bilancio"


def read_dovuti(data: bytes) -> DocumentoDovuti:
    """Return the dovuti of a document that its schema accepts.

    Texts come out trimmed, blank optional ones as None, the province in capitals, the bilancio without namespaces.
    Raises: XmlDovutiNonValido; its description names element, value (never a person's) and rule.
    """
    versione, pagatore, versamento = read_root(data, CAMPO, "Dovuti")
    iuv = None
    dovuti = []
    tipo_versamento = ""
    for child in versamento:
        name = name_of(child)
        if name == "datiSingoloVersamento":
            dovuti.append(_dovuto(child))
        elif name == "tipoVersamento":
            tipo_versamento = (child.text or "").strip()
        else:
            iuv = (child.text or "").strip() or None
    return DocumentoDovuti(
        versione=(versione.text or "").strip(),
        pagatore=read_pagatore(pagatore),
        tipo_versamento=tipo_versamento,
        dovuti=tuple(dovuti),
        iuv=iuv,
    )


def _dovuto(element: etree._Element) -> SingoloDovuto:
    texts = texts_of(element)
    # The only ones with children of their own.
    blocks = {child.tag: child for child in element if len(child)}
    marca = blocks.get(_MARCA)
    bilancio_xml, bilancio_cent = read_bilancio(blocks.get(_BILANCIO), CAMPO)
    return SingoloDovuto(
        iud=texts.get("identificativoUnivocoDovuto", ""),
        importo_cent=read_importo(texts, "importoSingoloVersamento", CAMPO),
        tipo=texts.get("identificativoTipoDovuto", ""),
        causale=texts.get("causaleVersamento", ""),
        dati_specifici=texts.get("datiSpecificiRiscossione", ""),
        commissione_cent=(
            read_importo(texts, "commissioneCaricoPA", CAMPO) if "commissioneCaricoPA" in texts else None
        ),
        marca=None if marca is None else _marca(marca),
        bilancio_xml=bilancio_xml,
        bilancio_cent=bilancio_cent,
    )


def _marca(element: etree._Element) -> MarcaBollo:
    texts = texts_of(element)
    return MarcaBollo(texts["tipoBollo"], texts.get("hashDocumento", ""), texts["provinciaResidenza"])
