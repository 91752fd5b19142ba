"""What every receipt asks, and every piece of a flow, is found by its index.

Row by row, a storm of them would stop the worker.
"""

from __future__ import annotations

from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import pytest
from sqlalchemy import event

from hub.store import (
    attivazioni,
    avvisi_nodo,
    carrelli,
    depositati,
    dovuti,
    outbox,
    posizioni_pubblicate,
    ricerche_ricevute,
    riscontri_fdr,
    rt_ricevute,
    sessioni,
    tentativi,
)
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
NOW = datetime(2026, 11, 22, 10, tzinfo=UTC)
FLUSSO: Any = SimpleNamespace(id=1, dominio="1", ente_id=1)
TENTATIVO: Any = SimpleNamespace(id="1", id_carrello_nodo=None, stazione_id="1")
# What the node's questions and the jobs of the worker ask, by the index that must answer: millions of rows lie beside
# the few that are meant.
BY_INDEX: dict[str, tuple[str, Any]] = {
    "versioni": ("uq_dovuti_dominio_iuv_posizione", lambda s: avvisi_nodo.versioni(s, "1", [1, 2], "3")),
    "apertura": ("autoindex_tentativi", lambda s: avvisi_nodo.apertura(s, "1", "2", NOW)),
    "answered": ("autoindex_attivazioni", lambda s: attivazioni.answered(s, "1", "2")),
    "missing": ("uq_dovuti_dominio_iuv_posizione", lambda s: ricerche_ricevute.missing(s, FLUSSO)),
    "to_pay": ("uq_dovuti_dominio_iuv_posizione", lambda s: riscontri_fdr.to_pay(s, FLUSSO, 0)),
    "count_unmatched": ("uq_dovuti_dominio_iuv_posizione", lambda s: riscontri_fdr.count_unmatched(s, FLUSSO)),
    "to_match": ("ix_rendicontazioni_stato", lambda s: riscontri_fdr.to_match(s, NOW, 50)),
    "stretch": ("uq_dovuti_ente_id_iud", lambda s: posizioni_pubblicate.stretch(s, 1, "", 500)),
    "to_pursue": ("ix_outbox_topic_chiave_id", lambda s: tentativi.to_pursue(s, ["rpt"], "recupero", NOW, 50)),
    "of_message": ("ix_outbox_chiave_id", lambda s: tentativi.of_message(s, TENTATIVO, "nodo.")),
    "by_topic": ("ix_outbox_parcheggiati", lambda s: outbox.by_topic(s)),
    "list_messages": ("ix_outbox_parcheggiati", lambda s: outbox.list_messages(s)),
    "has_delivered": ("ix_outbox_consegnati", lambda s: outbox.has_delivered(s, NOW)),
    "forget_delivered": ("ix_outbox_consegnati", lambda s: outbox.forget_delivered(s, NOW, 50)),
    "has_unpaid": ("ix_sessioni_scadute", lambda s: sessioni.has_unpaid(s, NOW)),
    "expired": ("ix_sessioni_expires_at", lambda s: sessioni.expired(s, NOW, 1)),
    "expired_carts": ("ix_tentativi_aperti", lambda s: tentativi.expired_carts(s, NOW, 1)),
}
# Of these every row that is looked at is one that is meant.
_GREAT = (
    *("dovuti", "carrelli", "tentativi", "outbox", "rt_ricevute", "sessioni", "attivazioni", "eventi_esito"),
    *("rendicontazioni", "rendicontazioni_righe", "trasferimenti_ricevute"),
)


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


@pytest.mark.parametrize("name", BY_INDEX)
def test_what_doors_and_jobs_ask_is_answered_by_an_index_of_its_own(sqlite_url: str, name: str) -> None:
    index, ask = BY_INDEX[name]
    db = Database.open(sqlite_url)

    with db.reading() as session:
        told = plans(session, ask)

    db.close()
    walks = [line for line in told if line.removeprefix("SCAN ") in _GREAT]
    assert not walks, told
    assert any(index in line for line in told), told


@pytest.mark.parametrize("name", HISTORY)
def test_history_is_looked_for_among_what_is_history(sqlite_url: str, name: str) -> None:
    db = Database.open(sqlite_url)

    with db.reading() as session:
        told = plans(session, HISTORY[name])

    db.close()
    assert told and all("ix_dovuti_storia" in line for line in told), told
