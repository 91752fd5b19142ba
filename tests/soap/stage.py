"""A hub that many requests share, asked with messages written from the contract; and texts of inner documents."""

from __future__ import annotations

import base64
import itertools
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any
from xml.sax.saxutils import escape

from lxml import etree

from hub.formats.resources import resource
from hub.formats.xml import parse
from hub.soap import nodo
from hub.soap.contract import SOAP_ENV, load_contract
from hub.soap.ente import PATH, RELAXED
from hub.soap.shape import Shape
from tests.soap.portale import lay_administrator
from tests.soap.zeep_client import Answer, Door, check_answer, open_door
from tests.world import PASSWORDS, World, open_world

DOVUTI = "http://www.regione.veneto.it/schemas/2012/Pagamenti/Ente/"
# What `Stage.ask` tells of an answer without fault.
GOOD = "ok"
# The password of the ente of the request, whoever that is.
OWN = "la sua"


class Stage:
    """A world and its door; every request comes from an address of its own, or guessing would be noticed."""

    def __init__(self, world: World) -> None:
        self.world = world
        lay_administrator(world)
        self.number = itertools.count(1)
        self._wsgi = open_door(world).wsgi
        contract = load_contract(resource("wsdl", "pa-per-ente.wsdl"), RELAXED)
        self._verbs = {verb.name: verb for verb in contract.by_request.values()}
        nodo_contract = load_contract(resource("wsdl", "PaPerNodo.wsdl"))
        self._schemas = {PATH: contract.schema, nodo.PATH: nodo_contract.schema}
        self._addresses = itertools.count(1)
        self.last: Answer | None = None
        # Shown beside the envelope: entries of the WSGI environment, a bearer token or a client certificate.
        self.shown: dict[str, Any] = {}
        # The RPT whose receipt is being sent.
        self.tentativo: Any = None

    def iud(self) -> str:
        return f"PASSO-{next(self.number):06d}"

    def envelope(self, operation: str, values: dict[str, Any], ente: str | None = None) -> bytes:
        """Return a request written from the contract; `ente` goes into the header, the password OWN is its own."""
        verb = self._verbs[operation]
        if values.get("password") == OWN:
            values = values | {"password": PASSWORDS.get(ente or values.get("codIpaEnte") or "", "Nessuna12345")}
        envelope = etree.Element(f"{{{SOAP_ENV}}}Envelope")
        header = etree.SubElement(envelope, f"{{{SOAP_ENV}}}Header")
        if ente is not None and verb.header is not None:
            etree.SubElement(etree.SubElement(header, verb.header), "codIpaEnte").text = ente
        body = etree.SubElement(envelope, f"{{{SOAP_ENV}}}Body")
        write(etree.SubElement(body, verb.request), verb.request_shape, values)
        return etree.tostring(envelope)

    def send(self, envelope: bytes, path: str = PATH, source: str | None = None) -> etree._Element:
        """Return the payload of the answer to a message; its bytes are held against the contract's schema."""
        number = next(self._addresses)
        own_source = f"10.{number >> 16 & 255}.{number >> 8 & 255}.{number & 255}"
        door = Door(self._wsgi, source or own_source, more=self.shown)
        self.last = door.post(path, envelope, {})
        check_answer(self.last, self._schemas[path])
        return parse(self.last.body).find(f"{{{SOAP_ENV}}}Body")[0]

    def post(self, operation: str, values: dict[str, Any], ente: str | None = None) -> etree._Element:
        """Send a request written from the contract and return the answer's payload."""
        return self.send(self.envelope(operation, values, ente))

    def ask(self, operation: str, values: dict[str, Any], ente: str | None = None) -> str:
        """Send a request and return the code of the fault, GOOD when there is none."""
        return code_of(self.post(operation, values, ente))


def write(parent: etree._Element, shape: Shape, values: Mapping[str, Any]) -> None:
    """Append the values as children in the order of the contract; None is left out."""
    assert set(values) <= set(shape.by_name)
    for child in shape.children:
        value = values.get(child.name)
        for item in () if value is None else value if child.repeated else (value,):
            node = etree.SubElement(parent, child.tag)
            if child.shape is None:
                node.text = item
            else:
                write(node, child.shape, item)


@contextmanager
def open_stage(backend: str, servers: Any, folders: Any) -> Iterator[Stage]:
    """A stage over a database of its own; `servers` and `folders` are what the fixtures of all tests give."""
    if backend == "sqlite":
        path = folders.mktemp("passi") / "passi.db"
        shutil.copyfile(servers.sqlite(), path)
        with open_world(f"sqlite:///{path}") as world:
            yield Stage(world)
        return
    name = servers.server().create_database(servers.template())
    with open_world(servers.server().url_of(name)) as world:
        yield Stage(world)
    servers.server().drop_database(name)


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
