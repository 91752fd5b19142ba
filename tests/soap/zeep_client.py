"""A zeep client made from `wsdl/` that speaks to the hub's WSGI in process.

Every answer's bytes are validated with the contract's schema: zeep itself accepts answers that the contract does not.
"""

from __future__ import annotations

import io
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

import requests
import zeep
from lxml import etree

from hub.app import build_wsgi_app
from hub.formats.resources import resource
from hub.formats.xml import parse
from hub.soap import ente, nodo
from hub.soap.contract import SOAP_ENV, load_contract
from hub.soap.nodo import ccp, pa_for_node
from tests.world import SOURCE, World

BASE = "http://hub.invalid"


@dataclass
class Answer:
    status: int
    headers: dict[str, str]
    body: bytes


@dataclass
class Door:
    """The whole HTTP side of the hub, asked from one address; keeps every answer."""

    wsgi: Any
    source: str = SOURCE
    answers: list[Answer] = field(default_factory=list)
    # Added to the WSGI environment: headers, the certificate of the connection.
    more: dict[str, Any] = field(default_factory=dict)

    def post(self, path: str, body: bytes, headers: dict[str, str]) -> Answer:
        environ = {
            "REQUEST_METHOD": "POST",
            "SCRIPT_NAME": "",
            "PATH_INFO": path,
            "QUERY_STRING": "",
            "CONTENT_TYPE": headers.get("Content-Type", "text/xml; charset=utf-8"),
            "CONTENT_LENGTH": str(len(body)),
            "REMOTE_ADDR": self.source,
            "SERVER_NAME": "hub.invalid",
            "SERVER_PORT": "80",
            "SERVER_PROTOCOL": "HTTP/1.1",
            "wsgi.url_scheme": "http",
            "wsgi.input": io.BytesIO(body),
            "wsgi.errors": io.StringIO(),
            "wsgi.multithread": True,
        } | self.more
        started: list[tuple[str, list[tuple[str, str]]]] = []
        chunks = self.wsgi(environ, lambda status, headers, _=None: started.append((status, headers)))
        answer = Answer(int(started[0][0][:3]), dict(started[0][1]), b"".join(chunks))
        self.answers.append(answer)
        return answer

    @property
    def last(self) -> Answer:
        return self.answers[-1]


class ContractTransport(zeep.Transport):
    """Hands zeep's messages to the door and refuses an answer that the contract's schema does not admit."""

    def __init__(self, door: Door, wsdl: str) -> None:
        super().__init__()
        self._door = door
        self._schema = load_contract(resource("wsdl", wsdl)).schema

    def post(self, address: str, message: bytes, headers: dict[str, str]) -> requests.Response:
        answer = self._door.post(urlsplit(address).path, message, headers)
        check_answer(answer, self._schema)
        response = requests.Response()
        response.status_code = answer.status
        response.headers.update(answer.headers)
        response._content = answer.body
        return response


def check_answer(answer: Answer, schema: Any) -> None:
    """Fail when the payload of an answer is neither a SOAP fault nor valid.

    A fault may stand alone where the schema calls its brothers mandatory. Source: pa-per-ente, errors on the wire.
    """
    (payload,) = parse(answer.body).find(f"{{{SOAP_ENV}}}Body")
    if payload.tag == f"{{{SOAP_ENV}}}Fault":
        return
    errors = [str(error) for error in schema.check(payload)]
    if [child.tag for child in payload] == ["fault"]:
        errors = [error for error in errors if ": incompleto, atteso " not in error]
    assert errors == [], etree.tostring(payload)


def open_door(world: World, source: str = SOURCE, **more: Any) -> Door:
    return Door(build_wsgi_app(world.runtime), source, more=more)


def ente_client(door: Door, base: str = BASE, **options: Any) -> Any:
    """The management software's service. `base`: the address the client believes in; `options` of zeep's client."""
    return _client(door, "pa-per-ente.wsdl", base + ente.PATH, **options)


def client_of(world: World) -> Any:
    """The management software's service over a door of its own, the same for the whole test."""
    if not hasattr(world, "ente_client"):
        world.ente_client = ente_client(open_door(world))  # type: ignore[attr-defined]
    return world.ente_client  # type: ignore[attr-defined]


def nodo_client(door: Door) -> Any:
    """The service that the node calls."""
    return _client(door, "PaPerNodo.wsdl", BASE + nodo.PATH)


def pa_for_node_client(door: Door) -> Any:
    """The service that the node calls about notices and with their receipts."""
    return _client(door, "paForNode.wsdl", BASE + pa_for_node.PATH)


def ccp_client(door: Door) -> Any:
    """The service that the node calls about notices in the classic model."""
    return _client(door, "PaPerNodoPagamentoPsp.wsdl", BASE + ccp.PATH)


def _client(door: Door, wsdl: str, address: str, **options: Any) -> Any:
    client = zeep.Client(str(resource("wsdl", wsdl)), transport=ContractTransport(door, wsdl), **options)
    (binding,) = client.wsdl.bindings
    return client.create_service(binding, address)


def intestazione(cod_ipa_ente: str) -> list[etree._Element]:
    """The SOAP header of the operations that carry codIpaEnte there."""
    namespace = "http://www.regione.veneto.it/pagamenti/ente/ppthead"
    header = etree.Element(f"{{{namespace}}}intestazionePPT")
    etree.SubElement(header, "codIpaEnte").text = cod_ipa_ente
    return [header]
