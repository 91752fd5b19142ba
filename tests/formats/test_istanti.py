"""Days and instants of the contract, in Europe/Rome."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest

from hub.formats.istanti import giorno_di, inizio_di, read_giorno, read_istante, render_istante


@pytest.mark.parametrize(
    "text", ["", "2026-13-01", "2026-02-30", "0000-01-01", "2026-1-1", "20261121", "2026-11-21T10:00:00", "-2026-11-21",
             "2026-11-21+1:00", " 2026-11-21", "2026-11-21\n", "٢٠٢٦-١١-٢١"]
)  # fmt: skip
def test_what_is_no_day_is_refused(text: str) -> None:
    with pytest.raises(ValueError):
        read_giorno(text)


@pytest.mark.parametrize(
    "text", ["", "2026-11-21", "2026-11-21 10:00:00", "2026-11-21T25:00:00", "2026-11-21T24:00:01", "2026-11-21T10:00",
             "2026-11-21T10:60:00", "2026-02-30T10:00:00", "0000-01-01T00:00:00",
             "2026-11-21T10:00:00+15:00", "2026-11-21T10:00:00,5"]
)  # fmt: skip
def test_what_is_no_instant_is_refused(text: str) -> None:
    with pytest.raises(ValueError):
        read_istante(text)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2026-11-21T15:00:00", "2026-11-21T14:00:00+00:00"),
        ("2026-07-21T15:00:00", "2026-07-21T13:00:00+00:00"),
        ("2026-11-21T15:00:00-05:30", "2026-11-21T20:30:00+00:00"),
        ("2026-11-21T15:00:00.123456789Z", "2026-11-21T15:00:00.123456+00:00"),
        # Twice on the clock: the first, so that an interval which begins there misses nothing.
        ("2026-10-25T02:30:00", "2026-10-25T00:30:00+00:00"),
    ],
)
def test_a_time_without_offset_is_that_of_rome(text: str, expected: str) -> None:
    assert read_istante(text) == datetime.fromisoformat(expected)


@pytest.mark.parametrize(
    ("text", "year"), [("0001-01-01T00:00:00", 1899), ("0001-01-01T00:00:00+14:00", 1899),
                       ("9999-12-31T23:59:59.9999999-12:00", 3000), ("9999-12-31T24:00:00Z", 3000)]
)  # fmt: skip
def test_the_edges_of_other_calendars_are_those_of_ours(text: str, year: int) -> None:
    """.NET's MinValue and MaxValue, with an offset that would fall off the calendar."""
    assert read_istante(text).year == year
    assert abs(giorno_di(read_istante(text)).year - year) <= 1
    assert read_giorno(text[:10]).year in (1900, 2999)


@pytest.mark.parametrize("hour", range(24))
def test_what_is_written_reads_back_the_same_through_both_changes_of_clock(hour: int) -> None:
    for day in (datetime(2026, 3, 29, hour, tzinfo=UTC), datetime(2026, 10, 25, hour, 30, 1, 250000, tzinfo=UTC)):
        assert read_istante(render_istante(day)) == day


def test_a_day_begins_at_midnight_of_rome() -> None:
    evening = datetime(2026, 7, 1, 22, tzinfo=UTC)

    assert giorno_di(evening) == date(2026, 7, 2)
    assert inizio_di(date(2026, 7, 2)) == evening
