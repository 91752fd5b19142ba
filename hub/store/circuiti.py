"""Circuits: one row for each station and service that ever failed. No row: all has always been well."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Row, bindparam, exists, select, update
from sqlalchemy.dialects import postgresql, sqlite

from hub.store.database import Session
from hub.store.schema import circuiti

# Built once: it is asked before every call that leaves.
_FIND = select(circuiti).where(
    circuiti.c.stazione_id == bindparam("stazione_id"), circuiti.c.servizio == bindparam("servizio")
)


def find(session: Session, stazione_id: str, servizio: str) -> Row[Any] | None:
    return session.execute(_FIND, {"stazione_id": stazione_id, "servizio": servizio}).one_or_none()


def all_rows(session: Session) -> Sequence[Row[Any]]:
    return session.execute(select(circuiti).order_by(circuiti.c.stazione_id, circuiti.c.servizio)).all()


def is_held(stazione_id: ColumnElement[str], servizio: str, now: datetime) -> ColumnElement[bool]:
    """Whether a station may not call a service now, as a condition on rows that name the station."""
    same = (circuiti.c.stazione_id == stazione_id, circuiti.c.servizio == servizio)
    return exists().where(*same, circuiti.c.riprova_at > now)


def take_probe(session: Session, row: Row[Any], now: datetime, until: datetime) -> bool:
    """Let one caller try an open circuit, nobody else before `until`; False when another was faster."""
    taken = session.execute(
        update(circuiti)
        .where(
            *_mine(row.stazione_id, row.servizio),
            circuiti.c.aperto_at.is_not(None),
            circuiti.c.riprova_at == row.riprova_at,
        )
        .values(riprova_at=until, sonda_at=now)
    )
    return taken.rowcount == 1


def note_failure(session: Session, stazione_id: str, servizio: str, code: str, now: datetime) -> Row[Any]:
    """Count one more failure in a row and return the row as it is now."""
    dialect = postgresql if session.dialect.name == "postgresql" else sqlite
    first = {"stazione_id": stazione_id, "servizio": servizio, "guasti": 1}
    seen = {"ultimo_codice": code[:64], "ultimo_guasto_at": now}
    statement = dialect.insert(circuiti).values(**first, **seen)
    statement = statement.on_conflict_do_update(
        index_elements=["stazione_id", "servizio"], set_={"guasti": circuiti.c.guasti + 1, **seen}
    )
    return session.execute(statement.returning(circuiti)).one()


def open(session: Session, row: Row[Any], aperture: int, now: datetime, riprova_at: datetime) -> None:
    """Open the circuit, for the n-th time in a row."""
    values: dict[str, Any] = {"aperto_at": row.aperto_at or now, "aperture": aperture, "riprova_at": riprova_at}
    values["sonda_at"] = None
    session.execute(update(circuiti).where(*_mine(row.stazione_id, row.servizio)).values(**values))


def pause(session: Session, stazione_id: str, servizio: str, code: str, now: datetime, until: datetime) -> None:
    """Let nobody call before `until`; a circuit that is open stays so."""
    row = note_failure(session, stazione_id, servizio, code, now)
    later = max(until, row.riprova_at) if row.riprova_at is not None else until
    # Too fast is not broken: it counts as no failure.
    values = {"riprova_at": later, "guasti": max(row.guasti - 1, 0)}
    session.execute(update(circuiti).where(*_mine(stazione_id, servizio)).values(**values))


def close(session: Session, stazione_id: str, servizio: str) -> None:
    values: dict[str, Any] = {"guasti": 0, "aperture": 0, "aperto_at": None, "riprova_at": None, "sonda_at": None}
    session.execute(update(circuiti).where(*_mine(stazione_id, servizio)).values(**values))


def _mine(stazione_id: str, servizio: str) -> tuple[Any, Any]:
    return circuiti.c.stazione_id == stazione_id, circuiti.c.servizio == servizio
