"""What a job is made of: a thread that works as long as there is work, a tick that no exception stops."""

from __future__ import annotations

import os
import select
import signal
import threading
import time
from collections.abc import Callable

import structlog

from hub import misure
from hub.log import get_logger
from hub.misure import LAVORI_FALLITI

# How soon a stop that no signal has asked for is seen.
_LOOK_S = 0.5


def await_stop(stop: threading.Event) -> None:
    """Wait until a signal's handler, or anybody, sets `stop`.

    A signal that came while the process stood still may be given to a thread that does not wake the main one, where
    handlers run: every signal writes to a pipe, and that is what the main thread waits for.
    """
    if threading.current_thread() is not threading.main_thread():
        stop.wait()
        return
    ready, told = os.pipe()
    os.set_blocking(told, False)
    before = signal.set_wakeup_fd(told)
    try:
        while not stop.is_set():
            select.select([ready], [], [], _LOOK_S)
    finally:
        signal.set_wakeup_fd(before)
        os.close(ready)
        os.close(told)


class Loop(threading.Thread):
    """A job that a commit wakes at once: the scheduler's tick and the watcher both only set its flag."""

    def __init__(self, name: str, tick: Callable[[], bool], tick_s: float, stop: threading.Event) -> None:
        super().__init__(name=name)
        self._tick = tick
        self._tick_s = tick_s
        self._stop_asked = stop
        self._woken = threading.Event()
        self._turned_at = time.monotonic()

    def has_turned(self, within_s: float) -> bool:
        """Whether it lives, and has come round in that time: a longer silence is no work any more."""
        return self.is_alive() and time.monotonic() - self._turned_at <= within_s

    def wake(self) -> None:
        self._woken.set()

    def run(self) -> None:
        while not self._stop_asked.is_set():
            self._woken.wait(self._tick_s)
            self._woken.clear()
            self._turned_at = time.monotonic()
            while not self._stop_asked.is_set() and self._tick():
                self._turned_at = time.monotonic()


def job(name: str, deed: Callable[[], bool], *, is_told: bool = True) -> Callable[[], bool]:
    """One tick: one line when there was work (unless the deed has its own), and no exception that stops the clock."""

    def tick() -> bool:
        started = time.perf_counter()
        with structlog.contextvars.bound_contextvars(job=name):
            try:
                has_worked = deed()
            except Exception as error:
                misure.count(LAVORI_FALLITI, name)
                get_logger().error("job_failed", error=type(error).__name__, exc_info=True)
                return False
            if has_worked and is_told:
                get_logger().info("job_done", duration_ms=round((time.perf_counter() - started) * 1000, 1))
            return has_worked

    return tick
