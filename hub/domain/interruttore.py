"""A circuit breaker by key: who failed a few times in a row is left alone for a while, then tried once.

It lives in one process and forgets with it: it protects the seconds of the callers.
Source: node, internal budget (3.0.1).
"""

from __future__ import annotations

import threading
from dataclasses import dataclass
from datetime import datetime, timedelta

SOGLIA = 3
PAUSA = timedelta(seconds=30)


@dataclass(slots=True)
class _Stato:
    guasti: int = 0
    riprova_at: datetime | None = None


class Interruttore:
    """Safe to share between threads."""

    def __init__(self, soglia: int = SOGLIA, pausa: timedelta = PAUSA) -> None:
        self._soglia, self._pausa = soglia, pausa
        self._stati: dict[object, _Stato] = {}
        self._lock = threading.Lock()

    def may_try(self, chiave: object, now: datetime) -> bool:
        """Say whether to try; when the pause is over one caller may, and the others wait for what becomes of it.

        >>> from datetime import UTC
        >>> now, breaker = datetime(2026, 1, 1, tzinfo=UTC), Interruttore(soglia=2)
        >>> for _ in range(2): breaker.failed("C_PROVA", now)
        >>> breaker.may_try("C_PROVA", now), breaker.may_try("C_VICINO", now)
        (False, True)
        >>> later = now + PAUSA
        >>> [breaker.may_try("C_PROVA", later) for _ in range(2)]
        [True, False]
        >>> breaker.succeeded("C_PROVA"); breaker.may_try("C_PROVA", later)
        True
        """
        with self._lock:
            stato = self._stati.get(chiave)
            if stato is None or stato.riprova_at is None:
                return True
            if now < stato.riprova_at:
                return False
            stato.riprova_at = now + self._pausa
            return True

    def failed(self, chiave: object, now: datetime) -> None:
        with self._lock:
            stato = self._stati.setdefault(chiave, _Stato())
            stato.guasti += 1
            if stato.guasti >= self._soglia:
                stato.riprova_at = now + self._pausa

    def succeeded(self, chiave: object) -> None:
        with self._lock:
            self._stati.pop(chiave, None)
