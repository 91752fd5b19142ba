"""The second look at answers to the node: what the schema admits and the node rejects never leaves.

Source: node, endpoint behaviour (3.0.1), shape of answers (3.1 to 3.3, 3.7), what a KO means (3.0.7).
"""

from __future__ import annotations

from typing import Any

import pytest
import structlog
from lxml import etree
from sqlalchemy import text
from werkzeug.test import Client

from hub.domain.errors import Sovraccarico
from hub.formats.resources import resource
from hub.runtime import REPLACED
from hub.soap.contract import load_contract
from hub.soap.nodo.pa_for_node import PATH
from hub.soap.nodo.vaglio import build_outgoing, violazioni
from hub.soap.server import build_wsgi
from hub.store import schema
from tests.contracts import messaggi
from tests.contracts.test_messaggi_classici import CCP as CLASSICI
from tests.contracts.test_messaggi_classici import DATI_PA, risposta
from tests.contracts.test_messaggi_pa_for_node import PA_FOR_NODE, payment, transfer
from tests.soap.avvisi import Nodo
from tests.soap.test_paaAttivaRPT import Classico, code
from tests.soap.zeep_client import Door

DUE = [transfer(number) for number in (1, 2)]
PAGATO = payment("paGetPaymentRes", *DUE).replace("10.00", "4.00")
VERIFICATO = PA_FOR_NODE["verify answered"]
GOOD = [
    ("paForNode", VERIFICATO),
    ("paForNode", PA_FOR_NODE["verify refused"]),
    ("paForNode", PAGATO),
    ("paForNode", PA_FOR_NODE["demand answered"]),
    ("paForNode", PA_FOR_NODE["receipt taken"]),
    ("PaPerNodoPagamentoPsp", CLASSICI["verify answered"]),
    ("PaPerNodoPagamentoPsp", CLASSICI["another amount"]),
]
BAD = [
    ("paForNode", PA_FOR_NODE["verify refused"].replace(messaggi.FAULT, ""), "fault/faultCode: missing"),
    ("paForNode", VERIFICATO.replace("</outcome>", f"</outcome>{messaggi.FAULT}"), "fault: beside OK"),
    ("paForNode", "<pfn:paVerifyPaymentNoticeRes><outcome>OK</outcome></pfn:paVerifyPaymentNoticeRes>",
     "paymentList: missing"),
    ("paForNode", VERIFICATO.replace("<companyName>Comune di Prova</companyName>", ""), "companyName: missing"),
    ("paForNode", "<pfn:paGetPaymentRes><outcome>OK</outcome></pfn:paGetPaymentRes>", "data: missing"),
    ("paForNode", PAGATO.replace("<idTransfer>2", "<idTransfer>1"), "idTransfer: repeated"),
    ("paForNode", PAGATO.replace("<paymentAmount>4.00", "<paymentAmount>4.01"),
     "paymentAmount: not the sum of the transfers"),
    ("paForNode", PAGATO.replace("<companyName>Comune di Prova</companyName>", ""), "companyName: missing"),
    ("paForNode", PA_FOR_NODE["verify refused"].replace("<id>01234567890</id>", "<id/>"), "id: empty"),
    ("PaPerNodoPagamentoPsp", risposta("paaVerificaRPTRisposta", "<esito>OK</esito>"), "datiPagamentoPA: missing"),
    ("PaPerNodoPagamentoPsp", risposta("paaAttivaRPTRisposta", "<esito>KO</esito>"), "fault/faultCode: missing"),
    ("PaPerNodoPagamentoPsp", risposta("paaVerificaRPTRisposta", f"<esito>forse</esito>{DATI_PA}"),
     "outcome: neither OK nor KO"),
    ("PaPerNodoPagamentoPsp", CLASSICI["verify answered"].replace("10.00", "0.00"), "importoSingoloVersamento: zero"),
]  # fmt: skip


def payload(message: str) -> etree._Element:
    head, _, rest = message.partition(">")
    return etree.fromstring(f"{head} {messaggi.NAMESPACES}>{rest}")


@pytest.mark.parametrize(("contract", "message"), GOOD)
def test_what_the_node_takes_passes(contract: str, message: str) -> None:
    assert messaggi.errors(contract, message) == []
    assert violazioni(payload(message)) == []


@pytest.mark.parametrize(("contract", "message", "violation"), BAD)
def test_what_the_schema_admits_and_the_node_rejects_is_seen(contract: str, message: str, violation: str) -> None:
    """But for the empty id, which the schema admits too, every message is valid."""
    assert messaggi.errors(contract, message) == []

    assert violation in violazioni(payload(message))


