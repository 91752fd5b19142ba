"""An ente's own system, for tests and demo: takes pushes on a real socket, checks them, misbehaves on demand.

`Comportamento` is one scripted answer; with none left the push is checked and acknowledged. The ledger keeps every
request, so that a test can ask whether an event came twice or in the wrong order.
"""

from __future__ import annotations

import json
import socket
import ssl
import threading
import time
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from adapters.ente.firma import is_signed

_BODY_MAX_BYTES = 4 * 1024 * 1024
_DRIP_PAUSE_S = 0.05


class Guasto(StrEnum):
    """How an answer goes wrong."""

    LENTO = "lento"  # answers after `seconds`
    STATO = "stato"  # answers `status`
    FAULT = "fault"  # 200 with `code` in faultCode
    RINVIO = "rinvio"  # 302 to `location`
    IMMONDIZIA = "immondizia"  # 200 with bytes that are nothing
    CHIUDE = "chiude"  # takes the request and hangs up
    CHIUDE_A_META = "chiude_a_meta"  # hangs up in the middle of the body
    ENORME = "enorme"  # a body without end
    GOCCIA = "goccia"  # one byte at a time, never done


@dataclass(frozen=True, slots=True)
class Comportamento:
    guasto: Guasto
    seconds: float = 0.0
    status: int = 500
    code: str = ""
    description: str = ""
    location: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Ricevuto:
    """One push as it came. `is_signed`: with the key of this ente, whole and recent."""

    path: str
    headers: Mapping[str, str]
    body: bytes
    is_signed: bool

    @property
    def evento(self) -> str:
        return self.headers.get("webhook-id", "")

    @property
    def sequenza(self) -> int:
        return int(self.headers.get("x-pontepa-sequenza", "0"))


class EnteFinto:
    """The system of an ente on a port of its own."""

    def __init__(self, chiave: str, *, port: int = 0, context: ssl.SSLContext | None = None) -> None:
        self.chiave = chiave
        self.script: deque[Comportamento] = deque()
        self.received: list[Ricevuto] = []
        self.acknowledged: list[str] = []
        self._lock = threading.Lock()
        self._server = Server(("127.0.0.1", port), _handler_of(self))
        if context is not None:
            self._server.context = context
        self.port = int(self._server.server_address[1])
        self.url = f"{'https' if context else 'http'}://127.0.0.1:{self.port}/esiti"
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)

    def __enter__(self) -> EnteFinto:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def note(self, ricevuto: Ricevuto) -> Comportamento | None:
        """Keep a request and return how to answer it; None: as one should."""
        with self._lock:
            self.received.append(ricevuto)
            return self.script.popleft() if self.script else None

    def acknowledge(self, evento: str) -> None:
        with self._lock:
            self.acknowledged.append(evento)


class Server(ThreadingHTTPServer):
    daemon_threads = True
    context: ssl.SSLContext | None = None

    def finish_request(self, request: Any, client_address: Any) -> None:
        # In the thread of the connection: a client that refuses the certificate disturbs nobody else.
        if self.context is not None:
            request = self.context.wrap_socket(request, server_side=True)
        super().finish_request(request, client_address)

    def handle_error(self, request: Any, client_address: Any) -> None:
        pass  # who hangs up is what some tests are about


def _handler_of(ente: EnteFinto) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(min(int(self.headers.get("Content-Length", "0")), _BODY_MAX_BYTES))
            headers = {name.lower(): value for name, value in self.headers.items()}
            good = is_signed(ente.chiave, headers, body, datetime.now(UTC)) and _has_shape(body)
            come = ente.note(Ricevuto(self.path, headers, body, good))
            if come is not None and come.guasto is not Guasto.LENTO:
                misbehave(self, come)
                return
            if come is not None:
                time.sleep(come.seconds)
            if not good:
                _answer(self, 401, {"faultCode": "FIRMA_NON_VALIDA", "faultDescription": "firma o corpo non validi"})
                return
            ente.acknowledge(headers["webhook-id"])
            _answer(self, 200, {})

        def log_message(self, format: str, *args: Any) -> None:
            pass

    return Handler


def _has_shape(body: bytes) -> bool:
    try:
        words = json.loads(body)
    except ValueError:
        return False
    return isinstance(words, dict) and set(words) == {"rt", "esito"} and bool(words["esito"])


def misbehave(handler: BaseHTTPRequestHandler, come: Comportamento) -> None:
    """Answer as the script says; LENTO is the caller's own affair."""
    match come.guasto:
        case Guasto.FAULT:
            _answer(handler, 200, {"faultCode": come.code, "faultDescription": come.description}, come.headers)
        case Guasto.STATO:
            _answer(handler, come.status, {}, come.headers)
        case Guasto.RINVIO:
            _answer(handler, 302, {}, {"Location": come.location})
        case Guasto.IMMONDIZIA:
            send(handler, 200, b"\x00\xff<html>]]>", {})
        case Guasto.CHIUDE_A_META:
            handler.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n{")
        case Guasto.ENORME:
            handler.wfile.write(b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n")
            while True:
                handler.wfile.write(b" " * 65536)
        case Guasto.GOCCIA:
            for byte in b"HTTP/1.1 200 OK\r\nX-Long: " + b"a" * 65536:
                handler.wfile.write(bytes([byte]))
                time.sleep(_DRIP_PAUSE_S)
    if come.guasto in (Guasto.CHIUDE, Guasto.CHIUDE_A_META):
        handler.close_connection = True
        handler.connection.shutdown(socket.SHUT_RDWR)


def _answer(
    handler: BaseHTTPRequestHandler, status: int, words: Mapping[str, str], headers: Mapping[str, str] | None = None
) -> None:
    send(handler, status, json.dumps(words).encode(), headers or {})


def send(handler: BaseHTTPRequestHandler, status: int, body: bytes, headers: Mapping[str, str]) -> None:
    """Answer with a status and a body."""
    handler.send_response(status)
    for name, value in {"Content-Type": "application/json", **headers, "Content-Length": str(len(body))}.items():
        handler.send_header(name, value)
    handler.end_headers()
    handler.wfile.write(body)
