"""Liveness, readiness and metrics: what a supervisor, a balancer and Prometheus ask."""

from __future__ import annotations

from flask import Flask, Response, current_app, jsonify

from hub.store import migrate, outbox
from hub.web import metrics
from hub.web.context import METRICS, runtime


def register(app: Flask) -> None:
    """Add /health/live, /health/ready and /metrics."""
    app.add_url_rule("/health/live", view_func=live)
    app.add_url_rule("/health/ready", view_func=ready)
    app.add_url_rule("/metrics", view_func=exposition)


def live() -> Response:
    """Answer that the process runs; nothing else is looked at."""
    return jsonify(stato="ok")


def ready() -> tuple[Response, int]:
    """Answer 200 when the database answers and its schema is this version's, else 503 with what is missing."""
    db = runtime().db
    is_reachable = db.ping()
    is_current = is_reachable and migrate.is_current(db)
    is_ready = is_reachable and is_current
    stato = "ok" if is_ready else "non pronto"
    return jsonify(stato=stato, database=is_reachable, migrazioni=is_current), 200 if is_ready else 503


def exposition() -> Response:
    """Answer the counts of this process and the depth of the outbox, which is everybody's."""
    with runtime().db.reading() as session:
        depth = outbox.depth(session)
    return Response(current_app.extensions[METRICS].exposition(depth), content_type=metrics.CONTENT_TYPE)
