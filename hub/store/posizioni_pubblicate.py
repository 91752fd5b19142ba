"""What the platform was told of each notice, and how far the walk over the dovuti of an ente is."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Row, bindparam, func, insert, or_, select, update

from hub.store.chiavi import of_ente
from hub.store.database import Session
from hub.store.schema import dovuti, enti, flussi_import, posizioni_pubblicate, ripassi_posizioni

IN_CODA = "IN_CODA"
PUBBLICATA = "PUBBLICATA"
CHIUSA = "CHIUSA"
RIFIUTATA = "RIFIUTATA"
# The platform cannot say it: nothing leaves, and the reason is kept.
NON_AMMESSA = "NON_AMMESSA"
# Built once: every payment asks it.
_THAT_PUBLISHES = select(enti).where(enti.c.id == bindparam("ente_id"), enti.c.pubblica_posizioni)


def ente_that_publishes(session: Session, ente_id: int) -> Row[Any] | None:
    """The ente, when its open notices are kept at the platform too."""
    return session.execute(_THAT_PUBLISHES, {"ente_id": ente_id}).one_or_none()


def enti_that_publish(session: Session) -> Sequence[Row[Any]]:
    return session.execute(select(enti).where(enti.c.pubblica_posizioni).order_by(enti.c.id)).all()


def known(session: Session, dominio: str, iuv: Collection[str]) -> dict[str, Row[Any]]:
    where = (posizioni_pubblicate.c.dominio == dominio, posizioni_pubblicate.c.iuv.in_(iuv))
    return {row.iuv: row for row in session.execute(select(posizioni_pubblicate).where(*where))}


def versioni(session: Session, ente_id: int, iuv: Collection[str]) -> Sequence[Row[Any]]:
    """Every version of the dovuti under these IUVs: those that count first, then the newest."""
    query = select(dovuti).where(*of_ente(ente_id), dovuti.c.iuv.in_(iuv))
    return session.execute(query.order_by(dovuti.c.iuv, dovuti.c.attuale.desc(), dovuti.c.created_at.desc())).all()


def add(session: Session, **values: Any) -> None:
    session.execute(insert(posizioni_pubblicate), values)


def change(session: Session, dominio: str, iuv: str, **values: Any) -> None:
    where = (posizioni_pubblicate.c.dominio == dominio, posizioni_pubblicate.c.iuv == iuv)
    session.execute(update(posizioni_pubblicate).where(*where).values(**values))


def settle(session: Session, dominio: str, iuv: str, sha256: str, **values: Any) -> None:
    """Record how a body ended, unless another one was queued meanwhile."""
    where = (
        posizioni_pubblicate.c.dominio == dominio,
        posizioni_pubblicate.c.iuv == iuv,
        posizioni_pubblicate.c.sha256 == sha256,
    )
    session.execute(update(posizioni_pubblicate).where(*where).values(**values))


def not_there(session: Session, ente_id: int | None, limit: int) -> Sequence[Row[Any]]:
    """Notices that the platform does not have as they are, the last first: refused there, or not admitted."""
    table = posizioni_pubblicate
    query = select(table, enti.c.cod_ipa_ente).join(enti, enti.c.id == table.c.ente_id)
    query = query.where(table.c.stato.in_([RIFIUTATA, NON_AMMESSA]))
    if ente_id is not None:
        query = query.where(table.c.ente_id == ente_id)
    return session.execute(query.order_by(table.c.updated_at.desc(), table.c.iuv).limit(limit)).all()


def find_ripasso(session: Session, ente_id: int) -> Row[Any] | None:
    query = select(ripassi_posizioni).where(ripassi_posizioni.c.ente_id == ente_id)
    return session.execute(query).one_or_none()


def put_ripasso(session: Session, ente_id: int, **values: Any) -> None:
    changed = session.execute(update(ripassi_posizioni).where(ripassi_posizioni.c.ente_id == ente_id).values(**values))
    if changed.rowcount == 0:
        session.execute(insert(ripassi_posizioni), {"ente_id": ente_id, **values})


def last_flusso_at(session: Session, ente_id: int) -> datetime | None:
    """When a flow of the ente last changed anything."""
    query = select(func.max(flussi_import.c.updated_at)).where(flussi_import.c.ente_id == ente_id)
    return session.execute(query).scalar_one()


def stretch(session: Session, ente_id: int, after: str, limit: int) -> list[Row[Any]]:
    """The dovuti of an ente after one of them (empty: from the first), history included: id and IUV, by IUD and id.

    By the ente's own index: in the order of the ids each stretch would walk over the dovuti of everybody.
    """
    query = select(dovuti.c.id, dovuti.c.iuv).where(dovuti.c.ente_id == ente_id)
    if after:
        iud = session.execute(select(dovuti.c.iud).where(dovuti.c.id == after)).scalar_one()
        query = query.where(dovuti.c.iud >= iud, or_(dovuti.c.iud > iud, dovuti.c.id > after))
    return list(session.execute(query.order_by(dovuti.c.iud, dovuti.c.id).limit(limit)))

