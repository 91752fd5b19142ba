"""A whole hub running as in production, for clients that were not written for it: three processes, a SQLite file."""

from __future__ import annotations

import http.client
import json
import re
import subprocess
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest

from benchmarks.messages import PATH
from benchmarks.processes import Installation

STORY_TIMEOUT_S = 60


@dataclass(frozen=True)
class RunningHub:
    """The addresses, and the payer: what a client never does by itself."""

    url: str
    node_url: str

    @property
    def service(self) -> str:
        return self.url + PATH

    @property
    def wsdl(self) -> str:
        return self.service + "?wsdl"

    def pay(self, page: str) -> str:
        """Pay as a browser without JavaScript would; return the address the payer is sent to at the end."""
        status, _, text = _get(page)
        assert status == 200, text
        seal = re.search(r'name="sigillo" value="([^"]+)"', text)
        assert seal is not None, text
        form = {"nome": "Mario Rossi", "email": "mario.rossi@example.org", "sigillo": seal.group(1)}
        status, _, text = _request("POST", page, urlencode(form), "application/x-www-form-urlencoded")
        assert status == 303, text
        at_node = self._wait_for_node(page)
        assert at_node.startswith(self.node_url + "/pagamento")
        id_session = parse_qs(urlsplit(at_node).query)["idSession"][0]
        words = json.dumps({"idSession": id_session, "azione": "paga"})
        status, _, text = _request("POST", self.node_url + "/api/paga", words, "application/json")
        assert status == 200, text
        return_url = str(json.loads(text)["redirect"])
        status, location, _ = _get(return_url)
        assert status == 303
        return location

    def _wait_for_node(self, page: str) -> str:
        deadline = time.monotonic() + STORY_TIMEOUT_S
        while time.monotonic() < deadline:
            status, location, text = _get(page)
            if status == 303:
                return location
            assert status == 200, text
            time.sleep(0.1)
        raise AssertionError("the page never went on to the node")


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


def _get(url: str) -> tuple[int, str, str]:
    return _request("GET", url)


def _request(method: str, url: str, body: str | None = None, content_type: str = "") -> tuple[int, str, str]:
    """Return status, Location and text; no redirect is followed."""
    parts = urlsplit(url)
    connection = http.client.HTTPConnection(str(parts.hostname), parts.port, timeout=10)
    try:
        target = parts.path + (f"?{parts.query}" if parts.query else "")
        connection.request(method, target, body, {"Content-Type": content_type} if content_type else {})
        answer = connection.getresponse()
        return answer.status, answer.getheader("Location", ""), answer.read().decode()
    finally:
        connection.close()


@pytest.fixture(scope="session")
def running_hub(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningHub]:
    """A hub, its worker and the simulated node, configured with the demo's cast."""
    folder = tmp_path_factory.mktemp("interop")
    with Installation(folder, f"sqlite:///{folder / 'pontepa.db'}") as installation:
        installation.prepare()
        installation.simulator()
        installation.serve()
        installation.worker()
        yield RunningHub(installation.hub_url, installation.node_url)
