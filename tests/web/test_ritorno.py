"""The way back to the ente and the outcome that its page polls."""

from __future__ import annotations

from urllib.parse import parse_qs, urlsplit

import jwt
import pytest
from flask.testing import FlaskClient
from sqlalchemy import update

from hub.store import schema
from hub.web import tokens
from hub.web.ritorno import return_url, safe_url
from tests.web.conftest import CAST, ENTE_URL, MakeClient, World

UNDER_WAY = {"stato": "PAGAM_IN_CORSO", "id_sessione_nodo": "N1", "url_nodo": "https://wisp.example.org/?idSession=N1"}


def come_back(client: FlaskClient, esito: str = "OK", **changed: str) -> str:
    query = {"idDominio": CAST, "idSession": "N1", "esito": esito, **changed}
    answer = client.get("/paga/ritorno", query_string=query)
    assert answer.status_code == 303
    return answer.location


def outcome(client: FlaskClient, token: str) -> dict[str, str]:
    answer = client.get("/public/carrello/outcome", query_string={"pollingToken": token})
    assert answer.status_code == 200
    assert answer.headers["Access-Control-Allow-Origin"] == "*"
    return answer.get_json()


def test_the_browser_goes_home_with_the_parameters_of_the_contract(world: World, open_client: MakeClient) -> None:
    id_session = world.make_sessione(**UNDER_WAY)

    location = come_back(open_client(world))

    assert location.startswith(f"{ENTE_URL}&idSession={id_session}&esito=OK&pollingToken=")
    assert world.row(id_session).esito_ritorno == "OK"
    assert world.row(id_session).stato == "PAGAM_IN_CORSO"


@pytest.mark.parametrize("esito", ["ERROR", "KO", "DIFFERITO", "", "ok", "<b>"])
def test_all_that_is_not_ok_is_error(client: FlaskClient, small_world: World, esito: str) -> None:
    small_world.make_sessione(**UNDER_WAY)

    location = come_back(client, esito)

    assert parse_qs(urlsplit(location).query)["esito"] == ["ERROR"]


@pytest.mark.parametrize(("stato", "said", "expected"), [("NON_PAGATO", "OK", "ERROR"), ("PAGATO", "ERROR", "OK")])
def test_the_receipt_wins_over_the_word_of_the_browser(
    client: FlaskClient, small_world: World, stato: str, said: str, expected: str
) -> None:
    small_world.make_sessione(**{**UNDER_WAY, "stato": stato})

    location = come_back(client, said)

    assert parse_qs(urlsplit(location).query)["esito"] == [expected]


@pytest.mark.parametrize(
    "url", ["", "javascript:alert(1)", "ftp://example.org/", "http://[::1", "https://a b.example.org/"]
)
def test_without_a_good_address_the_payer_sees_our_own_page(client: FlaskClient, small_world: World, url: str) -> None:
    id_session = small_world.make_sessione(**UNDER_WAY, url_esito=url)

    location = come_back(client)

    assert location == f"/paga/{id_session}"
    page = client.get(location)
    assert "aspettando la conferma" in page.text
    assert "/torna" not in page.text


@pytest.mark.parametrize(
    "changed",
    [
        {"idSession": "altra"},
        {"idSession": ""},
        {"idDominio": "99999999999"},
        {"idSession": "x" * 200},
        {"idDominio": ""},
    ],
)
def test_an_unknown_return_is_not_found(client: FlaskClient, small_world: World, changed: dict[str, str]) -> None:
    small_world.make_sessione(**UNDER_WAY)

    answer = client.get("/paga/ritorno", query_string={"idDominio": CAST, "idSession": "N1", "esito": "OK", **changed})

    assert answer.status_code == 404


def test_no_parameter_of_the_request_chooses_where_the_browser_goes(client: FlaskClient, small_world: World) -> None:
    small_world.make_sessione(**UNDER_WAY)

    location = come_back(
        client, url="https://evil.example.org", enteSILInviaRispostaPagamentoUrl="https://evil.example.org"
    )

    assert urlsplit(location).hostname == "sportello.example.org"


