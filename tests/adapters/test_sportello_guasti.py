"""The counter of the simulated PSP on a bad day: receipts doubled, late, overtaken, odd; questions lost and spoilt."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from adapters.nodo import fake_notifica, fake_sportello
from adapters.nodo.fake import SimulatorServer, create_simulator
from hub.formats.xml import parse
from tests.adapters import counter as stage
from tests.adapters.counter import DOMINIO, KO, NUMERO, Counter, Hub, listening
from tests.adapters.simulated import eventually, post_json, provoke


@pytest.fixture
def counter() -> Iterator[Counter]:
    with stage.counter() as counter:
        yield counter


def deliveries(counter: Counter) -> list[str]:
    """The outcomes of the sendings of the first receipt."""
    return [one["esito"] for one in counter.ledger()["pagamenti"][0]["ricevute"][0]["consegne"]]


def test_a_receipt_comes_twice(counter: Counter) -> None:
    provoke(counter.simulator, "paSendRTV2", "rt_duplicate", times=1)

    counter()

    eventually(counter.is_quiet)
    first, second = counter.hub.bodies("paSendRTV2")
    assert first == second
    assert deliveries(counter) == ["OK", "OK"]


def test_a_receipt_is_put_off_and_then_comes(counter: Counter) -> None:
    provoke(counter.simulator, "paSendRTV2", "rt_delay", seconds=0.2, times=1)

    counter()

    eventually(counter.is_quiet)
    assert deliveries(counter) == ["RIMANDATA", "OK"]


def test_a_receipt_is_overtaken_by_the_next(counter: Counter) -> None:
    provoke(counter.simulator, "paSendRTV2", "rt_reorder", seconds=30, times=1)

    first = counter()
    eventually(lambda: deliveries(counter) == ["TRATTENUTA"])
    second = counter()

    eventually(counter.is_quiet)
    assert [one.findtext("receiptId") for one in counter.hub.receipts()] == [second["token"], first["token"]]


def test_a_receipt_that_nobody_overtakes_goes_by_itself(counter: Counter) -> None:
    provoke(counter.simulator, "paSendRTV2", "rt_reorder", seconds=0.1, times=1)

    counter()

    eventually(counter.is_quiet)
    assert deliveries(counter) == ["TRATTENUTA", "OK"]


@pytest.mark.parametrize(("kind", "found"), [("rt_extra", "estensione"), ("rt_codes", "METODO_NUOVO")])
def test_a_receipt_holds_what_no_contract_knows(counter: Counter, kind: str, found: str) -> None:
    provoke(counter.simulator, "paSendRTV2", kind, times=1)

    counter()

    eventually(counter.is_quiet)
    assert found in counter.hub.bodies("paSendRTV2")[0].decode()
    assert parse(counter.hub.bodies("paSendRTV2")[0]).find(".//receipt") is not None


@pytest.mark.parametrize("kind", ["lost_after", "garbage", "close", "refuse_connection"])
def test_a_receipt_that_went_wrong_is_sent_again_whole(counter: Counter, kind: str) -> None:
    provoke(counter.simulator, "paSendRTV2", kind, times=1)

    counter()

    eventually(counter.is_quiet)
    assert deliveries(counter) == ["INCERTO", "OK"]
    assert parse(counter.hub.bodies("paSendRTV2")[-1]).find(".//receipt") is not None


@pytest.mark.parametrize(
    ("answer", "outcome"),
    [
        ((503, b""), "INCERTO"),
        ("<outcome>KO</outcome>", "VIOLAZIONE"),
        ("<outcome>FORSE</outcome>", "VIOLAZIONE"),
        ((200, b"OK"), "VIOLAZIONE"),
    ],
)
def test_an_answer_that_is_none_brings_the_receipt_again(
    counter: Counter, answer: str | tuple[int, bytes], outcome: str
) -> None:
    counter.hub.say("paSendRTV2", answer)

    counter()

    eventually(counter.is_quiet)
    assert deliveries(counter) == [outcome, "OK"]


def test_a_well_formed_refusal_of_a_receipt_is_final(counter: Counter) -> None:
    counter.hub.say("paSendRTV2", KO)

    counter()

    eventually(counter.is_quiet)
    ricevuta = counter.ledger()["pagamenti"][0]["ricevute"][0]
    assert (ricevuta["stato"], ricevuta["consegne"][0]["dettaglio"]) == ("NOTIFIED", "PAA_PAGAMENTO_DUPLICATO")


def test_a_receipt_that_nobody_ever_takes_is_given_up(counter: Counter, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fake_notifica, "PAUSES_S", (0.01, 0.01))
    counter.hub.say("paSendRTV2", *[(503, b"")] * 3)

    counter()

    eventually(counter.is_quiet)
    assert counter.ledger()["pagamenti"][0]["ricevute"][0]["stato"] == "NOTICE_FAILED"
    assert deliveries(counter) == ["INCERTO"] * 3


def test_a_receipt_still_owed_goes_out_after_a_restart(tmp_path: Path) -> None:
    with listening(Hub()) as hub:
        server = SimulatorServer("127.0.0.1", 0, create_simulator(hub.url, tmp_path / "nodo.db"))
        server.start()
        provoke(server, "paSendRTV2", "rt_delay", seconds=600)
        before = Counter(hub, server)()
        eventually(lambda: deliveries(Counter(hub, server)) == ["RIMANDATA"])
        server.close()

        again = SimulatorServer("127.0.0.1", 0, create_simulator(hub.url, tmp_path / "nodo.db"))
        again.start()
        eventually(Counter(hub, again).is_quiet)
        again.close()

    assert [one.findtext("receiptId") for one in hub.receipts()] == [before["token"]]


@pytest.mark.parametrize(
    ("kind", "code", "asked"),
    [
        ("lost_after", "PPT_STAZIONE_INT_PA_TIMEOUT", 1),
        ("refuse_connection", "PPT_STAZIONE_INT_PA_IRRAGGIUNGIBILE", 0),
        ("twice", "", 2),
        ("late", "", 1),
    ],
)
def test_a_question_goes_wrong_on_the_way(counter: Counter, kind: str, code: str, asked: int) -> None:
    provoke(counter.simulator, "paVerifyPaymentNotice", kind, seconds=0.01, times=1)

    found = counter(azione="verifica")

    assert found["codice"] == code
    assert found["passi"][0]["guasto"] == kind
    assert len(counter.hub.asked) == asked


def test_a_spoilt_question_reaches_the_hub_spoilt(counter: Counter) -> None:
    provoke(counter.simulator, "paGetPaymentV2", "garbage", times=1)

    counter()

    with pytest.raises(ValueError):
        parse(counter.hub.bodies("paGetPaymentV2")[0])


def test_the_node_waits_no_longer_than_its_limit(counter: Counter, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fake_sportello, "QUESTION_S", 0.1)
    counter.hub.silent_s = 2

    found = counter()

    assert (found["stato"], found["codice"]) == ("RIFIUTATO", "PPT_STAZIONE_INT_PA_TIMEOUT")


def test_a_hub_that_is_off_cannot_be_reached() -> None:
    server = SimulatorServer("127.0.0.1", 0, create_simulator("http://127.0.0.1:1"))
    server.start()
    found = post_json(server, "/api/sportello", {"codice_fiscale": DOMINIO, "numero_avviso": NUMERO}).json()
    server.close()

    assert found["codice"] == "PPT_STAZIONE_INT_PA_IRRAGGIUNGIBILE"


@pytest.mark.parametrize("kind", ["other_amount", "abandon", "two_psps", "stand_in", "unknown_notice"])
def test_the_script_decides_what_people_do(counter: Counter, kind: str) -> None:
    provoke(counter.simulator, "sportello", kind, times=1)

    odd, even = counter(), counter()

    assert (odd["stranezza"], even["stranezza"]) == (kind, "")


@pytest.mark.parametrize(
    "rule",
    [
        {"operation": "sportello", "kind": "late"},
        {"operation": "paSendRT", "kind": "fault", "code": "PPT_SEMANTICA"},
        {"operation": "paVerifyPaymentNotice", "kind": "rt_extra"},
        {"operation": "paaInviaRT", "kind": "rt_reorder"},
        {"operation": "*", "kind": "two_psps"},
    ],
)
def test_a_fault_must_fit_what_it_befalls(counter: Counter, rule: dict[str, Any]) -> None:
    assert post_json(counter.simulator, "/faults", rule).status == 400


def test_what_befalls_every_operation_of_the_node_spares_what_the_node_calls(counter: Counter) -> None:
    provoke(counter.simulator, "*", "http_500")

    assert counter()["stato"] == "PAGATO"
