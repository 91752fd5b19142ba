"""What the inner documents that the management software sends have in common: reading, refusals, payer, bilancio.

A document is known by its type, not by its root: the root's namespace is looked at, its name is not (integrators write
the type's name there). Source: PagInf_Dovuti_Pagati 6.2.0; pa-per-ente, payload embedding (1.5) and 3.6, 3.7.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from xml.sax.saxutils import escape

from lxml import etree

from hub.domain.documenti import Soggetto
from hub.domain.errors import XmlDovutiNonValido
from hub.formats import schemi
from hub.formats.base64_campi import decode_document
from hub.formats.importi import cent_from_text
from hub.formats.xml import Limits, SchemaError, XmlNonValido, parse

NAMESPACE = "http://www.regione.veneto.it/schemas/2012/Pagamenti/Ente/"
# Five dovuti with 4 KB of causale each stay far below 1 MiB; only a huge bilancio comes near.
LIMITS = Limits(bytes_max=1024 * 1024, depth_max=16, tags_max=40_000)

Q = "{" + NAMESPACE + "}"
_CUT = len(Q)

# Values that may be quoted back: all that is neither a person's nor free text.
QUOTABLE = frozenset(
    {
        "versioneOggetto",
        "tipoIdentificativoUnivoco",
        "dataEsecuzionePagamento",
        "azione",
        "capPagatore",
        "provinciaPagatore",
        "nazionePagatore",
        "capBeneficiario",
        "provinciaBeneficiario",
        "nazioneBeneficiario",
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


def decode_base64_field(text: str, campo: str = "dovuti") -> bytes:
    """Return the bytes of the base64 field `campo`; one level is the contract, two are tolerated.

    Raises: XmlDovutiNonValido.
    """
    try:
        return decode_document(text)
    except ValueError as error:
        raise XmlDovutiNonValido(
            _title(campo), f"Elemento {campo}: non è base64 valido (ammessi lettere, cifre, + / = e gli a capo)"
        ) from error


def read_root(data: bytes, campo: str, radice: str, hints: Mapping[str, str] | None = None) -> etree._Element:
    """Return the root of the document in the field `campo`, valid as the type of the schema's element `radice`.

    Characters illegal in XML 1.0 are removed and the reading tried again before giving up. `hints`: what to say of an
    element in addition to the rule it broke.
    Raises: XmlDovutiNonValido; its description names element, value (never a person's) and rule.
    """
    root = _parse(data, campo)
    if not str(root.tag).startswith(Q):
        raise XmlDovutiNonValido(_title(campo), f"Elemento radice: non appartiene al namespace {NAMESPACE}")
    root.tag = Q + radice
    errors = schemi.schema(schemi.DOVUTI_PAGATI).check(root)
    if errors:
        raise XmlDovutiNonValido(_title(campo), _describe(root, errors, _HINTS | dict(hints or {})))
    return root


def name_of(element: etree._Element) -> str:
    """Return the local name of an element of a document that `read_root` accepted."""
    return str(element.tag)[_CUT:]


def texts_of(element: etree._Element) -> dict[str, str]:
    """Return the trimmed texts of the children by name; blank ones are left out."""
    return {child.tag[_CUT:]: text for child in element if (text := (child.text or "").strip())}


def _title(campo: str) -> str:
    return f"documento {campo} non valido"


def _parse(data: bytes, campo: str) -> etree._Element:
    try:
        return parse(data, LIMITS)
    except XmlNonValido as error:
        cleaned = _without_illegal(data)
        if cleaned == data:
            raise XmlDovutiNonValido(_title(campo), _reason(data, error, campo)) from error
    try:
        return parse(cleaned, LIMITS)
    except XmlNonValido as error:
        raise XmlDovutiNonValido(_title(campo), _reason(cleaned, error, campo)) from error


def _without_illegal(data: bytes) -> bytes:
    if data[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return data  # UTF-16: zero bytes are part of its letters
    cleaned = _ILLEGAL_SEQUENCES.sub(b"", data.translate(None, _ILLEGAL_BYTES))
    return _REFERENCES.sub(_legal_reference, cleaned)


def _legal_reference(match: re.Match[bytes]) -> bytes:
    code = int(match[1], 16) if match[1] else int(match[2])
    is_legal = code in (9, 10, 13) or 32 <= code < 0xD800 or 0xE000 <= code < 0xFFFE or 0x10000 <= code < 0x110000
    return match[0] if is_legal else b""


def _reason(data: bytes, error: XmlNonValido, campo: str) -> str:
    head = data[:200].partition(b"?>")[0].lower()
    if data[:2] not in (b"\xff\xfe", b"\xfe\xff") and (b"encoding" not in head or b"utf-8" in head):
        try:
            data.decode("utf-8")
        except UnicodeDecodeError as wrong:
            return (
                f"Documento {campo}: il byte {wrong.start + 1} non è UTF-8; scrivere il documento in UTF-8 o "
                "dichiarare la codifica usata"
            )
    return f"Documento {campo}: {error.reason}"


def _describe(root: etree._Element, errors: list[SchemaError], hints: Mapping[str, str]) -> str:
    """Name what is wrong, at most three things: element, value when it may be quoted, rule."""
    return "; ".join(_sentence(root, error, hints) for error in errors[:3])


def _sentence(root: etree._Element, error: SchemaError, hints: Mapping[str, str]) -> str:
    node = _node(root, error)
    where, value, rule = "", "", error.rule
    if node is not None:
        where = _position(node)
        if len(node) == 0 and not (node.text or "").strip():
            rule = "è vuoto: un elemento facoltativo senza valore va omesso"
        elif len(node) == 0 and error.element in QUOTABLE:
            value = f", valore '{(node.text or '')[:64]}'"
    hint = hints.get(error.element)
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
    tag = Q + "datiSingoloVersamento"
    for step in (node, *node.iterancestors()):
        if step.tag == tag and step.getparent() is not None:
            siblings = step.getparent().findall(tag)
            return f" (dovuto {siblings.index(step) + 1} di {len(siblings)})" if len(siblings) > 1 else ""
    return ""


def read_pagatore(element: etree._Element) -> Soggetto:
    """Return the block `soggettoPagatore`; the province comes out in capitals."""
    texts = texts_of(element)
    identificativo = texts_of(element[0])
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


def read_importo(texts: Mapping[str, str], name: str, campo: str) -> int:
    """Return the cents of the amount `name`. Raises: XmlDovutiNonValido (more leading zeros than anyone writes)."""
    try:
        return cent_from_text(texts[name])
    except ValueError as error:
        raise XmlDovutiNonValido(_title(campo), f"Elemento {name}: {_HINTS[name]}") from error


def read_bilancio(element: etree._Element | None, campo: str) -> tuple[str | None, int | None]:
    """Return the block `bilancio` as text without namespaces and the sum of its amounts; None twice without one."""
    if element is None:
        return None, None
    importi = (texts_of(accertamento) for accertamento in element.iter(Q + "accertamento"))
    return _without_namespaces(element), sum(read_importo(texts, "importo", campo) for texts in importi)


def _without_namespaces(element: etree._Element) -> str:
    """Return the element as text without prefixes and declarations, blanks between elements dropped."""
    name = name_of(element)
    inside = "".join(_without_namespaces(child) for child in element) if len(element) else escape(element.text or "")
    return f"<{name}>{inside}</{name}>"
