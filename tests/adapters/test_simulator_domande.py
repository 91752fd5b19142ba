"""The questions to the node, by the real client against the simulated node over sockets. Source: node, 2.3 to 2.5."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from adapters.nodo.client import NodoClient
from adapters.nodo.domande import ViaCopia, ViaPendenti, ViaStato
from adapters.nodo.fake import SimulatorServer
from adapters.nodo.soap import NodoSoap
from adapters.nodo.trasporto import Attese, Trasporto
from hub.domain.delivery import Azione, Classe, Outcome, Stazione
from hub.domain.documenti import MarcaBollo, Organizzazione, Rpt, SingoloRpt
from hub.domain.pagamento_online import TentativoCercato, Trovato
from hub.formats.nodo_domande import build_chiedi_lista_pendenti
from hub.formats.nodo_messaggi import (
    build_invia_carrello_rpt,
    build_invia_rpt,
    fill_password,
    read_invia_carrello_rpt_risposta,
)
from hub.formats.rpt import render_rpt
from hub.formats.rt import read_rt
from hub.ports import Via
from tests.adapters.simulated import (
    DOMINIO,
    STAZIONE,
    StubHub,
    assert_valid,
    chiave,
    eventually,
    fault_codes,
    ledger,
    make_rpt,
    post,
    post_json,
    provoke,
    send,
)

VICINO = "98765432103"


def soap(simulator: SimulatorServer) -> NodoSoap:
    return NodoSoap(simulator.url + "/nodo", Attese(1, 5, 5), Trasporto())


def ask(simulator: SimulatorServer, via: type[Via], rpt: Rpt, stazione: Stazione = STAZIONE) -> Trovato:
    one: Any = via
    return one(soap(simulator)).ask(stazione, TentativoCercato(chiave(rpt), rpt.creata_at), "c" * 32)


def pay(simulator: SimulatorServer, rpt: Rpt, azione: str = "paga") -> None:
    id_session = send(simulator, rpt)
    assert post_json(simulator, "/api/paga", {"idSession": id_session, "azione": azione}).status == 200


def send_po(simulator: SimulatorServer, rpt: Rpt) -> None:
    """An RPT of the classic model 3: accepted by the PSP at once, its receipt comes later."""
    body = build_invia_rpt(STAZIONE.id, STAZIONE.intermediario, chiave(rpt), render_rpt(rpt))
    assert b"<esito>OK</esito>" in post(simulator, fill_password(body, STAZIONE.password)).data


def states_of(simulator: SimulatorServer) -> set[str]:
    return {riga["stato"] for riga in ledger(simulator)["rpt"]}


def test_the_node_has_its_ways_of_finding_out_in_order(simulator: SimulatorServer) -> None:
    assert [via.nome for via in NodoClient(soap(simulator)).vie] == ["stato", "pendenti", "copia"]


def test_a_receipt_that_was_lost_is_given_as_a_copy(simulator: SimulatorServer, hub: StubHub) -> None:
    """EC-AUX-01."""
    provoke(simulator, "paaInviaRT", "rt_lost")
    rpt = make_rpt()
    pay(simulator, rpt)
    eventually(lambda: states_of(simulator) == {"RT_ERRORE_INVIO_A_PA"})

    trovato = ask(simulator, ViaCopia, rpt)

    assert hub.received == []
    assert trovato.documento is not None and trovato.delivery.outcome is Outcome.DELIVERED
    rt = read_rt(trovato.documento)
    assert (rt.iuv, rt.ccp, rt.codice_esito) == (rpt.iuv, rpt.ccp, 0)


def test_a_receipt_that_arrived_is_given_as_a_copy_too(simulator: SimulatorServer, hub: StubHub) -> None:
    rpt = make_rpt()
    pay(simulator, rpt)
    eventually(lambda: states_of(simulator) == {"RT_ACCETTATA_PA"})

    assert ask(simulator, ViaCopia, rpt).documento == hub.receipts[0]


def test_a_copy_of_what_is_not_there_is_told_apart(simulator: SimulatorServer) -> None:
    """CCRTSEM8-11: unknown, and known but not ready."""
    rpt = make_rpt()
    send(simulator, rpt)

    ready, unknown = ask(simulator, ViaCopia, rpt).delivery, ask(simulator, ViaCopia, make_rpt(ccp="altro")).delivery

    assert (ready.outcome, ready.code) == (Outcome.DELIVERED, "PPT_RT_NONDISPONIBILE")
    assert (unknown.outcome, unknown.code, unknown.classe) == (
        Outcome.UNKNOWN, "PPT_RT_SCONOSCIUTA", Classe.INTERROGAZIONE,
    )  # fmt: skip


def test_the_list_has_what_a_psp_holds_and_nothing_else(simulator: SimulatorServer) -> None:
    """EC-AUX-02, CLPRPTSEM9-12."""
    parked, paid, held = make_rpt(), make_rpt(), make_rpt(tipo_versamento="PO")
    send(simulator, parked)
    pay(simulator, paid)
    assert ask(simulator, ViaPendenti, held).delivery.code == "NON_IN_LISTA"

    send_po(simulator, held)

    found = ask(simulator, ViaPendenti, held)
    assert (found.delivery.outcome, found.delivery.code, found.azione) == (
        Outcome.DELIVERED, "RPT_ACCETTATA_PSP", Azione.ATTENDI,
    )  # fmt: skip
    assert {ask(simulator, ViaPendenti, one).delivery.code for one in (parked, paid)} == {"NON_IN_LISTA"}


def test_a_list_of_another_time_is_empty_and_valid(simulator: SimulatorServer) -> None:
    send_po(simulator, make_rpt(tipo_versamento="PO"))
    past = datetime.now(UTC) - timedelta(days=3650)

    response = post(simulator, build_chiedi_lista_pendenti(STAZIONE, None, past, past + timedelta(days=1)))

    assert_valid(response.data)
    assert b"<totRestituiti>0</totRestituiti>" in response.data


def test_a_range_that_goes_backwards_is_refused_by_the_node(simulator: SimulatorServer) -> None:
    """Case 96: our own builder puts it in order, so it is turned round on the wire."""
    now = datetime.now(UTC)
    body = build_chiedi_lista_pendenti(STAZIONE, None, now - timedelta(days=1), now)
    turned = body.replace(b"rangeDa", b"rangeX").replace(b"rangeA", b"rangeDa").replace(b"rangeX", b"rangeA")
    da, a = turned.index(b"<rangeA>"), turned.index(b"<rangeDa>")
    first, second = turned[da:a], turned[a : turned.index(b"<dimensioneLista>")]

    response = post(simulator, turned.replace(first + second, second + first))

    assert b"PPT_SEMANTICA" in response.data


@pytest.mark.parametrize("dimensione", ["0", "-11", "2.51", "A"])
def test_a_length_that_is_none_is_refused_by_the_node(simulator: SimulatorServer, dimensione: str) -> None:
    """CLPRPTSIN22-26."""
    now = datetime.now(UTC)
    body = build_chiedi_lista_pendenti(STAZIONE, None, now, now, 7)

    response = post(simulator, body.replace(b">7<", f">{dimensione}<".encode()))

    assert b"PPT_SINTASSI_EXTRAXSD" in response.data


@pytest.mark.parametrize("via", [ViaStato, ViaPendenti, ViaCopia])
@pytest.mark.parametrize(("kind", "is_gone"), [("gone", True), ("http_500", False), ("lost_before", False)])
def test_a_primitive_that_is_no_more_is_told_as_gone(
    simulator: SimulatorServer, via: type[Via], kind: str, is_gone: bool
) -> None:
    provoke(simulator, "*", kind)

    trovato = ask(simulator, via, make_rpt())

    assert (trovato.delivery.outcome, trovato.is_gone) == (Outcome.UNKNOWN, is_gone)


@pytest.mark.parametrize("via", [ViaStato, ViaPendenti, ViaCopia])
def test_a_question_that_is_refused_says_nothing_about_the_attempt(simulator: SimulatorServer, via: type[Via]) -> None:
    stazione = {"id": STAZIONE.id, "intermediario": STAZIONE.intermediario, "password": "altra-password"}
    post_json(simulator, "/config", {"stazioni": [stazione]})

    delivery = ask(simulator, via, make_rpt()).delivery

    assert (delivery.outcome, delivery.code, delivery.classe) == (
        Outcome.UNKNOWN, "PPT_AUTENTICAZIONE", Classe.CONFIGURAZIONE,
    )  # fmt: skip


def test_a_converted_station_has_no_states_and_takes_the_same_twice(simulator: SimulatorServer) -> None:
    """Node, 1.3: nobody but the hub keeps an RPT from leaving twice."""
    stazione = {"id": STAZIONE.id, "intermediario": STAZIONE.intermediario, "password": STAZIONE.password}
    post_json(simulator, "/config", {"stazioni": [stazione | {"convertita": True}]})
    rpt = make_rpt()

    first, second = send(simulator, rpt), send(simulator, rpt)

    assert first == second
    assert ask(simulator, ViaStato, rpt).delivery.code == "PPT_RPT_SCONOSCIUTA"
    assert ask(simulator, ViaPendenti, rpt).delivery.code == "NON_IN_LISTA"
    assert ask(simulator, ViaCopia, rpt).delivery.code == "PPT_RT_NONDISPONIBILE"


def test_a_payer_who_never_comes_ends_with_a_negative_receipt(simulator: SimulatorServer, hub: StubHub) -> None:
    assert post_json(simulator, "/config", {"attesa_pagatore_s": 0.05}).status == 200
    send(simulator, make_rpt())

    eventually(lambda: len(hub.receipts) == 1)
    assert read_rt(hub.receipts[0]).codice_esito == 1


# Carts with more beneficiaries.

CARRELLO = f"{DOMINIO}301000000000000144-00042"
LINE = SingoloRpt(1234, "/RFB/01000000000000144/12.34", "9/0101101IM/", "IT60X0542811101000000123456")
MARCA = replace(LINE, iban_accredito=None, marca=MarcaBollo("01", "h" * 44, "RM"))


def multi(
    simulator: SimulatorServer, first: dict[str, Any], second: dict[str, Any], id_carrello: str = CARRELLO
) -> bytes:
    ente = Organizzazione("G", VICINO, "Comune Vicino")
    documenti = (
        make_rpt(**({"ccp": id_carrello} | first)),
        make_rpt(**({"ccp": id_carrello, "dominio": VICINO, "ente": ente} | second)),
    )
    elementi = [(chiave(rpt), render_rpt(rpt)) for rpt in documenti]
    body = build_invia_carrello_rpt(
        STAZIONE.id, STAZIONE.intermediario, id_carrello, elementi, is_multibeneficiario=True
    )
    response = post(simulator, fill_password(body, STAZIONE.password))
    assert_valid(response.data)
    return response.data


def configure(simulator: SimulatorServer, **changes: Any) -> None:
    stazione = {"id": STAZIONE.id, "intermediario": STAZIONE.intermediario, "password": STAZIONE.password}
    assert post_json(simulator, "/config", {"stazioni": [stazione | changes]}).status == 200


def test_a_cart_of_two_beneficiaries_is_parked(simulator: SimulatorServer) -> None:
    assert read_invia_carrello_rpt_risposta(multi(simulator, {}, {})).is_ok
    assert len(ledger(simulator)["rpt"]) == 2


@pytest.mark.parametrize(
    ("first", "second", "id_carrello", "code"),
    [
        ({}, {}, CARRELLO[:-1], "PPT_MULTI_BENEFICIARIO"),
        ({}, {}, f"00000000000{CARRELLO[11:]}", "PPT_DOMINIO_SCONOSCIUTO"),
        ({}, {"dominio": DOMINIO, "ccp": "altro"}, CARRELLO, "PPT_SEMANTICA"),
        ({"ccp": "altro"}, {}, CARRELLO, "PPT_SEMANTICA"),
        ({}, {"iuv": "02000000000000233"}, CARRELLO, "PPT_MULTI_BENEFICIARIO"),
        ({}, {"versamenti": (LINE, LINE)}, CARRELLO, "PPT_MULTI_BENEFICIARIO"),
        ({"versamenti": (LINE,) * 5}, {}, CARRELLO, "PPT_MULTI_BENEFICIARIO"),
        ({"versamenti": (LINE, MARCA)}, {}, CARRELLO, "PPT_MULTI_BENEFICIARIO"),
    ],
    ids=["id", "domain", "same_domain", "ccp", "iuv", "lines", "six_lines", "stamp"],
)
def test_a_broken_rule_of_a_cart_of_two_is_refused(
    simulator: SimulatorServer, first: Any, second: Any, id_carrello: str, code: str
) -> None:
    configure(simulator, domini=[DOMINIO, VICINO])

    (found,) = fault_codes(multi(simulator, first, second, id_carrello))

    assert found[0] == code
    assert ledger(simulator)["rpt"] == []


def test_a_station_of_the_first_version_sends_no_cart_of_two(simulator: SimulatorServer) -> None:
    configure(simulator, versione=1)

    assert fault_codes(multi(simulator, {}, {})) == [("PPT_MULTI_BENEFICIARIO", None)]


def test_the_same_cart_of_two_is_taken_once(simulator: SimulatorServer) -> None:
    """MB_14."""
    multi(simulator, {}, {})

    assert fault_codes(multi(simulator, {}, {})) == [("PPT_ID_CARRELLO_DUPLICATO", None)]


@pytest.mark.parametrize(("azione", "code"), [(None, "PPT_PAGAMENTO_IN_CORSO"), ("paga", "PPT_PAGAMENTO_DUPLICATO")])
def test_a_position_that_is_taken_is_told_apart(simulator: SimulatorServer, azione: str | None, code: str) -> None:
    id_session = read_invia_carrello_rpt_risposta(multi(simulator, {}, {})).url.rpartition("=")[2]
    if azione:
        post_json(simulator, "/api/paga", {"idSession": id_session, "azione": azione})

    again = multi(simulator, {}, {}, CARRELLO[:-1] + "3")

    assert fault_codes(again) == [(code, None)]
