"""A state changes by one UPDATE that names the state that was read; what money depends on is unique in the database."""

from __future__ import annotations

import pytest
from sqlalchemy.exc import IntegrityError

from hub.domain.errors import Conflict
from hub.domain.stati import StatoCarrello, StatoTentativo
from hub.store import carrelli, schema, tentativi
from tests.world import World


def test_a_state_that_changed_meanwhile_is_a_conflict(world):
    row = world.carrello(world.begin())
    world.change(schema.carrelli, "id", row.id, stato="SCADUTO")

    with pytest.raises(Conflict), world.db.transaction() as session:
        carrelli.move(session, row, to=StatoCarrello.PAGATO, at=world.clock())

    assert world.one(schema.carrelli, id=row.id).stato == "SCADUTO"


def test_a_step_that_is_not_drawn_is_a_conflict(world):
    row = world.carrello(world.begin())

    with pytest.raises(Conflict), world.db.transaction() as session:
        carrelli.move(session, row, to=StatoCarrello.ABORT, at=world.clock())

    assert world.one(schema.carrelli, id=row.id).stato == "PAGAM_IN_CORSO"


def test_a_legal_step_is_written_with_its_columns_and_time(world):
    row = world.tentativo(world.begin())
    world.clock.advance(5)

    with world.db.transaction() as session:
        tentativi.move(session, row, to=StatoTentativo.RIFIUTATO, at=world.clock(), fault_code="PPT_SEMANTICA")

    found = world.one(schema.tentativi, id=row.id)
    assert (found.stato, found.fault_code, found.updated_at) == ("RIFIUTATO", "PPT_SEMANTICA", world.clock())


def lay_twin(world: World, table: str, **changes: str) -> None:
    """Another row like the one that is there, but for `changes`."""
    target = schema.metadata.tables[table]
    (row,) = world.rows(target)
    world.lay(target, **(row._asdict() | changes))


def test_an_iud_is_unique_for_its_ente(world):
    world.begin()

    with pytest.raises(IntegrityError):
        lay_twin(world, "dovuti", id="x" * 32)


def test_a_cancelled_dovuto_leaves_its_iud_to_another(world):
    world.begin()

    lay_twin(world, "dovuti", id="x" * 32, stato="ANNULLATO", attuale=False)

    assert len(world.rows(schema.dovuti)) == 2


def test_an_iuv_is_unique_for_its_dominio(world):
    world.begin()

    with pytest.raises(IntegrityError):
        lay_twin(world, "carrelli", id="x" * 32)


def test_a_carrello_has_one_open_attempt(world):
    world.begin()

    with pytest.raises(IntegrityError):
        lay_twin(world, "tentativi", id="x" * 32, ccp="altro", id_messaggio="altro")


def test_a_closed_attempt_leaves_room_for_another_with_another_ccp(world):
    id_session = world.begin()
    world.change(schema.tentativi, "id", world.tentativo(id_session).id, stato="CHIUSO")

    lay_twin(world, "tentativi", id="x" * 32, ccp="altro", id_messaggio="altro", stato="DA_INVIARE")

    assert len(world.rows(schema.tentativi)) == 2


def test_a_ccp_is_never_used_twice_for_an_iuv(world):
    id_session = world.begin()
    world.change(schema.tentativi, "id", world.tentativo(id_session).id, stato="CHIUSO")

    with pytest.raises(IntegrityError):
        lay_twin(world, "tentativi", id="x" * 32, id_messaggio="altro")


def test_instants_come_back_aware_and_in_utc(world):
    id_session = world.invia()

    found = world.sessione(id_session).created_at

    assert found == world.clock() and found.utcoffset().total_seconds() == 0
