"""The stub hub and the simulator, each on a port of its own."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from adapters.nodo.fake import SimulatorServer, create_simulator
from tests.adapters.simulated import OK, StubHub


@pytest.fixture
def hub() -> Iterator[StubHub]:
    stub = StubHub()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            stub.received.append(self.rfile.read(int(self.headers["Content-Length"])))
            stub.correlation_ids.append(self.headers.get("X-Correlation-Id", ""))
            status, body = stub.answers.pop(0) if stub.answers else OK
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    stub.url = f"http://127.0.0.1:{server.server_address[1]}"
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
    yield stub
    server.shutdown()
    server.server_close()


@pytest.fixture
def simulator(hub: StubHub) -> Iterator[SimulatorServer]:
    server = SimulatorServer("127.0.0.1", 0, create_simulator(hub.url, seed=7))
    server.start()
    yield server
    server.close()
