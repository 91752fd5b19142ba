"""Messages of the contracts with the node, checked with the schemas as the hub compiles them."""

from __future__ import annotations

import functools
from pathlib import Path

from lxml import etree

from hub.formats.contratti import compile_wsdl
from hub.formats.xml import Schema

WSDL = Path(__file__).resolve().parents[2] / "wsdl"
WS = "http://ws.pagamenti.telematici.gov/"
PPTHEAD = "http://ws.pagamenti.telematici.gov/ppthead"
PFN = "http://pagopa-api.pagopa.gov.it/pa/paForNode.xsd"
PAY = "http://www.digitpa.gov.it/schemas/2011/Pagamenti/"
NAMESPACES = f'xmlns:ws="{WS}" xmlns:h="{PPTHEAD}" xmlns:pfn="{PFN}" xmlns:p="{PAY}"'


@functools.cache
def schema(name: str) -> Schema:
    return compile_wsdl(WSDL / f"{name}.wsdl")


def errors(contract: str, message: str) -> list[str]:
    """Return what a contract has against an element written with the prefixes ws, h, pfn and p."""
    head, close, rest = message.partition(">")
    opening = f"{head[:-1]} {NAMESPACES}/" if head.endswith("/") else f"{head} {NAMESPACES}"
    return [str(error) for error in schema(contract).check(etree.fromstring(opening + close + rest))]


FAULT = "<fault><faultCode>PAA_SEMANTICA</faultCode><faultString>no</faultString><id>01234567890</id></fault>"
