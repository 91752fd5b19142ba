"""The logo of an ente, in greys and ready to print."""

from __future__ import annotations

from sqlalchemy import delete, insert, select

from hub.store.database import Session
from hub.store.schema import loghi


def find(session: Session, ente_id: int) -> bytes | None:
    """Return a PNG; None when the ente has none."""
    return session.execute(select(loghi.c.png).where(loghi.c.ente_id == ente_id)).scalar_one_or_none()


def put(session: Session, ente_id: int, png: bytes | None) -> None:
    """Keep this picture in place of the one before; None: none any more."""
    session.execute(delete(loghi).where(loghi.c.ente_id == ente_id))
    if png is not None:
        session.execute(insert(loghi), {"ente_id": ente_id, "png": png})
