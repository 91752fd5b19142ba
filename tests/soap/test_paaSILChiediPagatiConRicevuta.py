"""paaSILChiediPagatiConRicevuta through its contract."""

from __future__ import annotations

import base64
from typing import Any

import pytest

from hub.domain.delivery import Delivery, Outcome
from hub.formats import schemi
from hub.formats.xml import parse
from tests.factories import make_rt
from tests.soap.zeep_client import ente_client, open_door
from tests.world import World

CALLER = {"codIpaEnte": "C_PROVA", "password": "Segreto12345"}


def paid(world: World) -> tuple[str, bytes]:
    """A paid session and the bytes of its receipt, which carry a comment that no parser would keep."""
    id_session = world.begin()
    tentativo = world.tentativo(id_session)
    raw = make_rt(bytes(tentativo.rpt)) + b"\n<!-- coda -->\n"
    world.receive(raw, tentativo)
    world.apply()
    return id_session, raw


def keys(world: World, id_session: str) -> list[dict[str, str]]:
    (dovuto,) = world.dovuti(id_session)
    return [
        {"idSession": id_session},
        {"identificativoUnivocoVersamento": dovuto.iuv},
        {"identificativoUnivocoDovuto": dovuto.iud},
    ]


def test_document_and_receipt_come_by_every_key(world):
    id_session, raw = paid(world)
    client = ente_client(open_door(world))

    answers = [client.paaSILChiediPagatiConRicevuta(**CALLER, **key) for key in keys(world, id_session)]

    for answer in answers:
        document = base64.b64decode(answer.pagati, validate=True)
        assert answer.fault is None and answer.rt == raw
        assert document.startswith(b"<pay_i:PagatiConRicevuta ")
        assert schemi.schema(schemi.DOVUTI_PAGATI).check(parse(document)) == []


def test_blank_keys_count_as_absent(small_world):
    id_session, raw = paid(small_world)
    door = open_door(small_world)
    body = (
        '<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/"><s:Body><e:paaSILChiediPagatiConRicevuta '
        'xmlns:e="http://www.regione.veneto.it/pagamenti/ente/"><codIpaEnte>C_PROVA</codIpaEnte>'
        f"<password>Segreto12345</password><idSession>{id_session}</idSession><identificativoUnivocoVersamento/>"
        "<identificativoUnivocoDovuto></identificativoUnivocoDovuto></e:paaSILChiediPagatiConRicevuta></s:Body>"
        "</s:Envelope>"
    )

    answer = door.post("/ws/pa/PagamentiTelematiciDovutiPagati", body.encode(), {})

    assert b"<rt>" + base64.b64encode(raw) + b"</rt>" in answer.body


@pytest.mark.parametrize("count", [0, 2, 3])
def test_any_other_number_of_keys_is_refused(small_world, count):
    id_session, _ = paid(small_world)
    given: dict[str, Any] = {}
    for key in keys(small_world, id_session)[:count]:
        given |= key

    answer = ente_client(open_door(small_world)).paaSILChiediPagatiConRicevuta(**CALLER, **given)

    assert answer.fault.faultCode == "PAA_SYSTEM_ERROR"
    assert f"ricevute {count}" in answer.fault.description


def test_no_key_of_ours_opens_for_the_neighbour(small_world):
    id_session, _ = paid(small_world)
    client = ente_client(open_door(small_world))
    caller = {"codIpaEnte": "C_VICINO", "password": "Vicino123456"}

    codes = [
        client.paaSILChiediPagatiConRicevuta(**caller, **key).fault.faultCode for key in keys(small_world, id_session)
    ]

    assert codes == ["PAA_ID_SESSION_NON_VALIDO", "PAA_IUV_NON_VALIDO", "PAA_IUD_NON_VALIDO"]


def test_a_send_that_was_refused_gives_a_negative_outcome_without_receipt(world):
    id_session = world.begin()
    world.nodo.sends.append(Delivery(Outcome.REFUSED, "PPT_IBAN_NON_CENSITO"))
    world.relay()
    client = ente_client(open_door(world))

    answers = [client.paaSILChiediPagatiConRicevuta(**CALLER, **key) for key in keys(world, id_session)]

    for answer in answers:
        assert (answer.fault, answer.rt) == (None, None)
        assert b"codiceEsitoPagamento>1<" in base64.b64decode(answer.pagati)
