"""Codice fiscale (16 characters) and partita IVA or tax code of an organisation (11 digits).

Source: pa-per-ente, block soggettoPagatore; D.M. 23/12/1976 for the check character, omocodia admitted. The 11 digits
are checked by length and Luhn only: the contract knows no rule on the province part. No refusal names the code.
"""

from __future__ import annotations

import re

from stdnum import luhn
from stdnum.exceptions import ValidationError
from stdnum.it import codicefiscale

from hub.domain.errors import CodiceFiscaleNonValido, PartitaIvaNonValida

ANONIMO = "ANONIMO"

_ELEVEN = re.compile(r"[0-9]{11}")
_SIXTEEN = re.compile(r"[A-Z0-9]{16}")


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
    if _ELEVEN.fullmatch(canonical):
        if luhn.is_valid(canonical):
            return canonical
        raise CodiceFiscaleNonValido("codice fiscale numerico con cifra di controllo errata")
    if not _SIXTEEN.fullmatch(canonical):
        raise CodiceFiscaleNonValido("codice fiscale non valido: attesi 16 caratteri, oppure 11 cifre")
    try:
        return str(codicefiscale.validate(canonical))
    except ValidationError as error:
        raise CodiceFiscaleNonValido("codice fiscale non valido: carattere di controllo o struttura errati") from error


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
