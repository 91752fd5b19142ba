"""SOAP handling without HTTP: the hub's WSGI callable against the plain-lxml loop, one thread, in turn.

Two pairs. "handling": envelope, contract, document, answer, log line; no caller, no database on either side. "whole":
the whole of `pontepa serve` behind its server (front door, caller, checks, session) against the floor with its own
caller and insert, each on a SQLite file of its own. Run: python -m benchmarks.in_process
"""

from __future__ import annotations

import contextlib
import gc
import io
import os
import sys
import tempfile
import time
import uuid
from collections.abc import Callable, Sequence
from pathlib import Path
from statistics import median
from typing import Any

from benchmarks import report
from benchmarks.floor import Wsgi, build_floor, keep_nothing, sqlite_keeper
from benchmarks.messages import PATH, build_envelope
from benchmarks.processes import Installation
from hub import log
from hub.app import build_runtime, build_wsgi_app
from hub.config_reading import load_config
from hub.formats.documenti_ente import decode_base64_field
from hub.formats.dovuti import read_dovuti
from hub.formats.resources import resource
from hub.soap.contract import load_contract
from hub.soap.operation import Call
from hub.soap.server import build_wsgi

GOAL = 2.5


def main(argv: Sequence[str] | None = None) -> int:
    """Run the rounds, print rows and ratios; return the exit code."""
    parser = report.arguments(__doc__ or "")
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--calls", type=int, default=500, help="of each candidate in each round")
    options = parser.parse_args(argv)
    with tempfile.TemporaryDirectory(prefix="pontepa-bench-") as name, _quiet(Path(name) / "hub.log"):
        # The whole of the hub is measured on SQLite whatever --database says: the pair shows its code, not a server.
        installation = Installation(Path(name), f"sqlite:///{name}/pontepa.db")
        installation.prepare()
        config = load_config(None, installation.environment)
        log.configure(config)
        candidates = {
            "handling, hub": _handling(),
            "handling, floor": build_floor(keep_nothing),
            "whole, hub": build_wsgi_app(build_runtime(config)),
            "whole, floor": build_floor(sqlite_keeper(str(Path(name) / "floor.db"))),
        }
        gc.collect()
        gc.freeze()
        rows = _measure(candidates, options.rounds, options.calls)
    return _tell(rows, options.check)


@contextlib.contextmanager
def _quiet(path: Path) -> Any:
    """Send the log lines to a file: they are part of the work, the terminal is not."""
    kept = os.dup(2)
    with path.open("wb") as file:
        os.dup2(file.fileno(), 2)
        try:
            yield
        finally:
            os.dup2(kept, 2)
            os.close(kept)


def _handling() -> Wsgi:
    """Return the SOAP door with an operation that reads the document and answers at once."""

    def invia_dovuti(call: Call, request: dict[str, Any]) -> dict[str, Any]:
        read_dovuti(decode_base64_field(request["dovuti"]))
        id_session = str(uuid.uuid4())
        return {"esito": "OK", "idSession": id_session, "redirect": 1, "url": f"http://127.0.0.1/paga/{id_session}"}

    contract = load_contract(resource("wsdl", "pa-per-ente.wsdl"))
    return build_wsgi(contract, {"paaSILInviaDovuti": invia_dovuti}, public_url="http://127.0.0.1:8080", path=PATH)


def _environ(body: bytes) -> dict[str, Any]:
    return {
        "REQUEST_METHOD": "POST",
        "SCRIPT_NAME": "",
        "PATH_INFO": PATH,
        "QUERY_STRING": "",
        "CONTENT_TYPE": "text/xml; charset=utf-8",
        "CONTENT_LENGTH": str(len(body)),
        "SERVER_NAME": "127.0.0.1",
        "SERVER_PORT": "8080",
        "SERVER_PROTOCOL": "HTTP/1.1",
        "REMOTE_ADDR": "127.0.0.1",
        "HTTP_HOST": "127.0.0.1:8080",
        "HTTP_SOAPACTION": '"paaSILInviaDovuti"',
        "wsgi.input": io.BytesIO(body),
        "wsgi.errors": sys.stderr,
        "wsgi.url_scheme": "http",
        "wsgi.version": (1, 0),
        "wsgi.multithread": True,
        "wsgi.multiprocess": False,
        "wsgi.run_once": False,
    }


def _call(application: Wsgi, body: bytes) -> bytes:
    answer = application(_environ(body), _ignore)
    text = b"".join(answer)
    close: Callable[[], None] | None = getattr(answer, "close", None)
    if close is not None:
        close()
    return text


def _ignore(status: str, headers: list[tuple[str, str]], exc_info: Any = None) -> None:
    return None


def _measure(candidates: dict[str, Wsgi], rounds: int, calls: int) -> dict[str, list[float]]:
    """Return seconds for each call, round by round."""
    rows: dict[str, list[float]] = {name: [] for name in candidates}
    names = list(candidates)
    for turn in range(-1, rounds):
        for name in names if turn % 2 else reversed(names):
            bodies = [build_envelope() for _ in range(calls)]
            application = candidates[name]
            started = time.perf_counter()
            for body in bodies:
                answer = _call(application, body)
            seconds = time.perf_counter() - started
            if b"<esito>OK</esito>" not in answer:
                raise SystemExit(f"{name}: {answer.decode()[-400:]}")
            if turn >= 0:
                rows[name].append(seconds / calls)
    return rows


def _tell(rows: dict[str, list[float]], check: bool) -> int:
    report.say(f"in process, one thread, {report.machine()}")
    for name, each in rows.items():
        report.say(f"{name:>16}{median(each) * 1e6:>9.0f} us a call  ({min(each) * 1e6:.0f} - {max(each) * 1e6:.0f})")
    for pair in ("handling", "whole"):
        report.say(report.ratio_line(f"{pair}: hub / floor", rows[f"{pair}, hub"], rows[f"{pair}, floor"]))
    ratio = report.median_ratio(rows["handling, hub"], rows["handling, floor"])
    return report.verdict(f"handling at most {GOAL:g} times the plain-lxml loop", ratio <= GOAL, check)


if __name__ == "__main__":
    sys.exit(main())
