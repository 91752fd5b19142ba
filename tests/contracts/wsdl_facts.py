"""Plain facts of a WSDL 1.1 or XSD file, and the differences between two sets of them.

Not facts: the address of the service (each installation has its own), WS-Addressing actions, file names.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from lxml import etree

from tests.contracts.xsd_facts import NS_XSD, Catalogue, Facts, clark, expand, parse, split_tag

NS_WSDL = "http://schemas.xmlsoap.org/wsdl/"
NS_SOAP = "http://schemas.xmlsoap.org/wsdl/soap/"


def facts(path: Path) -> Facts:
    """Return the facts of one contract, its imported schemas included.

    Raises: ValueError when the file is neither WSDL 1.1 nor XML Schema.
    """
    root = parse(path)
    catalogue = Catalogue()
    out: Facts = {"targetNamespace": root.get("targetNamespace")}
    if root.tag == clark(NS_WSDL, "definitions"):
        for types in _wsdl(root, "types"):
            for schema in types.findall(clark(NS_XSD, "schema")):
                catalogue.read(schema, path.parent)
        out.update(Contract(root).facts())
    elif root.tag == clark(NS_XSD, "schema"):
        catalogue.load(path)
    else:
        raise ValueError(f"{path.name} is neither WSDL 1.1 nor XML Schema")
    return {**out, "namespaces": catalogue.spaces}


def differences(expected: Any, found: Any, where: str = "") -> list[str]:
    """Return one line per difference, each naming its place; an empty list means the same contract."""
    if isinstance(expected, dict) and isinstance(found, dict):
        lines = []
        for key in {**expected, **found}:
            here = f"{where}/{key}"
            if key not in found:
                lines.append(f"{here}: missing")
            elif key not in expected:
                lines.append(f"{here}: not in the contract")
            else:
                lines += differences(expected[key], found[key], here)
        return lines
    if isinstance(expected, list) and isinstance(found, list):
        lines = [] if len(expected) == len(found) else [f"{where}: {len(expected)} items expected, {len(found)} found"]
        for index, (left, right) in enumerate(zip(expected, found, strict=False)):
            lines += differences(left, right, f"{where}[{index}]")
        return lines
    same = type(expected) is type(found) and expected == found
    return [] if same else [f"{where}: {expected!r} expected, {found!r} found"]


def _wsdl(node: etree._Element, name: str) -> Iterator[etree._Element]:
    yield from node.findall(clark(NS_WSDL, name))


def _soap(node: etree._Element, name: str) -> etree._Element:
    found = node.find(clark(NS_SOAP, name))
    if found is None:
        raise ValueError(f"<{split_tag(node)[1]}> has no SOAP 1.1 <{name}>")
    return found


class Contract:
    """Messages, operations and services of one WSDL, joined by name."""

    def __init__(self, root: etree._Element) -> None:
        self.root = root
        self.space = root.get("targetNamespace")
        self.messages = {
            clark(self.space, node.get("name")): {
                part.get("name"): expand(part, part.get("element")) for part in _wsdl(node, "part")
            }
            for node in _wsdl(root, "message")
        }

    def facts(self) -> Facts:
        """Return services, bindings, operations and messages."""
        bindings, operations = {}, []
        for node in _wsdl(self.root, "binding"):
            general = _soap(node, "binding")
            bindings[clark(self.space, node.get("name"))] = {
                "portType": expand(node, node.get("type")),
                "soapVersion": "SOAP 1.1",
                "style": general.get("style", "document"),
                "transport": general.get("transport"),
            }
            operations += [self._operation(node, bound) for bound in _wsdl(node, "operation")]
        services = [
            {"service": node.get("name"), "port": port.get("name"), "binding": expand(port, port.get("binding"))}
            for node in _wsdl(self.root, "service")
            for port in _wsdl(node, "port")
        ]
        return {"services": services, "bindings": bindings, "operations": operations, "messages": self.messages}

    def _operation(self, binding: etree._Element, bound: etree._Element) -> Facts:
        abstract = self._abstract(expand(binding, binding.get("type")), bound.get("name"))
        soap = _soap(bound, "operation")
        row: Facts = {
            "name": bound.get("name"),
            "binding": binding.get("name"),
            "soapVersion": "SOAP 1.1",
            "soapAction": soap.get("soapAction"),
            "style": soap.get("style") or _soap(binding, "binding").get("style", "document"),
        }
        for way, label in (("input", "request"), ("output", "response")):
            side = next(_wsdl(bound, way))
            body = _soap(side, "body")
            row.setdefault("use", body.get("use"))
            row[f"{label}Headers"] = [self._header(head) for head in side.findall(clark(NS_SOAP, "header"))]
            message = next(_wsdl(abstract, way))
            row[label] = self._body(expand(message, message.get("message")), body)
        faults = [fault.get("name") for fault in _wsdl(abstract, "fault")]
        return {**row, "faults": faults} if faults else row

    def _abstract(self, port_type: str | None, name: str) -> etree._Element:
        for node in _wsdl(self.root, "portType"):
            if clark(self.space, node.get("name")) == port_type:
                for operation in _wsdl(node, "operation"):
                    if operation.get("name") == name:
                        return operation
        raise ValueError(f"{port_type} has no operation {name}")

    def _header(self, head: etree._Element) -> Facts:
        message = self.messages[expand(head, head.get("message"))]
        return {"part": head.get("part"), "element": message[head.get("part")]}

    def _body(self, message: str | None, body: etree._Element) -> str | list[str | None] | None:
        parts = self.messages[message]
        named = (body.get("parts") or "").split() or list(parts)
        chosen = [parts[part] for part in named]
        return chosen[0] if len(chosen) == 1 else chosen
