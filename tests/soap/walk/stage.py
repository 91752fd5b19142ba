"""The hub that is walked through: one world for all cases, each case with identifiers of its own."""

from __future__ import annotations

import base64
import itertools
from typing import Any
from xml.sax.saxutils import escape

from lxml import etree

from hub.formats.resources import resource
from hub.formats.xml import parse
from hub.soap.contract import SOAP_ENV, load_contract
from hub.soap.ente import PATH, RELAXED
from tests.soap.walk.frame import GOOD
from tests.soap.zeep_client import Answer, Door, check_answer, open_door
from tests.world import PASSWORDS, World

DOVUTI = "http://www.regione.veneto.it/schemas/2012/Pagamenti/Ente/"
# The password of the ente of the request, whoever that is.
OWN = "la sua"


class Stage:
    """A world and its door; every request comes from an address of its own, or guessing would be noticed."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.number = itertools.count(1)
        self._wsgi = open_door(world).wsgi
        contract = load_contract(resource("wsdl", "pa-per-ente.wsdl"), RELAXED)
        self._verbs = {verb.name: verb for verb in contract.by_request.values()}
        self._schema = contract.schema
        self._addresses = itertools.count(1)
        self.last: Answer | None = None

    def iud(self) -> str:
        return f"PASSO-{next(self.number):06d}"

    def post(self, operation: str, values: dict[str, Any], ente: str | None = None) -> etree._Element:
        """Send a request written from the contract and return the answer's payload; `ente` goes into the header.

        The password OWN is that of the ente. The answer's bytes are held against the contract's schema.
        """
        verb = self._verbs[operation]
        if values.get("password") == OWN:
            values = values | {"password": PASSWORDS.get(ente or values.get("codIpaEnte") or "", "Nessuna12345")}
        envelope = etree.Element(f"{{{SOAP_ENV}}}Envelope")
        header = etree.SubElement(envelope, f"{{{SOAP_ENV}}}Header")
        if ente is not None and verb.header is not None:
            etree.SubElement(etree.SubElement(header, verb.header), "codIpaEnte").text = ente
        body = etree.SubElement(envelope, f"{{{SOAP_ENV}}}Body")
        verb.request_shape.write(etree.SubElement(body, verb.request), values)
        number = next(self._addresses)
        door = Door(self._wsgi, f"10.{number >> 16 & 255}.{number >> 8 & 255}.{number & 255}")
        self.last = door.post(PATH, etree.tostring(envelope), {})
        check_answer(self.last, self._schema)
        return parse(self.last.body).find(f"{{{SOAP_ENV}}}Body")[0]

    def ask(self, operation: str, values: dict[str, Any], ente: str | None = None) -> str:
        """Send a request and return the code of the fault, GOOD when there is none."""
        return code_of(self.post(operation, values, ente))


def code_of(payload: etree._Element) -> str:
    if payload.tag == f"{{{SOAP_ENV}}}Fault":
        return f"SOAP Fault {payload.findtext('faultcode').rpartition(':')[2]}"
    return payload.findtext("fault/faultCode") or GOOD


Content = str | list[tuple[str, Any]] | None


def element(name: str, content: Content, namespace: str = "") -> str:
    """The text of an element; None leaves it out, a list holds its children."""
    if content is None:
        return ""
    opening = f'{name} xmlns="{namespace}"' if namespace else name
    inside = escape(content) if isinstance(content, str) else "".join(element(*child) for child in content)
    return f"<{opening}>{inside}</{name}>"


def bilancio(importo: str | None) -> Content:
    if importo is None:
        return None
    accertamento = [("codAccertamento", "A1"), ("importo", importo)]
    return [("capitolo", [("codCapitolo", "C1"), ("accertamento", accertamento)])]


def encoded(text: str) -> str:
    return base64.b64encode(text.encode()).decode()
