"""A hub of its own in a fresh folder: its processes, on free ports of the loopback, started and stopped here.

The interoperability tests use it too.
"""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from functools import cache
from itertools import cycle, islice
from pathlib import Path
from typing import Protocol

from sqlalchemy.engine import make_url

from hub.formats.resources import resource
from tests import pg

# A loaded two-core machine needs seconds to import everything; a healthy process is up in less than two.
START_TIMEOUT_S = 60
STOP_TIMEOUT_S = 15
# A child that lives for less is not seen; imports live for seconds.
_LOOK_EVERY_S = 0.1
# Below the ports of outgoing connections (Linux: from 32768), above those of well-known services.
_PORTS_BEGIN, _PORTS_END, _PORTS_EACH = 12_000, 32_000, 400
# What the SOAP door writes when it answers a code that the catalogue lacks.
NOT_IN_CATALOGUE = b"fault_not_in_catalogue"


class Process(Protocol):
    """What is asked of a process that was started, as a `Popen` has it."""

    @property
    def pid(self) -> int: ...
    def poll(self) -> int | None: ...
    def wait(self, timeout: float | None = None) -> int: ...
    def send_signal(self, number: int, /) -> None: ...
    def kill(self) -> None: ...


def free_port() -> int:
    """Return a port that nobody listens on now, and that nobody else is given.

    Not one of those that connections take for their own end: such a port may be gone before its server binds it.
    """
    _, numbers = _ports_of_this_process()
    for number in islice(numbers, _PORTS_EACH):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", number))
            except OSError:
                continue
            return number
    raise RuntimeError("every port of this process is taken")


@cache
def _ports_of_this_process() -> tuple[socket.socket, Iterator[int]]:
    """A block of ports for this process alone: the first of them is held for as long as it lives."""
    for first in range(_PORTS_BEGIN, _PORTS_END, _PORTS_EACH):
        claim = socket.socket()
        try:
            claim.bind(("127.0.0.1", first))
        except OSError:
            claim.close()
            continue
        return claim, cycle(range(first + 1, first + _PORTS_EACH))
    raise RuntimeError("no block of ports is free")


def wait_http(url: str, process: Process, log: Path) -> None:
    """Return when `url` answers 200. Raises: RuntimeError (the process ended, or never answered)."""
    deadline = time.monotonic() + START_TIMEOUT_S
    while time.monotonic() < deadline and process.poll() is None:
        try:
            with urllib.request.urlopen(url, timeout=2):
                return
        except (urllib.error.URLError, OSError):
            time.sleep(0.05)
    raise RuntimeError(f"{url} does not answer:\n{log.read_text(errors='replace')[-2000:]}")


@contextmanager
def fresh_database(kind_or_url: str | None, folder: Path) -> Iterator[str]:
    """Give the address of an empty database, dropped at the end.

    None or `sqlite`: a file in `folder`. `postgresql`: a server started here, on TCP where the machine has its programs
    (JDBC knows nothing else). The address of a PostgreSQL server: a database created on it, never the one it names.
    """
    if kind_or_url is None or kind_or_url.startswith("sqlite"):
        yield f"sqlite:///{folder / 'pontepa.db'}"
        return
    with _postgresql(None if kind_or_url == "postgresql" else kind_or_url, folder) as server:
        name = server.create_database()
        try:
            yield make_url(server.url_of(name)).render_as_string(hide_password=False)
        finally:
            server.drop_database(name)


def _postgresql(url: str | None, folder: Path) -> AbstractContextManager[pg.Server]:
    if url is None and pg.is_installed():
        place = folder / "postgresql"
        place.mkdir()
        # The server runs as an account of its own, which must reach the folder.
        folder.chmod(0o755)
        return pg.start_installed(place, free_port())
    return pg.running_server(url)


def cpu_seconds(pids: Iterable[int]) -> float:
    """Return the processor time that these processes and all below them have used, user and system (Linux)."""
    ticks = sum(int(fields[11]) + int(fields[12]) for fields in below(pids).values())
    return ticks / os.sysconf("SC_CLK_TCK")


def below(pids: Iterable[int]) -> dict[int, list[str]]:
    """Return these processes and all below them, each with the fields of its stat after the name (Linux)."""
    known, children = {}, defaultdict(list)
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            text = path.read_text()
        except OSError:
            continue  # it has just ended
        pid, fields = int(text.split(" ", 1)[0]), text.rpartition(")")[2].split()
        children[int(fields[1])].append(pid)
        known[pid] = fields
    wanted, found = list(pids), {}
    while wanted:
        pid = wanted.pop()
        if pid in known:
            found[pid] = known[pid]
        wanted += children[pid]
    return found


