"""`pontepa serve` by itself: connections that do nothing are ended, and framings with two meanings open no door.

What is waited for here is the server's own bound; the tests wait for the end of a connection, never for a time.
"""

from __future__ import annotations

import resource
import socket
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from hub.app_porte import places
from hub.web import vigile
from hub.web.vigile import Collegamento, Vigile, too_many
from tests.flows.plant import HTTP, SERVICE, Plant, until

LIVE = b"GET /health/live HTTP/1.1\r\nHost: x\r\n\r\n"
HEAD = f"POST {SERVICE} HTTP/1.1\r\nHost: x\r\nContent-Type: text/xml\r\n"


@pytest.fixture(scope="module")
def plant(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Plant]:
    folder: Path = tmp_path_factory.mktemp("connessioni")
    with Plant(folder, f"sqlite:///{folder}/pontepa.db", {"PONTEPA_BODY_TIMEOUT_S": "2"}) as plant:
        plant.prepare()
        plant.up("serve")
        yield plant


def connect(plant: Plant, data: bytes = b"") -> socket.socket:
    connection = socket.create_connection(("127.0.0.1", int(plant.hub_url.rpartition(":")[2])), timeout=60)
    if data:
        connection.sendall(data)
    return connection


def told(connection: socket.socket) -> bytes:
    """Everything until the server ends the connection."""
    parts = []
    with connection:
        try:
            while block := connection.recv(65536):
                parts.append(block)
        except ConnectionError:
            pass
    return b"".join(parts)


def files(plant: Plant) -> int:
    """Open files of the processes of the server together."""
    top = psutil.Process(plant.by_name["serve"].pid)
    return sum(process.num_fds() for process in [top, *top.children(recursive=True)])


def test_connections_that_say_nothing_or_half_a_word_are_all_ended(plant: Plant) -> None:
    HTTP.request("GET", f"{plant.hub_url}/health/ready")
    before = files(plant)
    waiting = [
        connect(plant, data)
        for data in (b"", b"G", HEAD.encode(), HEAD.encode() + b"Content-Length: 50000\r\n\r\n<a", LIVE)
        for _ in range(40)
    ]
    assert HTTP.request("GET", f"{plant.hub_url}/health/ready").status == 200

    answers = [told(connection) for connection in waiting]

    assert [answer[:12] for answer in answers[:40]] == [b""] * 40
    assert {answer[:12] for answer in answers[120:160]} == {b"HTTP/1.1 408"}
    # An answered one may stay for the next request, for a while.
    assert {answer[:12] for answer in answers[160:]} == {b"HTTP/1.1 200"}
    until(lambda: True if files(plant) <= before + 5 else None, 30)


FRAMINGS = {
    "two lengths": "Content-Length: 5\r\nContent-Length: 6\r\n\r\nabcdef",
    "a list of lengths": "Content-Length: 5, 5\r\n\r\nabcde",
    "a signed length": "Content-Length: +5\r\n\r\nabcde",
    "a negative length": "Content-Length: -5\r\n\r\nabcde",
    "an unknown coding": "Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n",
    "chunked not last": "Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n",
    "two codings": "Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n\r\n0\r\n\r\n",
    "a space before the colon": "Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n",
    "a folded line": "X-A: b\r\n c\r\nContent-Length: 0\r\n\r\n",
    "a nought in a header": "X-A: a\0b\r\nContent-Length: 0\r\n\r\n",
    "many headers": "".join(f"X-{n}: b\r\n" for n in range(150)) + "Content-Length: 0\r\n\r\n",
    "a long header": "X-A: " + "a" * 200_000 + "\r\nContent-Length: 0\r\n\r\n",
}


@pytest.mark.parametrize("framing", FRAMINGS.values(), ids=FRAMINGS.keys())
def test_a_framing_with_two_meanings_is_refused_and_nothing_after_it_is_read(plant: Plant, framing: str) -> None:
    answer = told(connect(plant, (HEAD + framing).encode("latin-1") + LIVE))

    assert answer[:12] in (b"HTTP/1.1 400", b"HTTP/1.1 431") and answer.count(b"HTTP/1.1") == 1


