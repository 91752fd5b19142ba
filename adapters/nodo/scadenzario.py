"""What the simulated node is to do later, in threads of its own: a queue by time."""

from __future__ import annotations

import heapq
import itertools
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime


class Scadenzario:
    """Does each piece of work at its time, as many at once as there are `workers`."""

    def __init__(self, name: str, workers: int, clock: Callable[[], datetime]) -> None:
        self._clock = clock
        self._pool = ThreadPoolExecutor(workers, thread_name_prefix=name)
        self._wake = threading.Condition()
        # The number keeps works of one instant in the order in which they came.
        self._queue: list[tuple[datetime, int, Callable[[], None]]] = []
        self._numbers = itertools.count()
        self._is_closed = False
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)
        self._thread.start()

    def at(self, due_at: datetime, work: Callable[[], None]) -> None:
        """Have the work done at `due_at`, at once when that is over."""
        with self._wake:
            heapq.heappush(self._queue, (due_at, next(self._numbers), work))
            self._wake.notify()

    def close(self) -> None:
        """Let what has begun end; the rest is not done."""
        with self._wake:
            self._is_closed = True
            self._wake.notify()
        self._thread.join(timeout=5)
        self._pool.shutdown(wait=True, cancel_futures=True)

    def _run(self) -> None:
        while True:
            with self._wake:
                while not self._is_closed:
                    pause = (self._queue[0][0] - self._clock()).total_seconds() if self._queue else None
                    if pause is not None and pause <= 0:
                        break
                    self._wake.wait(pause)
                if self._is_closed:
                    return
                work = heapq.heappop(self._queue)[2]
            self._pool.submit(work)
