"""The outbox: messages written in the transaction of the fact, claimed with a lease, settled under a fence.

`stato`: DA_INVIARE -> IN_INVIO -> CONSEGNATO | RIFIUTATO | PARCHEGGIATO, or back to DA_INVIARE (try again) or
SCONOSCIUTO (ask before anything else). A lease that ran out means that the sender died: taken again as SCONOSCIUTO.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from typing import Any

from sqlalchemy import Row, Select, Update, and_, bindparam, delete, exists, func, insert, or_, select, text, update

from hub import misure
from hub.domain.errors import Conflict, NotFound
from hub.domain.stati import StatoMessaggio
from hub.misure import LEASE_RIPRESI
from hub.store.database import Session
from hub.store.schema import enti, outbox

CHANNEL = "pontepa_outbox"
_FERMI = (StatoMessaggio.DA_INVIARE, StatoMessaggio.SCONOSCIUTO)
_APERTI = (StatoMessaggio.DA_INVIARE, StatoMessaggio.SCONOSCIUTO, StatoMessaggio.IN_INVIO)
# Written out, and not bound, and never in one list: the partial indexes are chosen by these words, each by its own.
IS_APERTO = text("outbox.stato IN ('DA_INVIARE', 'SCONOSCIUTO', 'IN_INVIO')")
IS_PARCHEGGIATO = text("outbox.stato = 'PARCHEGGIATO'")
# Here and below, built once: making a statement costs more than SQLite takes to run it.
_PUT = insert(outbox).returning(outbox.c.id)
_WAKE = text(f"SELECT pg_notify('{CHANNEL}', '')")
_SETTLE = update(outbox).where(
    outbox.c.id == bindparam("message_id"),
    outbox.c.fence == bindparam("held_fence"),
    outbox.c.stato == StatoMessaggio.IN_INVIO,
)
_SETTLE_HELD = _SETTLE.values(attempts=outbox.c.attempts - 1)


@dataclass(frozen=True, slots=True)
class Claimed:
    """A message that this worker holds until `lease_until`; `must_ask`: its last sending has an unknown end."""

    id: int
    topic: str
    chiave: str
    payload: bytes
    attempts: int
    fence: int
    must_ask: bool
    correlation_id: str
    lease_until: datetime
    ente_id: int | None = None


def put(
    session: Session,
    topic: str,
    key: str,
    payload: bytes,
    correlation_id: str,
    now: datetime,
    ente_id: int | None = None,
) -> int:
    """Write a message that leaves after this transaction commits, return its id; the commit wakes an idle worker.

    `ente_id`: whose message it is, for the operators of that ente; None: the installation's.
    """
    message_id: int = session.execute(
        _PUT,
        {
            "topic": topic,
            "ente_id": ente_id,
            "chiave": key,
            "payload": payload,
            "stato": str(StatoMessaggio.DA_INVIARE),
            "next_attempt_at": now,
            "correlation_id": correlation_id,
            "created_at": now,
        },
    ).scalar_one()
    wake(session)
    return message_id


def wake(session: Session) -> None:
    """Wake idle workers when this transaction commits (SQLite workers watch the file instead)."""
    if session.dialect.name == "postgresql":
        session.execute(_WAKE)


@cache
def _due(has_topics: bool, has_busy: bool) -> Any:
    older = outbox.alias("older")
    return and_(
        outbox.c.stato.in_(_APERTI),
        outbox.c.next_attempt_at <= bindparam("now"),
        or_(outbox.c.stato != StatoMessaggio.IN_INVIO, outbox.c.lease_until < bindparam("now")),
        ~exists().where(
            older.c.topic == outbox.c.topic,
            older.c.chiave == outbox.c.chiave,
            older.c.id < outbox.c.id,
            older.c.stato.in_(_APERTI),
        ),
        *_wanted(has_topics, has_busy),
    )


@cache
def _chosen(has_topics: bool, has_busy: bool) -> Select[Any]:
    due = select(outbox.c.id, outbox.c.stato).where(_due(has_topics, has_busy))
    ordered = due.order_by(outbox.c.next_attempt_at, outbox.c.id).limit(bindparam("most"))
    return ordered.with_for_update(skip_locked=True, of=outbox)


@cache
def _taken(has_topics: bool, has_busy: bool) -> Any:
    values = {
        "stato": str(StatoMessaggio.IN_INVIO), "fence": outbox.c.fence + 1, "attempts": outbox.c.attempts + 1,
        "lease_until": bindparam("until"), "next_attempt_at": bindparam("until"),
    }  # fmt: skip
    told = ("id", "topic", "chiave", "payload", "attempts", "fence", "correlation_id", "ente_id")
    chosen = outbox.c.id.in_(bindparam("chosen", expanding=True))
    taken: Update = update(outbox).where(chosen, _due(has_topics, has_busy)).values(**values)
    return taken.returning(*(outbox.c[name] for name in told))


def claim(
    session: Session,
    now: datetime,
    lease: timedelta,
    limit: int,
    topics: Collection[str] | None = None,
    busy: Collection[int] = (),
) -> list[Claimed]:
    """Take up to `limit` due messages of the topics (None: all); those of one key go one at a time, in order.

    `busy`: entes whose messages must wait.
    """
    which, values = _which(topics, busy)
    rows = session.execute(_chosen(*which), {**values, "now": now, "most": limit}).all()
    if not rows:
        return []
    before = {row.id: row.stato for row in rows}
    lease_until = now + lease
    taken = session.execute(
        _taken(*which), {**values, "now": now, "until": lease_until, "chosen": list(before)}
    ).all()
    for row in taken:
        if before[row.id] == StatoMessaggio.IN_INVIO:
            misure.count(LEASE_RIPRESI, row.topic)
    return [
        Claimed(
            row.id,
            row.topic,
            row.chiave,
            bytes(row.payload),
            row.attempts,
            row.fence,
            before[row.id] != StatoMessaggio.DA_INVIARE,
            row.correlation_id,
            lease_until,
            row.ente_id,
        )
        for row in sorted(taken, key=lambda row: row.id)
    ]


def settle(
    session: Session,
    message: Claimed,
    stato: StatoMessaggio,
    now: datetime,
    *,
    outcome: str,
    code: str,
    next_attempt_at: datetime | None = None,
    motivo: str | None = None,
    is_held: bool = False,
) -> bool:
    """Record an outcome; False when the lease was lost meanwhile and somebody else holds the message.

    `is_held`: it did not leave, and this was no attempt.
    """
    values: dict[str, Any] = {
        "message_id": message.id,
        "held_fence": message.fence,
        "stato": str(stato),
        "lease_until": None,
        "last_outcome": outcome,
        "last_code": code[:64],
        "motivo": motivo,
    }
    if next_attempt_at is None:
        values["settled_at"] = now
    else:
        values["next_attempt_at"] = next_attempt_at
    return session.execute(_SETTLE_HELD if is_held else _SETTLE, values).rowcount == 1


def release(session: Session, code: str, now: datetime) -> None:
    """Let the messages that were held for this reason leave now."""
    held = and_(outbox.c.stato.in_(_FERMI), outbox.c.last_code == code, outbox.c.next_attempt_at > now)
    session.execute(update(outbox).where(held).values(next_attempt_at=now))
    wake(session)


def next_due(session: Session, topics: Collection[str] | None = None, busy: Collection[int] = ()) -> datetime | None:
    """When the next message of the topics (None: all) wants attention, entes in `busy` apart; None: there is none."""
    which, values = _which(topics, busy)
    return session.execute(_first(*which), values).scalar_one()


@cache
def _first(has_topics: bool, has_busy: bool) -> Select[Any]:
    first = select(func.min(outbox.c.next_attempt_at))
    return first.where(outbox.c.stato.in_(_APERTI), *_wanted(has_topics, has_busy))


def _wanted(has_topics: bool, has_busy: bool) -> list[Any]:
    conditions: list[Any] = [outbox.c.topic.in_(bindparam("topics", expanding=True))] if has_topics else []
    if has_busy:
        others = outbox.c.ente_id.not_in(bindparam("busy", expanding=True))
        conditions.append(or_(outbox.c.ente_id.is_(None), others))
    return conditions


def _which(topics: Collection[str] | None, busy: Collection[int]) -> tuple[tuple[bool, bool], dict[str, Any]]:
    """Which of the statements, and the values for it."""
    values: dict[str, Any] = {} if topics is None else {"topics": list(topics)}
    if busy:
        values["busy"] = list(busy)
    return (topics is not None, bool(busy)), values


def by_topic(session: Session) -> Sequence[Row[Any]]:
    """The messages that are open or parked, by `topic` and `stato`: how many (`numero`), the oldest's `created_at`, the
    nearest `next_attempt_at`."""
    columns = (outbox.c.topic, outbox.c.stato, func.count().label("numero"))
    first = (func.min(outbox.c.created_at).label("created_at"), func.min(outbox.c.next_attempt_at).label("next_at"))
    open_or_parked = [
        select(*columns, *first).where(where).group_by(outbox.c.topic, outbox.c.stato)
        for where in (IS_APERTO, IS_PARCHEGGIATO)
    ]
    return [row for query in open_or_parked for row in session.execute(query)]


def has_delivered(session: Session, before: datetime) -> bool:
    """Whether `forget_delivered` may find one; asked first, so that a database at rest is only read."""
    return session.execute(_delivered(before).limit(1)).first() is not None


def forget_delivered(session: Session, before: datetime, limit: int) -> int:
    """Remove up to `limit` messages that were delivered before an instant, the oldest first; return how many.

    What was refused or set aside stays: a person may have to look at it.
    """
    chosen = _delivered(before).order_by(outbox.c.settled_at, outbox.c.id).limit(limit)
    ids = session.execute(chosen.with_for_update(skip_locked=True)).scalars().all()
    if ids:
        session.execute(delete(outbox).where(outbox.c.id.in_(ids)))
    return len(ids)


def _delivered(before: datetime) -> Any:
    # Written out, and not bound: the partial index is chosen by these words.
    return select(outbox.c.id).where(text("outbox.stato = 'CONSEGNATO'"), outbox.c.settled_at < before)


def list_messages(session: Session, stato: str | None = None, limit: int = 100) -> Sequence[Row[Any]]:
    """Messages, oldest first; without `stato` those that are not settled."""
    query = select(outbox).order_by(outbox.c.id).limit(limit)
    if stato:
        return session.execute(query.where(outbox.c.stato == stato)).all()
    # First which, and then in order: asked for both at once SQLite walks over all messages there ever were.
    found = [
        row
        for each in (IS_APERTO, IS_PARCHEGGIATO)
        for row in session.execute(query.where(outbox.c.id.in_(select(outbox.c.id).where(each))))
    ]
    return sorted(found, key=lambda row: row.id)[:limit]


def list_stuck(
    session: Session, ente_id: int | None, *, is_parked: bool, after_id: int, limit: int
) -> Sequence[Row[Any]]:
    """Messages that were parked, or that failed once and wait, oldest first, each with the name of its ente.

    `ente_id` None: of every ente.
    """
    query = select(outbox, enti.c.nome.label("ente_nome")).outerjoin(enti, enti.c.id == outbox.c.ente_id)
    if is_parked:
        query = query.where(outbox.c.stato == StatoMessaggio.PARCHEGGIATO)
    else:
        query = query.where(outbox.c.stato.in_(_FERMI), outbox.c.attempts > 0)
    if ente_id is not None:
        query = query.where(outbox.c.ente_id == ente_id)
    return session.execute(query.where(outbox.c.id > after_id).order_by(outbox.c.id).limit(limit)).all()


def find(session: Session, id: int) -> Row[Any] | None:
    return session.execute(select(outbox).where(outbox.c.id == id)).one_or_none()


def retry(session: Session, id: int, now: datetime) -> None:
    """Bring a parked or waiting message forward. It keeps its question: an unknown outcome is asked first.

    Raises: NotFound, Conflict (settled already, or being sent).
    """
    row = find(session, id)
    if row is None:
        raise NotFound(f"messaggio {id} sconosciuto")
    if row.stato == StatoMessaggio.IN_INVIO or row.stato not in (*_APERTI, StatoMessaggio.PARCHEGGIATO):
        raise Conflict(f"messaggio {id} in stato {row.stato}: non si può riprovare")
    stato = row.stato
    if stato == StatoMessaggio.PARCHEGGIATO:
        # Whatever was sent before has an end that nobody here knows.
        stato = StatoMessaggio.SCONOSCIUTO if row.attempts else StatoMessaggio.DA_INVIARE
    session.execute(
        update(outbox)
        .where(outbox.c.id == id, outbox.c.stato == row.stato)
        .values(stato=str(stato), next_attempt_at=now, motivo=None, settled_at=None)
    )
    wake(session)


def park(session: Session, id: int, reason: str, now: datetime) -> None:
    """Set a message aside. Raises: NotFound, Conflict (settled already, or being sent)."""
    changed = session.execute(
        update(outbox)
        .where(outbox.c.id == id, outbox.c.stato.in_((StatoMessaggio.DA_INVIARE, StatoMessaggio.SCONOSCIUTO)))
        .values(stato=str(StatoMessaggio.PARCHEGGIATO), motivo=reason[:500], settled_at=now)
    )
    if changed.rowcount != 1:
        row = find(session, id)
        if row is None:
            raise NotFound(f"messaggio {id} sconosciuto")
        raise Conflict(f"messaggio {id} in stato {row.stato}: non si può mettere da parte")
