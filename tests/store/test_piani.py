"""What every receipt asks, and every piece of a flow, is found by its index.

Row by row, a storm of them would stop the worker.
"""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from sqlalchemy import event

from hub.store import carrelli, depositati, dovuti, rt_ricevute, tentativi
from hub.store.database import Database, Session

# What a flow asks before each of its pieces.
HISTORY: dict[str, Any] = {
    "has_history": lambda session: depositati.has_history(session, 1),
    "is_history": lambda session: depositati.is_history(session, 1, ["a", "b"]),
}
KEY = SimpleNamespace(id=5, dominio="1", ccp="2")
QUESTIONS: dict[str, Any] = {
    "to_process": lambda session: rt_ricevute.to_process(session, 50, 3),
    "applicable_orphans": lambda session: rt_ricevute.applicable_orphans(session, 50),
    "earlier_with_token": lambda session: rt_ricevute.earlier_with_token(session, KEY),  # type: ignore[arg-type]
    "all_attuali": lambda session: dovuti.all_attuali(session, "1", "2"),
    "find_paid": lambda session: dovuti.find_paid(session, 1, "1"),
    "dovuti_of": lambda session: carrelli.dovuti_of(session, "1"),
    "find_open": lambda session: tentativi.find_open(session, "1"),
    "last_of": lambda session: tentativi.last_of(session, "1"),
    "find_by_key": lambda session: dovuti.find_by_key(session, 1, iuv="2"),
    "find_by_iuv": lambda session: depositati.find_by_iuv(session, 1, "2"),
}


def plans(session: Session, ask: Any) -> list[str]:
    """How SQLite answers the statements of a question."""
    found: list[str] = []

    def explain(connection: Any, cursor: Any, statement: str, values: Any, *_: Any) -> None:
        rows = connection.connection.driver_connection.execute("EXPLAIN QUERY PLAN " + statement, values)
        found.extend(row[3] for row in rows)

    event.listen(session.engine, "before_cursor_execute", explain)
    try:
        ask(session)
    finally:
        event.remove(session.engine, "before_cursor_execute", explain)
    return found


@pytest.mark.parametrize("name", QUESTIONS)
def test_a_question_of_every_receipt_is_answered_by_an_index(sqlite_url: str, name: str) -> None:
    db = Database.open(sqlite_url)

    with db.reading() as session:
        told = plans(session, QUESTIONS[name])

    db.close()
    assert told and not [line for line in told if line.startswith("SCAN")]


@pytest.mark.parametrize("name", HISTORY)
def test_history_is_looked_for_among_what_is_history(sqlite_url: str, name: str) -> None:
    db = Database.open(sqlite_url)

    with db.reading() as session:
        told = plans(session, HISTORY[name])

    db.close()
    assert told and all("ix_dovuti_storia" in line for line in told), told
