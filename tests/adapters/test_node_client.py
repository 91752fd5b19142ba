"""The real client against a stub node on a socket: every end of a call is one of four outcomes.

Source: node, fault classes (2.0.4), state of an RPT (annex A), questions (2.3).
"""

from __future__ import annotations

import ipaddress
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from xml.sax.saxutils import escape

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from adapters.nodo.client import NodoClient
from adapters.nodo.faults import OUTCOME_BY_FAULT, OUTCOME_BY_STATO
from hub.domain.delivery import ChiaveRpt, Delivery, Outcome, Stazione

Answerer = Callable[[socket.socket], None]
STAZIONE = Stazione("12345678903_01", "12345678903", "password01")
CHIAVE = ChiaveRpt("12345678903", "01000000000000144", "c" * 32)
CARRELLO, RPT = "nodoInviaCarrelloRPT", "nodoInviaRPT"
NS = "http://ws.pagamenti.telematici.gov/"
URL_NODO = "https://nodo.example.org/p?idSession=1&x=2"


# The stub node.


def read_request(connection: socket.socket) -> bytes:
    """The whole request: headers and as many bytes as they announce."""
    data = b""
    while b"\r\n\r\n" not in data:
        data += connection.recv(65536)
    head, _, body = data.partition(b"\r\n\r\n")
    length = int(
        next(line for line in head.lower().split(b"\r\n") if line.startswith(b"content-length")).split(b":")[1]
    )
    while len(body) < length:
        body += connection.recv(65536)
    return head + b"\r\n\r\n" + body


def reply(body: bytes, status: str = "200 OK", headers: str = "", length: int | None = None) -> Answerer:
    def answer(connection: socket.socket) -> None:
        read_request(connection)
        announced = len(body) if length is None else length
        head = f"HTTP/1.1 {status}\r\nContent-Type: text/xml\r\nContent-Length: {announced}\r\n{headers}\r\n"
        connection.sendall(head.encode("latin-1") + body)

    return answer


@contextmanager
def stub(answer: Answerer, context: ssl.SSLContext | None = None) -> Iterator[str]:
    """A node that answers one connection; gives its address."""
    listener = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        try:
            connection, _ = listener.accept()
        except OSError:
            return
        with connection:
            connection.settimeout(10)
            try:
                if context is None:
                    answer(connection)
                else:
                    with context.wrap_socket(connection, server_side=True) as wrapped:
                        answer(wrapped)
            except OSError:
                pass  # the client gave up: that is what some tests are about

    thread = threading.Thread(target=serve)
    thread.start()
    scheme = "http" if context is None else "https"
    try:
        yield f"{scheme}://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        # A listener that is only closed would keep a waiting accept asleep.
        with socket.socket() as last:
            last.settimeout(1)
            last.connect_ex(listener.getsockname())
        thread.join(15)
        listener.close()


def client(url: str, read_timeout_s: float = 5.0) -> NodoClient:
    return NodoClient(url, connect_timeout_s=1.0, read_timeout_s=read_timeout_s)


def send(answer: Answerer, operation: str = CARRELLO, read_timeout_s: float = 5.0) -> Delivery:
    with stub(answer) as url:
        return client(url, read_timeout_s).send(operation, b"<busta/>", "c" * 32)


def ask(answer: Answerer, read_timeout_s: float = 5.0) -> Delivery:
    with stub(answer) as url:
        return client(url, read_timeout_s).ask_stato(STAZIONE, CHIAVE, "c" * 32)


def envelope(operation: str, body: str) -> bytes:
    return (
        '<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/"><s:Body>'
        f'<n:{operation}Risposta xmlns:n="{NS}">{body}</n:{operation}Risposta></s:Body></s:Envelope>'
    ).encode()


def fault(code: str) -> str:
    return (
        f"<fault><faultCode>{code}</faultCode><faultString>x</faultString><id>NodoDeiPagamentiSPC</id>"
        "<serial>1</serial></fault>"
    )


