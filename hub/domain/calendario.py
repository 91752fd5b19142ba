"""When a settlement flow is due: working days of the interbank settlement, operational days of the node.

Source: node, 6.3 rules 1 and 2; the TARGET calendar of the European Central Bank (in force since 2002).
"""

from __future__ import annotations

from datetime import date, timedelta
from enum import StrEnum

_DAY = timedelta(days=1)
# Month and day: New Year, Labour Day, Christmas and the day after. Good Friday and Easter Monday move.
_FESTIVI = frozenset({(1, 1), (5, 1), (12, 25), (12, 26)})


class Attesa(StrEnum):
    """How it stands with payments that no flow has settled.

    IN_TEMPO: their flow is not late; IN_RITARDO: it is, and the node would still list it; DA_CHIEDERE: the node lists
    it no more, a person has to ask for it.
    """

    IN_TEMPO = "IN_TEMPO"
    IN_RITARDO = "IN_RITARDO"
    DA_CHIEDERE = "DA_CHIEDERE"


def is_lavorativo(giorno: date) -> bool:
    """Whether credit transfers settle on a day.

    >>> [is_lavorativo(date(2026, *day)) for day in ((4, 3), (4, 6), (4, 7), (6, 2), (11, 21), (12, 25))]
    [False, False, True, True, False, False]
    """
    easter = pasqua(giorno.year)
    is_moving = giorno in (easter - 2 * _DAY, easter + _DAY)
    return giorno.weekday() < 5 and (giorno.month, giorno.day) not in _FESTIVI and not is_moving


def pasqua(anno: int) -> date:
    """Easter Sunday. Source: Meeus, Astronomical Algorithms, chapter 8 (Gregorian calendar).

    >>> pasqua(2026), pasqua(2027), pasqua(2024)
    (datetime.date(2026, 4, 5), datetime.date(2027, 3, 28), datetime.date(2024, 3, 31))
    """
    a, (b, c) = anno % 19, divmod(anno, 100)
    h = (19 * a + b - b // 4 - (b - (b + 8) // 25 + 1) // 3 + 15) % 30
    m = (32 + 2 * (b % 4) + 2 * (c // 4) - h - c % 4) % 7
    month, day = divmod(h + m - 7 * ((a + 11 * h + 22 * m) // 451) + 114, 31)
    return date(anno, month, day + 1)


def lavorativo_da(giorno: date) -> date:
    """The day itself when it is a working day, else the next one that is."""
    while not is_lavorativo(giorno):
        giorno += _DAY
    return giorno


def atteso_entro(pagato_il: date) -> date:
    """The last day on which the flow of a payment of this day is not late.

    An operational day ends at 13:00 and receipts often give the day alone: the payment may belong to the next one. The
    flow reaches the node by the end of the second working day after.

    >>> atteso_entro(date(2026, 11, 16)).isoformat(), atteso_entro(date(2026, 11, 19)).isoformat()
    ('2026-11-19', '2026-11-24')
    >>> atteso_entro(date(2026, 12, 23)).isoformat()
    '2026-12-29'
    """
    giorno = lavorativo_da(pagato_il + _DAY)
    for _ in range(2):
        giorno = lavorativo_da(giorno + _DAY)
    return giorno
