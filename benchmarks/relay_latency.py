"""From the commit of a payment to its first byte at the node: one idle worker, one message at a time.

The clock starts when the commit is asked for (the fsync is inside), and stops when the node's socket has the first
bytes. The floor, measured after each message: the same envelope posted straight to the same node by urllib3.
Run: python -m benchmarks.relay_latency
"""

from __future__ import annotations

import base64
import queue
import random
import re
import socket
import sys
import tempfile
import threading
import time
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import urllib3
from sqlalchemy import event

from benchmarks import report
from benchmarks.messages import COD_IPA_ENTE, PASSWORD, build_dovuti
from benchmarks.processes import Installation, fresh_database
from hub.app import build_runtime
from hub.config_reading import load_config
from hub.runtime import Runtime
from hub.usecases.authenticate import Presentazione
from hub.usecases.invia_dovuti import RichiestaInviaDovuti, invia_dovuti
from hub.usecases.start_pagamento import start_pagamento

GOAL_P95_MS = 50.0
# A message that is not there after so long is lost.
_LOST_S = 20
_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)
_ANSWER = (
    b'<soapenv:Envelope xmlns:soapenv="http://schemas.xmlsoap.org/soap/envelope/"><soapenv:Body>'
    b'<ws:nodoInviaCarrelloRPTRisposta xmlns:ws="http://ws.pagamenti.telematici.gov/">'
    b"<esitoComplessivoOperazione>OK</esitoComplessivoOperazione><url>http://127.0.0.1/pagamento?idSession=1</url>"
    b"</ws:nodoInviaCarrelloRPTRisposta></soapenv:Body></soapenv:Envelope>"
)


class Node:
    """A node that says OK to all, and when the first bytes of each request were there."""

    def __init__(self) -> None:
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._socket.getsockname()[1]}"
        self.arrivals: queue.Queue[tuple[float, bytes]] = queue.Queue()
        threading.Thread(target=self._accept, daemon=True).start()

    def wait(self) -> tuple[float, bytes]:
        """Return instant (monotonic) and body of the next request. Raises: queue.Empty."""
        return self.arrivals.get(timeout=_LOST_S)

    def _accept(self) -> None:
        while True:
            connection, _ = self._socket.accept()
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        with connection:
            while block := connection.recv(65536):
                arrived_at = time.monotonic()
                received = block
                while (body := _body(received)) is None:
                    received += connection.recv(65536)
                head = b"HTTP/1.1 200 OK\r\nContent-Type: text/xml\r\nContent-Length: %d\r\n\r\n" % len(_ANSWER)
                connection.sendall(head + _ANSWER)
                self.arrivals.put((arrived_at, body))


def _body(received: bytes) -> bytes | None:
    head, found, body = received.partition(b"\r\n\r\n")
    length = _LENGTH.search(head)
    return body if found and length is not None and len(body) >= int(length.group(1)) else None


class Commits:
    """The instant of the last commit that this process asked for."""

    def __init__(self, runtime: Runtime) -> None:
        self.last = 0.0
        event.listen(runtime.db.engine, "commit", self._stamp)

    def _stamp(self, _connection: object) -> None:
        self.last = time.monotonic()


def main(argv: Sequence[str] | None = None) -> int:
    """Send the messages, print medians and ratio; return the exit code."""
    parser = report.arguments(__doc__ or "")
    parser.add_argument("--messages", type=int, default=200)
    parser.add_argument("--seed", type=int, default=1, help="of the pauses")
    options = parser.parse_args(argv)
    node = Node()
    scratch = tempfile.TemporaryDirectory(prefix="pontepa-bench-")
    with scratch as name, fresh_database(options.database, Path(name)) as url:
        with Installation(Path(name), url) as installation:
            installation.node_url = node.url
            installation.prepare()
            installation.worker()
            runtime = build_runtime(load_config(None, installation.environment))
            relay, floor = _measure(runtime, node, options.messages, random.Random(options.seed))
            runtime.db.close()
    report.say(f"commit to first byte at the node, {report.kind_of(options.database)}, {options.messages} messages")
    return _tell(relay, floor, options.check)


def _measure(runtime: Runtime, node: Node, messages: int, rng: random.Random) -> tuple[list[float], list[float]]:
    """Return milliseconds of the relay and of the floor, message by message."""
    commits = Commits(runtime)
    direct = urllib3.PoolManager(retries=False)
    relay: list[float] = []
    floor: list[float] = []
    # The first two are the worker's start and its first connection: not counted.
    for number in range(messages + 2):
        id_session = _open_session(runtime)
        time.sleep(rng.uniform(0.02, 0.15))
        anagrafe, now = runtime.callers.anagrafe, datetime.now(UTC)
        start_pagamento(runtime.db, runtime.iuv, anagrafe, runtime.nodi, id_session, None, None, now)
        committed_at = commits.last
        arrived_at, body = node.wait()
        time.sleep(rng.uniform(0.02, 0.08))
        asked_at = time.monotonic()
        direct.request("POST", node.url + "/nodo", body=body, headers={"Content-Type": "text/xml"})
        direct_at, _ = node.wait()
        if number >= 2:
            relay.append((arrived_at - committed_at) * 1000)
            floor.append((direct_at - asked_at) * 1000)
    return relay, floor


def _open_session(runtime: Runtime) -> str:
    richiesta = RichiestaInviaDovuti(
        dovuti=base64.b64encode(build_dovuti()).decode(),
        url_esito=None,
        show_mypay=None,
    )
    return invia_dovuti(
        runtime.db, runtime.callers, Presentazione(COD_IPA_ENTE, PASSWORD, "127.0.0.1"), richiesta,
        correlation_id="0" * 32, ttl=timedelta(hours=1), now=datetime.now(UTC),
    )  # fmt: skip


def _tell(relay: list[float], floor: list[float], check: bool) -> int:
    report.say(report.machine())
    report.say(f"{'ms':>10}{'p50':>9}{'p95':>9}{'max':>9}")
    for name, values in (("relay", relay), ("direct", floor)):
        ordered = sorted(values)
        p50, p95 = (ordered[min(len(ordered) - 1, int(len(ordered) * f))] for f in (0.5, 0.95))
        report.say(f"{name:>10}{p50:>9.2f}{p95:>9.2f}{ordered[-1]:>9.2f}")
    report.say(f"relay / direct: {report.median_ratio(relay, floor):.1f}x, message by message (median)")
    p95 = sorted(relay)[int(len(relay) * 0.95)]
    return report.verdict(f"p95 at most {GOAL_P95_MS:g} ms", p95 <= GOAL_P95_MS, check)


if __name__ == "__main__":
    sys.exit(main())
