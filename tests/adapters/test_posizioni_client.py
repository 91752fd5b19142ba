"""The client of the archive of positions against a stub on a socket: every end of a call is one of four outcomes.

Source: node, ACA and debt positions (2.13).
"""

from __future__ import annotations

import json
import socket

import pytest

from adapters.posizioni.client import PosizioniClient
from adapters.rest import LimitiRest
from hub.domain.delivery import Classe, Delivery, Outcome
from hub.formats.posizione_aca import render_posizione
from tests.adapters.stub_node import Answerer, read_request, reply, stub
from tests.carrelli import CHIAVI
from tests.formats.test_posizione_aca import POSIZIONE, make_posizione


def publish(answer: Answerer, body: bytes = render_posizione(POSIZIONE)) -> Delivery:
    with stub(answer) as url:
        return PosizioniClient(url, LimitiRest(connect_s=1.0, read_s=5.0)).publish(body, CHIAVI, "c" * 32)


def refused_and_read(status: int, stato: str, importo_cent: int) -> Answerer:
    """The upsert is refused; the read that follows tells the position."""

    def answer(connection: socket.socket) -> None:
        assert read_request(connection).startswith(b"POST /aca/v1/paCreatePosition ")
        connection.sendall(f"HTTP/1.1 {status} No\r\nContent-Length: 0\r\n\r\n".encode())
        asked = b""
        while b"\r\n\r\n" not in asked:
            asked += connection.recv(65536)
        wanted = b"GET /aca/debt-positions-service/v1/organizations/12345678903/debtpositions/ACA_12345678903_"
        assert asked.startswith(wanted)
        body = json.dumps({"status": stato, "paymentOption": [{"amount": importo_cent}]}).encode()
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(body) + body)

    return answer


def test_a_published_position_tells_its_state() -> None:
    assert publish(reply(b'{"status": "VALID"}')) == Delivery(Outcome.DELIVERED, response={"stato": "VALID"})


@pytest.mark.parametrize("status", [409, 422])
@pytest.mark.parametrize(
    ("importo_cent", "stato", "there", "outcome"),
    [
        (5000, "VALID", 5000, Outcome.DELIVERED),
        (5000, "VALID", 4000, Outcome.REFUSED),
        (5000, "PAID", 5000, Outcome.REFUSED),
        (0, "PAID", 5000, Outcome.DELIVERED),
        (0, "INVALID", 5000, Outcome.DELIVERED),
        (0, "VALID", 5000, Outcome.REFUSED),
    ],
)
def test_what_is_not_taken_is_read_and_compared(
    status: int, importo_cent: int, stato: str, there: int, outcome: Outcome
) -> None:
    delivery = publish(
        refused_and_read(status, stato, there), render_posizione(make_posizione(importo_cent=importo_cent))
    )

    assert delivery.outcome == outcome
    assert (delivery.classe is Classe.GIA_PAGATA) is (outcome == Outcome.REFUSED and stato == "PAID")


@pytest.mark.parametrize("status", ["400 Bad Request", "404 Not Found"])
def test_a_refused_position_is_refused_with_its_reason(status: str) -> None:
    delivery = publish(reply(b'{"title": "No", "detail": "iban"}', status))

    assert (delivery.outcome, delivery.code, delivery.detail) == (Outcome.REFUSED, f"HTTP_{status[:3]}", "No: iban")


@pytest.mark.parametrize(
    "answer",
    [
        reply(b"", "500 No"),
        reply(b"", "502 No"),
        reply(b"<html>"),
        reply(b"{}"),
        reply(b'{"status"', length=300),
        reply(b"", "302 Found", "Location: https://example.org/\r\n"),
    ],
    ids=["500", "502", "html", "empty", "cut", "redirect"],
)
def test_what_proves_nothing_is_unknown(answer: Answerer) -> None:
    assert publish(answer).outcome == Outcome.UNKNOWN


def test_a_pause_that_is_asked_for_is_told() -> None:
    delivery = publish(reply(b"", "429 No", "Retry-After: 9\r\n"))

    assert (delivery.outcome, delivery.retry_after_s) == (Outcome.TRY_AGAIN, 9.0)
