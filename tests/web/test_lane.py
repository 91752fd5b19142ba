"""Threads that give way to others: fewer at once while there is a question, and nobody waits without end."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Iterator

import pytest

from hub.web import lane
from hub.web.lane import Lane


@pytest.fixture
def lanes() -> Iterator[tuple[Lane, Lane]]:
    first = Lane("first", 1)
    behind = Lane("behind", 8, gives_way_to=first)
    yield first, behind
    first.close()
    behind.close()


class Count:
    """How many were at work at the same time, at most."""

    def __init__(self) -> None:
        self._lock, self._now, self.most = threading.Lock(), 0, 0

    def __call__(self) -> None:
        with self._lock:
            self._now += 1
            self.most = max(self.most, self._now)
        time.sleep(0.01)
        with self._lock:
            self._now -= 1


async def run_all(one: Lane, works: list[object]) -> None:
    await asyncio.wait_for(asyncio.gather(*(one.run(work) for work in works)), 30)


def test_two_go_on_while_there_is_a_question(lanes, monkeypatch):
    monkeypatch.setattr(lane, "_GIVES_WAY_S", 60.0)
    first, behind = lanes
    first.busy = 1
    count = Count()

    asyncio.run(run_all(behind, [count] * 40))

    assert count.most == 2


def test_all_go_on_when_there_is_none(lanes):
    _, behind = lanes
    meeting = threading.Barrier(8, timeout=30)

    asyncio.run(run_all(behind, [meeting.wait] * 8))

    assert not meeting.broken


def test_nobody_waits_for_those_who_do_not_end(lanes):
    first, behind = lanes
    first.busy = 1
    meeting = threading.Barrier(8, timeout=30)

    asyncio.run(run_all(behind, [meeting.wait] * 8))

    assert not meeting.broken
