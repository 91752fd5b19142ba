"""A station shows its own certificate to the node, over real TLS; nobody else's, and none when it has none."""

from __future__ import annotations

import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from adapters.nodo import fdr_http
from adapters.nodo.fdr_http import Fallita, Tempi
from adapters.nodo.soap import NodoSoap
from adapters.nodo.trasporto import Attese, Trasporto
from hub.domain.credenziali import IdentitaTls
from hub.domain.delivery import Delivery, Outcome
from hub.domain.errors import Misconfigured
from tests.adapters.stub_node import STAZIONE
from tests.certificates import Identity, make_identity

SERVER = make_identity("localhost", "ec")
AUTHORITY = make_identity("Autorità del nodo", "ec")
ONE = make_identity("stazione uno", "ec", issuer=AUTHORITY)
TWO = make_identity("stazione due", "ec", issuer=AUTHORITY)
EXPIRED = make_identity(
    "stazione vecchia", "ec", issuer=AUTHORITY, begin=datetime.now(UTC) - timedelta(days=30), days=20
)
STRANGER = make_identity("di un'altra autorità", "ec")


@contextmanager
def node(folder: Path) -> Iterator[tuple[str, list[str]]]:
    """A node that lets in whom its authority knows; gives its address and the names that it was shown."""
    seen: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            subject: Any = self.connection.getpeercert()["subject"]  # type: ignore[attr-defined]
            seen.append(dict(pair for part in subject for pair in part)["commonName"])
            self.send_response(200)
            self.send_header("Content-Length", "2")
            self.end_headers()
            self.wfile.write(b"ok")

        def log_message(self, format: str, *args: Any) -> None:
            pass

    class Server(ThreadingHTTPServer):
        def handle_error(self, request: Any, client_address: Any) -> None:
            pass  # whom it does not know

    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*SERVER.write(folder, "server"))
    context.load_verify_locations(cadata=AUTHORITY.pem)
    context.verify_mode = ssl.CERT_REQUIRED
    server = Server(("127.0.0.1", 0), Handler)
    server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
    yield f"https://localhost:{server.server_address[1]}", seen
    server.shutdown()
    server.server_close()


@pytest.fixture
def trusting(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The system's authorities are the one of the stub."""
    path = tmp_path / "ca.pem"
    path.write_text(SERVER.pem)
    monkeypatch.setenv("SSL_CERT_FILE", str(path))


def ask(soap: NodoSoap, identity: Identity | None) -> bytes | Delivery:
    identita = None if identity is None else IdentitaTls(identity.pem, identity.key_pem.decode())
    stazione = replace(STAZIONE, identita=identita)
    return soap.exchange(stazione, "nodoChiediStatoRPT", b"<a/>", "correlazione", is_question=True)


def test_each_station_shows_its_own_certificate(trusting: None, tmp_path: Path) -> None:
    with node(tmp_path) as (url, seen):
        soap = NodoSoap(url, Attese(5, 5, 5), Trasporto())

        answers = [ask(soap, identity) for identity in (ONE, TWO, ONE)]

    assert answers == [b"ok"] * 3
    assert seen == ["stazione uno", "stazione due", "stazione uno"]


def test_settlement_flows_are_asked_for_with_the_same_certificate(trusting: None, tmp_path: Path) -> None:
    stazione = replace(STAZIONE, identita=IdentitaTls(ONE.pem, ONE.key_pem.decode()))
    tempi = Tempi(Attese(5, 5, 5), 5)
    with node(tmp_path) as (url, seen):
        with fdr_http.call("POST", url, tempi, tempi.fine(), stazione, {}, b"<a/>") as arrivo:
            body = b"".join(arrivo.blocks)
        with (
            pytest.raises(Fallita),
            fdr_http.call("POST", url, tempi, tempi.fine(), STAZIONE, {}, b"<a/>") as arrivo,
        ):
            b"".join(arrivo.blocks)

    assert (body, seen) == (b"ok", ["stazione uno"])


@pytest.mark.parametrize("identity", [None, EXPIRED, STRANGER])
def test_who_shows_nothing_good_is_not_let_in_and_nothing_is_claimed(
    trusting: None, tmp_path: Path, identity: Identity | None
) -> None:
    with node(tmp_path) as (url, seen):
        soap = NodoSoap(url, Attese(5, 5, 5), Trasporto())
        ask(soap, ONE)

        answer = ask(soap, identity)

    assert isinstance(answer, Delivery)
    assert answer.outcome in (Outcome.TRY_AGAIN, Outcome.UNKNOWN)
    assert seen == ["stazione uno"]


def test_a_key_of_another_certificate_is_our_mistake() -> None:
    soap = NodoSoap("https://localhost:1", Attese(1, 1, 1), Trasporto())
    mixed = replace(STAZIONE, identita=IdentitaTls(ONE.pem, TWO.key_pem.decode()))

    with pytest.raises(Misconfigured, match="non si accordano"):
        soap.exchange(mixed, "nodoChiediStatoRPT", b"<a/>", "correlazione", is_question=True)
