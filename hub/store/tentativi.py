"""Attempts: one RPT each, with the exact bytes that leave."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Row, bindparam, case, exists, func, or_, select, text, update

from hub.domain.errors import NotFound
from hub.domain.stati import StatoTentativo
from hub.store.database import Session
from hub.store.movement import move_row
from hub.store.outbox import IS_APERTO, IS_PARCHEGGIATO
from hub.store.schema import carrelli, enti, outbox, sessioni, tentativi

APERTI = (StatoTentativo.DA_INVIARE, StatoTentativo.SCONOSCIUTO, StatoTentativo.ACCETTATO)
# Written out, and not bound: the partial indexes are chosen by these words; a typed column would become `… = 1` on
# SQLite.
_OPEN = text("tentativi.stato IN ('DA_INVIARE', 'SCONOSCIUTO', 'ACCETTATO')")
_IN_PLACE = text("tentativi.stato IN ('DA_INVIARE', 'SCONOSCIUTO', 'ACCETTATO') AND tentativi.superato_at IS NULL")

# Built once: making a statement costs more than running it.
_BY_ID = select(tentativi).where(tentativi.c.id == bindparam("id"))
_BY_KEY = select(tentativi).where(
    tentativi.c.dominio == bindparam("dominio"), tentativi.c.iuv == bindparam("iuv"),
    tentativi.c.ccp == bindparam("ccp"),
)  # fmt: skip
_OF_CART, _OF_CART_ALONE = (
    select(tentativi).where(
        tentativi.c.carrello_id.in_(select(carrelli.c.id).where(of_session)),
        tentativi.c.id_carrello_nodo == bindparam("id_carrello_nodo"),
    )
    for of_session in (carrelli.c.id_session == bindparam("id_session"), carrelli.c.id_session.is_(None))
)


def by_id(session: Session, id: str) -> Row[Any]:
    """Raises: NotFound."""
    row = session.execute(_BY_ID, {"id": id}).one_or_none()
    if row is None:
        raise NotFound(f"tentativo {id} sconosciuto")
    return row


def find_by_key(session: Session, dominio: str, iuv: str, ccp: str) -> Row[Any] | None:
    return session.execute(_BY_KEY, {"dominio": dominio, "iuv": iuv, "ccp": ccp}).one_or_none()


def of_cart(session: Session, row: Row[Any], id_session: str | None) -> list[Row[Any]]:
    """The attempts that left in one message with this one, itself included. Without a session it left alone."""
    if row.id_carrello_nodo is None:
        return [row]
    values = {"id_carrello_nodo": row.id_carrello_nodo}
    if id_session is None:
        return list(session.execute(_OF_CART_ALONE, values))
    return list(session.execute(_OF_CART, values | {"id_session": id_session}))


def find_open(session: Session, carrello_id: str) -> Row[Any] | None:
    """The attempt of a carrello whose outcome is not known, unless another took its place."""
    query = select(tentativi).where(tentativi.c.carrello_id == carrello_id, _IN_PLACE)
    return session.execute(query).one_or_none()


def last_of(session: Session, carrello_id: str) -> Row[Any] | None:
    return session.execute(
        select(tentativi).where(tentativi.c.carrello_id == carrello_id).order_by(tentativi.c.created_at.desc()).limit(1)
    ).one_or_none()


def move(session: Session, row: Row[Any], *, to: StatoTentativo, at: datetime, **values: Any) -> None:
    move_row(session, tentativi, tentativi.c.id, row, StatoTentativo, to, at, **values)


def note_fault(session: Session, row: Row[Any], code: str | None) -> None:
    """Keep what the node said of an attempt whose state stays."""
    same = (tentativi.c.id == row.id, tentativi.c.stato == row.stato)
    session.execute(update(tentativi).where(*same).values(fault_code=code))


def expired_carts(session: Session, before: datetime, limit: int, *, lock: bool = False) -> list[Row[Any]]:
    """Attempts of carts of notices that began before an instant and have no outcome, the longest untouched first."""
    query = (
        select(tentativi)
        .where(
            _OPEN,
            tentativi.c.superato_at.is_(None),
            tentativi.c.profilo == "checkout",
            tentativi.c.created_at < before,
        )
        .order_by(tentativi.c.updated_at, tentativi.c.id)
        .limit(limit)
    )
    return list(session.execute(query.with_for_update(skip_locked=True) if lock else query))


def to_pursue(
    session: Session, profili: Sequence[str], topic: str, before: datetime, limit: int
) -> list[Row[Any]]:
    """Accepted attempts of these profiles without a receipt since `before`, that no message of the topic pursues."""
    about_it = (outbox.c.topic == topic, outbox.c.chiave == tentativi.c.id)
    # A message that is open still pursues; a parked one waits for the person who set it aside.
    pursued, parked = (exists().where(*about_it, state) for state in (IS_APERTO, IS_PARCHEGGIATO))
    query = (
        select(tentativi.c.id, carrelli.c.ente_id, sessioni.c.correlation_id)
        .join(carrelli, carrelli.c.id == tentativi.c.carrello_id)
        .outerjoin(sessioni, sessioni.c.id_session == carrelli.c.id_session)
        .where(_OPEN, tentativi.c.stato == StatoTentativo.ACCETTATO, tentativi.c.profilo.in_(profili))
        .where(tentativi.c.updated_at <= before, ~pursued, ~parked)
        .order_by(tentativi.c.updated_at, tentativi.c.id)
        .limit(limit)
    )
    return list(session.execute(query))


def list_open(session: Session, *, after: str = "", only: str | None = None, limit: int) -> list[Row[Any]]:
    """Attempts without an outcome, by id, each with its ente; `only`: this one, if it has none."""
    query = (
        select(tentativi, enti.c.cod_ipa_ente)
        .join(carrelli, carrelli.c.id == tentativi.c.carrello_id)
        .join(enti, enti.c.id == carrelli.c.ente_id)
        .where(_OPEN, tentativi.c.id > after if only is None else tentativi.c.id == only)
    )
    return list(session.execute(query.order_by(tentativi.c.id).limit(limit)))


def of_message(session: Session, row: Row[Any], topic: str) -> Row[Any] | None:
    """The last message of a topic (that begins so) about an attempt, or about the cart that it left in."""
    same = select(tentativi.c.id).where(
        tentativi.c.id_carrello_nodo == row.id_carrello_nodo, tentativi.c.stazione_id == row.stazione_id
    )
    mine = outbox.c.chiave == row.id
    if row.id_carrello_nodo:
        mine = or_(mine, outbox.c.chiave.in_(same))
    found = select(outbox).where(outbox.c.topic.startswith(topic), mine).order_by(outbox.c.id.desc()).limit(1)
    return session.execute(found).one_or_none()


def count_open(session: Session, overdue: datetime, old: datetime) -> dict[str, int]:
    """How many attempts have no outcome, by state; those accepted are in time, overdue or old, by their instants."""
    age = case(
        (tentativi.c.created_at <= old, "VECCHIO"),
        (tentativi.c.stato != StatoTentativo.ACCETTATO, tentativi.c.stato),
        (tentativi.c.updated_at <= overdue, "IN_RITARDO"),
        else_="IN_ATTESA",
    )
    found = select(age, func.count()).where(_OPEN).group_by(age)
    return {str(name): count for name, count in session.execute(found)}


def ages_open(session: Session, bounds: Sequence[tuple[str, datetime]], beyond: str) -> Sequence[Row[Any]]:
    """The attempts without an outcome by `stato` and `eta`: how many (`numero`), the oldest's `created_at`.

    `bounds`: by name, since when one began that is so young, the youngest first; `beyond`: the name of all others.
    """
    eta = case(*((tentativi.c.created_at > since, name) for name, since in bounds), else_=beyond).label("eta")
    oldest = func.min(tentativi.c.created_at).label("created_at")
    query = select(tentativi.c.stato, eta, func.count().label("numero"), oldest)
    return session.execute(query.where(_OPEN).group_by(tentativi.c.stato, eta)).all()
