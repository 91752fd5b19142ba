"""Processes of `pontepa` born from one that has loaded the program: each is its own, none imports everything again.

An import of the whole program costs more than a second of processor, and an installation has three such processes. Here
the libraries are loaded once for each test process, in a process without threads that does nothing else; it forks for
each command, which then gets an environment, a folder, a log and a session of its own, as from a shell. That the
command itself starts from nothing is what tests/test_cli.py and tests/test_interpreters.py say.
Run: the nursery itself, by `Nursery`; it reads a line of JSON for each wish and answers with one.
"""

from __future__ import annotations

import atexit
import gc
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any


class Child:
    """A process born in the nursery: what a `Popen` would know of it."""

    def __init__(self, nursery: Nursery, pid: int) -> None:
        self.pid = pid
        self._nursery = nursery
        self._code: int | None = None
        self._look = threading.Lock()

    def poll(self) -> int | None:
        """Return the exit code, negative for the signal that ended it; None while it lives."""
        with self._look:
            if self._code is None:
                self._code = self._nursery.ask(code_of=self.pid)
            return self._code

    def wait(self, timeout: float | None = None) -> int:
        """Raises: subprocess.TimeoutExpired."""
        ends_at = None if timeout is None else time.monotonic() + timeout
        while (code := self.poll()) is None:
            if ends_at is not None and time.monotonic() > ends_at:
                raise subprocess.TimeoutExpired(["pontepa"], timeout or 0)
            time.sleep(0.01)
        return code

    def send_signal(self, number: int) -> None:
        # Who is not reaped yet keeps its number; who is has a code.
        if self.poll() is None:
            os.kill(self.pid, number)

    def kill(self) -> None:
        self.send_signal(signal.SIGKILL)


class Nursery:
    """The process that has loaded the program, and the wishes put to it; it ends with whoever started it."""

    def __init__(self) -> None:
        command = [sys.executable, "-m", __name__]
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=_ROOT)
        self._turn = threading.Lock()
        atexit.register(self.close)

    def ask(self, **wish: Any) -> Any:
        with self._turn:
            assert self._process.stdin is not None and self._process.stdout is not None
            self._process.stdin.write(json.dumps(wish).encode() + b"\n")
            self._process.stdin.flush()
            return json.loads(self._process.stdout.readline())

    def bear(self, arguments: Sequence[str], *, env: Mapping[str, str], cwd: Path, log: Path) -> Child:
        """Start `pontepa` with these arguments; what it writes is added to `log`."""
        return Child(self, self.ask(arguments=[*arguments], env={**env}, cwd=str(cwd), log=str(log)))

    def close(self) -> None:
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait()


_ROOT = Path(__file__).parents[2]


@cache
def nursery() -> Nursery:
    """The one of this test process, started at the first wish."""
    return Nursery()


def _load() -> None:
    """Load what the processes of an installation load."""
    from importlib import import_module

    for name in ("hub.cli", "hub.cli_config", "hub.app", "granian.server", "uvloop"):
        import_module(name)
    # What lives as long as the process is not copied for a look at it.
    gc.collect()
    gc.freeze()
    assert len(os.listdir("/proc/self/task")) == 1, "a fork would lose the other threads"


def _become(wish: Mapping[str, Any]) -> None:
    """In the newborn: leave everything of the nursery behind."""
    os.setsid()
    os.chdir(wish["cwd"])
    os.environ.clear()
    os.environ.update(wish["env"])
    for number, path, flags in ((0, os.devnull, os.O_RDONLY), (1, wish["log"], os.O_WRONLY | os.O_CREAT | os.O_APPEND)):
        opened = os.open(path, flags, 0o644)
        os.dup2(opened, number)
        os.close(opened)
    os.dup2(1, 2)
    sys.argv = ["pontepa", *wish["arguments"]]


def main() -> None:
    """Fork for each wish; return in the newborn, with `sys.argv` set, and never in the nursery."""
    _load()
    # Below Python's own files: what is read ahead there would be the newborn's too.
    waiting = b""
    while True:
        while b"\n" not in waiting:
            block = os.read(0, 65536)
            if not block:
                os._exit(0)
            waiting += block
        line, _, waiting = waiting.partition(b"\n")
        wish = json.loads(line)
        if "code_of" in wish:
            # Who was born is waited for by its number and by nothing else: until then nobody else can have that number.
            ended, status = os.waitpid(wish["code_of"], os.WNOHANG)
            answer = os.waitstatus_to_exitcode(status) if ended else None
        else:
            ready, told = os.pipe()
            answer = os.fork()
            if answer == 0:
                _become(wish)
                os.close(ready)
                os.close(told)
                return
            # It can be killed by its group from now on.
            os.close(told)
            os.read(ready, 1)
            os.close(ready)
        os.write(1, json.dumps(answer).encode() + b"\n")


if __name__ == "__main__":
    main()
    from hub.cli import main as pontepa

    pontepa(prog_name="pontepa")
