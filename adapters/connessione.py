"""Connections of which one can say whether a request has left: what is proven not to have left may be sent again."""

from __future__ import annotations

import ssl

import urllib3
from urllib3.connection import HTTPSConnection
from urllib3.connectionpool import HTTPSConnectionPool
from urllib3.exceptions import ConnectTimeoutError, NameResolutionError, NewConnectionError

# The request never left: nothing can have been processed.
NOT_SENT = (NewConnectionError, ConnectTimeoutError, NameResolutionError)


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
