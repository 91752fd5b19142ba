"""The outbox: claimed with a lease, settled under a fence, in order within one key."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from hub.domain.errors import Conflict, NotFound
from hub.domain.stati import StatoMessaggio
from hub.store import outbox
from hub.store.database import Database
from hub.store.outbox import Claimed

NOW = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
LEASE = timedelta(seconds=60)


def put(db: Database, key: str, topic: str = "nodo.rpt", at: datetime = NOW) -> None:
    with db.transaction() as session:
        outbox.put(session, topic, key, f"payload {key}".encode(), "c" * 32, at)


def claim(db: Database, now: datetime = NOW, limit: int = 10) -> list[Claimed]:
    with db.transaction() as session:
        return outbox.claim(session, now, LEASE, limit)


def settle(db: Database, message: Claimed, stato: StatoMessaggio = StatoMessaggio.CONSEGNATO, **values: Any) -> bool:
    with db.transaction() as session:
        return outbox.settle(session, message, stato, NOW, outcome="DELIVERED", code="", **values)


def only(db: Database, stato: str | None = None) -> Any:
    with db.reading() as session:
        (row,) = outbox.list_messages(session, stato)
        return row


def test_a_message_of_a_transaction_that_failed_does_not_exist(db):
    with pytest.raises(ZeroDivisionError), db.transaction() as session:
        outbox.put(session, "nodo.rpt", "a", b"x", "c" * 32, NOW)
        raise ZeroDivisionError

    assert claim(db) == []


def test_a_claimed_message_is_whole_and_new_ones_need_no_question(db):
    put(db, "a")

    (message,) = claim(db)

    assert (message.topic, message.chiave, message.payload) == ("nodo.rpt", "a", b"payload a")
    assert (message.attempts, message.fence, message.must_ask) == (1, 1, False)
    assert message.lease_until == NOW + LEASE


def test_a_message_is_claimed_once(db):
    put(db, "a")

    assert [len(claim(db)), len(claim(db))] == [1, 0]


def test_two_workers_at_once_share_the_messages(db):
    for number in range(40):
        put(db, f"k{number}")
    together = threading.Barrier(4)

    def work() -> list[int]:
        mine: list[int] = []
        together.wait()
        while claimed := claim(db, limit=3):
            mine += [message.id for message in claimed]
        return mine

    with ThreadPoolExecutor(4) as pool:
        taken = [id for future in [pool.submit(work) for _ in range(4)] for id in future.result()]

    assert len(taken) == len(set(taken)) == 40


def test_a_message_is_not_due_before_its_time(db):
    put(db, "a", at=NOW + timedelta(seconds=1))

    assert claim(db, NOW) == []
    assert len(claim(db, NOW + timedelta(seconds=1))) == 1


def test_the_oldest_due_comes_first(db):
    put(db, "late", at=NOW)
    put(db, "early", at=NOW - timedelta(minutes=1))

    (message,) = claim(db, limit=1)

    assert message.chiave == "early"


def test_messages_of_one_key_go_one_at_a_time_in_order(db):
    put(db, "a")
    put(db, "a")
    put(db, "b")

    first = claim(db)
    assert [message.chiave for message in first] == ["a", "b"]
    assert claim(db) == []
    settle(db, first[0])
    (second,) = claim(db)
    assert second.chiave == "a" and second.id > first[0].id


def test_a_waiting_message_holds_back_those_of_its_key(db):
    put(db, "a")
    put(db, "a")
    (first,) = claim(db)
    settle(db, first, StatoMessaggio.DA_INVIARE, next_attempt_at=NOW + timedelta(hours=1))

    assert claim(db) == []


def test_the_same_key_of_another_topic_is_another_matter(db):
    put(db, "a", "nodo.rpt")
    put(db, "a", "ente.esito")

    assert len(claim(db)) == 2


@pytest.mark.parametrize("stato", [StatoMessaggio.CONSEGNATO, StatoMessaggio.RIFIUTATO, StatoMessaggio.PARCHEGGIATO])
def test_a_settled_message_is_not_claimed_again(db, stato):
    put(db, "a")
    (message,) = claim(db)

    assert settle(db, message, stato) is True

    assert claim(db, NOW + timedelta(days=1)) == []


def test_a_message_to_be_tried_again_needs_no_question(db):
    put(db, "a")
    (message,) = claim(db)
    settle(db, message, StatoMessaggio.DA_INVIARE, next_attempt_at=NOW)

    (again,) = claim(db)

    assert (again.must_ask, again.attempts, again.fence) == (False, 2, 2)


def test_a_message_in_doubt_is_a_question(db):
    put(db, "a")
    (message,) = claim(db)
    settle(db, message, StatoMessaggio.SCONOSCIUTO, next_attempt_at=NOW)

    (again,) = claim(db)

    assert again.must_ask is True


def test_a_lease_that_ran_out_makes_a_question(db):
    put(db, "a")
    claim(db)

    assert claim(db, NOW + LEASE) == []
    (again,) = claim(db, NOW + LEASE + timedelta(seconds=1))
    assert (again.must_ask, again.fence) == (True, 2)


def test_a_lost_lease_cannot_settle(db):
    put(db, "a")
    (frozen,) = claim(db)
    (other,) = claim(db, NOW + LEASE + timedelta(seconds=1))

    assert settle(db, frozen) is False
    assert only(db).stato == StatoMessaggio.IN_INVIO
    assert settle(db, other) is True


def test_a_message_is_settled_once(db):
    put(db, "a")
    (message,) = claim(db)

    assert [settle(db, message), settle(db, message)] == [True, False]


def test_the_next_due_is_that_of_the_open_messages(db):
    put(db, "a", at=NOW + timedelta(minutes=5))
    with db.reading() as session:
        assert outbox.next_due(session) == NOW + timedelta(minutes=5)
    (message,) = claim(db, NOW + timedelta(minutes=5))
    settle(db, message)

    with db.reading() as session:
        assert outbox.next_due(session) is None


def test_the_depth_counts_what_waits_and_what_is_parked(db):
    for key in "abc":
        put(db, key)
    first, _second = claim(db, limit=2)
    settle(db, first, StatoMessaggio.PARCHEGGIATO)

    with db.reading() as session:
        found = {row.stato: row.numero for row in outbox.by_topic(session)}
        assert found == {"DA_INVIARE": 1, "IN_INVIO": 1, "PARCHEGGIATO": 1}


def test_a_parked_message_brought_forward_is_a_question(db):
    put(db, "a")
    (message,) = claim(db)
    settle(db, message, StatoMessaggio.PARCHEGGIATO)

    with db.transaction() as session:
        outbox.retry(session, message.id, NOW)

    (again,) = claim(db)
    assert again.must_ask is True


def test_a_message_parked_before_it_ever_left_needs_no_question(db):
    put(db, "a")
    with db.transaction() as session:
        outbox.park(session, only(db, "DA_INVIARE").id, "per prova", NOW)
        outbox.retry(session, outbox.list_messages(session, "PARCHEGGIATO")[0].id, NOW)

    (message,) = claim(db)

    assert message.must_ask is False


def test_what_is_being_sent_can_be_neither_parked_nor_brought_forward(db):
    put(db, "a")
    (message,) = claim(db)

    for deed in (lambda s: outbox.park(s, message.id, "x", NOW), lambda s: outbox.retry(s, message.id, NOW)):
        with pytest.raises(Conflict), db.transaction() as session:
            deed(session)


def test_a_message_that_does_not_exist_is_not_found(db):
    for deed in (lambda s: outbox.park(s, 99, "x", NOW), lambda s: outbox.retry(s, 99, NOW)):
        with pytest.raises(NotFound), db.transaction() as session:
            deed(session)


def test_a_commit_wakes_a_worker_that_listens(postgresql_url):
    db = Database.open(postgresql_url)
    connection = db.listen_connection()
    connection.exec_driver_sql(f"LISTEN {outbox.CHANNEL}")

    put(db, "a")

    driver = connection.connection.driver_connection
    assert [note.channel for note in driver.notifies(timeout=5, stop_after=1)] == [outbox.CHANNEL]
    connection.close()
    db.close()
