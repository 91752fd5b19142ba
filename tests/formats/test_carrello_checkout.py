"""POST /carts: what is written is read back, in both versions, and each limit of the contract is kept.

Source: node, Checkout carts (2.11); OpenAPI of the carts.
"""

from __future__ import annotations

import json
from typing import Any

import pytest

from hub.domain.carrello_checkout import CarrelloCheckout
from hub.formats.carrello_checkout import CarrelloNonValido, read_carrello, read_problema, render_carrello
from tests.carrelli import RITORNI, make_avviso, make_carrello


def words(versione: int = 2, **changes: Any) -> bytes:
    return json.dumps(json.loads(render_carrello(make_carrello(), versione)) | changes).encode()


def paths(data: bytes, versione: int = 2) -> list[str]:
    with pytest.raises(CarrelloNonValido) as refusal:
        read_carrello(data, versione)
    return [path for path, _ in refusal.value.problems]


@pytest.mark.parametrize("versione", [1, 2])
def test_what_is_written_is_read_back(versione: int) -> None:
    carrello = make_carrello(*(make_avviso(number) for number in range(1, 6)), solo_postali=True)

    read = read_carrello(render_carrello(carrello, versione), versione)

    assert read.avvisi == carrello.avvisi and len(read.avvisi) == 5
    assert (read.id_carrello, read.email, read.solo_postali) == (carrello.id_carrello, carrello.email, True)
    assert (read.ritorni == RITORNI) is (versione == 2)


def test_the_body_has_the_names_of_the_contract() -> None:
    body = json.loads(render_carrello(make_carrello(), 2))

    assert set(body) == {"emailNotice", "paymentNotices", "returnUrls", "idCart", "allCCP"}
    assert body["paymentNotices"] == [
        {
            "noticeNumber": "300000000000000001",
            "fiscalCode": "12345678903",
            "amount": 1234,
            "companyName": "Comune di Prova",
            "description": "Tassa rifiuti 2026, città di Prova",
        }
    ]
    assert set(body["returnUrls"]) == {"returnOkUrl", "returnCancelUrl", "returnErrorUrl", "returnWaitingUrl"}


def test_version_one_has_no_address_of_waiting() -> None:
    assert "returnWaitingUrl" not in json.loads(render_carrello(make_carrello(), 1))["returnUrls"]


def test_who_has_no_mail_and_no_name_leaves_them_out() -> None:
    body = json.loads(render_carrello(make_carrello(email=None, id_carrello=None), 2))

    assert not {"emailNotice", "idCart"} & set(body)


@pytest.mark.parametrize(
    ("carrello", "path"),
    [
        (make_carrello(*(make_avviso(number) for number in range(1, 7))), "paymentNotices"),
        (CarrelloCheckout((), RITORNI), "paymentNotices"),
        (make_carrello(make_avviso(), make_avviso(importo_cent=1)), "paymentNotices[1]"),
        (make_carrello(make_avviso(numero_avviso="3" * 17)), "paymentNotices[0].noticeNumber"),
        (make_carrello(make_avviso(numero_avviso="3" * 17 + "A")), "paymentNotices[0].noticeNumber"),
        (make_carrello(make_avviso(codice_fiscale="1234567890")), "paymentNotices[0].fiscalCode"),
        (make_carrello(make_avviso(importo_cent=0)), "paymentNotices[0].amount"),
        (make_carrello(make_avviso(ente_nome="x" * 141)), "paymentNotices[0].companyName"),
        (make_carrello(make_avviso(ente_nome="")), "paymentNotices[0].companyName"),
        (make_carrello(make_avviso(descrizione="x" * 141)), "paymentNotices[0].description"),
        (make_carrello(email="mario"), "emailNotice"),
        (make_carrello(id_carrello=""), "idCart"),
    ],
)
def test_what_breaks_a_limit_is_not_written(carrello: CarrelloCheckout, path: str) -> None:
    with pytest.raises(CarrelloNonValido) as refusal:
        render_carrello(carrello, 2)

    assert [where for where, _ in refusal.value.problems] == [path]


@pytest.mark.parametrize("amount", ["1234", 12.34, True, None, -1, 1e3])
def test_an_amount_is_whole_cents(amount: Any) -> None:
    notice = json.loads(words())["paymentNotices"][0] | {"amount": amount}

    assert paths(words(paymentNotices=[notice])) == ["paymentNotices[0].amount"]


@pytest.mark.parametrize(
    "url", ["http://hub.example.org/", "/paga/1", "https:///x", "javascript:alert(1)", "https://a:b@e.org/", None, 7]
)
def test_an_address_of_return_is_absolute_https(url: Any) -> None:
    ritorni = json.loads(words())["returnUrls"] | {"returnOkUrl": url}

    assert paths(words(returnUrls=ritorni)) == ["returnUrls.returnOkUrl"]


def test_on_a_workbench_an_address_may_be_http() -> None:
    ritorni = json.loads(words())["returnUrls"] | {"returnOkUrl": "http://127.0.0.1:8080/paga/1"}

    assert read_carrello(words(returnUrls=ritorni), 2, is_open=True).ritorni.ok == "http://127.0.0.1:8080/paga/1"


def test_version_two_wants_the_address_of_waiting() -> None:
    assert paths(render_carrello(make_carrello(), 1)) == ["returnUrls.returnWaitingUrl"]


@pytest.mark.parametrize(
    "data", [b"", b"[]", b"{", b"\xff", b"7", b"[" * 60_000, b" " * 70_000], ids=lambda data: repr(data[:4])
)
def test_what_is_no_cart_is_refused_in_words(data: bytes) -> None:
    assert paths(data) == [""]


def test_all_that_is_wrong_is_said_together() -> None:
    assert paths(b'{"paymentNotices": {}, "allCCP": 1, "emailNotice": 3}') == [
        "emailNotice", "paymentNotices", "returnUrls", "allCCP"
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b'{"title": "Bad request", "status": 400, "detail": "amount\\nmissing"}', "Bad request: amount missing"),
        (b'{"title": 7}', ""),
        (b"<html>", ""),
        (b"[1]", ""),
        (b"", ""),
    ],
)
def test_a_problem_is_read_in_one_line(data: bytes, said: str) -> None:
    assert read_problema(data) == said
