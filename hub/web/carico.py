"""Whether the server goes on turning requests away: for readiness, and counted by lane and reason."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

from hub import misure

# Key of the WSGI environment: the load of the process, for who tells of it.
CARICO = "pontepa.carico"

# The reasons. Full: there is no room for anybody. Excess: of one sender alone, others are let in. Frequency: an
# application over its limits, or an address with too many wrong passwords.
PIENO, ECCESSO, MEMORIA, FILE, FREQUENZA = "pieno", "eccesso", "memoria", "file", "frequenza"
# Who is asked to come back elsewhere loses a moment, a process that is taken away and given back loses its callers.
_LASTS_S = 5.0
# Without a refusal for so long it is over.
_CALM_S = 3.0


class Carico:
    """What this process turned away. Safe to share between threads."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._first = self._last = float("-inf")

    def shed(self, lane: str, reason: str) -> None:
        """Count a request that was turned away."""
        misure.count(misure.RICHIESTE_RESPINTE, lane, reason)
        if reason not in (PIENO, MEMORIA):
            return
        with self._lock:
            now = self._clock()
            if now - self._last > _CALM_S:
                self._first = now
            self._last = now

    def problem(self) -> str | None:
        """Return why nobody should be sent here now; None: there is room, or there was until a moment ago."""
        with self._lock:
            is_over = self._clock() - self._last > _CALM_S
            if is_over or self._last - self._first < _LASTS_S:
                return None
        return f"sovraccarico: da più di {_LASTS_S:.0f} secondi il processo respinge richieste"
