"""Plain facts of XML Schema documents: what two texts must share to be the same contract.

Annotations, comments, prefixes, layout and the order of global components are not facts. Names are absolute:
`{namespace}name`, or `xsd:name` for the built-in types.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from lxml import etree

NS_XSD = "http://www.w3.org/2001/XMLSchema"
INTEGER_FACETS = {"length", "minLength", "maxLength", "totalDigits", "fractionDigits"}
TEXT_FACETS = {"minInclusive", "maxInclusive", "minExclusive", "maxExclusive", "whiteSpace"}
REPEATED_FACETS = {"pattern", "enumeration"}
PARTICLES = {"sequence", "choice", "all", "element", "any"}
FORM_DEFAULTS = ("elementFormDefault", "attributeFormDefault")

Facts = dict[str, Any]


def parse(path: Path) -> etree._Element:
    """Return the root of a file of this repository, without comments, entities or network."""
    parser = etree.XMLParser(remove_comments=True, remove_pis=True, resolve_entities=False, no_network=True)
    return etree.parse(str(path), parser).getroot()


def split_tag(node: etree._Element) -> tuple[str | None, str]:
    """Return namespace and local name of an element."""
    name = etree.QName(node)
    return name.namespace, name.localname


def clark(space: str | None, name: str) -> str:
    """Return `{space}name`, or the bare name when there is no namespace."""
    return f"{{{space}}}{name}" if space else name


def expand(node: etree._Element, value: str | None) -> str | None:
    """Return a prefixed name made absolute in the scope of its element; None when absent."""
    if not value:
        return None
    prefix, _, name = value.strip().rpartition(":")
    space = node.nsmap.get(prefix or None)
    if prefix and space is None:
        raise ValueError(f"prefix {prefix} of {value} is not bound")
    return f"xsd:{name}" if space == NS_XSD else clark(space, name)


def children(node: etree._Element, *wanted: str) -> Iterator[tuple[str, etree._Element]]:
    """Yield kind and node of the schema children, annotations left out."""
    for child in node:
        space, name = split_tag(child)
        if space == NS_XSD and name != "annotation" and (not wanted or name in wanted):
            yield name, child


def bounds(node: etree._Element) -> Facts:
    """Return minOccurs and maxOccurs, with their defaults."""
    high = node.get("maxOccurs", "1")
    return {"minOccurs": int(node.get("minOccurs", "1")), "maxOccurs": high if high == "unbounded" else int(high)}


class Catalogue:
    """Every schema component reachable from one document, by namespace."""

    def __init__(self) -> None:
        self.spaces: dict[str, Facts] = {}
        self._seen: set[Path] = set()

    def load(self, path: Path) -> None:
        """Read a schema file, once, and those it imports or includes by a relative location."""
        path = path.resolve()
        if path not in self._seen:
            self._seen.add(path)
            self.read(parse(path), path.parent)

    def read(self, root: etree._Element, folder: Path) -> None:
        """Read one schema element; `folder` is where its relative locations start."""
        space = self.spaces.setdefault(root.get("targetNamespace", ""), {key: "unqualified" for key in FORM_DEFAULTS})
        space.update({key: root.get(key) for key in (*FORM_DEFAULTS, "version") if root.get(key)})
        # The form belongs to the document: one that another includes, in the same namespace, may have its own.
        reader = Reader(root.get("elementFormDefault", "unqualified"))
        sections = {
            "element": ("elements", lambda node: reader.element(node, is_global=True)),
            "complexType": ("complexTypes", reader.complex_type),
            "simpleType": ("simpleTypes", reader.simple_type),
            "attribute": ("attributes", reader.attribute),
            "attributeGroup": ("attributeGroups", reader.attributes),
        }
        for kind, node in children(root):
            if kind in ("import", "include"):
                if node.get("schemaLocation"):
                    self.load(folder / node.get("schemaLocation"))
            else:
                section, read = sections[kind]
                space.setdefault(section, {})[node.get("name")] = read(node)


class Reader:
    """Reads the declarations of one schema document."""

    def __init__(self, element_form: str) -> None:
        self.element_form = element_form

    def simple_type(self, node: etree._Element) -> Facts:
        """Return base and facets of a restriction, or the variety of a list or union."""
        kind, child = next(children(node))
        if kind == "restriction":
            return self.restriction(child)
        if kind == "list":
            return {"variety": "list", "itemType": expand(child, child.get("itemType"))}
        members = (child.get("memberTypes") or "").split()
        return {"variety": "union", "memberTypes": [expand(child, member) for member in members]}

    def restriction(self, node: etree._Element) -> Facts:
        """Return base and facets; a pattern may write the slash with or without a backslash."""
        facets: Facts = {}
        for kind, child in children(node):
            value = child.get("value")
            if kind in REPEATED_FACETS:
                facets.setdefault(kind, []).append(value.replace("\\/", "/") if kind == "pattern" else value)
            elif kind in INTEGER_FACETS:
                facets[kind] = int(value)
            elif kind in TEXT_FACETS:
                facets[kind] = value
        return {"base": expand(node, node.get("base")), **({"facets": facets} if facets else {})}

    def element(self, node: etree._Element, is_global: bool = False) -> Facts:
        """Return name, type, bounds, form, nillable, default of an element."""
        out: Facts = {}
        if node.get("ref"):
            out["ref"] = expand(node, node.get("ref"))
            out["name"] = out["ref"].rpartition("}")[2]
        else:
            out["name"] = node.get("name")
            out["type"] = expand(node, node.get("type"))
            for kind, child in children(node, "complexType", "simpleType"):
                out["inline"] = self.complex_type(child) if kind == "complexType" else self.simple_type(child)
            if out["type"] is None and "inline" not in out:
                out["type"] = "xsd:anyType"
        if is_global:
            del out["name"]
        else:
            out.update(bounds(node))
            out["qualified"] = "ref" in out or node.get("form", self.element_form) == "qualified"
        out["nillable"] = node.get("nillable") in ("true", "1")
        out.update({key: node.get(key) for key in ("default", "fixed", "abstract") if node.get(key) is not None})
        return out

    def particle(self, kind: str, node: etree._Element) -> Facts:
        """Return an element, a wildcard or a nested group, with its bounds."""
        if kind == "element":
            return self.element(node)
        if kind == "any":
            return {
                "particle": "any",
                "namespace": node.get("namespace", "##any"),
                "processContents": node.get("processContents", "strict"),
                **bounds(node),
            }
        inner = [self.particle(k, child) for k, child in children(node) if k in PARTICLES]
        return {"particle": kind, **bounds(node), "children": inner}

    def complex_type(self, node: etree._Element) -> Facts:
        """Return derivation, ordered children and attributes of a type."""
        out: Facts = {}
        holder = node
        for _, content in children(node, "complexContent", "simpleContent"):
            derivation, holder = next(children(content, "extension", "restriction"))
            out.update(derivation=derivation, base=expand(holder, holder.get("base")))
        out.update({"compositor": "empty", "children": []})
        for kind, child in children(holder, "sequence", "choice", "all"):
            out.update(compositor=kind, children=self.particle(kind, child)["children"])
            if bounds(child) != {"minOccurs": 1, "maxOccurs": 1}:
                out.update(bounds(child))
        attributes = self.attributes(holder)
        return {**out, "attributes": attributes} if attributes else out

    def attributes(self, node: etree._Element) -> list[Facts]:
        """Return the attributes of a type or group, in order."""
        found: list[Facts] = []
        for kind, child in children(node, "attribute", "attributeGroup", "anyAttribute"):
            if kind == "attribute":
                found.append(self.attribute(child))
            elif kind == "attributeGroup":
                found.append({"attributeGroup": expand(child, child.get("ref"))})
            else:
                found.append({"anyAttribute": child.get("namespace", "##any")})
        return found

    def attribute(self, node: etree._Element) -> Facts:
        """Return name or reference, type, use and default of an attribute."""
        if node.get("ref"):
            out: Facts = {"ref": expand(node, node.get("ref"))}
        else:
            out = {"name": node.get("name"), "type": expand(node, node.get("type"))}
            for _, child in children(node, "simpleType"):
                out["inline"] = self.simple_type(child)
        out["use"] = node.get("use", "optional")
        out.update({key: node.get(key) for key in ("default", "fixed") if node.get(key) is not None})
        return out
