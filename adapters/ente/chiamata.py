"""One bounded call to an ente: to the address that was judged, no redirects, no proxies, no more bytes or seconds."""

from __future__ import annotations

import functools
import http.client
import socket
import ssl
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass

from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.exceptions import HTTPError

from adapters.ente.indirizzi import Bersaglio, find_bersaglio
from hub.domain.traccia import inviato, ricevuto


@dataclass(frozen=True, slots=True)
class Limiti:
    """What one call may cost. `total_s` counts from the first byte sent to the name server to the last one received."""

    connect_s: float = 5.0
    read_s: float = 5.0
    total_s: float = 10.0
    # An acknowledgement is a line of JSON; a description of an archive is a page.
    answer_max_bytes: int = 256 * 1024


@dataclass(frozen=True, slots=True)
class Risposta:
    status: int
    headers: Mapping[str, str]
    body: bytes


class NonPartita(Exception):
    """The request never left: nothing can have been done. The message is a code."""


class SenzaRisposta(Exception):
    """The request may have arrived; no answer can be read. The message is a code."""


class RispostaTroppoGrande(SenzaRisposta):
    pass


def call(
    url: str,
    headers: Mapping[str, str],
    body: bytes,
    *,
    is_open: bool,
    limiti: Limiti,
    context: ssl.SSLContext | None,
    method: str = "POST",
) -> Risposta:
    """Send a body and return the answer, whatever its status. `context`: None for what the machine trusts.

    Raises: IndirizzoNonAmmesso, NomeNonRisolto, NonPartita, SenzaRisposta, RispostaTroppoGrande.
    """
    deadline = time.monotonic() + limiti.total_s
    bersaglio = find_bersaglio(url, is_open=is_open, timeout_s=limiti.connect_s)
    inviato(body)
    connection = _connect(bersaglio, limiti, deadline, context)
    # A time-out on a socket starts again at every byte: whoever sends one every four seconds is cut off by this.
    cut = threading.Event()
    timer = threading.Timer(max(0.0, deadline - time.monotonic()), _cut, (connection, cut))
    timer.daemon = True
    timer.start()
    try:
        return _exchange(connection, bersaglio, method, headers, body, limiti, cut)
    except (HTTPError, http.client.HTTPException, OSError) as error:
        raise SenzaRisposta("TEMPO_SCADUTO" if cut.is_set() else type(error).__name__) from error
    finally:
        timer.cancel()
        connection.close()


def _exchange(
    connection: HTTPConnection,
    bersaglio: Bersaglio,
    method: str,
    headers: Mapping[str, str],
    body: bytes,
    limiti: Limiti,
    cut: threading.Event,
) -> Risposta:
    sent = {**headers, "Host": bersaglio.authority, "Connection": "close", "User-Agent": "PontePA"}
    connection.request(method, bersaglio.target, body=body, headers=sent, preload_content=False, decode_content=False)
    response = connection.getresponse()
    data = b""
    # Up to the empty read: only there does a body that is shorter than announced show itself.
    while len(data) <= limiti.answer_max_bytes and (read := response.read(limiti.answer_max_bytes + 1 - len(data))):
        data += read
    ricevuto(data, response.status)
    if cut.is_set():
        raise SenzaRisposta("TEMPO_SCADUTO")
    if len(data) > limiti.answer_max_bytes:
        raise RispostaTroppoGrande("RISPOSTA_TROPPO_GRANDE")
    return Risposta(response.status, dict(response.headers), data)


def _connect(bersaglio: Bersaglio, limiti: Limiti, deadline: float, context: ssl.SSLContext | None) -> HTTPConnection:
    """Open the connection, certificate of the name included, to the first judged address that answers."""
    code = "TEMPO_SCADUTO"
    if context is None and bersaglio.scheme == "https":
        context = _trusted()
    for address in bersaglio.addresses:
        timeout_s = min(limiti.connect_s, deadline - time.monotonic())
        if timeout_s <= 0:
            break
        connection: HTTPConnection
        if bersaglio.scheme == "https":
            connection = HTTPSConnection(
                address, bersaglio.port, timeout=timeout_s, ssl_context=context, server_hostname=bersaglio.host
            )
        else:
            connection = HTTPConnection(address, bersaglio.port, timeout=timeout_s)
        try:
            connection.connect()
        except (HTTPError, OSError) as error:
            connection.close()
            code = type(error).__name__
            continue
        # urllib3 sets it on the socket when the request leaves.
        connection.timeout = limiti.read_s
        return connection
    raise NonPartita(code)


# Read once by a process, and only if it calls somebody over TLS: some 25 milliseconds.
_trusted = functools.cache(ssl.create_default_context)


def _cut(connection: HTTPConnection, cut: threading.Event) -> None:
    cut.set()
    try:
        if connection.sock is not None:
            # Of the plain socket: that of TLS would wait for the other side's farewell.
            socket.socket.shutdown(connection.sock, socket.SHUT_RDWR)
    except OSError:
        pass  # it ended by itself at this very moment
