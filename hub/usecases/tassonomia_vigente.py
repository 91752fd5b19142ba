"""Which table of the taxonomy counts: what was fetched, or what ships with the hub where that is newer.

Source: flows, 7.3: the hub must work offline.
"""

from __future__ import annotations

from hub.domain.tassonomia import Tassonomia
from hub.formats.tassonomia import bundled
from hub.store import tassonomia
from hub.store.anagrafe import Anagrafe
from hub.store.database import Session


def tassonomia_di(anagrafe: Anagrafe) -> Tassonomia:
    """Return the table for one call; what another process fetched is seen within moments."""
    return _newer(anagrafe.tavola.current())


def tassonomia_vigente(session: Session) -> Tassonomia:
    """Return the table as it is now: for work that looks at it once."""
    return _newer(tassonomia.find(session))


def _newer(kept: Tassonomia | None) -> Tassonomia:
    shipped = bundled()
    return shipped if kept is None or kept.versione < shipped.versione else kept
