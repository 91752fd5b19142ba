"""Receipts that were kept before 0024 are those of paaInviaRT."""

from __future__ import annotations

from alembic import command
from sqlalchemy import text

from hub.formats.resources import resource
from hub.store import migrate, rt_ricevute
from hub.store.database import Database

_RICEVUTA = (
    "INSERT INTO rt_ricevute (dominio, iuv, ccp, stazione_id, sha256, raw, stato, correlation_id, received_at) VALUES"
    " ('12345678903', '01000000000000144', 'ccp', '12345678903_01', 'x', 'x', 'RICEVUTA', 'c', '2026-11-20 10:00:00')"
)


def test_a_receipt_that_was_kept_before_waits_as_it_did(empty_database_url):
    db = Database.open(empty_database_url)
    config = migrate._config(resource("migrations"))
    for revision in ("0023", "0024"):
        with db.migrating() as session:
            config.attributes["connection"] = session
            command.upgrade(config, revision)
            if revision == "0023":
                session.execute(text(_RICEVUTA))

    with db.reading() as session:
        (waiting,) = rt_ricevute.to_process(session, 10)
        row = rt_ricevute.by_id(session, waiting)

    db.close()
    assert (row.primitiva, row.stato, row.rt, row.segnalazioni) == ("paaInviaRT", "RICEVUTA", None, None)
