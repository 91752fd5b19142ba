"""How often, and how many at once, an application may call: counted by each process for itself."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Hashable
from dataclasses import dataclass
from functools import partial

from hub.domain.errors import TroppeRichieste

# Who was quiet may make up for so many seconds at once: software that works in the night works in bursts.
_BURST_S = 20
# Calls of one at once end within a moment, whatever they are.
_RETRY_AFTER_S = 1


@dataclass(slots=True)
class _Conto:
    """What one application has left: calls, as of `at_s`, and how many of its calls are at work."""

    left: float
    at_s: float
    at_work: int = 0


class Passo:
    """Counts by application. Safe to share between threads; who never calls takes no room.

    `al_secondo`, `insieme`: of an application that has no limits of its own.
    """

    def __init__(self, al_secondo: int, insieme: int, clock: Callable[[], float] = time.monotonic) -> None:
        self._al_secondo, self._insieme = al_secondo, insieme
        self._clock = clock
        self._lock = threading.Lock()
        self._conti: dict[Hashable, _Conto] = {}

    def enter(
        self, chi: Hashable, name: str, al_secondo: int | None = None, insieme: int | None = None
    ) -> Callable[[], None]:
        """Count a call and return what is to be called when it has ended.

        `name`: as the sentence names the caller. Raises: TroppeRichieste.
        """
        rate, together = al_secondo or self._al_secondo, insieme or self._insieme
        now = self._clock()
        with self._lock:
            conto = self._conti.setdefault(chi, _Conto(rate * _BURST_S, now))
            conto.left = min(rate * _BURST_S, conto.left + (now - conto.at_s) * rate)
            conto.at_s = now
            if conto.at_work >= together:
                sentence = f"{name} ha già {together} richieste al lavoro: aspettarne la fine"
                raise TroppeRichieste(sentence, retry_after_s=_RETRY_AFTER_S)
            if conto.left < 1:
                # It comes back to a few calls, not to the next refusal.
                sentence = f"{name} supera le {rate} richieste al secondo: riprovare fra {_RETRY_AFTER_S} secondi"
                raise TroppeRichieste(sentence, retry_after_s=_RETRY_AFTER_S)
            conto.left -= 1
            conto.at_work += 1
        return partial(self._leave, conto)

    def _leave(self, conto: _Conto) -> None:
        with self._lock:
            conto.at_work -= 1
