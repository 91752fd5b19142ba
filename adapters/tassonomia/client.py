"""pagoPA's public service of the taxonomy: one bounded GET, no redirects, no proxies, no more bytes or seconds.

Source: pagoPA, `https://api.platform.pagopa.it/taxonomy/service/v1/taxonomy`; flows, 7.3; RFC 9110, 13.1.2.
"""

from __future__ import annotations

import http.client
import socket
import threading
from dataclasses import dataclass
from urllib.parse import urlsplit

from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.exceptions import HTTPError

from hub.domain.prelievo import EsitoPrelievo, Prelievo

_ETAG_MAX = 256


@dataclass(frozen=True, slots=True)
class Limiti:
    """What one question may cost; `total_s` counts from the first byte sent to the last one received."""

    connect_s: float = 5.0
    read_s: float = 15.0
    total_s: float = 60.0
    # The table of 2023 is 250 kB of CSV, 500 kB of JSON.
    answer_max_bytes: int = 8 * 1024 * 1024


class TassonomiaClient:
    """The table behind an address."""

    def __init__(self, url: str, limiti: Limiti | None = None) -> None:
        self._url, self._limiti = url, limiti or Limiti()

    def fetch(self, etag: str | None) -> Prelievo:
        """Ask for the table. See `hub.ports.FonteTassonomia.fetch`."""
        limiti, parts = self._limiti, urlsplit(self._url)
        kind = HTTPSConnection if parts.scheme == "https" else HTTPConnection
        connection = kind(parts.hostname or "", parts.port, timeout=limiti.connect_s)
        # A time-out on a socket starts again at every byte: whoever sends one now and then is cut off by this.
        cut = threading.Event()
        timer = threading.Timer(limiti.total_s, _cut, (connection, cut))
        timer.daemon = True
        timer.start()
        try:
            connection.connect()
            connection.timeout = limiti.read_s
            target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
            prelievo = _exchange(connection, target, etag, limiti.answer_max_bytes)
        except (HTTPError, http.client.HTTPException, OSError) as error:
            prelievo = _failed(type(error).__name__)
        finally:
            timer.cancel()
            connection.close()
        return _failed("TEMPO_SCADUTO") if cut.is_set() else prelievo


def _exchange(connection: HTTPConnection, target: str, etag: str | None, answer_max_bytes: int) -> Prelievo:
    headers = {"Accept": "application/json, text/csv", "Connection": "close", "User-Agent": "PontePA"}
    if etag:
        headers["If-None-Match"] = etag
    connection.request("GET", target, headers=headers, preload_content=False, decode_content=False)
    response = connection.getresponse()
    if response.status == 304 and etag:
        return Prelievo(EsitoPrelievo.INVARIATO)
    if response.status != 200:
        return _failed(f"HTTP_{response.status}")
    data = b""
    # Up to the empty read: only there does a body that is shorter than announced show itself.
    while len(data) <= answer_max_bytes and (read := response.read(answer_max_bytes + 1 - len(data))):
        data += read
    if len(data) > answer_max_bytes:
        return _failed("RISPOSTA_TROPPO_GRANDE")
    tag = response.headers.get("ETag", "")
    return Prelievo(EsitoPrelievo.NUOVO, data, tag if 0 < len(tag) <= _ETAG_MAX and tag.isascii() else None)


def _failed(codice: str) -> Prelievo:
    return Prelievo(EsitoPrelievo.NON_RIUSCITO, codice=codice)


def _cut(connection: HTTPConnection, cut: threading.Event) -> None:
    cut.set()
    try:
        if connection.sock is not None:
            # Of the plain socket: that of TLS would wait for the other side's farewell.
            socket.socket.shutdown(connection.sock, socket.SHUT_RDWR)
    except OSError:
        pass  # it ended by itself at this very moment
