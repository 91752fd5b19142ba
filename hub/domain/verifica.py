"""What a look at the kept data finds wrong: the row, and an Italian sentence without personal data."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum

from hub.domain import stati

# A state that nobody knows is not shown: in a column that was spoilt anything may stand, also a name.
_NOTI = frozenset(
    str(one) for kind in vars(stati).values() if isinstance(kind, type) and issubclass(kind, StrEnum) for one in kind
)
_IUV = re.compile(r"[0-9]{15}|[0-9]{17}|RF[0-9]{2}[0-9A-Z]{1,21}")


@dataclass(frozen=True, slots=True)
class Rilievo:
    """One row that breaks a promise. `id`: its primary key as text; `ente_id`: whose it is, where the row says it."""

    tabella: str
    id: str
    dettaglio: str
    ente_id: int | None = None
    iuv: str | None = None


def mostrabile(codice: object) -> str:
    """Return a state of ours or a number as it may be shown.

    >>> mostrabile("PAGAM_IN_CORSO"), mostrabile(3), mostrabile("Mario Rossi"), mostrabile(None)
    ('PAGAM_IN_CORSO', '3', '(valore non mostrato)', 'assente')
    """
    if codice is None:
        return "assente"
    return str(codice) if isinstance(codice, int) or codice in _NOTI else "(valore non mostrato)"


def iuv_mostrabile(iuv: object) -> str | None:
    """Return an IUV, None for what has not the shape of one.

    >>> iuv_mostrabile("01000000000000144"), iuv_mostrabile("RSSMRA80A01H501U")
    ('01000000000000144', None)
    """
    return iuv if isinstance(iuv, str) and _IUV.fullmatch(iuv) else None


def euro(cent: object) -> str:
    """Return an amount in euro.

    >>> euro(1234), euro(-5), euro(None)
    ('12.34', '-0.05', 'assente')
    """
    if not isinstance(cent, int):
        return "assente" if cent is None else "(valore non mostrato)"
    sign = "-" if cent < 0 else ""
    return f"{sign}{abs(cent) // 100}.{abs(cent) % 100:02d}"
