"""IBAN of an account. Source: ISO 13616 (structure by country, check modulo 97), through python-stdnum."""

from __future__ import annotations

from stdnum import iban as _iban
from stdnum.exceptions import ValidationError

from hub.domain.errors import InvalidRequest


def compact(codice: str) -> str:
    return "".join(codice.split()).upper()


def validate(codice: str) -> str:
    """Return the canonical IBAN, upper case without blanks.

    Raises: InvalidRequest.

    >>> validate("it60 X054 2811 1010 0000 0123 456")
    'IT60X0542811101000000123456'
    >>> is_valid("IT61X0542811101000000123456"), is_valid("IT60X05428"), is_valid("")
    (False, False, False)
    """
    canonical = compact(codice)
    try:
        return str(_iban.validate(canonical, check_country=False))
    except ValidationError as error:
        raise InvalidRequest(f"IBAN {canonical[:34]} non valido") from error


def is_valid(codice: str) -> bool:
    try:
        validate(codice)
    except InvalidRequest:
        return False
    return True
