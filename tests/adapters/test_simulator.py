"""The simulated node over real sockets: what it accepts, refuses, forgets to answer, and its receipts."""

from __future__ import annotations

import json
import socket
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
import urllib3

from adapters.nodo.fake import SimulatorServer, create_simulator
from adapters.nodo.fake_node import ROME
from adapters.nodo.fake_soap import ENVELOPE_NS
from adapters.nodo.faults_script import (
    CHIEDI_STATO,
    INVIA_CARRELLO,
    INVIA_RPT,
    INVIA_RT,
    FaultScript,
    GuastoNonValido,
    Kind,
    rule_from_mapping,
    rule_from_text,
)
from hub.domain.delivery import ChiaveRpt, Stazione
from hub.domain.documenti import MarcaBollo, Organizzazione, Rpt, SingoloRpt, Soggetto
from hub.formats.contratti import compile_wsdl
from hub.formats.nodo_messaggi import (
    build_chiedi_stato_rpt,
    build_invia_carrello_rpt,
    build_invia_rpt,
    fill_password,
    read_chiedi_stato_rpt_risposta,
    read_invia_carrello_rpt_risposta,
    read_invia_rpt_risposta,
)
from hub.formats.resources import resource
from hub.formats.rpt import render_rpt
from hub.formats.rt import check_rt, decode_rt_field, read_rt
from hub.formats.xml import parse

DOMINIO = "12345678903"
STAZIONE = Stazione("12345678903_01", DOMINIO, "password01")
HTTP = urllib3.PoolManager(retries=False, timeout=urllib3.Timeout(5))
RISPOSTA_RT = (
    f'<s:Envelope xmlns:s="{ENVELOPE_NS}"><s:Body><w:paaInviaRTRisposta xmlns:w="http://ws.pagamenti.telematici.gov/">'
    "<paaInviaRTRisposta>%s</paaInviaRTRisposta></w:paaInviaRTRisposta></s:Body></s:Envelope>"
)
OK = (200, (RISPOSTA_RT % "<esito>OK</esito>").encode())
KO = (
    200,
    (
        RISPOSTA_RT % "<fault><faultCode>PAA_RPT_SCONOSCIUTA</faultCode><faultString>Sconosciuta.</faultString>"
        "<id>12345678903</id></fault><esito>KO</esito>"
    ).encode(),
)


@dataclass
class StubHub:
    """A hub that receives paaInviaRT and answers what the test says; OK once the list is over."""

    url: str = ""
    answers: list[tuple[int, bytes]] = field(default_factory=list)
    received: list[bytes] = field(default_factory=list)
    correlation_ids: list[str] = field(default_factory=list)

    @property
    def receipts(self) -> list[bytes]:
        texts = [parse(body).findtext(".//{*}paaInviaRT/rt") or "" for body in self.received]
        return [decode_rt_field(text) for text in texts]


@pytest.fixture
def hub() -> Iterator[StubHub]:
    stub = StubHub()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            stub.received.append(self.rfile.read(int(self.headers["Content-Length"])))
            stub.correlation_ids.append(self.headers.get("X-Correlation-Id", ""))
            status, body = stub.answers.pop(0) if stub.answers else OK
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    stub.url = f"http://127.0.0.1:{server.server_address[1]}"
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
    yield stub
    server.shutdown()
    server.server_close()


@pytest.fixture
def simulator(hub: StubHub) -> Iterator[SimulatorServer]:
    server = SimulatorServer("127.0.0.1", 0, create_simulator(hub.url, seed=7))
    server.start()
    yield server
    server.close()


def make_rpt(**changes: Any) -> Rpt:
    now = datetime.now(UTC)
    rpt = Rpt(
        dominio=DOMINIO,
        stazione=STAZIONE.id,
        id_messaggio=uuid.uuid4().hex,
        creata_at=now,
        pagatore=Soggetto("F", "RSSMRA80A01H501U", "Mario Rossi"),
        ente=Organizzazione("G", DOMINIO, "Comune di Prova"),
        data_esecuzione=now.astimezone(ROME).date(),
        tipo_versamento="BBT",
        iuv="01000000000000144",
        ccp=uuid.uuid4().hex,
        versamenti=(SingoloRpt(1234, "/RFB/01000000000000144/12.34", "9/0101101IM/", "IT60X0542811101000000123456"),),
    )
    return replace(rpt, **changes)


def chiave(rpt: Rpt) -> ChiaveRpt:
    return ChiaveRpt(rpt.dominio, rpt.iuv, rpt.ccp)


def carrello(*documenti: Rpt, id_carrello: str = "", password: str = STAZIONE.password) -> bytes:
    elementi = [(chiave(rpt), render_rpt(rpt)) for rpt in documenti]
    envelope = build_invia_carrello_rpt(STAZIONE.id, STAZIONE.intermediario, id_carrello or uuid.uuid4().hex, elementi)
    return fill_password(envelope, password)


def post(simulator: SimulatorServer, body: bytes) -> urllib3.BaseHTTPResponse:
    headers = {"Content-Type": "text/xml", "X-Correlation-Id": "prova-correlazione"}
    return HTTP.request("POST", simulator.url + "/nodo", body=body, headers=headers)


