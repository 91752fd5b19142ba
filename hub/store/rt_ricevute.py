"""Receipts of every kind as they came: raw bytes and digest first, meaning afterwards."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Row, and_, bindparam, exists, func, literal_column, or_, select, update
from sqlalchemy.dialects import postgresql, sqlite

from hub.domain.ricevuta import Primitiva
from hub.domain.stati import StatoRt, check_transition
from hub.store.database import Session
from hub.store.dovuti import ATTUALE
from hub.store.schema import dovuti, enti, rt_ricevute, tentativi, trasferimenti_ricevute

# Written out, and not bound: the partial indexes are chosen by these words.
_WAITING = rt_ricevute.c.stato == literal_column(f"'{StatoRt.RICEVUTA}'")
_NOT_APPLIED = rt_ricevute.c.stato != literal_column(f"'{StatoRt.ELABORATA}'")
_ORPHAN = and_(rt_ricevute.c.stato == literal_column(f"'{StatoRt.ORFANA}'"), _NOT_APPLIED)
_SET_ASIDE = [f"'{stato}'" for stato in StatoRt if stato not in (StatoRt.RICEVUTA, StatoRt.ELABORATA)]
_FLAGGED = rt_ricevute.c.segnalazioni.is_not(None)
# The receipt as management software knows it: the RT itself, or the one that was made of a receipt of the new model.
DOCUMENTO = func.coalesce(rt_ricevute.c.rt, rt_ricevute.c.raw)
_ADD = {
    "postgresql": postgresql.insert(rt_ricevute).on_conflict_do_nothing().returning(rt_ricevute.c.id),
    "sqlite": sqlite.insert(rt_ricevute).on_conflict_do_nothing().returning(rt_ricevute.c.id),
}
# Built once: making a statement costs more than running it.
_BY_ID = select(rt_ricevute).where(rt_ricevute.c.id == bindparam("id"))
_TAKE = _BY_ID.with_for_update(skip_locked=True)
_TO_PROCESS = (
    select(rt_ricevute.c.id)
    .where(_WAITING, rt_ricevute.c.id > bindparam("after_id"))
    .order_by(rt_ricevute.c.id)
    .limit(bindparam("most"))
)
_READMIT = (
    update(rt_ricevute)
    .where(
        *(rt_ricevute.c[name] == bindparam(f"known_{name}") for name in ("dominio", "iuv", "ccp", "sha256")),
        rt_ricevute.c.stato == bindparam("known_stato"),
    )
    .returning(rt_ricevute.c.id)
)
_WITH_TOKEN = select(rt_ricevute).where(
    rt_ricevute.c.dominio == bindparam("dominio"),
    rt_ricevute.c.ccp == bindparam("token"),
    rt_ricevute.c.primitiva != Primitiva.INVIA_RT,
    rt_ricevute.c.stato != StatoRt.QUARANTENA,
)
_SET_RT = update(rt_ricevute).where(rt_ricevute.c.id == bindparam("read_id"))
_SETTLE = update(rt_ricevute).where(
    rt_ricevute.c.id == bindparam("read_id"), rt_ricevute.c.stato == bindparam("read_stato")
)


def add(session: Session, **values: Any) -> int | None:
    """Store the bytes and return their id; None when these very bytes are kept already."""
    return session.execute(_ADD[session.dialect.name], values).scalar_one_or_none()


def readmit(session: Session, values: dict[str, Any]) -> int | None:
    """Let a receipt that was refused for its header take its turn, now that it came with a good one; return its id.

    `values`: columns of the receipt as it came now. None when there is no such one.
    """
    known = {f"known_{name}": values[name] for name in ("dominio", "iuv", "ccp", "sha256")}
    values = {**values, **known, "known_stato": str(StatoRt.RESPINTA), "motivo": None}
    return session.execute(_READMIT, values).scalar_one_or_none()


def by_id(session: Session, id: int, *, lock: bool = False) -> Row[Any]:
    return session.execute(_BY_ID.with_for_update() if lock else _BY_ID, {"id": id}).one()


def find(session: Session, id: int) -> Row[Any] | None:
    return session.execute(_BY_ID, {"id": id}).one_or_none()


def take(session: Session, id: int) -> Row[Any] | None:
    """Hold a receipt until the end of the transaction; None when another worker holds it."""
    return session.execute(_TAKE, {"id": id}).one_or_none()


def to_process(session: Session, limit: int, after_id: int = 0) -> Sequence[int]:
    """Ids of receipts nobody has applied yet, in order of arrival, after one of them."""
    return session.execute(_TO_PROCESS, {"after_id": after_id, "most": limit}).scalars().all()


def applicable_orphans(session: Session, limit: int, after_id: int = 0) -> Sequence[int]:
    """Ids of orphans whose attempt (of an RT) or dovuto (of a receipt) is known by now, in order of arrival."""
    attempt = exists().where(
        tentativi.c.dominio == rt_ricevute.c.dominio,
        tentativi.c.iuv == rt_ricevute.c.iuv,
        tentativi.c.ccp == rt_ricevute.c.ccp,
    )
    dovuto = exists().where(dovuti.c.dominio == rt_ricevute.c.dominio, dovuti.c.iuv == rt_ricevute.c.iuv, ATTUALE)
    is_rt = rt_ricevute.c.primitiva == Primitiva.INVIA_RT
    query = select(rt_ricevute.c.id).where(_ORPHAN, or_(and_(is_rt, attempt), and_(~is_rt, dovuto)))
    query = query.where(rt_ricevute.c.id > after_id).order_by(rt_ricevute.c.id).limit(limit)
    return session.execute(query).scalars().all()


def earlier_with_token(session: Session, row: Row[Any]) -> list[Row[Any]]:
    """The receipts of the new model that came before this one, for the same body and with the same token."""
    # Ordered and cut here: asked for it, SQLite reads every receipt before this one instead of the few of its token.
    found = session.execute(_WITH_TOKEN, {"dominio": row.dominio, "token": row.ccp})
    return sorted((each for each in found if each.id < row.id), key=lambda each: each.id)


def list_ricevute(
    session: Session, *, stato: str | None, iuv: str | None, after_id: int, limit: int
) -> Sequence[Row[Any]]:
    """Receipts, oldest first, of one `stato`, of one IUV, or (neither given) those that a person should look at."""
    states = [f"'{StatoRt(stato)}'"] if stato is not None else []
    # Without the second condition no partial index is chosen.
    where = [and_(rt_ricevute.c.stato == literal_column(each), _NOT_APPLIED) for each in states or _SET_ASIDE]
    if iuv is not None:
        # Of the bodies that are ours: the index begins with theirs.
        own = and_(rt_ricevute.c.dominio.in_(select(enti.c.codice_fiscale)), rt_ricevute.c.iuv == iuv)
        where = [own if stato is None else and_(own, rt_ricevute.c.stato == stato)]
    elif stato is None:
        where.append(_FLAGGED)
    elif stato == StatoRt.ELABORATA:
        where = [rt_ricevute.c.stato == stato]
    # Each by its own index, and only then together.
    found = [
        session.execute(
            select(rt_ricevute).where(each, rt_ricevute.c.id > after_id).order_by(rt_ricevute.c.id).limit(limit)
        ).all()
        for each in where
    ]
    by_id = {row.id: row for rows in found for row in rows}
    return [by_id[id] for id in sorted(by_id)][:limit]


def trasferimenti_of(session: Session, ricevuta_id: int) -> Sequence[Row[Any]]:
    """What a receipt moves, in its order."""
    query = select(trasferimenti_ricevute).where(trasferimenti_ricevute.c.ricevuta_id == ricevuta_id)
    return session.execute(query.order_by(trasferimenti_ricevute.c.posizione)).all()


def counts(session: Session) -> dict[str, int]:
    """How many receipts wait, are set aside or flagged (`SEGNALATA`); nought where there is none."""
    rows = session.execute(
        select(rt_ricevute.c.stato, func.count()).where(_NOT_APPLIED).group_by(rt_ricevute.c.stato)
    )
    found = {str(stato): 0 for stato in StatoRt if stato != StatoRt.ELABORATA} | {stato: count for stato, count in rows}
    flagged = session.execute(select(func.count()).select_from(rt_ricevute).where(_FLAGGED)).scalar_one()
    return found | {"SEGNALATA": flagged}


def oldest_waiting(session: Session) -> datetime | None:
    """When the receipt that waits longest arrived; None when none waits."""
    first = select(rt_ricevute.c.received_at).where(_WAITING).order_by(rt_ricevute.c.id).limit(1)
    return session.execute(first).scalar_one_or_none()


def set_rt(session: Session, id: int, rt: bytes) -> None:
    """Keep the RT that was made of a receipt of the new model."""
    session.execute(_SET_RT, {"read_id": id, "rt": rt})


def add_trasferimenti(session: Session, ricevuta_id: int, trasferimenti: Sequence[dict[str, Any]]) -> None:
    """Keep what a receipt moves, in its order; a second time changes nothing."""
    if not trasferimenti:
        return
    dialect = postgresql if session.dialect.name == "postgresql" else sqlite
    rows = [
        {"ricevuta_id": ricevuta_id, "posizione": number, **each} for number, each in enumerate(trasferimenti, start=1)
    ]
    session.execute(dialect.insert(trasferimenti_ricevute).on_conflict_do_nothing(), rows)


def settle(
    session: Session, row: Row[Any], to: StatoRt, at: datetime, motivo: str | None = None, **values: Any
) -> bool:
    """Record what became of a receipt; False when somebody else already did. `values`: other columns.

    Raises: Conflict (not a legal step).
    """
    check_transition(StatoRt(row.stato), to)
    read = {"read_id": row.id, "read_stato": row.stato}
    values |= {"stato": str(to), "processed_at": at, "motivo": motivo}
    return session.execute(_SETTLE, values | read).rowcount == 1
