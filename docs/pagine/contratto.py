"""The fields of operations and documents as wsdl/ and schemas/ declare them, in words for people."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache

from lxml import etree

from hub.formats.resources import resource
from hub.soap.contract import SOAP, WSDL
from hub.soap.shape import XSD, qname

_BUILTIN = {
    "string": "testo", "base64Binary": "base64", "boolean": "`true` o `false`", "int": "numero intero",
    "integer": "numero intero", "date": "data `aaaa-mm-gg`", "dateTime": "data e ora `aaaa-mm-ggThh:mm:ss`",
    "decimal": "importo",
}  # fmt: skip


@dataclass(frozen=True)
class Campo:
    """A field. `owner`: the type, or the global element, in which it is declared; `path`: from there to the field."""

    owner: str
    path: str
    tipo: str
    quante: str
    default: str | None

    @property
    def nome(self) -> str:
        return self.path.rpartition("/")[2]


@cache
def _schemas() -> list[etree._Element]:
    wsdl = etree.parse(str(resource("wsdl", "pa-per-ente.wsdl"))).getroot()
    documents = etree.parse(str(resource("schemas", "PagInf_Dovuti_Pagati_6_2_0.xsd"))).getroot()
    return [*wsdl.iterfind(f"{WSDL}types/{XSD}schema"), documents]


@cache
def _named() -> dict[tuple[str, str], etree._Element]:
    """Types and elements at the top of the schemas, by kind and `{namespace}name`."""
    return {
        (str(node.tag).removeprefix(XSD), f"{{{schema.get('targetNamespace')}}}{node.get('name')}"): node
        for schema in _schemas()
        for node in schema.iterchildren(tag=etree.Element)
        if node.get("name")
    }


@cache
def operazioni() -> dict[str, bool]:
    """Every operation of the contract, in its order, and whether codIpaEnte stands in the SOAP header."""
    wsdl = etree.parse(str(resource("wsdl", "pa-per-ente.wsdl"))).getroot()
    bound = wsdl.findall(f"{WSDL}binding/{WSDL}operation")
    return {one.get("name"): one.find(f"{WSDL}input/{SOAP}header") is not None for one in bound}


def campi(tipo: str) -> list[Campo]:
    """The fields of a complex type by its local name, those inside others after them."""
    types = [(name.rpartition("}")[2], node) for (kind, name), node in _named().items() if kind == "complexType"]
    (found,) = [node for name, node in types if name == tipo]
    return list(_campi(found, tipo, ""))


def _campi(definition: etree._Element, owner: str, prefix: str) -> Iterator[Campo]:
    extension = definition.find(f"{XSD}complexContent/{XSD}extension")
    if extension is not None:
        yield from _campi(_named()["complexType", qname(extension, extension.get("base"))], owner, prefix)
        definition = extension
    for node in definition.iterfind(f"{XSD}sequence/{XSD}element"):
        path, tipo = prefix + node.get("name"), qname(node, node.get("type"))
        inside = _named().get(("complexType", tipo))
        said = "" if inside is not None else _said(tipo)
        yield Campo(owner, path, said, _quante(node), node.get("default"))
        if inside is not None:
            yield from _campi(inside, owner, path + "/")


def _quante(node: etree._Element) -> str:
    least, most = node.get("minOccurs", "1"), node.get("maxOccurs", "1")
    many = {"1": "", "unbounded": ", anche più volte"}.get(most, f", fino a {most} volte")
    return ("no" if least == "0" else "sì") + many


def _said(tipo: str) -> str:
    """What a simple type admits."""
    local = tipo.rpartition("}")[2]
    node = _named().get(("simpleType", tipo))
    if node is None:
        return _BUILTIN[local]
    restriction = node.find(f"{XSD}restriction")
    facets: dict[str, list[str]] = {}
    for facet in restriction.iterchildren(tag=etree.Element):
        facets.setdefault(str(facet.tag).removeprefix(XSD), []).append(facet.get("value"))
    if "enumeration" in facets:
        return ", ".join(f"`{value}`" for value in facets["enumeration"])
    return ", ".join([_said(qname(restriction, restriction.get("base"))), *_limits(facets)])


def _limits(facets: dict[str, list[str]]) -> Iterator[str]:
    least, most = facets.get("minLength", ["0"])[0], facets.get("maxLength", [""])[0]
    if most:
        start = "" if least == most else "al più " if least == "0" else f"da {least} a "
        yield f"{start}{most} caratteri"
    if "minInclusive" in facets:
        yield f"da {facets['minInclusive'][0]} a {facets['maxInclusive'][0]}"
    yield from (f"forma `{pattern}`" for pattern in facets.get("pattern", ()))
