"""TLS that ends in the hub: real sockets, real handshakes; the certificate that was shown is the caller's."""

from __future__ import annotations

import asyncio
import base64
import http.client
import random
import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

import psutil
import pytest
from click.testing import CliRunner

from benchmarks.processes import free_port
from hub.app import build_wsgi_app
from hub.cli import main
from hub.domain.credenziali import Genere
from hub.domain.errors import Misconfigured
from hub.formats.gettoni_firmati import Scarico, scarico_token
from hub.soap import ente
from hub.store import schema
from hub.web import porte, tls
from hub.web.flussi import long_paths
from hub.web.porte import Porte
from hub.web.server import BodyLimits, Front
from hub.web.tls import TlsSettings, build_context, build_porta
from tests.certificates import Identity, make_identity, pin
from tests.flows.plant import Plant, until
from tests.soap.signing import Message, part, to_bytes
from tests.tracciati import make_long_csv
from tests.web.flussi.door import authorize, make_flusso
from tests.world import PASSWORDS, World

SERVER = make_identity("localhost", "ec")
AUTHORITY = make_identity("Autorità dei client", "ec")
CLIENT = make_identity("mensa", "ec", issuer=AUTHORITY)
OTHER = make_identity("un altro", "ec", issuer=AUTHORITY)
ALONE = make_identity("da solo", "ec")
STRANGER = make_identity("di un'altra autorità", "ec")
MAX_BYTES = 2 * 1024 * 1024  # the setting's own value


@dataclass
class Port:
    """The TLS port of a hub, and clients for it."""

    number: int
    folder: Path

    def connect(self, identity: Identity | None = None) -> ssl.SSLSocket:
        context = ssl.create_default_context(cadata=SERVER.pem)
        if identity is not None:
            context.load_cert_chain(*identity.write(self.folder, "client"))
        plain = socket.create_connection(("localhost", self.number), timeout=15)
        return context.wrap_socket(plain, server_hostname="localhost")

    def post(self, body: bytes, identity: Identity | None = None, **headers: str) -> tuple[int, bytes]:
        context = ssl.create_default_context(cadata=SERVER.pem)
        if identity is not None:
            context.load_cert_chain(*identity.write(self.folder, "client"))
        connection = http.client.HTTPSConnection("localhost", self.number, context=context, timeout=15)
        connection.request("POST", ente.PATH, body, {"Content-Type": "text/xml"} | headers)
        answer = connection.getresponse()
        try:
            return answer.status, answer.read()
        finally:
            connection.close()


@contextmanager
def listening(world: World, folder: Path) -> Iterator[Port]:
    certificate, key = SERVER.write(folder, "server")
    authorities = folder / "client-ca.pem"
    authorities.write_text(AUTHORITY.pem + ALONE.pem)
    number = free_port()
    limits = BodyLimits({ente.PATH: MAX_BYTES}, 1000, 2.0, long_paths(world.runtime.config))
    front = Front(build_wsgi_app(world.runtime), world.runtime.config.public_url, limits, 2)
    port = Porte(front, [build_porta(TlsSettings("127.0.0.1", number, certificate, key, authorities))])
    loop = asyncio.new_event_loop()
    port.__rsgi_init__(loop)
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    try:
        yield Port(number, folder)
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join(10)
        port.__rsgi_del__(loop)
        loop.close()


def read_all(connection: ssl.SSLSocket) -> bytes:
    """Everything until the other side ends the connection."""
    answer = b""
    while block := connection.recv(65536):
        answer += block
    return answer


@pytest.fixture
def port(small_world: World, tmp_path: Path) -> Iterator[Port]:
    pin(small_world, CLIENT, Genere.CERTIFICATO, applicazione="mensa")
    pin(small_world, ALONE, Genere.CERTIFICATO, ente_id=1)
    small_world.change(schema.enti, "id", 1, autenticazione=["certificato"])
    with listening(small_world, tmp_path) as port:
        yield port


def request(world: World, password: str = "", ente_code: str = "C_PROVA") -> bytes:
    envelope = Message(world.clock(), password=password, ente=ente_code).build()
    part(envelope, "Header").remove(part(envelope, "Security"))
    return to_bytes(envelope)


