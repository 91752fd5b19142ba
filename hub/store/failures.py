"""Wrong passwords by source, so that who guesses is slowed and the ente is not."""

from __future__ import annotations

import time

from limits import RateLimitItemPerMinute
from limits.storage import MemoryStorage
from limits.strategies import FixedWindowRateLimiter


class FailedPasswords:
    """Counts per source address within this process."""

    def __init__(self, per_minute: int) -> None:
        self._limit = RateLimitItemPerMinute(per_minute)
        self._limiter = FixedWindowRateLimiter(MemoryStorage())

    def add(self, source: str) -> None:
        self._limiter.hit(self._limit, source)

    def wait_s(self, source: str) -> int:
        """Seconds this source must wait before it is listened to again; 0 when it need not."""
        if self._limiter.test(self._limit, source):
            return 0
        return max(1, int(self._limiter.get_window_stats(self._limit, source).reset_time - time.time()) + 1)
