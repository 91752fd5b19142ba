"""The payer's page, view by view, as a browser without JavaScript sees it."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from tests.web.conftest import DOVUTI, ENTE_URL, MakeClient, World

NODE_URL = "https://wisp.example.org/checkout?idSession=N1"


def confirm(client: FlaskClient, id_session: str, **changed: str) -> TestResponse:
    page = client.get(f"/paga/{id_session}").text
    seal = re.search(r'name="sigillo" value="([^"]+)"', page)
    assert seal is not None
    data = {"sigillo": seal[1], "nome": "Mario Rossi", "email": "mario.rossi@example.it", **changed}
    return client.post(f"/paga/{id_session}", data=data)


def test_the_form_shows_ente_causale_and_amount_and_what_is_known_of_the_payer(
    client: FlaskClient, small_world: World
) -> None:
    answer = client.get(f"/paga/{small_world.make_sessione()}")

    assert answer.status_code == 200
    assert "Comune di Prova" in answer.text
    assert "Mensa scolastica &lt;marzo&gt; 2026" in answer.text
    assert "1.234,56\N{NO-BREAK SPACE}€" in answer.text
    assert 'value="Mario Rossi"' in answer.text and 'value="mario.rossi@example.it"' in answer.text
    assert "RSSMRA80A01H501U" not in answer.text


def test_a_confirmation_starts_the_payment_once(world: World, open_client: MakeClient) -> None:
    client = open_client(world)
    id_session = world.make_sessione()

    first = confirm_twice(client, id_session)

    assert [answer.status_code for answer in first] == [303, 303]
    assert first[0].location == f"/paga/{id_session}/attesa"
    assert world.row(id_session).stato == "PAGAM_IN_CORSO"
    assert world.row(id_session).email_pagatore == "maria@example.it"
    assert (world.count("outbox"), world.count("tentativi")) == (1, 1)


def confirm_twice(client: FlaskClient, id_session: str) -> list[TestResponse]:
    seal = re.search(r'name="sigillo" value="([^"]+)"', client.get(f"/paga/{id_session}").text)
    assert seal is not None
    data = {"sigillo": seal[1], "nome": "Maria  Rossi ", "email": "maria@example.it"}
    return [client.post(f"/paga/{id_session}", data=data) for _ in range(2)]


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"nome": "  "}, "Scrivi il nome"),
        ({"nome": "M" * 71}, "al massimo 70 caratteri"),
        ({"nome": "Mario\x07Rossi"}, "caratteri che non si possono usare"),
        ({"email": ""}, "Scrivi un indirizzo e-mail"),
        ({"email": "mario@"}, "non è valido"),
        ({"email": "mario rossi@example.it"}, "non è valido"),
    ],
)
def test_a_wrong_field_is_named_and_nothing_starts(
    client: FlaskClient, small_world: World, changed: dict[str, str], words: str
) -> None:
    id_session = small_world.make_sessione()

    answer = confirm(client, id_session, **changed)

    assert answer.status_code == 422
    assert words in answer.text and 'aria-invalid="true"' in answer.text
    assert "<title>Errore: " in answer.text
    assert small_world.row(id_session).stato == "NUOVO_CARRELLO"


def test_what_the_payer_typed_cannot_become_markup(client: FlaskClient, small_world: World) -> None:
    answer = confirm(client, small_world.make_sessione(), nome='"><script>alert(1)</script>', email="x")

    assert "<script>alert" not in answer.text


@pytest.mark.parametrize("seal", ["", "x.y.z"])
def test_a_form_that_is_not_ours_starts_nothing(client: FlaskClient, small_world: World, seal: str) -> None:
    id_session = small_world.make_sessione()

    answer = confirm(client, id_session, sigillo=seal)

    assert answer.status_code == 400
    assert "conferma di nuovo" in answer.text
    assert small_world.row(id_session).stato == "NUOVO_CARRELLO"


def test_the_seal_of_another_session_is_refused(client: FlaskClient, small_world: World) -> None:
    other = client.get(f"/paga/{small_world.make_sessione()}").text
    seal = re.search(r'name="sigillo" value="([^"]+)"', other)
    assert seal is not None
    id_session = small_world.make_sessione()

    answer = confirm(client, id_session, sigillo=seal[1])

    assert answer.status_code == 400


def test_none_starts_at_once_and_waits(world: World, open_client: MakeClient) -> None:
    id_session = world.make_sessione(show_mypay="NONE")

    answer = open_client(world).get(f"/paga/{id_session}")

    assert answer.status_code == 200
    assert "Stiamo preparando" in answer.text and "<form" not in answer.text
    assert world.row(id_session).stato == "PAGAM_IN_CORSO"
    assert world.count("outbox") == 1


@pytest.mark.parametrize("looking", [{"method": "HEAD"}, {"headers": {"Sec-Purpose": "prefetch;prerender"}}])
def test_a_preview_of_the_address_starts_nothing(
    client: FlaskClient, small_world: World, looking: dict[str, object]
) -> None:
    id_session = small_world.make_sessione(show_mypay="NONE")

    answer = client.open(f"/paga/{id_session}", **looking)

    assert answer.status_code == 200
    assert small_world.row(id_session).stato == "NUOVO_CARRELLO"


def test_an_iud_taken_meanwhile_is_explained_and_leads_home(client: FlaskClient, small_world: World) -> None:
    first = small_world.make_sessione(show_mypay="NONE")
    client.get(f"/paga/{first}")
    second = small_world.make_sessione(show_mypay="NONE", documento=small_world.row(first).documento)

    answer = client.get(f"/paga/{second}")

    assert answer.status_code == 409
    assert "già stato avviato" in answer.text
    assert f'href="/paga/{second}/torna"' in answer.text
    home = client.get(f"/paga/{second}/torna")
    assert home.location == f"{ENTE_URL}&idSession={second}&esito=ERROR"


def test_the_page_waits_without_holding_the_browser_and_without_javascript(
    client: FlaskClient, small_world: World
) -> None:
    id_session = small_world.make_sessione(stato="PAGAM_IN_CORSO")

    answer = client.get(f"/paga/{id_session}")

    assert f'<noscript><meta http-equiv="refresh" content="1; url=/paga/{id_session}?n=1"></noscript>' in answer.text
    assert client.get(f"/paga/{id_session}/stato").json == {"vista": "attesa", "vai": f"/paga/{id_session}"}


def test_a_long_wait_reloads_less_often_and_says_so(client: FlaskClient, small_world: World) -> None:
    id_session = small_world.make_sessione(stato="PAGAM_IN_CORSO")

    answer = client.get(f"/paga/{id_session}?n=999")

    assert 'content="5; url=' in answer.text
    assert "Ci vuole più del solito" in answer.text


@pytest.mark.parametrize("n", ["-1", "x", "٣", "9" * 5000, "1e3"])
def test_a_strange_counter_is_zero(client: FlaskClient, small_world: World, n: str) -> None:
    id_session = small_world.make_sessione(stato="PAGAM_IN_CORSO")

    answer = client.get(f"/paga/{id_session}", query_string={"n": n})

    assert "?n=1" in answer.text


def test_when_the_node_has_answered_the_browser_goes_there(client: FlaskClient, small_world: World) -> None:
    id_session = small_world.make_sessione(stato="PAGAM_IN_CORSO", url_nodo=NODE_URL)

    answer = client.get(f"/paga/{id_session}")

    assert (answer.status_code, answer.location) == (303, NODE_URL)
    assert client.get(f"/paga/{id_session}/stato").json == {"vista": "pronto", "vai": f"/paga/{id_session}"}


def test_the_step_after_the_form_never_leaves_our_address(client: FlaskClient, small_world: World) -> None:
    """Browsers hold the redirects of a form to form-action, and ours is 'self': the reload leaves, not the form."""
    id_session = small_world.make_sessione(stato="PAGAM_IN_CORSO", url_nodo=NODE_URL)

    answer = client.get(f"/paga/{id_session}/attesa")

    assert answer.status_code == 200
    assert f'content="0; url=/paga/{id_session}"' in answer.text


@pytest.mark.parametrize("url", ["javascript:alert(1)", "//evil.example.org", "https://a@b.example.org/", "https:///x"])
def test_a_node_address_that_is_not_web_is_never_followed(client: FlaskClient, small_world: World, url: str) -> None:
    id_session = small_world.make_sessione(stato="PAGAM_IN_CORSO", url_nodo=url)

    answer = client.get(f"/paga/{id_session}")

    assert answer.status_code == 200
    assert "Stiamo preparando" in answer.text


@pytest.mark.parametrize(
    ("row", "status", "words"),
    [
        ({"stato": "PAGATO"}, 200, "Pagamento riuscito"),
        ({"stato": "NON_PAGATO"}, 200, "Pagamento non riuscito"),
        ({"stato": "IMPOSSIBILE_INVIARE_CARRELLO_RP"}, 200, "Il pagamento non può partire"),
        ({"stato": "SCADUTO"}, 410, "Il tempo per pagare è scaduto"),
        ({"stato": "SCADUTO_ELABORATO"}, 410, "Il tempo per pagare è scaduto"),
        ({"stato": "PAGAM_IN_CORSO", "url_nodo": NODE_URL, "esito_ritorno": "OK"}, 200, "aspettando la conferma"),
        (
            {"stato": "PAGAM_IN_CORSO", "url_nodo": NODE_URL, "esito_ritorno": "DIFFERITO"},
            200,
            "aspettando la conferma",
        ),
        ({"stato": "PAGAM_IN_CORSO", "url_nodo": NODE_URL, "esito_ritorno": "ERROR"}, 200, "Pagamento non concluso"),
        ({"stato": "PAGATO", "esito_ritorno": "ERROR"}, 200, "Pagamento riuscito"),
    ],
)
def test_each_state_has_its_page_and_the_way_home(
    client: FlaskClient, small_world: World, row: dict[str, str], status: int, words: str
) -> None:
    id_session = small_world.make_sessione(**row)

    answer = client.get(f"/paga/{id_session}")

    assert answer.status_code == status
    assert words in answer.text
    assert f'href="/paga/{id_session}/torna"' in answer.text
    assert "mario.rossi@example.it" not in answer.text


def test_an_expired_session_is_gone_for_page_and_form(client: FlaskClient, small_world: World) -> None:
    id_session = small_world.make_sessione()
    page = client.get(f"/paga/{id_session}").text
    small_world.change(id_session, expires_at=small_world.clock.now - timedelta(seconds=1))

    shown = client.get(f"/paga/{id_session}")
    seal = re.search(r'name="sigillo" value="([^"]+)"', page)
    assert seal is not None
    posted = client.post(f"/paga/{id_session}", data={"sigillo": seal[1], "nome": "M", "email": "m@example.it"})

    assert shown.status_code == 410
    assert client.get(posted.location).location == f"/paga/{id_session}"
    assert small_world.row(id_session).stato == "NUOVO_CARRELLO"


@pytest.mark.parametrize("path", ["sconosciuta", "a" * 37, "%00", "..%2F", "00000000-0000-4000-8000-0000000000é"])
def test_an_unknown_session_is_not_found(client: FlaskClient, path: str) -> None:
    answer = client.get(f"/paga/{path}")

    assert answer.status_code == 404
    assert "Pagamento non trovato" in answer.text


def test_a_form_over_the_limit_is_refused(client: FlaskClient, small_world: World) -> None:
    answer = client.post(f"/paga/{small_world.make_sessione()}", data={"nome": "x" * 20_000})

    assert answer.status_code == 413


def test_several_voci_are_listed_with_their_total(client: FlaskClient, small_world: World) -> None:
    start, end = DOVUTI.index(b"<datiSingoloVersamento>"), DOVUTI.index(b"</datiVersamento>")
    voce = DOVUTI[start:end]
    second = voce.replace(b"IUD-1", b"IUD-B").replace(b"1234.56", b"0.07")
    documento = DOVUTI[:end] + second + DOVUTI[end:]

    answer = client.get(f"/paga/{small_world.make_sessione(documento=documento)}")

    assert "0,07\N{NO-BREAK SPACE}€" in answer.text
    assert "1.234,63\N{NO-BREAK SPACE}€" in answer.text
    assert "<dt>Totale</dt>" in answer.text
