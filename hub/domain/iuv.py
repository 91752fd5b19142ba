"""IUV (the payment's id at pagoPA), notice number and RF creditor reference.

Source: pagoPA, SACI, "numero avviso" (aux digits 0 to 3, check modulo 93); ISO 11649 (RF, check modulo 97);
information system id `00` in digits 3-4 as the regional portals do, so that the ente's own numbers cannot collide.
"""

from __future__ import annotations

import re

from hub.domain.errors import IuvNonValido

PROGRESSIVO_MAX = 99_999_999_999  # 11 digits: the capacity of one ente and segregation code
_SISTEMA_PORTALE = 0

_DIGITS_15 = re.compile(r"[0-9]{15}")
_DIGITS_16 = re.compile(r"[0-9]{16}")
_DIGITS_17 = re.compile(r"[0-9]{17}")
_DIGITS_18 = re.compile(r"[0-9]{18}")
_RF = re.compile(r"RF[0-9]{2}[A-Z0-9]{1,21}")
_RF_REFERENCE = re.compile(r"[A-Z0-9]{1,21}")


def check_digits(base: str) -> str:
    """Return the two check digits of the first sixteen digits of a notice (aux digit included).

    Raises: ValueError when `base` is not sixteen digits.

    >>> check_digits("3010000000000001")
    '44'
    """
    if not _DIGITS_16.fullmatch(base):
        raise ValueError("sixteen digits expected")
    return f"{int(base) % 93:02d}"


def build_iuv(segregazione: int, progressivo: int, *, sistema: int = _SISTEMA_PORTALE) -> str:
    """Return the IUV of a notice with aux digit 3.

    Shape: 17 digits: segregation (2), information system (2, `00`), progressivo (11), check (2, remainder by 93 of
    "3" + the first 15).
    Raises: ValueError when a part does not fit: our mistake, not the ente's.
    Source: SACI, "numero avviso"; worked example of segregation 01, number 1.

    >>> build_iuv(1, 1)
    '01000000000000144'
    >>> build_iuv(100, 1)
    Traceback (most recent call last):
    ValueError: segregazione out of range: 100
    >>> build_iuv(1, 0)
    Traceback (most recent call last):
    ValueError: progressivo out of range: 0
    """
    if not 0 <= segregazione <= 99:
        raise ValueError(f"segregazione out of range: {segregazione}")
    if not 1 <= progressivo <= PROGRESSIVO_MAX:
        raise ValueError(f"progressivo out of range: {progressivo}")
    if not 0 <= sistema <= 99:
        raise ValueError(f"sistema out of range: {sistema}")
    base = f"{segregazione:02d}{sistema:02d}{progressivo:011d}"
    return base + check_digits("3" + base)


def build_iuv_all(segregazione: int, first: int, count: int) -> list[str]:
    """Return the IUVs of `count` numbers in a row, as `build_iuv` would make each.

    Raises: ValueError when a number does not fit.

    >>> build_iuv_all(1, 1, 2) == [build_iuv(1, 1), build_iuv(1, 2)], build_iuv_all(1, 1, 0)
    (True, [])
    """
    if not count:
        return []
    # Says what does not fit.
    build_iuv(segregazione, first)
    build_iuv(segregazione, first + count - 1)
    start = f"{segregazione:02d}{_SISTEMA_PORTALE:02d}"
    notice = int(f"3{start}{0:011d}")
    return [f"{start}{number:011d}{(notice + number) % 93:02d}" for number in range(first, first + count)]


def is_drawn(iuv: str) -> bool:
    """Whether an IUV lies where only the hub draws: 17 digits whose third and fourth are its information system.

    >>> is_drawn("01000000000000144"), is_drawn("01100000000000148"), is_drawn("100000000000185")
    (True, False, False)
    """
    return bool(_DIGITS_17.fullmatch(iuv)) and int(iuv[2:4]) == _SISTEMA_PORTALE


def compact(text: str) -> str:
    """Return the text without blanks, upper case: notices are printed in groups of four.

    >>> compact(" 3010 0000 0000 0001 44 ")
    '301000000000000144'
    """
    return "".join(text.split()).upper()


