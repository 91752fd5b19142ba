"""What of a station ends by itself: certificates and keys with a last day."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta


@dataclass(frozen=True, slots=True)
class Scadenza:
    """`cosa`: certificato, or the key of a service (`chiave checkout`). `scade_at`: from then on it opens nothing."""

    stazione: str
    cosa: str
    scade_at: datetime

    def is_near(self, now: datetime, preavviso: timedelta) -> bool:
        """Whether it has ended, or ends within `preavviso`."""
        return self.scade_at - now <= preavviso
