"""Attempts without an outcome: each in the list with its next automatic step, its time and a reason; commands, metrics.

Source: node, 2.0.5, 4.5.
"""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest
from click.testing import CliRunner

from hub.cli import main
from hub.domain.delivery import Delivery, Outcome
from hub.store import circuiti, outbox, schema
from hub.usecases import recupero
from hub.usecases.tentativi_aperti import Tempi, TentativoAperto, find_aperto, list_aperti
from tests.world import STAZIONE, World

ATTESA = timedelta(minutes=30)
TEMPI = Tempi(ATTESA, {"checkout": timedelta(minutes=20)})
UNKNOWN = Delivery(Outcome.UNKNOWN, "ReadTimeoutError", is_answered=False)


def listed(world: World, **options: Any) -> list[TentativoAperto]:
    return list_aperti(world.db, TEMPI, world.clock(), **options)


def test_what_is_in_order_is_listed_only_when_asked_for(world: World):
    id_session = world.begin()
    world.relay()

    (one,) = listed(world, tutti=True)

    assert listed(world) == []
    assert one.id == world.tentativo(id_session).id
    assert one.passo == "ricerca della ricevuta: stato, pendenti, copia"
    assert (one.prossimo_at, one.operatori) == (world.clock() + ATTESA, False)


def test_a_doubt_is_listed_with_the_time_of_the_next_question_and_what_was_said(world: World):
    world.nodo.sends.append(UNKNOWN)
    world.begin()
    world.relay()
    world.clock.advance(1)
    world.nodo.states.append(Delivery(Outcome.UNKNOWN, "HTTP_404"))
    world.relay()

    (one,) = listed(world)

    assert (one.stato, one.passo) == ("SCONOSCIUTO", "domanda al nodo: stato, pendenti, copia")
    assert (one.prossimo_at, one.motivo) == (world.clock() + timedelta(seconds=2), "stato: HTTP_404")


def test_an_overdue_receipt_is_listed_until_it_comes(world: World):
    id_session = world.begin()
    world.relay()
    world.clock.advance(ATTESA.total_seconds())
    recupero.run_once(world.db, ("rpt",), ATTESA, world.clock())
    world.relay()

    (one,) = listed(world)
    assert one.passo.startswith("ricerca della ricevuta")
    assert (one.prossimo_at, one.tentativi) == (world.clock() + timedelta(minutes=10), 1)

    world.conclude(id_session, 0)
    assert listed(world, tutti=True) == []


def test_what_is_a_day_old_is_for_the_operators_and_still_has_its_next_step(world: World):
    world.nodo.sends.append(UNKNOWN)
    world.begin()
    for _ in range(40):
        world.relay()
        world.clock.advance(3600)

    (one,) = listed(world)

    assert one.operatori
    assert one.prossimo_at is not None and one.prossimo_at > world.clock() - timedelta(hours=7)


def test_a_cart_of_notices_ends_by_its_term(world: World):
    """Nobody can be asked about it: time or a receipt decides."""
    id_session = world.begin()
    world.relay()
    world.change(schema.tentativi, "id", world.tentativo(id_session).id, profilo="checkout")

    (one,) = listed(world, tutti=True)

    assert one.passo == "scadenza, se non arriva la ricevuta"
    assert one.prossimo_at == one.created_at + timedelta(minutes=20)


def test_what_a_person_has_set_aside_says_so(world: World):
    id_session = world.begin()
    with world.db.transaction() as session:
        outbox.park(session, world.messaggio(id_session).id, "in verifica", world.clock())

    (one,) = listed(world)

    assert (one.operatori, one.prossimo_at, one.motivo) == (True, None, "in verifica")


def test_every_rpt_of_a_cart_is_listed_with_the_message_of_the_cart(world: World):
    world.nodo.sends.append(UNKNOWN)
    id_session = world.begin()
    world.relay()

    (one,) = listed(world)

    assert one.messaggio == world.messaggio(id_session).id


def test_a_page_of_them_is_whole_though_most_are_in_order(world: World):
    for _ in range(5):
        world.begin()
    world.nodo.sends.extend([UNKNOWN, UNKNOWN])
    world.relay()

    assert len(listed(world, limit=2)) == 2
    assert len(listed(world, tutti=True, limit=100)) == 5


def test_one_that_has_an_outcome_is_not_found_open(world: World):
    id_session = world.attempt(0, **{"iuv": world.lay_avviso().iuv})

    assert find_aperto(world.db, world.tentativo(id_session).id, TEMPI, world.clock()) is None


# Commands.


@pytest.fixture
def cli(world: World, database_url: str, monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.setenv("PONTEPA_AMBIENTE", "sviluppo")
    monkeypatch.setenv("PONTEPA_DATABASE_URL", database_url)

    def run(*arguments: str) -> tuple[int, str]:
        result = CliRunner().invoke(main, arguments)
        return result.exit_code, result.output

    return run


def test_the_commands_tell_the_same(world: World, cli: Any):
    world.nodo.sends.append(UNKNOWN)
    id_session = world.begin()
    world.relay()

    code, text = cli("tentativo", "list", "--json")
    (one,) = json.loads(text)
    shown, table = cli("tentativo", "show", world.tentativo(id_session).id)
    missing, words = cli("tentativo", "show", "nessuno")
    stations, circuits = cli("tentativo", "circuiti", "--json")

    assert (code, one["id"], one["prossimo_at"] is not None) == (0, world.tentativo(id_session).id, True)
    assert shown == 0 and "domanda al nodo" in table
    assert missing == 1 and "sconosciuto" in words
    assert stations == 0 and [row["guasti"] for row in json.loads(circuits)] == [1]


def test_the_doctor_names_a_station_that_has_stopped_calling(world: World, cli: Any):
    with world.db.transaction() as session:
        row = circuiti.note_failure(session, STAZIONE, "nodo", "PPT_AUTENTICAZIONE", world.clock())
        circuiti.open(session, row, 1, world.clock(), world.clock())

    code, text = cli("doctor", "--json")

    found = {one["cosa"]: one for one in json.loads(text)}
    assert code == 1
    assert found[f"stazione {STAZIONE}: nodo"]["dettaglio"].endswith("PPT_AUTENTICAZIONE")
    assert found["pagamenti al nodo"]["esito"] == "bene"