def test_the_certificate_that_was_shown_opens(port, small_world):
    status, answer = port.post(request(small_world), CLIENT)

    assert status == 200 and b"<esito>OK</esito>" in answer
    assert [row.applicazione for row in small_world.rows(schema.sessioni)] == ["mensa"]


def test_a_certificate_trusted_by_itself_opens(port, small_world):
    assert b"<esito>OK</esito>" in port.post(request(small_world), ALONE)[1]


@pytest.mark.parametrize("password", ["", "Segreto12345"])
@pytest.mark.parametrize("identity", [None, OTHER])
def test_nothing_else_opens_an_ente_that_asks_for_it(port, small_world, identity, password):
    status, answer = port.post(request(small_world, password), identity)

    assert status == 200 and b"PAA_ENTE_NON_VALIDO" in answer


def test_without_a_certificate_a_password_opens_where_it_is_enough(port, small_world):
    assert b"<esito>OK</esito>" in port.post(request(small_world, "Vicino123456", "C_VICINO"))[1]


def test_a_certificate_of_another_authority_does_not_get_in(port, small_world):
    with pytest.raises((ssl.SSLError, ConnectionError)):
        port.post(request(small_world), STRANGER)


def test_a_header_does_not_stand_for_a_certificate(port, small_world):
    headers = {"Client-Cert": ":AAAA:", "pontepa.client_cert": "x", "pontepa.client-cert": "x"}

    assert b"PAA_ENTE_NON_VALIDO" in port.post(request(small_world), **headers)[1]


@pytest.mark.parametrize(
    ("header", "is_open"), [("Client-Cert", True), ("Client_Cert", False), ("X-SSL-Client-Cert", False)]
)
def test_a_trusted_proxy_speaks_for_its_clients_in_the_named_header_alone(small_world, tmp_path, header, is_open):
    pin(small_world, CLIENT, Genere.CERTIFICATO)
    settings = {"trusted_proxies": ("127.0.0.1",), "proxy_cert_header": "Client-Cert"}
    runtime = replace(small_world.runtime, config=small_world.runtime.config.model_copy(update=settings))
    with listening(World(runtime, small_world.clock, small_world.nodo, small_world.cartella), tmp_path) as port:
        value = f":{base64.b64encode(CLIENT.der).decode()}:"

        answer = port.post(request(small_world), **{header: value})[1]

    assert (b"<esito>OK</esito>" in answer) is is_open


def test_old_versions_of_tls_are_not_spoken(port):
    context = ssl.create_default_context(cadata=SERVER.pem)
    context.minimum_version = ssl.TLSVersion.MINIMUM_SUPPORTED
    context.maximum_version = ssl.TLSVersion.TLSv1_1
    context.set_ciphers("ALL:@SECLEVEL=0")
    with socket.create_connection(("localhost", port.number), timeout=15) as plain, pytest.raises(OSError):
        context.wrap_socket(plain, server_hostname="localhost")


def test_two_requests_follow_on_one_connection_and_a_head_has_no_body(port):
    with port.connect() as connection:
        connection.sendall(f"HEAD {ente.PATH}?wsdl HTTP/1.1\r\nHost: x\r\n\r\n".encode())
        first = connection.recv(65536)
        connection.sendall(b"GET https://x/health/live HTTP/1.1\r\nHost: x\r\n\r\n")
        second = connection.recv(65536)

    assert first.startswith(b"HTTP/1.1 200") and first.endswith(b"\r\n\r\n")
    assert second.startswith(b"HTTP/1.1 200") and b"nosniff" in second


def test_a_long_answer_leaves_in_blocks_and_another_request_may_follow(port, small_world):
    """Source: flows, 1.5, by a link of the hub."""
    content = random.Random(1).randbytes(3_000_000)
    with small_world.runtime.archivio.write("C_PROVA/EXPORT/x.zip") as written:
        written.write(content)
    what = Scarico("FLUSSI_EXPORT", "C_PROVA", "C_PROVA/EXPORT/x.zip")
    token = scarico_token(small_world.runtime.config.secret_key, what, small_world.clock())
    path = "/public/mybox/download/C_PROVA?type=FLUSSI_EXPORT&filename=C_PROVA/EXPORT/x.zip&securityToken="
    context = ssl.create_default_context(cadata=SERVER.pem)
    connection = http.client.HTTPSConnection("localhost", port.number, context=context, timeout=15)
    try:
        for _ in range(2):
            connection.request("GET", path + token)
            answer = connection.getresponse()
            assert (answer.status, answer.headers["Content-Length"]) == (200, str(len(content)))
            assert answer.read() == content
        connection.request("HEAD", path + token)
        assert connection.getresponse().headers["Content-Length"] == str(len(content))
    finally:
        connection.close()


