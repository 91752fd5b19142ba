"""Dates of a request, read after who calls is known, each with the fault that the contract's tables give it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime
from typing import TypeVar

from hub.domain.errors import IntervalloDateNonValido, InvalidRequest
from hub.formats.istanti import read_giorno, read_istante

_VALORE_MAX = 64
T = TypeVar("T")


def read_data(text: str | None, error: type[InvalidRequest], campo: str) -> date:
    """Return the day of a field. Raises: `error`, when it is missing or is no day."""
    return _read(read_giorno, text, error, campo, "aaaa-mm-gg")


def read_data_ora(text: str | None, error: type[InvalidRequest], campo: str) -> datetime:
    """Return the instant of a field. Raises: `error`, when it is missing or is no instant."""
    return _read(read_istante, text, error, campo, "aaaa-mm-ggThh:mm:ss")


def check_intervallo(start: date, end: date, first: str, second: str) -> None:
    """Raises: IntervalloDateNonValido (the end comes before the beginning). `first`, `second`: the fields."""
    if end < start:
        raise IntervalloDateNonValido(
            f"{second} precede {first}",
            f"{first} {start.isoformat()}, {second} {end.isoformat()}: la seconda viene prima",
        )


def _read(
    read: Callable[[str], T], text: str | None, error: type[InvalidRequest], campo: str, form: str
) -> T:
    if text is None:
        raise error(f"{campo} assente", f"{campo}: obbligatorio, nella forma {form}")
    try:
        return read(text)
    except ValueError as wrong:
        shown = text[:_VALORE_MAX]
        raise error(f"{campo} non valido: {shown}", f"{campo}: valore '{shown}', attesa la forma {form}") from wrong
