"""The contracts of what the node calls, as a door reads them: answers written by shape are valid, all is served."""

from __future__ import annotations

import functools
from typing import Any

import pytest
from lxml import etree

from hub.formats.resources import resource
from hub.soap.contract import SOAP_ENV, Contract, load_contract

SUBJECT = {
    "uniqueIdentifier": {"entityUniqueIdentifierType": "F", "entityUniqueIdentifierValue": "RSSMRA80A01H501U"},
    "fullName": "Mario Rossi",
}
FAULT = {"faultCode": "PAA_SEMANTICA", "faultString": "no", "id": "01234567890"}
LINE = {"transferAmount": "5.00", "fiscalCodePA": "01234567890", "remittanceInformation": "/RFB/1/5.00"}
IBAN = {"idTransfer": 1, **LINE, "IBAN": "IT60X0542811101000000123456", "transferCategory": "9/0201102IM/"}
BOLLO = {
    "idTransfer": 2,
    **LINE,
    "richiestaMarcaDaBollo": {"hashDocumento": b"x" * 32, "tipoBollo": "01", "provinciaResidenza": "RM"},
    "transferCategory": "9/0201102IM/",
}
OPTION = {
    "paymentList": {"paymentOptionDescription": {"amount": "10.00", "options": "EQ", "allCCP": False}},
    "paymentDescription": "TARI",
    "fiscalCodePA": "01234567890",
    "companyName": "Comune di Prova",
}
DATA = {
    "creditorReferenceId": "01000000000000042",
    "paymentAmount": "10.00",
    "dueDate": "2026-12-31",
    "description": "TARI",
    "companyName": "Comune di Prova",
    "debtor": SUBJECT,
}
METADATA = {"mapEntry": [{"key": "chiave", "value": "valore"}] * 15}
QR = {"fiscalCode": "01234567890", "noticeNumber": "301000000000000042"}
ENTE = {
    "identificativoUnivocoBeneficiario": {
        "tipoIdentificativoUnivoco": "G",
        "codiceIdentificativoUnivoco": "0123456789",
    },
    "denominazioneBeneficiario": "Comune di Prova",
}
DATI_PA = {
    "importoSingoloVersamento": "10.00",
    "ibanAccredito": "IT60X0542811101000000123456",
    "enteBeneficiario": ENTE,
    "causaleVersamento": "TARI",
}
CLASSIC: dict[str, Any] = {"esito": "OK", "datiPagamentoPA": DATI_PA}
ANSWERS: list[tuple[str, str, dict[str, Any]]] = [
    ("paForNode", "paVerifyPaymentNotice", {"outcome": "OK", **OPTION}),
    ("paForNode", "paVerifyPaymentNotice", {"outcome": "KO", "fault": FAULT}),
    ("paForNode", "paGetPayment", {"outcome": "OK", "data": {**DATA, "transferList": {"transfer": [IBAN]}}}),
    (
        "paForNode",
        "paGetPaymentV2",
        {"outcome": "OK", "data": {**DATA, "transferList": {"transfer": [IBAN, BOLLO]}, "metadata": METADATA}},
    ),
    ("paForNode", "paSendRT", {"outcome": "OK"}),
    ("paForNode", "paSendRTV2", {"outcome": "KO", "fault": FAULT}),
    ("paForNode", "paDemandPaymentNotice", {"outcome": "OK", "qrCode": QR, **OPTION}),
    ("PaPerNodoPagamentoPsp", "paaVerificaRPT", {"paaVerificaRPTRisposta": CLASSIC}),
    ("PaPerNodoPagamentoPsp", "paaVerificaRPT", {"paaVerificaRPTRisposta": {"fault": FAULT, "esito": "KO"}}),
    ("PaPerNodoPagamentoPsp", "paaAttivaRPT", {"paaAttivaRPTRisposta": {**CLASSIC, "fault": FAULT, "esito": "KO"}}),
]


@functools.cache
def contract(name: str) -> Contract:
    return load_contract(resource("wsdl", f"{name}.wsdl"))


@pytest.mark.parametrize(("name", "operation", "values"), ANSWERS)
def test_an_answer_written_by_its_shape_is_valid(name: str, operation: str, values: dict[str, Any]) -> None:
    verb = next(verb for verb in contract(name).by_request.values() if verb.name == operation)
    content: list[str] = []

    verb.response_shape.write(content, values, verb.answer_names)

    envelope = etree.fromstring(verb.answer_frame[0] + "".join(content).encode() + verb.answer_frame[1])
    body = envelope.find(f"{{{SOAP_ENV}}}Body")
    assert body is not None and body[0].tag == verb.response
    assert contract(name).schema.check(body[0]) == []


def test_what_the_included_types_hold_keeps_its_form_beside_unqualified_children() -> None:
    verb = next(iter(contract("PaPerNodoPagamentoPsp").by_request.values()))

    assert verb.answer_names["datiPagamentoPA"] == "datiPagamentoPA"
    pay = "{http://www.digitpa.gov.it/schemas/2011/Pagamenti/}denominazioneBeneficiario"
    assert verb.answer_names[pay].endswith(":denominazioneBeneficiario")


@pytest.mark.parametrize("name", ["paForNode", "PaPerNodoPagamentoPsp"])
def test_every_schema_that_the_served_text_names_is_served(name: str) -> None:
    base = f"http://hub.example/ws/fesp/{name}"
    texts = [contract(name).wsdl_text("http://hub.example", f"/ws/fesp/{name}")]
    seen: set[str] = set()
    while texts:
        for location in etree.fromstring(texts.pop()).xpath("//@schemaLocation"):
            head, _, file = str(location).partition("?xsd=")
            assert head == base
            if file not in seen:
                seen.add(file)
                texts.append(contract(name).xsd(file, base))

    assert seen