def validate(iuv: str, *, aux: int = 3, codice_applicazione: str | None = None) -> str:
    """Return the canonical IUV.

    Shape: 17 digits (aux 3 or 2: check modulo 93; aux 1: no check), 15 digits (aux 0; the check needs the ente's
    two-digit `codice_applicazione`, without it only the shape is seen), or an RF reference.
    Raises: IuvNonValido.

    >>> validate("01000000000000144")
    '01000000000000144'
    >>> validate("RF63019900000000000010000")
    'RF63019900000000000010000'
    >>> is_valid("01000000000000145"), is_valid("0100000000000014"), is_valid("01000000000000I44")
    (False, False, False)
    """
    canonical = compact(iuv)
    if canonical.startswith("RF"):
        return validate_rf(canonical)
    if _DIGITS_15.fullmatch(canonical):
        if codice_applicazione is not None and not is_valid_avviso("0" + codice_applicazione + canonical):
            raise IuvNonValido(f"IUV {canonical} non valido: cifre di controllo errate")
        return canonical
    if not _DIGITS_17.fullmatch(canonical):
        raise IuvNonValido("IUV non valido: attese 15 o 17 cifre, oppure un riferimento RF")
    if not is_valid_avviso(f"{aux}{canonical}"):
        raise IuvNonValido(f"IUV {canonical} non valido: cifre di controllo errate")
    return canonical


def check_fornito(iuv: str, segregazione: str, *, is_free: bool = False, are_15_admitted: bool = False) -> None:
    """Refuse an IUV that an ente may not supply: it must make a notice that every PSP accepts.

    Shape: 17 digits that start with the segregation code and leave digits 3-4 `00` to the hub (both waived when
    `is_free`: the ente asks the hub to take the number wherever it lies); 15 digits that do not start with `00`, if
    admitted; an RF reference of 25 whose characters 7-8 are `99` when it ends in `0000`.
    Raises: IuvNonValido.
    Source: pa-per-ente, small rules (3.8); flows, 2.4 and defect 6 (check digits).

    >>> check_fornito("01100000000000148", "01")
    >>> check_fornito("RF63019900000000000010000", "01")
    >>> check_fornito("01000000000000144", "01")
    Traceback (most recent call last):
    hub.domain.errors.IuvNonValido: IUV 01000000000000144 non valido: le cifre 3 e 4 a 00 sono riservate all'hub
    >>> check_fornito("100000000000185", "02")
    Traceback (most recent call last):
    hub.domain.errors.IuvNonValido: IUV 100000000000185 non valido: nuovi IUV di 15 cifre non sono più ammessi
    """
    reason = None
    if iuv != compact(iuv):
        reason = "ammesse solo cifre e, nei riferimenti RF, maiuscole"
    elif len(iuv) == 17:
        if not is_valid(iuv):
            reason = "attese 17 cifre con cifre di controllo esatte"
        elif not is_free and not iuv.startswith(segregazione):
            reason = f"deve iniziare con il codice di segregazione {segregazione}"
        elif not is_free and iuv[2:4] == "00":
            reason = "le cifre 3 e 4 a 00 sono riservate all'hub"
    elif len(iuv) == 15:
        if iuv.startswith("00") or not is_valid(iuv, codice_applicazione=segregazione):
            reason = "attese 15 cifre con cifre di controllo esatte, senza 00 all'inizio"
        elif not are_15_admitted:
            reason = "nuovi IUV di 15 cifre non sono più ammessi"
    elif len(iuv) == 25:
        if not is_valid_rf(iuv):
            reason = "atteso un riferimento RF con cifre di controllo esatte"
        elif iuv.endswith("0000") and iuv[6:8] != "99":
            reason = "con 0000 in fondo i caratteri 7 e 8 devono essere 99"
    else:
        reason = "ammessi 15, 17 o 25 caratteri"
    if reason is not None:
        raise IuvNonValido(
            f"IUV {iuv[:35]} non valido: {reason}", f"datiVersamento/identificativoUnivocoVersamento: {reason}"
        )


def is_valid(iuv: str, *, aux: int = 3, codice_applicazione: str | None = None) -> bool:
    try:
        validate(iuv, aux=aux, codice_applicazione=codice_applicazione)
    except IuvNonValido:
        return False
    return True


