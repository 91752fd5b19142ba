"""How long a message waits before it is tried or asked about again.

Source: node, timeouts, retries, backoff (2.0.5): the faster alternative for the question, with a few seconds in front
because a payer is looking at the page. To an ente: the backoff that the node asks of its callers.
"""

from __future__ import annotations

from datetime import timedelta

# Seconds before the n-th further attempt at something that surely was not processed.
_RIPROVA_S = (1, 2, 5, 10, 30, 60, 120, 300, 600)
# Seconds before the n-th question about an unknown outcome.
_CHIEDI_S = (1, 2, 5, 10, 30, 120, 600, 1800, 3600)
# Thirds of the time that a receipt may take, after the n-th search for it.
_CERCA = (1, 3, 6)
# Hourly for a day; what is not known by then is in the operators' list, and is asked about all the same.
_ORE = 24
_RARA = timedelta(hours=6)
# The longest that a call to an ente may take: its slot in the backoff.
SLOT_ENTE_S = 10
# Who comes back after days must not wait longer than one more.
_ENTE_MAX_S = 86_400


def before_retry(attempts: int) -> timedelta:
    return _wait(_RIPROVA_S, attempts)


def before_question(attempts: int) -> timedelta:
    """Seconds at first, hours for a day, then four times a day for as long as it takes.

    >>> [int(before_question(n).total_seconds()) for n in (1, 5, 9, 33, 34)]
    [1, 30, 3600, 3600, 21600]
    """
    return _RARA if attempts > len(_CHIEDI_S) + _ORE else _wait(_CHIEDI_S, attempts)


def before_recupero(attesa: timedelta, attempts: int) -> timedelta:
    """The pause after the n-th search for a receipt that is overdue since `attesa`, in proportion to it.

    >>> [int(before_recupero(timedelta(minutes=30), n).total_seconds()) for n in (1, 2, 3, 26, 27)]
    [600, 1800, 3600, 3600, 21600]
    """
    if attempts > len(_CERCA) + _ORE - 1:
        return 12 * attesa
    return _CERCA[min(max(attempts, 1), len(_CERCA)) - 1] * attesa / 3


def before_ente(attempts: int) -> timedelta:
    """The pause after the k-th attempt towards an ente: slot x (2^k - 1), a day at most.

    >>> [int(before_ente(k).total_seconds()) for k in (1, 2, 3, 4, 14, 40)]
    [10, 30, 70, 150, 86400, 86400]
    """
    return timedelta(seconds=min(SLOT_ENTE_S * (2 ** min(max(attempts, 1), 30) - 1), _ENTE_MAX_S))


def _wait(steps: tuple[int, ...], attempts: int) -> timedelta:
    return timedelta(seconds=steps[min(max(attempts, 1), len(steps)) - 1])