def test_a_long_body_comes_by_this_port_too(port, small_world):
    answer = authorize(small_world, "C_VICINO")
    data, context = make_flusso("C_VICINO-F1-1_3"), ssl.create_default_context(cadata=SERVER.pem)
    headers = {"Authorization": f"Bearer {answer.authorizationToken}", "Content-Type": "application/zip"}
    connection = http.client.HTTPSConnection("localhost", port.number, context=context, timeout=15)
    try:
        connection.request("POST", "/flussi/import?nome=C_VICINO-F1-1_3.zip", data, headers)
        assert connection.getresponse().status == 201
    finally:
        connection.close()


def test_who_leaves_a_trial_at_this_port_too_leaves_no_process(port, small_world):
    object.__setattr__(small_world.runtime.config, "max_upload_bytes", 64 * 1024 * 1024)
    data = make_long_csv(150_000)
    basic = base64.b64encode(f"C_VICINO:{PASSWORDS['C_VICINO']}".encode()).decode()
    head = (
        "POST /flussi/check?nome=C_VICINO-F1-1_3.csv HTTP/1.1\r\nHost: x\r\nContent-Type: text/csv\r\n"
        f"Authorization: Basic {basic}\r\nContent-Length: {len(data)}\r\n\r\n"
    )
    known = psutil.Process().children()
    with port.connect() as connection:
        connection.sendall(head.encode() + data)
        assert connection.recv(20).startswith(b"HTTP/1.1 200")
        (process,) = (process for process in psutil.Process().children() if process not in known)
        # By itself it does not end any more.
        process.suspend()

    until(lambda: None if process.is_running() else True, 30)


def test_a_body_over_the_limit_is_refused_before_it_is_sent_and_the_connection_ends(port):
    with port.connect() as connection:
        connection.sendall(
            f"POST {ente.PATH} HTTP/1.1\r\nHost: x\r\nContent-Type: text/xml\r\n"
            f"Content-Length: {MAX_BYTES * 10}\r\nExpect: 100-continue\r\n\r\n".encode()
        )

        answer = read_all(connection)
    assert answer.startswith(b"HTTP/1.1 413") and b"connection: close" in answer.lower()


def test_an_endless_chunked_body_is_cut(port):
    chunk = b"4000\r\n" + b"a" * 0x4000 + b"\r\n"
    head = f"POST {ente.PATH} HTTP/1.1\r\nHost: x\r\nContent-Type: text/xml\r\nTransfer-Encoding: chunked\r\n\r\n"
    with port.connect() as connection:
        connection.sendall(head.encode() + chunk * 129)

        assert connection.recv(65536).startswith(b"HTTP/1.1 413")


def test_a_client_that_waits_to_be_asked_is_asked(port, small_world):
    body = request(small_world, "Vicino123456", "C_VICINO")
    with port.connect() as connection:
        connection.sendall(
            f"POST {ente.PATH} HTTP/1.1\r\nHost: x\r\nContent-Type: text/xml\r\nContent-Length: {len(body)}\r\n"
            "Expect: 100-continue\r\n\r\n".encode()
        )
        assert connection.recv(65536).startswith(b"HTTP/1.1 100")
        connection.sendall(body)

        assert connection.recv(65536).startswith(b"HTTP/1.1 200")


@pytest.mark.parametrize(
    "head",
    [
        b"nonsense\r\n\r\n",
        b"GET / HTTP/1.1\r\n\r\n",
        b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nhello",
        b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nTransfer-Encoding: gzip\r\n\r\nhello",
        b"GET / HTTP/1.1\r\nHost: x\r\nX: " + b"a" * 200_000 + b"\r\n\r\n",
        b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
    ],
    ids=range(6),
)
def test_what_is_no_request_is_refused_and_the_connection_ends(port, head):
    with port.connect() as connection:
        connection.sendall(head)
        answer = read_all(connection)

    assert answer.split(b" ")[1][:1] in (b"4", b"5"), answer


