"""The real client against a stub node on a socket: every end of a call is one of four outcomes.

Source: node, fault classes (2.0.4), state of an RPT (annex A), questions (2.3).
"""

from __future__ import annotations

import ipaddress
import socket
import ssl
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from xml.sax.saxutils import escape

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from adapters.nodo.client import NodoClient
from adapters.nodo.domande import ViaStato
from adapters.nodo.faults import outcome_of_stato
from adapters.nodo.trasporto import Attese
from hub.domain.delivery import Delivery, Outcome
from hub.formats.nodo_messaggi import fill_password
from tests.adapters.stub_node import (
    CARRELLO,
    CERCATO,
    OK,
    RPT,
    STAZIONE,
    URL_NODO,
    Answerer,
    ask,
    carrello,
    client,
    envelope,
    fault,
    payload,
    read_request,
    reply,
    send,
    soap,
    stub,
)

# Accepted.


def test_an_accepted_cart_gives_the_payers_address():
    delivery = send(carrello(f"{OK}<url>{escape(URL_NODO)}</url>"))

    assert delivery == Delivery(Outcome.DELIVERED, response={"url": URL_NODO})


def test_an_accepted_rpt_gives_the_payers_address():
    body = f"<esito>OK</esito><redirect>1</redirect><url>{escape(URL_NODO)}</url>"

    delivery = send(reply(envelope(RPT, body)), RPT)

    assert delivery == Delivery(Outcome.DELIVERED, response={"url": URL_NODO})


def test_the_request_is_the_stored_bytes_with_operation_and_correlation():
    seen: list[bytes] = []

    def answer(connection: socket.socket) -> None:
        seen.append(read_request(connection))
        body = envelope(CARRELLO, OK)
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(body) + body)

    send(answer)

    head, _, body = seen[0].partition(b"\r\n\r\n")
    assert head.startswith(b"POST /nodo HTTP/1.1") and body == fill_password(payload(), STAZIONE.password)
    assert b'soapaction: "nodoinviacarrellorpt"' in head.lower()
    assert b"x-correlation-id: " + b"c" * 32 in head.lower()


# Never left: surely not processed.


def test_a_refused_connection_is_tried_again():
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]

    delivery = client(f"http://127.0.0.1:{port}").send(STAZIONE, payload(), "c" * 32)

    assert delivery.outcome == Outcome.TRY_AGAIN


def test_a_name_that_does_not_resolve_is_tried_again():
    delivery = client("http://nodo.invalid").send(STAZIONE, payload(), "c" * 32)

    assert delivery.outcome == Outcome.TRY_AGAIN


def test_a_connection_that_does_not_come_about_in_time_is_tried_again():
    """A full backlog: the kernel neither accepts nor refuses."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        fillers = [socket.socket() for _ in range(3)]
        for filler in fillers:
            filler.setblocking(False)
            filler.connect_ex(listener.getsockname())
        nodo = NodoClient(soap(f"http://127.0.0.1:{listener.getsockname()[1]}", 0.3, 0.3))

        delivery = nodo.send(STAZIONE, payload(), "c" * 32)

        for filler in fillers:
            filler.close()
    assert (delivery.outcome, delivery.code) == (Outcome.TRY_AGAIN, "ConnectTimeoutError")


def test_a_handshake_that_fails_is_tried_again():
    def answer(connection: socket.socket) -> None:
        connection.recv(65536)
        connection.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")

    with stub(answer) as url:
        delivery = client(url.replace("http:", "https:")).send(STAZIONE, payload(), "c" * 32)

    assert delivery.outcome == Outcome.TRY_AGAIN


@pytest.fixture
def certificate(tmp_path: Path) -> ssl.SSLContext:
    """A server context for 127.0.0.1 with a certificate of its own, in `tmp_path`/cert.pem."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "127.0.0.1")])
    now = datetime.now(UTC)
    names = x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))])
    built = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(names, critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    (tmp_path / "cert.pem").write_bytes(built.public_bytes(serialization.Encoding.PEM))
    (tmp_path / "key.pem").write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(tmp_path / "cert.pem", tmp_path / "key.pem")
    return context


def test_a_certificate_that_nobody_vouches_for_is_not_spoken_to(certificate):
    with stub(carrello(OK), certificate) as url:
        delivery = client(url).send(STAZIONE, payload(), "c" * 32)

    assert delivery.outcome == Outcome.TRY_AGAIN


def test_a_certificate_that_is_trusted_is_spoken_to(certificate, tmp_path, monkeypatch):
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "cert.pem"))

    with stub(carrello(OK), certificate) as url:
        delivery = client(url).send(STAZIONE, payload(), "c" * 32)

    assert delivery.outcome == Outcome.DELIVERED


