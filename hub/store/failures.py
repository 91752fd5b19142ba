"""Wrong passwords by source, so that who guesses is slowed and the ente is not."""

from __future__ import annotations

import threading
import time

from limits import RateLimitItemPerMinute
from limits.storage import MemoryStorage
from limits.strategies import FixedWindowRateLimiter


class FailedPasswords:
    """Counts per source address within this process."""

    def __init__(self, per_minute: int) -> None:
        self._limit = RateLimitItemPerMinute(per_minute)
        self._limiter = FixedWindowRateLimiter(MemoryStorage())
        # Who was wrong in this window or the one before: all others, nearly everybody, cost two looks into a set.
        self._now: set[str] = set()
        self._before: set[str] = set()
        self._turns_at = 0.0
        self._lock = threading.Lock()

    def add(self, source: str) -> None:
        with self._lock:
            if time.monotonic() >= self._turns_at:
                self._before, self._now = self._now, set()
                self._turns_at = time.monotonic() + self._limit.get_expiry()
            self._now.add(source)
        self._limiter.hit(self._limit, source)

    def wait_s(self, source: str) -> int:
        """Seconds this source must wait before it is listened to again; 0 when it need not."""
        # Asked in this order: while the sets turn, a source is in both.
        if source not in self._now and source not in self._before:
            return 0
        if self._limiter.test(self._limit, source):
            return 0
        return max(1, int(self._limiter.get_window_stats(self._limit, source).reset_time - time.time()) + 1)
