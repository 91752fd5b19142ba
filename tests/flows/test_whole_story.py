"""The main job with real processes, killed where it hurts: the story ends as if nothing had happened."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from sqlalchemy import text

from hub.store.database import Database
from tests.flows.plant import Plant, until

# Short leases, so that a dead sender is noticed within the test; always longer than one call to the node.
FAST = {
    "PONTEPA_LEASE_S": "4",
    "PONTEPA_NODE_CONNECT_TIMEOUT_S": "0.5",
    "PONTEPA_NODE_READ_TIMEOUT_S": "1.5",
    "PONTEPA_NODE_QUERY_TIMEOUT_S": "1.5",
}


@pytest.fixture
def plant(database_url: str, tmp_path: Path) -> Iterator[Plant]:
    with Plant(tmp_path, database_url, FAST) as plant:
        plant.prepare()
        plant.up("simulator", "serve", "worker-1")
        yield plant


def sendings(plant: Plant) -> Counter[str]:
    """How often the node carried out the sending of each RPT."""
    messages = plant.ledger()["messaggi"]
    return Counter(m["chiave"] for m in messages if m["operazione"].startswith("nodoInvia") and m["risposta"] == "OK")


def test_a_dovuto_comes_back_as_a_receipt(plant: Plant) -> None:
    ricevuta = plant.tell()

    assert ricevuta.codice_esito == "0"
    assert list(sendings(plant).values()) == [1]


def test_a_refused_payment_comes_back_as_not_paid(plant: Plant) -> None:
    id_session, iud = plant.send()
    plant.open(id_session)

    plant.pay(plant.url_of_node(id_session), "rifiuta")

    assert plant.read_back(id_session, iud).codice_esito == "1"


def test_a_worker_killed_between_the_send_and_its_recording_sends_nothing_twice(plant: Plant) -> None:
    plant.fault(operation="nodoInviaCarrelloRPT", kind="late", seconds=1.2, times=1)
    id_session, iud = plant.send()
    plant.open(id_session)
    until(lambda: plant.ledger()["rpt"] or None, 10)

    plant.kill("worker-1")
    plant.up("worker-2")

    plant.pay(plant.url_of_node(id_session))
    assert plant.read_back(id_session, iud).codice_esito == "0"
    assert list(sendings(plant).values()) == [1]


def test_a_lost_answer_is_asked_for_and_not_sent_again(plant: Plant) -> None:
    plant.fault(operation="nodoInviaCarrelloRPT", kind="lost_after", times=1)

    assert plant.tell().codice_esito == "0"

    operations = Counter(message["operazione"] for message in plant.ledger()["messaggi"])
    assert operations["nodoInviaCarrelloRPT"] == 1
    assert operations["nodoChiediStatoRPT"] >= 1


def test_a_web_process_killed_after_the_bytes_of_a_receipt_are_stored_loses_nothing(plant: Plant) -> None:
    id_session, iud = plant.send()
    plant.open(id_session)
    url = plant.url_of_node(id_session)
    plant.kill("worker-1")
    db = Database.open(plant.database_url)

    def stored() -> int | None:
        with db.reading() as session:
            return session.execute(text("SELECT count(*) FROM rt_ricevute")).scalar_one() or None

    if db.is_postgresql:
        # Hold the web process exactly there: the bytes are committed, the look-up that follows them waits.
        with db.transaction() as session:
            session.execute(text("LOCK TABLE tentativi IN ACCESS EXCLUSIVE MODE"))
            plant.pay(url)
            until(stored, 10)
            plant.kill("serve")
    else:
        plant.pay(url)
        until(stored, 10)
        plant.kill("serve")
    db.close()
    plant.up("serve")
    plant.up("worker-2")

    assert plant.read_back(id_session, iud).codice_esito == "0"
    assert list(sendings(plant).values()) == [1]


def test_a_receipt_sent_twice_changes_nothing(plant: Plant) -> None:
    plant.fault(operation="paaInviaRT", kind="rt_duplicate", times=1)

    ricevuta = plant.tell()

    until(lambda: sum(len(rt["consegne"]) for rt in plant.ledger()["rt"]) >= 2 or None, 10)
    assert ricevuta.codice_esito == "0"
    with Database.open(plant.database_url).reading() as session:
        assert session.execute(text("SELECT count(*) FROM rt_ricevute")).scalar_one() == 1


def test_a_frozen_worker_that_thaws_does_not_send_again(plant: Plant) -> None:
    plant.fault(operation="nodoInviaCarrelloRPT", kind="late", seconds=1.2, times=1)
    id_session, iud = plant.send()
    plant.open(id_session)
    until(lambda: plant.ledger()["rpt"] or None, 10)
    plant.freeze("worker-1")
    plant.up("worker-2")
    url = plant.url_of_node(id_session)

    plant.freeze("worker-1", thaw=True)

    plant.pay(url)
    assert plant.read_back(id_session, iud).codice_esito == "0"
    assert list(sendings(plant).values()) == [1]


def test_five_hundred_stories_at_once_with_lost_answers(postgresql_url: str, tmp_path: Path) -> None:
    """Two workers and four web processes: no receipt missing, no IUV twice, no RPT twice."""
    extra = {**FAST, "PONTEPA_WORKERS": "4", "PONTEPA_DB_POOL_SIZE": "6", "PONTEPA_BLOCKING_THREADS": "4"}
    with Plant(tmp_path, postgresql_url, extra) as plant:
        plant.prepare()
        plant.up("simulator", "serve", "worker-1", "worker-2")
        plant.fault(operation="nodoInviaCarrelloRPT", kind="lost_after", probability=0.3)
        started = time.monotonic()

        with ThreadPoolExecutor(24) as pool:
            opened = list(pool.map(lambda _: plant.send(), range(500)))
            list(pool.map(lambda story: plant.open(story[0]), opened))
            list(pool.map(lambda story: plant.pay(plant.url_of_node(story[0], 120)), opened))
            ricevute = list(pool.map(lambda story: plant.read_back(*story, timeout_s=120), opened))

        print(f"500 stories in {time.monotonic() - started:.1f} s")
        assert [ricevuta.codice_esito for ricevuta in ricevute] == ["0"] * 500
        assert len({ricevuta.iuv for ricevuta in ricevute}) == 500
        assert sorted(ricevuta.iud for ricevuta in ricevute) == sorted(iud for _, iud in opened)
        sent = sendings(plant)
        assert len(sent) == 500
        assert set(sent.values()) == {1}
