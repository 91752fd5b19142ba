"""paVerifyPaymentNotice through its contract. Source: node, 3.1, order of checks (3.0.4), locking (3.0.5)."""

from __future__ import annotations

from datetime import date, timedelta

import pytest

from hub.soap.nodo.pa_for_node import PATH
from hub.store import schema
from tests.soap.avvisi import AVVISO, IUV, SECONDARIO, Nodo
from tests.world import INTERMEDIARIO, STAZIONE

VERIFY = "paVerifyPaymentNotice"


def test_a_notice_to_be_paid_is_told_whole(world):
    row = world.lay_avviso(importo_cent=1130)

    answer = Nodo(world).verify()

    (option,) = [answer.paymentList.paymentOptionDescription]
    assert (answer.outcome, answer.fault) == ("OK", None)
    assert (str(option.amount), option.options, option.dueDate, option.allCCP) == ("11.30", "EQ", row.scadenza, False)
    assert (answer.paymentDescription, answer.fiscalCodePA) == ("Tassa rifiuti 2026", INTERMEDIARIO)
    assert (answer.companyName, answer.officeName) == ("Comune di Prova", None)


def test_what_the_notice_has_not_is_left_out(small_world):
    small_world.lay_avviso(scadenza=None)
    nodo = Nodo(small_world)

    nodo.verify()

    assert b"dueDate" not in nodo.door.last.body and b"officeName" not in nodo.door.last.body
    assert b"<amount>50.00</amount>" in nodo.door.last.body


def test_the_share_of_a_second_beneficiary_is_asked_too(world):
    world.lay_avviso(importo_cent=1000, secondario=SECONDARIO)

    assert str(Nodo(world).verify().paymentList.paymentOptionDescription.amount) == "12.50"


def test_all_accounts_are_postal_only_when_every_line_goes_to_the_post(small_world):
    small_world.change(schema.tipi, "codice", "TARI", iban="IT66X0760103200000012345678")
    small_world.lay_avviso()
    small_world.lay_avviso("01000000000000245", secondario=SECONDARIO)
    nodo = Nodo(small_world)

    answers = [nodo.verify(avviso) for avviso in (AVVISO, "301000000000000245")]
    told = [answer.paymentList.paymentOptionDescription.allCCP for answer in answers]

    assert told == [True, False]


@pytest.mark.parametrize(
    ("code", "values"),
    [
        ("PAA_ID_INTERMEDIARIO_ERRATO", {"idBrokerPA": "00000000000"}),
        ("PAA_STAZIONE_INT_ERRATA", {"idStation": "12345678903_99"}),
        ("PAA_ID_DOMINIO_ERRATO", {"idPA": "00000000000"}),
        ("PAA_ID_DOMINIO_ERRATO", {"idPA": "11111111115"}),
        ("PAA_ID_DOMINIO_ERRATO", {"fiscalCode": "98765432103"}),
        ("PAA_PAGAMENTO_SCONOSCIUTO", {"avviso": "301000000000000145"}),
        ("PAA_PAGAMENTO_SCONOSCIUTO", {"avviso": "301000000000000245"}),
        ("PAA_PAGAMENTO_SCONOSCIUTO", {"avviso": "2" + IUV}),
        ("PAA_PAGAMENTO_SCONOSCIUTO", {"idPA": "98765432103"}),
    ],
)
def test_a_question_that_is_not_for_us_gets_its_code(world, code, values):
    world.lay_avviso()

    assert Nodo(world).code(VERIFY, **values) == code


@pytest.mark.parametrize(
    ("code", "values"),
    [
        ("PAA_PAGAMENTO_ANNULLATO", {"stato": "ANNULLATO", "attuale": False}),
        ("PAA_PAGAMENTO_ANNULLATO", {"stato": "ABORT"}),
        ("PAA_PAGAMENTO_DUPLICATO", {"stato": "COMPLETATO", "codice_esito": 0, "importo_pagato_cent": 5000}),
        ("PAA_PAGAMENTO_SCADUTO", {"stato": "SCADUTO"}),
        ("PAA_PAGAMENTO_SCADUTO", {"stato": "SCADUTO_ELABORATO"}),
        ("PAA_PAGAMENTO_SCADUTO", {"tipo": "SANZIONE", "scadenza": date(2026, 1, 31)}),
        ("OK", {"stato": "INSERIMENTO_DOVUTO"}),
        ("OK", {"stato": "PREDISPOSTO"}),
        ("OK", {"stato": "PAGAMENTO_INIZIATO"}),
        ("OK", {"tipo": "MENSA", "scadenza": date(2026, 1, 31)}),
        ("PAA_PAGAMENTO_SCONOSCIUTO", {"iuv_volatile": True}),
        ("PAA_PAGAMENTO_SCONOSCIUTO", {"origine": "ESTERNO-ANONIMO", "stato": "COMPLETATO", "codice_esito": 1}),
    ],
)
def test_every_state_of_a_dovuto_has_its_answer(world, code, values):
    world.lay_avviso(**values)

    assert Nodo(world).code(VERIFY) == code


