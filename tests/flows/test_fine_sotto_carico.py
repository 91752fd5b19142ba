"""SIGTERM while more waits than threads can work on: what was taken is answered and the process ends."""

from __future__ import annotations

import signal
import socket
import sqlite3
from pathlib import Path

from benchmarks.messages import build_http
from tests.flows.plant import HTTP, Plant, until

CALLS = 60


def test_what_was_taken_is_answered_when_the_server_is_stopped(sqlite_url: str, tmp_path: Path) -> None:
    with Plant(tmp_path, sqlite_url) as plant:
        plant.prepare()
        plant.up("serve")
        port = int(plant.hub_url.rpartition(":")[2])
        calls = [socket.create_connection(("127.0.0.1", port), timeout=60) for _ in range(CALLS)]
        # The first call reads what is configured: after it only writing waits.
        calls[0].sendall(build_http(port))
        assert calls[0].recv(65536).startswith(b"HTTP/1.1 200")
        holder = sqlite3.connect(sqlite_url.removeprefix("sqlite:///"), isolation_level=None)
        holder.execute("BEGIN IMMEDIATE")
        for call in calls:
            call.sendall(build_http(port))
        # A question that comes after them is answered: they have all been taken.
        assert HTTP.request("GET", f"{plant.hub_url}/health/live").status == 200

        plant.by_name["serve"].send_signal(signal.SIGTERM)
        until(lambda: True if is_closed(port) else None, 30)
        holder.execute("ROLLBACK")
        answers = [call.recv(65536)[:12] for call in calls]

        assert answers == [b"HTTP/1.1 200"] * CALLS
        assert plant.by_name["serve"].wait(30) == 0
        holder.close()


def is_closed(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), timeout=5).close()
    except ConnectionRefusedError:
        return True
    return False