def carrello(body: str) -> Answerer:
    return reply(envelope(CARRELLO, body))


KO = "<esitoComplessivoOperazione>KO</esitoComplessivoOperazione>"
OK = "<esitoComplessivoOperazione>OK</esitoComplessivoOperazione>"


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
    assert head.startswith(b"POST /nodo HTTP/1.1") and body == b"<busta/>"
    assert b'soapaction: "nodoinviacarrellorpt"' in head.lower()
    assert b"x-correlation-id: " + b"c" * 32 in head.lower()


# Never left: surely not processed.


def test_a_refused_connection_is_tried_again():
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]

    delivery = client(f"http://127.0.0.1:{port}").send(CARRELLO, b"<busta/>", "c" * 32)

    assert delivery.outcome == Outcome.TRY_AGAIN


def test_a_name_that_does_not_resolve_is_tried_again():
    delivery = client("http://nodo.invalid").send(CARRELLO, b"<busta/>", "c" * 32)

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
        nodo = NodoClient(f"http://127.0.0.1:{listener.getsockname()[1]}", connect_timeout_s=0.3, read_timeout_s=0.3)

        delivery = nodo.send(CARRELLO, b"<busta/>", "c" * 32)

        for filler in fillers:
            filler.close()
    assert (delivery.outcome, delivery.code) == (Outcome.TRY_AGAIN, "ConnectTimeoutError")


def test_a_handshake_that_fails_is_tried_again():
    def answer(connection: socket.socket) -> None:
        connection.recv(65536)
        connection.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")

    with stub(answer) as url:
        delivery = client(url.replace("http:", "https:")).send(CARRELLO, b"<busta/>", "c" * 32)

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
        delivery = client(url).send(CARRELLO, b"<busta/>", "c" * 32)

    assert delivery.outcome == Outcome.TRY_AGAIN


def test_a_certificate_that_is_trusted_is_spoken_to(certificate, tmp_path, monkeypatch):
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "cert.pem"))

    with stub(carrello(OK), certificate) as url:
        delivery = client(url).send(CARRELLO, b"<busta/>", "c" * 32)

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
        delivery = client(url).send(CARRELLO, b"<busta/>", "c" * 32)

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


# Faults of the node, by class.

P = """PPT_SINTASSI_EXTRAXSD PPT_SINTASSI_XSD PPT_SEMANTICA PPT_TIPO_VERSAMENTO_SCONOSCIUTO PPT_IBAN_NON_CENSITO
    PPT_MULTI_BENEFICIARIO PPT_SUPERAMENTOSOGLIA PPT_CANALE_SERVIZIO_NONATTIVO PPT_ERRORE_FORMATO_BUSTA_FIRMATA
    PPT_FIRMA_INDISPONIBILE PPT_TIPOFIRMA_SCONOSCIUTO PPT_CODIFICA_PSP_SCONOSCIUTA""".split()
C = """PPT_AUTENTICAZIONE PPT_AUTORIZZAZIONE PPT_DOMINIO_SCONOSCIUTO PPT_DOMINIO_DISABILITATO
    PPT_INTERMEDIARIO_PA_SCONOSCIUTO PPT_INTERMEDIARIO_PA_DISABILITATO PPT_STAZIONE_INT_PA_SCONOSCIUTA
    PPT_STAZIONE_INT_PA_DISABILITATA PPT_PSP_SCONOSCIUTO PPT_PSP_DISABILITATO PPT_INTERMEDIARIO_PSP_SCONOSCIUTO
    PPT_INTERMEDIARIO_PSP_DISABILITATO PPT_CANALE_SCONOSCIUTO PPT_CANALE_DISABILITATO""".split()
