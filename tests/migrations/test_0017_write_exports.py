"""Shares of second beneficiaries that were paid before 0017 are found by their tax code afterwards."""

from __future__ import annotations

from datetime import date

from alembic import command
from sqlalchemy import text

from hub.formats.resources import resource
from hub.store import migrate
from hub.store.database import Database

_AT = "'2026-11-20 10:00:00'"
_SECONDARIO = '{"codice_fiscale": "98765432103", "importo_cent": 250}'
_BEFORE = (
    "INSERT INTO stazioni (id, intermediario, password_cifrata) VALUES ('12345678903_01', '12345678903', 'x')",
    "INSERT INTO enti (id, cod_ipa_ente, codice_fiscale, nome, stato, stazione_id, codice_segregazione, iban)"
    " VALUES (1, 'C_PROVA', '12345678903', 'Comune di Prova', 'ESERCIZIO', '12345678903_01', '01', 'IT60')",
)
_CARRELLO = (
    "INSERT INTO carrelli (id, ente_id, dominio, iuv, stato, importo_cent, rt_id, created_at, updated_at)"
    f" VALUES (:id, 1, '12345678903', :id, 'PAGATO', 1000, :rt_id, {_AT}, {_AT})"
)
_DOVUTO = (
    "INSERT INTO dovuti (id, ente_id, carrello_id, posizione, iud, iuv, tipo, importo_cent, causale, dati_specifici,"
    " secondario, stato, attuale, codice_esito, importo_pagato_cent, data_esito, created_at, updated_at) VALUES"
    " (:id, 1, :id, 1, :id, :id, 'TARI', 1000, 'c', '9/0101101IM/', :secondario, 'COMPLETATO', true, :esito,"
    f" :importo, '2026-11-20', {_AT}, {_AT})"
)
# id, receipt, second beneficiary, outcome, paid.
_DOVUTI = (
    ("pagato", 1, _SECONDARIO, 0, 1000),
    ("di uno solo", 2, None, 0, 1000),
    ("non pagato", 3, _SECONDARIO, 1, 0),
    ("pagato altrove", None, _SECONDARIO, 0, 1250),
)


def _upgrade_to(db: Database, revision: str) -> None:
    config = migrate._config(resource("migrations"))
    with db.migrating() as session:
        config.attributes["connection"] = session
        command.upgrade(config, revision)


def test_shares_with_a_receipt_are_found(empty_database_url):
    db = Database.open(empty_database_url)
    _upgrade_to(db, "0016")
    with db.transaction() as session:
        for statement in _BEFORE:
            session.execute(text(statement))
        for id, rt_id, secondario, esito, importo in _DOVUTI:
            session.execute(text(_CARRELLO), {"id": id, "rt_id": rt_id})
            values = {"id": id, "secondario": secondario, "esito": esito, "importo": importo}
            session.execute(text(_DOVUTO), values)

    _upgrade_to(db, "0017")

    with db.reading() as session:
        rows = session.execute(text("SELECT dovuto_id, codice_fiscale, data_esito FROM quote_secondarie")).all()
        dates = session.execute(
            text("SELECT count(*) FROM quote_secondarie JOIN dovuti ON id = dovuto_id"
                 " WHERE quote_secondarie.updated_at = dovuti.updated_at")
        ).scalar_one()  # fmt: skip
    db.close()
    assert [(*row[:2], str(row[2])) for row in rows] == [("pagato", "98765432103", str(date(2026, 11, 20)))]
    assert dates == 1
