"""Stations of the intermediary; the password is kept sealed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Row, and_, bindparam, exists, insert, literal_column, select, update

from hub.domain.errors import NotFound
from hub.store import revisione
from hub.store.database import Session
from hub.store.schema import attivazioni, enti, stazioni, tentativi

_MINE = stazioni.c.intermediario == bindparam("intermediario")
_OF_ENTE = and_(_MINE, stazioni.c.id == enti.c.stazione_id, enti.c.codice_fiscale == bindparam("dominio"))
_ONE = exists(literal_column("1"))
_TRAMITE = select(
    _ONE.where(_MINE).label("is_intermediario"),
    _ONE.where(_MINE, stazioni.c.id == bindparam("stazione")).label("is_stazione"),
    _ONE.where(_OF_ENTE).label("is_served"),
)

# Built once: making a statement costs more than running it.
_FIND = select(stazioni).where(stazioni.c.id == bindparam("id"))


def find(session: Session, id: str) -> Row[Any] | None:
    return session.execute(_FIND, {"id": id}).one_or_none()


def by_id(session: Session, id: str) -> Row[Any]:
    """Raises: NotFound."""
    row = find(session, id)
    if row is None:
        raise NotFound(f"stazione {id} sconosciuta")
    return row


def all_rows(session: Session) -> Sequence[Row[Any]]:
    return session.execute(select(stazioni).order_by(stazioni.c.id)).all()


def add(session: Session, **values: Any) -> None:
    revisione.move_on(session)
    session.execute(insert(stazioni), values)


def change(session: Session, id: str, **values: Any) -> None:
    revisione.move_on(session)
    session.execute(update(stazioni).where(stazioni.c.id == id).values(**values))


def tramite(session: Session, intermediario: str, stazione: str, dominio: str) -> Row[bool, bool, bool]:
    """Say through whom something came for a dominio.

    `is_intermediario`: the intermediary has a station of this installation; `is_stazione`: this is one of them;
    `is_served`: an ente of the dominio is on one of them, whichever.
    """
    return session.execute(_TRAMITE, {"intermediario": intermediario, "stazione": stazione, "dominio": dominio}).one()


def has_begun(session: Session, intermediario: str, dominio: str, iuv: str) -> bool:
    """Whether a payment was begun through a station of the intermediary: an RPT was made, or a get was answered."""
    return any(
        session.execute(
            select(stazioni.c.id)
            .join(begun, begun.c.stazione_id == stazioni.c.id)
            .where(begun.c.dominio == dominio, begun.c.iuv == iuv, stazioni.c.intermediario == intermediario)
            .limit(1)
        ).first()
        for begun in (tentativi, attivazioni)
    )
