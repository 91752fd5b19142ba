"""Carts over two enti and with a second beneficiary, told to real processes and the simulated node."""

from __future__ import annotations

import base64
import re
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlencode

import pytest

from hub.formats.segreti import hash_elemento
from tests.factories import Documento, make_documento, make_voce
from tests.flows.plant import HTTP, NS, PASSWORD, Plant, field, until
from tests.soap.test_paaSILInviaCarrelloDovuti import secondario

VICINO = """
stazioni:
  - {id: "12345678903_01", intermediario: "12345678903", password: "***"}
enti:
  - codIpaEnte: C_VICINO
    codice_fiscale: "98765432103"
    nome: Comune Vicino
    stato: ESERCIZIO
    stazione: "12345678903_01"
    codice_segregazione: "02"
    iban: IT60X0542811101000000123456
    password: "Vicino123456"
    tipi: [{codice: TARI, descrizione: Tassa rifiuti, tassonomia: 9/0101101IM/}]
"""
DOMINI = {"C_PROVA": "12345678903", "C_VICINO": "98765432103"}


@pytest.fixture
def plant(database_url: str, tmp_path: Path) -> Iterator[Plant]:
    with Plant(tmp_path, database_url) as plant:
        plant.prepare()
        (tmp_path / "vicino.yaml").write_text(VICINO)
        plant.run("config", "apply", str(tmp_path / "vicino.yaml"))
        plant.up("simulator", "serve", "worker-1")
        yield plant


def elemento(ente: str, documento: Documento) -> str:
    dovuti = base64.b64encode(documento.xml).decode()
    proof = hash_elemento("password01", DOMINI[ente])
    return (
        f"<elementoListaDovuti><codIpaEnte>{ente}</codIpaEnte><password>{proof}</password><dovuti>{dovuti}</dovuti>"
        "</elementoListaDovuti>"
    )


def send(plant: Plant, *elementi: str, secondari: str = "") -> str:
    header = f'<h:intestazionePPT xmlns:h="{NS}ppthead"><codIpaEnte>C_PROVA</codIpaEnte></h:intestazionePPT>'
    inner = f"<password>{PASSWORD}</password><listaDovuti>{''.join(elementi)}</listaDovuti>{secondari}"
    return field(plant.call("paaSILInviaCarrelloDovuti", inner, header), "idSessionCarrello")


def confirm(plant: Plant, id_session: str) -> str:
    """The payer reads the page and confirms; return what the page said."""
    page = f"{plant.hub_url}/paga/{id_session}"
    shown = HTTP.request("GET", page).data.decode()
    form = {"nome": "Mario Rossi", "email": "mario@example.org", "sigillo": field_of_form(shown)}
    headers = {"Content-Type": "application/x-www-form-urlencoded"}
    assert HTTP.request("POST", page, body=urlencode(form), headers=headers, redirect=False).status == 303
    return shown


def field_of_form(page: str) -> str:
    found = re.search(r'name="sigillo" value="([^"]+)"', page)
    assert found is not None, page
    return found.group(1)


def outcome(plant: Plant, id_session: str) -> list[str]:
    """The states of the cart, once none of them is under way."""
    inner = (
        f"<codIpaEnte>C_PROVA</codIpaEnte><password>{PASSWORD}</password>"
        f"<idSessionCarrello>{id_session}</idSessionCarrello>"
    )

    def settled() -> list[str] | None:
        found = re.findall("<esito>(.*?)</esito>", plant.call("paaSILChiediEsitoCarrelloDovuti", inner))
        return None if not found or "PAGAMENTO IN CORSO" in found else found

    return until(settled, 30)


@pytest.mark.parametrize(("azione", "wanted"), [("paga", "PAGATO"), ("rifiuta", "NON PAGATO")])
def test_a_cart_over_two_enti_is_paid_once_and_read_for_each(plant: Plant, azione: str, wanted: str) -> None:
    prova, vicino = make_documento(make_voce(importo="10.00")), make_documento(make_voce(importo="2.50"))
    id_session = send(plant, elemento("C_PROVA", prova), elemento("C_VICINO", vicino))

    shown = confirm(plant, id_session)
    plant.pay(plant.url_of_node(id_session), azione)

    assert "12,50" in shown
    assert outcome(plant, id_session) == [wanted, wanted]
    ledger = plant.ledger()
    assert sorted(rpt["dominio"] for rpt in ledger["rpt"]) == sorted(DOMINI.values())
    # The node notes that its receipt was taken when it reads the answer, which may be after the outcome is told here.
    until(lambda: {rpt["stato"] for rpt in plant.ledger()["rpt"]} == {"RT_ACCETTATA_PA"} or None, 10)
    assert len([message for message in ledger["messaggi"] if message["operazione"].startswith("nodoInvia")]) == 1


def test_a_second_beneficiary_is_paid_in_a_multi_beneficiary_cart(plant: Plant) -> None:
    documento = make_documento(make_voce(importo="10.00"))
    share = base64.b64encode(secondario("2.50", "11111111115")).decode()
    secondari = (
        "<listaDovutiEntiSecondari><elementoListaDovutiEntiSecondari><dovutiEntiSecondari>"
        f"{share}</dovutiEntiSecondari></elementoListaDovutiEntiSecondari></listaDovutiEntiSecondari>"
    )
    id_session = send(plant, elemento("C_PROVA", documento), secondari=secondari)

    shown = confirm(plant, id_session)
    plant.pay(plant.url_of_node(id_session))

    assert "10,00" in shown
    assert outcome(plant, id_session) == ["PAGATO"]
    assert sorted(rpt["dominio"] for rpt in plant.ledger()["rpt"]) == ["11111111115", "12345678903"]
