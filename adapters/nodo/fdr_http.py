"""One bounded call that asks for settlement flows: no redirects, no proxies, no more seconds than a call may take.

A question changes nothing at the node: whatever its end, it may be asked again. Source: node, 2.0.4, 2.0.5.
"""

from __future__ import annotations

import http.client
import socket
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import SplitResult, urlsplit

from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.exceptions import HTTPError
from urllib3.response import BaseHTTPResponse

from adapters.connessione import retry_after_s
from adapters.nodo.faults import classe_of
from adapters.nodo.trasporto import Attese
from hub.domain.acquisizione_fdr import EsitoDomanda
from hub.domain.credenziali import IdentitaTls
from hub.domain.delivery import Classe, Stazione
from hub.domain.traccia import inviato, ricevuto
from hub.formats.identita_tls import build_contesto
from hub.formats.senza_password import senza_password

_BLOCK = 64 * 1024
# Who is asked to wait longer looks again by then.
_RETRY_AFTER_MAX_S = 6 * 3600


@dataclass(frozen=True, slots=True)
class Tempi:
    """What fetching one thing may take: `attese` for the connection and between two bytes, `totale_s` in all.

    `stop`: of the worker; what is on its way is left, to be asked for again.
    """

    attese: Attese
    totale_s: float
    stop: threading.Event = field(default_factory=threading.Event)

    def fine(self) -> float:
        """When what begins now must be over, on the monotonic clock."""
        return time.monotonic() + self.totale_s


class Fallita(Exception):
    """There is no answer to read."""

    def __init__(
        self,
        esito: EsitoDomanda,
        codice: str,
        dettaglio: str = "",
        retry_after_s: float | None = None,
        *,
        is_answered: bool = True,
    ) -> None:
        super().__init__(codice)
        self.esito, self.codice, self.dettaglio, self.retry_after_s = esito, codice, dettaglio, retry_after_s
        self.is_answered = is_answered


@dataclass(frozen=True, slots=True)
class Arrivo:
    """An answer with status 200, read while it arrives."""

    headers: Mapping[str, str]
    blocks: Iterator[bytes]


@contextmanager
def call(
    method: str,
    url: str,
    tempi: Tempi,
    fine: float,
    stazione: Stazione,
    headers: Mapping[str, str],
    body: bytes | None = None,
) -> Iterator[Arrivo]:
    """Give the answer to a call that must be over by `fine`. Raises: Fallita, here or while the answer is read."""
    parts = urlsplit(url)
    timeout = tempi.attese.of(stazione, is_question=True)
    connection = _connection(parts, timeout.connect_timeout, stazione.identita)
    # A time-out on a socket starts again at every byte: whoever sends one now and then is cut off by this.
    cut = threading.Event()
    timer = threading.Timer(max(0.0, fine - time.monotonic()), _cut, (connection, cut))
    timer.daemon = True
    timer.start()
    inviato(senza_password(body or b"")[0])
    try:
        connection.connect()
        connection.timeout = timeout.read_timeout  # type: ignore[assignment]
        target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        sent = {**headers, "Connection": "close", "User-Agent": "PontePA", "Accept-Encoding": "identity"}
        connection.request(method, target, body=body, headers=sent, preload_content=False, decode_content=False)
        response = connection.getresponse()
        ricevuto(b"", response.status)
        _check_status(response)
        yield Arrivo({name.lower(): value for name, value in response.headers.items()}, _blocks(response, tempi.stop))
        if cut.is_set():
            raise Fallita(EsitoDomanda.RIPROVARE, "TEMPO_SCADUTO", is_answered=False)
    except (HTTPError, http.client.HTTPException, OSError) as error:
        code = "TEMPO_SCADUTO" if cut.is_set() else type(error).__name__
        raise Fallita(EsitoDomanda.RIPROVARE, code, is_answered=False) from error
    finally:
        timer.cancel()
        connection.close()


def _connection(parts: SplitResult, connect_s: Any, identita: IdentitaTls | None) -> HTTPConnection:
    """Return what will connect; over TLS the station shows its certificate, when it has one."""
    host = parts.hostname or ""
    if parts.scheme != "https":
        return HTTPConnection(host, parts.port, timeout=connect_s)
    context = None if identita is None else build_contesto(identita)
    return HTTPSConnection(host, parts.port, timeout=connect_s, ssl_context=context)


def _check_status(response: BaseHTTPResponse) -> None:
    """Raises: Fallita (any status but 200)."""
    if response.status == 200:
        return
    code = f"HTTP_{response.status}"
    if response.status == 404:
        raise Fallita(EsitoDomanda.ASSENTE, code)
    if classe_of(code) is Classe.CONFIGURAZIONE:
        raise Fallita(EsitoDomanda.RIFIUTATA, code, "il nodo non riconosce la stazione")
    pause = retry_after_s(response.headers, _RETRY_AFTER_MAX_S)
    raise Fallita(EsitoDomanda.RIPROVARE, code, retry_after_s=pause, is_answered=False)


def _blocks(response: BaseHTTPResponse, stop: threading.Event) -> Iterator[bytes]:
    # Up to the empty read: only there does a body that is shorter than announced show itself.
    while block := response.read(_BLOCK):
        if stop.is_set():
            raise Fallita(EsitoDomanda.RIPROVARE, "INTERROTTA", "il worker si ferma")
        ricevuto(block)
        yield block


def _cut(connection: HTTPConnection, cut: threading.Event) -> None:
    cut.set()
    try:
        if connection.sock is not None:
            # Of the plain socket: that of TLS would wait for the other side's farewell.
            socket.socket.shutdown(connection.sock, socket.SHUT_RDWR)
    except OSError:
        pass  # it ended by itself at this very moment
