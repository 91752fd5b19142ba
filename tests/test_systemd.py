"""What systemd hears, on a real datagram socket: ready when the process works, alive as long as it does."""

from __future__ import annotations

import os
import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from benchmarks.processes import free_port
from hub import app_porte
from hub.config import Ambiente, Config
from hub.systemd import Notifica
from tests.flows.plant import Plant

# systemd's end: it waits for as long as a loaded machine may need.
_PATIENCE_S = 60


@pytest.fixture
def systemd(tmp_path: Path) -> Iterator[socket.socket]:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listener:
        listener.bind(str(tmp_path / "notify"))
        listener.settimeout(_PATIENCE_S)
        yield listener


def heard(listener: socket.socket) -> str:
    return listener.recv(1024).decode()


def env_of(listener: socket.socket, watchdog_s: float = 0.06) -> dict[str, str]:
    return {"NOTIFY_SOCKET": str(listener.getsockname()), "WATCHDOG_USEC": str(int(watchdog_s * 1_000_000))}


def test_a_process_that_stops_working_is_not_alive_any_more(systemd: socket.socket) -> None:
    asked = iter([False, True, True, True, False, False])
    stop, is_over = threading.Event(), threading.Event()

    def works() -> bool:
        answer = next(asked, None)
        if answer is None:
            is_over.set()
        return bool(answer)

    Notifica(env_of(systemd)).follow_aside(works, stop)
    assert is_over.wait(_PATIENCE_S)
    stop.set()

    assert [heard(systemd) for _ in range(3)] == ["READY=1", "WATCHDOG=1", "WATCHDOG=1"]
    systemd.setblocking(False)
    with pytest.raises(BlockingIOError):
        heard(systemd)


def test_a_name_of_the_abstract_namespace_is_reached(tmp_path: Path) -> None:
    name = f"pontepa-prova-{os.getpid()}"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listener:
        listener.bind("\0" + name)
        listener.settimeout(_PATIENCE_S)

        Notifica({"NOTIFY_SOCKET": f"@{name}"}).tell("READY=1")

        assert heard(listener) == "READY=1"


@pytest.mark.parametrize("env", [{}, {"NOTIFY_SOCKET": "/nessuno/qui"}])
def test_where_there_is_no_systemd_nothing_happens(env: dict[str, str]) -> None:
    Notifica(env).tell("READY=1")


def test_the_watchdog_of_another_process_is_not_fed(systemd: socket.socket) -> None:
    stop = threading.Event()
    Notifica(env_of(systemd) | {"WATCHDOG_PID": "1"}).follow_aside(lambda: True, stop)

    assert heard(systemd) == "READY=1"
    stop.set()


def test_server_and_worker_say_that_they_are_ready_and_alive(
    systemd: socket.socket, sqlite_url: str, tmp_path: Path
) -> None:
    with Plant(tmp_path, sqlite_url, env_of(systemd, watchdog_s=3)) as plant:
        plant.prepare()
        plant.up("serve")
        of_serve = [heard(systemd) for _ in range(2)]
        plant.by_name["serve"].send_signal(15)
        plant.by_name["serve"].wait(_PATIENCE_S)
        plant.up("worker-1")
        of_worker = [told for told in (heard(systemd) for _ in range(3)) if told != "WATCHDOG=1"]
        plant.by_name["worker-1"].send_signal(15)
        while (last := heard(systemd)) == "WATCHDOG=1":
            pass

    assert of_serve == ["READY=1", "WATCHDOG=1"]
    assert of_worker == ["READY=1"]
    assert last == "STOPPING=1"


@pytest.mark.parametrize("answer", [b"", b"HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\n\r\n"])
def test_a_server_that_takes_connections_and_does_not_answer_well_is_not_alive(answer: bytes) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve() -> None:
            connection, _ = server.accept()
            with connection:
                connection.recv(1024)
                connection.sendall(answer)

        thread = threading.Thread(target=serve)
        thread.start()
        is_alive = app_porte.answer_all(Config(ambiente=Ambiente.SVILUPPO, port=server.getsockname()[1]))
        thread.join()

    assert not is_alive


def test_who_does_not_listen_is_not_alive() -> None:
    assert not app_porte.answer_all(Config(ambiente=Ambiente.SVILUPPO, port=free_port()))
