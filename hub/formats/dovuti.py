"""The inner document `Dovuti`: what the management software asks to have paid, and what it is told is to be paid.

Source: PagInf_Dovuti_Pagati 6.2.0, type ctDovuti.
"""

from __future__ import annotations

from lxml import etree

from hub.domain.documenti import DocumentoDovuti, MarcaBollo, SingoloDovuto
from hub.formats.blocchi import ASSENTE, NS_ENTE, add, add_if, dati_specifici, write_soggetto
from hub.formats.documenti_ente import Q, name_of, read_bilancio, read_importo, read_pagatore, read_root, texts_of
from hub.formats.importi import text_from_cent
from hub.formats.testi import clean
from hub.formats.xml import parse

CAMPO = "dovuti"
_MARCA, _BILANCIO = Q + "datiMarcaBolloDigitale", Q + "bilancio"
VERSIONE = "6.2.0"


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


def render_dovuti(documento: DocumentoDovuti) -> bytes:
    """Return the document, prefix `pay_i`, UTF-8 without XML declaration, valid for its schema.

    What an optional element cannot hold is left out or cut; blank mandatory texts become `n/a`.
    Raises: ValueError (no dovuto, datiSpecificiRiscossione that cannot be mended: never kept by a check of ours).
    """
    if not documento.dovuti:
        raise ValueError("a document of dovuti has one at least")
    root = etree.Element(f"{{{NS_ENTE}}}Dovuti", nsmap={"pay_i": NS_ENTE})
    add(root, "versioneOggetto", clean(documento.versione, 16) or VERSIONE)
    write_soggetto(root, "Pagatore", documento.pagatore)
    dati = add(root, "datiVersamento")
    add(dati, "tipoVersamento", clean(documento.tipo_versamento, 32) or "ALL")
    add_if(dati, "identificativoUnivocoVersamento", documento.iuv)
    for dovuto in documento.dovuti:
        _write_dovuto(dati, dovuto)
    return etree.tostring(root, encoding="UTF-8", xml_declaration=False)


def _write_dovuto(parent: etree._Element, dovuto: SingoloDovuto) -> None:
    block = add(parent, "datiSingoloVersamento")
    add(block, "identificativoUnivocoDovuto", dovuto.iud)
    add(block, "importoSingoloVersamento", text_from_cent(dovuto.importo_cent))
    if dovuto.commissione_cent is not None:
        add(block, "commissioneCaricoPA", text_from_cent(dovuto.commissione_cent))
    add(block, "identificativoTipoDovuto", dovuto.tipo)
    add(block, "causaleVersamento", clean(dovuto.causale, 1024) or ASSENTE)
    add(block, "datiSpecificiRiscossione", dati_specifici(dovuto.dati_specifici))
    if dovuto.marca is not None:
        marca = add(block, "datiMarcaBolloDigitale")
        add(marca, "tipoBollo", dovuto.marca.tipo_bollo)
        add(marca, "hashDocumento", dovuto.marca.hash_documento)
        add(marca, "provinciaResidenza", dovuto.marca.provincia_residenza)
    if dovuto.bilancio_xml:
        _write_tree(block, parse(dovuto.bilancio_xml.encode()))


def _write_tree(parent: etree._Element, element: etree._Element) -> None:
    """Copy an element kept without namespaces into that of its parent."""
    copy = add(parent, str(element.tag), element.text if len(element) == 0 else None)
    for child in element:
        _write_tree(copy, child)
