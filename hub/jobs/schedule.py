"""The jobs of a worker: fixed ids, in memory, each a deed with `run_once`.

The outbox is the queue; these are the ticks.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import structlog
from apscheduler.executors.pool import ThreadPoolExecutor as JobThreads
from apscheduler.schedulers.background import BackgroundScheduler

from hub.jobs.wake import watch
from hub.log import get_logger
from hub.runtime import Runtime
from hub.usecases import apply_rt, expire_sessioni, relay_outbox

_EXPIRE_EVERY_S = 60


def run(runtime: Runtime, stop: threading.Event) -> None:
    """Run the jobs until `stop`, then settle what is in flight and return."""
    config = runtime.config
    relay_pool = ThreadPoolExecutor(config.relay_threads, thread_name_prefix="relay")
    limits = relay_outbox.RelayLimits(
        slots=min(config.relay_batch, config.relay_threads),
        lease=timedelta(seconds=config.lease_s),
        margin=timedelta(seconds=config.node_connect_timeout_s + config.node_read_timeout_s),
        attempts_max=config.relay_attempts_max,
    )
    relay = _job(
        "relay_outbox",
        lambda: relay_outbox.run_once(runtime.db, runtime.topics, relay_pool, limits, runtime.clock, stop),
    )
    receipts = _job("apply_rt", lambda: apply_rt.run_once(runtime.db, runtime.clock()))
    grace = timedelta(seconds=config.session_grace_s)
    expire = _job("expire_sessioni", lambda: expire_sessioni.run_once(runtime.db, grace, runtime.clock()))

    scheduler = BackgroundScheduler(
        executors={"default": JobThreads(4)},
        job_defaults={"coalesce": True, "max_instances": 1, "misfire_grace_time": None},
        timezone="UTC",
    )
    scheduler.add_job(expire, "interval", seconds=_EXPIRE_EVERY_S, id="expire_sessioni")
    loops = [
        _Loop("relay_outbox", relay, config.tick_s, stop),
        _Loop("apply_rt", receipts, config.tick_s, stop),
    ]
    for loop in loops:
        scheduler.add_job(loop.wake, "interval", seconds=config.tick_s, id=loop.name)
        loop.start()

    def wake() -> None:
        for loop in loops:
            loop.wake()

    watcher = threading.Thread(target=watch, args=(runtime.db, wake, stop), name="wake", daemon=True)
    watcher.start()
    scheduler.start()
    get_logger().info("worker_started", threads=config.relay_threads)
    stop.wait()
    scheduler.shutdown(wait=True)
    for loop in loops:
        loop.join()
    relay_pool.shutdown(wait=True)
    watcher.join()
    get_logger().info("worker_stopped")


class _Loop(threading.Thread):
    """A job that a commit wakes at once: the scheduler's tick and the watcher both only set its flag."""

    def __init__(self, name: str, job: Callable[[], bool], tick_s: float, stop: threading.Event) -> None:
        super().__init__(name=name)
        self._job = job
        self._tick_s = tick_s
        self._stop_asked = stop
        self._woken = threading.Event()

    def wake(self) -> None:
        self._woken.set()

    def run(self) -> None:
        while not self._stop_asked.is_set():
            self._woken.wait(self._tick_s)
            self._woken.clear()
            while not self._stop_asked.is_set() and self._job():
                pass


def _job(name: str, deed: Callable[[], bool]) -> Callable[[], bool]:
    """One tick: a correlation id, one line when there was work, and no exception that stops the clock."""

    def tick() -> bool:
        started = time.perf_counter()
        with structlog.contextvars.bound_contextvars(job=name):
            try:
                has_worked = deed()
            except Exception as error:
                get_logger().error("job_failed", error=type(error).__name__, exc_info=True)
                return False
            if has_worked:
                get_logger().info("job_done", duration_ms=round((time.perf_counter() - started) * 1000, 1))
            return has_worked

    return tick
