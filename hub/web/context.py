"""What every view of the door reaches for: the runtime, the metrics, the names kept in the application and request."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, cast

from flask import current_app

if TYPE_CHECKING:
    from hub.runtime import Runtime

RUNTIME = "pontepa.runtime"
METRICS = "pontepa.metrics"
# The function that finds the fingerprint of a request's TLS client certificate; None: none is ever looked at.
CERTIFICATE = "pontepa.certificate"
# Key of the WSGI environment: the pattern of the path, for metrics and logs. Never the address itself.
ROUTE = "pontepa.route"

CORRELATION_ID = re.compile(r"[A-Za-z0-9_-]{8,64}")
ID_SESSION = re.compile(r"[A-Za-z0-9-]{1,36}")


def runtime() -> Runtime:
    """Return the parts of the running process."""
    return cast("Runtime", current_app.extensions[RUNTIME])


def secret() -> str:
    """Return the installation's key, from which each purpose derives its own."""
    return str(runtime().config.secret_key)


def arrivals_folder() -> str | None:
    """Return where files that arrive are laid down for the time of a request; None: in the system's own place."""
    folder = runtime().config.arrivals_dir
    return str(folder) if folder.is_dir() else None