class Peaks(threading.Thread):
    """Looks at a process and all below it until `stop`: the most memory that each ever held (VmHWM; Linux)."""

    def __init__(self, pid: int) -> None:
        super().__init__(name="peaks", daemon=True)
        self.mib: dict[int, float] = {}
        self._pid = pid
        self._stopped = threading.Event()

    def run(self) -> None:
        while not self._stopped.wait(_LOOK_EVERY_S):
            self._look()

    def stop(self) -> dict[int, float]:
        """Return MiB by process, the one that was named first."""
        self._look()
        self._stopped.set()
        self.join()
        return self.mib

    def _look(self) -> None:
        for pid in sorted(below([self._pid]), key=lambda pid: pid != self._pid):
            try:
                status = Path(f"/proc/{pid}/status").read_text()
            except OSError:
                continue  # it has just ended; the last look stands
            if found := re.search(r"VmHWM:\s+(\d+) kB", status):
                self.mib[pid] = int(found[1]) / 1024


class Installation:
    """Hub, worker and simulator over one database; what they log is in `folder`. A context manager."""

    def __init__(self, folder: Path, database_url: str) -> None:
        self.folder = folder
        self.database_url = database_url
        self.hub_url = f"http://127.0.0.1:{free_port()}"
        self.node_url = f"http://127.0.0.1:{free_port()}"
        self._running: list[Process] = []

    def __enter__(self) -> Installation:
        return self

    def __exit__(self, failure: type[BaseException] | None, *_: object) -> None:
        self.stop()
        told = [log.name for log in self.folder.glob("*.log") if NOT_IN_CATALOGUE in log.read_bytes()]
        if told and failure is None:
            raise RuntimeError(f"a fault that docs/guasti.md does not have for its operation: see {told}")

    def stop(self) -> None:
        for process in reversed(self._running):
            if process.poll() is None:
                process.send_signal(signal.SIGTERM)
        for process in reversed(self._running):
            try:
                process.wait(STOP_TIMEOUT_S)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()

    @property
    def environment(self) -> dict[str, str]:
        """The variables of its processes; nothing of the caller's PONTEPA_* goes through."""
        kept = {name: value for name, value in os.environ.items() if not name.startswith("PONTEPA_")}
        return kept | {
            "PONTEPA_AMBIENTE": "sviluppo",
            "PONTEPA_DATABASE_URL": self.database_url,
            "PONTEPA_DATA_DIR": str(self.folder),
            "PONTEPA_PUBLIC_URL": self.hub_url,
            "PONTEPA_NODE_URL": self.node_url,
            # One application plays all of them here.
            "PONTEPA_APPLICAZIONE_AL_SECONDO": "100000",
        }

    def prepare(self) -> None:
        """Make the tables and apply the demo's configuration."""
        self.run("db", "upgrade")
        self.run("config", "apply", str(resource("examples", "demo.yaml")))

    def serve(self, processes: int = 1) -> subprocess.Popen[bytes]:
        """Start the HTTP server, with so many processes that answer, and wait until it is ready."""
        command = [*_pontepa(), "serve", "--port", self.hub_url.rpartition(":")[2]]
        return self.start("serve", command, f"{self.hub_url}/health/ready", {"PONTEPA_WORKERS": str(processes)})

    def worker(self) -> subprocess.Popen[bytes]:
        """Start a worker; it has nothing that says it is ready, its first delivery does."""
        return self._start("worker", ["worker"], None)

    def simulator(self) -> None:
        """Start the simulated node and wait until it answers."""
        arguments = ["simulator", "--port", self.node_url.rpartition(":")[2], "--hub", self.hub_url]
        self._start("simulator", arguments, f"{self.node_url}/health/live")

    def run(self, *arguments: str) -> None:
        """Run a command to its end. Raises: RuntimeError (it failed; what it wrote)."""
        done = subprocess.run(
            [*_pontepa(), *arguments],
            env=self.environment,
            cwd=self.folder,
            capture_output=True,
            timeout=START_TIMEOUT_S,
        )
        if done.returncode:
            raise RuntimeError(f"pontepa {' '.join(arguments)}: {(done.stderr or done.stdout).decode()[-2000:]}")

    def check(self) -> None:
        """Let `pontepa verify` look at everything that is kept, files included. Raises: AssertionError (findings)."""
        command = [*_pontepa(), "verify", "--file", "--json"]
        done = subprocess.run(command, env=self.environment, cwd=self.folder, capture_output=True, text=True)
        assert done.returncode == 0, done.stdout + done.stderr

    def start(
        self, name: str, command: list[str], ready_url: str | None, env: Mapping[str, str] | None = None
    ) -> subprocess.Popen[bytes]:
        """Start any other process that must end with this installation."""
        log = self.folder / f"{name}.log"
        with log.open("wb") as output:
            process = subprocess.Popen(
                command, env={**self.environment, **(env or {})}, cwd=self.folder, stdout=output, stderr=output
            )
        self._running.append(process)
        if ready_url is not None:
            wait_http(ready_url, process, log)
        return process

    def _start(self, name: str, arguments: list[str], ready_url: str | None) -> subprocess.Popen[bytes]:
        return self.start(name, [*_pontepa(), *arguments], ready_url)


def _pontepa() -> list[str]:
    return [str(Path(sys.executable).with_name("pontepa"))]
