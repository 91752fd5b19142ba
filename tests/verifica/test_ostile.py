"""The checker on a live database: it writes nothing, sees one instant, and what cannot be read stops nothing."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DataError, DBAPIError

from hub.domain.errors import OutOfService
from hub.store import schema as s
from hub.store.database import Database
from hub.store.lettura import Lettura
from hub.usecases.verifica import CONTROLLI, verifica
from tests.verifica.mondo import Sano
from tests.verifica.test_controlli import dovuto, look, on, rotto, rt_of
from tests.world import World


@pytest.mark.parametrize("broken", ["{rotto", "", "\x00", '{"importo_cent": 1', "[" * 5000])
def test_json_that_is_broken_is_found_and_stops_nothing(sano: Sano, broken: str) -> None:
    """Among others in the column that amounts are added up from. PostgreSQL does not take it in."""
    value = "CAST(:text AS json)" if sano.world.db.is_postgresql else ":text"
    ids = {"a": dovuto(sano, sano.pagata), "b": dovuto(sano, sano.fallita), "text": broken}
    change = text(f"UPDATE dovuti SET secondario = {value}, pagatore = {value} WHERE id IN (:a, :b)").bindparams(**ids)
    if sano.world.db.is_postgresql:
        with pytest.raises(DataError), rotto(sano, change):
            pass
        return

    with rotto(sano, change) as session:
        found = look(session)

    assert {name: len(rilievi) for name, rilievi in found.items()} == {"json_leggibile": 4}


def test_a_nul_inside_json_stops_nothing_and_the_rows_beside_it_are_looked_at(sano: Sano) -> None:
    """PostgreSQL keeps such a text as json, though it cannot give it back as text."""
    value = "CAST(:text AS json)" if sano.world.db.is_postgresql else ":text"
    id = dovuto(sano, sano.pagata)
    nul = text(f"UPDATE dovuti SET secondario = {value} WHERE id = :id").bindparams(
        id=id, text='{"importo_cent": 1, "denominazione": "\\u0000"}'
    )
    other = sano.world.carrello(sano.fallita).id

    with rotto(sano, nul, on(s.carrelli, "id", other, importo_cent=1)) as session:
        found = look(session)

    assert set(found) == {"importo_carrello"}
    assert {rilievo.id for rilievo in found["importo_carrello"]} == {other}


@pytest.mark.parametrize("tratto", [1, 2, 7, 5000])
def test_bytes_that_are_no_text_are_found_in_stretches_of_any_length(sano: Sano, tratto: int) -> None:
    """PostgreSQL does not take them in."""
    value = r"convert_from('\x80ff'::bytea, 'UTF8')" if sano.world.db.is_postgresql else "CAST(x'80ff' AS TEXT)"
    id = rt_of(sano, "ORFANA")
    broken = text(f"UPDATE rt_ricevute SET stato = {value} WHERE id = {id}".replace("::", r"\:\:"))
    if sano.world.db.is_postgresql:
        with pytest.raises(DataError), rotto(sano, broken):
            pass
        return

    with rotto(sano, broken) as session:
        found = look(session, "stato_esistente", tratto=tratto)

    (rilievo,) = found["stato_esistente"]
    assert (rilievo.tabella, rilievo.id) == ("rt_ricevute", str(id))
    assert "non sa leggere" in rilievo.dettaglio


_ILLEGGIBILI = [b"\x00", b"<", b"<a/>", b"<?xml version='1.0' encoding='x'?><RT/>", b"\xff" * 99]


@pytest.mark.parametrize("raw", _ILLEGGIBILI)
def test_a_document_that_nobody_can_read_is_found(sano: Sano, raw: bytes) -> None:
    rows = [row.id for row in sano.world.rows(s.rt_ricevute)]
    statements = [on(s.rt_ricevute, "id", id, raw=raw, rt=None) for id in rows]

    with rotto(sano, *statements) as session:
        found = look(session)

    assert set(found) == {"ricevuta_intatta", "esito_carrello"}
    assert len(found["ricevuta_intatta"]) == len(rows)


def test_texts_of_people_are_never_shown(sano: Sano) -> None:
    """Even where a name stands in the column of a state or of an IUV."""
    id = sano.da_pagare.id
    statements = [
        on(s.dovuti, "id", id, iuv="Mario Rossi", iur="RSSMRA80A01H501U"),
        on(s.sessioni, "id_session", sano.pagata, stato="Mario Rossi"),
        on(s.carrelli, "id", sano.world.carrello(sano.fallita).id, stato="Mario Rossi"),
    ]

    with rotto(sano, *statements) as session:
        found = look(session)

    assert set(found) >= {"dovuto_da_pagare", "stato_esistente", "dovuto_concluso"}
    shown = repr(found)
    assert "Mario" not in shown and "RSSMRA" not in shown


def test_a_snapshot_sees_one_instant_and_cannot_write(db: Database) -> None:
    count = text("SELECT count(*) FROM iuv_blocchi")
    add = text("INSERT INTO iuv_blocchi VALUES ('12345678903', :code, 1)")

    with db.snapshot() as session:
        before = session.execute(count).scalar_one()
        with db.transaction() as other:
            other.execute(add, {"code": "01"})
        seen = session.execute(count).scalar_one()
    with pytest.raises((DBAPIError, OutOfService)), db.snapshot() as session:
        session.execute(add, {"code": "02"})
    with db.transaction() as other:
        other.execute(add, {"code": "03"})
    with db.reading() as session:
        after = session.execute(count).scalar_one()

    assert (before, seen, after) == (0, 0, 2)


def test_findings_are_counted_beyond_those_that_are_kept(world: World) -> None:
    for number in range(1, 6):
        world.lay_avviso(f"0100000000000{number}{number}44")

    (esame,) = verifica(world.db, ["iuv_sotto_contatore"], world.runtime.archivio, lambda *_: None, limit=2, tratto=2)

    assert (esame.totale, len(esame.rilievi)) == (5, 2)


def test_how_far_it_is_is_told_table_by_table(world: World) -> None:
    told: list[tuple[Any, ...]] = []

    def tell(*words: Any) -> None:
        told.append(words)

    for number in range(1, 6):
        world.lay_avviso(f"0100000000000{number}{number}44")

    list(verifica(world.db, ["iuv_unico"], world.runtime.archivio, tell, limit=2, tratto=2))

    assert told == [("iuv_unico", "dovuti", 2), ("iuv_unico", "dovuti", 4)]


def test_a_database_that_goes_away_is_no_finding(world: World) -> None:
    """A value may be to blame for a failed statement; a missing table is not a value."""
    with world.db.engine.connect() as session:
        session.execute(text("ALTER TABLE flussi_righe RENAME TO altro"))
        with pytest.raises(DBAPIError):
            list(CONTROLLI["riga_di_flusso"](Lettura(session, lambda *_: None)))
        session.rollback()
