"""The stub hub and the simulator, each on a port of its own."""

from __future__ import annotations

from collections.abc import Iterator
from email.message import Message

import pytest

from adapters.nodo.fake import SimulatorServer, create_simulator
from tests.adapters.answering import answering
from tests.adapters.simulated import OK, StubHub


@pytest.fixture
def hub() -> Iterator[StubHub]:
    stub = StubHub()

    def answer(headers: Message, body: bytes) -> tuple[int, bytes]:
        stub.received.append(body)
        stub.correlation_ids.append(headers.get("X-Correlation-Id", ""))
        return stub.answers.pop(0) if stub.answers else OK

    with answering(answer) as stub.url:
        yield stub


@pytest.fixture
def simulator(hub: StubHub) -> Iterator[SimulatorServer]:
    server = SimulatorServer("127.0.0.1", 0, create_simulator(hub.url, seed=7))
    server.start()
    yield server
    server.close()
