"""Who guesses waits, in this window and the next; who never guessed is not asked for."""

from __future__ import annotations

import time

import pytest

from hub.store.failures import FailedPasswords

GUESSER, OTHER = "192.0.2.1", "192.0.2.2"


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Seconds added to both clocks of the machine."""
    added = [0.0]
    wall, monotonic = time.time, time.monotonic
    monkeypatch.setattr(time, "time", lambda: wall() + added[0])
    monkeypatch.setattr(time, "monotonic", lambda: monotonic() + added[0])
    return added


def test_a_source_waits_after_the_last_failure_it_may_have(clock):
    failures = FailedPasswords(3)
    waits = []
    for _ in range(3):
        waits.append(failures.wait_s(GUESSER))
        failures.add(GUESSER)

    assert waits == [0, 0, 0]
    assert failures.wait_s(GUESSER) > 0
    assert failures.wait_s(OTHER) == 0


@pytest.mark.parametrize("others_after_s", [1, 30, 50])
def test_failures_of_others_do_not_free_a_source(clock, others_after_s):
    """They turn the sets in which the sources are remembered."""
    failures = FailedPasswords(3)
    failures.add(OTHER)
    clock[0] += 59
    for _ in range(3):
        failures.add(GUESSER)
    clock[0] += others_after_s
    for number in range(20):
        failures.add(f"198.51.100.{number}")

    assert failures.wait_s(GUESSER) > 0


def test_a_source_is_heard_again_when_its_minute_is_over(clock):
    failures = FailedPasswords(3)
    for _ in range(3):
        failures.add(GUESSER)
    clock[0] += 61

    assert failures.wait_s(GUESSER) == 0