def test_tls_that_breaks_after_the_request_left_is_unknown(certificate, tmp_path, monkeypatch):
    """The node may have it: this is no failed handshake."""
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "cert.pem"))

    def answer(connection: socket.socket) -> None:
        read_request(connection)
        # Plain bytes where a TLS record is expected.
        raw = socket.socket(fileno=connection.detach())
        raw.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
        raw.close()

    with stub(answer, certificate) as url:
        delivery = client(url).send(STAZIONE, payload(), "c" * 32)

    assert delivery.outcome == Outcome.UNKNOWN


# Left, and who knows.


def never(connection: socket.socket) -> None:
    read_request(connection)
    connection.settimeout(3)
    connection.recv(1)  # until the client gives up


def close_at_once(connection: socket.socket) -> None:
    read_request(connection)


def reset(connection: socket.socket) -> None:
    read_request(connection)
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\x00\x00\x00\x00\x00\x00\x00")


def half_a_body(connection: socket.socket) -> None:
    reply(envelope(CARRELLO, OK)[:40], length=4000)(connection)


def half_then_silence(connection: socket.socket) -> None:
    reply(envelope(CARRELLO, OK)[:40], length=4000)(connection)
    connection.settimeout(3)
    connection.recv(1)


def not_http(connection: socket.socket) -> None:
    read_request(connection)
    connection.sendall(b"garbage\r\n\r\n")


def bad_chunks(connection: socket.socket) -> None:
    read_request(connection)
    connection.sendall(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n")


AFTER_SENDING = [never, close_at_once, reset, half_a_body, half_then_silence, not_http, bad_chunks]


@pytest.mark.parametrize("answer", AFTER_SENDING, ids=lambda answer: answer.__name__)
def test_whatever_breaks_after_the_request_left_is_unknown(answer):
    assert send(answer, read_timeout_s=0.4).outcome == Outcome.UNKNOWN


@pytest.mark.parametrize("status", ["500 Error", "502 Bad Gateway", "503 Busy", "504 Timeout", "302 Found", "404 No"])
def test_a_status_that_is_no_answer_is_unknown(status):
    delivery = send(reply(b"<html>errore</html>", status, "Location: http://127.0.0.1:1/\r\n"))

    assert (delivery.outcome, delivery.code) == (Outcome.UNKNOWN, f"HTTP_{status[:3]}")


def test_an_answer_inside_a_500_is_still_unknown():
    assert send(reply(envelope(CARRELLO, OK), "500 Error")).outcome == Outcome.UNKNOWN


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"\x00\xff\xfe",
        b"<html><body>login</body></html>",
        b"<!DOCTYPE a [<!ENTITY b SYSTEM 'file:///etc/passwd'>]><a>&b;</a>",
        envelope(CARRELLO, OK)[:-10],
        envelope(RPT, "<esito>OK</esito>"),
        envelope(CARRELLO, ""),
        b"<s:Envelope xmlns:s='http://schemas.xmlsoap.org/soap/envelope/'><s:Body/></s:Envelope>",
    ],
    ids=["empty", "binary", "html", "doctype", "cut", "other_operation", "no_esito", "no_body"],
)
def test_an_answer_that_cannot_be_read_is_unknown(body):
    assert send(reply(body)).outcome == Outcome.UNKNOWN


def test_a_soap_fault_is_unknown():
    body = (
        b"<s:Envelope xmlns:s='http://schemas.xmlsoap.org/soap/envelope/'><s:Body><s:Fault><faultcode>s:Server"
        b"</faultcode><faultstring>Internal Error</faultstring></s:Fault></s:Body></s:Envelope>"
    )

    assert send(reply(body)).outcome == Outcome.UNKNOWN
    assert send(reply(body, "500 Error")).outcome == Outcome.UNKNOWN


def test_an_endless_answer_is_cut_and_unknown():
    delivery = send(reply(b"<a>" + b" " * (5 * 1024 * 1024)))

    assert delivery.outcome == Outcome.UNKNOWN


# Answers of the gateway.


@pytest.mark.parametrize(
    ("retry_after", "wait_s"),
    [
        ("Retry-After: 120\r\n", 120.0),
        ("", None),
        ("Retry-After: Wed, 21 Oct 2026 07:28:00 GMT\r\n", None),
        ("Retry-After: \xb2\r\n", None),
        (f"Retry-After: {'9' * 400}\r\n", None),
        ("Retry-After: 999999999\r\n", 3600.0),
    ],
    ids=["seconds", "none", "date", "superscript", "endless", "years"],
)
def test_too_many_requests_are_tried_again_after_the_pause_asked(retry_after, wait_s):
    delivery = send(reply(b"", "429 Too Many Requests", retry_after))

    assert (delivery.outcome, delivery.code, delivery.retry_after_s) == (Outcome.TRY_AGAIN, "HTTP_429", wait_s)


