"""The misbehaviour of the simulated node, as a client on a real socket meets it."""

from __future__ import annotations

import socket
import time
from typing import Any

import pytest
import urllib3

from adapters.nodo.fake import SimulatorServer
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
from hub.formats.rt import check_rt, read_rt
from tests.adapters.simulated import (
    HTTP,
    StubHub,
    assert_valid,
    carrello,
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
        except urllib3.exceptions.ProtocolError:
            return False  # it was waiting in the queue when the port closed
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