def send(simulator: SimulatorServer, *documenti: Rpt) -> str:
    """Send a cart that must be accepted; return its idSession."""
    risposta = read_invia_carrello_rpt_risposta(post(simulator, carrello(*documenti)).data)
    assert risposta.is_ok, risposta
    return risposta.url.rpartition("idSession=")[2]


def post_json(simulator: SimulatorServer, path: str, words: Any) -> urllib3.BaseHTTPResponse:
    return HTTP.request("POST", simulator.url + path, json=words, redirect=False)


def ledger(simulator: SimulatorServer) -> dict[str, Any]:
    return json.loads(HTTP.request("GET", simulator.url + "/ledger").data)


def eventually(condition: Callable[[], bool], seconds: float = 8.0) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it never happened"
        time.sleep(0.01)


def stato(simulator: SimulatorServer, rpt: Rpt) -> str:
    body = post(simulator, build_chiedi_stato_rpt(STAZIONE, chiave(rpt))).data
    risposta = read_chiedi_stato_rpt_risposta(body)
    return risposta.fault.code if risposta.fault else risposta.stato


def fault_codes(body: bytes) -> list[tuple[str, int | None]]:
    risposta = read_invia_carrello_rpt_risposta(body)
    assert not risposta.is_ok
    return [(fault.code, fault.serial) for fault in (risposta.fault, *risposta.errori) if fault is not None]


def assert_valid(body: bytes) -> None:
    payload = parse(body).find(f"{{{ENVELOPE_NS}}}Body")[0]
    assert compile_wsdl(resource("wsdl", "NodoPerPa.wsdl")).check(payload) == []


# Taking in charge


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


# The payer and the receipt


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


# Misbehaviour


def provoke(simulator: SimulatorServer, operation: str, kind: str, **more: Any) -> None:
    answer = post_json(simulator, "/faults", {"operation": operation, "kind": kind, **more})
    assert answer.status == 201, answer.data


@pytest.mark.parametrize(("kind", "is_stored"), [("lost_after", True), ("close", True), ("lost_before", False)])
def test_a_lost_answer_is_a_broken_connection(simulator: SimulatorServer, kind: str, is_stored: bool) -> None:
    provoke(simulator, INVIA_CARRELLO, kind, times=1)
    rpt = make_rpt()

    with pytest.raises(urllib3.exceptions.HTTPError):
        post(simulator, carrello(rpt))

    assert stato(simulator, rpt) == ("RPT_PARCHEGGIATA_NODO" if is_stored else "PPT_RPT_SCONOSCIUTA")
    assert ledger(simulator)["messaggi"][0]["guasto"] == kind


def test_a_late_answer_comes_after_the_processing(simulator: SimulatorServer) -> None:
    provoke(simulator, INVIA_CARRELLO, "late", seconds=0.4, times=1)
    start = time.monotonic()

    send(simulator, make_rpt())

    assert time.monotonic() - start >= 0.4


def test_garbage_and_http_errors(simulator: SimulatorServer) -> None:
    for kind in ("garbage", "http_500", "http_429"):
        provoke(simulator, INVIA_CARRELLO, kind, times=1, seconds=3)
    rpts = [make_rpt() for _ in range(3)]

    garbage, broken, busy = (post(simulator, carrello(rpt)) for rpt in rpts)

    assert (garbage.status, broken.status, busy.status) == (200, 500, 429)
    assert b"soap:Envel\x00" in garbage.data
    assert busy.headers["Retry-After"] == "3"
    assert [stato(simulator, rpt) for rpt in rpts] == [
        "RPT_PARCHEGGIATA_NODO",
        "PPT_RPT_SCONOSCIUTA",
        "PPT_RPT_SCONOSCIUTA",
    ]


def test_an_answer_given_twice_is_twice_on_the_wire(simulator: SimulatorServer) -> None:
    provoke(simulator, INVIA_CARRELLO, "twice", times=1)
    body = carrello(make_rpt())
    host, port = simulator.url.removeprefix("http://").split(":")

    with socket.create_connection((host, int(port)), timeout=5) as connection:
        connection.sendall(b"POST /nodo HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n" % len(body) + body)
        received = b"".join(iter(lambda: connection.recv(65536), b""))

    assert received.count(b"HTTP/1.1 200") == 2
    assert ledger(simulator)["conteggi"]["rpt"] == 1


@pytest.mark.parametrize(
    ("code", "after"),
    [
        ("PPT_SEMANTICA", "PPT_RPT_SCONOSCIUTA"),
        ("PPT_CANALE_TIMEOUT", "RPT_ESITO_SCONOSCIUTO_PSP"),
        ("PPT_CANALE_ERRORE", "RPT_RIFIUTATA_PSP"),
        ("PPT_CANALE_IRRAGGIUNGIBILE", "RPT_ERRORE_INVIO_A_PSP"),
    ],
)
def test_a_fault_code_leaves_the_state_that_the_real_node_leaves(
    simulator: SimulatorServer, code: str, after: str
) -> None:
    provoke(simulator, INVIA_CARRELLO, "fault", code=code, times=1)
    rpt = make_rpt()

    response = post(simulator, carrello(rpt))

    assert_valid(response.data)
    assert fault_codes(response.data) == [(code, None)]
    assert stato(simulator, rpt) == after