def test_the_polling_token_keeps_its_session_from_renewal_to_receipt(client: FlaskClient, small_world: World) -> None:
    """The original puts another identifier in the renewed token, and the next question finds nothing."""
    id_session = small_world.make_sessione(**UNDER_WAY)
    token = parse_qs(urlsplit(come_back(client)).query)["pollingToken"][0]

    for _ in range(5):
        small_world.clock.advance(15)
        answer = outcome(client, token)
        assert answer["status"] == "INITIATED"
        token = answer["pollingToken"]
    small_world.change(id_session, stato="PAGATO")

    assert outcome(client, token) == {"status": "PAID_OK"}


@pytest.mark.parametrize(
    ("stato", "status"),
    [
        ("NUOVO_CARRELLO", "TO_PAY"),
        ("PAGAM_IN_CORSO", "INITIATED"),
        ("PAGATO", "PAID_OK"),
        ("PARZ_PAGATO", "PAID_OK"),
        ("NON_PAGATO", "PAID_KO"),
        ("IMPOSSIBILE_INVIARE_CARRELLO_RP", "PAID_KO"),
        ("SCADUTO", "NOT_FOUND"),
    ],
)
def test_each_state_has_its_status(client: FlaskClient, small_world: World, stato: str, status: str) -> None:
    id_session = small_world.make_sessione(stato=stato)

    answer = outcome(client, make_token(small_world, id_session))

    assert answer["status"] == status
    assert ("pollingToken" in answer) == (status == "INITIATED")


def make_token(world: World, id_session: str) -> str:
    now = world.clock.now
    return tokens.polling_token(world.runtime.config.secret_key, tokens.Polling(id_session, now), now)


def test_a_token_lasts_sixty_seconds_and_a_renewed_one_twenty(client: FlaskClient, small_world: World) -> None:
    token = make_token(small_world, small_world.make_sessione(**UNDER_WAY))
    small_world.clock.advance(59)
    renewed = outcome(client, token)["pollingToken"]

    small_world.clock.advance(1)

    assert outcome(client, token) == {"status": "NOT_FOUND"}
    assert outcome(client, renewed)["status"] == "INITIATED"
    small_world.clock.advance(19)
    assert outcome(client, renewed) == {"status": "NOT_FOUND"}


def test_renewal_ends_after_an_hour(client: FlaskClient, small_world: World) -> None:
    id_session = small_world.make_sessione(**UNDER_WAY)
    first_at = small_world.clock.now
    small_world.clock.advance(tokens.POLLING_MAX_S + 1)
    old = tokens.Polling(id_session, first_at)

    token = tokens.polling_token(small_world.runtime.config.secret_key, old, small_world.clock.now)

    assert outcome(client, token) == {"status": "INITIATED"}


def test_a_forged_token_finds_nothing(client: FlaskClient, small_world: World) -> None:
    id_session = small_world.make_sessione(stato="PAGATO")
    good = jwt.decode(make_token(small_world, id_session), options={"verify_signature": False})
    secret = small_world.runtime.config.secret_key
    forged = [
        "",
        "a.b.c",
        jwt.encode(good, "", algorithm="none"),
        jwt.encode(good, "un'altra chiave lunga almeno trentadue byte", algorithm="HS256"),
        jwt.encode(good, secret, algorithm="HS256"),
        tokens.seal_form(secret, id_session),
    ]

    answers = [outcome(client, token) for token in forged]

    assert answers == [{"status": "NOT_FOUND"}] * len(forged)


def test_a_token_of_a_session_that_is_no_longer_there_finds_nothing(client: FlaskClient, small_world: World) -> None:
    assert outcome(client, make_token(small_world, "cancellata")) == {"status": "NOT_FOUND"}


