"""What a process counts: outcomes of operations and deliveries, leases taken and lost, waits for the database."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from hub import misure
from hub.domain.delivery import Delivery, Outcome
from hub.jobs.loops import job
from hub.misure import OPERAZIONE_S
from hub.soap.operation import Call
from hub.soap.server import _esito
from hub.web.metrics import Metrics, shared_folder
from tests.metriche.esposte import Esposte, read
from tests.world import LIMITS, TOPIC_RPT, World


class Conti:
    """A process that counts, and what it would tell."""

    def __init__(self) -> None:
        self.metrics = Metrics()
        misure.collect(self.metrics)

    def told(self) -> Esposte:
        return read(self.metrics.exposition({}).decode())


@pytest.fixture
def conti() -> Iterator[Conti]:
    yield Conti()
    misure.collect(None)


def test_each_attempt_at_a_message_is_timed_by_topic_and_outcome(world: World, conti: Conti) -> None:
    world.nodo.sends.append(Delivery(Outcome.TRY_AGAIN, "CONNECT"))
    world.begin()
    world.relay()
    world.clock.advance(60)
    world.relay()

    found = conti.told()

    name = "pontepa_delivery_duration_seconds_count"
    assert found[f'{name}{{outcome="TRY_AGAIN",topic="{TOPIC_RPT}"}}'] == 1
    assert found[f'{name}{{outcome="DELIVERED",topic="{TOPIC_RPT}"}}'] == 1


def test_a_lease_that_another_takes_is_counted_by_both(world: World, conti: Conti) -> None:
    world.begin()
    with world.frozen_worker(Delivery(Outcome.UNKNOWN, "TIMEOUT")):
        world.clock.advance(LIMITS.lease.total_seconds() + 1)
        world.relay()

    found = conti.told()

    assert found[f'pontepa_lease_takeovers_total{{lavoro="{TOPIC_RPT}"}}'] == 1
    assert found[f'pontepa_lease_lost_total{{topic="{TOPIC_RPT}"}}'] == 1


def test_waits_for_the_database_are_counted(world: World, conti: Conti) -> None:
    before = conti.told()["pontepa_db_wait_seconds_count"]
    world.begin()

    found = conti.told()

    assert found["pontepa_db_wait_seconds_count"] > before
    assert found["pontepa_db_connections_in_use"] >= 0
    if not world.db.is_postgresql:
        assert found["pontepa_commit_group_size_count"] == found["pontepa_commit_group_size_sum"] > 0


def test_connections_at_work_are_told_as_they_are(world: World, conti: Conti) -> None:
    idle = conti.told()["pontepa_db_connections_in_use"]
    with world.db.reading(), world.db.reading():
        assert conti.told()["pontepa_db_connections_in_use"] >= idle + 2
    with world.db.reading():
        pass

    assert conti.told()["pontepa_db_connections_in_use"] <= idle + 1


def test_a_job_that_fails_is_counted(conti: Conti) -> None:
    def fails() -> bool:
        raise ValueError("no")

    assert job("una_prova", fails)() is False
    assert conti.told()['pontepa_job_failures_total{lavoro="una_prova"}'] == 1


def test_where_nobody_collects_nothing_is_counted() -> None:
    metrics = Metrics()
    misure.collect(None)

    misure.observe(OPERAZIONE_S, 1.0, "nodo", "paSendRT", "ok")

    assert "paSendRT" not in metrics.exposition({}).decode()


@pytest.mark.parametrize(
    ("outcome", "status", "is_replaced", "esito"),
    [
        ("ok", "200 OK", False, "ok"),
        ("PAA_PAGAMENTO_SCONOSCIUTO", "200 OK", False, "rifiuto"),
        ("Client", "500 Internal Server Error", False, "rifiuto"),
        ("PAA_SYSTEM_ERROR", "429 Too Many Requests", False, "rifiuto"),
        ("PAA_SYSTEM_ERROR", "200 OK", False, "guasto"),
        ("Server", "503 Service Unavailable", False, "guasto"),
        ("ok", "200 OK", True, "guasto"),
    ],
)
def test_a_fault_of_ours_is_told_from_one_of_the_caller(
    outcome: str, status: str, is_replaced: bool, esito: str
) -> None:
    assert _esito(Call(outcome=outcome, is_replaced=is_replaced), status) == esito


def test_the_levels_of_the_platform_are_among_the_buckets() -> None:
    assert {0.5, 2.0, 5.0, 7.0, 15.0} <= set(OPERAZIONE_S.buckets)


def test_the_folder_of_a_serve_that_was_killed_is_removed_by_the_next(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    with shared_folder() as folder:
        # No process has such a number.
        left = folder.with_name(folder.name.rpartition("-")[0] + "-99999999")
    left.mkdir()
    (left / "counter_99999999.db").touch()

    with shared_folder() as folder:
        assert folder.is_dir() and not left.exists()
    assert list(tmp_path.iterdir()) == []
