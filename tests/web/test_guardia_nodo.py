"""Who gets to the doors of the node: port, address, certificate; what a message says of itself is judged all the same.

Source: node, security at the boundary (5), order of checks (3.0.4).
"""

from __future__ import annotations

import asyncio
import http.client
import io
import re
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from structlog.testing import capture_logs

from adapters.nodo.fake_pfn import Avviso, build_verify
from benchmarks.processes import free_port
from hub import app_porte
from hub.app import build_wsgi_app
from hub.soap import ente, nodo
from hub.soap.nodo import pa_for_node
from hub.store import schema
from hub.web.porte import Porte
from hub.web.server import BodyLimits, Front
from tests.certificates import Identity, make_identity
from tests.world import INTERMEDIARIO, STAZIONE, World, small_world

__all__ = ["small_world"]

SERVER = make_identity("localhost", "ec")
AUTHORITY = make_identity("Autorità del nodo", "ec")
NODE = make_identity("platform.pagopa.gov.it", "ec", issuer=AUTHORITY)
OTHER = make_identity("un altro cliente", "ec", issuer=AUTHORITY)
STRANGER = make_identity("platform.pagopa.gov.it", "ec")
EXPIRED = make_identity(
    "platform.pagopa.gov.it", "ec", issuer=AUTHORITY, begin=datetime.now(UTC) - timedelta(days=30), days=20
)
VERIFY = build_verify(Avviso(INTERMEDIARIO, "301000000000000144", INTERMEDIARIO, STAZIONE))
PROXY = "192.0.2.10"
PROXIED = {"trusted_proxies": (PROXY,), "proxy_cert_header": "X-SSL-Client-Cert"}
HEADERS = {"Content-Type": "text/xml; charset=utf-8", "SOAPAction": '"paVerifyPaymentNotice"'}


def configured(world: World, **settings: Any) -> World:
    """The world under these settings."""
    config = world.runtime.config
    values = config.model_dump() | settings
    world.runtime = replace(world.runtime, config=type(config).model_validate(values))
    return world


@dataclass
class Ports:
    """A hub on two ports: the first, played by one without a name, and the node's."""

    first: int
    node: int
    folder: Path

    def ask(
        self, port: int, identity: Identity | None = None, path: str = pa_for_node.PATH, *, tls: bool = False,
        body: bytes = VERIFY, method: str = "POST",
    ) -> tuple[int, bytes]:  # fmt: skip
        if not tls:
            connection = http.client.HTTPConnection("127.0.0.1", port, timeout=15)
        else:
            context = ssl.create_default_context(cadata=SERVER.pem)
            if identity is not None:
                context.load_cert_chain(*identity.write(self.folder, "client"))
            connection = http.client.HTTPSConnection("localhost", port, context=context, timeout=15)
        try:
            connection.request(method, path, body if method == "POST" else None, HEADERS)
            answer = connection.getresponse()
            return answer.status, answer.read()
        finally:
            connection.close()


@contextmanager
def listening(world: World, folder: Path, **settings: Any) -> Iterator[Ports]:
    node, first = free_port(), free_port()
    configured(world, node_port=node, **settings)
    runtime = world.runtime
    limits = BodyLimits({porta.path: 100_000 for porta in nodo.PORTE}, 1000, 5.0)
    front = Front(build_wsgi_app(runtime), runtime.config.public_url, limits, 2)
    (porta,) = [one for one in app_porte.build_porte(runtime.config).values() if one.port == node]
    plain = replace(porta, port=first, context=None, nome="")
    ports = Porte(front, [plain, porta])
    loop = asyncio.new_event_loop()
    ports.__rsgi_init__(loop)
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    try:
        yield Ports(first, node, folder)
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join(10)
        ports.__rsgi_del__(loop)
        loop.close()


def of_tls(folder: Path, **more: Any) -> dict[str, Any]:
    certificate, key = SERVER.write(folder, "server")
    authorities = folder / "node-ca.pem"
    authorities.write_text(AUTHORITY.pem)
    return {"tls_cert": certificate, "tls_key": key, "tls_port": free_port(), "node_client_ca": authorities} | more


