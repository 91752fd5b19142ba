"""The counter of the simulated PSP before a hub: what it asks, what it thinks of the answers, what it then sends."""

from __future__ import annotations

import base64
from collections.abc import Iterator

import pytest

from adapters.nodo.fake_node import StazioneNota
from hub.formats.contratti import compile_wsdl
from hub.formats.resources import resource
from hub.formats.xml import parse
from tests.adapters import counter as stage
from tests.adapters.counter import BOLLO, DOMINIO, HASH, IUV, KO, NUMERO, SECONDO, VERIFIED, Counter, payment, transfer
from tests.adapters.simulated import HTTP, eventually, post_json

CONTRACTS = {
    name: compile_wsdl(resource("wsdl", f"{name}.wsdl")) for name in ("paForNode", "PaPerNodoPagamentoPsp", "PaPerNodo")
}


@pytest.fixture
def counter() -> Iterator[Counter]:
    with stage.counter() as counter:
        yield counter


def errors(body: bytes, contract: str = "paForNode") -> list[str]:
    envelope = parse(body)
    parts = [child for part in envelope for child in part.iterchildren("*")]
    return [str(error) for part in parts for error in CONTRACTS[contract].check(part)]


@pytest.mark.parametrize(
    ("primitive", "operations"),
    [
        ("V2", ["paVerifyPaymentNotice", "paGetPaymentV2", "paSendRTV2"]),
        ("V1", ["paVerifyPaymentNotice", "paGetPayment", "paSendRT"]),
    ],
)
def test_a_notice_is_verified_got_and_paid(counter: Counter, primitive: str, operations: list[str]) -> None:
    found = counter(primitive=primitive)

    assert (found["stato"], found["chiesto_cent"], found["pagato_cent"]) == ("PAGATO", 1234, 1234)
    eventually(counter.is_quiet)
    assert [operation for operation, _ in counter.hub.asked] == operations
    assert [errors(body) for _, body in counter.hub.asked] == [[], [], []]
    receipt = counter.hub.receipts()[0]
    told = {name: receipt.findtext(name) for name in ("receiptId", "noticeNumber", "creditorReferenceId", "outcome")}
    assert told == {
        "receiptId": found["token"], "noticeNumber": NUMERO, "creditorReferenceId": IUV, "outcome": "OK",
    }  # fmt: skip
    assert (receipt.findtext("paymentAmount"), receipt.findtext("debtor/fullName")) == ("12.34", "Rossi & figli")
    assert counter.ledger()["conteggi"] == {
        "pagamenti": 1, "pagati": 1, "chiamate": 3, "violazioni": 0, "ricevute": 1, "ricevute_notificate": 1,
        "ricevute_in_attesa": 0, "consegne": 1,
    }  # fmt: skip


def test_every_ente_of_the_transfers_gets_a_copy_of_the_receipt(counter: Counter) -> None:
    counter.hub.say("paGetPaymentV2", payment(transfer(1, "10.00"), transfer(2, "2.34", SECONDO)))

    counter()

    eventually(counter.is_quiet)
    bodies = counter.hub.bodies("paSendRTV2")
    assert sorted(parse(body).findtext(".//idPA") or "" for body in bodies) == [DOMINIO, SECONDO]
    assert {receipt.findtext("fiscalCode") for receipt in counter.hub.receipts()} == {DOMINIO}
    assert len({receipt.findtext("receiptId") for receipt in counter.hub.receipts()}) == 1


def test_a_copy_for_an_ente_of_no_known_station_is_not_sent(counter: Counter) -> None:
    words = {"id": f"{DOMINIO}_07", "intermediario": DOMINIO, "password": "password01"}
    post_json(counter.simulator, "/config", {"stazioni": [words | {"domini": [DOMINIO]}]})
    other = StazioneNota("99999999990_01", "99999999990", "password01")
    node = counter.simulator.simulator.sportello._node
    node.anagrafe = node.anagrafe.with_stazione(other)
    counter.hub.say("paGetPaymentV2", payment(transfer(1, "10.00"), transfer(2, "2.34", SECONDO)))

    counter()

    eventually(counter.is_quiet)
    stations = [parse(body).findtext(".//idStation") for body in counter.hub.bodies("paSendRTV2")]
    assert sorted(map(str, stations)) == [f"{DOMINIO}_07", "99999999990_01"]


