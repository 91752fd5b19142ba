"""The cancellation of a whole flow: what it touches, what it leaves, how it goes on after a crash.

Source: flows, 1.5 (operator actions), 2.6.
"""

from __future__ import annotations

import threading
from typing import Any

import pytest
from sqlalchemy import Row, select, update

from hub.domain.documenti import Soggetto
from hub.domain.errors import Conflict
from hub.store import dovuti, schema
from hub.usecases import annulla_flusso as deed
from hub.usecases import deposito_dovuti
from hub.usecases.annulla_flusso import Annullamento, annulla_flusso
from tests.factories import CODICE_FISCALE
from tests.flussi import lay_flusso, lay_import, riga_di, stati_di
from tests.world import World, chi, open_world

PAYABLE, CANCELLED = ("INSERIMENTO_DOVUTO", True), ("ANNULLATO", False)


def annulla(world: World, flusso: Row[Any]) -> Annullamento:
    return list(annulla_flusso(world.db, flusso.id, "rossi", world.clock))[-1]


def row_of(world: World, flusso: Row[Any]) -> Row[Any]:
    return world.one(schema.flussi_import, id=flusso.id)


@pytest.fixture
def short(monkeypatch: pytest.MonkeyPatch) -> None:
    """Stretches of three rows."""
    monkeypatch.setattr(deed, "_RIGHE", 3)
    monkeypatch.setattr(deed, "_PAUSA_S", 0.0)


def test_every_payable_dovuto_is_cancelled_and_the_flow_with_them(world: World, short: None) -> None:
    flusso, other = lay_flusso(world, 10), lay_flusso(world, 3, "C_PROVA-F2-1_3")
    world.clock.advance(60)

    conto = annulla(world, flusso)

    assert (conto.annullati, conto.pagati, conto.in_pagamento, conto.righe, conto.is_over) == (10, 0, 0, 10, True)
    assert stati_di(world, flusso) == [CANCELLED] * 10
    assert stati_di(world, other) == [PAYABLE] * 3
    row = row_of(world, flusso)
    assert (row.stato_flusso, row.annullato_da, row.annullamento_riga) == ("ANNULLATO", "rossi", None)
    assert (row.annullato_at, row.dovuti_annullati) == (world.clock(), 10)
    assert riga_di(world, flusso, 1).updated_at == world.clock()


def test_paid_and_in_payment_stay_and_are_told(world: World, short: None) -> None:
    flusso = lay_flusso(world, 5)
    world.attempt(0, riga_di(world, flusso, 2).iuv)
    world.attempt(None, riga_di(world, flusso, 4).iuv)

    conto = annulla(world, flusso)

    assert (conto.annullati, conto.pagati, conto.in_pagamento) == (3, 1, 1)
    in_payment = ("PAGAMENTO_INIZIATO", True)
    assert stati_di(world, flusso) == [CANCELLED, ("COMPLETATO", True), CANCELLED, in_payment, CANCELLED]


def test_a_dovuto_whose_payment_failed_is_payable_and_is_cancelled_too(world: World, short: None) -> None:
    """After a failed attempt its current version is a copy, under a key that is not in file order."""
    flusso = lay_flusso(world, 5)
    world.attempt(1, riga_di(world, flusso, 2).iuv)
    copy = world.one(schema.dovuti, iud="F1-2", attuale=True)
    assert copy.id != riga_di(world, flusso, 2).id and copy.flusso_id == flusso.id

    conto = annulla(world, flusso)

    assert (conto.annullati, conto.pagati) == (5, 0)
    assert world.rows(schema.dovuti, attuale=True) == []
    assert world.one(schema.dovuti, id=copy.id).stato == "ANNULLATO"


def test_what_a_later_version_replaced_belongs_to_who_brought_it(world: World, short: None) -> None:
    old, new = lay_flusso(world, 3), lay_flusso(world, 1, "C_PROVA-F2-1_3")
    replaced = riga_di(world, old, 2)
    with world.db.transaction() as session:
        where = schema.dovuti.c.id == replaced.id
        session.execute(update(schema.dovuti).where(where).values(stato="ANNULLATO", attuale=False))
        where = schema.dovuti.c.id == riga_di(world, new, 1).id
        session.execute(update(schema.dovuti).where(where).values(iud=replaced.iud, iuv=replaced.iuv))

    assert annulla(world, old).annullati == 2
    assert stati_di(world, new) == [PAYABLE]
    assert annulla(world, new).annullati == 1