def broken_door(answer: dict[str, Any] | Exception) -> Door:
    """The door `paForNode` whose operations answer something that they never should."""

    def broken(*_: Any) -> dict[str, Any]:
        if isinstance(answer, Exception):
            raise answer
        return answer

    contract = load_contract(resource("wsdl", "paForNode.wsdl"))
    operations = {verb.name: broken for verb in contract.by_request.values()}
    inner = build_wsgi(
        contract, operations, public_url="http://hub.invalid", path=PATH, outgoing=build_outgoing(contract)
    )
    seen: dict[str, Any] = {}

    def wsgi(environ: dict[str, Any], start_response: Any) -> Any:
        try:
            return inner(environ, start_response)
        finally:
            seen.update(environ)

    door = Door(wsgi)
    door.seen = seen  # type: ignore[attr-defined]
    return door


def envelope(body: str) -> bytes:
    return (
        f'<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/" {messaggi.NAMESPACES}><s:Body>{body}</s:Body>'
        "</s:Envelope>"
    ).encode()


WRONG: list[Any] = [
    {"outcome": "KO"},
    {"outcome": "OK"},
    {"outcome": "FORSE"},
    {"outcome": "OK", "officeName": ""},
    {"outcome": "OK", "unknown": "element"},
    {"outcome": "OK", "paymentDescription": 1.5},
]


@pytest.mark.parametrize("answer", WRONG)
def test_an_answer_that_is_wrong_becomes_a_valid_ko_and_is_counted(answer):
    door = broken_door(answer)

    with structlog.testing.capture_logs() as lines:
        told = door.post(PATH, envelope(PA_FOR_NODE["verify"]), {})

    assert told.status == 200 and b"<faultCode>PAA_SYSTEM_ERROR</faultCode>" in told.body
    assert b"<id>01234567890</id>" in told.body
    (line,) = [line for line in lines if line["event"] == "answer_not_valid"]
    assert (line["operation"], line["log_level"]) == ("paVerifyPaymentNotice", "error")
    assert door.seen[REPLACED] == "paVerifyPaymentNotice"  # type: ignore[attr-defined]
    (request,) = [line for line in lines if line["event"] == "soap_request"]
    assert request["outcome"] == "PAA_SYSTEM_ERROR"


def test_a_mistake_of_ours_is_a_ko_for_a_question_and_none_for_a_receipt():
    """After a well-formed KO the node never sends the receipt again. Source: node, 3.0.7."""
    door = broken_door(RuntimeError("nostro"))

    told = [door.post(PATH, envelope(PA_FOR_NODE[name]), {}) for name in ("verify", "get", "get V2", "receipt")]

    assert [answer.status for answer in told] == [200, 200, 200, 500]
    assert [b"PAA_SYSTEM_ERROR" in answer.body for answer in told] == [True, True, True, False]
    assert b"nostro" not in b"".join(answer.body for answer in told)


def test_without_room_a_question_is_told_to_come_back_as_a_receipt_is():
    """The queue before the doors says the same: 503 and when, never a KO."""
    door = broken_door(Sovraccarico("troppe richieste insieme"))

    told = [door.post(PATH, envelope(PA_FOR_NODE[name]), {}) for name in ("verify", "get", "get V2", "receipt")]

    assert [(answer.status, answer.headers["Retry-After"]) for answer in told] == [(503, "5")] * 4
    assert b"PAA_" not in b"".join(answer.body for answer in told)


def test_a_wrong_answer_to_a_receipt_makes_it_come_again():
    told = broken_door({"outcome": "KO"}).post(PATH, envelope(PA_FOR_NODE["receipt"]), {})

    assert told.status == 503 and b"PAA_" not in told.body


def test_questions_get_a_ko_while_the_database_is_away(world):
    world.lay_avviso()
    nodo, classico = Nodo(world), Classico(world)
    with world.db.transaction() as session:
        session.execute(text("ALTER TABLE dovuti RENAME TO altrove"))

    codes = [nodo.code(name) for name in ("paVerifyPaymentNotice", "paGetPayment", "paGetPaymentV2")]
    codes += [code(classico.verifica()), code(classico.attiva())]

    assert codes == ["PAA_SYSTEM_ERROR"] * 5
    assert nodo.door.last.headers.get("Retry-After") is None


def test_metrics_count_what_was_replaced(small_world):
    """The name of the ente is spoilt: of a control character nothing is left to be told."""
    small_world.change(schema.enti, "id", 1, nome="\x01")
    small_world.lay_avviso()
    nodo = Nodo(small_world)

    assert nodo.code("paVerifyPaymentNotice") == "PAA_SYSTEM_ERROR"

    told = Client(nodo.door.wsgi).get("/metrics").text
    assert 'pontepa_answers_replaced_total{operation="paVerifyPaymentNotice"} 1.0' in told
