"""Codice fiscale (16 characters) and partita IVA or tax code of an organisation (11 digits).

Source: pa-per-ente, block soggettoPagatore; D.M. 23/12/1976 for the check character, omocodia admitted. The 11 digits
are checked by length and Luhn only: the contract knows no rule on the province part. No refusal names the code.
The 16 characters are checked with tables of our own, ten times as fast as python-stdnum, which the tests ask as well.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import date

from stdnum import luhn

from hub.domain.errors import CodiceFiscaleNonValido, PartitaIvaNonValida

ANONIMO = "ANONIMO"

_ELEVEN = re.compile(r"[0-9]{11}")
_SIXTEEN = re.compile(r"[A-Z0-9]{16}")
_STRUCTURE = re.compile(
    r"[A-Z]{6}[0-9LMNPQRSTUV]{2}[ABCDEHLMPRST][0-9LMNPQRSTUV]{2}[A-Z][0-9LMNPQRSTUV]{3}[A-Z]"
)
_MONTHS = "ABCDEHLMPRST"
_STRUCTURES = re.compile("^" + _STRUCTURE.pattern + "$", re.MULTILINE)
# Omocodia: two people with one code have letters instead of digits.
_DIGITS = str.maketrans("LMNPQRSTUV", "0123456789")
# What a character counts in the check: at an odd place (the first is one) as the decree's table says, else its rank.
_ODD_RANKS = (1, 0, 5, 7, 9, 13, 15, 17, 19, 21, 2, 4, 18, 20, 11, 3, 6, 8, 12, 14, 16, 10, 22, 25, 24, 23)
_DIGITS_AND_LETTERS = b"0123456789" + bytes(range(ord("A"), ord("Z") + 1))
_RANKS = bytes([*range(10), *range(26)])
_EVEN = bytes.maketrans(_DIGITS_AND_LETTERS, _RANKS)
_ODD = bytes.maketrans(_DIGITS_AND_LETTERS, bytes(_ODD_RANKS[rank] for rank in _RANKS))
# Every day as it may be written, omocodia included.
_DAYS = {
    tens + units: int((tens + units).translate(_DIGITS)) % 40
    for tens in "0123456789LMNPQRSTUV"
    for units in "0123456789LMNPQRSTUV"
}
# Two digits of a year are of 1920 to 2019, as python-stdnum takes them: only 29 February depends on it.
_FIRST_YEAR = 1920


def compact(codice: str) -> str:
    return codice.strip().upper()


def validate_persona(codice: str) -> str:
    """Return the canonical code of a natural person: a codice fiscale, or a partita IVA.

    Raises: CodiceFiscaleNonValido.

    >>> validate_persona("rssmra80a01h501u")
    'RSSMRA80A01H501U'
    >>> is_valid_persona("12345678903")
    True
    >>> is_valid_persona("RSSMRA80A01H501X"), is_valid_persona("RSSMRA"), is_valid_persona("12345678900")
    (False, False, False)
    """
    canonical = compact(codice)
    if _STRUCTURE.fullmatch(canonical) and _has_check(canonical) and _has_birthday(canonical):
        return canonical
    if _ELEVEN.fullmatch(canonical):
        if luhn.is_valid(canonical):
            return canonical
        raise CodiceFiscaleNonValido("codice fiscale numerico con cifra di controllo errata")
    if not _SIXTEEN.fullmatch(canonical):
        raise CodiceFiscaleNonValido("codice fiscale non valido: attesi 16 caratteri, oppure 11 cifre")
    raise CodiceFiscaleNonValido("codice fiscale non valido: carattere di controllo o struttura errati")


def _has_check(canonical: str) -> bool:
    data = canonical.encode("ascii")
    return (sum(data[:15:2].translate(_ODD)) + sum(data[1:15:2].translate(_EVEN))) % 26 == data[15] - ord("A")


def _has_birthday(canonical: str) -> bool:
    return _is_birthday(canonical[6:11])


def _is_birthday(text: str) -> bool:
    """Say whether the day exists: two characters of year, one of month, two of day; a woman's has 40 added."""
    day = _DAYS[text[3:]]
    if 0 < day <= 28:
        return True
    year = int(text[:2].translate(_DIGITS)) + 1900
    try:
        date(year if year >= _FIRST_YEAR else year + 100, _MONTHS.index(text[2]) + 1, day)
    except ValueError:
        return False
    return True


def are_persone(codici: Sequence[str]) -> bool:
    """Say whether all of these are codes of sixteen characters, canonical and valid, as `is_valid_persona` would.

    False says nothing of any one of them: codes of other kinds are looked at one by one.

    >>> are_persone(["RSSMRA80A01H501U", "RSSMRA80A01H501U"])
    True
    >>> are_persone(["RSSMRA80A01H501U", "RSSMRA80A01H501X"]), are_persone(["RSSMRA80A32H501T"])
    (False, False)
    """
    if len(_STRUCTURES.findall("\n".join(codici))) != len(codici):
        return False
    data = "".join(codici).encode("ascii")
    odd, even = data[::2].translate(_ODD), data[1::2].translate(_EVEN)
    # Place by place over all of them: eight odd, seven even, and the check character.
    places = [odd[place::8] for place in range(8)] + [even[place::8] for place in range(7)]
    sums = map(sum, zip(*places, strict=True))
    if any(total % 26 != check for total, check in zip(sums, even[7::8], strict=True)):
        return False
    # What a day depends on is the same in many codes.
    return all(_is_birthday(day) for day in {codice[6:11] for codice in codici})


def validate_partita_iva(codice: str) -> str:
    """Return the canonical 11 digits.

    Raises: PartitaIvaNonValida.

    >>> validate_partita_iva("12345678903")
    '12345678903'
    >>> is_valid_partita_iva("12345678900"), is_valid_partita_iva("1234567890"), is_valid_partita_iva("IT345678903")
    (False, False, False)
    """
    canonical = compact(codice)
    if not _ELEVEN.fullmatch(canonical):
        raise PartitaIvaNonValida("partita IVA non valida: attese 11 cifre")
    if not luhn.is_valid(canonical):
        raise PartitaIvaNonValida("partita IVA non valida: cifra di controllo errata")
    return canonical


def is_valid_persona(codice: str) -> bool:
    try:
        validate_persona(codice)
    except CodiceFiscaleNonValido:
        return False
    return True


def is_valid_partita_iva(codice: str) -> bool:
    try:
        validate_partita_iva(codice)
    except PartitaIvaNonValida:
        return False
    return True
