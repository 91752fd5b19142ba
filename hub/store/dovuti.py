"""Dovuti: one row per version of a payable item; the IUD is taken for ever."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Row, bindparam, insert, select, text, update

from hub.domain.errors import Conflict
from hub.domain.stati import ESITI_POSITIVI, StatoDovuto
from hub.store import advisory, chiusure_export
from hub.store.chiavi import of_ente
from hub.store.database import Session
from hub.store.movement import move_row
from hub.store.schema import carrelli, dovuti

# Built once: every call of the management software asks it.
_EXISTING_IUD = select(dovuti.c.iud).where(
    dovuti.c.ente_id == bindparam("ente_id"), dovuti.c.iud.in_(bindparam("iud", expanding=True))
)

# Written as in the partial indexes: SQLite takes none of them for `attuale = 1`.
ATTUALE = text("dovuti.attuale")

# What a version has of its attempt, and what is its own.
_OF_ATTEMPT = frozenset(
    {"codice_esito", "importo_pagato_cent", "iur", "data_esito", "commissione_pa_cent", "carrello_id"}
)
_OF_VERSION = frozenset({"id", "stato", "attuale", "created_at", "updated_at"})

_PAID = select(dovuti).where(
    dovuti.c.ente_id == bindparam("ente_id"),
    dovuti.c.iud == bindparam("iud"),
    dovuti.c.stato == StatoDovuto.COMPLETATO,
    dovuti.c.codice_esito.in_(sorted(ESITI_POSITIVI)),
    dovuti.c.importo_pagato_cent > 0,
)

_ATTUALE_OF = select(dovuti).where(
    dovuti.c.ente_id == bindparam("ente_id"), dovuti.c.iud == bindparam("iud"), dovuti.c.attuale
)
_ATTUALI = (
    select(dovuti)
    .where(dovuti.c.dominio == bindparam("dominio"), dovuti.c.iuv == bindparam("iuv"), ATTUALE)
    .order_by(dovuti.c.posizione)
)
_TAKE = update(dovuti).where(
    dovuti.c.id == bindparam("taken_id"), dovuti.c.attuale, dovuti.c.stato == StatoDovuto.INSERIMENTO_DOVUTO
)


def existing_iud(session: Session, ente_id: int, iud: Sequence[str]) -> frozenset[str]:
    """Those of `iud` that the ente has already used, in any state, cancelled included."""
    return frozenset(session.execute(_EXISTING_IUD, {"ente_id": ente_id, "iud": iud}).scalars())


def has_any(session: Session, ente_id: int) -> bool:
    """Whether the ente has, or had, any dovuto."""
    return session.execute(select(dovuti.c.id).where(dovuti.c.ente_id == ente_id).limit(1)).first() is not None


def find_by_key(session: Session, ente_id: int, *, iuv: str | None = None, iud: str | None = None) -> list[Row[Any]]:
    """Dovuti of the ente by IUV or by IUD, newest first, each with the state and id of its carrello."""
    by_iud = (dovuti.c.ente_id == ente_id, dovuti.c.iud == iud)
    key = by_iud if iuv is None else (*of_ente(ente_id), dovuti.c.iuv == iuv)
    return list(
        session.execute(
            select(dovuti, carrelli.c.stato.label("stato_carrello"))
            .outerjoin(carrelli, carrelli.c.id == dovuti.c.carrello_id)
            .where(*key)
            .order_by(dovuti.c.attuale.desc(), dovuti.c.created_at.desc(), dovuti.c.posizione)
        )
    )


def find_attuale(session: Session, ente_id: int, iud: str) -> Row[Any] | None:
    """The version that holds an IUD of the ente now."""
    return session.execute(_ATTUALE_OF, {"ente_id": ente_id, "iud": iud}).one_or_none()


def all_attuali(session: Session, dominio: str, iuv: str) -> list[Row[Any]]:
    """The versions that hold an IUV of a domain now, whichever its ente, in the order of the RPT's lines."""
    return list(session.execute(_ATTUALI, {"dominio": dominio, "iuv": iuv}))


