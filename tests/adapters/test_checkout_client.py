"""The client of the carts against a stub on a socket: every end of a call is one of four outcomes.

Source: node, Checkout carts (2.11), fault classes (2.0.4), keys (5).
"""

from __future__ import annotations

import socket

import pytest

from adapters.checkout.client import CheckoutClient
from adapters.rest import LimitiRest
from hub.domain.delivery import Classe, Delivery, Outcome
from hub.domain.servizi_rest import ChiaviServizio
from hub.formats.carrello_checkout import render_carrello
from tests.adapters.stub_node import Answerer, read_request, reply, stub
from tests.carrelli import CHIAVI, PRIMA, SECONDA, make_carrello

URL = "https://checkout.example.org/c/3f2b8a?clientId=x"
BODY = render_carrello(make_carrello(), 2)


def send(answer: Answerer, versione: int = 2, chiavi: ChiaviServizio = CHIAVI, read_s: float = 5.0) -> Delivery:
    with stub(answer) as url:
        client = CheckoutClient(url, LimitiRest(connect_s=1.0, read_s=read_s, answer_max_bytes=4096))
        return client.post_carrello(versione, BODY, chiavi, "c" * 32)


def redirect(url: str = URL) -> Answerer:
    return reply(b"", "302 Found", f"Location: {url}\r\n")


def test_an_accepted_cart_gives_the_payers_address_and_is_not_followed():
    delivery = send(redirect())

    assert delivery == Delivery(Outcome.DELIVERED, response={"url": URL, "id_carrello": "3f2b8a"})


@pytest.mark.parametrize(("versione", "path"), [(1, "/checkout/ec/v1/carts"), (2, "/checkout/ec/v2/carts")])
def test_the_request_is_the_stored_bytes_with_key_and_correlation(versione, path):
    seen: list[bytes] = []

    def answer(connection: socket.socket) -> None:
        seen.append(read_request(connection))
        connection.sendall(f"HTTP/1.1 302 Found\r\nLocation: {URL}\r\nContent-Length: 0\r\n\r\n".encode())

    send(answer, versione)

    head, _, body = seen[0].partition(b"\r\n\r\n")
    assert head.startswith(f"POST {path} HTTP/1.1\r\n".encode()) and body == BODY
    assert f"ocp-apim-subscription-key: {PRIMA}".encode() in head.lower()
    assert b"content-type: application/json" in head.lower() and b"x-correlation-id: " + b"c" * 32 in head.lower()


@pytest.mark.parametrize(
    ("status", "classe"),
    [
        ("400 Bad Request", Classe.RICHIESTA),
        ("404 Not Found", Classe.RICHIESTA),
        ("422 Unprocessable", Classe.GIA_PAGATA),
    ],
)
def test_a_refused_cart_is_refused_with_its_reason(status, classe):
    problem = b'{"title": "No", "status": 400, "detail": "position not payable"}'

    delivery = send(reply(problem, status))

    assert (delivery.outcome, delivery.code) == (Outcome.REFUSED, f"HTTP_{status[:3]}")
    assert (delivery.detail, delivery.classe) == ("No: position not payable", classe)


@pytest.mark.parametrize("status", ["401 Unauthorized", "403 Forbidden"])
def test_a_key_that_nobody_knows_is_a_fault_of_configuration(status):
    delivery = send(reply(b"", status))

    assert (delivery.outcome, delivery.code, delivery.classe) == (
        Outcome.REFUSED, f"HTTP_{status[:3]}", Classe.CONFIGURAZIONE
    )  # fmt: skip


def test_without_a_key_nothing_is_sent():
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.setblocking(False)
        client = CheckoutClient(f"http://127.0.0.1:{listener.getsockname()[1]}")
        delivery = client.post_carrello(2, BODY, ChiaviServizio(()), "c" * 32)

        with pytest.raises(BlockingIOError):
            listener.accept()
    assert (delivery.outcome, delivery.code) == (Outcome.REFUSED, "SENZA_CHIAVE")


def test_the_second_key_is_tried_when_the_first_is_not_known():
    seen: list[bytes] = []

    def answer(connection: socket.socket) -> None:
        seen.append(read_request(connection))
        connection.sendall(b"HTTP/1.1 401 Unauthorized\r\nContent-Length: 0\r\n\r\n")
        seen.append(read_request(connection))
        connection.sendall(f"HTTP/1.1 302 Found\r\nLocation: {URL}\r\nContent-Length: 0\r\n\r\n".encode())

    delivery = send(answer, chiavi=ChiaviServizio((PRIMA, SECONDA)))

    assert delivery.outcome == Outcome.DELIVERED
    assert PRIMA.encode() in seen[0] and SECONDA.encode() in seen[1]


@pytest.mark.parametrize(
    ("header", "pause"), [("Retry-After: 7\r\n", 7.0), ("", None), ("Retry-After: presto\r\n", None)]
)
def test_a_pause_that_is_asked_for_is_told(header, pause):
    delivery = send(reply(b"", "429 Too Many Requests", header))

    assert (delivery.outcome, delivery.code, delivery.retry_after_s) == (Outcome.TRY_AGAIN, "HTTP_429", pause)


@pytest.mark.parametrize(
    "answer",
    [
        reply(b'{"title": "Error"}', "500 Internal Server Error"),
        reply(b"", "502 Bad Gateway"),
        reply(b"<html>paga qui</html>"),
        reply(b"", "302 Found"),
        redirect("javascript:alert(1)"),
        redirect("//example.org/c/1"),
        reply(b"x" * 5000),
        reply(b"poco", "302 Found", length=400),
        lambda connection: read_request(connection) and None,
        lambda connection: connection.sendall(b"non e' HTTP\r\n\r\n"),
    ],
    ids=["500", "502", "200", "no_location", "script", "relative", "too_long", "cut", "closed", "garbage"],
)
def test_what_proves_nothing_is_unknown(answer):
    delivery = send(answer)

    assert (delivery.outcome, delivery.is_answered) == (Outcome.UNKNOWN, False)


def test_an_answer_that_never_comes_is_unknown():
    def silent(connection: socket.socket) -> None:
        read_request(connection)
        connection.recv(1)

    assert send(silent, read_s=0.2).outcome == Outcome.UNKNOWN


def test_a_refused_connection_is_tried_again():
    with socket.create_server(("127.0.0.1", 0)) as taken:
        url = f"http://127.0.0.1:{taken.getsockname()[1]}"

    delivery = CheckoutClient(url).post_carrello(2, BODY, CHIAVI, "c" * 32)

    assert (delivery.outcome, delivery.is_answered) == (Outcome.TRY_AGAIN, False)
