"""A position with several transfers: what is written is read back, and each limit of the contract is kept.

Source: node, ACA and debt positions (2.13); OpenAPI of the positions.
"""

from __future__ import annotations

import json
from typing import Any

import pytest

from hub.domain.documenti import MarcaBollo
from hub.domain.posizione import Trasferimento
from hub.domain.posizione_aca import PosizioneAca
from hub.formats.posizione_aca import render_posizione
from hub.formats.posizione_intera import problem_of, read_posizione_intera, render_posizione_intera
from tests.formats.test_posizione_aca import POSIZIONE, make_posizione

IBAN = "IT60X0542811101000000123456"
MARCA = MarcaBollo("01", "aGFzaA==", "RM")


def make_line(numero: int = 1, **changes: Any) -> Trasferimento:
    values = {
        "numero": numero, "importo_cent": 1000, "beneficiario": "12345678903", "nome": "Comune di Prova",
        "causale": "/RFB/01/10.00", "tassonomia": "9/0101101IM/", "iban": IBAN,
    } | changes  # fmt: skip
    return Trasferimento(**values)


def make_intera(*lines: Trasferimento) -> PosizioneAca:
    total = sum(line.importo_cent for line in lines)
    return make_posizione(importo_cent=total, iban=None, nome_ente="Comune di Prova", trasferimenti=lines)


INTERA = make_intera(
    make_line(), make_line(2, beneficiario="98765432103", importo_cent=250, iban_postale=IBAN),
    make_line(3, iban=None, marca=MARCA, importo_cent=1600),
)  # fmt: skip


def test_what_is_written_is_read_back() -> None:
    assert read_posizione_intera(render_posizione_intera(INTERA)) == INTERA


def test_the_body_has_the_names_of_the_contract() -> None:
    body = json.loads(render_posizione_intera(INTERA))

    (option,) = body.pop("paymentOption")
    first, second, third = option.pop("transfer")
    assert body == {
        "iupd": "ACA_12345678903_01000000000000144", "type": "F", "fiscalCode": "RSSMRA80A01H501U",
        "fullName": "Mario Rossi", "companyName": "Comune di Prova", "switchToExpired": False, "payStandIn": True,
    }  # fmt: skip
    assert option == {
        "nav": "301000000000000144", "iuv": "01000000000000144", "amount": 2850, "description": "Tassa rifiuti 2026",
        "isPartialPayment": False, "dueDate": "2026-12-31T22:59:59Z",
    }  # fmt: skip
    assert first == {
        "idTransfer": "1", "amount": 1000, "organizationFiscalCode": "12345678903", "companyName": "Comune di Prova",
        "remittanceInformation": "/RFB/01/10.00", "category": "9/0101101IM/", "iban": IBAN,
    }  # fmt: skip
    assert (second["postalIban"], second["organizationFiscalCode"]) == (IBAN, "98765432103")
    assert third["stamp"] == {"hashDocument": "aGFzaA==", "stampType": "01", "provincialResidence": "RM"}
    assert "iban" not in third


@pytest.mark.parametrize(
    ("lines", "said"),
    [
        ([make_line(number) for number in range(1, 7)], "le voci sono 6: la piattaforma ne ammette da 1 a 5"),
        ([make_line(importo_cent=0)], "una voce non ha importo"),
        ([make_line(iban="IT60 X05")], "voce 1: il conto"),
        ([make_line(iban=None)], "voce 1: serve un conto oppure una marca"),
        ([make_line(), make_line(2, iban=None, marca=MarcaBollo("01", "x" * 73, "RM"))], "voce 2: i dati della marca"),
        ([make_line(iban=None, marca=MarcaBollo("01", "x", "roma"))], "voce 1: i dati della marca"),
    ],
)
def test_what_the_platform_does_not_admit_is_said(lines: list[Trasferimento], said: str) -> None:
    problem = problem_of(make_intera(*lines))

    assert problem is not None and problem.startswith(said)
    assert read_posizione_intera(render_posizione_intera(make_intera(*lines))) is None


@pytest.mark.parametrize("body", [b"", b"[]", b"{}", b'{"iupd": 1}', render_posizione(POSIZIONE)])
def test_what_is_no_such_body_is_not_read(body: bytes) -> None:
    assert read_posizione_intera(body) is None
