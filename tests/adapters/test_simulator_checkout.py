"""Simulated Checkout and the REST door of the platform: what they take, what they refuse, what a payer may do.

Source: node, Checkout carts (2.11), keys (5).
"""

from __future__ import annotations

import json
from typing import Any

import pytest
import urllib3

from adapters.nodo.fake import SimulatorServer
from hub.formats.carrello_checkout import render_carrello
from tests.adapters.simulated import HTTP, ledger, post_json, provoke
from tests.carrelli import PRIMA, SECONDA, make_avviso, make_carrello

CARTS = "/checkout/ec/v2/carts"


def post_cart(
    simulator: SimulatorServer, body: bytes | None = None, key: str = PRIMA, path: str = CARTS
) -> urllib3.BaseHTTPResponse:
    body = render_carrello(make_carrello(), 2) if body is None else body
    headers = {"Content-Type": "application/json", "Ocp-Apim-Subscription-Key": key}
    return HTTP.request("POST", simulator.url + path, body=body, headers=headers, redirect=False)


def open_cart(simulator: SimulatorServer, **changes: Any) -> str:
    """The id of a cart that was taken."""
    answer = post_cart(simulator, render_carrello(make_carrello(**changes), 2))
    assert answer.status == 302, answer.data
    return answer.headers["Location"].rpartition("/")[2]


def press(simulator: SimulatorServer, id: str, azione: str) -> urllib3.BaseHTTPResponse:
    form = {"azione": azione}
    return HTTP.request(
        "POST", f"{simulator.url}/c/{id}", fields=form, encode_multipart=False, redirect=False
    )


def test_a_cart_is_taken_and_its_page_says_what_is_paid(simulator: SimulatorServer) -> None:
    id = open_cart(simulator)

    page = HTTP.request("GET", f"{simulator.url}/c/{id}").data.decode()

    assert "12,34" in page and "300000000000000001" in page and "Comune di Prova" in page


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{}",
        json.dumps({"paymentNotices": []}).encode(),
        render_carrello(make_carrello(), 2).replace(b'"amount":1234', b'"amount":0'),
        render_carrello(make_carrello(), 1),
    ],
    ids=["empty", "object", "no_notices", "amount", "version_1"],
)
def test_what_breaks_the_contract_is_refused_with_a_reason(simulator: SimulatorServer, body: bytes) -> None:
    answer = post_cart(simulator, body)

    assert answer.status == 400 and answer.json()["detail"]
    assert ledger(simulator)["checkout"]["carrelli"] == []


def test_six_notices_are_one_too_many(simulator: SimulatorServer) -> None:
    words = json.loads(render_carrello(make_carrello(*(make_avviso(number) for number in range(1, 6))), 2))
    words["paymentNotices"].append(words["paymentNotices"][0] | {"noticeNumber": "3" + "9" * 17})

    assert post_cart(simulator, json.dumps(words).encode()).status == 400


@pytest.mark.parametrize("key", ["", "corta", SECONDA])
def test_a_key_that_is_not_known_opens_nothing(simulator: SimulatorServer, key: str) -> None:
    assert post_json(simulator, "/config", {"chiavi_rest": [PRIMA]}).status == 200

    assert (post_cart(simulator, key=key).status, post_cart(simulator).status) == (401, 302)


def test_the_ledger_knows_of_every_call_and_no_key(simulator: SimulatorServer) -> None:
    post_cart(simulator)
    post_cart(simulator, b"{")

    told = [one for one in ledger(simulator)["messaggi"] if one["operazione"] == "carts"]
    assert [one["risposta"] for one in told] == ["HTTP_302", "HTTP_400"]
    assert PRIMA not in json.dumps(ledger(simulator))


@pytest.mark.parametrize(("azione", "detto"), [("rifiuta", "errore"), ("abbandona", "annullato")])
def test_who_does_not_pay_is_sent_where_the_cart_says(simulator: SimulatorServer, azione: str, detto: str) -> None:
    id = open_cart(simulator)

    answer = press(simulator, id, azione)

    assert answer.status == 303 and answer.headers["Location"].endswith(f"/{detto}")
    assert press(simulator, id, "paga").status == 409


def test_who_pays_when_the_hub_does_not_answer_has_not_paid(simulator: SimulatorServer) -> None:
    id = open_cart(simulator)

    answer = press(simulator, id, "paga")

    (carrello,) = ledger(simulator)["checkout"]["carrelli"]
    assert answer.headers["Location"].endswith("/errore") and carrello["stato"] == "NON_PAGATO"
    assert carrello["avvisi"][0]["motivo"]


def test_an_unknown_button_or_cart_is_told(simulator: SimulatorServer) -> None:
    id = open_cart(simulator)

    assert press(simulator, id, "regala").status == 400
    assert HTTP.request("GET", f"{simulator.url}/c/{'0' * 36}").status == 404
    assert post_json(simulator, "/api/checkout", {"id": "x"}).status == 404
    assert post_json(simulator, "/api/checkout", {"id": id, "azione": "regala"}).status == 400


def test_a_cart_that_nobody_pays_expires(simulator: SimulatorServer) -> None:
    assert post_json(simulator, "/config", {"carrello_s": 0}).status == 200
    id = open_cart(simulator)

    assert "scaduto" in HTTP.request("GET", f"{simulator.url}/c/{id}").data.decode()
    assert press(simulator, id, "paga").status == 409


def test_a_status_on_request_takes_no_cart(simulator: SimulatorServer) -> None:
    provoke(simulator, "carts", "fault", code="HTTP_422", times=1)

    assert (post_cart(simulator).status, post_cart(simulator).status) == (422, 302)
    assert len(ledger(simulator)["checkout"]["carrelli"]) == 1


@pytest.mark.parametrize("code", ["PPT_SEMANTICA", "HTTP_200", "422"])
def test_a_fault_of_a_rest_service_is_a_status(simulator: SimulatorServer, code: str) -> None:
    answer = post_json(simulator, "/faults", {"operation": "carts", "kind": "fault", "code": code})

    assert answer.status == 400


@pytest.mark.parametrize("more", ["", "/paymentoptions/01000000000000144"])
def test_a_receipt_that_nobody_paid_is_not_found(simulator: SimulatorServer, more: str) -> None:
    url = f"{simulator.url}/bizevents/service/v1/organizations/12345678903/receipts/x{more}"

    assert HTTP.request("GET", url, headers={"Ocp-Apim-Subscription-Key": PRIMA}).status == 404