@pytest.mark.parametrize("status", ["401 Unauthorized", "403 Forbidden"])
def test_a_station_that_is_not_recognised_is_refused(status):
    delivery = send(reply(b"", status))

    assert (delivery.outcome, delivery.code) == (Outcome.REFUSED, f"HTTP_{status[:3]}")


# Questions.


def stato(name: str, url: str = "") -> Answerer:
    address = f"<redirect>1</redirect><url>{escape(url)}</url>" if url else ""
    return reply(envelope("nodoChiediStatoRPT", f"<esito><stato>{name}</stato>{address}</esito>"))


@pytest.mark.parametrize(
    "name", ["RPT_ACCETTATA_NODO", "RPT_PARCHEGGIATA_NODO", "RT_ACCETTATA_PA", "RPT_RIFIUTATA_PSP"]
)
def test_a_state_gives_its_outcome(name):
    delivery = ask(stato(name))

    assert (delivery.outcome, delivery.code) == (outcome_of_stato(name), name)


@pytest.mark.parametrize("name", ["RPT_ESITO_SCONOSCIUTO_PSP", "STATO_MAI_VISTO"])
def test_a_state_that_says_nothing_sure_is_asked_again(name):
    assert ask(stato(name)).outcome == Outcome.UNKNOWN


def test_the_payers_address_is_in_the_state_while_it_holds():
    assert ask(stato("RPT_PARCHEGGIATA_NODO", URL_NODO)).response == {"url": URL_NODO}


def test_an_attempt_that_the_node_never_saw_may_leave_again():
    delivery = ask(reply(envelope("nodoChiediStatoRPT", fault("PPT_RPT_SCONOSCIUTA"))))

    assert (delivery.outcome, delivery.code) == (Outcome.TRY_AGAIN, "PPT_RPT_SCONOSCIUTA")


@pytest.mark.parametrize("code", ["PPT_AUTENTICAZIONE", "PPT_SEMANTICA", "PPT_PAGAMENTO_IN_CORSO", "PPT_SYSTEM_ERROR"])
def test_a_question_that_is_refused_says_nothing_about_the_attempt(code):
    assert ask(reply(envelope("nodoChiediStatoRPT", fault(code)))).outcome == Outcome.UNKNOWN


@pytest.mark.parametrize("status", ["401 Unauthorized", "403 Forbidden", "429 Too Many Requests", "500 Error"])
def test_a_question_that_the_gateway_refuses_says_nothing_about_the_attempt(status):
    assert ask(reply(b"", status)).outcome == Outcome.UNKNOWN


@pytest.mark.parametrize("answer", AFTER_SENDING, ids=lambda answer: answer.__name__)
def test_a_question_that_breaks_says_nothing_about_the_attempt(answer):
    assert ask(answer, read_timeout_s=0.4).outcome == Outcome.UNKNOWN


def test_a_question_that_never_left_says_nothing_about_the_attempt():
    """TRY_AGAIN would mean that the node never saw the attempt."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]

    delivery = ViaStato(soap(f"http://127.0.0.1:{port}")).ask(STAZIONE, CERCATO, "c" * 32).delivery

    assert delivery.outcome == Outcome.UNKNOWN


# Settings of a station.


def test_a_station_with_an_address_of_its_own_is_called_there():
    seen: list[bytes] = []

    def answer(connection: socket.socket) -> None:
        seen.append(read_request(connection))

    with stub(answer) as url:
        own = replace(STAZIONE, indirizzi={"nodo": f"{url}/nodo-auth/nodo-per-pa/v1"})
        client("http://nodo.invalid").send(own, payload(), "c" * 32)

    assert seen[0].startswith(b"POST /nodo-auth/nodo-per-pa/v1 HTTP/1.1")


@pytest.mark.parametrize(
    ("own", "question", "wanted"),
    [
        ({}, False, (5, 40)),
        ({}, True, (5, 60)),
        ({"connessione": 2, "invio": 10, "lettura": 20}, False, (2, 10)),
        ({"connessione": 2, "invio": 10, "lettura": 20}, True, (2, 20)),
        ({"connessione": 30, "invio": 120, "lettura": 120}, False, (5, 40)),
    ],
    ids=["default", "question", "shorter", "shorter_question", "never_longer"],
)
def test_a_station_may_wait_less_than_the_installation_never_longer(own, question, wanted):
    """The lease of a message counts on the installation's time-outs."""
    timeout = Attese(5, 40, 60).of(replace(STAZIONE, attese=own), is_question=question)

    assert (timeout.connect_timeout, timeout.read_timeout) == wanted


def test_the_bytes_say_which_primitive_they_are_whatever_the_station_has_now():
    seen: list[bytes] = []

    def answer(connection: socket.socket) -> None:
        seen.append(read_request(connection))

    with stub(answer) as url:
        client(url).send(replace(STAZIONE, primitiva_rpt=CARRELLO), payload(RPT), "c" * 32)

    assert b'soapaction: "nodoinviarpt"' in seen[0].lower()
