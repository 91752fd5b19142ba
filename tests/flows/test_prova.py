"""`pontepa serve` while flows are tried: calls go on beside, and no trial outlives who asked for it.

Real processes and sockets; a trial is held where it is by a stop signal, never by a clock.
"""

from __future__ import annotations

import base64
import json
import signal
import socket
import time
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any

import psutil
import pytest
import urllib3

from tests.flows.plant import HTTP, NS, PASSWORD, Plant, field, until
from tests.tracciati import make_csv, make_long_csv, rows

NOME = "C_PROVA-F1-1_3.csv"
URL = f"/flussi/check?nome={NOME}"
HEADERS = {
    "Authorization": "Basic " + base64.b64encode(f"C_PROVA:{PASSWORD}".encode()).decode(),
    "Content-Type": "text/csv",
}
HEADER = f'<h:intestazionePPT xmlns:h="{NS}ppthead"><codIpaEnte>C_PROVA</codIpaEnte></h:intestazionePPT>'
# Seconds of computing: a trial that is looked at after its first word is not near its last.
GOOD_ROWS = 150_000
GOOD = make_long_csv(GOOD_ROWS)
# As long, and each row has something to be told.
BAD = make_long_csv(100_000, importoDovuto="12,50")
LITTLE = make_csv(*rows(3))


@pytest.fixture
def plant(sqlite_url: str, tmp_path: Path) -> Iterator[Plant]:
    with Plant(tmp_path, sqlite_url, {"PONTEPA_MAX_UPLOAD_BYTES": str(64 * 1024 * 1024)}) as plant:
        plant.prepare()
        plant.up("serve")
        yield plant


@pytest.fixture
def threads() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(4) as pool:
        yield pool


def attempt(plant: Plant, data: bytes = LITTLE) -> urllib3.BaseHTTPResponse:
    return HTTP.request("POST", plant.hub_url + URL, body=data, headers=HEADERS, timeout=300)


def trials(plant: Plant) -> list[psutil.Process]:
    top = psutil.Process(plant.by_name["serve"].pid)
    found = []
    for process in top.children(recursive=True):
        try:
            if "hub.app_prova" in process.cmdline():
                found.append(process)
        except psutil.NoSuchProcess:
            continue  # it has just ended
    return found


def until_there_are(plant: Plant, count: int) -> list[psutil.Process]:
    return until(lambda: found if len(found := trials(plant)) == count else None, 60)


def until_reaped(process: psutil.Process) -> None:
    until(lambda: None if process.is_running() else True, 60)


def is_over(process: psutil.Process) -> bool:
    """Also where nobody is left to reap it."""
    try:
        return process.status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


def open_trial(plant: Plant, data: bytes) -> socket.socket:
    """Put the question and leave the answer unread."""
    connection = socket.create_connection(("127.0.0.1", int(plant.hub_url.rpartition(":")[2])), timeout=60)
    head = [f"POST {URL} HTTP/1.1", "Host: x", *(f"{name}: {value}" for name, value in HEADERS.items())]
    lines = "".join(f"{line}\r\n" for line in [*head, f"Content-Length: {len(data)}", ""])
    connection.sendall(lines.encode() + data)
    return connection


def whole(answer: urllib3.BaseHTTPResponse) -> Any:
    assert answer.status == 200, answer.data
    return answer.json()["riepilogo"]


def test_calls_are_answered_while_a_big_flow_is_tried(plant: Plant, threads: ThreadPoolExecutor) -> None:
    trial: Future[urllib3.BaseHTTPResponse] = threads.submit(attempt, plant, GOOD)
    (process,) = until_there_are(plant, 1)
    answered = 0

    while process.is_running() and not trial.done():
        answer = plant.call("paaSILAutorizzaImportFlusso", f"<password>{PASSWORD}</password>", HEADER)
        assert field(answer, "authorizationToken")
        answered += 1
        # An ente has no more than a thousand of them at a time.
        time.sleep(0.02)

    assert answered > 10
    assert whole(trial.result(300))["nuovi"]["dovuti"] == GOOD_ROWS
    until_reaped(process)


def test_two_at_once_a_third_is_asked_to_come_back_and_both_are_told_all(
    plant: Plant, threads: ThreadPoolExecutor
) -> None:
    open_ones = [threads.submit(attempt, plant) for _ in range(2)]
    held = until_there_are(plant, 2)
    for process in held:
        process.suspend()

    third = attempt(plant)

    assert (third.status, third.json()["codice"]) == (503, "SERVIZIO_NON_DISPONIBILE")
    assert third.headers["Retry-After"]
    for process in held:
        process.resume()
    assert [whole(one.result(60))["righe"] for one in open_ones] == [3, 3]
    assert whole(attempt(plant))["righe"] == 3


@pytest.mark.parametrize("data", [GOOD, BAD], ids=["with-nothing-to-tell", "with-much-to-tell"])
def test_a_client_that_leaves_half_way_leaves_no_process_and_makes_room(plant: Plant, data: bytes) -> None:
    connections = [open_trial(plant, data) for _ in range(2)]
    held = until_there_are(plant, 2)
    assert all(connection.recv(20).startswith(b"HTTP/1.1 200") for connection in connections)
    # By themselves they do not end any more.
    for process in held:
        process.suspend()

    for connection in connections:
        connection.close()

    for process in held:
        until_reaped(process)
    assert whole(attempt(plant))["righe"] == 3


def test_a_trial_inherits_no_socket_and_no_setting_of_the_server(plant: Plant) -> None:
    with open_trial(plant, GOOD) as connection:
        (process,) = until_there_are(plant, 1)
        assert connection.recv(20).startswith(b"HTTP/1.1 200")
        server = process.parent()

        assert server is not None and server.net_connections() and process.net_connections() == []
        assert [name for name in process.environ() if name.startswith("PONTEPA_")] == []


def test_a_trial_that_is_killed_before_its_first_word_is_refused(plant: Plant, threads: ThreadPoolExecutor) -> None:
    trial = threads.submit(attempt, plant)
    (process,) = until_there_are(plant, 1)
    process.kill()

    answer = trial.result(60)

    assert (answer.status, answer.json()["codice"]) == (503, "SERVIZIO_NON_DISPONIBILE")
    assert whole(attempt(plant))["righe"] == 3


def test_a_trial_that_is_killed_half_way_says_so_at_the_end_of_a_whole_text(plant: Plant) -> None:
    url = plant.hub_url + URL
    answer = HTTP.request("POST", url, body=BAD, headers=HEADERS, timeout=300, preload_content=False)
    said = answer.read(1000)
    (process,) = until_there_are(plant, 1)
    process.kill()

    told = json.loads(said + answer.read())

    assert answer.status == 200
    assert told["rifiuto"]["codice"] == "SERVIZIO_NON_DISPONIBILE" and "riepilogo" not in told
    until_reaped(process)
    assert b'"prova_ended_early"' in (plant.folder / "serve.log").read_bytes()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_a_server_that_ends_takes_its_trials_along(plant: Plant, number: signal.Signals) -> None:
    with open_trial(plant, GOOD) as connection:
        (process,) = until_there_are(plant, 1)
        assert connection.recv(20).startswith(b"HTTP/1.1 200")
        server = process.parent()
        assert server is not None

        (plant.by_name["serve"] if number == signal.SIGTERM else server).send_signal(number)

        until(lambda: is_over(process) or None, 60)
