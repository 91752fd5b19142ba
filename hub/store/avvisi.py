"""The dovuti that a flow brought, as the printing of their notices reads them."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Row, select

from hub.store.database import Session
from hub.store.schema import dovuti

_COLUMNS = [
    dovuti.c[name]
    for name in (
        "riga", "iuv", "tipo", "importo_cent", "causale", "marca", "scadenza", "pagatore", "secondario", "stato",
    )
]  # fmt: skip


def of_flusso(session: Session, flusso_id: int, da: int, a: int) -> list[Row[Any]]:
    """Return the dovuti of the rows from `da` to `a`, both included, in the order of the file."""
    # The id of a dovuto that a flow brought says flow and row: these are a stretch of the primary key.
    where = dovuti.c.id.between(f"{flusso_id:016x}{da:016x}", f"{flusso_id:016x}{a:016x}")
    return list(session.execute(select(*_COLUMNS).where(where).order_by(dovuti.c.id)))
