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


class Doors:
    """A lane of one thread that is kept busy until the test lets it go; what is done is noted in its order."""

    def __init__(self, threads: int = 1, queue_per_thread: int = 16) -> None:
        self.lane = Lane("doors", threads, queue_per_thread, leaves_one=True)
        self.may_go, self.done = threading.Event(), list[str]()

    def hold(self, chi: lane.Chi = ("enti", "prima")) -> asyncio.Task[bool]:
        return asyncio.create_task(self.lane.run(lambda: self.may_go.wait(30), chi))

    def ask(self, name: str, *, group: str = "enti", times: int = 1) -> list[asyncio.Task[None]]:
        chi = (group, name)
        return [asyncio.create_task(self.lane.run(lambda: self.done.append(name), chi)) for _ in range(times)]


@pytest.fixture
def doors() -> Iterator[Doors]:
    doors = Doors()
    yield doors
    doors.may_go.set()
    doors.lane.close()


async def told(tasks: list[asyncio.Task[None]]) -> list[bool]:
    """Whether each was answered; one that was turned away was not."""
    answers = await asyncio.wait_for(asyncio.gather(*tasks, return_exceptions=True), 30)
    assert all(answer is None or isinstance(answer, lane.Scartata) for answer in answers), answers
    return [answer is None for answer in answers]


def test_who_sends_one_is_not_behind_who_sent_ten(doors):
    async def story() -> None:
        doors.hold()
        await asyncio.sleep(0)
        tasks = doors.ask("molti", times=10) + doors.ask("uno")
        await asyncio.sleep(0)
        doors.may_go.set()
        assert all(await told(tasks))

    asyncio.run(story())

    assert doors.done.index("uno") == 1


def test_those_who_are_known_do_not_wait_behind_many_addresses(doors):
    async def story() -> None:
        doors.hold()
        await asyncio.sleep(0)
        tasks = [task for n in range(10) for task in doors.ask(f"192.0.2.{n}", group="altri")] + doors.ask("C_PROVA")
        await asyncio.sleep(0)
        doors.may_go.set()
        assert all(await told(tasks))

    asyncio.run(story())

    assert doors.done.index("C_PROVA") <= 1


def test_when_there_is_no_room_who_has_most_is_turned_away(doors):
    """A thread and sixteen that wait for it: all of one, until somebody else comes."""
    async def story() -> tuple[list[bool], list[bool]]:
        doors.hold()
        await asyncio.sleep(0)
        many = doors.ask("molti", times=20)
        await asyncio.sleep(0)
        few = doors.ask("pochi", times=3)
        await asyncio.sleep(0)
        doors.may_go.set()
        return await told(many), await told(few)

    many, few = asyncio.run(story())

    # Four found no room; the last three of those who had some gave it up.
    assert many == [True] * 13 + [False] * 7 and few == [True] * 3


def test_equals_are_turned_away_as_equals(doors):
    async def story() -> tuple[list[bool], list[asyncio.Task[None]]]:
        doors.hold()
        await asyncio.sleep(0)
        first, second = doors.ask("prima", times=30), doors.ask("seconda", times=30)
        await asyncio.sleep(0)
        doors.may_go.set()
        return await told(first), second

    async def whole() -> tuple[int, int, set[bool]]:
        first, second = await story()
        answers = await told(second)
        reasons = {error.is_excess for task in second if isinstance(error := task.exception(), lane.Scartata)}
        return sum(first), sum(answers), reasons

    first, second, reasons = asyncio.run(whole())

    # Nobody of the two is to blame.
    assert (first, second, reasons) == (8, 8, {False})


def test_one_who_has_most_of_the_queue_is_refused_for_his_own_excess(doors):
    async def story() -> list[asyncio.Task[None]]:
        doors.hold()
        await asyncio.sleep(0)
        tasks = doors.ask("uno") + doors.ask("molti", times=30)
        await asyncio.sleep(0)
        doors.may_go.set()
        assert (await told(tasks))[0]
        return tasks

    tasks = asyncio.run(story())

    assert {error.is_excess for task in tasks if isinstance(error := task.exception(), lane.Scartata)} == {True}


def test_the_last_thread_is_never_of_who_has_all_the_others():
    doors = Doors(threads=4)

    async def story() -> None:
        held = [doors.hold(("enti", "lenta")) for _ in range(10)]
        await asyncio.sleep(0)
        assert await told(doors.ask("altra")) == [True]
        doors.may_go.set()
        await asyncio.wait_for(asyncio.gather(*held), 30)

    try:
        asyncio.run(story())
    finally:
        doors.may_go.set()
        doors.lane.close()
    assert doors.lane.busy == 0


def test_what_waits_is_done_before_the_threads_end(doors):
    async def story() -> list[bool]:
        doors.hold()
        await asyncio.sleep(0)
        tasks = doors.ask("una", times=5)
        await asyncio.sleep(0)
        doors.lane.close()
        doors.may_go.set()
        return await told(tasks)

    assert asyncio.run(story()) == [True] * 5
