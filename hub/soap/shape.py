"""The structure of a contract's elements: names, order, occurrence, form; and dict <-> element.

Facets stay with the XSD. A dict has the children's local names as keys; a repeated child is a list, a complex one a
dict, a simple one its trimmed text (base64Binary too: the operation decodes it).
"""

from __future__ import annotations

import base64
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import Any

from lxml import etree

XSD = "{http://www.w3.org/2001/XMLSchema}"
_UNBOUNDED = 1_000_000
_ILLEGAL = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
# What cannot stand in a text as it is: markup, the carriage return, and what is illegal.
_SPECIAL = re.compile("[^\t\n\x20-%'-;=?-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


@dataclass(slots=True)
class Child:
    """One child of a complex element. `tag` is what stands on the wire, `{ns}name` or plain `name`."""

    name: str
    tag: str
    repeated: bool
    required: bool
    default: str | None
    shape: Shape | None


@dataclass(slots=True)
class Shape:
    """A complex type: its children in the order of the contract."""

    children: list[Child] = field(default_factory=list)
    by_tag: dict[str, Child] = field(default_factory=dict)
    by_name: dict[str, Child] = field(default_factory=dict)
    defaults: list[Child] = field(default_factory=list)

    def add(self, child: Child) -> None:
        """Take a child; the second mention of a name (in another branch of a choice) adds nothing."""
        if child.tag in self.by_tag:
            return
        self.children.append(child)
        self.by_tag[child.tag] = self.by_name[child.name] = child
        if child.default is not None:
            self.defaults.append(child)

    def read(self, element: etree._Element) -> dict[str, Any]:
        """Return the children of a valid element as a dict; absent ones are absent, or have the contract's default."""
        found: dict[str, Any] = {}
        for node in element:
            child = self.by_tag.get(node.tag)
            if child is None:  # room for extensions (xsd:any): not ours to read
                continue
            if child.shape is not None:
                value: Any = child.shape.read(node)
            else:
                value = (node.text or "").strip() or child.default or ""
            if child.repeated:
                found.setdefault(child.name, []).append(value)
            else:
                found[child.name] = value
        for child in self.defaults:
            found.setdefault(child.name, child.default)
        return found

    def write(self, to: list[str], values: Mapping[str, Any], names: Mapping[str, str]) -> None:
        """Append the values as XML in the order of the contract; None is left out. `names`: a tag as it is written.

        Characters illegal in XML 1.0 are left out. Raises: KeyError when a key is not of the contract: our mistake.
        """
        written = 0
        for child in self.children:
            value = values.get(child.name)
            if value is None:
                written += child.name in values
                continue
            written += 1
            for item in value if child.repeated else (value,):
                name = names[child.tag]
                to.append(f"<{name}>")
                if child.shape is not None:
                    child.shape.write(to, item, names)
                else:
                    to.append(_escaped(item if item.__class__ is str else as_text(item)))
                to.append(f"</{name}>")
        if written != len(values):
            raise KeyError(sorted(set(values) - set(self.by_name)))

    def repair(self, element: etree._Element, namespace: str) -> None:
        """Bring an element that was refused nearer to the contract, as tolerant as the original is.

        A child in no namespace, or in the body's, takes the one of its name in the contract: toolkits without mixed
        qualification write them all alike. Text is trimmed, empty optional children are dropped.
        """
        for node in list(element):
            uri, _, name = str(node.tag).rpartition("}")
            if node.tag not in self.by_tag and uri in ("", "{" + namespace) and name in self.by_name:
                node.tag = self.by_name[name].tag
            child = self.by_tag.get(str(node.tag))
            if child is None:
                continue
            if child.shape is not None:
                child.shape.repair(node, namespace)
            elif len(node) == 0:
                node.text = (node.text or "").strip()
            if not child.required and len(node) == 0 and not (node.text or "").strip():
                element.remove(node)


def _escaped(text: str) -> str:
    if _SPECIAL.search(text) is None:
        return text
    text = _ILLEGAL.sub("", text).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    # A reader takes a bare carriage return for a line feed. Source: XML 1.0, 2.11.
    return text.replace("\r", "&#13;")


def as_text(value: Any) -> str:
    """Return the XSD spelling of a value; bytes become base64.

    Raises: TypeError for floats and anything else without one spelling.
    """
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return str(value)
    if isinstance(value, Decimal):
        return format(value, "f")
    if isinstance(value, bytes):
        return base64.b64encode(value).decode("ascii")
    if isinstance(value, date):
        return value.isoformat()
    raise TypeError(f"no XSD spelling for {type(value).__name__}")


class ShapeReader:
    """Builds the shapes of global elements from a set of schema documents."""

    def __init__(self, schemas: Iterable[etree._Element]) -> None:
        self._types: dict[str, etree._Element] = {}
        self._elements: dict[str, etree._Element] = {}
        self._groups: dict[str, etree._Element] = {}
        self._built: dict[etree._Element, Shape] = {}
        for schema in schemas:
            namespace = schema.get("targetNamespace", "")
            for node in schema.iterchildren(tag=etree.Element):
                name = clark(namespace, node.get("name", ""))
                if node.tag == XSD + "element":
                    self._elements[name] = node
                elif node.tag == XSD + "complexType":
                    self._types[name] = node
                elif node.tag == XSD + "group":
                    self._groups[name] = node

    def element(self, name: str) -> Shape:
        """Return the shape of a global element, `{ns}name`.

        Raises: KeyError (no such element), ValueError (a construction of XSD that no contract of ours uses).
        """
        shape = self._shape_of(self._elements[name])
        return shape if shape is not None else Shape()

    def _shape_of(self, node: etree._Element) -> Shape | None:
        """Return the shape of an element declaration, None when it is simple."""
        inline = node.find(XSD + "complexType")
        definition = inline if inline is not None else self._types.get(qname(node, node.get("type", "")))
        if definition is None or definition.find(XSD + "simpleContent") is not None:
            return None
        built = self._built.get(definition)
        if built is None:
            built = self._built[definition] = Shape()
            for child in self._members(definition):
                built.add(child)
        return built

    def _members(self, definition: etree._Element) -> Iterable[Child]:
        extension = definition.find(f"{XSD}complexContent/{XSD}extension")
        if extension is not None:
            base = qname(extension, extension.get("base", ""))
            if base in self._types:
                yield from self._members(self._types[base])
            definition = extension
        yield from self._particles(definition, repeated=False, optional=False)

    def _particles(self, owner: etree._Element, repeated: bool, optional: bool) -> Iterable[Child]:
        for node in owner.iterchildren(tag=etree.Element):
            kind = str(node.tag).removeprefix(XSD)
            many = repeated or _max_occurs(node) > 1
            may = optional or node.get("minOccurs") == "0"
            if kind in ("sequence", "all"):
                yield from self._particles(node, many, may)
            elif kind == "choice":
                yield from self._particles(node, many, True)
            elif kind == "group":
                yield from self._particles(self._groups[qname(node, node.get("ref", ""))], many, may)
            elif kind == "element":
                yield self._child(node, many, may)
            elif kind not in ("annotation", "attribute", "attributeGroup", "anyAttribute", "any"):
                raise ValueError(f"{kind} is not understood in a contract")

    def _child(self, node: etree._Element, repeated: bool, optional: bool) -> Child:
        if node.get("ref"):
            tag = qname(node, node.get("ref", ""))
            declared = self._elements[tag]
        else:
            declared = node
            schema = node.getroottree().getroot()
            if schema.tag != XSD + "schema":
                schema = next(node.iterancestors(XSD + "schema"))
            form = node.get("form") or schema.get("elementFormDefault", "unqualified")
            tag = clark(schema.get("targetNamespace", "") if form == "qualified" else "", node.get("name", ""))
        in_choice = next(node.iterancestors(XSD + "choice"), None) is not None
        default = None if in_choice or repeated else declared.get("default")
        return Child(tag.rpartition("}")[2], tag, repeated, not optional, default, self._shape_of(declared))


def clark(namespace: str, name: str) -> str:
    return f"{{{namespace}}}{name}" if namespace else name


def qname(node: etree._Element, text: str) -> str:
    """Return the `{ns}name` that a prefixed name means at this node."""
    prefix, colon, name = text.rpartition(":")
    return clark(node.nsmap.get(prefix if colon else None, "") or "", name)


def _max_occurs(node: etree._Element) -> int:
    text = node.get("maxOccurs", "1")
    return _UNBOUNDED if text == "unbounded" else int(text)


def walk(shape: Shape, visit: Callable[[Child], None], seen: set[int] | None = None) -> None:
    """Call `visit` once for every child below the shape."""
    seen = set() if seen is None else seen
    if id(shape) in seen:
        return
    seen.add(id(shape))
    for child in shape.children:
        visit(child)
        if child.shape is not None:
            walk(child.shape, visit, seen)
