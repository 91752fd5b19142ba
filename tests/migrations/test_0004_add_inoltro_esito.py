"""What waited in the outbox before 0004 learns whose it is."""

from __future__ import annotations

from alembic import command
from sqlalchemy import text

from hub.formats.resources import resource
from hub.store import migrate
from hub.store.database import Database

_AT = "'2026-11-20 10:00:00'"
_BEFORE = (
    "INSERT INTO stazioni (id, intermediario, password_cifrata) VALUES ('12345678903_01', '12345678903', 'x')",
    "INSERT INTO enti (id, cod_ipa_ente, codice_fiscale, nome, stato, stazione_id, codice_segregazione, iban)"
    " VALUES (7, 'C_PROVA', '12345678903', 'Comune di Prova', 'ESERCIZIO', '12345678903_01', '01', 'IT60')",
    "INSERT INTO carrelli (id, ente_id, dominio, iuv, stato, importo_cent, created_at, updated_at)"
    f" VALUES ('c1', 7, '12345678903', '01000000000000144', 'PAGAM_IN_CORSO', 1000, {_AT}, {_AT})",
    "INSERT INTO tentativi (id, carrello_id, stazione_id, dominio, iuv, ccp, id_messaggio, rpt, rpt_sha256, stato,"
    " created_at, updated_at) VALUES ('t1', 'c1', '12345678903_01', '12345678903', '01000000000000144', 'ccp', 'm',"
    f" 'x', 'x', 'DA_INVIARE', {_AT}, {_AT})",
    "INSERT INTO outbox (topic, chiave, payload, stato, next_attempt_at, correlation_id, created_at) VALUES"
    f" ('nodo.rpt', 't1', 'x', 'DA_INVIARE', {_AT}, 'c', {_AT}), ('altro', 't1', 'x', 'DA_INVIARE', {_AT}, 'c', {_AT})",
)


def _upgrade_to(db: Database, revision: str) -> None:
    config = migrate._config(resource("migrations"))
    with db.migrating() as session:
        config.attributes["connection"] = session
        command.upgrade(config, revision)


def test_a_waiting_attempt_belongs_to_the_ente_of_its_carrello(empty_database_url):
    db = Database.open(empty_database_url)
    _upgrade_to(db, "0003")
    with db.transaction() as session:
        for statement in _BEFORE:
            session.execute(text(statement))

    _upgrade_to(db, "0004")

    with db.reading() as session:
        rows = session.execute(text("SELECT topic, ente_id FROM outbox ORDER BY topic")).all()
        ente = session.execute(text("SELECT inoltro_esito, url_archivio_esterno FROM enti")).one()
    db.close()
    assert [tuple(row) for row in rows] == [("altro", None), ("nodo.rpt", 7)]
    assert (bool(ente[0]), ente[1]) == (False, None)
