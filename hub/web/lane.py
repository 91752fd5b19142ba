"""Threads between the server's loop and the doors: they work only on whole requests, or on one block of an answer."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from queue import SimpleQueue
from typing import Any, TypeVar

T = TypeVar("T")

# What to do, with the loop and the future that wait for it; None ends a thread.
_Job = tuple[Callable[[], Any], asyncio.AbstractEventLoop, "asyncio.Future[Any]"] | None
# Whole requests that wait for a thread, for each thread: a longer queue only makes everybody late.
_QUEUE_PER_THREAD = 16
# Of who gives way: so many go on beside, and nobody waits for longer, whatever those who have it are waiting for.
_BESIDE = 2
_GIVES_WAY_S = 0.25


class Lane:
    """A few threads with a queue. `room`: how many requests may be in it at once; `busy`: how many are.

    While there is something to do in the lane to which it gives way it does less: the threads of a process take turns
    at the processor, and each of them counts the same.
    """

    def __init__(
        self, name: str, threads: int, queue_per_thread: int = _QUEUE_PER_THREAD, gives_way_to: Lane | None = None
    ) -> None:
        self._first = gives_way_to
        self._beside = threading.BoundedSemaphore(_BESIDE)
        self._jobs: SimpleQueue[_Job] = SimpleQueue()
        self._threads = [threading.Thread(target=self._serve, name=f"{name}-{n}", daemon=True) for n in range(threads)]
        for thread in self._threads:
            thread.start()
        self.room = threads * (1 + queue_per_thread)
        self.busy = 0

    async def run(self, work: Callable[[], T]) -> T:
        """Return what `work` returns in one of the threads, or raise what it raises."""
        loop = asyncio.get_running_loop()
        answer: asyncio.Future[T] = loop.create_future()
        self._jobs.put((work, loop, answer))
        return await answer

    def close(self) -> None:
        """Let the threads end after what they have begun."""
        for _ in self._threads:
            self._jobs.put(None)

    def _serve(self) -> None:
        """A thread's life: one job after the other."""
        while (job := self._jobs.get()) is not None:
            work, loop, answer = job
            try:
                told = self._in_turn(work)
            except BaseException as error:  # noqa: BLE001 - it is of that request alone: the server answers it with 500
                loop.call_soon_threadsafe(_fail, answer, error)
            else:
                loop.call_soon_threadsafe(_settle, answer, told)

    def _in_turn(self, work: Callable[[], T]) -> T:
        if self._first is None or not self._first.busy:
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
