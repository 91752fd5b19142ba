"""The processes of the demo: started together, watched, stopped together."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import NoReturn, Self
from urllib.error import URLError
from urllib.request import urlopen

from hub.cli_common import Refusal

# Importing everything on a slow machine; the run itself is a matter of seconds.
_START_TIMEOUT_S = 60.0
_STOP_TIMEOUT_S = 5.0


class Cast:
    """The processes of the demo; leaving the block stops them all."""

    def __init__(self, directory: Path, env: Mapping[str, str]) -> None:
        self.directory, self.env = directory, env
        self._running: dict[str, subprocess.Popen[bytes]] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for process in self._running.values():
            _send(process, signal.SIGTERM)
        deadline = time.monotonic() + _STOP_TIMEOUT_S
        for process in self._running.values():
            try:
                process.wait(max(0.1, deadline - time.monotonic()))
            except subprocess.TimeoutExpired:
                pass
            # Whatever a process left behind in its group goes with it.
            _send(process, signal.SIGKILL)
            process.wait()

    def start(self, name: str, *arguments: str) -> None:
        with (self.directory / f"{name}.log").open("wb") as log:
            self._running[name] = subprocess.Popen(
                [sys.executable, "-m", "hub.cli", *arguments],
                env=dict(self.env), stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT,
                start_new_session=True,
            )  # fmt: skip

    def check(self) -> None:
        """Raises: Refusal when one of them has died."""
        for name, process in self._running.items():
            if process.poll() is not None:
                self.fail(f"il processo {name} si è fermato (codice {process.returncode})")

    def wait_url(self, name: str, url: str) -> None:
        deadline = time.monotonic() + _START_TIMEOUT_S
        while time.monotonic() < deadline:
            self.check()
            try:
                with urlopen(url, timeout=2) as answer:
                    if answer.status == 200:
                        return
            except (URLError, OSError):
                pass
            time.sleep(0.1)
        self.fail(f"{name} non è pronto dopo {_START_TIMEOUT_S:g} secondi ({url})")

    def fail(self, reason: str) -> NoReturn:
        tails = [reason]
        for name in self._running:
            lines = (self.directory / f"{name}.log").read_text("utf-8", "replace").splitlines()[-6:]
            tails += [f"--- {name}.log", *lines]
        raise Refusal("\n".join(tails))


def _send(process: subprocess.Popen[bytes], number: signal.Signals) -> None:
    try:
        os.killpg(process.pid, number)
    except ProcessLookupError:
        pass
