"""A stub node on a socket that answers one connection as the test says, and the real client in front of it."""

from __future__ import annotations

import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime

from adapters.nodo.client import NodoClient
from adapters.nodo.domande import ViaStato
from adapters.nodo.soap import NodoSoap
from adapters.nodo.trasporto import Attese, Trasporto
from hub.domain.delivery import ChiaveRpt, Delivery, Stazione
from hub.domain.pagamento_online import TentativoCercato
from hub.formats.nodo_messaggi import build_invia_carrello_rpt, build_invia_rpt

Answerer = Callable[[socket.socket], None]
STAZIONE = Stazione("12345678903_01", "12345678903", "password01")
CHIAVE = ChiaveRpt("12345678903", "01000000000000144", "c" * 32)
CERCATO = TentativoCercato(CHIAVE, datetime(2026, 5, 4, 10, 0, tzinfo=UTC))
CARRELLO, RPT = "nodoInviaCarrelloRPT", "nodoInviaRPT"
NS = "http://ws.pagamenti.telematici.gov/"
URL_NODO = "https://nodo.example.org/p?idSession=1&x=2"


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
    return NodoClient(soap(url, read_timeout_s))


def soap(url: str, read_timeout_s: float = 5.0, connect_timeout_s: float = 1.0) -> NodoSoap:
    return NodoSoap(url + "/nodo", Attese(connect_timeout_s, read_timeout_s, read_timeout_s), Trasporto())


def send(answer: Answerer, operation: str = CARRELLO, read_timeout_s: float = 5.0) -> Delivery:
    with stub(answer) as url:
        return client(url, read_timeout_s).send(STAZIONE, payload(operation), "c" * 32)


def ask(answer: Answerer, read_timeout_s: float = 5.0) -> Delivery:
    with stub(answer) as url:
        return ViaStato(soap(url, read_timeout_s)).ask(STAZIONE, CERCATO, "c" * 32).delivery


def payload(operation: str = CARRELLO) -> bytes:
    """A message as it is stored, with the placeholder of the password."""
    if operation == RPT:
        return build_invia_rpt(STAZIONE.id, STAZIONE.intermediario, CHIAVE, b"<rpt/>")
    return build_invia_carrello_rpt(STAZIONE.id, STAZIONE.intermediario, "c" * 32, [(CHIAVE, b"<rpt/>")])


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
