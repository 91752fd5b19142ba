"""What is kept of the configuration: read again when it changed, whoever changed it, and not when nothing did."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta

import pytest
from sqlalchemy import event

from hub.domain.credenziali import Genere, NuovaCredenziale
from hub.store import credenziali, enti, revisione, schema, stazioni, tipi
from hub.store.anagrafe import Anagrafe
from hub.store.database import Database, Session
from tests.world import INTERMEDIARIO, STAZIONE, World, small_world, world

__all__ = ["small_world", "world"]


@contextmanager
def statements(db: Database) -> Iterator[list[str]]:
    """The statements that a database runs meanwhile."""
    seen: list[str] = []

    def note(_connection, _cursor, statement, *_rest):
        seen.append(statement)

    event.listen(db.engine, "before_cursor_execute", note)
    yield seen
    event.remove(db.engine, "before_cursor_execute", note)


def read_all(anagrafe: Anagrafe, world: World) -> list[object]:
    now = world.clock()
    return [
        anagrafe.find("C_PROVA", now), anagrafe.find("C_NESSUNO", now), anagrafe.find_by_id(1, now),
        anagrafe.find_amministratore(now), anagrafe.of_dominio(INTERMEDIARIO, now),
        anagrafe.stazione(STAZIONE, INTERMEDIARIO, now), anagrafe.passwords_most(now),
    ]  # fmt: skip


def test_what_did_not_change_is_not_read_again(small_world: World) -> None:
    anagrafe = Anagrafe(small_world.db, ttl_s=0.0)
    first = read_all(anagrafe, small_world)

    with statements(small_world.db) as seen:
        again = read_all(anagrafe, small_world)

    assert [one is other for one, other in zip(first, again, strict=True)] == [True] * len(first)
    assert {statement.split("FROM ")[1].split()[0] for statement in seen if "FROM" in statement} == {
        "revisione_configurazione"
    }


def a_credential(session: Session, world: World) -> None:
    nuova = NuovaCredenziale(Genere.PASSWORD, hash="x")
    credenziali.add(session, 1, nuova, world.clock(), id=900, applicazione="nuova")


CHANGES: dict[str, Callable[[Session, World], None]] = {
    "enti.add": lambda session, world: enti_add(session, world),
    "enti.change": lambda session, _: enti.change(session, 1, nome="Comune Nuovo"),
    "stazioni.add": lambda session, _: stazioni.add(
        session, id="12345678903_07", intermediario=INTERMEDIARIO, password_cifrata="-"
    ),
    "stazioni.change": lambda session, _: stazioni.change(session, STAZIONE, intermediario="98765432103"),
    "tipi.add": lambda session, world: tipi.add(session, **of_tari(session, "NUOVO")),
    "tipi.add_if_missing": lambda session, world: tipi.add_if_missing(session, **of_tari(session, "NUOVO")),
    "tipi.change": lambda session, _: tipi.change(session, 1, descrizione="Altra"),
    "credenziali.add": a_credential,
    "credenziali.change": lambda session, _: credenziali.change(session, 1, applicazione="altra"),
    "credenziali.revoke": lambda session, world: credenziali.revoke(session, 1, world.clock()),
}


def of_tari(session: Session, codice: str) -> dict[str, object]:
    row = tipi.find(session, 1, "TARI")
    assert row is not None
    return dict(row._mapping) | {"id": 900, "codice": codice}


def enti_add(session: Session, world: World) -> None:
    row = enti.by_id(session, 1)
    enti.add(session, **dict(row._mapping) | {"id": 900, "cod_ipa_ente": "C_NUOVO"})


@pytest.mark.parametrize("name", CHANGES)
def test_every_writer_of_the_configuration_moves_its_number_on(world: World, name: str) -> None:
    with world.db.reading() as session:
        before = revisione.numero(session)

    with world.db.transaction() as session:
        CHANGES[name](session, world)
        CHANGES["enti.change"](session, world)

    with world.db.reading() as session:
        after = revisione.numero(session)
    assert after > before
    if world.db.is_postgresql:
        assert after == before + 1, "once for a transaction"


def test_a_tipo_that_is_there_already_changes_nothing(world: World) -> None:
    with world.db.reading() as session:
        before = revisione.numero(session)

    with world.db.transaction() as session:
        tipi.add_if_missing(session, **of_tari(session, "TARI"))

    with world.db.reading() as session:
        assert revisione.numero(session) == before


def test_a_change_is_seen_by_another_process_and_one_that_was_rolled_back_by_nobody(
    world: World, database_url: str
) -> None:
    other = Database.open(database_url)
    anagrafe = Anagrafe(other, ttl_s=0.0)
    read_all(anagrafe, world)

    with world.db.transaction() as session:
        enti.change(session, 1, nome="Comune Nuovo")
    seen = anagrafe.find("C_PROVA", world.clock())
    with pytest.raises(ZeroDivisionError), world.db.transaction() as session:
        enti.change(session, 1, nome="Comune Mai Visto")
        raise ZeroDivisionError

    assert seen is not None and seen.ente.nome == "Comune Nuovo"
    assert anagrafe.of_dominio(INTERMEDIARIO, world.clock())[0].nome == "Comune Nuovo"
    other.close()


def test_a_credential_that_ends_by_itself_is_forgotten_at_its_end(small_world: World) -> None:
    anagrafe = Anagrafe(small_world.db)
    ends = small_world.clock() + timedelta(minutes=10)
    small_world.change(schema.credenziali, "ente_id", 1, expires_at=ends)

    before = anagrafe.find_by_id(1, ends - timedelta(seconds=1))
    after = anagrafe.find_by_id(1, ends)

    assert before is not None and before.credenziali
    assert after is not None and after.credenziali == ()
