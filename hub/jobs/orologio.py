"""Whether the clock of the machine goes as time does: one that is set while a worker runs must cost nobody anything.

Wall time says when a message, a lease or a night's job is due. Set back, all that was to come in a minute would come in
an hour, or a day; set ahead, the windows of exports would close over hours that are still to come.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from apscheduler.schedulers.base import BaseScheduler

from hub.jobs.loops import job
from hub.log import get_logger
from hub.runtime import Runtime
from hub.store import avvenire
from hub.usecases import consegna_export

# Less than this is a clock that is kept right in small steps; a message a minute early or late harms nobody.
TOLERANCE = timedelta(seconds=60)
_LOOK_S = 5.0
# The longest lease is that of a search, which may ask four ways.
_LEASES = 4


def since_boot_s() -> float:
    """Seconds that nobody can set, those included in which the machine slept."""
    return time.clock_gettime(time.CLOCK_BOOTTIME) if hasattr(time, "CLOCK_BOOTTIME") else time.monotonic()


class Orologio:
    """The wall clock beside one that nobody sets."""

    def __init__(self, clock: Callable[[], datetime], steady_s: Callable[[], float] = since_boot_s) -> None:
        self._clock, self._steady_s = clock, steady_s
        self._start = clock() - timedelta(seconds=steady_s())

    def look(self) -> timedelta:
        """Return how far the clock was set since the last jump: back is negative; nothing within the tolerance.

        Set back, it is taken as right from here on, since nothing is due too early by it. Set ahead, it stays a jump
        until it comes back or the process starts anew.
        """
        jump = self._jump()
        if abs(jump) <= TOLERANCE:
            return timedelta(0)
        if jump < timedelta(0):
            self._start += jump
        return jump

    @property
    def is_ahead(self) -> bool:
        return self._jump() > TOLERANCE

    def _jump(self) -> timedelta:
        return self._clock() - timedelta(seconds=self._steady_s()) - self._start

    def guarded(self, tick: Callable[[], bool]) -> Callable[[], bool]:
        """Return a tick that does nothing while the clock is ahead: for what ends by a date and cannot be undone."""
        return lambda: False if self.is_ahead else tick()


class Guardia(threading.Thread):
    """Looks at the clock until `stop`; set back, nothing waits any more for hours that come a second time."""

    def __init__(self, runtime: Runtime, orologio: Orologio, scheduler: BaseScheduler, stop: threading.Event) -> None:
        super().__init__(name="orologio", daemon=True)
        self._runtime, self._orologio, self._scheduler, self._stop_asked = runtime, orologio, scheduler, stop
        self._is_told = False
        self.tick = job("orologio", self.look)

    def run(self) -> None:
        while not self._stop_asked.wait(_LOOK_S):
            self.tick()

    def look(self) -> bool:
        """Do what a jump asks for; True when there was one back. Raises: OutOfService."""
        jump = self._orologio.look()
        if jump >= timedelta(0):
            if jump and not self._is_told:
                get_logger().error("clock_set_ahead", seconds=int(jump.total_seconds()))
            self._is_told = bool(jump)
            return False
        get_logger().error("clock_set_back", seconds=int(-jump.total_seconds()))
        for one in self._scheduler.get_jobs():
            # Their next run was told by the old time.
            self._scheduler.modify_job(one.id, next_run_time=datetime.now(UTC))
        config = self._runtime.config
        lease_max = timedelta(seconds=_LEASES * max(config.lease_s, config.flussi_lease_s, config.node_call_s))
        with self._runtime.db.transaction() as session:
            brought = avvenire.bring_back(session, self._runtime.clock(), max(lease_max, consegna_export.LEASE))
        get_logger().warning("future_brought_back", rows=brought)
        return True
