"""Who was seen of late: a set that forgets, of bounded size. Safe to share between threads."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Hashable

_LASTS_S = 300.0
_MOST = 20_000


class Conosciuti:
    """Remembers for five to ten minutes after the last time; the oldest half goes when there are too many.

    >>> conosciuti = Conosciuti()
    >>> conosciuti.add("192.0.2.1")
    >>> "192.0.2.1" in conosciuti, "192.0.2.2" in conosciuti
    (True, False)
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._now: set[Hashable] = set()
        self._before: set[Hashable] = set()
        self._turns_at = clock() + _LASTS_S
        self._lock = threading.Lock()

    def __contains__(self, who: Hashable) -> bool:
        if self._clock() >= self._turns_at:
            with self._lock:
                self._turn()
        return who in self._now or who in self._before

    def add(self, who: Hashable) -> None:
        if who in self._now and self._clock() < self._turns_at:
            return
        with self._lock:
            self._turn()
            self._now.add(who)

    def _turn(self) -> None:
        now = self._clock()
        if now < self._turns_at and len(self._now) < _MOST // 2:
            return
        # Of a pause longer than both halves nothing is left.
        self._before = self._now if now < self._turns_at + _LASTS_S else set()
        self._now, self._turns_at = set(), now + _LASTS_S
