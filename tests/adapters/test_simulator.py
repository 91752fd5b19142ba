"""The simulated node over real sockets: what it takes in charge, what it refuses, what it remembers."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest
import urllib3

from adapters.nodo.fake import SimulatorServer, create_simulator
from adapters.nodo.faults_script import INVIA_CARRELLO
from hub.formats.nodo_messaggi import (
    build_chiedi_stato_rpt,
    build_invia_carrello_rpt,
    build_invia_rpt,
    fill_password,
    read_chiedi_stato_rpt_risposta,
    read_invia_carrello_rpt_risposta,
    read_invia_rpt_risposta,
)
from hub.formats.rpt import render_rpt
from tests.adapters.simulated import (
    DOMINIO,
    HTTP,
    STAZIONE,
    StubHub,
    assert_valid,
    carrello,
    chiave,
    eventually,
    fault_codes,
    ledger,
    make_rpt,
    post,
    post_json,
    provoke,
    send,
    stato,
)


def test_a_good_cart_is_parked_and_the_payer_is_given_an_address(simulator: SimulatorServer) -> None:
    rpt = make_rpt()

    response = post(simulator, carrello(rpt))

    assert_valid(response.data)
    risposta = read_invia_carrello_rpt_risposta(response.data)
    assert risposta.is_ok
    assert risposta.url.startswith(f"{simulator.url}/pagamento?idSession=")
    assert response.headers["X-Correlation-Id"] == "prova-correlazione"
    assert stato(simulator, rpt) == "RPT_PARCHEGGIATA_NODO"


def test_the_single_primitive_redirects_too(simulator: SimulatorServer) -> None:
    rpt = make_rpt()
    body = build_invia_rpt(STAZIONE.id, STAZIONE.intermediario, chiave(rpt), render_rpt(rpt))

    response = post(simulator, fill_password(body, STAZIONE.password))

    assert_valid(response.data)
    risposta = read_invia_rpt_risposta(response.data)
    assert (risposta.is_ok, risposta.redirect) == (True, 1)


def test_the_state_of_an_attempt_comes_with_its_history_and_a_valid_answer(simulator: SimulatorServer) -> None:
    rpt = make_rpt()
    id_session = send(simulator, rpt)

    response = post(simulator, build_chiedi_stato_rpt(STAZIONE, chiave(rpt)))

    assert_valid(response.data)
    risposta = read_chiedi_stato_rpt_risposta(response.data)
    assert risposta.url == f"{simulator.url}/pagamento?idSession={id_session}"
    assert [name for _, name in risposta.storico] == ["RPT_PARCHEGGIATA_NODO"]


# Refusals, each with its code


def test_a_second_sending_with_the_same_attempt_is_refused(simulator: SimulatorServer) -> None:
    rpt = make_rpt()
    send(simulator, rpt)

    response = post(simulator, carrello(rpt))

    assert_valid(response.data)
    assert fault_codes(response.data) == [("PPT_RPT_DUPLICATA", 1)]
    assert ledger(simulator)["conteggi"]["rpt"] == 1


def test_a_cart_id_is_good_once(simulator: SimulatorServer) -> None:
    post(simulator, carrello(make_rpt(), id_carrello="C1"))

    response = post(simulator, carrello(make_rpt(), id_carrello="C1"))

    assert fault_codes(response.data) == [("PPT_ID_CARRELLO_DUPLICATO", None)]


def test_one_bad_rpt_refuses_the_whole_cart_with_its_position(simulator: SimulatorServer) -> None:
    good, bad = make_rpt(), make_rpt()
    body = carrello(good, bad).replace(bad.ccp.encode(), b"altro", 1)

    response = post(simulator, body)

    assert_valid(response.data)
    assert fault_codes(response.data) == [("PPT_SEMANTICA", 2)]
    assert stato(simulator, good) == "PPT_RPT_SCONOSCIUTA"


def test_an_inner_document_that_the_schema_refuses_stores_nothing(simulator: SimulatorServer) -> None:
    rpt = make_rpt()
    elementi = [(chiave(rpt), render_rpt(rpt).replace(b"<firmaRicevuta>0<", b"<firmaRicevuta>9<"))]
    body = build_invia_carrello_rpt(STAZIONE.id, STAZIONE.intermediario, "C1", elementi)

    response = post(simulator, fill_password(body, STAZIONE.password))

    assert fault_codes(response.data) == [("PPT_SINTASSI_XSD", 1)]
    assert read_invia_carrello_rpt_risposta(post(simulator, carrello(rpt, id_carrello="C1")).data).is_ok


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b"<importoTotaleDaVersare>12.34<", b"<importoTotaleDaVersare>12.35<"),
        (b"<ibanAccredito>IT60X0542811101000000123456</ibanAccredito>", b""),
        (b"<tipoVersamento>BBT<", b"<tipoVersamento>CP<"),
        (b"<identificativoStazioneRichiedente>12345678903_01<", b"<identificativoStazioneRichiedente>12345678903_09<"),
    ],
    ids=["sum", "neither IBAN nor stamp", "type", "station"],
)
def test_a_document_that_contradicts_itself_or_its_header_is_refused(
    simulator: SimulatorServer, old: bytes, new: bytes
) -> None:
    rpt = make_rpt()
    document = render_rpt(rpt)
    assert old in document
    body = build_invia_carrello_rpt(
        STAZIONE.id, STAZIONE.intermediario, "C1", [(chiave(rpt), document.replace(old, new))]
    )

    response = post(simulator, fill_password(body, STAZIONE.password))

    assert fault_codes(response.data) == [("PPT_SEMANTICA", 1)]


def test_a_body_that_the_contract_refuses_is_answered_with_a_syntax_fault(simulator: SimulatorServer) -> None:
    response = post(simulator, carrello(make_rpt(), password="corta"))

    assert_valid(response.data)
    assert fault_codes(response.data) == [("PPT_SINTASSI_EXTRAXSD", None)]


@pytest.mark.parametrize("body", [b"", b"<a/>", b"non xml", b"<!DOCTYPE a><a/>"])
def test_what_is_no_envelope_gets_a_soap_fault(simulator: SimulatorServer, body: bytes) -> None:
    response = post(simulator, body)

    assert response.status == 500
    assert b"PPT_SINTASSI_EXTRAXSD" in response.data


def test_a_configured_node_knows_its_stations(simulator: SimulatorServer) -> None:
    stazione = {"id": STAZIONE.id, "intermediario": DOMINIO, "password": "password01", "domini": [DOMINIO]}
    assert post_json(simulator, "/config", {"stazioni": [stazione]}).status == 200

    wrong = post(simulator, carrello(make_rpt(), password="password99"))
    stranger = post(simulator, carrello(make_rpt(dominio="99999999990")))

    assert fault_codes(wrong.data) == [("PPT_AUTENTICAZIONE", None)]
    assert fault_codes(stranger.data) == [("PPT_DOMINIO_SCONOSCIUTO", None)]
    assert read_invia_carrello_rpt_risposta(post(simulator, carrello(make_rpt())).data).is_ok


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (b"", "oggetto JSON"),
        (b"stazioni", "oggetto JSON"),
        (b"[]", "oggetto JSON"),
        (b'{"abbandono_s": NaN}', "oggetto JSON"),
        (b'{"attesa_s": 1}', "attesa_s: non si conosce"),
        (b'{"stazioni": "x"}', "stazioni dev'essere una lista"),
        (b'{"stazioni": [{"id": "1"}]}', "stazione senza intermediario, password"),
        (b'{"abbandono_s": 5, "attesa_pagatore_s": "molto"}', "attesa_pagatore_s dev'essere un numero di secondi"),
        (b'{"abbandono_s": 1e300}', "abbandono_s dev'essere un numero di secondi, al massimo"),
        (b'{"abbandono_s": %d}' % 10**400, "abbandono_s dev'essere un numero"),
        (b'{"abbandono_s": true}', "abbandono_s dev'essere un numero"),
        (b'{"abbandono_s": 5, "chiavi_rest": ["uno"], "carrello_s": null}', "carrello_s dev'essere un numero"),
        (b'{"abbandono_s": 5, "chiavi_rest": "uno"}', "chiavi_rest dev'essere una lista"),
    ],
)
def test_a_configuration_that_cannot_be_read_is_refused_and_changes_nothing(
    simulator: SimulatorServer, body: bytes, said: str
) -> None:
    before = HTTP.request("GET", f"{simulator.url}/config").data

    headers = {"Content-Type": "application/json"}
    answer = HTTP.request("POST", f"{simulator.url}/config", body=body, headers=headers)

    assert answer.status == 400 and said in answer.json()["errore"]
    assert HTTP.request("GET", f"{simulator.url}/config").data == before
    assert simulator.simulator.piattaforma.door.chiavi == frozenset()


def test_a_killed_simulator_remembers_and_goes_on(hub: StubHub, tmp_path: Path) -> None:
    hub.answers = [(503, b"")] * 3
    path = tmp_path / "simulatore.db"
    rpt = make_rpt()
    first = SimulatorServer("127.0.0.1", 0, create_simulator(hub.url, path))
    first.start()
    post_json(first, "/api/paga", {"idSession": send(first, rpt)})
    eventually(lambda: len(hub.received) >= 1)
    first.close()

    second = SimulatorServer("127.0.0.1", 0, create_simulator(hub.url, path))
    second.start()

    eventually(lambda: stato(second, rpt) == "RT_ACCETTATA_PA")
    assert fault_codes(post(second, carrello(rpt)).data) == [("PPT_RPT_DUPLICATA", 1)]
    assert len(set(hub.received)) == 1
    second.close()


def test_the_ledger_holds_no_password_and_no_tax_code(simulator: SimulatorServer) -> None:
    rpt = make_rpt()
    send(simulator, rpt)

    text = HTTP.request("GET", simulator.url + f"/ledger?iuv={rpt.iuv}").data.decode()

    assert f"{DOMINIO}/{rpt.iuv}/{rpt.ccp}" in text
    assert STAZIONE.password not in text
    assert "RSSMRA80A01H501U" not in text


def test_many_at_once_are_all_taken_once(simulator: SimulatorServer, hub: StubHub) -> None:
    provoke(simulator, INVIA_CARRELLO, "lost_after", probability=0.3)
    rpts = [make_rpt() for _ in range(60)]
    bodies = [carrello(rpt) for rpt in rpts]

    def try_to_send(body: bytes) -> None:
        try:
            post(simulator, body)
        except urllib3.exceptions.HTTPError:
            pass

    threads = [threading.Thread(target=try_to_send, args=(body,)) for body in bodies]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    conteggi = ledger(simulator)["conteggi"]
    assert (conteggi["invii"], conteggi["rpt"], conteggi["invii_duplicati"]) == (60, 60, 0)
