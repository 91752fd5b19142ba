"""Rows of the first version go through 0002 and keep their meaning, references included."""

from __future__ import annotations

from alembic import command
from sqlalchemy import text

from hub.formats.resources import resource
from hub.store import migrate
from hub.store.database import Database

_BEFORE = (
    "INSERT INTO stazioni (id, intermediario, password_cifrata) VALUES ('12345678903_01', '12345678903', 'x')",
    "INSERT INTO enti (id, cod_ipa_ente, codice_fiscale, nome, stato, stazione_id, codice_segregazione, iban)"
    " VALUES (1, 'C_PROVA', '12345678903', 'Comune di Prova', 'ESERCIZIO', '12345678903_01', '01', 'IT60')",
    "INSERT INTO sessioni (id_session, ente_id, stato, show_mypay, documento, created_at, expires_at, updated_at,"
    " correlation_id) VALUES ('s1', 1, 'PAGAM_IN_CORSO', 'NONE', 'x', '2026-11-20 10:00:00', '2026-11-20 11:00:00',"
    " '2026-11-20 10:00:00', 'c')",
    "INSERT INTO carrelli (id, id_session, ente_id, dominio, iuv, stato, importo_cent, created_at, updated_at)"
    " VALUES ('c1', 's1', 1, '12345678903', '01000000000000144', 'PAGAM_IN_CORSO', 1000, '2026-11-20 10:00:00',"
    " '2026-11-20 10:00:00')",
    "INSERT INTO tentativi (id, carrello_id, stazione_id, dominio, iuv, ccp, id_messaggio, rpt, rpt_sha256, stato,"
    " created_at, updated_at) VALUES ('t1', 'c1', '12345678903_01', '12345678903', '01000000000000144', 'ccp', 'm',"
    " 'x', 'x', 'ACCETTATO', '2026-11-20 10:00:00', '2026-11-20 10:00:00')",
    "INSERT INTO dovuti (id, ente_id, carrello_id, posizione, iud, iuv, tipo, importo_cent, causale, dati_specifici,"
    " scadenza, stato, created_at, updated_at) VALUES"
    " ('d1', 1, 'c1', 1, 'IUD-1', '01000000000000144', 'TARI', 1000, 'c', '9/x', '2026-12-20', 'PAGAMENTO_INIZIATO',"
    " '2026-11-20 10:00:00', '2026-11-20 10:00:00'),"
    " ('d2', 1, NULL, 1, 'IUD-2', NULL, 'TARI', 1000, 'c', '9/x', '2026-12-20', 'ANNULLATO', '2026-11-20 10:00:00',"
    " '2026-11-20 10:00:00')",
)


def _upgrade_to(db: Database, revision: str) -> None:
    config = migrate._config(resource("migrations"))
    with db.migrating() as session:
        config.attributes["connection"] = session
        command.upgrade(config, revision)


def test_old_dovuti_become_the_version_that_counts_and_cancelled_ones_history(empty_database_url):
    db = Database.open(empty_database_url)
    _upgrade_to(db, "0001")
    with db.transaction() as session:
        for statement in _BEFORE:
            session.execute(text(statement))

    _upgrade_to(db, "0002")

    with db.reading() as session:
        rows = session.execute(text("SELECT id, attuale, dominio, origine FROM dovuti ORDER BY id")).all()
        counts = [
            session.execute(text(f"SELECT count(*) FROM {name}")).scalar_one() for name in ("sessioni", "tentativi")
        ]
    db.close()
    assert [(row[0], bool(row[1]), *row[2:]) for row in rows] == [
        ("d1", True, "12345678903", "ESTERNO-ANONIMO"),
        ("d2", False, "12345678903", "ESTERNO-ANONIMO"),
    ]
    assert counts == [1, 1]
