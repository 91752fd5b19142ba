"""XML as it enters the hub: bounded, without DTD, entities or network; and the schemas it is checked with.

Source of the traps: libxml2 keeps the errors of a validation on the schema object, so two threads that validate at once
read each other's; hence the lock in `Schema`.
"""

from __future__ import annotations

import codecs
import re
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lxml import etree

MAX_NAME = 64
# libxml2 stops by itself at depth 256 and at text nodes of 10 MB: our bounds lie inside those.
ENCODINGS = frozenset({"utf-8", "utf-16", "utf-16-le", "utf-16-be", "iso8859-1", "iso8859-15", "cp1252", "ascii"})
SECRET_NAMES = re.compile(r"password|codicefiscale|identificativounivoco|codiceunivoco|secret|token", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Limits:
    """The size of a document: bytes, levels, and elements (start and end tags together are counted)."""

    bytes_max: int = 8 * 1024 * 1024
    depth_max: int = 64
    tags_max: int = 400_000


DEFAULT = Limits()


class XmlNonValido(ValueError):
    """A document that cannot be read; `reason` is an Italian sentence without a word of the document."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


@dataclass(frozen=True, slots=True)
class SchemaError:
    """One violation: where (`path`, `line`), which `element`, which `rule` in Italian; `value` only if asked for.

    `is_garbled`: where a text is due there is something else, so that nobody can tell what the element says.
    """

    path: str
    line: int
    element: str
    rule: str
    value: str | None = None
    is_garbled: bool = False

    def __str__(self) -> str:
        shown = "" if self.value is None else f" (valore '{self.value}')"
        return f"elemento {self.element}: {self.rule}{shown}"


class _PerThread(threading.local):
    """One parser for each thread and encoding: an lxml parser is not to be shared while it works."""

    def __init__(self) -> None:
        self.parsers: dict[str | None, etree.XMLParser] = {}

    def parser(self, encoding: str | None) -> etree.XMLParser:
        found = self.parsers.get(encoding)
        if found is None:
            found = self.parsers[encoding] = etree.XMLParser(
                encoding=encoding,
                resolve_entities=False,
                load_dtd=False,
                dtd_validation=False,
                no_network=True,
                huge_tree=False,
                remove_comments=True,
                remove_pis=True,
            )
        return found


_local = _PerThread()
_deeper: dict[int, etree.XPath] = {}


def parse(data: bytes, limits: Limits = DEFAULT, charset: str | None = None) -> etree._Element:
    """Return the root of the document, or refuse it.

    Comments and processing instructions are dropped, CDATA becomes text. The encoding is the one of the byte order
    mark or the declaration; `charset` (of the HTTP header) counts only when the document has neither.
    Raises: XmlNonValido (empty, too large, malformed, DTD, too deep, encoding not accepted).
    """
    if not data:
        raise XmlNonValido("documento vuoto")
    if len(data) > limits.bytes_max:
        raise XmlNonValido(f"documento oltre il limite di {limits.bytes_max} byte")
    if data.count(b"<") > limits.tags_max:
        raise XmlNonValido(f"documento con più di {limits.tags_max} marcatori")
    encoding = None if charset is None or _declares_encoding(data) else known_encoding(charset)
    try:
        root = etree.fromstring(data, _local.parser(encoding))
    except etree.XMLSyntaxError as error:
        line, column = error.position if error.position else (0, 0)
        raise XmlNonValido(f"documento XML malformato (riga {line}, colonna {column})") from None
    except (LookupError, ValueError):
        raise XmlNonValido("codifica dei caratteri non accettata") from None
    info = root.getroottree().docinfo
    if info.internalDTD is not None or info.externalDTD is not None:
        raise XmlNonValido("dichiarazione DOCTYPE non ammessa")
    if info.encoding is not None and info.encoding != "UTF-8":
        known_encoding(info.encoding)
    if _levels_beyond(limits.depth_max)(root):
        raise XmlNonValido(f"documento con più di {limits.depth_max} livelli")
    return root


def canonical(element: etree._Element, prefixes: Sequence[str] = ()) -> bytes:
    """Return an element in exclusive canonical form without comments. `prefixes`: those treated inclusively.

    Source: Exclusive XML Canonicalization 1.0.
    """
    return etree.tostring(
        element, method="c14n", exclusive=True, with_comments=False, inclusive_ns_prefixes=list(prefixes) or None,
        with_tail=False,
    )  # fmt: skip


def known_encoding(name: str) -> str:
    """Return the canonical name of an accepted character encoding.

    Raises: XmlNonValido (unknown or not accepted).

    >>> known_encoding("ISO-8859-1")
    'iso8859-1'
    """
    try:
        canonical = codecs.lookup(name.strip().strip("\"'")).name
    except (LookupError, ValueError):
        canonical = ""
    if canonical not in ENCODINGS:
        raise XmlNonValido("codifica dei caratteri non accettata")
    return canonical


def _declares_encoding(data: bytes) -> bool:
    head = data[:200]
    if head[:2] in (b"\xff\xfe", b"\xfe\xff") or head[:3] == b"\xef\xbb\xbf" or b"\0" in head[:4]:
        return True
    return head.startswith(b"<?xml") and b"encoding" in head.partition(b"?>")[0]


def _levels_beyond(depth: int) -> etree.XPath:
    found = _deeper.get(depth)
    if found is None:
        found = _deeper[depth] = etree.XPath("boolean(" + "/*" * (depth + 1) + ")")
    return found


class Schema:
    """A compiled XML schema that many threads may use."""

    def __init__(self, compiled: etree.XMLSchema) -> None:
        self._compiled = compiled
        self._lock = threading.Lock()

    def check(self, element: etree._Element, reveal: bool = False) -> list[SchemaError]:
        """Return every violation below the element, an empty list when it is valid.

        `reveal` adds the offending value (64 characters), never that of a password or of a person's code.
        """
        with self._lock:
            if self._compiled.validate(element):
                return []
            found = [(e.path, e.line, e.type_name, e.message) for e in self._compiled.error_log]
        errors = [_schema_error(element, *entry, reveal=reveal) for entry in found]
        return _without_echoes(errors) or [SchemaError("/", 0, _local_name(str(element.tag)), "non valido")]


def compile_schema(path: Path) -> Schema:
    """Return the schema of a file; its imports are read from beside it, never from the network."""
    parser = etree.XMLParser(no_network=True, resolve_entities=False, load_dtd=False)
    return Schema(etree.XMLSchema(etree.parse(str(path), parser)))


def compile_sources(sources: Mapping[str, bytes]) -> Schema:
    """Return one schema made of documents that name each other in `schemaLocation` by their key.

    Shape: every document is imported by its targetNamespace; a second one of a namespace is included by the first.
    """
    parser = etree.XMLParser(no_network=True, resolve_entities=False, load_dtd=False)
    parser.resolvers.add(_Sources(sources))
    imports, seen = [], set()
    for name, text in sources.items():
        namespace = etree.fromstring(text, etree.XMLParser(no_network=True)).get("targetNamespace", "")
        if namespace not in seen:
            seen.add(namespace)
            attribute = f' namespace="{namespace}"' if namespace else ""
            imports.append(f'<xs:import{attribute} schemaLocation="{name}"/>')
    # A target of its own, so that a schema without namespace may be imported too.
    opening = '<xs:schema xmlns:xs="http://www.w3.org/2001/XMLSchema" targetNamespace="urn:pontepa:driver">'
    driver = f"{opening}{''.join(imports)}</xs:schema>"
    return Schema(etree.XMLSchema(etree.fromstring(driver.encode(), parser)))


class _Sources(etree.Resolver):
    """Gives libxml2 the documents by name, and nothing else: a name that is not among them is an error."""

    def __init__(self, sources: Mapping[str, bytes]) -> None:
        self._sources = sources

    def resolve(self, url: str, public_id: str | None, context: Any) -> Any:
        text = self._sources.get(url) or self._sources.get(url.rpartition("/")[2])
        if text is None:
            raise ValueError(f"schema {url} is not among the sources")
        return self.resolve_string(text, context)


_RULES = {
    "SCHEMAV_CVC_MINLENGTH_VALID": "più corto del minimo ammesso",
    "SCHEMAV_CVC_MAXLENGTH_VALID": "più lungo del massimo ammesso",
    "SCHEMAV_CVC_LENGTH_VALID": "di lunghezza diversa da quella richiesta",
    "SCHEMAV_CVC_PATTERN_VALID": "non rispetta il formato richiesto",
    "SCHEMAV_CVC_ENUMERATION_VALID": "non è fra i valori ammessi",
    "SCHEMAV_CVC_MININCLUSIVE_VALID": "inferiore al minimo ammesso",
    "SCHEMAV_CVC_MINEXCLUSIVE_VALID": "inferiore al minimo ammesso",
    "SCHEMAV_CVC_MAXINCLUSIVE_VALID": "superiore al massimo ammesso",
    "SCHEMAV_CVC_MAXEXCLUSIVE_VALID": "superiore al massimo ammesso",
    "SCHEMAV_CVC_TOTALDIGITS_VALID": "ha troppe cifre",
    "SCHEMAV_CVC_FRACTIONDIGITS_VALID": "ha troppe cifre decimali",
    "SCHEMAV_CVC_COMPLEX_TYPE_2_1": "deve essere vuoto",
    "SCHEMAV_CVC_COMPLEX_TYPE_2_2": "non può contenere altri elementi",
    "SCHEMAV_CVC_COMPLEX_TYPE_2_3": "non può contenere testo fra gli elementi",
    "SCHEMAV_CVC_COMPLEX_TYPE_3_1": "ha un attributo con valore errato",
    "SCHEMAV_CVC_COMPLEX_TYPE_3_2_1": "ha un attributo non previsto",
    "SCHEMAV_CVC_COMPLEX_TYPE_3_2_2": "ha un attributo non previsto",
    "SCHEMAV_CVC_COMPLEX_TYPE_4": "manca di un attributo obbligatorio",
    "SCHEMAV_CVC_ELT_1": "non previsto dal contratto",
    "SCHEMAV_CVC_ELT_3_1": "non può essere nullo",
    "SCHEMAV_CVC_TYPE_3_1_1": "ha un attributo non previsto",
    "SCHEMAV_CVC_TYPE_3_1_2": "non può contenere altri elementi",
}
_NAME = re.compile(r"^Element '([^']{1,300})'")
_EXPECTED = re.compile(r"Expected is(?: one of)? \(([^()]*)\)")
_NUMBER = re.compile(r"(?:minimum|maximum|allowed) length of '(\d+)'|differs from the allowed length of '(\d+)'")


# Nil, another type, an attribute, an element in a simple type. Source: XML Schema 1.0 part 1, 3.3.4 and 3.14.4.
_GARBLED = ("SCHEMAV_CVC_ELT_3_1", "SCHEMAV_CVC_ELT_4_", "SCHEMAV_CVC_TYPE_3_1_1", "SCHEMAV_CVC_TYPE_3_1_2")


def _schema_error(
    root: etree._Element, path: str | None, line: int, kind: str, message: str, *, reveal: bool
) -> SchemaError:
    match = _NAME.match(message)
    element = _local_name(match.group(1)) if match else "sconosciuto"
    if kind == "SCHEMAV_ELEMENT_CONTENT":
        rule = "incompleto" if "Missing child" in message else "non previsto in questa posizione"
        expected = _EXPECTED.search(message)
        if expected:
            names = [_local_name(name.strip()) for name in expected.group(1).split(",")]
            rule += ", atteso " + " o ".join(names[:8])
    elif kind.startswith("SCHEMAV_CVC_DATATYPE"):
        rule = "non è del tipo richiesto"
    else:
        rule = _RULES.get(kind, "non valido")
        number = _NUMBER.search(message)
        if number:
            rule += f" ({number.group(1) or number.group(2)} caratteri)"
    value = _value(root, path, element) if reveal else None
    return SchemaError(path or "/", line, element, rule, value, kind.startswith(_GARBLED))


def _value(root: etree._Element, path: str | None, element: str) -> str | None:
    """Return the text of the offending leaf, unless its name says that it is a secret or a person's code."""
    if SECRET_NAMES.search(element) or not path:
        return None
    leaves = [leaf for leaf in root.iter() if _local_name(str(leaf.tag)) == element and len(leaf) == 0]
    return (leaves[0].text or "")[:MAX_NAME] if len(leaves) == 1 else None


def _without_echoes(errors: list[SchemaError]) -> list[SchemaError]:
    """Drop the second entry that libxml2 writes for a facet ("is not a valid value of the type")."""
    kept: list[SchemaError] = []
    for error in errors:
        if kept and kept[-1].path == error.path and error.rule == "non è del tipo richiesto":
            continue
        kept.append(error)
    return kept


def _local_name(tag: str) -> str:
    return tag.rpartition("}")[2][:MAX_NAME]
