"""More than `pontepa serve` can answer: the node's questions and several enti at once, one of which sends most.

One process, requests sent when they are due whatever has been answered; then calm. Each second tells who was answered,
who was turned away and how long the answers took, from the instant when a request was due; the end tells after how many
seconds of calm everybody is answered in time again. Run: python -m benchmarks.sovraccarico
"""

from __future__ import annotations

import copy
import selectors
import socket
import sys
import tempfile
import time
from collections import Counter, deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import yaml

from benchmarks import report
from benchmarks.messages import COD_IPA_ENTE, build_http
from benchmarks.processes import Installation, fresh_database
from benchmarks.verifica import lay_notices, question_maker
from hub.formats.resources import resource

NODE = 500
# Three enti: the first one sends most of what comes.
ENTI = {COD_IPA_ENTE: 400, "C_VICINO": 50, "C_LONTANO": 50}
_CODICI_FISCALI = {"C_VICINO": "98765432103", "C_LONTANO": "11111111115"}
CALM = 10
GOAL_S = 10
_CALM_SECONDS = 20
_IN_TIME_MS = 500.0
# Of one sender at once; more wait in the generator, and their time is counted.
_CONNECTIONS = 64


@dataclass
class Second:
    """What one sender saw of the requests that were due in one second."""

    statuses: Counter[str] = field(default_factory=Counter)
    latencies_ms: list[float] = field(default_factory=list)

    def is_normal(self) -> bool:
        return set(self.statuses) == {"200"} and percentile(self.latencies_ms, 0.98) <= _IN_TIME_MS


@dataclass
class Sender:
    """Requests a second over a few connections. `waiting`: when each of those that have no connection yet was due."""

    name: str
    per_second: float
    make: Callable[[], bytes]
    due_at: float = 0.0
    waiting: deque[float] = field(default_factory=deque)
    free: list[Connection] = field(default_factory=list)
    opened: int = 0
    seconds: dict[int, Second] = field(default_factory=dict)


@dataclass
class Connection:
    sock: socket.socket
    sender: Sender
    due_at: float = 0.0
    received: bytes = b""


def percentile(values: Sequence[float], fraction: float) -> float:
    ordered = sorted(values) or [0.0]
    return ordered[min(len(ordered) - 1, int(len(ordered) * fraction))]


class Generator:
    """Sends what is due and takes what comes, in one thread."""

    def __init__(self, port: int, senders: Sequence[Sender]) -> None:
        self._port, self._senders = port, senders
        self._selector = selectors.DefaultSelector()
        self.started = time.perf_counter()

    def run(self, seconds: float) -> None:
        """Send at the senders' pace for so many seconds."""
        now = time.perf_counter()
        ends_at = now + seconds
        for sender in self._senders:
            sender.due_at = now
        while (now := time.perf_counter()) < ends_at:
            for sender in self._senders:
                self._send_due(sender, now)
            next_at = min(sender.due_at for sender in self._senders)
            for key, _ in self._selector.select(max(0.0, min(next_at, ends_at) - time.perf_counter())):
                self._receive(key.data)

    def _send_due(self, sender: Sender, now: float) -> None:
        while sender.due_at <= now:
            sender.waiting.append(sender.due_at)
            sender.due_at += 1 / sender.per_second
        while sender.waiting and (sender.free or sender.opened < _CONNECTIONS):
            connection = sender.free.pop() if sender.free else self._open(sender)
            connection.due_at, connection.received = sender.waiting.popleft(), b""
            try:
                connection.sock.sendall(sender.make())
            except OSError:
                self._ended(connection)

    def _open(self, sender: Sender) -> Connection:
        connection = Connection(socket.create_connection(("127.0.0.1", self._port), timeout=10), sender)
        connection.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._selector.register(connection.sock, selectors.EVENT_READ, connection)
        sender.opened += 1
        return connection

    def _receive(self, connection: Connection) -> None:
        try:
            block = connection.sock.recv(65536)
        except OSError:
            block = b""
        if not block:
            return self._ended(connection)
        connection.received += block
        head, end, body = connection.received.partition(b"\r\n\r\n")
        length = head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0]
        if end and len(body) >= int(length or b"0"):
            self._note(connection, head[9:12].decode())
            connection.sender.free.append(connection)

    def _ended(self, connection: Connection) -> None:
        """The server ended a connection: one that was free had had its time."""
        if connection in connection.sender.free:
            connection.sender.free.remove(connection)
        else:
            self._note(connection, "chiusa")
        self._selector.unregister(connection.sock)
        connection.sock.close()
        connection.sender.opened -= 1

    def _note(self, connection: Connection, status: str) -> None:
        second = connection.sender.seconds.setdefault(int(connection.due_at - self.started), Second())
        second.statuses[status] += 1
        if status == "200":
            second.latencies_ms.append((time.perf_counter() - connection.due_at) * 1000)


