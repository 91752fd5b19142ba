"""The payer of the simulated node, and the receipts that go to the hub."""

from __future__ import annotations

import pytest

from adapters.nodo.fake import SimulatorServer
from hub.domain.documenti import MarcaBollo, SingoloRpt
from hub.formats.contratti import compile_wsdl
from hub.formats.resources import resource
from hub.formats.rt import check_rt, read_rt
from hub.formats.xml import parse
from tests.adapters.simulated import (
    DOMINIO,
    HTTP,
    KO,
    OK,
    StubHub,
    eventually,
    ledger,
    make_rpt,
    post_json,
    send,
    stato,
)


def test_who_pays_sends_a_valid_receipt_and_goes_back_to_the_hub(simulator: SimulatorServer, hub: StubHub) -> None:
    rpt = make_rpt()
    id_session = send(simulator, rpt)

    page = HTTP.request("GET", f"{simulator.url}/pagamento?idSession={id_session}")
    assert "12,34\u00a0€" in page.data.decode()
    assert '<html lang="it">' in page.data.decode()
    fields = {"idSession": id_session, "azione": "paga"}
    back = HTTP.request("POST", f"{simulator.url}/pagamento", fields=fields, encode_multipart=False, redirect=False)

    assert back.status == 303
    assert back.headers["Location"] == f"{hub.url}/paga/ritorno?idDominio={DOMINIO}&idSession={id_session}&esito=OK"
    eventually(lambda: stato(simulator, rpt) == "RT_ACCETTATA_PA")
    document = hub.receipts[0]
    assert check_rt(document) == []
    rt = read_rt(document)
    assert (rt.codice_esito, rt.importo_cent, rt.iuv, rt.ccp) == (0, 1234, rpt.iuv, rpt.ccp)
    assert rt.riferimento_messaggio == rpt.id_messaggio
    assert hub.correlation_ids == ["prova-correlazione"]
    assert compile_wsdl(resource("wsdl", "PaPerNodo.wsdl")).check(parse(hub.received[0])[1][0]) == []
    assert compile_wsdl(resource("wsdl", "PaPerNodo.wsdl")).check(parse(hub.received[0])[0][0]) == []


@pytest.mark.parametrize("azione", ["rifiuta", "abbandona"])
def test_who_does_not_pay_sends_a_negative_receipt(simulator: SimulatorServer, hub: StubHub, azione: str) -> None:
    id_session = send(simulator, make_rpt())

    answer = post_json(simulator, "/api/paga", {"idSession": id_session, "azione": azione})

    assert answer.json()["redirect"].endswith("esito=ERROR")
    eventually(lambda: len(hub.received) == 1)
    rt = read_rt(hub.receipts[0])
    assert check_rt(hub.receipts[0]) == []
    assert (rt.codice_esito, rt.importo_cent, rt.pagamenti[0].iur) == (1, 0, "0")


def test_a_session_has_one_outcome_unless_forced(simulator: SimulatorServer, hub: StubHub) -> None:
    id_session = send(simulator, make_rpt())
    post_json(simulator, "/api/paga", {"idSession": id_session, "azione": "rifiuta"})

    second = post_json(simulator, "/api/paga", {"idSession": id_session, "azione": "paga"})
    forced = post_json(simulator, "/api/paga", {"idSession": id_session, "azione": "paga", "forza": True})

    assert (second.status, forced.status) == (409, 200)
    eventually(lambda: sorted(read_rt(one).codice_esito for one in hub.receipts) == [0, 1])


def test_a_stamp_comes_back_as_an_attachment(simulator: SimulatorServer, hub: StubHub) -> None:
    marca = MarcaBollo("01", "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=", "RM")
    id_session = send(simulator, make_rpt(versamenti=(SingoloRpt(1600, "Marca", "9/0101101IM/", marca=marca),)))

    post_json(simulator, "/api/paga", {"idSession": id_session})

    eventually(lambda: len(hub.received) == 1)
    pagamento = read_rt(hub.receipts[0]).pagamenti[0]
    assert pagamento.allegato_tipo == "BD"
    assert pagamento.allegato and marca.hash_documento.encode() in pagamento.allegato


def test_a_hub_that_does_not_answer_is_asked_again_with_the_same_bytes(
    simulator: SimulatorServer, hub: StubHub
) -> None:
    hub.answers = [(503, b""), (200, b"non xml"), OK]
    rpt = make_rpt()
    id_session = send(simulator, rpt)

    post_json(simulator, "/api/paga", {"idSession": id_session})

    eventually(lambda: stato(simulator, rpt) == "RT_ACCETTATA_PA")
    assert len(hub.received) == 3
    assert len(set(hub.received)) == 1
    assert [one["esito"] for one in ledger(simulator)["rt"][0]["consegne"]] == ["INCERTO", "INCERTO", "OK"]


def test_a_well_formed_refusal_of_the_hub_is_final(simulator: SimulatorServer, hub: StubHub) -> None:
    hub.answers = [KO]
    rpt = make_rpt()
    id_session = send(simulator, rpt)

    post_json(simulator, "/api/paga", {"idSession": id_session})

    eventually(lambda: stato(simulator, rpt) == "RT_RIFIUTATA_PA")
    assert ledger(simulator)["rt"][0]["consegne"][0]["dettaglio"] == "PAA_RPT_SCONOSCIUTA"
