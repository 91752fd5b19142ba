"""A payment on line through Checkout, told to real processes and the simulated platform.

Source: node, Checkout carts (2.11), what the node asks about notices (3.0.4), receipts (3.5).
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.carrelli import PRIMA
from tests.factories import make_documento, make_voce
from tests.flows.plant import HTTP, PASSWORD, Plant, field
from tests.flows.test_carts import DOMINI, VICINO, confirm, elemento, outcome, send

STAZIONE = f"""
stazioni:
  - id: "12345678903_01"
    intermediario: "12345678903"
    password: "***"
    pagamento_online: checkout
    servizi_rest:
      checkout: {{chiave: "{PRIMA}", versione: VERSIONE}}
"""


class CheckoutPlant(Plant):
    """The platform is the simulator too."""

    @property
    def environment(self) -> dict[str, str]:
        return super().environment | {"PONTEPA_PIATTAFORMA_URL": self.node_url}

    def configure(self, versione: int = 2) -> None:
        self.prepare()
        (self.folder / "vicino.yaml").write_text(VICINO)
        self.run("config", "apply", str(self.folder / "vicino.yaml"))
        (self.folder / "checkout.yaml").write_text(STAZIONE.replace("VERSIONE", str(versione)))
        self.run("config", "apply", str(self.folder / "checkout.yaml"))
        self.up("simulator", "serve", "worker-1")
        # Both enti are behind one station: a counter that is not told would look for one of the second's own.
        stazione = {
            "id": "12345678903_01", "intermediario": "12345678903", "password": "password01",
            "domini": sorted(DOMINI.values()),
        }  # fmt: skip
        assert HTTP.request("POST", f"{self.node_url}/config", json={"stazioni": [stazione]}).status == 200

    def play(self, url: str, azione: str = "paga") -> str:
        """Do on Checkout's page what a payer would; return where he is sent."""
        words = {"id": url.rpartition("/")[2], "azione": azione}
        answer = HTTP.request("POST", f"{self.node_url}/api/checkout", json=words)
        assert answer.status == 200, answer.data
        return str(answer.json()["redirect"])

    def state_told(self, id_session: str) -> str:
        """What the ente's software is told: the code of the fault, or OK with an outcome."""
        inner = f"<codIpaEnte>C_PROVA</codIpaEnte><password>{PASSWORD}</password><idSession>{id_session}</idSession>"
        answer = self.call("paaSILChiediPagatiConRicevuta", inner)
        return "OK" if "<pagati>" in answer else field(answer, "faultCode")

    def carrelli(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self.ledger()["checkout"]["carrelli"]
        return found


@pytest.fixture
def plant(database_url: str, tmp_path: Path) -> Iterator[CheckoutPlant]:
    with CheckoutPlant(tmp_path, database_url) as plant:
        plant.configure()
        yield plant


def test_a_dovuto_is_paid_in_checkout_and_read_back(plant: CheckoutPlant) -> None:
    id_session, iud = plant.send()
    plant.open(id_session)
    url = plant.url_of_node(id_session)

    back = plant.play(url)

    ricevuta = plant.read_back(id_session, iud)
    assert ricevuta.codice_esito == "0" and ricevuta.iud == iud
    assert back.endswith(f"/paga/{id_session}/checkout/ok")
    (carrello,) = plant.carrelli()
    assert carrello["stato"] == "PAGATO" and carrello["avvisi"][0]["numero_avviso"] == f"3{ricevuta.iuv}"
    ledger = plant.ledger()
    assert ledger["rpt"] == [] and ledger["sportello"]["conteggi"]["violazioni"] == 0
    assert ledger["sportello"]["conteggi"]["ricevute_notificate"] == 1


def test_who_comes_back_before_the_receipt_is_never_told_that_it_is_paid(plant: CheckoutPlant) -> None:
    plant.fault(operation="paSendRTV2", kind="rt_delay", seconds=3.0)
    id_session, iud = plant.send()
    plant.open(id_session)
    back = plant.play(plant.url_of_node(id_session))

    answer = HTTP.request("GET", back, redirect=False)
    page = HTTP.request("GET", f"{plant.hub_url}/paga/{id_session}").data.decode()

    assert answer.headers["Location"].endswith(f"/paga/{id_session}")
    assert plant.state_told(id_session) == "PAA_PAGAMENTO_IN_CORSO"
    assert "conferma" in page.lower()
    assert plant.read_back(id_session, iud).codice_esito == "0"


def test_who_never_comes_back_is_paid_all_the_same(plant: CheckoutPlant) -> None:
    id_session, iud = plant.send()
    plant.open(id_session)

    back = plant.play(plant.url_of_node(id_session), "sparisci")

    assert back == "" and plant.read_back(id_session, iud).codice_esito == "0"


@pytest.mark.parametrize(("azione", "detto"), [("rifiuta", "errore"), ("abbandona", "annullato")])
def test_who_does_not_pay_goes_home_and_nothing_is_paid(plant: CheckoutPlant, azione: str, detto: str) -> None:
    id_session, _ = plant.send()
    plant.open(id_session)

    back = plant.play(plant.url_of_node(id_session), azione)
    home = HTTP.request("GET", back, redirect=False)

    assert back.endswith(f"/checkout/{detto}") and home.status == 303
    assert plant.state_told(id_session) == "PAA_PAGAMENTO_IN_CORSO"
    assert plant.ledger()["sportello"]["conteggi"]["pagati"] == 0


def test_a_lost_answer_leads_to_a_second_invitation_and_one_payment(plant: CheckoutPlant) -> None:
    plant.fault(operation="carts", kind="lost_after", times=1)
    id_session, iud = plant.send()
    plant.open(id_session)
    url = plant.url_of_node(id_session)

    plant.play(url)

    assert plant.read_back(id_session, iud).codice_esito == "0"
    first, second = plant.carrelli()
    assert first["id_cart"] == second["id_cart"] and first["sha256"] == second["sha256"]
    assert (first["stato"], second["stato"]) == ("APERTO", "PAGATO")
    again = HTTP.request("POST", f"{plant.node_url}/api/checkout", json={"id": first["id"], "azione": "paga"})
    assert again.json()["redirect"].endswith("/checkout/errore")
    assert plant.ledger()["sportello"]["conteggi"]["pagati"] == 1


def test_a_cart_over_two_enti_is_two_notices_paid_together(plant: CheckoutPlant) -> None:
    prova, vicino = make_documento(make_voce(importo="10.00")), make_documento(make_voce(importo="2.50"))
    id_session = send(plant, elemento("C_PROVA", prova), elemento("C_VICINO", vicino))
    confirm(plant, id_session)

    plant.play(plant.url_of_node(id_session))

    assert outcome(plant, id_session) == ["PAGATO", "PAGATO"]
    (carrello,) = plant.carrelli()
    assert [one["importo_cent"] for one in carrello["avvisi"]] == [1000, 250]
    assert {one["codice_fiscale"] for one in carrello["avvisi"]} == {"12345678903", "98765432103"}


def test_version_one_pays_as_well(database_url: str, tmp_path: Path) -> None:
    with CheckoutPlant(tmp_path, database_url) as plant:
        plant.configure(versione=1)
        id_session, iud = plant.send()
        plant.open(id_session)
        plant.play(plant.url_of_node(id_session))

        assert plant.read_back(id_session, iud).codice_esito == "0"
        (carrello,) = plant.carrelli()
        assert carrello["versione"] == 1 and carrello["ritorni"]["attesa"] == ""
