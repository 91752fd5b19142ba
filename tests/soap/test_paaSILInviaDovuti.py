"""paaSILInviaDovuti through its contract: zeep asks, the answer's bytes are valid."""

from __future__ import annotations

import base64
import re
from typing import Any

import pytest
import zeep

from hub.store import schema
from tests.factories import make_documento, make_voce
from tests.soap.zeep_client import Door, ente_client, intestazione, open_door
from tests.world import World

URL = "https://sportello.example.org/esito?pratica=17&a=b"


def invia(client: Any, ente: str = "C_PROVA", password: str = "Segreto12345", **values: Any) -> Any:
    request = {"password": password, "dovuti": make_documento().xml} | values
    return client.paaSILInviaDovuti(**request, _soapheaders=intestazione(ente))


@pytest.fixture
def door(small_world: World) -> Door:
    return open_door(small_world)


@pytest.fixture
def client(door: Door) -> Any:
    return ente_client(door)


def test_a_good_request_gets_a_session_and_the_payers_address(world):
    answer = invia(ente_client(open_door(world)), enteSILInviaRispostaPagamentoUrl=URL)

    assert (answer.fault, answer.esito, answer.redirect) == (None, "OK", 1)
    assert answer.url == f"https://hub.example.org/paga/{answer.idSession}"
    assert world.sessione(answer.idSession).url_esito == URL


def test_the_children_of_the_answer_have_no_prefix(client, door):
    """Clients look for them with regular expressions."""
    invia(client)

    assert re.search(rb"<idSession>[0-9a-f-]{36}</idSession>", door.last.body)
    assert b"<url>https://" in door.last.body and b"<esito>OK</esito>" in door.last.body


def test_a_refusal_is_an_answer_of_the_contract(client, door):
    answer = invia(client, dovuti=make_documento(make_voce(causale=" ")).xml)

    assert (door.last.status, answer.esito, answer.idSession) == (200, "KO", None)
    fault = answer.fault
    assert (fault.faultCode, fault.id) == ("PAA_CAUSALE_NON_PRESENTE", "C_PROVA")
    assert fault.faultString and fault.description


def test_an_ente_that_is_not_active_is_refused(client):
    assert invia(client, "C_SPENTO", "Spento123456").fault.faultCode == "PAA_STATO_ENTE_NON_VALIDO"


def test_an_unknown_ente_and_a_wrong_password_get_the_same_bytes(client, door):
    for ente in ("C_PROVA", "C_XXXXX"):
        invia(client, ente, "Sbagliata123")

    known, unknown = (answer.body.replace(b"C_PROVA", b"*").replace(b"C_XXXXX", b"*") for answer in door.answers)
    assert known == unknown
    assert [answer.status for answer in door.answers] == [200, 200]


def test_a_missing_header_is_a_refusal_not_a_fault(client, door):
    answer = client.paaSILInviaDovuti(password="Segreto12345", dovuti=make_documento().xml)

    assert (door.last.status, answer.fault.faultCode) == (200, "PAA_ENTE_NON_VALIDO")


def test_a_password_never_comes_back(client, door):
    invia(client, "C_PROVA", "Sbagliata123")

    assert b"Sbagliata123" not in door.last.body


def test_twenty_wrong_passwords_are_answered_429_to_that_source_only(small_world):
    noisy = open_door(small_world)
    client = ente_client(noisy)
    for _ in range(20):
        invia(client, "C_PROVA", "Sbagliata123")

    with pytest.raises(zeep.exceptions.Fault):  # zeep reads no answer but 200
        invia(client)

    assert noisy.last.status == 429
    assert 1 <= int(noisy.last.headers["Retry-After"]) <= 61
    assert b"<esito>KO</esito>" in noisy.last.body
    assert invia(ente_client(Door(noisy.wsgi, "198.51.100.7"))).esito == "OK"


@pytest.mark.parametrize("levels", [1, 2])
def test_one_or_two_levels_of_base64_are_accepted(client, levels):
    data = make_documento().xml
    for _ in range(levels - 1):
        data = base64.b64encode(data)

    assert invia(client, dovuti=data).esito == "OK"


def test_the_same_request_again_opens_another_session(client):
    data = make_documento().xml

    assert invia(client, dovuti=data).idSession != invia(client, dovuti=data).idSession


def test_an_iud_that_was_paid_for_is_burnt(small_world, client):
    data = make_documento().xml
    small_world.start(invia(client, dovuti=data).idSession)

    assert invia(client, dovuti=data).fault.faultCode == "PAA_IUD_DUPLICATO"


def test_a_database_that_does_not_answer_is_503_and_nothing_is_promised(small_world, client, door):
    with small_world.db.transaction() as session:
        session.exec_driver_sql("ALTER TABLE sessioni RENAME TO altrove")

    with pytest.raises(zeep.exceptions.Fault, match="database"):
        invia(client)

    assert (door.last.status, int(door.last.headers["Retry-After"])) == (503, 5)
    assert small_world.rows(schema.outbox) == []