def test_a_stamp_comes_back_as_its_document(counter: Counter) -> None:
    counter.hub.say("paGetPaymentV2", payment(transfer(1, "12.34"), transfer(2, "16.00", paid=BOLLO), amount="28.34"))

    counter()

    eventually(counter.is_quiet)
    assert errors(counter.hub.bodies("paSendRTV2")[0]) == []
    document = base64.b64decode(counter.hub.receipts()[0].findtext(".//MBDAttachment"))
    assert HASH.encode() in document


def test_a_refusal_of_the_hub_reaches_the_psp_with_its_own_code(counter: Counter) -> None:
    counter.hub.say("paVerifyPaymentNotice", KO)

    found = counter()

    assert (found["stato"], found["codice"], found["originale"]) == (
        "RIFIUTATO", "PPT_ERRORE_EMESSO_DA_PAA", "PAA_PAGAMENTO_DUPLICATO",
    )  # fmt: skip
    assert len(counter.hub.asked) == 1


TWICE = payment(transfer(1, "10.00"), transfer(1, "2.34"))


@pytest.mark.parametrize(
    ("operation", "answer", "reason"),
    [
        ("paVerifyPaymentNotice", "<outcome>KO</outcome>", "KO senza fault"),
        ("paVerifyPaymentNotice", "<outcome>OK</outcome>", "OK senza paymentList"),
        ("paVerifyPaymentNotice", VERIFIED.replace("EQ", "ANY"), "options diverso da EQ"),
        ("paVerifyPaymentNotice", VERIFIED.replace(DOMINIO, SECONDO), "fiscalCodePA non è l'ente"),
        ("paVerifyPaymentNotice", VERIFIED.replace("12.34", "12,34"), "amount"),
        ("paVerifyPaymentNotice", VERIFIED + "<officeName/>", "officeName"),
        ("paVerifyPaymentNotice", KO.replace("già pagato", ""), "description vuoto"),
        ("paVerifyPaymentNotice", (200, b"<html></html>"), "busta SOAP"),
        ("paVerifyPaymentNotice", (200, b"niente"), "risposta non leggibile"),
        ("paGetPaymentV2", "<outcome>OK</outcome>", "OK senza data"),
        ("paGetPaymentV2", payment(iuv="01000000000000241"), "creditorReferenceId"),
        ("paGetPaymentV2", payment(transfer(1, "12.33")), "la somma dei transfer"),
        ("paGetPaymentV2", TWICE, "idTransfer ripetuto"),
        ("paGetPaymentV2", payment().replace("<companyName>Comune di Prova</companyName>", ""), "companyName"),
    ],
)
def test_an_answer_that_the_node_rejects_is_the_hubs_fault(
    counter: Counter, operation: str, answer: str | tuple[int, bytes], reason: str
) -> None:
    counter.hub.say(operation, answer)

    found = counter()

    assert (found["stato"], found["codice"]) == ("RIFIUTATO", "PPT_STAZIONE_INT_PA_ERRORE_RESPONSE")
    assert reason in found["dettaglio"] or reason in str(found["passi"])
    assert counter.ledger()["conteggi"]["violazioni"] == 1
    assert counter.hub.receipts() == []


def test_an_account_or_an_ente_unknown_to_the_node_is_rejected(counter: Counter) -> None:
    words = {"id": f"{DOMINIO}_01", "intermediario": DOMINIO, "password": "password01", "domini": [DOMINIO]}
    post_json(counter.simulator, "/config", {"stazioni": [words | {"iban": ["IT30A0300203280000400162854"]}]})

    account = counter()
    counter.hub.say("paGetPaymentV2", payment(transfer(1, "12.34", SECONDO)))
    stranger = counter()

    assert "IBAN non censito" in account["dettaglio"]
    assert "un ente che il nodo non conosce" in stranger["dettaglio"]


@pytest.mark.parametrize(
    ("answer", "code"),
    [
        ((503, b""), "PPT_STAZIONE_INT_PA_SERVIZIO_NONATTIVO"),
        ((404, b""), "PPT_STAZIONE_INT_PA_SERVIZIO_NONATTIVO"),
        ((500, b""), "PPT_STAZIONE_INT_PA_ERRORE_RESPONSE"),
    ],
)
def test_a_status_that_is_not_200_is_no_answer(counter: Counter, answer: tuple[int, bytes], code: str) -> None:
    counter.hub.say("paVerifyPaymentNotice", answer)

    assert counter()["codice"] == code