N = "PPT_CANALE_IRRAGGIUNGIBILE PPT_CANALE_INDISPONIBILE PPT_CANALE_NONRISOLVIBILE PPT_CANALE_ERR_PARAM_PAG_IMM".split()
D = ["PPT_PAGAMENTO_DUPLICATO"]
T = ["PPT_PAGAMENTO_IN_CORSO"]
# PPT_CANALE_ERRORE is of class N, but one question confirms it first.
A = """PPT_CANALE_TIMEOUT PPT_CANALE_ERRORE_RESPONSE PPT_SYSTEM_ERROR PPT_RPT_DUPLICATA PPT_ID_CARRELLO_DUPLICATO
    PPT_CANALE_ERRORE PPT_WISP_SYSTEM_ERROR PPT_MAI_VISTO""".split()


@pytest.mark.parametrize(
    ("codes", "outcome"),
    [
        (P, Outcome.REFUSED),
        (C, Outcome.REFUSED),
        (N, Outcome.REFUSED),
        (D, Outcome.REFUSED),
        (T, Outcome.TRY_AGAIN),
        (A, Outcome.UNKNOWN),
    ],
    ids=["P", "C", "N", "D", "T", "A"],
)
def test_a_class_of_faults_has_one_outcome(codes, outcome):
    assert {code: OUTCOME_BY_FAULT.get(code, Outcome.UNKNOWN) for code in codes} == dict.fromkeys(codes, outcome)


def test_no_fault_is_in_the_table_but_those_of_the_classes():
    assert set(OUTCOME_BY_FAULT) == {*P, *C, *N, *D, *T}


@pytest.mark.parametrize("code", [P[2], C[0], N[0], D[0], T[0], A[0], A[-1]])
@pytest.mark.parametrize("operation", [CARRELLO, RPT])
def test_a_fault_of_the_node_gives_its_outcome_and_code(operation, code):
    esito = KO if operation == CARRELLO else "<esito>KO</esito>"

    delivery = send(reply(envelope(operation, fault(code) + esito)), operation)

    assert (delivery.outcome, delivery.code) == (OUTCOME_BY_FAULT.get(code, Outcome.UNKNOWN), code)


def test_a_fault_without_esito_is_read():
    assert send(carrello(fault("PPT_SEMANTICA"))).outcome == Outcome.REFUSED


def test_a_ko_without_fault_is_unknown():
    assert send(carrello(KO)).outcome == Outcome.UNKNOWN


@pytest.mark.parametrize(
    ("codes", "outcome", "code"),
    [
        (["PPT_SEMANTICA", "PPT_IBAN_NON_CENSITO"], Outcome.REFUSED, "PPT_SEMANTICA"),
        (["PPT_SEMANTICA", "PPT_CANALE_TIMEOUT"], Outcome.UNKNOWN, "PPT_CANALE_TIMEOUT"),
        (["PPT_SEMANTICA", "PPT_PAGAMENTO_IN_CORSO"], Outcome.TRY_AGAIN, "PPT_PAGAMENTO_IN_CORSO"),
    ],
)
def test_of_several_faults_the_least_sure_counts(codes, outcome, code):
    faults = "".join(fault(each) for each in codes)

    delivery = send(carrello(f"{KO}<listaErroriRPT>{faults}</listaErroriRPT>"))

    assert (delivery.outcome, delivery.code) == (outcome, code)


# Questions.


def stato(name: str, url: str = "") -> Answerer:
    address = f"<redirect>1</redirect><url>{escape(url)}</url>" if url else ""
    return reply(envelope("nodoChiediStatoRPT", f"<esito><stato>{name}</stato>{address}</esito>"))


@pytest.mark.parametrize(
    "name", ["RPT_ACCETTATA_NODO", "RPT_PARCHEGGIATA_NODO", "RT_ACCETTATA_PA", "RPT_RIFIUTATA_PSP"]
)
def test_a_state_gives_its_outcome(name):
    delivery = ask(stato(name))

    assert (delivery.outcome, delivery.code) == (OUTCOME_BY_STATO[name], name)


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

    delivery = client(f"http://127.0.0.1:{port}").ask_stato(STAZIONE, CHIAVE, "c" * 32)

    assert delivery.outcome == Outcome.UNKNOWN
