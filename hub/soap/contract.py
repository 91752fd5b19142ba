"""A SOAP contract read from its WSDL: operations by body, one schema for bodies and headers, the text to serve.

The WSDL and its schemas are files of this project; nothing of a request reaches this module.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from lxml import etree

from hub.formats.xml import Schema, compile_sources
from hub.soap.shape import XSD, Child, Shape, ShapeReader, qname, walk

WSDL = "{http://schemas.xmlsoap.org/wsdl/}"
SOAP = "{http://schemas.xmlsoap.org/wsdl/soap/}"
SOAP_ENV = "http://schemas.xmlsoap.org/soap/envelope/"
NOTHING: Mapping[str, frozenset[str]] = {}
_REFERRING = ("import", "include", "redefine")
# Cut out again: where the content of an answer goes.
_CONTENT = "CONTENUTO"
_QNAME_ATTRIBUTES = ("type", "base", "ref", "itemType", "memberTypes", "substitutionGroup")


@dataclass(frozen=True, slots=True)
class Verb:
    """One operation of the contract. `request`, `response`, `header` are `{ns}name`.

    Of the answer: the bytes around its content, and the prefixed name of each tag inside.
    """

    name: str
    soap_action: str
    request: str
    response: str
    header: str | None
    request_shape: Shape
    response_shape: Shape
    header_shape: Shape | None
    answer_frame: tuple[bytes, bytes]
    answer_names: Mapping[str, str]


class Contract:
    """What the door knows of a contract. Built once at start; many threads read it."""

    def __init__(
        self,
        name: str,
        verbs: Iterable[Verb],
        schema: Schema,
        wsdl: etree._Element,
        documents: dict[str, etree._Element],
    ) -> None:
        self.name = name
        self.by_request = {verb.request: verb for verb in verbs}
        self.schema = schema
        self.headers = {verb.header for verb in self.by_request.values() if verb.header is not None}
        self.namespace = next(iter(self.by_request)).rpartition("}")[0][1:]
        self._wsdl = wsdl
        self._documents = documents

    def wsdl_text(self, public_url: str, path: str) -> bytes:
        """Return the WSDL with its address and schema locations under `public_url` + `path`."""
        wsdl = copy.deepcopy(self._wsdl)
        base = public_url.rstrip("/") + path
        for address in wsdl.iter(SOAP + "address"):
            address.set("location", base)
        for schema in wsdl.iter(XSD + "schema"):
            _relocate(schema, lambda name: f"{base}?xsd={name}")
        return _text(wsdl)

    def xsd(self, name: str, base: str = "") -> bytes:
        """Return a schema of the contract by its file name.

        Raises: KeyError (not of this contract).
        """
        schema = copy.deepcopy(self._documents[name])
        _relocate(schema, lambda other: f"{base}?xsd={other}")
        return _text(schema)


def load_contract(
    wsdl_path: Path, relaxed: Mapping[str, frozenset[str]] = NOTHING, textual: Mapping[str, frozenset[str]] = NOTHING
) -> Contract:
    """Return the contract that a WSDL file states.

    `relaxed`: facets, by simple type, that are published but not required of a message (see the callers for why).
    `textual`: elements, by complex type, that may be missing or hold any text: the operation judges them with a code
    of its own. What is served stays as published.
    Raises: OSError (file missing), ValueError (binding that is not document/literal with one body part), lxml errors
    for a broken file: all of them mistakes of this project, found at start.
    """
    wsdl = _load(wsdl_path)
    documents: dict[str, etree._Element] = {}
    inline = []
    for number, schema in enumerate(wsdl.iterfind(f"{WSDL}types/{XSD}schema")):
        # Written on its own so that the prefixes it inherits from the WSDL come along.
        alone = etree.fromstring(etree.tostring(schema))
        _collect(alone, wsdl_path.parent, documents)
        inline.append((f"inline-{number}.xsd", alone))
    for schema in documents.values():
        _relocate(schema, lambda name: name)
    read = {name: copy.deepcopy(schema) for name, schema in documents.items()}
    for schema in [*read.values(), *(schema for _, schema in inline)]:
        _relax(schema, relaxed)
        _loosen(schema, textual)
    sources = _compiled_sources(inline, read)
    reader = ShapeReader(etree.fromstring(text) for text in sources.values())
    verbs = list(_verbs(wsdl, reader))
    return Contract(wsdl_path.stem, verbs, compile_sources(sources), wsdl, documents)


def _relax(schema: etree._Element, relaxed: Mapping[str, frozenset[str]]) -> None:
    for simple_type in schema.iterfind(f"{XSD}simpleType"):
        facets = relaxed.get(simple_type.get("name", ""), frozenset())
        for restriction in simple_type.iterfind(f"{XSD}restriction"):
            for facet in [child for child in restriction if etree.QName(child).localname in facets]:
                restriction.remove(facet)


def _loosen(schema: etree._Element, textual: Mapping[str, frozenset[str]]) -> None:
    prefix = next(name for name, uri in schema.nsmap.items() if uri == XSD[1:-1])
    for complex_type in schema.iterfind(f"{XSD}complexType"):
        names = textual.get(complex_type.get("name", ""), frozenset())
        for element in complex_type.iterfind(f"{XSD}sequence/{XSD}element"):
            if element.get("name") in names:
                element.set("minOccurs", "0")
                # One that has children keeps them; they are named by its type.
                if not _local(element.get("type")).startswith("ct"):
                    element.set("type", f"{prefix}:string" if prefix else "string")


def _load(path: Path) -> etree._Element:
    parser = etree.XMLParser(no_network=True, resolve_entities=False, load_dtd=False, remove_comments=True)
    return etree.parse(str(path), parser).getroot()


def _collect(schema: etree._Element, folder: Path, documents: dict[str, etree._Element]) -> None:
    """Read the files that a schema refers to, and theirs, by file name."""
    for node in _references(schema):
        location = node.get("schemaLocation")
        if location is None:
            continue
        path = (folder / location).resolve()
        if path.name not in documents:
            documents[path.name] = _load(path)
            _collect(documents[path.name], path.parent, documents)


def _compiled_sources(
    inline: list[tuple[str, etree._Element]], documents: dict[str, etree._Element]
) -> dict[str, bytes]:
    """Return all schemas by name, each importing by location every namespace that it uses.

    Sibling inline schemas may use each other without an import, or with one without location: libxml2 refuses the first
    and cannot follow the second.
    """
    home = {schema.get("targetNamespace", ""): name for name, schema in [*documents.items(), *inline]}
    sources = {}
    for name, original in [*inline, *documents.items()]:
        schema = copy.deepcopy(original)
        own = schema.get("targetNamespace", "")
        _relocate(schema, lambda other: other)
        imported = set()
        for node in schema.iterchildren(XSD + "import"):
            imported.add(node.get("namespace", ""))
            if node.get("schemaLocation") is None and node.get("namespace", "") in home:
                node.set("schemaLocation", home[node.get("namespace", "")])
        for namespace in sorted(_used_namespaces(schema) - imported - {own, XSD[1:-1]}):
            node = etree.Element(XSD + "import", namespace=namespace, schemaLocation=home[namespace])
            schema.insert(0, node)
        if own or any(child.get("name") for child in schema):
            sources[name] = etree.tostring(schema)
    return sources


def _used_namespaces(schema: etree._Element) -> set[str]:
    used = set()
    for node in schema.iter(tag=etree.Element):
        for attribute in _QNAME_ATTRIBUTES:
            for text in node.get(attribute, "").split():
                if ":" in text:
                    used.add(qname(node, text).rpartition("}")[0][1:])
    return used - {"", "http://www.w3.org/XML/1998/namespace"}


def _references(schema: etree._Element) -> Iterable[etree._Element]:
    return [node for node in schema if str(node.tag).removeprefix(XSD) in _REFERRING]


def _relocate(schema: etree._Element, location: Callable[[str], str]) -> None:
    for node in _references(schema):
        old = node.get("schemaLocation")
        if old is not None:
            node.set("schemaLocation", location(old.rpartition("/")[2]))


def _verbs(wsdl: etree._Element, reader: ShapeReader) -> Iterable[Verb]:
    prefixes = {uri: prefix for prefix, uri in wsdl.nsmap.items() if prefix}
    for schema in wsdl.iterfind(f"{WSDL}types/{XSD}schema"):
        prefixes.update({uri: prefix for prefix, uri in schema.nsmap.items() if prefix and uri not in prefixes})
    binding = wsdl.find(WSDL + "binding")
    messages = {message.get("name"): message for message in wsdl.iterfind(WSDL + "message")}
    port_type = _named(wsdl, "portType", binding.get("type"))
    for bound in binding.iterfind(WSDL + "operation"):
        name = bound.get("name")
        abstract = next(each for each in port_type.iterfind(WSDL + "operation") if each.get("name") == name)
        request = _body(bound.find(WSDL + "input"), messages[_local(abstract.find(WSDL + "input").get("message"))])
        response = _body(bound.find(WSDL + "output"), messages[_local(abstract.find(WSDL + "output").get("message"))])
        header = _header(bound.find(WSDL + "input"), messages)
        response_shape = reader.element(response)
        nsmap = _answer_nsmap(response, response_shape, prefixes)
        yield Verb(
            name=name,
            soap_action=bound.find(SOAP + "operation").get("soapAction", ""),
            request=request,
            response=response,
            header=header,
            request_shape=reader.element(request),
            response_shape=response_shape,
            header_shape=None if header is None else reader.element(header),
            answer_frame=_answer_frame(response, nsmap),
            answer_names=_answer_names(response_shape, nsmap),
        )


def _named(wsdl: etree._Element, kind: str, name: str) -> etree._Element:
    return next(node for node in wsdl.iterfind(WSDL + kind) if node.get("name") == _local(name))


def _local(name: str) -> str:
    return name.rpartition(":")[2]


def _body(bound: etree._Element, message: etree._Element) -> str:
    parts = {part.get("name"): part for part in message.iterfind(WSDL + "part")}
    chosen = (bound.find(SOAP + "body").get("parts") or "").split()
    carried = {node.get("part") for node in bound.iterfind(SOAP + "header")}
    names = chosen or [name for name in parts if name not in carried]
    if len(names) != 1 or parts[names[0]].get("element") is None:
        raise ValueError(f"message {message.get('name')} is not document/literal with one part")
    return qname(parts[names[0]], parts[names[0]].get("element"))


def _header(bound: etree._Element, messages: dict[str, etree._Element]) -> str | None:
    node = bound.find(SOAP + "header")
    if node is None:
        return None
    message = messages[_local(node.get("message"))]
    part = next(part for part in message.iterfind(WSDL + "part") if part.get("name") == node.get("part"))
    return qname(part, part.get("element"))


def _answer_nsmap(response: str, shape: Shape, prefixes: dict[str, str]) -> dict[str, str]:
    """Return the prefixes of an answer: the body's never the default one, its children must stay without namespace."""
    uris = [response.rpartition("}")[0][1:]]

    def note(child: Child) -> None:
        uri = child.tag.rpartition("}")[0][1:]
        if uri and uri not in uris:
            uris.append(uri)

    walk(shape, note)
    return {"soapenv": SOAP_ENV} | {prefixes.get(uri, f"n{number}"): uri for number, uri in enumerate(uris)}


def _answer_frame(response: str, nsmap: dict[str, str]) -> tuple[bytes, bytes]:
    """Return what stands before and after the content of an answer."""
    envelope = etree.Element(f"{{{SOAP_ENV}}}Envelope", nsmap=nsmap)
    etree.SubElement(etree.SubElement(envelope, f"{{{SOAP_ENV}}}Body"), response).text = _CONTENT
    opening, _, closing = _text(envelope).partition(_CONTENT.encode())
    return opening, closing


def _answer_names(shape: Shape, nsmap: dict[str, str]) -> dict[str, str]:
    prefixes = {uri: prefix for prefix, uri in nsmap.items()}
    names: dict[str, str] = {}

    def note(child: Child) -> None:
        uri, _, name = child.tag.rpartition("}")
        names[child.tag] = f"{prefixes[uri[1:]]}:{name}" if uri else name

    walk(shape, note)
    return names


def _text(root: etree._Element) -> bytes:
    return etree.tostring(root, xml_declaration=True, encoding="UTF-8")
