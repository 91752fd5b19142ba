"""paSendRT and paSendRTV2 through their door: what the node reads decides whether it sends the receipt again.

Source: node, 3.4, 3.5, policy of the KO (3.0.7), tolerance (3.0.2).
"""

from __future__ import annotations

from typing import Any

import pytest

from hub.formats.resources import resource
from hub.soap.contract import load_contract
from hub.soap.nodo.pa_for_node import PATH
from hub.store import schema
from tests.ricevute import NS, envelope, make_ricevuta, make_transfer
from tests.soap.zeep_client import Answer, Door, check_answer, open_door
from tests.world import World

SCHEMA = load_contract(resource("wsdl", "paForNode.wsdl")).schema
BOTH = ["paSendRT", "paSendRTV2"]


def send(door: Door, raw: bytes, **headers: str) -> Answer:
    answer = door.post(PATH, raw, headers)
    check_answer(answer, SCHEMA)
    return answer


def outcome(answer: Answer) -> tuple[int, bool]:
    return answer.status, b"<outcome>OK</outcome>" in answer.body


@pytest.mark.parametrize("primitiva", BOTH)
def test_a_receipt_is_ok_and_kept_and_pays(world: World, primitiva: str) -> None:
    dovuto = world.lay_avviso()
    raw = make_ricevuta(primitiva)

    answer = send(open_door(world), raw)
    world.apply()

    assert outcome(answer) == (200, True)
    (row,) = world.ricevute()
    assert (bytes(row.raw), row.primitiva, row.stato) == (raw, primitiva, "ELABORATA")
    assert world.one(schema.dovuti, id=dovuto.id).stato == "COMPLETATO"


def test_five_deliveries_are_one_receipt(world: World) -> None:
    raw = make_ricevuta()
    door = open_door(world)

    answers = [outcome(send(door, raw)) for _ in range(5)]

    assert answers == [(200, True)] * 5
    assert len(world.ricevute()) == 1


@pytest.mark.parametrize(
    "change",
    [
        {"extra": "<novita>1</novita>"},
        {"outcome": "FORSE"},
        {"fee": "tanto"},
        {"importo": "50"},
        {"avviso": None},
        {"transfers": tuple(make_transfer(number % 5 + 1, "5.00") for number in range(10))},
        {"pagato_at": "20 novembre"},
    ],
    ids=lambda change: next(iter(change)),
)
def test_what_the_schema_refuses_is_taken(small_world: World, change: dict[str, Any]) -> None:
    raw = make_ricevuta(**change)

    answer = send(open_door(small_world), raw)

    assert outcome(answer) == (200, True)
    assert bytes(small_world.ricevute()[0].raw) == raw


def test_children_with_the_namespace_of_the_message_are_read(small_world: World) -> None:
    small_world.lay_avviso()
    raw = make_ricevuta().replace(b"xmlns:p=", b"xmlns=").replace(b"p:paSend", b"paSend")
    assert NS.encode() in raw

    answer = send(open_door(small_world), raw)
    small_world.apply()

    assert outcome(answer) == (200, True)
    assert small_world.ricevute()[0].stato == "ELABORATA"


def test_a_receipt_in_the_charset_of_its_http_header_is_read_again_as_it_was(small_world: World) -> None:
    dovuto = small_world.lay_avviso()
    raw = make_ricevuta(transfers=(make_transfer(causale="Città"),)).decode().encode("iso-8859-1")

    answer = send(open_door(small_world), raw, **{"Content-Type": "text/xml; charset=iso-8859-1"})
    small_world.apply()

    assert outcome(answer) == (200, True)
    assert "Città".encode() in small_world.ricevuta(iud=dovuto.iud).rt


@pytest.mark.parametrize(
    ("values", "code"),
    [
        ({"intermediario": "00000000000"}, "PAA_ID_INTERMEDIARIO_ERRATO"),
        ({"stazione": "12345678903_99"}, "PAA_STAZIONE_INT_ERRATA"),
        ({"id_pa": "00000000000"}, "PAA_ID_DOMINIO_ERRATO"),
        ({"receipt_id": None}, "PAA_SINTASSI_EXTRAXSD"),
        ({"receipt_id": ""}, "PAA_SINTASSI_EXTRAXSD"),
    ],
)
@pytest.mark.parametrize("primitiva", BOTH)
def test_what_is_not_ours_is_a_ko_and_kept(small_world: World, primitiva: str, values: Any, code: str) -> None:
    raw = make_ricevuta(primitiva, **values)

    answer = send(open_door(small_world), raw)

    assert outcome(answer) == (200, False)
    assert f"<faultCode>{code}</faultCode>".encode() in answer.body and b"<outcome>KO</outcome>" in answer.body
    assert f"<id>{values.get('id_pa', '12345678903')}</id>".encode() in answer.body
    assert [bytes(row.raw) for row in small_world.ricevute()] == [raw]


def test_a_request_without_a_receipt_is_a_ko(small_world: World) -> None:
    answer = send(open_door(small_world), envelope("paSendRTV2", "<idPA>12345678903</idPA>"))

    assert (answer.status, b"PAA_SINTASSI_EXTRAXSD" in answer.body) == (200, True)
    assert b"<id>12345678903</id>" in answer.body
    assert small_world.ricevute() == []


def test_bytes_that_could_not_be_kept_are_503_and_taken_afterwards(world: World) -> None:
    """A well-formed KO would end the receipt's road: never that, nothing that looks like an answer."""
    raw = make_ricevuta()
    door = open_door(world)
    with world.db.transaction() as session:
        session.exec_driver_sql("ALTER TABLE rt_ricevute RENAME TO altrove")

    refused = send(door, raw)
    with world.db.transaction() as session:
        session.exec_driver_sql("ALTER TABLE altrove RENAME TO rt_ricevute")

    assert refused.status == 503
    assert int(refused.headers["Retry-After"]) > 0
    assert b"outcome" not in refused.body and b"PAA_" not in refused.body
    assert outcome(send(door, raw)) == (200, True)


@pytest.mark.parametrize(
    "raw",
    [b"non xml", make_ricevuta()[:-40], b"<?xml version='1.0'?><!DOCTYPE a [<!ENTITY b 'c'>]><a>&b;</a>"],
    ids=["not_xml", "cut", "entities"],
)
def test_what_is_no_message_is_no_answer_so_that_the_node_sends_again(small_world: World, raw: bytes) -> None:
    answer = send(open_door(small_world), raw)

    assert (answer.status, b"PAA_" in answer.body, b"outcome" in answer.body) == (500, False, False)
