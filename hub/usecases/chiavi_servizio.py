"""The keys of a station for a service of the platform, in clear, for as long as a call lasts."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Row

from hub.domain.servizi_rest import ChiaviServizio, Servizio
from hub.formats.segreti import Cassaforte
from hub.store import servizi_rest
from hub.store.database import Session


def read_chiavi(session: Session, stazione_id: str, servizio: Servizio, cassaforte: Cassaforte) -> ChiaviServizio:
    """Return the keys of a station; none when it does not use the service. Raises: Misconfigured."""
    row = servizi_rest.find(session, stazione_id, servizio)
    return ChiaviServizio(()) if row is None else chiavi_of(row, cassaforte)


def chiavi_of(row: Row[Any], cassaforte: Cassaforte) -> ChiaviServizio:
    """Return the keys in the order in which they are tried.

    Raises: Misconfigured (sealed with a key of another time).
    """
    sealed = (row.chiave_cifrata, row.chiave_secondaria_cifrata)
    return ChiaviServizio(tuple(cassaforte.open(one) for one in sealed if one))