@pytest.mark.parametrize(
    "framing",
    [
        "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        "Transfer-Encoding: chunked\r\n\r\n4\r\n<a/>\r\nZZ\r\nabc\r\n0\r\n\r\n",
        "Transfer-Encoding: chunked\r\n\r\n3\r\nabcde\r\n0\r\n\r\n",
        "Transfer-Encoding: chunked\r\n\r\n-1\r\nabcde\r\n0\r\n\r\n",
        "Transfer-Encoding: chunked\r\n\r\nFFFFFFFFFFFFFFFFF\r\nabc\r\n0\r\n\r\n",
    ],
)
def test_after_a_body_of_doubtful_end_nothing_is_taken_for_a_request(plant: Plant, framing: str) -> None:
    answer = told(connect(plant, (HEAD + framing).encode() + LIVE))

    assert answer.count(b"HTTP/1.1") == 1 and b'"stato":"ok"' not in answer.replace(b" ", b"")


def test_requests_that_follow_unasked_are_answered_one_after_the_other(plant: Plant) -> None:
    last = LIVE.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n")

    assert told(connect(plant, LIVE * 20 + last)).count(b"HTTP/1.1 200") == 21


def test_a_body_that_breaks_off_is_no_request(plant: Plant) -> None:
    for length in (50, 50_000):
        connection = connect(plant, f"{HEAD}Content-Length: {length}\r\n\r\n<a/>".encode())
        connection.shutdown(socket.SHUT_WR)

        assert told(connection)[:12] == b"HTTP/1.1 400"


def test_another_protocol_is_not_spoken(plant: Plant) -> None:
    answer = told(connect(plant, b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"))

    assert not answer or answer.startswith(b"HTTP/1.1 4")


def test_the_server_gives_itself_room_for_its_connections() -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (min(soft, 1024), hard))

        assert places(100) == 100
        assert resource.getrlimit(resource.RLIMIT_NOFILE)[0] == 1124
        # More than there can be: what is left beside the other files.
        assert places(hard) == hard - 1024
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def one(source: str, number: int, received_ms: int = 0) -> Collegamento:
    return Collegamento(source, number, 0, received_ms, 10, 0)


def test_one_address_has_its_part_when_there_is_little_room_left_and_a_proxy_is_many() -> None:
    crowd = [one("192.0.2.1", number, received_ms=number) for number in range(70)]
    few = [one("198.51.100.7", number) for number in range(100, 110)]

    assert too_many(crowd[:50] + few, 100, ()) == []
    # The part of one is a quarter: those that were quiet for the longest go.
    ended = too_many(crowd + few, 100, ())
    assert {each.number for each in ended} == set(range(25, 70))
    assert too_many(crowd + few, 100, ("192.0.2.1",)) == []


@pytest.fixture
def listening() -> Iterator[socket.socket]:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        yield listening


def test_who_does_not_take_his_answer_is_ended_and_who_does_is_not(
    listening: socket.socket, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(vigile, "_TAKE_MS", 50)
    address = listening.getsockname()
    guard = Vigile([address[1]], 100, ())
    with socket.create_connection(address) as slow, socket.create_connection(address) as good:
        to_slow, _ = listening.accept()
        to_good, _ = listening.accept()
        for each in (slow, good):
            each.sendall(b"x")
        to_slow.setblocking(False)
        with pytest.raises(BlockingIOError):
            while True:
                to_slow.send(b"x" * 65536)

        until(lambda: guard.look().get("ferma"), 30)

        with pytest.raises(ConnectionError):
            while True:
                to_slow.send(b"x")
        to_good.sendall(b"answer")
        assert good.recv(10) == b"answer"
        to_slow.close()
        to_good.close()


def test_a_connection_of_another_port_is_never_touched(
    listening: socket.socket, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(vigile, "_FIRST_BYTE_MS", -1)
    with socket.create_connection(listening.getsockname()) as client:
        to_client, _ = listening.accept()
        guard = Vigile([listening.getsockname()[1] + 1], 1, ())

        assert guard.look() == {}
        to_client.sendall(b"here")
        assert client.recv(10) == b"here"
        to_client.close()