def test_who_verifies_only_or_goes_away_leaves_no_receipt(counter: Counter) -> None:
    verified, gone = counter(azione="verifica"), counter(azione="rinuncia")
    abandoned = counter(stranezza="abandon")

    assert [one["stato"] for one in (verified, gone, abandoned)] == ["VERIFICATO", "ABBANDONATO", "ABBANDONATO"]
    assert [passo["operazione"] for passo in abandoned["passi"]] == ["paVerifyPaymentNotice", "paGetPaymentV2"]
    assert counter.hub.receipts() == []


def test_another_amount_is_in_the_receipt_and_in_its_first_transfer(counter: Counter) -> None:
    found = counter(stranezza="other_amount")
    chosen = counter(importo="20.00")

    eventually(counter.is_quiet)
    assert (found["pagato_cent"], chosen["pagato_cent"]) == (1235, 2000)
    amounts = {(one.findtext("paymentAmount"), one.findtext(".//transferAmount")) for one in counter.hub.receipts()}
    assert amounts == {("12.35", "12.35"), ("20.00", "20.00")}


def test_a_notice_paid_at_two_psps_has_two_receipts_with_their_own_tokens(counter: Counter) -> None:
    found = counter(stranezza="two_psps")

    eventually(counter.is_quiet)
    assert found["stato"] == found["secondo"]["stato"] == "PAGATO"
    receipts = counter.hub.receipts()
    assert {one.findtext("receiptId") for one in receipts} == {found["token"], found["secondo"]["token"]}
    assert {one.findtext("idPSP") for one in receipts} == {"PSP_PROVA", "PSP_SECONDO"}
    assert [operation for operation, _ in counter.hub.asked][:4] == [
        "paVerifyPaymentNotice", "paGetPaymentV2", "paVerifyPaymentNotice", "paGetPaymentV2",
    ]  # fmt: skip


@pytest.mark.parametrize(("oddity", "stand_in"), [("stand_in", "true"), ("unknown_notice", None)])
def test_a_receipt_may_come_of_what_the_hub_was_never_asked(
    counter: Counter, oddity: str, stand_in: str | None
) -> None:
    counter(stranezza=oddity, importo="7.00")

    eventually(counter.is_quiet)
    assert [operation for operation, _ in counter.hub.asked] == ["paSendRTV2"]
    assert errors(counter.hub.asked[0][1]) == []
    receipt = counter.hub.receipts()[0]
    assert (receipt.findtext("standIn"), receipt.findtext("paymentAmount")) == (stand_in, "7.00")


def test_what_is_asked_at_the_counter_must_make_sense(counter: Counter) -> None:
    bad = (
        {}, {"codice_fiscale": "1"}, {"numero_avviso": "30100000000000014"}, {"primitive": "V3"}, {"azione": "ruba"},
        {"stranezza": "rt_delay"}, {"importo": "12,34"}, {"psp": 3}, {"colore": "rosso"},
    )  # fmt: skip
    good = {"codice_fiscale": DOMINIO, "numero_avviso": NUMERO}

    answers = [post_json(counter.simulator, "/api/sportello", good | words if words else {}) for words in bad]

    assert [answer.status for answer in answers] == [400] * len(bad)
    assert counter.hub.asked == []


def test_the_counter_has_a_page(counter: Counter) -> None:
    page = HTTP.request("GET", f"{counter.simulator.url}/sportello")
    fields = {"codice_fiscale": DOMINIO, "numero_avviso": "3010 0000 0000 0001 44", "azione": "paga"}
    paid = HTTP.request("POST", f"{counter.simulator.url}/sportello", fields=fields, encode_multipart=False)
    wrong = HTTP.request(
        "POST", f"{counter.simulator.url}/sportello", fields={"numero_avviso": "<b>"}, encode_multipart=False
    )

    assert 'name="numero_avviso"' in page.data.decode()
    assert "12,34\u00a0€" in paid.data.decode()
    assert wrong.status == 400
    assert "&lt;b&gt;" in wrong.data.decode() and "<b>" not in wrong.data.decode()
