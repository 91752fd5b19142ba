"""Windows of incremental exports: what was read out up to an instant is never joined by a payment dated before it.

A payment is dated by a clock that was read before its transaction began, and commits whenever it commits: by itself the
date promises nothing. So a payment asks here, in its transaction, for the date it may carry; and an export closes its
window here before it reads it. Closing waits for those who asked before, who asks later is dated after the window.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from sqlalchemy import Row, bindparam, func, select, text
from sqlalchemy.dialects import postgresql, sqlite

from hub.store import advisory
from hub.store.database import Session
from hub.store.schema import chiusure_export

# Less than PostgreSQL takes to look for a deadlock: an export that cannot have its turn gives way to the payments.
_PATIENCE_MS = 800
_WINDOWS = "chiusure_export"
# Built once: every payment asks it.
_FINO_A = select(func.max(chiusure_export.c.fino_a)).where(
    chiusure_export.c.chiave.in_(bindparam("chiavi", expanding=True))
)
_PATIENCE = text(f"SET LOCAL lock_timeout = {_PATIENCE_MS}")


def chiave_ente(ente_id: int) -> str:
    """The windows of the ente's own items."""
    return f"ente:{ente_id}"


def chiave_secondario(codice_fiscale: str) -> str:
    """The windows of the shares that belong to a tax code."""
    return f"secondario:{codice_fiscale}"


def chiavi_di(dovuto: Row[Any]) -> list[str]:
    """The windows that a payment of this dovuto falls into."""
    chiavi = [chiave_ente(dovuto.ente_id)]
    if dovuto.secondario:
        chiavi.append(chiave_secondario(dovuto.secondario["codice_fiscale"]))
    return chiavi


def date_of(session: Session, chiavi: Iterable[str], at: datetime) -> datetime:
    """Return the date that a payment may carry: `at`, or the edge of the last closed window when that is later.

    Until this transaction ends no window of these is closed.
    """
    chiavi = sorted(chiavi)
    advisory.hold(session, _WINDOWS, chiavi, shared=True)
    # A statement of its own: it sees what whoever held the windows alone has committed.
    fino_a: datetime | None = session.execute(_FINO_A, {"chiavi": chiavi}).scalar_one()
    return at if fino_a is None else max(at, fino_a)


def close(session: Session, chiavi: Iterable[str], fino_a: datetime) -> None:
    """Close the windows up to an instant, excluded; when this transaction commits, what they hold is there to read.

    Raises: the driver's error, as OutOfService, when payments keep the windows open too long: try again.
    """
    chiavi = sorted(chiavi)
    if session.dialect.name == "postgresql":
        session.execute(_PATIENCE)
    advisory.hold(session, _WINDOWS, chiavi)
    dialect = postgresql if session.dialect.name == "postgresql" else sqlite
    statement = dialect.insert(chiusure_export).values([{"chiave": chiave, "fino_a": fino_a} for chiave in chiavi])
    later = statement.excluded.fino_a > chiusure_export.c.fino_a
    session.execute(
        statement.on_conflict_do_update(
            index_elements=[chiusure_export.c.chiave], set_={"fino_a": statement.excluded.fino_a}, where=later
        )
    )
