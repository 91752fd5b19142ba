"""The contract is served where it is spoken, with the public address, and clients can be built from it."""

from __future__ import annotations

from email.message import Message
from io import BytesIO
from typing import Any
from urllib.parse import urlsplit

import pytest
import zeep
from lxml import etree
from zeep.transports import Transport

from hub.soap.contract import load_contract
from hub.soap.ente import RELAXED, TEXTUAL, build_operations
from hub.soap.server import Wsgi
from tests.soap.door import ENTE, PATH, PUBLIC_URL, ROOT, call, contract, door
from tests.world import World

XSD = "{http://www.w3.org/2001/XMLSchema}"
SCHEMA = "PagInf_Dovuti_Pagati_6_2_0.xsd"


@pytest.fixture(scope="module")
def wsgi() -> Wsgi:
    return door()


class InProcess(Transport):
    """zeep's transport over the WSGI callable."""

    def __init__(self, wsgi: Wsgi) -> None:
        super().__init__()
        self.wsgi = wsgi
        self.posted: list[tuple[str, bytes]] = []

    def _load_remote_data(self, url: str) -> bytes:
        parts = urlsplit(url)
        assert f"{parts.scheme}://{parts.netloc}" == PUBLIC_URL
        answer = call(self.wsgi, REQUEST_METHOD="GET", PATH_INFO=parts.path, QUERY_STRING=parts.query)
        assert answer.status == 200
        return answer.body

    def post(self, address: str, message: bytes, headers: dict[str, str]) -> Any:
        answer = call(self.wsgi, message, CONTENT_TYPE=headers["Content-Type"], HTTP_SOAPACTION=headers["SOAPAction"])
        self.posted.append((address, answer.body))
        return _Response(answer.status, answer.body, answer.headers)


class _Response:
    """What zeep reads of a response."""

    encoding = "utf-8"

    def __init__(self, status: int, body: bytes, headers: dict[str, str]) -> None:
        self.status_code = status
        self.content = body
        self.headers = headers
        message = Message()
        message["Content-Type"] = headers["Content-Type"]
        self.raw = BytesIO(body)
        self.cookies: dict[str, str] = {}


@pytest.mark.parametrize(
    ("path", "query"), [(PATH, "wsdl"), (PATH, "WSDL"), (PATH, "wsdl="), (PATH + ".wsdl", ""), ("/ws/pa/X.wsdl", "")]
)
def test_the_wsdl_is_served(wsgi: Wsgi, path: str, query: str) -> None:
    answer = call(wsgi, REQUEST_METHOD="GET", PATH_INFO=path, QUERY_STRING=query)

    assert answer.status == 200
    assert answer.root.tag == "{http://schemas.xmlsoap.org/wsdl/}definitions"


def test_addresses_are_public_whatever_the_host(wsgi: Wsgi) -> None:
    answer = call(wsgi, REQUEST_METHOD="GET", QUERY_STRING="wsdl", HTTP_HOST="evil.example.com")

    (address,) = answer.root.iter("{http://schemas.xmlsoap.org/wsdl/soap/}address")
    assert address.get("location") == PUBLIC_URL + PATH
    assert b"evil" not in answer.body
    locations = [node.get("schemaLocation") for node in answer.root.iter(XSD + "import") if node.get("schemaLocation")]
    assert locations == [f"{PUBLIC_URL}{PATH}?xsd={SCHEMA}"]


def test_the_schemas_are_served_by_name(wsgi: Wsgi) -> None:
    answer = call(wsgi, REQUEST_METHOD="GET", QUERY_STRING=f"xsd={SCHEMA}")

    assert answer.status == 200
    assert answer.root.tag == XSD + "schema"
    etree.XMLSchema(answer.root)


@pytest.mark.parametrize("name", ["altro.xsd", "../schemas/" + SCHEMA, "%2Fetc%2Fpasswd", "", "inline-0.xsd"])
def test_other_names_are_not_found(wsgi: Wsgi, name: str) -> None:
    assert call(wsgi, REQUEST_METHOD="GET", QUERY_STRING=f"xsd={name}").status == 404


@pytest.mark.parametrize("query", ["", "altro", "&".join(["a"] * 50)])
def test_a_plain_get_is_not_allowed(wsgi: Wsgi, query: str) -> None:
    answer = call(wsgi, REQUEST_METHOD="GET", QUERY_STRING=query)

    assert (answer.status, answer.headers["Allow"]) == (405, "POST")


def test_what_is_read_more_loosely_is_served_as_published() -> None:
    published, read = contract(), load_contract(ROOT / "wsdl" / "pa-per-ente.wsdl", RELAXED, TEXTUAL)

    assert read.wsdl_text(PUBLIC_URL, PATH) == published.wsdl_text(PUBLIC_URL, PATH)
    assert [read.xsd(name) for name in read._documents] == [published.xsd(name) for name in published._documents]


def test_every_operation_of_the_contract_is_built(small_world: World) -> None:
    assert set(build_operations(small_world.runtime)) == {verb.name for verb in contract().by_request.values()}


def test_head_has_no_body(wsgi: Wsgi) -> None:
    answer = call(wsgi, REQUEST_METHOD="HEAD", QUERY_STRING="wsdl")

    assert (answer.status, answer.body) == (200, b"")


def test_a_zeep_client_is_built_from_what_is_served(wsgi: Wsgi) -> None:
    transport = InProcess(wsgi)
    client = zeep.Client(f"{PUBLIC_URL}{PATH}?wsdl", transport=transport)
    header = client.get_element(f"{{{ENTE}ppthead}}intestazionePPT")(codIpaEnte="C_PROVA")

    answer = client.service.paaSILInviaDovuti(password="Segreto12345", dovuti=b"ABC", _soapheaders=[header])

    assert (answer.esito, answer.idSession, answer.redirect) == ("OK", "QUJD", 1)
    assert len(next(iter(client.wsdl.services.values())).ports) == 1
    ((address, body),) = transport.posted
    assert address == PUBLIC_URL + PATH
    assert contract().schema.check(etree.fromstring(body)[0][0]) == []
