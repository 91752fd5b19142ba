"""Carrelli: the part of a session that belongs to one ente, with one IUV."""

from __future__ import annotations

import uuid
from datetime import datetime
from typing import Any

from sqlalchemy import Row, bindparam, insert, select, update
from sqlalchemy.dialects import postgresql, sqlite

from hub.domain.errors import Conflict, NotFound
from hub.domain.stati import StatoCarrello
from hub.store.database import Session
from hub.store.movement import move_row
from hub.store.rt_ricevute import DOCUMENTO
from hub.store.schema import carrelli, dovuti, rt_ricevute

# Built once: making a statement costs more than running it.
_BY_ID = select(carrelli).where(carrelli.c.id == bindparam("id"))
_OF_SESSION = select(carrelli).where(carrelli.c.id_session == bindparam("id_session")).order_by(carrelli.c.posizione)
_GIVEN_UP = (
    select(carrelli)
    .where(
        carrelli.c.ente_id == bindparam("ente_id"),
        carrelli.c.iuv == bindparam("iuv"),
        carrelli.c.dominio == bindparam("dominio"),
        carrelli.c.stato == StatoCarrello.SCADUTO,
        carrelli.c.id_session.is_not(None),
    )
    .order_by(carrelli.c.created_at.desc(), carrelli.c.id)
)
_DOVUTI = select(dovuti).where(dovuti.c.carrello_id == bindparam("carrello_id")).order_by(dovuti.c.posizione)


def by_id(session: Session, id: str) -> Row[Any]:
    """Raises: NotFound."""
    row = session.execute(_BY_ID, {"id": id}).one_or_none()
    if row is None:
        raise NotFound(f"carrello {id} sconosciuto")
    return row


def of_session(session: Session, id_session: str) -> list[Row[Any]]:
    """The carrelli of a session that has started, in the order of its elements."""
    return list(session.execute(_OF_SESSION, {"id_session": id_session}))


def given_up(session: Session, ente_id: int, dominio: str, iuv: str) -> list[Row[Any]]:
    """The carrelli of sessions that nobody paid in time under an IUV, the last first."""
    return list(session.execute(_GIVEN_UP, {"ente_id": ente_id, "dominio": dominio, "iuv": iuv}))


def dovuti_of(session: Session, carrello_id: str) -> list[Row[Any]]:
    """The dovuti of a carrello, in the order of the RPT's lines."""
    return list(session.execute(_DOVUTI, {"carrello_id": carrello_id}))


def rt_bytes(session: Session, carrello: Row[Any]) -> bytes | None:
    """The bytes of the receipt that decided this carrello; None when the hub closed it by itself."""
    if carrello.rt_id is None:
        return None
    return session.execute(select(DOCUMENTO).where(rt_ricevute.c.id == carrello.rt_id)).scalar_one()


def add_settled(
    session: Session, *, ente_id: int, dominio: str, iuv: str, importo_cent: int, esito_locale: bytes, now: datetime
) -> str:
    """Keep a carrello that was paid outside, without a session, and return its id."""
    id = uuid.uuid4().hex
    session.execute(
        insert(carrelli),
        {
            "id": id,
            "id_session": None,
            "ente_id": ente_id,
            "dominio": dominio,
            "iuv": iuv,
            "stato": str(StatoCarrello.PAGATO),
            "importo_cent": importo_cent,
            "esito_locale": esito_locale,
            "created_at": now,
            "updated_at": now,
        },
    )
    return id


def add_open(session: Session, *, ente_id: int, dominio: str, iuv: str, importo_cent: int, now: datetime) -> str:
    """Make the carrello of a payment that came without a session, and return its id.

    Raises: Conflict (another one is open under this IUV at this moment).
    """
    id = uuid.uuid4().hex
    values = {
        "id": id, "id_session": None, "ente_id": ente_id, "dominio": dominio, "iuv": iuv,
        "stato": str(StatoCarrello.PAGAM_IN_CORSO), "importo_cent": importo_cent, "created_at": now, "updated_at": now,
    }  # fmt: skip
    dialect = postgresql if session.dialect.name == "postgresql" else sqlite
    statement = dialect.insert(carrelli).values(values).on_conflict_do_nothing().returning(carrelli.c.id)
    if session.execute(statement).scalar_one_or_none() is None:
        raise Conflict(f"carrelli: un pagamento con IUV {iuv} è aperto in questo momento")
    return id


def move(session: Session, row: Row[Any], *, to: StatoCarrello, at: datetime, **values: Any) -> None:
    move_row(session, carrelli, carrelli.c.id, row, StatoCarrello, to, at, **values)


def replace_rt(session: Session, row: Row[Any], rt_id: int, at: datetime) -> None:
    """Let a receipt stand for the outcome that the hub had written by itself; the state stays."""
    session.execute(update(carrelli).where(carrelli.c.id == row.id).values(rt_id=rt_id, updated_at=at))
