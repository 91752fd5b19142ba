"""A station as it is while something is sent: its settings and its password in clear."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Row

from hub.domain.delivery import Stazione
from hub.formats.segreti import Cassaforte


def stazione_of(row: Row[Any], cassaforte: Cassaforte) -> Stazione:
    """Raises: Misconfigured (its password was sealed with another key)."""
    return Stazione(
        id=row.id,
        intermediario=row.intermediario,
        password=cassaforte.open(row.password_cifrata),
        primitiva_rpt=row.primitiva_rpt,
        rileva_duplicati=row.rileva_duplicati,
        indirizzi=row.indirizzi or {},
        attese=row.attese or {},
    )
