"""Liveness, readiness and metrics: what a supervisor, a balancer and Prometheus ask."""

from __future__ import annotations

from flask import Flask, Response, current_app, jsonify

from hub.formats.resources import resource
from hub.store import migrate, outbox
from hub.web import metrics
from hub.web.context import METRICS, runtime

_HEAD = "pontepa.migrations.head"


def register(app: Flask) -> None:
    """Add /health/live, /health/ready and /metrics. What the newest migration is, is read once, here."""
    app.extensions[_HEAD] = migrate.head(resource("migrations"))
    app.add_url_rule("/health/live", view_func=live)
    app.add_url_rule("/health/ready", view_func=ready)
    app.add_url_rule("/metrics", view_func=exposition)


def live() -> Response:
    """Answer that the process runs; nothing else is looked at."""
    return jsonify(stato="ok")


def ready() -> tuple[Response, int]:
    """Answer 200 when the database answers and its schema is this version's, else 503.

    An exception on the way becomes 503 in the door's translation.
    """
    db = runtime().db
    db.ping()
    is_ready = migrate.current(db) == current_app.extensions[_HEAD]
    stato = "ok" if is_ready else "non pronto"
    return jsonify(stato=stato, database=True, migrazioni=is_ready), 200 if is_ready else 503


def exposition() -> Response:
    """Answer the counts of this process and the depth of the outbox, which is everybody's."""
    with runtime().db.reading() as session:
        depth = outbox.depth(session)
    return Response(current_app.extensions[METRICS].exposition(depth), content_type=metrics.CONTENT_TYPE)