def test_slow_and_half_open_clients_do_not_keep_the_others_out(port, small_world, monkeypatch):
    half = [socket.create_connection(("localhost", port.number), timeout=15) for _ in range(100)]  # no handshake
    slow = [port.connect() for _ in range(20)]
    for connection in slow:
        connection.sendall(f"POST {ente.PATH} HTTP/1.1\r\nHost: x\r\nContent-Length: 5000\r\n\r\n<a".encode())

    status, _ = port.post(request(small_world), CLIENT)

    assert status == 200
    assert all(connection.recv(100).startswith(b"HTTP/1.1 408") for connection in slow)
    for connection in [*half, *slow]:
        connection.close()


def test_more_connections_than_the_most_are_closed(port, small_world, monkeypatch):
    monkeypatch.setattr(porte, "_CONNECTIONS_MAX", 1)
    with port.connect() as first:
        first.sendall(b"GET /health/live HTTP/1.1\r\nHost: x\r\n\r\n")
        assert first.recv(100)
        with pytest.raises((OSError, http.client.HTTPException)):
            port.post(request(small_world), CLIENT)


def test_one_address_has_a_part_of_the_connections(port, small_world, monkeypatch):
    monkeypatch.setattr(porte, "_CONNECTIONS_MAX", 8)
    with port.connect() as first, port.connect() as second:
        for connection in (first, second):
            connection.sendall(b"GET /health/live HTTP/1.1\r\nHost: x\r\n\r\n")
            assert connection.recv(100)
        with pytest.raises((OSError, http.client.HTTPException)):
            port.post(request(small_world), CLIENT)


def test_a_silent_client_is_let_go(port, monkeypatch):
    monkeypatch.setattr(porte, "_HEAD_S", 0.3)
    with port.connect() as connection:
        assert connection.recv(100) == b""


def test_serve_opens_the_port_and_takes_the_certificate(sqlite_url, tmp_path):
    """The whole road: a process of `pontepa serve`, configured by its environment and the command line alone."""
    certificate, key = SERVER.write(tmp_path, "server")
    authorities = tmp_path / "client-ca.pem"
    authorities.write_text(AUTHORITY.pem)
    number = free_port()
    extra = {
        "PONTEPA_TLS_CERT": str(certificate), "PONTEPA_TLS_KEY": str(key), "PONTEPA_TLS_CLIENT_CA": str(authorities),
        "PONTEPA_TLS_PORT": str(number), "PONTEPA_HOST": "127.0.0.1",
    }  # fmt: skip
    with Plant(tmp_path, sqlite_url, extra) as plant:
        plant.prepare()
        file, _ = CLIENT.write(tmp_path, "c")
        add = ["credenziale", "add", "C_PROVA", "--genere", "certificato", "--file", str(file)]
        assert CliRunner().invoke(main, add, env=plant.environment).exit_code == 0
        plant.up("serve")
        message = Message(datetime.now(UTC)).build()
        part(message, "Header").remove(part(message, "Security"))

        answer = Port(number, tmp_path).post(to_bytes(message), CLIENT)
        refusal = Port(number, tmp_path).post(to_bytes(message))

    assert b"<esito>OK</esito>" in answer[1] and b"PAA_ENTE_NON_VALIDO" in refusal[1]


def test_what_the_port_needs_is_checked_at_start(port, tmp_path):
    certificate, key = SERVER.write(tmp_path, "server")
    other = CLIENT.write(tmp_path, "other")
    good = TlsSettings("127.0.0.1", port.number, certificate, key, None)

    with pytest.raises(Misconfigured, match="già in uso"):
        tls.check(build_porta(good), "PONTEPA_TLS_PORT")
    for wrong in (
        replace(good, key=other[1]), replace(good, cert=tmp_path / "manca.pem"), replace(good, client_ca=key),
        replace(good, client_ca=tmp_path / "manca.pem"),
    ):  # fmt: skip
        with pytest.raises(Misconfigured, match="PONTEPA_TLS"):
            build_context(wrong)
