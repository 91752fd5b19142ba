"""The operators' console: who enters, what each sees, what the buttons do, what another site cannot make them do."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import insert, select, update

from hub.domain.delivery import Outcome
from hub.domain.stati import StatoMessaggio
from hub.store import outbox, schema
from hub.usecases.operatori import add_operatore, revoke_operatore
from hub.web import create_flask
from hub.web.console import SESSION_TTL
from tests.web.conftest import MakeClient, World

PASSWORD = "una frase lunga 7"


def add_vicino(world: World) -> None:
    with world.db.transaction() as session:
        ente = session.execute(select(schema.enti).where(schema.enti.c.id == 1)).one()._asdict()
        session.execute(insert(schema.enti), ente | {"id": 2, "cod_ipa_ente": "C_VICINO", "nome": "Comune Vicino"})


def put(world: World, *, ente_id: int | None = 1, stato: str = "PARCHEGGIATO", attempts: int = 4, **values: Any) -> int:
    """Lay a message as the relay left it."""
    now = world.clock.now
    row = {
        "topic": "ente.esito", "ente_id": ente_id, "chiave": "1:IUD-1", "payload": b"RSSMRA80A01H501U", "stato": stato,
        "attempts": attempts, "next_attempt_at": now + timedelta(hours=1), "last_code": "HTTP_503",
        "motivo": "tentativi esauriti", "correlation_id": "c" * 32, "created_at": now, "settled_at": now,
    }  # fmt: skip
    with world.db.transaction() as session:
        return session.execute(insert(schema.outbox).returning(schema.outbox.c.id), row | values).scalar_one()


def message(world: World, id: int) -> Any:
    with world.db.reading() as session:
        return outbox.find(session, id)


def csrf_of(page: str) -> str:
    return re.search(r'name="csrf" value="([0-9a-f]{64})"', page).group(1)


def enter(client: FlaskClient, nome: str = "anna", password: str = PASSWORD) -> Any:
    token = csrf_of(client.get("/console/accesso").text)
    return client.post("/console/accesso", data={"nome": nome, "password": password, "csrf": token})


def press(client: FlaskClient, id: int, name: str = "riprova", **values: str) -> Any:
    token = csrf_of(client.get("/console").text)
    return client.post(f"/console/messaggi/{id}/{name}", data={"csrf": token, **values})


@pytest.fixture
def anna(small_world: World) -> World:
    """anna is an operator of the installation, bruno of Comune di Prova, carla of Comune Vicino."""
    return with_operators(small_world)


def with_operators(world: World) -> World:
    add_vicino(world)
    for nome, ente in (("anna", None), ("bruno", "C_PROVA"), ("carla", "C_VICINO")):
        add_operatore(world.db, nome, PASSWORD, ente, world.clock())
    return world


@pytest.fixture
def inside(anna: World, client: FlaskClient) -> FlaskClient:
    assert enter(client).status_code == 303
    return client


# Entering.


def test_nobody_sees_anything_before_entering(anna: World, client: FlaskClient) -> None:
    put(anna)

    answer = client.get("/console")

    assert (answer.status_code, answer.location) == (303, "/console/accesso")


def test_an_operator_enters_with_name_and_password(anna: World, client: FlaskClient) -> None:
    answer = enter(client)

    assert (answer.status_code, answer.location) == (303, "/console")
    page = client.get("/console")
    assert page.status_code == 200 and "Sei anna" in page.text
    assert client.get("/console/accesso").location == "/console"


@pytest.mark.parametrize(
    ("nome", "password"),
    [
        ("anna", "sbagliata"),
        ("nessuno", PASSWORD),
        ("", ""),
        ("anna", ""),
        ("anna", PASSWORD + "x"),
        ("a" * 500, "b" * 500),
    ],
)
def test_wrong_name_and_wrong_password_get_the_same_answer(
    anna: World, client: FlaskClient, nome: str, password: str
) -> None:
    answer = enter(client, nome, password)

    assert answer.status_code == 401
    assert "Nome o password non corretti." in answer.text
    assert client.get("/console").status_code == 303
    assert not password or password not in answer.text


def test_who_guesses_is_slowed_and_even_the_right_password_waits(anna: World, client: FlaskClient) -> None:
    for _ in range(20):
        assert enter(client, "anna", "sbagliata").status_code == 401

    answer = enter(client)

    assert answer.status_code == 429
    assert 0 < int(answer.headers["Retry-After"]) <= 61


def test_another_address_is_not_slowed_and_a_forged_one_is_not_believed(anna: World, client: FlaskClient) -> None:
    token = csrf_of(client.get("/console/accesso").text)
    data = {"nome": "anna", "password": "sbagliata", "csrf": token}
    for number in range(20):
        forged = {"X-Forwarded-For": f"198.51.100.{number}"}
        client.post("/console/accesso", data=data, headers=forged)

    assert client.post("/console/accesso", data=data).status_code == 429
    other = client.post("/console/accesso", data=data, environ_base={"REMOTE_ADDR": "192.0.2.9"})
    assert other.status_code == 401


def test_a_revoked_operator_is_out_at_once(anna: World, inside: FlaskClient) -> None:
    revoke_operatore(anna.db, "anna", anna.clock())

    assert inside.get("/console").status_code == 303
    assert enter(inside).status_code == 401


def test_a_new_password_closes_what_the_old_one_opened(anna: World, inside: FlaskClient) -> None:
    revoke_operatore(anna.db, "anna", anna.clock())
    add_operatore(anna.db, "anna", PASSWORD + " nuova", None, anna.clock())
    with anna.db.transaction() as session:
        # Even where the row kept its id.
        old = schema.operatori.c.revoked_at.is_not(None)
        session.execute(update(schema.operatori).where(schema.operatori.c.nome == "anna", ~old).values(nome="altra"))
        session.execute(update(schema.operatori).where(old).values(revoked_at=None, hash="altro"))

    assert inside.get("/console").status_code == 303


def test_the_session_expires(anna: World, inside: FlaskClient) -> None:
    anna.clock.advance(SESSION_TTL.total_seconds() - 1)
    assert inside.get("/console").status_code == 200

    anna.clock.advance(1)

    assert inside.get("/console").status_code == 303


def test_going_out_closes(inside: FlaskClient) -> None:
    token = csrf_of(inside.get("/console").text)

    assert inside.post("/console/uscita", data={"csrf": token}).location == "/console/accesso"
    assert inside.get("/console").status_code == 303


@pytest.mark.parametrize(("public_url", "is_secure"), [("https://hub.example.org", True), ("http://127.0.0.1", False)])
def test_cookies_are_out_of_reach_of_scripts_and_of_other_sites(anna: World, public_url: str, is_secure: bool) -> None:
    config = anna.runtime.config.model_copy(update={"public_url": public_url})
    client = create_flask(replace(anna.runtime, config=config)).test_client()
    base = "https://localhost" if is_secure else "http://localhost"
    token = csrf_of(client.get("/console/accesso", base_url=base).text)

    answer = client.post("/console/accesso", data={"nome": "anna", "password": PASSWORD, "csrf": token}, base_url=base)

    cookies = answer.headers.getlist("Set-Cookie")
    assert len(cookies) == 2
    for cookie in cookies:
        assert "HttpOnly" in cookie and "SameSite=Strict" in cookie and "Path=/console" in cookie
        assert "Max-Age=14400" in cookie
        assert ("Secure" in cookie) == is_secure


@pytest.mark.parametrize("cookie", ["", "x.y.z", "eyJhbGciOiJub25lIn0.eyJzdWIiOiIxIn0.", "a" * 3000])
def test_a_forged_session_is_no_session(anna: World, client: FlaskClient, cookie: str) -> None:
    client.set_cookie("pontepa_console", cookie, path="/console")

    assert client.get("/console").status_code == 303


def test_the_pages_have_the_headers_of_all_pages(inside: FlaskClient) -> None:
    answer = inside.get("/console")

    assert "default-src 'none'" in answer.headers["Content-Security-Policy"]
    assert answer.headers["Cache-Control"] == "no-store"
    assert answer.headers["X-Frame-Options"] == "DENY"
    assert "<script" not in answer.text and "style=" not in answer.text


# What another site could try.


POSTS = ["/console/accesso", "/console/uscita", "/console/messaggi/1/riprova", "/console/messaggi/1/parcheggia"]


@pytest.mark.parametrize("path", POSTS)
@pytest.mark.parametrize("token", [None, "", "0" * 64, "è"])
def test_a_post_without_the_token_does_nothing(anna: World, inside: FlaskClient, path: str, token: str | None) -> None:
    put(anna)
    data = {"nome": "anna", "password": PASSWORD} | ({} if token is None else {"csrf": token})

    assert inside.post(path, data=data).status_code == 403
    assert message(anna, 1).stato == "PARCHEGGIATO"
    assert inside.get("/console").status_code == 200


def test_a_token_of_another_visit_is_refused(anna: World, inside: FlaskClient) -> None:
    id = put(anna)
    other = create_flask(anna.runtime).test_client()
    enter(other, "bruno")
    token = csrf_of(other.get("/console").text)

    assert inside.post(f"/console/messaggi/{id}/riprova", data={"csrf": token}).status_code == 403


def test_a_token_taken_before_the_entrance_is_refused_after_it(anna: World, client: FlaskClient) -> None:
    id = put(anna)
    before = csrf_of(client.get("/console/accesso").text)
    enter(client)

    assert client.post(f"/console/messaggi/{id}/riprova", data={"csrf": before}).status_code == 403


@pytest.mark.parametrize("site", ["cross-site", "same-site"])
def test_a_post_that_the_browser_says_was_born_elsewhere_is_refused(
    anna: World, inside: FlaskClient, site: str
) -> None:
    id = put(anna)
    token = csrf_of(inside.get("/console").text)

    answer = inside.post(f"/console/messaggi/{id}/riprova", data={"csrf": token}, headers={"Sec-Fetch-Site": site})

    assert answer.status_code == 403
    assert message(anna, id).stato == "PARCHEGGIATO"


@pytest.mark.parametrize("path", POSTS[2:])
def test_a_link_does_nothing(anna: World, inside: FlaskClient, path: str) -> None:
    put(anna)

    assert inside.get(path).status_code == 405


# What is seen and done.


def test_a_parked_message_shows_reason_attempts_ente_and_never_its_content(anna: World, inside: FlaskClient) -> None:
    put(anna, motivo="tentativi esauriti: <b>HTTP 503</b>")

    page = inside.get("/console").text

    for shown in ("Comune di Prova", "ente.esito", "1:IUD-1", "HTTP_503", "tentativi esauriti: &lt;b&gt;", "Riprova"):
        assert shown in page
    assert "<dd>4</dd>" in page
    assert "RSSMRA80A01H501U" not in page


@pytest.mark.parametrize(
    ("nome", "seen"),
    [("anna", {"di Prova", "Vicino", "dell’installazione"}), ("bruno", {"di Prova"}), ("carla", {"Vicino"})],
)
def test_each_operator_sees_what_is_of_the_own_ente(
    world: World, open_client: MakeClient, nome: str, seen: set[str]
) -> None:
    with_operators(world)
    client = open_client(world)
    enter(client, nome)
    for stato in ("PARCHEGGIATO", "DA_INVIARE"):
        for ente_id in (1, 2, None):
            put(world, ente_id=ente_id, stato=stato)

    page = client.get("/console").text

    shown = re.findall(r"<dt>Ente</dt><dd>(?:Comune )?([^<]+)</dd>", page)
    assert set(shown) == seen and len(shown) == 2 * len(seen)


@pytest.mark.parametrize("name", ["riprova", "parcheggia"])
@pytest.mark.parametrize("ente_id", [2, None])
def test_what_is_of_another_ente_does_not_exist(
    anna: World, client: FlaskClient, name: str, ente_id: int | None
) -> None:
    stato = "PARCHEGGIATO" if name == "riprova" else "DA_INVIARE"
    id = put(anna, ente_id=ente_id, stato=stato)
    enter(client, "bruno")

    answer = press(client, id, name)

    assert answer.status_code == 404 and "non è del tuo ente" in answer.text
    assert message(anna, id).stato == stato
    assert press(client, 999, name).status_code == 404


def test_the_button_lets_a_parked_message_leave(world: World, open_client: MakeClient) -> None:
    with_operators(world)
    client = open_client(world)
    enter(client, "bruno")
    id = put(world)

    answer = press(client, id)

    row = message(world, id)
    assert (answer.status_code, answer.location) == (303, "/console?detto=riprova")
    assert (row.stato, row.next_attempt_at, row.motivo) == ("SCONOSCIUTO", world.clock(), None)
    assert "Il messaggio parte adesso." in client.get(answer.location).text


def test_a_waiting_message_is_set_aside_with_the_operators_words(world: World, open_client: MakeClient) -> None:
    with_operators(world)
    client = open_client(world)
    enter(client, "bruno")
    id = put(world, stato="DA_INVIARE", motivo=None, settled_at=None)

    press(client, id, "parcheggia", motivo="  l'ente\n cambia\x00 server ")

    row = message(world, id)
    assert (row.stato, row.motivo) == ("PARCHEGGIATO", "l'ente cambia server (bruno)")
    assert "l&#39;ente cambia server (bruno)" in client.get("/console").text


def test_words_without_end_are_cut(anna: World, inside: FlaskClient) -> None:
    id = put(anna, stato="DA_INVIARE")

    press(inside, id, "parcheggia", motivo="a" * 5000)

    assert message(anna, id).motivo == "a" * 200 + " (anna)"


@pytest.mark.parametrize(
    ("stato", "name"),
    [("CONSEGNATO", "riprova"), ("IN_INVIO", "riprova"), ("RIFIUTATO", "riprova"), ("IN_INVIO", "parcheggia"),
     ("PARCHEGGIATO", "parcheggia")],
)  # fmt: skip
def test_a_message_that_moved_on_meanwhile_is_left_alone(
    anna: World, inside: FlaskClient, stato: str, name: str
) -> None:
    id = put(anna, stato=stato)

    answer = press(inside, id, name)

    assert answer.status_code == 409 and "è cambiato" in answer.text
    assert message(anna, id).stato == stato


def test_a_message_that_never_failed_is_nobodys_business(anna: World, inside: FlaskClient) -> None:
    put(anna, stato="DA_INVIARE", attempts=0)

    page = inside.get("/console").text

    assert "Nessun messaggio è messo da parte." in page
    assert "Nessun messaggio aspetta un altro tentativo." in page


def test_a_long_list_comes_in_pages(anna: World, inside: FlaskClient) -> None:
    ids = [put(anna, chiave=f"k{number}") for number in range(60)]

    first = inside.get("/console").text
    link = re.search(r'href="(/console\?dopo=\d+)"', first).group(1)
    second = inside.get(link).text

    found = [[int(id) for id in re.findall(r"<h3 id=\"m(\d+)\"", page)] for page in (first, second)]
    assert found == [ids[:50], ids[50:]]


@pytest.mark.parametrize("after", ["-1", "x", "9" * 19, "9" * 40, "٣"])
def test_nonsense_in_the_address_is_the_first_page_or_an_empty_one(
    anna: World, inside: FlaskClient, after: str
) -> None:
    assert inside.get("/console", query_string={"dopo": after, "detto": "<b>"}).status_code == 200


def test_what_the_button_says_is_not_taken_from_the_address(inside: FlaskClient) -> None:
    assert "tutto bene" not in inside.get("/console?detto=tutto bene").text


def test_a_message_that_is_tried_again_and_fails_is_parked_again(anna: World, inside: FlaskClient) -> None:
    id = put(anna)
    press(inside, id)

    with anna.db.transaction() as session:
        (claimed,) = outbox.claim(session, anna.clock(), timedelta(minutes=1), 1)
        assert claimed.must_ask and claimed.attempts == 5
        outbox.settle(
            session, claimed, StatoMessaggio.PARCHEGGIATO, anna.clock(), outcome=Outcome.REFUSED, code="HTTP_500",
            motivo="ancora",
        )  # fmt: skip

    assert "ancora" in inside.get("/console").text
