"""The running hub of the session, and the example clients run against it."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from tests.interop.hub import STORY_TIMEOUT_S, RunningHub, start_hub


class Client:
    """A client program that tells each step as a line of JSON."""

    def __init__(self, command: Sequence[str], folder: Path) -> None:
        self._process = subprocess.Popen(
            [*command], cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )

    def step(self, name: str) -> dict[str, Any]:
        """Return the next step, which must be `name`."""
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            assert self._process.stderr is not None
            raise AssertionError(f"no step {name!r}: {self._process.stderr.read()}")
        told = json.loads(line)
        assert told["passo"] == name
        return dict(told)

    def end(self) -> int:
        """Return the exit code."""
        return self._process.wait(STORY_TIMEOUT_S)

    def stop(self) -> None:
        if self._process.poll() is None:
            self._process.kill()
        self._process.communicate()


def play_story(hub: RunningHub, command: Sequence[str], folder: Path) -> dict[str, Any]:
    """Run a client from the dovuto to the receipt, paying in between; return its receipt."""
    client = Client([*command], folder)
    try:
        sent = client.step("inviato")
        assert sent["url"].startswith(hub.url + "/paga/")
        hub.pay(sent["url"])
        receipt = client.step("ricevuta")
        assert client.end() == 0
    finally:
        client.stop()
    assert receipt["iud"] == sent["iud"]
    return receipt


@pytest.fixture(scope="session")
def running_hub(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningHub]:
    """A hub, its worker and the simulated node, configured with the demo's cast."""
    with start_hub(tmp_path_factory.mktemp("interop")) as hub:
        yield hub