def main(argv: Sequence[str] | None = None) -> int:
    """Overload, then calm; print each second; return the exit code."""
    parser = report.arguments(__doc__ or "")
    parser.add_argument("--seconds", type=float, default=60.0, help="of overload")
    parser.add_argument("--times", type=float, default=1.0, help="of what is sent by default: 1000 a second")
    options = parser.parse_args(argv)
    with tempfile.TemporaryDirectory(prefix="pontepa-bench-") as name:
        with fresh_database(options.database, Path(name)) as url, Installation(Path(name), url) as installation:
            total = (NODE + sum(ENTI.values())) * options.times
            report.say(f"overload, {report.kind_of(options.database)}, {total:g} calls a second, {report.machine()}")
            installation.prepare()
            installation.run("config", "apply", str(_configuration(Path(name))))
            numbers = lay_notices(url, 5000)
            installation.serve()
            port = int(installation.hub_url.rpartition(":")[2])
            verify = question_maker(port, numbers, "paVerifyPaymentNotice")
            senders = [Sender("nodo", NODE * options.times, verify)]
            senders += [Sender(code, rate * options.times, _maker(port, code)) for code, rate in ENTI.items()]
            generator = Generator(port, senders)
            generator.run(options.seconds)
            for sender in senders:
                sender.per_second = CALM
                sender.waiting.clear()
            calm_from = int(time.perf_counter() - generator.started) + 1
            generator.run(_CALM_SECONDS)
    return _tell(senders, calm_from, options.check)


def _tell(senders: Sequence[Sender], calm_from: int, check: bool) -> int:
    for at in sorted({at for sender in senders for at in sender.seconds}):
        told = " | ".join(f"{sender.name} {_row(sender.seconds.get(at, Second()))}" for sender in senders)
        report.say(f"{at:>4} {'calma' if at >= calm_from else 'carico'}  {told}")
    for sender in senders:
        loaded = [second for at, second in sender.seconds.items() if at < calm_from - 1]
        statuses = sum((one.statuses for one in loaded), Counter())
        whole = Second(statuses, [ms for one in loaded for ms in one.latencies_ms])
        report.say(f"{sender.name:<12} {_row(whole)}")
    after_s = _normal_after(senders, calm_from)
    report.say("never normal again" if after_s is None else f"normal again after {after_s} s of calm")
    is_met = after_s is not None and after_s <= GOAL_S
    return report.verdict(f"normal at most {GOAL_S} s after the end", is_met, check)


def _normal_after(senders: Sequence[Sender], calm_from: int) -> int | None:
    """Return after how many seconds of calm there are three in a row in which everybody is answered in time."""
    is_normal = [
        all(sender.seconds.get(at, Second()).is_normal() for sender in senders)
        for at in range(calm_from, calm_from + _CALM_SECONDS - 1)
    ]
    return next((after for after in range(len(is_normal) - 2) if all(is_normal[after : after + 3])), None)


def _row(second: Second) -> str:
    bad = " ".join(f"{status}:{count}" for status, count in sorted(second.statuses.items()) if status != "200")
    p50, p98 = (percentile(second.latencies_ms, fraction) for fraction in (0.5, 0.98))
    return f"{second.statuses['200']} ok {bad or '-'} p50 {p50:.0f} p98 {p98:.0f} ms"


def _maker(port: int, code: str) -> Callable[[], bytes]:
    """Return what makes a paaSILInviaDovuti of an ente; the names are as long as each other or the length is mended."""
    name = code.encode()

    def make() -> bytes:
        head, _, body = build_http(port).partition(b"\r\n\r\n")
        body = body.replace(COD_IPA_ENTE.encode(), name, 1)
        start = head.index(b"Content-Length: ")
        return head[:start] + b"Content-Length: %d\r\n\r\n" % len(body) + body

    return make


def _configuration(folder: Path) -> Path:
    """Write the demo's configuration with more enti, each with the tipi and the password of the first."""
    values = yaml.safe_load(resource("examples", "demo.yaml").read_text(encoding="utf-8"))
    (first,) = values["enti"]
    for number, (code, codice_fiscale) in enumerate(_CODICI_FISCALI.items(), 2):
        own = {"codIpaEnte": code, "codice_fiscale": codice_fiscale, "codice_segregazione": f"{number:02d}"}
        values["enti"].append(copy.deepcopy(first) | own)
    path = folder / "enti.yaml"
    path.write_text(yaml.safe_dump(values, allow_unicode=True), encoding="utf-8")
    return path


if __name__ == "__main__":
    sys.exit(main())