def numero_avviso(iuv: str, *, codice_applicazione: str | None = None) -> str:
    """Return the 18-digit notice number of a numeric IUV: `3` + 17 digits, or `0` + application code + 15 digits.

    Raises: IuvNonValido (an RF reference has no notice; 15 digits without the application code).

    >>> numero_avviso("01000000000000144")
    '301000000000000144'
    >>> numero_avviso("000000000000141", codice_applicazione="01")
    '001000000000000141'
    """
    canonical = compact(iuv)
    if _DIGITS_17.fullmatch(canonical):
        return "3" + canonical
    if _DIGITS_15.fullmatch(canonical) and codice_applicazione is not None and len(codice_applicazione) == 2:
        return "0" + codice_applicazione + canonical
    raise IuvNonValido("IUV senza numero di avviso: servono 17 cifre, o 15 con il codice applicazione dell'ente")


def iuv_from_avviso(avviso: str) -> str:
    """Return the IUV inside a notice number: aux 0 drops three digits, aux 1, 2, 3 drop one.

    Raises: IuvNonValido (not 18 digits, aux digit above 3, wrong check digits).

    >>> iuv_from_avviso("3010 0000 0000 0001 44")
    '01000000000000144'
    """
    canonical = compact(avviso)
    if not is_valid_avviso(canonical):
        raise IuvNonValido("numero di avviso non valido: attese 18 cifre con cifre di controllo corrette")
    return canonical[3:] if canonical[0] == "0" else canonical[1:]


def is_valid_avviso(avviso: str) -> bool:
    """Tell whether the text is a notice number: 18 digits, aux 0 to 3, check modulo 93 (none for aux 1).

    >>> is_valid_avviso("301000000000000144"), is_valid_avviso("112345678901234567")
    (True, True)
    >>> is_valid_avviso("301000000000000145"), is_valid_avviso("401000000000000144")
    (False, False)
    """
    canonical = compact(avviso)
    if not _DIGITS_18.fullmatch(canonical) or canonical[0] not in "0123":
        return False
    return canonical[0] == "1" or canonical[16:] == check_digits(canonical[:16])


def format_avviso(avviso: str) -> str:
    """Return the notice number in groups of four, as it is printed.

    >>> format_avviso("301000000000000144")
    '3010 0000 0000 0001 44'
    """
    canonical = compact(avviso)
    return " ".join(canonical[start : start + 4] for start in range(0, len(canonical), 4))


def build_rf(riferimento: str) -> str:
    """Return the RF creditor reference of a reference of 1 to 21 letters and digits.

    Raises: ValueError when the reference has another shape.
    Source: ISO 11649: letters count 10 to 35, check = 98 - (reference + "271500" modulo 97).

    >>> build_rf("w9")
    'RF45W9'
    """
    canonical = compact(riferimento)
    if not _RF_REFERENCE.fullmatch(canonical):
        raise ValueError("1 to 21 letters and digits expected")
    return f"RF{98 - _modulo_97(canonical + 'RF00'):02d}{canonical}"


def build_iuv_rf(segregazione: int, tipo: str, progressivo: int) -> str:
    """Return a 25-character IUV: RF, check, segregation (2), payment kind (2), progressivo (13), `0000`.

    Raises: ValueError when a part does not fit.

    >>> build_iuv_rf(2, "03", 12345)
    'RF69020300000000123450000'
    """
    if not (0 <= segregazione <= 99 and re.fullmatch(r"[0-9]{2}", tipo) and 1 <= progressivo <= 9_999_999_999_999):
        raise ValueError("segregazione, tipo or progressivo out of range")
    return build_rf(f"{segregazione:02d}{tipo}{progressivo:013d}0000")


def validate_rf(codice: str) -> str:
    """Return the canonical RF creditor reference, upper case without blanks.

    Raises: IuvNonValido.

    >>> validate_rf("rf45 w9")
    'RF45W9'
    """
    canonical = compact(codice)
    if not _RF.fullmatch(canonical):
        raise IuvNonValido("riferimento RF non valido: attesi RF, due cifre di controllo e da 1 a 21 lettere o cifre")
    if _modulo_97(canonical[4:] + canonical[:4]) != 1:
        raise IuvNonValido(f"riferimento {canonical} non valido: cifre di controllo errate")
    return canonical


def is_valid_rf(codice: str) -> bool:
    try:
        validate_rf(codice)
    except IuvNonValido:
        return False
    return True


def _modulo_97(text: str) -> int:
    return int("".join(str(int(character, 36)) for character in text)) % 97