def test_a_system_error_may_hide_a_processed_request(simulator: SimulatorServer) -> None:
    provoke(simulator, INVIA_CARRELLO, "fault", code="PPT_SYSTEM_ERROR", processed=True, times=1)
    rpt = make_rpt()

    response = post(simulator, carrello(rpt))

    assert fault_codes(response.data) == [("PPT_SYSTEM_ERROR", None)]
    assert stato(simulator, rpt) == "RPT_PARCHEGGIATA_NODO"


def test_a_port_that_refuses_comes_back_by_itself(simulator: SimulatorServer) -> None:
    provoke(simulator, "*", "refuse_connection", seconds=0.6)

    def is_refused() -> bool:
        try:
            HTTP.request("GET", simulator.url + "/health/live")
        except urllib3.exceptions.NewConnectionError:
            return True
        return False

    eventually(is_refused)
    eventually(lambda: not is_refused())
    send(simulator, make_rpt())


def test_faults_can_be_listed_and_cleared(simulator: SimulatorServer) -> None:
    provoke(simulator, CHIEDI_STATO, "http_500")

    assert HTTP.request("GET", simulator.url + "/faults").json()["guasti"][0]["kind"] == "http_500"
    assert HTTP.request("DELETE", simulator.url + "/faults").status == 204
    assert stato(simulator, make_rpt()) == "PPT_RPT_SCONOSCIUTA"


@pytest.mark.parametrize("kind", ["rt_duplicate", "twice"])
def test_a_receipt_may_come_twice(simulator: SimulatorServer, hub: StubHub, kind: str) -> None:
    provoke(simulator, INVIA_RT, kind, times=1)

    post_json(simulator, "/api/paga", {"idSession": send(simulator, make_rpt())})

    eventually(lambda: len(hub.received) == 2)
    assert hub.received[0] == hub.received[1]


def test_a_receipt_may_come_late_and_out_of_order(simulator: SimulatorServer, hub: StubHub) -> None:
    provoke(simulator, INVIA_RT, "rt_delay", seconds=0.5, times=1)
    first, second = make_rpt(), make_rpt()
    sessions = [send(simulator, first), send(simulator, second)]

    post_json(simulator, "/api/paga", {"idSession": sessions[0]})
    eventually(lambda: bool(ledger(simulator)["rt"][0]["consegne"]))
    post_json(simulator, "/api/paga", {"idSession": sessions[1]})

    eventually(lambda: len(hub.received) == 2)
    assert [read_rt(one).ccp for one in hub.receipts] == [second.ccp, first.ccp]


def test_a_receipt_may_carry_what_the_schema_does_not_know(simulator: SimulatorServer, hub: StubHub) -> None:
    provoke(simulator, INVIA_RT, "rt_extra", times=1)

    post_json(simulator, "/api/paga", {"idSession": send(simulator, make_rpt())})

    eventually(lambda: len(hub.received) == 1)
    assert check_rt(hub.receipts[0])
    assert read_rt(hub.receipts[0]).codice_esito == 0


@pytest.mark.parametrize(
    "words",
    [
        {"operation": "nodoInviaRPT", "kind": "fault", "code": "boh"},
        {"operation": "nodoInviaRPT", "kind": "boh"},
        {"operation": "boh", "kind": "late"},
        {"operation": "nodoInviaRPT", "kind": "rt_delay"},
        {"operation": "nodoInviaRPT", "kind": "late", "probability": 2},
        {"operation": "nodoInviaRPT", "kind": "late", "boh": 1},
        "boh",
    ],
)
def test_a_rule_that_makes_no_sense_is_refused(simulator: SimulatorServer, words: Any) -> None:
    answer = post_json(simulator, "/faults", words)

    assert answer.status == 400
    assert answer.json()["errore"]


def test_a_seed_makes_the_misfortunes_repeatable() -> None:
    rule = rule_from_text("nodoInviaCarrelloRPT:lost_after,probability=0.3")

    scripts = [FaultScript(5, [rule]), FaultScript(5, [rule])]
    runs = [[script.next(INVIA_CARRELLO) is not None for _ in range(200)] for script in scripts]

    assert runs[0] == runs[1]
    assert 30 < sum(runs[0]) < 90


def test_the_command_line_form_of_a_rule() -> None:
    rule = rule_from_text("nodoInviaRPT:fault=PPT_CANALE_TIMEOUT,times=2,processed=true")

    assert (rule.operation, rule.kind, rule.code) == (INVIA_RPT, Kind.FAULT, "PPT_CANALE_TIMEOUT")
    assert (rule.times, rule.processed) == (2, True)
    assert rule_from_text("paaInviaRT:rt_delay=1.5").seconds == 1.5
    with pytest.raises(GuastoNonValido):
        rule_from_mapping({"kind": "late", "seconds": "molti"})


# Memory


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
