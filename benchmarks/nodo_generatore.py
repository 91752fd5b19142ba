"""A load generator in a process of its own: calls leave at their instants, whatever became of those before.

Latency counts from the instant when a call was due: what waits for a connection, or for this process, is late as well
(no coordinated omission). Bytes are ready beforehand; connections are kept, as many as are needed at once.
"""

from __future__ import annotations

import asyncio
import gc
import multiprocessing
import re
import time
from collections import Counter, deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from benchmarks.nodo_piano import Chiamata

# Whoever sheds must be seen to shed: more than any queue of the hub has room for.
_CONNECTIONS_MAX = 1000
# After the last call was due, what has no answer never gets one.
_LAST_ANSWER_S = 20.0
# The generator must be ready before the first call is due.
_BEGINS_AFTER_S = 1.0
_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)
_CODE = re.compile(rb"<faultCode>([^<]{1,64})</faultCode>")
# What is wrong with a call, when nothing is: no words.
BUONA = ""
NON_DICHIARATO = "503 senza Retry-After"
DICHIARATO = "503 dichiarato"


@dataclass(frozen=True, slots=True)
class Esito:
    """What became of a call: when it was due, what it was, seconds from then to the answer, what was wrong."""

    at_s: float
    operation: str
    latency_s: float
    error: str


@dataclass
class Giro:
    """A play: its outcomes, in the order of the answers, and the processor time of the generator."""

    esiti: list[Esito] = field(default_factory=list)
    cpu_s: float = 0.0
    seconds: float = 0.0

    def between(self, from_s: float, to_s: float) -> Giro:
        """The part that was due in these seconds."""
        return Giro([one for one in self.esiti if from_s <= one.at_s < to_s], self.cpu_s, to_s - from_s)

    def latencies_ms(self, operation: str | None = None) -> list[float]:
        """Of the good answers, in order."""
        mine = (one for one in self.esiti if one.error == BUONA and operation in (None, one.operation))
        return sorted(one.latency_s * 1000 for one in mine)

    def percentile_ms(self, fraction: float, operation: str | None = None) -> float:
        ordered = self.latencies_ms(operation) or [0.0]
        return ordered[min(len(ordered) - 1, int(len(ordered) * fraction))]

    def errors(self) -> Counter[str]:
        return Counter(one.error for one in self.esiti if one.error != BUONA)


@dataclass(frozen=True, slots=True)
class Chiuso:
    """A closed loop: so many connections, each with its next call as soon as it has an answer, for so many seconds.

    Latencies count from the sending, then: it tells how many calls there can be, and not how they would wait.
    """

    connections: int
    seconds: float


class Generatore:
    """The generator's process; `result` waits for it. Begun, it plays at once."""

    def __init__(self, port: int, chiamate: Sequence[Chiamata], chiuso: Chiuso | None = None) -> None:
        context = multiprocessing.get_context("spawn")
        self._mine, theirs = context.Pipe()
        plain = [(one.at_s, one.operation, one.good, one.request) for one in chiamate]
        self._process = context.Process(target=_work, args=(port, plain, chiuso, theirs), daemon=True)
        self._process.start()
        theirs.close()

    @property
    def pid(self) -> int:
        assert self._process.pid is not None
        return self._process.pid

    def result(self) -> Giro:
        """Return what the play saw. Raises: EOFError (the generator broke)."""
        giro: Giro = self._mine.recv()
        self._process.join()
        return giro


def _work(port: int, chiamate: Sequence[tuple[float, str, bytes, bytes]], chiuso: Chiuso | None, to: Any) -> None:
    # Nothing here is a cycle, and a pause of the collector would be an answer's.
    gc.disable()
    to.send(asyncio.run(_Play(port, chiamate, chiuso).run()))


class _Connection(asyncio.Protocol):
    """One request at a time; what is not an answer ends it."""

    def __init__(self, play: _Play) -> None:
        self.play = play
        self.transport: Any = None
        self.call: int | None = None
        self.sent_at = 0.0
        self._received = b""
        self._wanted = 0

    def connection_made(self, transport: Any) -> None:
        self.transport = transport

    def send(self, call: int, request: bytes) -> None:
        self.call, self._received, self._wanted, self.sent_at = call, b"", 0, time.perf_counter()
        self.transport.write(request)

    def data_received(self, data: bytes) -> None:
        self._received += data
        if not self._wanted:
            head_end = self._received.find(b"\r\n\r\n")
            if head_end < 0:
                return
            length = _LENGTH.search(self._received[: head_end + 2])
            if length is None:
                self.transport.abort()
                return
            self._wanted = head_end + 4 + int(length.group(1))
        if len(self._received) >= self._wanted and self.call is not None:
            call, self.call = self.call, None
            self.play.answered(self, call, self._received)

    def connection_lost(self, exc: Exception | None) -> None:
        self.play.lost(self)


