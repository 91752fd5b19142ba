"""paDemandPaymentNotice through its contract. Source: node, 3.6, idempotency (3.0.6)."""

from __future__ import annotations

from typing import Any

import pytest

from hub.store import schema, servizi_avviso
from tests.factories import CODICE_FISCALE
from tests.soap.zeep_client import open_door, pa_for_node_client
from tests.world import INTERMEDIARIO, STAZIONE, World

CAMPI = {"codice_fiscale": "codiceFiscale", "anagrafica": "nominativo", "importo": "importo"}
DATI = (
    '<b:bollo xmlns:b="urn:bollo"><b:targa>AB123CD</b:targa><b:codiceFiscale>RSSMRA80A01H501U</b:codiceFiscale>'
    "<b:nominativo>Mario Rossi</b:nominativo><b:importo>120.50</b:importo></b:bollo>"
)


class Psp:
    """A PSP that asks for notices at the door of a world, through the node."""

    def __init__(self, world: World, **servizio: Any) -> None:
        declared = {"id_servizio": "00001", "id_soggetto": "00002", "tipo": "TARI", "causale": "Bollo", "campi": CAMPI}
        with world.db.transaction() as session:
            servizi_avviso.replace(session, 1, [declared | servizio])
        self.world = world
        self.door = open_door(world)
        self._client = pa_for_node_client(self.door)

    def ask(self, dati: str | bytes = DATI, **values: Any) -> Any:
        asked = {
            "idPA": INTERMEDIARIO,
            "idBrokerPA": INTERMEDIARIO,
            "idStation": STAZIONE,
            "idServizio": "00001",
            "idSoggettoServizio": "00002",
            "datiSpecificiServizioRequest": dati.encode() if isinstance(dati, str) else dati,
        }
        return self._client.paDemandPaymentNotice(**(asked | values))

    def code(self, dati: str | bytes = DATI, **values: Any) -> str:
        answer = self.ask(dati, **values)
        if answer.outcome == "OK":
            return "OK"
        assert self.door.last.status == 200 and answer.fault.id == values.get("idPA", INTERMEDIARIO)
        return str(answer.fault.faultCode)


def test_a_notice_is_made_and_can_be_paid_at_once(world):
    psp = Psp(world)

    answer = psp.ask()

    option = answer.paymentList.paymentOptionDescription
    assert (answer.outcome, answer.qrCode.fiscalCode, str(option.amount)) == ("OK", INTERMEDIARIO, "120.50")
    assert (answer.paymentDescription, answer.companyName) == ("Bollo", "Comune di Prova")
    (dovuto,) = world.rows(schema.dovuti)
    assert answer.qrCode.noticeNumber == "3" + dovuto.iuv
    assert (dovuto.pagatore_codice, dovuto.tipo, dovuto.origine) == (CODICE_FISCALE, "TARI", "RICHIESTA-PSP")
    verified = pa_for_node_client(psp.door).paVerifyPaymentNotice(
        INTERMEDIARIO, INTERMEDIARIO, STAZIONE, {"fiscalCode": INTERMEDIARIO, "noticeNumber": "3" + dovuto.iuv}
    )
    assert verified.outcome == "OK"


def test_the_same_data_get_the_same_notice_while_it_may_be_paid(world):
    psp = Psp(world)
    first, again = (psp.ask().qrCode.noticeNumber for _ in range(2))
    other = psp.ask(DATI.replace("AB123CD", "ZZ999ZZ")).qrCode.noticeNumber
    paid = {"stato": "COMPLETATO", "codice_esito": 0, "importo_pagato_cent": 12050}
    world.change(schema.dovuti, "iuv", first[1:], **paid)

    after = psp.ask().qrCode.noticeNumber

    assert first == again and len({first, other, after}) == 3
    assert len(world.rows(schema.dovuti)) == 3
    assert psp.ask().qrCode.noticeNumber == after


def test_the_amount_of_the_tipo_counts_where_it_has_one(small_world):
    small_world.change(schema.tipi, "codice", "TARI", importo_cent=1600)
    without = {name: element for name, element in CAMPI.items() if name != "importo"}
    psp = Psp(small_world, campi=without)

    assert str(psp.ask().paymentList.paymentOptionDescription.amount) == "16.00"


@pytest.mark.parametrize(
    ("code", "dati", "values"),
    [
        ("PAA_ID_INTERMEDIARIO_ERRATO", DATI, {"idBrokerPA": "0"}),
        ("PAA_STAZIONE_INT_ERRATA", DATI, {"idStation": "0"}),
        ("PAA_ID_DOMINIO_ERRATO", DATI, {"idPA": "00000000000"}),
        ("PAA_SEMANTICA", DATI, {"idServizio": "00009"}),
        ("PAA_SEMANTICA", DATI, {"idPA": "98765432103"}),
        ("PAA_SINTASSI_XSD", b"non xml", {}),
        ("PAA_SINTASSI_XSD", b"", {}),
        ("PAA_SINTASSI_XSD", DATI.replace("nominativo", "nome"), {}),
        ("PAA_SINTASSI_XSD", DATI.replace("120.50", "tanto"), {}),
        ("PAA_SEMANTICA", DATI.replace("120.50", "0.00"), {}),
        ("PAA_SEMANTICA", DATI.replace(CODICE_FISCALE, "RSSMRA80A01H501X"), {}),
        ("PAA_SINTASSI_XSD", '<!DOCTYPE a [<!ENTITY e "x">]><a>&e;</a>', {}),
    ],
)
def test_what_cannot_be_made_gets_its_code_and_leaves_nothing(small_world, code, dati, values):
    psp = Psp(small_world)

    assert psp.code(dati, **values) == code
    assert small_world.rows(schema.dovuti) == []


@pytest.mark.parametrize("change", [{"attivo": False}, {"importo_cent": 1600}], ids=["inactive", "another amount"])
def test_the_tipo_has_its_say(small_world, change):
    psp = Psp(small_world)
    small_world.change(schema.tipi, "codice", "TARI", **change)

    assert psp.code() == "PAA_SEMANTICA"


def test_an_ente_without_services_says_so(small_world):
    psp = Psp(small_world)
    with small_world.db.transaction() as session:
        servizi_avviso.replace(session, 1, [])

    answer = psp.ask()

    assert (answer.outcome, answer.fault.faultCode) == ("KO", "PAA_SEMANTICA")
    assert "00001" in answer.fault.description
