"""Counts and durations of the requests, in Prometheus' words. One registry per application, counts per process."""

from __future__ import annotations

from collections.abc import Mapping

from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, Counter, Gauge, Histogram, generate_latest

CONTENT_TYPE = CONTENT_TYPE_LATEST
# A label takes only known values: a caller must not be able to fill the memory with names of his own.
_METHODS = frozenset({"GET", "HEAD", "POST", "OPTIONS"})
_BUCKETS = (0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0)


class Metrics:
    """What is counted at the door."""

    def __init__(self) -> None:
        self._registry = CollectorRegistry()
        self._requests = Counter(
            "pontepa_http_requests", "Requests answered", ("method", "route", "status"), registry=self._registry
        )
        self._duration = Histogram(
            "pontepa_http_request_duration_seconds",
            "Time until the answer was ready",
            ("route",),
            buckets=_BUCKETS,
            registry=self._registry,
        )

    def observe(self, method: str, route: str, status: str, seconds: float) -> None:
        """Count one answered request. `route` is a pattern, never an address."""
        self._requests.labels(method if method in _METHODS else "OTHER", route, status).inc()
        self._duration.labels(route).observe(seconds)

    def exposition(self, outbox: Mapping[str, int]) -> bytes:
        """Return everything as text, with the messages waiting in the outbox by stato (read from the database)."""
        now = CollectorRegistry()
        depth = Gauge("pontepa_outbox_messages", "Messages in the outbox", ("stato",), registry=now)
        for stato, count in outbox.items():
            depth.labels(str(stato)).set(count)
        return generate_latest(self._registry) + generate_latest(now)
