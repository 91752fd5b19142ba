"""Real processes: two that answer and a worker. Whoever is asked tells for all, and the numbers are the stories'."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import urllib3

from benchmarks.processes import free_port
from hub.domain.errors import Misconfigured
from hub.store.database import Database
from hub.web.metrics import Metrics
from hub.web.salute import serve_beside
from tests.flows.plant import Plant, until
from tests.metriche.esposte import Esposte, read
from tests.world import World

STORIES = 3
LOOKS = 40


@pytest.fixture
def plant(database_url: str, tmp_path: Path) -> Iterator[Plant]:
    # SQLite has one writer, and one process that answers.
    processes = "1" if database_url.startswith("sqlite") else "2"
    port = str(free_port())
    extra = {"PONTEPA_WORKERS": processes, "PONTEPA_METRICS_PORT": port, "PONTEPA_METRICS_CACHE_S": "0"}
    # Where the processes of a `serve` count.
    with Plant(tmp_path, database_url, extra | {"TMPDIR": str(tmp_path)}) as plant:
        plant.prepare()
        plant.up("simulator", "serve", "worker-1")
        plant.await_worker("worker-1")
        yield plant


def get(url: str) -> str:
    """Ask over a connection of its own: the next one may be another process's."""
    answer = urllib3.request("GET", url, headers={"Connection": "close"}, retries=False, timeout=30)
    assert answer.status == 200, answer.data
    return answer.data.decode()


def test_whichever_process_is_asked_the_numbers_are_those_of_the_stories(plant: Plant, database_url: str) -> None:
    processes = 1 if database_url.startswith("sqlite") else 2
    worker_url = f"http://127.0.0.1:{plant.environment['PONTEPA_METRICS_PORT']}"
    for _ in range(STORIES):
        assert plant.tell().codice_esito == "0"
    refused = plant.call("paaSILChiediPagatiConRicevuta", "<codIpaEnte>C_PROVA</codIpaEnte><password>x</password>")
    for _ in range(LOOKS):
        get(f"{plant.hub_url}/health/live")
    until(lambda: _is_settled(read(get(f"{worker_url}/metrics"))) or None, 30)

    told = [read(get(f"{plant.hub_url}/metrics")) for _ in range(8)]
    of_worker = read(get(f"{worker_url}/metrics"))

    assert "PAA_ENTE_NON_VALIDO" in refused
    name = "pontepa_operation_duration_seconds_count"
    for found in told:
        assert found[f'{name}{{esito="ok",operation="paaSILInviaDovuti",servizio="ente"}}'] == STORIES
        assert found[f'{name}{{esito="ok",operation="paaInviaRT",servizio="nodo"}}'] == STORIES
        assert found[f'{name}{{esito="rifiuto",operation="paaSILChiediPagatiConRicevuta",servizio="ente"}}'] >= 1
        assert found['pontepa_http_requests_total{method="GET",route="/health/live",status="200"}'] == LOOKS
        assert found['pontepa_processes{ruolo="serve"}'] == processes
        assert found["pontepa_db_connections_max"] == 16 * processes
    # Each of these was asked too, and counted: one more every time.
    name = 'pontepa_http_requests_total{method="GET",route="/metrics",status="200"}'
    assert [found.get(name, 0) for found in told] == list(range(8))

    name = "pontepa_delivery_duration_seconds_count"
    assert of_worker[f'{name}{{outcome="DELIVERED",topic="nodo.rpt"}}'] == STORIES
    assert of_worker['pontepa_processes{ruolo="worker"}'] == 1
    # What the database holds is told alike by both.
    for found in (told[-1], of_worker):
        assert found['pontepa_attempts_open{stato="IN_ATTESA"}'] == 0
        assert found['pontepa_outbox_topic_messages{stato="DA_INVIARE",topic="nodo.rpt"}'] == 0
        assert found["pontepa_database_up"] == 1


def _is_settled(found: Esposte) -> bool:
    return found['pontepa_outbox_messages{stato="DA_INVIARE"}'] == found['pontepa_ricevute{stato="RICEVUTA"}'] == 0


def test_a_worker_tells_its_health_and_nothing_else(plant: Plant) -> None:
    url = f"http://127.0.0.1:{plant.environment['PONTEPA_METRICS_PORT']}"

    assert "ok" in get(f"{url}/health/live") and '"migrazioni":true' in get(f"{url}/health/ready").replace(" ", "")
    for path in ("/", "/console", "/ws/pa/PagamentiTelematiciDovutiPagati"):
        assert urllib3.request("GET", url + path, retries=False).status == 404


def test_what_a_process_that_was_killed_has_counted_stays(plant: Plant, tmp_path: Path) -> None:
    """It stays true; what it had at work does not, and at the end of `serve` nothing is left behind."""
    name = f"pontepa-metriche-*-{plant.by_name['serve'].pid}"
    # In memory where there is such a place.
    (folder,) = [*Path("/dev/shm").glob(name), *tmp_path.glob(name)]
    get(f"{plant.hub_url}/health/live")
    # Processes of which nothing is left but their counts: no process has such a number.
    for file in list(folder.glob("*.db")):
        kind, _, pid = file.stem.rpartition("_")
        (folder / f"{kind}_{90_000_000 + int(pid)}.db").write_bytes(file.read_bytes())
    counted = 'pontepa_http_requests_total{method="GET",route="/health/live",status="200"}'

    found = read(get(f"{plant.hub_url}/metrics"))

    assert found[counted] == 2
    assert found['pontepa_processes{ruolo="serve"}'] == int(plant.environment["PONTEPA_WORKERS"])
    plant.stop()
    assert not folder.exists()


def test_a_port_that_is_taken_is_told_at_the_start(small_world: World) -> None:
    port = free_port()
    with socket.create_server(("127.0.0.1", port)), pytest.raises(Misconfigured) as refused:
        serve_beside(small_world.runtime, Metrics(), "127.0.0.1", port)

    assert str(refused.value).startswith(f"PONTEPA_METRICS_PORT: 127.0.0.1:{port} non si può aprire")


def test_who_asks_and_says_nothing_more_is_not_waited_for(
    small_world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("hub.web.salute._Handler.timeout", 0.2)
    port = free_port()
    server = serve_beside(small_world.runtime, Metrics(), "127.0.0.1", port)
    with socket.create_connection(("127.0.0.1", port), timeout=30) as silent:
        silent.sendall(b"GET /metrics HTTP/1.1\r\n")
        # It is hung up on, and meanwhile others are answered.
        assert "pontepa_database_up 1.0" in get(f"http://127.0.0.1:{port}/metrics")
        assert silent.recv(1024) == b""
    server.shutdown()
    server.server_close()


def test_a_database_without_tables_is_no_page_of_python(small_world: World, tmp_path: Path) -> None:
    absent = Database.open(f"sqlite:///{tmp_path / 'senza_tabelle.db'}")
    port = free_port()
    server = serve_beside(replace(small_world.runtime, db=absent), Metrics(), "127.0.0.1", port)

    ready = urllib3.request("GET", f"http://127.0.0.1:{port}/health/ready", retries=False)
    told = get(f"http://127.0.0.1:{port}/metrics")
    server.shutdown()
    server.server_close()
    absent.close()

    assert (ready.status, "Traceback" in ready.data.decode()) == (503, False)
    assert "pontepa_database_up 0.0" in told
