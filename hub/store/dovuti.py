"""Dovuti: one row per payable item, taken by its IUD for ever."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Row, bindparam, select, update

from hub.domain.stati import StatoDovuto
from hub.store.database import Session
from hub.store.movement import move_row
from hub.store.schema import carrelli, dovuti

# Built once: every call of the management software asks it.
_EXISTING_IUD = select(dovuti.c.iud).where(
    dovuti.c.ente_id == bindparam("ente_id"), dovuti.c.iud.in_(bindparam("iud", expanding=True))
)


def existing_iud(session: Session, ente_id: int, iud: Sequence[str]) -> frozenset[str]:
    """Those of `iud` that the ente has already used, in any state, cancelled included."""
    return frozenset(session.execute(_EXISTING_IUD, {"ente_id": ente_id, "iud": iud}).scalars())


def find_by_key(session: Session, ente_id: int, *, iuv: str | None = None, iud: str | None = None) -> list[Row[Any]]:
    """Dovuti of the ente by IUV or by IUD, newest first, each with the state and id of its carrello."""
    key = dovuti.c.iuv == iuv if iuv is not None else dovuti.c.iud == iud
    return list(
        session.execute(
            select(dovuti, carrelli.c.stato.label("stato_carrello"))
            .outerjoin(carrelli, carrelli.c.id == dovuti.c.carrello_id)
            .where(dovuti.c.ente_id == ente_id, key)
            .order_by(dovuti.c.created_at.desc(), dovuti.c.posizione)
        )
    )


def move(session: Session, row: Row[Any], *, to: StatoDovuto, at: datetime, **values: Any) -> None:
    move_row(session, dovuti, dovuti.c.id, row, StatoDovuto, to, at, **values)


def correct_outcome(session: Session, row: Row[Any], at: datetime, **values: Any) -> None:
    """Replace the outcome of a processed dovuto: a positive receipt came after a negative one."""
    session.execute(update(dovuti).where(dovuti.c.id == row.id).values(updated_at=at, **values))
