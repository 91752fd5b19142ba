"""The inner document `Dovuti`: what the management software asks to have paid.

Source: PagInf_Dovuti_Pagati 6.2.0, type ctDovuti (the root's name is not looked at, its namespace is: integrators
write the type's name there); pa-per-ente, payload embedding.
"""

from __future__ import annotations

import re
from xml.sax.saxutils import escape

from lxml import etree

from hub.domain.documenti import DocumentoDovuti, MarcaBollo, SingoloDovuto, Soggetto
from hub.domain.errors import XmlDovutiNonValido
from hub.formats import schemi
from hub.formats.base64_campi import decode_document
from hub.formats.importi import cent_from_text
from hub.formats.xml import Limits, SchemaError, XmlNonValido, parse

NAMESPACE = "http://www.regione.veneto.it/schemas/2012/Pagamenti/Ente/"
# Five dovuti with 4 KB of causale each stay far below 1 MiB; only a huge bilancio comes near.
LIMITS = Limits(bytes_max=1024 * 1024, depth_max=16, tags_max=40_000)

_Q = "{" + NAMESPACE + "}"
_ROOT = _Q + "Dovuti"
_CUT = len(_Q)
_TITLE = "documento dovuti non valido"

# Values that may be quoted back: all that is neither a person's nor free text.
_QUOTABLE = frozenset(
    {
        "versioneOggetto",
        "tipoIdentificativoUnivoco",
        "capPagatore",
        "provinciaPagatore",
        "nazionePagatore",
        "tipoVersamento",
        "identificativoUnivocoVersamento",
        "identificativoUnivocoDovuto",
        "importoSingoloVersamento",
        "commissioneCaricoPA",
        "identificativoTipoDovuto",
        "datiSpecificiRiscossione",
        "tipoBollo",
        "hashDocumento",
        "provinciaResidenza",
        "codCapitolo",
        "codUfficio",
        "codAccertamento",
        "importo",
    }
)
_AMOUNT = "attese cifre, un punto e due decimali, da 0.01 a 999999999.99 (per esempio 10.50)"
_HINTS = {
    "importoSingoloVersamento": _AMOUNT,
    "importo": _AMOUNT,
    "commissioneCaricoPA": "attese cifre, un punto e due decimali, da 0.00 a 999999999.99",
    "datiSpecificiRiscossione": "attesa una cifra fra 0, 1, 2 e 9, una barra e da 3 a 138 caratteri senza spazi",
    "tipoIdentificativoUnivoco": "attesa F o G",
    "nazionePagatore": "attese due lettere maiuscole",
    "provinciaPagatore": "attese due lettere",
    "provinciaResidenza": "attese due lettere maiuscole",
    "tipoBollo": "atteso 01",
    "e-mailPagatore": "atteso un indirizzo di posta, al massimo 256 caratteri",
}
_ILLEGAL_BYTES = bytes(code for code in range(32) if code not in (9, 10, 13))
_ILLEGAL_SEQUENCES = re.compile(rb"\xef\xbf[\xbe\xbf]")
_REFERENCES = re.compile(rb"&#(?:x([0-9A-Fa-f]{1,8})|([0-9]{1,10}));")


def decode_base64_field(text: str) -> bytes:
    """Return the bytes of the field `dovuti`; one level of base64 is the contract, two are tolerated.

    Raises: XmlDovutiNonValido.
    """
    try:
        return decode_document(text)
    except ValueError as error:
        raise XmlDovutiNonValido(
            _TITLE, "Elemento dovuti: non è base64 valido (ammessi lettere, cifre, + / = e gli a capo)"
        ) from error


def read_dovuti(data: bytes) -> DocumentoDovuti:
    """Return the dovuti of a document that its schema accepts.

    Characters illegal in XML 1.0 are removed and the reading tried again before giving up. Texts come out trimmed,
    blank optional ones as None, the province in capitals, the bilancio without namespaces.
    Raises: XmlDovutiNonValido; its description names element, value (never a person's) and rule.
    """
    root = _parse(data)
    if not str(root.tag).startswith(_Q):
        raise XmlDovutiNonValido(_TITLE, f"Elemento radice: non appartiene al namespace {NAMESPACE}")
    root.tag = _ROOT
    errors = schemi.schema(schemi.DOVUTI_PAGATI).check(root)
    if errors:
        raise XmlDovutiNonValido(_TITLE, _describe(root, errors))
    versione, pagatore, versamento = root
    iuv = None
    dovuti = []
    tipo_versamento = ""
    for child in versamento:
        name = str(child.tag)[_CUT:]
        if name == "datiSingoloVersamento":
            dovuti.append(_dovuto(child))
        elif name == "tipoVersamento":
            tipo_versamento = (child.text or "").strip()
        else:
            iuv = (child.text or "").strip() or None
    return DocumentoDovuti(
        versione=(versione.text or "").strip(),
        pagatore=_pagatore(pagatore),
        tipo_versamento=tipo_versamento,
        dovuti=tuple(dovuti),
        iuv=iuv,
    )


def _parse(data: bytes) -> etree._Element:
    try:
        return parse(data, LIMITS)
    except XmlNonValido as error:
        cleaned = _without_illegal(data)
        if cleaned == data:
            raise XmlDovutiNonValido(_TITLE, _reason(data, error)) from error
    try:
        return parse(cleaned, LIMITS)
    except XmlNonValido as error:
        raise XmlDovutiNonValido(_TITLE, _reason(cleaned, error)) from error


