"""Threads between the server's loop and the doors: they work only on whole requests, or on one block of an answer.

The queue before them is bounded, and fair between those in whose name requests wait: each has its turn, however many
others sent, and when there is no room left it is the one with most in it who is told to come back.
"""

from __future__ import annotations

import asyncio
import threading
from collections import Counter, OrderedDict, deque
from collections.abc import Callable
from contextlib import suppress
from typing import Any, TypeVar

T = TypeVar("T")

# In whose name a request waits: a group and a name in it. Groups take turns, and the names of a group among themselves.
Chi = tuple[str, str]
NESSUNO: Chi = ("", "")

# What to do, and the loop and the future that wait for it.
_Job = tuple[Callable[[], Any], asyncio.AbstractEventLoop, "asyncio.Future[Any]"]
# Whole requests that wait for a thread, for each thread: a longer queue only makes everybody late.
_QUEUE_PER_THREAD = 16
# Of who gives way: so many go on beside, and nobody waits for longer, whatever those who have it are waiting for.
_BESIDE = 2
_GIVES_WAY_S = 0.25
# Of whom more than so many fifths of the queue are, is refused for his own excess: others find room.
_EXCESS_FIFTHS = 3


class Scartata(Exception):
    """There was no room for this request. `is_excess`: because of how much its own sender has waiting."""

    def __init__(self, *, is_excess: bool) -> None:
        super().__init__("eccesso" if is_excess else "pieno")
        self.is_excess = is_excess


class Lane:
    """A few threads with a queue. `room`: how many requests may be in it at once; `busy`: how many are.

    While there is something to do in the lanes to which it gives way it does less: the threads of a process take turns
    at the processor, and each of them counts the same.
    """

    def __init__(
        self,
        name: str,
        threads: int,
        queue_per_thread: int = _QUEUE_PER_THREAD,
        gives_way_to: Lane | tuple[Lane, ...] | None = None,
        *,
        leaves_one: bool = False,
    ) -> None:
        """`leaves_one`: the last free thread is not given to who has all the others."""
        self.name = name
        self._first = gives_way_to if isinstance(gives_way_to, tuple) else (gives_way_to,) if gives_way_to else ()
        self._beside = threading.BoundedSemaphore(_BESIDE)
        self._each_max = max(1, threads - leaves_one)
        self._turn = threading.Condition()
        self._waiting: OrderedDict[str, OrderedDict[str, deque[_Job]]] = OrderedDict()
        self._at_work: Counter[Chi] = Counter()
        self._is_closing = False
        self.room = threads * (1 + queue_per_thread)
        self.busy = 0
        self._threads = [threading.Thread(target=self._serve, name=f"{name}-{n}", daemon=True) for n in range(threads)]
        for thread in self._threads:
            thread.start()

    async def run(self, work: Callable[[], T], chi: Chi = NESSUNO) -> T:
        """Return what `work` returns in one of the threads, or raise what it raises. Raises: Scartata."""
        loop = asyncio.get_running_loop()
        answer: asyncio.Future[T] = loop.create_future()
        with self._turn:
            if self.busy >= self.room:
                self._make_room(chi)
            self.busy += 1
            group, name = chi
            self._waiting.setdefault(group, OrderedDict()).setdefault(name, deque()).append((work, loop, answer))
            self._turn.notify()
        return await answer

    def close(self) -> None:
        """Let the threads end after what is waiting."""
        with self._turn:
            self._is_closing = True
            self._turn.notify_all()

    def _make_room(self, chi: Chi) -> None:
        """Send away the last request of who has most of them waiting. Raises: Scartata (that is the one who asks)."""
        counts = {(group, name): len(jobs) for group, names in self._waiting.items() for name, jobs in names.items()}
        most = max(counts, key=lambda one: counts[one], default=chi)
        mine, waiting = counts.get(chi, 0), sum(counts.values())
        victim = chi if mine + 1 >= counts.get(most, 0) else most
        is_excess = counts.get(victim, 0) * 5 > waiting * _EXCESS_FIFTHS
        if victim == chi:
            raise Scartata(is_excess=is_excess)
        names = self._waiting[victim[0]]
        _, loop, answer = names[victim[1]].pop()
        self.busy -= 1
        if not names[victim[1]]:
            del names[victim[1]]
        loop.call_soon_threadsafe(_fail, answer, Scartata(is_excess=is_excess))

    def _take(self) -> tuple[Chi, _Job] | None:
        """Return the request whose turn it is; None: there is none, or only of those who have their share at work."""
        for _ in range(len(self._waiting)):
            group, names = next(iter(self._waiting.items()))
            if not names:
                del self._waiting[group]
                continue
            self._waiting.move_to_end(group)
            for name, jobs in names.items():
                if self._at_work[group, name] < self._each_max:
                    job = jobs.popleft()
                    names.move_to_end(name)
                    if not jobs:
                        del names[name]
                    self._at_work[group, name] += 1
                    return (group, name), job
        return None

    def _next(self) -> tuple[Chi, _Job] | None:
        """Wait for the next request; None: there will be none."""
        with self._turn:
            while (found := self._take()) is None:
                if self._is_closing and not self._waiting:
                    self._turn.notify_all()
                    return None
                self._turn.wait()
            return found

    def _left(self, chi: Chi) -> None:
        with self._turn:
            self.busy -= 1
            self._at_work[chi] -= 1
            if not self._at_work[chi]:
                del self._at_work[chi]

    def _serve(self) -> None:
        """A thread's life: one request after the other."""
        while (found := self._next()) is not None:
            chi, (work, loop, answer) = found
            tell: Callable[[asyncio.Future[Any], Any], None]
            try:
                told: Any = self._in_turn(work)
            except BaseException as error:  # noqa: BLE001 - it is of that request alone: the server answers it with 500
                tell, told = _fail, error
            else:
                tell = _settle
            self._left(chi)
            # When the loop has ended nobody waits for it any more.
            with suppress(RuntimeError):
                loop.call_soon_threadsafe(tell, answer, told)

    def _in_turn(self, work: Callable[[], T]) -> T:
        if not any(lane.busy for lane in self._first):
            return work()
        has_place = self._beside.acquire(timeout=_GIVES_WAY_S)
        try:
            return work()
        finally:
            if has_place:
                self._beside.release()


def _settle(future: asyncio.Future[Any], answer: Any) -> None:
    if not future.done():
        future.set_result(answer)


def _fail(future: asyncio.Future[Any], error: BaseException) -> None:
    if not future.done():
        future.set_exception(error)
