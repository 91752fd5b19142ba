"""The codes of a flow that were seen: what is in is in, what is not is not, in little memory."""

from __future__ import annotations

import inspect
import tracemalloc

from hub.domain.visti import Visti


def test_it_says_what_a_set_says_through_every_growth() -> None:
    visti, known = Visti(), set()

    for number in range(20_000):
        text = f"TARI-{number * number % 30_011}"
        assert (text in visti) == (text in known)
        visti.add(text)
        known.add(text)

    assert len(visti) == len(known)
    assert all(text in visti for text in known) and not any(f"MENSA-{number}" in visti for number in range(5000))


def test_two_hundred_thousand_codes_take_few_bytes() -> None:
    tracemalloc.start()
    visti = Visti()
    for number in range(200_000):
        visti.add(f"TARI-{number}")
    # Of this module alone: threads that other tests have left allocate too.
    taken = tracemalloc.take_snapshot().filter_traces([tracemalloc.Filter(True, inspect.getfile(Visti))])
    tracemalloc.stop()

    assert len(visti) == 200_000 and sum(trace.size for trace in taken.traces) < 200_000 * 24