def _without_illegal(data: bytes) -> bytes:
    if data[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return data  # UTF-16: zero bytes are part of its letters
    cleaned = _ILLEGAL_SEQUENCES.sub(b"", data.translate(None, _ILLEGAL_BYTES))
    return _REFERENCES.sub(_legal_reference, cleaned)


def _legal_reference(match: re.Match[bytes]) -> bytes:
    code = int(match[1], 16) if match[1] else int(match[2])
    is_legal = code in (9, 10, 13) or 32 <= code < 0xD800 or 0xE000 <= code < 0xFFFE or 0x10000 <= code < 0x110000
    return match[0] if is_legal else b""


def _reason(data: bytes, error: XmlNonValido) -> str:
    head = data[:200].partition(b"?>")[0].lower()
    if data[:2] not in (b"\xff\xfe", b"\xfe\xff") and (b"encoding" not in head or b"utf-8" in head):
        try:
            data.decode("utf-8")
        except UnicodeDecodeError as wrong:
            return (
                f"Documento dovuti: il byte {wrong.start + 1} non è UTF-8; scrivere il documento in UTF-8 o "
                "dichiarare la codifica usata"
            )
    return f"Documento dovuti: {error.reason}"


def _describe(root: etree._Element, errors: list[SchemaError]) -> str:
    """Name what is wrong, at most three things: element, value when it may be quoted, rule."""
    return "; ".join(_sentence(root, error) for error in errors[:3])


def _sentence(root: etree._Element, error: SchemaError) -> str:
    node = _node(root, error)
    where, value, rule = "", "", error.rule
    if node is not None:
        where = _position(node)
        if len(node) == 0 and not (node.text or "").strip():
            rule = "è vuoto: un elemento facoltativo senza valore va omesso"
        elif len(node) == 0 and error.element in _QUOTABLE:
            value = f", valore '{(node.text or '')[:64]}'"
    hint = _HINTS.get(error.element)
    if hint and "posizione" not in rule:
        rule = f"{rule}; {hint}"
    return f"Elemento {error.element}{where}{value}: {rule}"


def _node(root: etree._Element, error: SchemaError) -> etree._Element | None:
    prefixes = {prefix: uri for prefix, uri in root.nsmap.items() if prefix}
    try:
        found = root.getroottree().xpath(error.path, namespaces=prefixes)
    except etree.XPathError:
        return None
    return found[0] if isinstance(found, list) and found and isinstance(found[0], etree._Element) else None


def _position(node: etree._Element) -> str:
    """Say which dovuto, when there are several."""
    tag = _Q + "datiSingoloVersamento"
    for step in (node, *node.iterancestors()):
        if step.tag == tag and step.getparent() is not None:
            siblings = step.getparent().findall(tag)
            return f" (dovuto {siblings.index(step) + 1} di {len(siblings)})" if len(siblings) > 1 else ""
    return ""


def _texts(element: etree._Element) -> dict[str, str]:
    return {str(child.tag)[_CUT:]: text for child in element if (text := (child.text or "").strip())}


def _pagatore(element: etree._Element) -> Soggetto:
    texts = _texts(element)
    identificativo = _texts(element[0])
    provincia = texts.get("provinciaPagatore")
    return Soggetto(
        tipo=identificativo["tipoIdentificativoUnivoco"],
        codice=identificativo.get("codiceIdentificativoUnivoco", ""),
        anagrafica=texts.get("anagraficaPagatore", ""),
        indirizzo=texts.get("indirizzoPagatore"),
        civico=texts.get("civicoPagatore"),
        cap=texts.get("capPagatore"),
        localita=texts.get("localitaPagatore"),
        provincia=provincia.upper() if provincia else None,
        nazione=texts.get("nazionePagatore"),
        email=texts.get("e-mailPagatore"),
    )


def _dovuto(element: etree._Element) -> SingoloDovuto:
    texts = _texts(element)
    commissione = texts.get("commissioneCaricoPA")
    marca = element.find(_Q + "datiMarcaBolloDigitale")
    bilancio = element.find(_Q + "bilancio")
    return SingoloDovuto(
        iud=texts.get("identificativoUnivocoDovuto", ""),
        importo_cent=cent_from_text(texts["importoSingoloVersamento"]),
        tipo=texts.get("identificativoTipoDovuto", ""),
        causale=texts.get("causaleVersamento", ""),
        dati_specifici=texts.get("datiSpecificiRiscossione", ""),
        commissione_cent=None if commissione is None else cent_from_text(commissione),
        marca=None if marca is None else _marca(marca),
        bilancio_xml=None if bilancio is None else _without_namespaces(bilancio),
        bilancio_cent=None if bilancio is None else _bilancio_cent(bilancio),
    )


def _marca(element: etree._Element) -> MarcaBollo:
    texts = _texts(element)
    return MarcaBollo(texts["tipoBollo"], texts.get("hashDocumento", ""), texts["provinciaResidenza"])


def _bilancio_cent(bilancio: etree._Element) -> int:
    return sum(cent_from_text((importo.text or "").strip()) for importo in bilancio.iter(_Q + "importo"))


def _without_namespaces(element: etree._Element) -> str:
    """Return the element as text without prefixes and declarations, blanks between elements dropped."""
    name = str(element.tag)[_CUT:]
    inside = "".join(_without_namespaces(child) for child in element) if len(element) else escape(element.text or "")
    return f"<{name}>{inside}</{name}>"
