"""paaSILChiediPagati through its contract."""

from __future__ import annotations

import base64

import pytest

from hub.formats import schemi
from hub.formats.xml import parse
from tests.factories import make_rt
from tests.soap.zeep_client import ente_client, open_door
from tests.world import World

PAY_I = "{http://www.regione.veneto.it/schemas/2012/Pagamenti/Ente/}"


def paid(world: World) -> str:
    id_session = world.begin()
    tentativo = world.tentativo(id_session)
    world.receive(make_rt(bytes(tentativo.rpt)), tentativo)
    world.apply()
    return id_session


def test_a_paid_session_gives_pagati_twice_in_base64(world):
    id_session = paid(world)
    client = ente_client(open_door(world))

    answer = client.paaSILChiediPagati(codIpaEnte="C_PROVA", password="Segreto12345", idSession=id_session)

    assert answer.fault is None
    document = base64.b64decode(answer.pagati, validate=True)  # zeep has taken the first level off
    assert document.startswith(b"<pay_i:Pagati ")
    root = parse(document)
    assert schemi.schema(schemi.DOVUTI_PAGATI).check(root) == []
    assert root.findtext(f".//{PAY_I}identificativoUnivocoDovuto") == world.dovuti(id_session)[0].iud


def test_a_superfluous_header_is_ignored(small_world):
    door = open_door(small_world)
    id_session = paid(small_world)
    body = (
        '<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/"><s:Header><h:intestazionePPT '
        'xmlns:h="http://www.regione.veneto.it/pagamenti/ente/ppthead"><codIpaEnte>C_VICINO</codIpaEnte>'
        "</h:intestazionePPT></s:Header><s:Body><e:paaSILChiediPagati "
        'xmlns:e="http://www.regione.veneto.it/pagamenti/ente/"><codIpaEnte>C_PROVA</codIpaEnte>'
        f"<password>Segreto12345</password><idSession>{id_session}</idSession></e:paaSILChiediPagati></s:Body>"
        "</s:Envelope>"
    )

    answer = door.post("/ws/pa/PagamentiTelematiciDovutiPagati", body.encode(), {})

    assert b"<pagati>" in answer.body and b"<fault>" not in answer.body


@pytest.mark.parametrize(
    ("ente", "code"),
    [("C_VICINO", "PAA_ID_SESSION_NON_VALIDO"), ("C_SPENTO", "PAA_ENTE_NON_VALIDO")],
)
def test_who_may_not_see_it_gets_a_fault_with_all_three_fields(small_world, ente, code):
    id_session = paid(small_world)
    door = open_door(small_world)
    password = {"C_VICINO": "Vicino123456", "C_SPENTO": "Spento123456"}[ente]

    answer = ente_client(door).paaSILChiediPagati(codIpaEnte=ente, password=password, idSession=id_session)

    assert (door.last.status, answer.pagati) == (200, None)
    assert (answer.fault.faultCode, answer.fault.id) == (code, ente)
    assert answer.fault.faultString and answer.fault.description


def test_another_entes_session_and_one_that_never_was_get_the_same_bytes(small_world):
    door = open_door(small_world)
    client = ente_client(door)
    sessions = paid(small_world), "00000000-0000-4000-8000-000000000000"

    for id_session in sessions:
        client.paaSILChiediPagati(codIpaEnte="C_VICINO", password="Vicino123456", idSession=id_session)

    first, second = (
        answer.body.replace(id_session.encode(), b"*")
        for answer, id_session in zip(door.answers, sessions, strict=True)
    )
    assert first == second


def test_a_session_that_has_not_begun_is_a_business_fault(small_world):
    door = open_door(small_world)

    answer = ente_client(door).paaSILChiediPagati(
        codIpaEnte="C_PROVA", password="Segreto12345", idSession=small_world.invia()
    )

    assert (door.last.status, answer.fault.faultCode) == (200, "PAA_PAGAMENTO_NON_INIZIATO")
