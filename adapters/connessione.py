"""Connections of which one can say whether a request has left: what is proven not to have left may be sent again.

And the pause that whoever answers asks for before the next one.
"""

from __future__ import annotations

import ssl
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

import urllib3
from urllib3.connection import HTTPSConnection
from urllib3.connectionpool import HTTPSConnectionPool
from urllib3.exceptions import ConnectTimeoutError, NameResolutionError, NewConnectionError

# The request never left: nothing can have been processed.
NOT_SENT = (NewConnectionError, ConnectTimeoutError, NameResolutionError)
# Nobody may make us wait longer with one header; the platform counts over ten seconds (node, 2.0.5).
_RETRY_AFTER_MAX_S = 3600


class _Connection(HTTPSConnection):
    """Tells a handshake that failed from a TLS error after the request has left, which is no proof of anything."""

    def connect(self) -> None:
        try:
            super().connect()
        except ssl.SSLError as error:
            raise NewConnectionError(self, f"TLS: {error.reason}") from error


class _ConnectionPool(HTTPSConnectionPool):
    ConnectionCls = _Connection


def telling(http: urllib3.PoolManager) -> urllib3.PoolManager:
    """Return the pools, whose TLS connections tell."""
    http.pool_classes_by_scheme = http.pool_classes_by_scheme | {"https": _ConnectionPool}
    return http


def retry_after_s(headers: Mapping[str, str], most_s: int = _RETRY_AFTER_MAX_S) -> float | None:
    """The pause that Retry-After asks for, in seconds or until a date, `most_s` at most; None when it says nothing.

    A date that is over asks for nothing. `headers`: by any case, or by lower case. Source: RFC 9110, 10.2.3.

    >>> retry_after_s({"Retry-After": "7"}), retry_after_s({"retry-after": "999999"}), retry_after_s({})
    (7.0, 3600.0, None)
    >>> retry_after_s({"Retry-After": "Sat, 21 Nov 2026 10:00:30 GMT", "Date": "Sat, 21 Nov 2026 10:00:00 GMT"})
    30.0
    >>> retry_after_s({"Retry-After": "Sat, 21 Nov 2026 10:00:30 GMT", "Date": "Sat, 21 Nov 2026 10:00:40 GMT"})
    >>> retry_after_s({"Retry-After": "presto"}), retry_after_s({"Retry-After": "-3"})
    (None, None)
    """
    text = _header(headers, "Retry-After")
    if text.isascii() and text.isdigit() and len(text) < 10:
        return float(min(int(text), most_s))
    until = _date(text)
    if until is None:
        return None
    # Their clock against their clock, when they say what it shows.
    now = _date(_header(headers, "Date")) or datetime.now(UTC)
    wait_s = (until - now).total_seconds()
    return min(wait_s, float(most_s)) if wait_s > 0 else None


def _header(headers: Mapping[str, str], name: str) -> str:
    return (headers.get(name) or headers.get(name.lower()) or "").strip()


def _date(text: str) -> datetime | None:
    try:
        found = parsedate_to_datetime(text)
    except (TypeError, ValueError):
        return None
    return found if found.tzinfo is not None else found.replace(tzinfo=UTC)