def call(world: World, **environ: Any) -> tuple[int, bytes]:
    """POST a verify to the application, as if it came in on the first port."""
    told: list[str] = []
    wsgi = build_wsgi_app(world.runtime)
    given = {
        "REQUEST_METHOD": "POST", "PATH_INFO": pa_for_node.PATH, "SCRIPT_NAME": "", "QUERY_STRING": "",
        "CONTENT_TYPE": "text/xml; charset=utf-8", "CONTENT_LENGTH": str(len(VERIFY)), "REMOTE_ADDR": "198.51.100.7",
        "wsgi.input": io.BytesIO(VERIFY), "wsgi.url_scheme": "http", "SERVER_NAME": "h",
        "SERVER_PORT": "80",
    }  # fmt: skip
    body = b"".join(wsgi(given | environ, lambda status, headers, exc_info=None: told.append(status)))
    return int(told[-1][:3]), body


def forwarded(identity: Identity, source: str = "198.51.100.7") -> dict[str, str]:
    return {
        "REMOTE_ADDR": PROXY, "HTTP_X_FORWARDED_FOR": source, "HTTP_X_SSL_CLIENT_CERT": quote(identity.pem),
    }  # fmt: skip


def code(body: bytes) -> str:
    found = re.search(rb"<faultCode>(.*?)</faultCode>", body)
    return found.group(1).decode() if found else "OK" if b"<outcome>OK</outcome>" in body else body.decode()


def test_without_a_port_of_its_own_the_node_is_answered_on_the_first(small_world: World) -> None:
    small_world.lay_avviso()

    status, body = call(small_world)

    assert (status, code(body)) == (200, "OK")


def test_with_a_port_of_its_own_the_node_is_answered_there_and_nobody_else(
    small_world: World, tmp_path: Path
) -> None:
    small_world.lay_avviso()
    with listening(small_world, tmp_path) as ports:
        good = ports.ask(ports.node)
        on_the_first = [ports.ask(ports.first, path=porta.path)[0] for porta in nodo.PORTE]
        contracts = [ports.ask(ports.first, path=porta.path + "?wsdl", method="GET")[0] for porta in nodo.PORTE]
        elsewhere = [
            ports.ask(ports.node, path=path, method=method)[0]
            for path, method in ((ente.PATH, "POST"), ("/health/live", "GET"), ("/console", "GET"), ("/metrics", "GET"))
        ]
        others = ports.ask(ports.first, path="/health/live", method="GET")[0]

    assert (good[0], code(good[1])) == (200, "OK")
    assert set(on_the_first) == set(contracts) == set(elsewhere) == {404}
    assert others == 200


def test_the_names_of_the_paths_cannot_be_bent_around_the_port(small_world: World, tmp_path: Path) -> None:
    bent = (
        pa_for_node.PATH + "/", pa_for_node.PATH + "/altro", pa_for_node.PATH + ".wsdl",
        pa_for_node.PATH.replace("N", "%4e"), "/ws/fesp/%70aForNode", "//ws/fesp/paForNode", "/ws/fesp/./paForNode",
    )  # fmt: skip
    with listening(small_world, tmp_path) as ports:
        found = {ports.ask(ports.first, path=path)[0] for path in bent}

    assert found == {404}


def test_the_nodes_certificate_is_wanted_on_its_port(small_world: World, tmp_path: Path) -> None:
    small_world.lay_avviso()
    settings = of_tls(tmp_path, node_client_subjects=("platform.pagopa.gov.it",))
    with listening(small_world, tmp_path, **settings) as ports:
        status, body = ports.ask(ports.node, NODE, tls=True)
        with capture_logs() as logs:
            other = ports.ask(ports.node, OTHER, tls=True)
        for identity in (None, STRANGER, EXPIRED):
            with pytest.raises((ssl.SSLError, ConnectionError, http.client.HTTPException)):
                ports.ask(ports.node, identity, tls=True)

    assert (status, code(body)) == (200, "OK")
    assert other == (403, b"")
    assert [(one["event"], one["reason"]) for one in logs if one["event"] == "node_caller_refused"] == [
        ("node_caller_refused", "soggetto")
    ]