class _Play:
    def __init__(
        self, port: int, chiamate: Sequence[tuple[float, str, bytes, bytes]], chiuso: Chiuso | None
    ) -> None:
        self._port, self._chiamate, self._chiuso = port, chiamate, chiuso
        self._connections_max = _CONNECTIONS_MAX if chiuso is None else chiuso.connections
        self._idle: list[_Connection] = []
        self._waiting: deque[int] = deque()
        self._open = 0
        self._left = len(chiamate)
        self._giro = Giro()
        self._over = asyncio.Event()
        self._tasks: set[asyncio.Task[None]] = set()
        self._started = 0.0

    async def run(self) -> Giro:
        cpu_s = time.process_time()
        self._started = time.perf_counter() + _BEGINS_AFTER_S
        for number, chiamata in enumerate(self._chiamate):
            delay = self._started + chiamata[0] - time.perf_counter()
            if delay > 0:
                await asyncio.sleep(delay)
            self._send(number)
        if self._chiuso is not None:
            # What is on its way at the end is let go: nobody waits for it.
            await asyncio.sleep(self._chiuso.seconds)
        else:
            await self._wait_answers()
        self._giro.cpu_s = time.process_time() - cpu_s
        self._giro.seconds = time.perf_counter() - self._started
        return self._giro

    async def _wait_answers(self) -> None:
        try:
            await asyncio.wait_for(self._over.wait(), _LAST_ANSWER_S)
        except TimeoutError:
            done = {(one.at_s, one.operation) for one in self._giro.esiti}
            for at_s, operation, _, _ in self._chiamate:
                if (at_s, operation) not in done:
                    self._giro.esiti.append(Esito(at_s, operation, _LAST_ANSWER_S, "nessuna risposta"))

    def _send(self, number: int) -> None:
        if self._idle:
            self._idle.pop().send(number, self._chiamate[number][3])
        else:
            self._waiting.append(number)
            if self._open < self._connections_max:
                self._open += 1
                task = asyncio.get_running_loop().create_task(self._connect())
                self._tasks.add(task)
                task.add_done_callback(self._tasks.discard)

    async def _connect(self) -> None:
        loop = asyncio.get_running_loop()
        try:
            _, connection = await loop.create_connection(lambda: _Connection(self), "127.0.0.1", self._port)
        except OSError as error:
            self._open -= 1
            if self._waiting:
                self._note(self._waiting.popleft(), f"connessione rifiutata ({error.__class__.__name__})")
            return
        self._free(connection)

    def answered(self, connection: _Connection, number: int, answer: bytes) -> None:
        self._note(number, _judge(answer, self._chiamate[number][2]), connection)
        if b"\r\nconnection: close" in answer[:1024].lower():
            connection.transport.close()
        else:
            self._free(connection)

    def lost(self, connection: _Connection) -> None:
        self._open -= 1
        if connection in self._idle:
            self._idle.remove(connection)
        if connection.call is not None:
            self._note(connection.call, "connessione chiusa senza risposta", connection)

    def _free(self, connection: _Connection) -> None:
        if self._waiting:
            number = self._waiting.popleft()
            connection.send(number, self._chiamate[number][3])
        else:
            self._idle.append(connection)

    def _note(self, number: int, error: str, connection: _Connection | None = None) -> None:
        at_s, operation, _, _ = self._chiamate[number]
        now = time.perf_counter()
        is_closed = self._chiuso is not None and connection is not None
        latency_s = now - connection.sent_at if is_closed and connection else now - self._started - at_s
        self._giro.esiti.append(Esito(at_s, operation, latency_s, error))
        self._left -= 1
        if not self._left:
            self._over.set()


def _judge(answer: bytes, good: bytes) -> str:
    """Return what is wrong with an answer; no words when it is the expected one."""
    status = answer[9:12].decode("latin-1")
    if status in ("503", "429"):
        has_retry = b"\r\nretry-after:" in answer[:1024].lower()
        return f"{status} dichiarato" if has_retry else f"{status} senza Retry-After"
    if good in answer:
        return BUONA
    code = _CODE.search(answer)
    return f"KO {code.group(1).decode('latin-1')}" if code else f"HTTP {status}"
