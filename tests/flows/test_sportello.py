"""Notices paid at the simulated counter of a PSP, with real processes: every road, and what goes wrong on them.

Whatever happens, no answer of the hub may be one that the node rejects: the counter's ledger counts them.
"""

from __future__ import annotations

import base64
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from benchmarks.processes import free_port
from tests.factories import make_iud
from tests.flows.plant import HTTP, NS, PASSWORD, Plant, field, until
from tests.versamenti import Versamento

DOMINIO = "12345678903"


@pytest.fixture
def plant(database_url: str, tmp_path: Path) -> Iterator[Plant]:
    with Plant(tmp_path, database_url) as plant:
        plant.prepare()
        plant.up("simulator", "serve", "worker-1")
        # The counter's patience with an RPT is the node's, and does not count the start of a process.
        plant.await_worker("worker-1")
        yield plant


def register(plant: Plant) -> str:
    """Register a dovuto of 100 euro and return its IUV."""
    header = f'<h:intestazionePPT xmlns:h="{NS}ppthead"><codIpaEnte>C_PROVA</codIpaEnte></h:intestazionePPT>'
    dovuto = base64.b64encode(Versamento(make_iud()).xml).decode()
    inner = f"<password>{PASSWORD}</password><dovuto>{dovuto}</dovuto><flagGeneraIuv>true</flagGeneraIuv>"
    return field(plant.call("paaSILImportaDovuto", inner, header), "identificativoUnivocoVersamento")


def at_counter(plant: Plant, iuv: str, **words: Any) -> dict[str, Any]:
    given = {"codice_fiscale": DOMINIO, "numero_avviso": f"3{iuv}"} | words
    answer = HTTP.request("POST", f"{plant.node_url}/api/sportello", json=given)
    assert answer.status == 200, answer.data
    found: dict[str, Any] = answer.json()
    return found


def counts(plant: Plant) -> dict[str, int]:
    found: dict[str, int] = plant.ledger()["sportello"]["conteggi"]
    return found


def pagati(plant: Plant, iuv: str) -> str | None:
    """The document `pagati` of a notice, None while there is none."""
    inner = (
        f"<codIpaEnte>C_PROVA</codIpaEnte><password>{PASSWORD}</password>"
        f"<identificativoUnivocoVersamento>{iuv}</identificativoUnivocoVersamento>"
    )
    answer = plant.call("paaSILChiediPagatiConRicevuta", inner)
    if "<pagati>" not in answer:
        return None
    return base64.b64decode(base64.b64decode(field(answer, "pagati"))).decode()


@pytest.mark.parametrize("primitive", ["V2", "V1", "classico"])
def test_a_notice_is_paid_and_read_back(plant: Plant, primitive: str) -> None:
    iuv = register(plant)

    found = at_counter(plant, iuv, primitive=primitive)

    assert (found["stato"], found["pagato_cent"]) == ("PAGATO", 10000), found
    document = until(lambda: pagati(plant, iuv), 30)
    assert field(document, "pay_i:importoTotalePagato") == "100.00"
    again = at_counter(plant, iuv, primitive=primitive)
    assert again["originale"] == "PAA_PAGAMENTO_DUPLICATO"
    assert counts(plant)["violazioni"] == 0


def test_receipts_that_are_doubled_late_odd_and_unexpected_are_all_taken(plant: Plant) -> None:
    script = (
        {"kind": "rt_duplicate"}, {"kind": "rt_extra"}, {"kind": "rt_codes"}, {"kind": "rt_reorder", "seconds": 1},
        {"kind": "lost_after"}, {"kind": "garbage"},
    )  # fmt: skip
    for rule in script:
        plant.fault(operation="paSendRTV2", times=1, **rule)
    iuvs = [register(plant) for _ in script]

    states = {at_counter(plant, iuv)["stato"] for iuv in iuvs}
    odd = [at_counter(plant, register(plant), stranezza=kind)["stato"] for kind in ("two_psps", "other_amount")]
    unexpected = [at_counter(plant, "01000000099999942"[:-2] + "00", stranezza=kind)["stato"]
                  for kind in ("stand_in", "unknown_notice")]  # fmt: skip

    assert states == {"PAGATO"} and set(odd) == {"PAGATO"} and set(unexpected) == {"PAGATO"}
    until(lambda: counts(plant)["ricevute_in_attesa"] == 0 or None, 60)
    assert all(until(lambda iuv=iuv: pagati(plant, iuv), 30) for iuv in iuvs)
    found = counts(plant)
    assert (found["violazioni"], found["ricevute"], found["ricevute_notificate"]) == (0, 11, 11)


def test_what_the_hub_refuses_it_refuses_as_the_node_wants(plant: Plant) -> None:
    iuv = register(plant)
    wrong = [
        at_counter(plant, iuv, intermediario="99999999990")["originale"],
        at_counter(plant, iuv, stazione="12345678903_99")["originale"],
        at_counter(plant, iuv, codice_fiscale="98765432103", intermediario=DOMINIO)["originale"],
        at_counter(plant, iuv[:-1] + str(9 - int(iuv[-1])))["originale"],
        at_counter(plant, iuv, primitive="classico", importo="1.00")["originale"],
    ]

    assert wrong == [
        "PAA_ID_INTERMEDIARIO_ERRATO", "PAA_STAZIONE_INT_ERRATA", "PAA_ID_DOMINIO_ERRATO", "PAA_PAGAMENTO_SCONOSCIUTO",
        "PAA_ATTIVA_RPT_IMPORTO_NON_VALIDO",
    ]  # fmt: skip
    assert counts(plant)["violazioni"] == 0


def test_on_a_port_of_its_own_the_node_does_all_it_does_elsewhere(database_url: str, tmp_path: Path) -> None:
    port = free_port()
    with Plant(tmp_path, database_url, {"PONTEPA_NODE_PORT": str(port)}) as plant:
        plant.of_simulator = ("--hub-nodo", f"http://127.0.0.1:{port}")
        plant.prepare()
        plant.up("simulator", "serve", "worker-1")
        iuv = register(plant)

        at_the_counter = at_counter(plant, iuv)["stato"]
        online = plant.tell().codice_esito
        elsewhere = HTTP.request("POST", f"{plant.hub_url}/ws/fesp/paForNode", body=b"<a/>").status

    assert (at_the_counter, online, elsewhere) == ("PAGATO", "0", 404)
