"""`tipoVersamento`, the ways to pay that the caller admits.

Source: pa-per-ente, small rules: tokens joined by a vertical bar, case-insensitive; `ALL` only alone; blank admitted.
"""

from __future__ import annotations

from hub.domain.errors import TipoVersamentoNonValido

TUTTI = "ALL"
AMMESSI = frozenset({"BBT", "BP", "AD", "CP", "PO", "OBEP", TUTTI})


def compact(text: str) -> str:
    return "|".join(token.strip().upper() for token in text.split("|"))


def validate(text: str) -> str:
    """Return the canonical text, upper case; a blank one means no preference and stays empty.

    Raises: TipoVersamentoNonValido.

    >>> validate("bbt|po")
    'BBT|PO'
    >>> validate(" ")
    ''
    >>> is_valid("ALL"), is_valid("ALL|PO"), is_valid("BBT|"), is_valid("XYZ")
    (True, False, False, False)
    """
    canonical = compact(text)
    if not canonical:
        return ""
    tokens = canonical.split("|")
    if not AMMESSI.issuperset(tokens):
        raise TipoVersamentoNonValido(
            f"tipoVersamento {text.strip()[:32]} non valido",
            "Elemento tipoVersamento: ammessi BBT, BP, AD, CP, PO, OBEP uniti da una barra verticale, oppure ALL",
        )
    if TUTTI in tokens and len(tokens) > 1:
        raise TipoVersamentoNonValido(
            f"tipoVersamento {text.strip()[:32]} non valido", "Elemento tipoVersamento: ALL è ammesso solo da solo"
        )
    return canonical


def is_valid(text: str) -> bool:
    try:
        validate(text)
    except TipoVersamentoNonValido:
        return False
    return True