def hold(session: Session, rows: Iterable[Row[Any]]) -> None:
    """Decide alone, until this transaction ends, whether these dovuti are paid: all versions of each, by their IUDs.

    Whoever writes a payment holds its dovuti before he looks whether they are paid already, and before he changes any
    row: of two versions that are paid in the same instant neither payment would see the other. What was read before is
    to be read again.
    """
    advisory.hold(session, "dovuti", (f"{row.ente_id}:{row.iud}" for row in rows))


def has_paid(session: Session, ente_id: int, iud: str) -> bool:
    """Whether any version of this dovuto has been paid."""
    return find_paid(session, ente_id, iud) is not None


def find_paid(session: Session, ente_id: int, iud: str) -> Row[Any] | None:
    """The version of this dovuto that was paid, the first of them when there are more."""
    # Sorted here: asked to order by the last change, SQLite reads the paid ones of the ente in that order instead.
    versions = session.execute(_PAID, {"ente_id": ente_id, "iud": iud}).all()
    return min(versions, key=lambda row: row.updated_at, default=None)


def put_into(session: Session, row: Row[Any], carrello_id: str, at: datetime) -> None:
    """Let a dovuto that was paid outside of any session go with the carrello that was made for its receipt.

    Raises: Conflict (it is not free any more).
    """
    if not take(session, row.id, at=at, carrello_id=carrello_id):
        raise Conflict(f"dovuti {row.id}: lo stato {row.stato} è cambiato nel frattempo")


def take(session: Session, id: str, *, at: datetime, **values: Any) -> bool:
    """Put a stored dovuto that waits to be paid in payment; False when it is not free any more."""
    values |= {"taken_id": id, "stato": str(StatoDovuto.PAGAMENTO_INIZIATO), "updated_at": at}
    return session.execute(_TAKE, values).rowcount == 1


def set_attuale(session: Session, row: Row[Any], attuale: bool) -> None:
    """Say whether this version holds IUD and IUV; the one before must have let go of them.

    Raises: Conflict (somebody else said so since the row was read).
    """
    read = (dovuti.c.id == row.id, dovuti.c.attuale.is_(row.attuale))
    if session.execute(update(dovuti).where(*read).values(attuale=attuale)).rowcount != 1:
        raise Conflict(f"dovuti {row.id}: chi tiene lo IUD è cambiato nel frattempo")


def renew(session: Session, row: Row[Any], new_id: str, at: datetime) -> None:
    """Make the row history and a payable copy of it the version that counts: the attempt came to nothing.

    Raises: Conflict.
    """
    set_attuale(session, row, False)
    copy = {column.name: getattr(row, column.name) for column in dovuti.columns if column.name not in _OF_ATTEMPT}
    copy |= {
        "id": new_id, "stato": str(StatoDovuto.INSERIMENTO_DOVUTO), "attuale": True, "created_at": at, "updated_at": at
    }  # fmt: skip
    if row.iuv_volatile:
        copy |= {"iuv": None, "iuv_volatile": False}
    session.execute(insert(dovuti), copy)


def is_copy(row: Row[Any], other: Row[Any]) -> bool:
    """Whether a version is what `renew` made of the row, unchanged since."""
    same = (each.name for each in dovuti.columns if each.name not in _OF_ATTEMPT | _OF_VERSION)
    return all(getattr(row, name) == getattr(other, name) for name in same)


def move(session: Session, row: Row[Any], *, to: StatoDovuto, at: datetime, **values: Any) -> datetime:
    """Take the row to a state and return the date of the change: `at`, or later for one that exports read."""
    if to == StatoDovuto.COMPLETATO:
        at = chiusure_export.date_of(session, chiusure_export.chiavi_di(row), at)
    move_row(session, dovuti, dovuti.c.id, row, StatoDovuto, to, at, **values)
    return at


def correct_outcome(session: Session, row: Row[Any], at: datetime, **values: Any) -> datetime:
    """Replace the outcome of a processed dovuto, a positive receipt came after a negative one; return its date."""
    at = chiusure_export.date_of(session, chiusure_export.chiavi_di(row), at)
    session.execute(update(dovuti).where(dovuti.c.id == row.id).values(updated_at=at, **values))
    return at
