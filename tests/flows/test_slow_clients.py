"""`pontepa serve` by itself: slow and half-open clients hold nothing, and a body over the limit is not waited for."""

from __future__ import annotations

import select
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.flows.plant import HTTP, SERVICE, Plant


@pytest.fixture
def plant(sqlite_url: str, tmp_path: Path) -> Iterator[Plant]:
    with Plant(tmp_path, sqlite_url, {"PONTEPA_BODY_TIMEOUT_S": "1"}) as plant:
        plant.prepare()
        plant.up("serve")
        yield plant


def connect(plant: Plant, *lines: str, body: bytes = b"") -> socket.socket:
    connection = socket.create_connection(("127.0.0.1", int(plant.hub_url.rpartition(":")[2])), timeout=15)
    connection.sendall("".join(f"{line}\r\n" for line in lines).encode() + body)
    return connection


def post(length: int) -> tuple[str, ...]:
    return (f"POST {SERVICE} HTTP/1.1", "Host: x", "Content-Type: text/xml", f"Content-Length: {length}", "")


def test_a_body_over_the_limit_is_refused_before_it_is_sent(plant: Plant) -> None:
    with connect(plant, *post(100_000_000), body=b"<a") as connection:
        assert connection.recv(100).startswith(b"HTTP/1.1 413")


def test_an_endless_chunked_body_is_cut_at_the_limit(plant: Plant) -> None:
    chunk = b"10000\r\n" + b"a" * 0x10000 + b"\r\n"
    head = (f"POST {SERVICE} HTTP/1.1", "Host: x", "Content-Type: text/xml", "Transfer-Encoding: chunked", "")
    with connect(plant, *head) as connection:
        try:
            for _ in range(64):
                connection.sendall(chunk)
        except OSError:
            pass  # the server has stopped listening

        assert connection.recv(100).startswith(b"HTTP/1.1 413")


def test_a_length_beside_chunks_does_not_lift_the_limit(plant: Plant) -> None:
    chunk = b"10000\r\n" + b"a" * 0x10000 + b"\r\n"
    with connect(plant, *post(10)[:-1], "Transfer-Encoding: chunked", "") as connection:
        try:
            for _ in range(64):
                connection.sendall(chunk)
        except OSError:
            pass  # the server has stopped listening

        assert connection.recv(100).startswith((b"HTTP/1.1 413", b"HTTP/1.1 400"))


def test_a_body_that_does_not_arrive_is_given_up(plant: Plant) -> None:
    with connect(plant, *post(5000), body=b"<a") as connection:
        assert connection.recv(100).startswith(b"HTTP/1.1 408")


def test_hundreds_of_slow_clients_do_not_keep_the_others_out(sqlite_url: str, tmp_path: Path) -> None:
    """They have ten minutes: who is answered does not wait for them to be sent away."""
    with Plant(tmp_path, sqlite_url, {"PONTEPA_BODY_TIMEOUT_S": "600"}) as plant:
        plant.prepare()
        plant.up("serve")
        slow = [connect(plant, *post(5000), body=b"<a") for _ in range(200)]
        half_open = [connect(plant, f"POST {SERVICE} HTTP/1.1", "Host: x") for _ in range(200)]

        answer = HTTP.request("GET", f"{plant.hub_url}/health/ready")

        assert answer.status == 200
        assert select.select(slow, [], [], 0)[0] == []
        for connection in [*slow, *half_open]:
            connection.close()