def test_iud_and_iuv_can_be_used_again(world: World) -> None:
    flusso = lay_flusso(world, 1)
    old = riga_di(world, flusso, 1)
    annulla(world, flusso)
    chiamante = world.runtime.callers.authenticate(chi(), "paaSILImportaDovuto", world.clock())
    pagatore = Soggetto(tipo="F", codice=CODICE_FISCALE, anagrafica="Mario Rossi")
    deposito = deposito_dovuti.Deposito(old.iud, old.iuv, "TARI", 5000, "x", "9/0101101IM/", pagatore, "IMPORT-DOVUTO")

    with world.db.transaction() as session:
        versione = deposito_dovuti.inserisci(session, chiamante, deposito, world.clock())

    assert world.one(schema.dovuti, iud=old.iud, attuale=True).id == versione.id


def test_after_a_crash_whoever_comes_goes_on_where_it_stopped(world: World, short: None) -> None:
    """Stopped after any stretch: the rows done stay done, none is told twice."""
    flusso = lay_flusso(world, 10)
    first = next(annulla_flusso(world.db, flusso.id, "rossi", world.clock))
    assert (first.righe, first.annullati, first.is_over) == (3, 3, False)
    assert row_of(world, flusso).stato_flusso == "ANNULLATO"
    assert stati_di(world, flusso) == [CANCELLED] * 3 + [PAYABLE] * 7

    conto = annulla(world, flusso)

    assert (conto.annullati, conto.is_over) == (10, True)
    assert stati_di(world, flusso) == [CANCELLED] * 10


def test_the_worker_ends_what_was_left_and_not_what_somebody_is_doing(world: World, short: None) -> None:
    flusso = lay_flusso(world, 10)
    next(annulla_flusso(world.db, flusso.id, "rossi", world.clock))
    assert deed.run_once(world.db, world.clock) is False
    world.clock.advance(61)

    assert deed.run_once(world.db, world.clock) is True

    assert stati_di(world, flusso) == [CANCELLED] * 10
    assert (row_of(world, flusso).dovuti_annullati, row_of(world, flusso).annullato_da) == (10, "rossi")
    assert deed.run_once(world.db, world.clock) is False


def test_once_more_cancels_what_has_come_back_from_a_payment(world: World) -> None:
    flusso = lay_flusso(world, 2)
    id_session = world.attempt(None, riga_di(world, flusso, 1).iuv)
    assert annulla(world, flusso).in_pagamento == 1
    assert annulla(world, flusso).annullati == 1
    world.conclude(id_session, 1)

    conto = annulla(world, flusso)

    assert (conto.annullati, conto.in_pagamento) == (2, 0)
    assert world.rows(schema.dovuti, attuale=True) == []


@pytest.mark.parametrize(
    ("stato", "stato_flusso", "words"),
    [
        ("IMPORT_IN_ELAB", "LOAD_FLOW", "in stato LOAD_FLOW"),
        ("IMPORT_ABORTITO", "ERRORE_CARICAMENTO", "in stato ERRORE_CARICAMENTO"),
        ("LOAD_IMPORT", None, "in stato LOAD_IMPORT"),
        ("IMPORT_IN_ELAB", "CARICATO", "in scrittura"),
    ],
)
def test_only_a_loaded_flow_is_cancelled(world: World, stato: str, stato_flusso: str | None, words: str) -> None:
    flusso = lay_import(world, stato=stato, stato_flusso=stato_flusso)

    with pytest.raises(Conflict, match=words):
        annulla(world, flusso)

    assert row_of(world, flusso) == flusso


def test_who_is_paying_at_this_moment_is_neither_stopped_nor_waited_for(postgresql_url: str) -> None:
    """The row that a payment holds is passed over; once the payment has it, it is left. SQLite has no such moment."""
    with open_world(postgresql_url) as world:
        flusso = lay_flusso(world, 3)
        done: list[Annullamento] = []
        thread = threading.Thread(target=lambda: done.append(annulla(world, flusso)))
        others = select(schema.dovuti.c.id).where(schema.dovuti.c.flusso_id == flusso.id, schema.dovuti.c.attuale)

        with world.db.transaction() as session:
            assert dovuti.take(session, riga_di(world, flusso, 2).id, at=world.clock())
            thread.start()
            for _ in range(600):
                if len(session.execute(others).all()) == 1:
                    break
                thread.join(0.05)
            else:
                raise AssertionError("the other rows were not cancelled while one was held")
        thread.join(30)

        assert (done[0].annullati, done[0].in_pagamento) == (2, 1)
        assert stati_di(world, flusso) == [CANCELLED, ("PAGAMENTO_INIZIATO", True), CANCELLED]
