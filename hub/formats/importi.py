"""Amounts: euro with two decimals on the wire, integer cents inside. No float anywhere.

Source: PagInf_Dovuti_Pagati and PagInf_RPT_RT, `stImporto`: literally digits, a point, two digits.
"""

from __future__ import annotations

import re

IMPORTO_MAX_CENT = 99_999_999_999  # 999999999.99, the ceiling of every amount of the current contracts

# 15 digits: more than any contract admits, few enough that nobody makes us parse a megabyte of digits.
_STRICT = re.compile(r"[0-9]{1,15}\.[0-9]{2}")
_TOLERANT = re.compile(r"\+?([0-9]{1,15})(?:\.([0-9]{0,2})0{0,10})?")


def cent_from_text(text: str) -> int:
    """Return the cents of an amount written with a point and exactly two decimals.

    Raises: ValueError.

    >>> cent_from_text("12.34")
    1234
    >>> cent_from_text("10.5")
    Traceback (most recent call last):
    ValueError: amount not of the form 0.00
    """
    if not _STRICT.fullmatch(text):
        raise ValueError("amount not of the form 0.00")
    return int(text[:-3] + text[-2:])


def cent_from_tolerant_text(text: str) -> int:
    """Return the cents of a decimal of an incoming receipt: `10`, `10.5`, `10.500` and a plus sign are admitted.

    Raises: ValueError (sign minus, fractions of a cent, anything else).

    >>> cent_from_tolerant_text("10.5")
    1050
    """
    match = _TOLERANT.fullmatch(text.strip())
    if match is None:
        raise ValueError("amount not readable")
    return int(match[1] + (match[2] or "").ljust(2, "0"))


def cent_from_signed_text(text: str) -> int:
    """Return the cents of a decimal that may be negative, as in the settlement flows of the 2018 schema.

    Raises: ValueError (fractions of a cent, anything that is not a decimal).

    >>> cent_from_signed_text("-10.5")
    -1050
    """
    text = text.strip()
    if not text.startswith("-"):
        return cent_from_tolerant_text(text)
    if not text[1:2].isdigit():
        raise ValueError("amount not readable")
    return -cent_from_tolerant_text(text[1:])


def text_from_cent(importo_cent: int) -> str:
    """Return the amount with a point and two decimals.

    Raises: ValueError when negative: no contract of ours has a sign.

    >>> text_from_cent(1234)
    '12.34'
    """
    if importo_cent < 0:
        raise ValueError("negative amount")
    return f"{importo_cent // 100}.{importo_cent % 100:02d}"


def italiano_from_cent(importo_cent: int) -> str:
    """Return the amount as people read it in Italy, without its unit.

    Raises: ValueError when negative.

    >>> italiano_from_cent(123456), italiano_from_cent(5)
    ('1.234,56', '0,05')
    """
    units, _, cents = text_from_cent(importo_cent).partition(".")
    return f"{int(units):,}".replace(",", ".") + f",{cents}"