def test_the_claims_are_those_of_the_contract(small_world: World) -> None:
    token = make_token(small_world, "S1")

    claims = jwt.decode(token, options={"verify_signature": False})

    assert claims["sub"] == "S1"
    assert claims["exp"] - claims["iat"] == 60
    assert {"jti", "aud"} <= set(claims)


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("https://e.example.org", "https://e.example.org?idSession=S&esito=OK"),
        ("https://e.example.org/p?", "https://e.example.org/p?idSession=S&esito=OK"),
        ("http://e.example.org:8443/p?a=%2F&b", "http://e.example.org:8443/p?a=%2F&b&idSession=S&esito=OK"),
        ("https://e.example.org/p#frammento", "https://e.example.org/p?idSession=S&esito=OK#frammento"),
        ("https://e.example.org/è?x=à", "https://e.example.org/è?x=à&idSession=S&esito=OK"),
        (None, None),
    ],
)
def test_the_query_of_the_ente_is_kept_as_it_is(url: str | None, expected: str | None) -> None:
    assert return_url(url, "S", "OK") == expected


@pytest.mark.parametrize(
    "url", ["https://e.example.org/\r\nSet-Cookie:a=b", "https:\\\\e.example.org", "http://e:x/", "data:text/html,x"]
)
def test_an_address_with_a_trick_in_it_is_not_safe(url: str) -> None:
    assert safe_url(url) is None


CHIAVE = "0123456789abcdef" * 4


def query_of(location: str) -> dict[str, list[str]]:
    return parse_qs(urlsplit(location).query)


def test_without_a_key_the_return_is_as_in_the_contract(client: FlaskClient, small_world: World) -> None:
    small_world.make_sessione(**UNDER_WAY)

    assert list(query_of(come_back(client)))[-3:] == ["idSession", "esito", "pollingToken"]


@pytest.mark.parametrize("said", ["OK", "ERROR"])
def test_an_ente_with_a_key_can_check_who_sends_the_browser(client: FlaskClient, small_world: World, said: str) -> None:
    """What integrators trip over, 20: a redirect that anybody can write is not a proof."""
    small_world.give_key(CHIAVE)
    id_session = small_world.make_sessione(**UNDER_WAY)

    query = query_of(come_back(client, said))

    assert list(query)[-4:] == ["idSession", "esito", "pollingToken", "firma"]
    claims = jwt.decode(query["firma"][0], CHIAVE, algorithms=["HS256"], audience="C_PROVA")
    assert (claims["sub"], claims["esito"]) == (id_session, said)
    assert claims["iss"] == small_world.runtime.config.public_url
    assert claims["exp"] - claims["iat"] == 600 and claims["jti"]


def test_a_payer_who_gives_up_before_paying_comes_home_signed_too(client: FlaskClient, small_world: World) -> None:
    small_world.give_key(CHIAVE)
    id_session = small_world.make_sessione()

    query = query_of(client.get(f"/paga/{id_session}/torna").location)

    assert list(query)[-3:] == ["idSession", "esito", "firma"]
    assert jwt.decode(query["firma"][0], CHIAVE, algorithms=["HS256"], audience="C_PROVA")["esito"] == "ERROR"


def test_the_signature_of_one_ente_is_not_good_for_another(client: FlaskClient, small_world: World) -> None:
    small_world.give_key(CHIAVE)
    small_world.make_sessione(**UNDER_WAY)
    (firma,) = query_of(come_back(client))["firma"]

    with pytest.raises(jwt.InvalidAudienceError):
        jwt.decode(firma, CHIAVE, algorithms=["HS256"], audience="C_VICINO")
    with pytest.raises(jwt.InvalidSignatureError):
        jwt.decode(firma, CHIAVE[::-1], algorithms=["HS256"], audience="C_PROVA")


def test_a_key_that_cannot_be_read_does_not_stop_the_payer(client: FlaskClient, small_world: World) -> None:
    small_world.give_key(CHIAVE)
    with small_world.db.transaction() as session:
        session.execute(update(schema.enti).values(chiave_ritorno_cifrata="sigillata con un'altra chiave"))
    small_world.make_sessione(**UNDER_WAY)

    assert "firma" not in query_of(come_back(client))