def test_a_cancelled_version_does_not_hide_the_one_in_its_place(world):
    world.lay_avviso(stato="ANNULLATO", attuale=False, importo_cent=100)
    world.lay_avviso(importo_cent=200)

    assert str(Nodo(world).verify().paymentList.paymentOptionDescription.amount) == "2.00"


def test_a_notice_of_the_old_numbering_carries_the_code_of_its_ente(world):
    world.lay_avviso("000000000000141")
    nodo = Nodo(world)

    codes = [nodo.code(VERIFY, head + "000000000000141") for head in ("001", "002")]

    assert codes == ["OK", "PAA_PAGAMENTO_SCONOSCIUTO"]


def test_a_payment_on_its_way_keeps_the_notice_for_half_an_hour(world):
    """The lock lapses by itself, whatever became of the attempt. Source: node, 3.0.5."""
    world.lay_avviso()
    world.attempt()
    nodo = Nodo(world)

    before = nodo.code(VERIFY)
    world.clock.advance(1801)

    assert (before, nodo.code(VERIFY)) == ("PAA_PAGAMENTO_IN_CORSO", "OK")


def test_a_payment_that_failed_leaves_the_notice_open_and_one_that_succeeded_closes_it(world):
    world.lay_avviso()
    nodo = Nodo(world)

    world.attempt(1)
    failed = nodo.code(VERIFY)
    world.attempt(0)

    assert (failed, nodo.code(VERIFY)) == ("OK", "PAA_PAGAMENTO_DUPLICATO")


def test_the_first_check_that_fails_decides(small_world):
    """Everything is wrong at once; each mended mistake uncovers the next. Source: node, 3.0.4."""
    row = small_world.lay_avviso(stato="ANNULLATO", attuale=False, tipo="SANZIONE")
    small_world.clock.advance(timedelta(days=60).total_seconds())
    nodo = Nodo(small_world)
    wrong = {"idBrokerPA": "0", "idStation": "0", "idPA": "98765432103", "avviso": "301000000000000145"}
    right = {"idBrokerPA": INTERMEDIARIO, "idStation": STAZIONE, "idPA": INTERMEDIARIO, "avviso": AVVISO}
    told = []
    for name, value in right.items():
        told.append(nodo.code(VERIFY, **wrong | {"fiscalCode": "00000000000"}))
        wrong[name] = value
    told.append(nodo.code(VERIFY))
    paid = {"stato": "COMPLETATO", "codice_esito": 0, "importo_pagato_cent": 5000, "attuale": True}
    for values in (paid, {"stato": "INSERIMENTO_DOVUTO", "codice_esito": None}):
        small_world.change(schema.dovuti, "id", row.id, **values)
        told.append(nodo.code(VERIFY))

    assert told == [
        "PAA_ID_INTERMEDIARIO_ERRATO",
        "PAA_STAZIONE_INT_ERRATA",
        "PAA_ID_DOMINIO_ERRATO",
        "PAA_ID_DOMINIO_ERRATO",
        "PAA_PAGAMENTO_ANNULLATO",
        "PAA_PAGAMENTO_DUPLICATO",
        "PAA_PAGAMENTO_SCADUTO",
    ]


def test_a_request_outside_the_contract_is_a_ko_with_its_dominio(small_world):
    nodo = Nodo(small_world)
    asked = (
        '<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/"><s:Body><p:paVerifyPaymentNoticeReq '
        'xmlns:p="http://pagopa-api.pagopa.gov.it/pa/paForNode.xsd"><idPA>12345678903</idPA><idBrokerPA>12345678903'
        "</idBrokerPA><idStation>12345678903_01</idStation></p:paVerifyPaymentNoticeReq></s:Body></s:Envelope>"
    )

    answer = nodo.door.post(PATH, asked.encode(), {})

    assert answer.status == 200
    assert b"<outcome>KO</outcome><fault><faultCode>PAA_SINTASSI_EXTRAXSD</faultCode>" in answer.body
    assert b"<id>12345678903</id>" in answer.body