@pytest.mark.parametrize(
    ("identity", "source", "status"),
    [
        (NODE, "198.51.100.7", 200),
        (OTHER, "198.51.100.7", 403),
        (EXPIRED, "198.51.100.7", 403),
        (None, "198.51.100.7", 403),
    ],
)
def test_the_certificate_that_a_trusted_proxy_forwards_counts(
    small_world: World, identity: Identity | None, source: str, status: int
) -> None:
    configured(small_world, node_client_subjects=("platform.pagopa.gov.it",), **PROXIED)
    small_world.clock.now = datetime.now(UTC)

    environ = {"REMOTE_ADDR": PROXY} if identity is None else forwarded(identity, source)

    assert call(small_world, **environ)[0] == status


def test_the_whole_subject_may_be_asked_for(small_world: World) -> None:
    small_world.clock.now = datetime.now(UTC)
    configured(small_world, node_client_subjects=(NODE.read.soggetto,), **PROXIED)

    assert call(small_world, **forwarded(NODE))[0] == 200


def test_headers_that_no_trusted_proxy_wrote_are_forged(small_world: World) -> None:
    small_world.clock.now = datetime.now(UTC)
    configured(
        small_world, node_client_subjects=("platform.pagopa.gov.it",), node_sources="203.0.113.0/24", **PROXIED
    )
    forged = forwarded(NODE, "203.0.113.9")

    direct = call(small_world, **forged | {"REMOTE_ADDR": "203.0.113.66"})
    unreadable = call(small_world, **forged | {"HTTP_X_SSL_CLIENT_CERT": "non un certificato"})
    chained = call(small_world, **forged | {"HTTP_X_FORWARDED_FOR": "203.0.113.9, 198.51.100.1"})

    assert (direct[0], unreadable[0], chained[0]) == (403, 403, 403)
    assert call(small_world, **forged)[0] == 200


@pytest.mark.parametrize(
    ("source", "status"),
    [
        ("203.0.113.9", 200),
        ("2001:db8::7", 200),
        ("::ffff:203.0.113.9", 200),
        ("198.51.100.7", 403),
        ("2001:db9::7", 403),
        ("", 403),
        ("unix:", 403),
    ],
)
def test_only_the_addresses_of_the_list_are_let_in(small_world: World, source: str, status: int) -> None:
    configured(small_world, node_sources="203.0.113.0/24, 2001:db8::/32")

    assert call(small_world, REMOTE_ADDR=source)[0] == status


def test_the_rest_of_the_hub_does_not_care_where_one_comes_from(small_world: World) -> None:
    configured(small_world, node_sources="203.0.113.0/24", node_client_subjects=("chiunque",), **PROXIED)

    health = {"REQUEST_METHOD": "GET", "PATH_INFO": "/health/live", "CONTENT_LENGTH": "0"}

    assert call(small_world, **health)[0] == 200


def test_the_right_certificate_does_not_make_a_message_true(small_world: World, tmp_path: Path) -> None:
    small_world.lay_avviso()
    small_world.lay(
        schema.stazioni, id="98765432103_01", intermediario="98765432103", password_cifrata="-",
    )  # fmt: skip
    wrong = {
        "PAA_ID_INTERMEDIARIO_ERRATO": Avviso(INTERMEDIARIO, "301000000000000144", "99999999990", STAZIONE),
        "PAA_STAZIONE_INT_ERRATA": Avviso(INTERMEDIARIO, "301000000000000144", INTERMEDIARIO, "98765432103_01"),
        "PAA_ID_DOMINIO_ERRATO": Avviso(INTERMEDIARIO, "301000000000000144", "98765432103", "98765432103_01"),
    }
    with listening(small_world, tmp_path, **of_tls(tmp_path)) as ports:
        answers = {
            wanted: ports.ask(ports.node, NODE, tls=True, body=build_verify(avviso)) for wanted, avviso in wrong.items()
        }

    assert {wanted: (status, code(body)) for wanted, (status, body) in answers.items()} == {
        wanted: (200, wanted) for wanted in wrong
    }
