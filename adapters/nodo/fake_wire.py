"""How the simulator answers, well or badly, down to the socket; and the threaded server that lets it.

A broken connection is a real one: the socket is shut under the client's feet.
"""

from __future__ import annotations

import json
import math
import socket
import struct
import threading
import time
from collections.abc import Mapping
from socketserver import TCPServer
from typing import Any

from werkzeug.serving import ThreadedWSGIServer, WSGIRequestHandler
from werkzeug.wrappers import Request, Response

from adapters.nodo.faults_script import FaultRule, Kind

XML = "text/xml; charset=UTF-8"
# Thirty years; a date is added to it.
_SECONDS_MAX = 10**9
GARBAGE = b"<html><body>Servizio momentaneamente non disponibile<br></soap:Envel\x00\xff"


class _Handler(WSGIRequestHandler):
    """Quiet, without Nagle's wait between headers and body, and with a limit on the client's silence."""

    disable_nagle_algorithm = True
    timeout = 60
    protocol_version = "HTTP/1.1"

    def log(self, type: str, message: str, *args: Any) -> None:
        pass


class _Server(ThreadedWSGIServer):
    # A burst of hundreds of sendings must not meet a full queue: that fault is injected, not accidental.
    request_queue_size = 1024

    def server_bind(self) -> None:
        """Bind without looking the host's name up: a machine without DNS would wait."""
        TCPServer.server_bind(self)
        self.server_name, self.server_port = (str(self.server_address[0]), int(self.server_address[1]))


class ListeningServer:
    """A server in the background that can stop listening for a while and come back on the same port."""

    def __init__(self, host: str, port: int, app: Any) -> None:
        self._host = host
        self._app = app
        self._server = _Server(host, port, app, _Handler)
        self.port = int(self._server.port)
        self._pause_s: float | None = None
        self._is_closed = threading.Event()
        self._thread = threading.Thread(target=self._run, name="simulator", daemon=True)

    @property
    def url(self) -> str:
        host = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}.get(self._host, self._host)
        return f"http://{host}:{self.port}"

    def start(self) -> None:
        self._thread.start()

    def wait(self) -> None:
        """Block until the server is closed."""
        while self._thread.is_alive():
            self._thread.join(timeout=1)

    def pause(self, seconds: float) -> None:
        """Refuse connections for a while: the port is really closed. Requests in progress go on."""
        self._pause_s = seconds
        threading.Thread(target=self._server.shutdown, daemon=True).start()

    def close(self) -> None:
        self._is_closed.set()
        self._server.shutdown()
        self._thread.join(timeout=10)

    def _run(self) -> None:
        while True:
            self._server.serve_forever(poll_interval=0.05)
            if self._is_closed.is_set() or self._pause_s is None:
                return
            pause, self._pause_s = self._pause_s, None
            if self._is_closed.wait(pause):
                return
            self._server = _Server(self._host, self.port, self._app, _Handler)


class _Json:
    """JSON as RFC 8259 has it: no NaN, no infinity, no depth that Python cannot follow. Raises: ValueError."""

    dumps = staticmethod(json.dumps)

    @staticmethod
    def loads(data: str | bytes, **_: Any) -> Any:
        try:
            return json.loads(data, parse_constant=_finite, parse_float=_finite)
        except RecursionError as error:
            raise ValueError("too deep") from error


def _finite(text: str) -> float:
    value = float(text)
    if not math.isfinite(value):
        raise ValueError(f"{text} is no number of JSON")
    return value


class JsonRequest(Request):
    """A request whose JSON is read strictly."""

    json_module = _Json  # type: ignore[assignment]  # it is asked for `loads` and `dumps` alone


def json_object(request: Request) -> dict[str, Any]:
    """Return the object that a request brings; an empty one when it brings none."""
    words = request.get_json(silent=True)
    return words if isinstance(words, dict) else {}


def given_object(request: Request) -> dict[str, Any]:
    """Return the object that a request must bring. Raises: ValueError (a sentence in Italian)."""
    words = request.get_json(silent=True)
    if not isinstance(words, dict):
        raise ValueError("il corpo dev'essere un oggetto JSON")
    return words


def seconds(words: Mapping[str, Any], name: str, otherwise: float) -> float:
    """Return a number of seconds, 0 for less. Raises: ValueError (a sentence in Italian)."""
    value = words.get(name, otherwise)
    # A bool is an int for Python, never for who writes the file.
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not value <= _SECONDS_MAX:
        raise ValueError(f"{name} dev'essere un numero di secondi, al massimo {_SECONDS_MAX}")
    return float(max(0, value))


def json_response(value: Any, status: int = 200) -> Response:
    # Half a surrogate pair, said back, is no text that can leave.
    text = json.dumps(value, ensure_ascii=False, default=str).encode(errors="backslashreplace")
    return Response(text, status, content_type="application/json")


def html_response(text: str, status: int = 200) -> Response:
    """Return a page that needs nothing from elsewhere."""
    response = Response(text, status, content_type="text/html; charset=utf-8")
    response.headers["Content-Security-Policy"] = (
        "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'"
    )
    response.headers["Referrer-Policy"] = "no-referrer"
    return response


def soap_response(body: bytes, status: int = 200, correlation_id: str = "") -> Response:
    response = Response(body, status=status, content_type=XML)
    if correlation_id:
        response.headers["X-Correlation-Id"] = correlation_id
    return response


def break_connection(request: Request, *, reset: bool = False) -> Response:
    """End the connection without an answer; with `reset` the client reads "connection reset by peer"."""
    connection = request.environ.get("werkzeug.socket")
    if isinstance(connection, socket.socket):
        if reset:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        _shut(connection)
    # Written on a closed socket: it goes nowhere.
    return Response(b"", status=500)


def half_answer(request: Request, response: Response) -> Response:
    """Send the headers and half of the body, then end the connection."""
    connection = request.environ.get("werkzeug.socket")
    if isinstance(connection, socket.socket):
        whole = _raw(response)
        connection.sendall(whole[: len(whole) - len(response.get_data()) // 2])
        _shut(connection)
    return Response(b"", status=500)


def double_answer(request: Request, response: Response) -> Response:
    """Send the same answer twice on one connection."""
    connection = request.environ.get("werkzeug.socket")
    if isinstance(connection, socket.socket):
        connection.sendall(_raw(response) * 2)
        # The client must be able to read what it wants to before the end.
        time.sleep(0.05)
        _shut(connection)
    return Response(b"", status=500)


def _raw(response: Response) -> bytes:
    body = response.get_data()
    head = f"HTTP/1.1 {response.status}\r\nContent-Type: {XML}\r\nContent-Length: {len(body)}\r\n\r\n"
    return head.encode() + body


def _shut(connection: socket.socket) -> None:
    try:
        connection.shutdown(socket.SHUT_RDWR)
    except OSError:
        pass  # the client went first


def spoiled(
    request: Request, response: Response, fault: FaultRule | None, content_type: str = XML
) -> Response:
    """Return the answer as the fault leaves it; garbage calls itself `content_type`."""
    if fault is None:
        return response
    if fault.kind is Kind.LATE:
        time.sleep(fault.seconds)
    elif fault.kind is Kind.LOST_AFTER:
        return break_connection(request)
    elif fault.kind is Kind.CLOSE:
        return half_answer(request, response)
    elif fault.kind is Kind.TWICE:
        return double_answer(request, response)
    elif fault.kind is Kind.GARBAGE:
        return Response(GARBAGE, 200, content_type=content_type)
    return response
