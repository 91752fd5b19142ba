"""Questions of the node have threads of their own: nothing else keeps them waiting, and too many are shed.

Source: node, endpoint behaviour (3.0.1).
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest

from hub.soap import nodo
from hub.soap.nodo import pa_for_node
from hub.web.server import BodyLimits, Domande, Front

VERIFY = {"soapaction": '"paVerifyPaymentNotice"', "content-length": "0"}
RECEIPT = {"soapaction": '"paSendRT"', "content-length": "0"}


@dataclass
class Scope:
    headers: dict[str, str]
    path: str = pa_for_node.PATH
    method: str = "POST"
    query_string: str = ""
    scheme: str = "http"
    client: str = "192.0.2.1:1"
    http_version: str = "1.1"


@dataclass
class Exchange:
    status: list[int] = field(default_factory=list)

    async def __call__(self) -> bytes:
        return b""

    def response_bytes(self, status: int, headers: Any, body: bytes) -> None:
        self.status.append(status)


class Hub:
    """A hub that holds whatever is not `prompt` until the test lets it go."""

    def __init__(self) -> None:
        self.may_go = threading.Event()
        self.is_prompt = True
        self.front = Front(
            self._wsgi, "http://hub.invalid", BodyLimits({}, 1000, 5.0), 1, Domande(nodo.DOMANDE, 1)
        )

    def _wsgi(self, environ: dict[str, Any], start_response: Any) -> list[bytes]:
        if not (self.is_prompt and "paVerify" in environ.get("HTTP_SOAPACTION", "")):
            assert self.may_go.wait(30)
        start_response("200 OK", [])
        return [b""]

    async def ask(self, headers: dict[str, str], path: str = pa_for_node.PATH) -> int:
        exchange: Any = Exchange()
        scope: Any = Scope(headers, path)
        await self.front.__rsgi__(scope, exchange)
        return int(exchange.status[0])


@pytest.fixture
def hub() -> Iterator[Hub]:
    hub = Hub()
    yield hub
    hub.may_go.set()
    hub.front.__rsgi_del__(None)  # type: ignore[arg-type]


def test_a_question_does_not_wait_behind_receipts(hub):
    async def story() -> int:
        storm = [asyncio.create_task(hub.ask(RECEIPT)) for _ in range(10)]
        told = await asyncio.wait_for(hub.ask(VERIFY), 20)
        hub.may_go.set()
        assert await asyncio.gather(*storm) == [200] * 10
        return told

    assert asyncio.run(story()) == 200


def test_questions_beyond_the_queue_are_shed_at_once_and_nothing_else_is(hub):
    hub.is_prompt = False

    async def story() -> tuple[list[int], int]:
        tasks = [asyncio.create_task(hub.ask(VERIFY)) for _ in range(12)]
        shed, _ = await asyncio.wait(tasks, timeout=0.2)
        other = asyncio.create_task(hub.ask({"content-length": "0"}, "/health/live"))
        await asyncio.sleep(0)
        hub.may_go.set()
        told = await asyncio.gather(*tasks)
        assert [task.result() for task in shed] == [503] * len(shed)
        return sorted(told), await other

    told, other = asyncio.run(story())

    # One thread and eight that wait for it.
    assert (told, other) == ([200] * 9 + [503] * 3, 200)
