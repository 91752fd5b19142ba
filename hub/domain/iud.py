"""IUD, the ente's own id of a dovuto: opaque, case-sensitive, unique per ente for ever.

Source: pa-per-ente, small rules: not blank, not starting with `000` (the platform's own prefix), at most 35 characters.
"""

from __future__ import annotations

from hub.domain.errors import IudNonValido

LUNGHEZZA_MAX = 35
PREFISSO_RISERVATO = "000"


def validate(iud: str) -> str:
    """Return the IUD as it is: there is no canonical form of an opaque id.

    Raises: IudNonValido.

    >>> validate("TARI-2026-0001")
    'TARI-2026-0001'
    >>> is_valid("  "), is_valid("000123"), is_valid("x" * 36)
    (False, False, False)
    """
    if not iud.strip():
        raise IudNonValido("IUD non valorizzato")
    if iud.startswith(PREFISSO_RISERVATO):
        raise IudNonValido(f"IUD {iud[:LUNGHEZZA_MAX]} non valido: il prefisso 000 è riservato alla piattaforma")
    if len(iud) > LUNGHEZZA_MAX:
        raise IudNonValido(f"IUD {iud[:LUNGHEZZA_MAX]}... non valido: supera i 35 caratteri")
    return iud


def is_valid(iud: str) -> bool:
    try:
        validate(iud)
    except IudNonValido:
        return False
    return True
