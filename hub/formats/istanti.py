"""Days and instants as the contracts write them: xsd:date and xsd:dateTime, with or without an offset.

Source: XML Schema part 2, 3.2.7 and 3.2.9; pa-per-ente, 0: times without an offset are Europe/Rome.
"""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, time, timedelta, timezone
from zoneinfo import ZoneInfo

ROMA = ZoneInfo("Europe/Rome")

# Who means "from the beginning" or "for ever" writes the edges of its own calendar (0001, 9999), where an offset more
# or less leaves it: such days are read as the edges of ours.
_FIRST, _LAST = date(1900, 1, 1), date(2999, 12, 31)

_DAY = r"([0-9]{4}-[0-9]{2}-[0-9]{2})"
_OFFSET = r"(Z|[+-](?:0[0-9]|1[0-4]):[0-5][0-9])?"
_DATE = re.compile(_DAY + _OFFSET)
_DATE_TIME = re.compile(_DAY + r"T([0-9]{2}):([0-9]{2}):([0-9]{2})(?:\.([0-9]{1,12}))?" + _OFFSET)


def read_giorno(text: str) -> date:
    """Return the civil day of an xsd:date. An offset is admitted and says nothing: the day written is the day meant.

    Raises: ValueError.

    >>> read_giorno("2026-11-21"), read_giorno("2026-11-21+01:00") == read_giorno("2026-11-21Z")
    (datetime.date(2026, 11, 21), True)
    >>> read_giorno("21/11/2026")
    Traceback (most recent call last):
    ValueError: not an xsd:date
    """
    match = _DATE.fullmatch(text)
    if match is None:
        raise ValueError("not an xsd:date")
    return _bounded(date.fromisoformat(match[1]))


def read_istante(text: str) -> datetime:
    """Return the instant of an xsd:dateTime; without an offset it is Europe/Rome time, the first of two when doubled.

    Raises: ValueError.

    >>> read_istante("2026-11-21T10:00:00").isoformat(), read_istante("2026-07-01T10:00:00.5Z").isoformat()
    ('2026-11-21T09:00:00+00:00', '2026-07-01T10:00:00.500000+00:00')
    >>> read_istante("2026-11-21T24:00:00+01:00") == read_istante("2026-11-22T00:00:00+01:00")
    True
    >>> read_istante("2026-11-21")
    Traceback (most recent call last):
    ValueError: not an xsd:dateTime
    """
    match = _DATE_TIME.fullmatch(text)
    if match is None:
        raise ValueError("not an xsd:dateTime")
    day, hour, minute, second, fraction, offset = match.groups()
    microsecond = int((fraction or "")[:6].ljust(6, "0"))
    is_midnight = (hour, minute, second, microsecond) == ("24", "00", "00", 0)
    clock = time(0) if is_midnight else time(int(hour), int(minute), int(second), microsecond)
    local = datetime.combine(_bounded(date.fromisoformat(day)), clock, _zone(offset)) + timedelta(days=is_midnight)
    return local.astimezone(UTC)


def render_istante(instant: datetime) -> str:
    """Return an instant as xsd:dateTime in Europe/Rome time with its offset: cut off, it still means the same.

    >>> render_istante(datetime(2026, 7, 1, 10, tzinfo=UTC))
    '2026-07-01T12:00:00+02:00'
    """
    return instant.astimezone(ROMA).isoformat()


def giorno_di(instant: datetime) -> date:
    """Return the civil day of an instant in Europe/Rome."""
    return instant.astimezone(ROMA).date()


def inizio_di(giorno: date) -> datetime:
    """Return the instant at which a civil day begins in Europe/Rome."""
    return istante_di(giorno, time(0))


def istante_di(giorno: date, ora: time) -> datetime:
    """Return the instant of an hour of a civil day in Europe/Rome: one for each day, also when clocks change.

    An hour that a day skips is the one an hour later, of one that comes twice it is the first.

    >>> istante_di(date(2026, 3, 29), time(2)).isoformat(), istante_di(date(2026, 10, 25), time(2, 30)).isoformat()
    ('2026-03-29T01:00:00+00:00', '2026-10-25T00:30:00+00:00')
    """
    return datetime.combine(giorno, ora, ROMA).astimezone(UTC)


def _bounded(giorno: date) -> date:
    return min(max(giorno, _FIRST), _LAST)


def _zone(offset: str | None) -> ZoneInfo | timezone:
    if offset is None:
        return ROMA
    if offset == "Z":
        return UTC
    minutes = int(offset[1:3]) * 60 + int(offset[4:6])
    return timezone(timedelta(minutes=-minutes if offset[0] == "-" else minutes))


def istante_o_niente(text: str) -> datetime | None:
    """Read an instant of a document that is not refused for its dates; without offset it is Rome's. Source: node, 4."""
    try:
        found = datetime.fromisoformat(text)
        return (found if found.tzinfo else found.replace(tzinfo=ROMA)).astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def giorno_o_niente(text: str) -> date | None:
    """Read the day, or the day of the instant, of such a document."""
    try:
        return date.fromisoformat(text[:10])
    except ValueError:
        return None
