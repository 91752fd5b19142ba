"""A load generator that costs little: one thread, keep-alive connections, one request in flight on each."""

from __future__ import annotations

import re
import selectors
import socket
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)
# A server that is silent for so long is broken, not slow.
_SILENCE_S = 10
# Length of an answer: not known yet, or told by its last chunk.
_UNKNOWN, _CHUNKED = -2, -1


@dataclass
class Load:
    """What a round saw. `latencies_s` of the good answers; `refused`: answers that do not say what was expected."""

    seconds: float = 0.0
    latencies_s: list[float] = field(default_factory=list)
    refused: int = 0
    sample: bytes = b""

    @property
    def per_second(self) -> float:
        return len(self.latencies_s) / self.seconds if self.seconds else 0.0

    def percentile_ms(self, fraction: float) -> float:
        ordered = sorted(self.latencies_s) or [0.0]
        return ordered[min(len(ordered) - 1, int(len(ordered) * fraction))] * 1000


@dataclass(slots=True, kw_only=True)
class Rounds:
    """What the rounds of one side saw; `cpu_us`: of its own processes for each request."""

    loads: list[Load] = field(default_factory=list)
    cpu_us: list[float] = field(default_factory=list)
    answered: int = 0

    @property
    def rates(self) -> list[float]:
        return [load.per_second for load in self.loads]


@dataclass
class _Connection:
    sock: socket.socket
    sent_at: float = 0.0
    received: bytes = b""
    expected: int = _UNKNOWN


def run_load(port: int, make_request: Callable[[], bytes], good: bytes, *, connections: int, seconds: float) -> Load:
    """Load a port for `seconds`; an answer with `good` in it counts. What is in flight at the end is awaited.

    Raises: RuntimeError (the server closed a connection or went silent).
    """
    # Requests are made beforehand in batches: their cost must not be in the round.
    stock = [make_request() for _ in range(int(seconds * 1500))]
    load = Load()
    with selectors.DefaultSelector() as selector:
        for _ in range(connections):
            sock = socket.create_connection(("127.0.0.1", port), timeout=_SILENCE_S)
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            selector.register(sock, selectors.EVENT_READ, _Connection(sock))
        started = time.perf_counter()
        ends_at = started + seconds
        busy = 0
        for key in list(selector.get_map().values()):
            _send(key.data, stock, make_request)
            busy += 1
        while busy:
            ready = selector.select(_SILENCE_S)
            if not ready:
                raise RuntimeError(f"port {port}: no answer in {_SILENCE_S} s")
            for key, _ in ready:
                if _receive(key.data, load, good):
                    if time.perf_counter() < ends_at:
                        _send(key.data, stock, make_request)
                    else:
                        busy -= 1
        load.seconds = time.perf_counter() - started
        for key in list(selector.get_map().values()):
            selector.unregister(key.fileobj)
            key.data.sock.close()
    return load


def run_all(port: int, requests: Sequence[bytes], good: bytes, *, connections: int) -> Load:
    """Send every request once, in order, as fast as the answers come; an answer with `good` in it counts.

    Raises: RuntimeError (the server closed a connection or went silent).
    """
    load = Load()
    waiting = list(reversed(requests))
    with selectors.DefaultSelector() as selector:
        started = time.perf_counter()
        for _ in range(min(connections, len(waiting))):
            sock = socket.create_connection(("127.0.0.1", port), timeout=_SILENCE_S)
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            connection = _Connection(sock)
            selector.register(sock, selectors.EVENT_READ, connection)
            _send(connection, waiting, bytes)
        while selector.get_map():
            ready = selector.select(_SILENCE_S)
            if not ready:
                raise RuntimeError(f"port {port}: no answer in {_SILENCE_S} s")
            for key, _ in ready:
                if not _receive(key.data, load, good):
                    continue
                if waiting:
                    _send(key.data, waiting, bytes)
                else:
                    selector.unregister(key.fileobj)
                    key.data.sock.close()
        load.seconds = time.perf_counter() - started
    return load


def run_paced(
    port: int,
    make_request: Callable[[], bytes],
    good: bytes,
    *,
    per_second: int,
    stop: Callable[[], bool],
    begins_after_s: float = 0.0,
) -> Load:
    """Send so many requests a second over one connection until `stop`; an answer with `good` in it counts.

    Latencies count from the instant when a request was due: who waits behind a slow answer is slow too.
    Raises: RuntimeError (the server closed the connection).
    """
    load = Load()
    with socket.create_connection(("127.0.0.1", port), timeout=_SILENCE_S) as sock:
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        connection = _Connection(sock)
        started = due_at = time.perf_counter() + begins_after_s
        while not stop():
            request = make_request()
            time.sleep(max(0.0, due_at - time.perf_counter()))
            _send(connection, [request], make_request)
            connection.sent_at = due_at
            while not _receive(connection, load, good):
                pass
            due_at += 1 / per_second
        load.seconds = time.perf_counter() - started
    return load


def _send(connection: _Connection, stock: list[bytes], make_request: Callable[[], bytes]) -> None:
    request = stock.pop() if stock else make_request()
    connection.received, connection.expected = b"", _UNKNOWN
    connection.sent_at = time.perf_counter()
    connection.sock.sendall(request)


def _receive(connection: _Connection, load: Load, good: bytes) -> bool:
    """Take what arrived; True when the answer is complete."""
    block = connection.sock.recv(65536)
    if not block:
        raise RuntimeError("the server closed a keep-alive connection")
    connection.received += block
    if connection.expected == _UNKNOWN:
        head_end = connection.received.find(b"\r\n\r\n")
        if head_end < 0:
            return False
        length = _LENGTH.search(connection.received[: head_end + 2])
        connection.expected = _CHUNKED if length is None else head_end + 4 + int(length.group(1))
    if connection.expected == _CHUNKED:
        is_complete = connection.received.endswith(b"\r\n0\r\n\r\n")
    else:
        is_complete = len(connection.received) >= connection.expected
    if not is_complete:
        return False
    if good in connection.received:
        load.latencies_s.append(time.perf_counter() - connection.sent_at)
    else:
        load.refused += 1
        load.sample = connection.received
    return True
