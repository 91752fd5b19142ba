"""The circuit of a station: who gets no answer stops calling, one call at a time tries again, pauses are obeyed.

Source: node, class C (2.0.4), rate limits (2.0.5).
"""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from hub.domain.delivery import Classe, Delivery, Outcome
from hub.store import schema
from hub.usecases.circuito import CODE, GUASTI_MAX, call
from tests.world import INTERMEDIARIO, LIMITS, STAZIONE, World

SILENCE = Delivery(Outcome.UNKNOWN, "ReadTimeoutError", is_answered=False)
NOT_SENT = Delivery(Outcome.TRY_AGAIN, "NewConnectionError", is_answered=False)
WRONG_PASSWORD = Delivery(Outcome.REFUSED, "PPT_AUTENTICAZIONE", classe=Classe.CONFIGURAZIONE)
WRONG_ENTE = Delivery(Outcome.REFUSED, "PPT_DOMINIO_SCONOSCIUTO", classe=Classe.CONFIGURAZIONE)
REFUSED = Delivery(Outcome.REFUSED, "PPT_SEMANTICA", classe=Classe.RICHIESTA)
TOO_MANY = Delivery(Outcome.TRY_AGAIN, "HTTP_429", retry_after_s=30.0, classe=Classe.TRANSITORIA)
GOOD = Delivery(Outcome.DELIVERED)
LASTS = timedelta(seconds=45)


def ask(world: World, answer: Delivery, stazione: str = STAZIONE, servizio: str = "nodo") -> Delivery:
    return call(world.db, stazione, servizio, lambda: answer, world.clock, LASTS)


def silence(world: World, times: int = GUASTI_MAX) -> None:
    for _ in range(times):
        ask(world, SILENCE)


def circuito(world: World) -> Any:
    return world.one(schema.circuiti, stazione_id=STAZIONE, servizio="nodo")


@pytest.mark.parametrize("failure", [SILENCE, NOT_SENT])
def test_silence_in_a_row_opens_the_circuit(world: World, failure: Delivery):
    for _ in range(GUASTI_MAX):
        assert ask(world, failure) == failure

    held = ask(world, GOOD)

    assert (held.outcome, held.code, held.is_held) == (Outcome.TRY_AGAIN, CODE, True)
    assert failure.code in held.detail


def test_an_answer_between_keeps_it_closed(world: World):
    silence(world, GUASTI_MAX - 1)
    ask(world, REFUSED)
    silence(world, GUASTI_MAX - 1)

    assert ask(world, GOOD) == GOOD
    assert circuito(world).guasti == 0


@pytest.mark.parametrize("code", ["PPT_AUTENTICAZIONE", "PPT_STAZIONE_INT_PA_DISABILITATA", "HTTP_401", "HTTP_403"])
def test_a_refusal_of_the_station_opens_it_at_once(small_world: World, code: str):
    ask(small_world, replace(WRONG_PASSWORD, code=code))

    assert ask(small_world, GOOD).is_held
    assert circuito(small_world).ultimo_codice == code


def test_one_ente_that_the_node_does_not_know_does_not_stop_the_others(world: World):
    for _ in range(GUASTI_MAX * 2):
        ask(world, WRONG_ENTE)
        assert ask(world, GOOD) == GOOD


def test_a_station_of_which_the_node_knows_no_ente_stops(world: World):
    for _ in range(GUASTI_MAX):
        ask(world, WRONG_ENTE)

    assert ask(world, GOOD).is_held


def test_stations_and_services_have_circuits_of_their_own(world: World):
    world.lay(schema.stazioni, id="12345678903_02", intermediario=INTERMEDIARIO, password_cifrata="-")
    silence(world)

    assert ask(world, GOOD).is_held
    assert ask(world, GOOD, stazione="12345678903_02") == GOOD
    assert ask(world, GOOD, servizio="checkout") == GOOD


def test_one_call_probes_and_its_answer_closes_the_circuit(world: World):
    silence(world)
    world.clock.advance(5)
    seen: list[Delivery] = []

    def probe() -> Delivery:
        seen.append(ask(world, GOOD))
        return GOOD

    assert call(world.db, STAZIONE, "nodo", probe, world.clock, LASTS) == GOOD
    assert seen[0].is_held
    assert ask(world, GOOD) == GOOD
    assert (circuito(world).aperto_at, circuito(world).aperture, circuito(world).guasti) == (None, 0, 0)


def test_a_probe_without_an_answer_makes_the_pause_longer(world: World):
    silence(world)
    opened_at = circuito(world).aperto_at
    pauses = []
    for _ in range(8):
        row = circuito(world)
        pauses.append(int((row.riprova_at - world.clock()).total_seconds()))
        world.clock.now = row.riprova_at
        ask(world, SILENCE)

    assert pauses == [5, 15, 30, 60, 120, 300, 300, 300]
    assert circuito(world).aperto_at == opened_at


def test_calls_that_were_under_way_when_it_opened_do_not_make_the_pause_longer(world: World):
    def late() -> Delivery:
        silence(world)
        return SILENCE

    call(world.db, STAZIONE, "nodo", late, world.clock, LASTS)

    assert circuito(world).aperture == 1


def test_a_probe_that_died_lets_another_one_probe(world: World):
    silence(world)
    world.clock.advance(5)

    def dies() -> Delivery:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        call(world.db, STAZIONE, "nodo", dies, world.clock, LASTS)

    assert ask(world, GOOD).is_held
    world.clock.advance(LASTS.total_seconds())
    assert ask(world, GOOD) == GOOD


def test_a_pause_that_is_asked_for_is_obeyed_by_the_whole_station(world: World):
    assert ask(world, TOO_MANY) == TOO_MANY

    world.clock.advance(29)
    assert ask(world, GOOD).is_held
    world.clock.advance(1)
    assert ask(world, GOOD) == GOOD
    assert circuito(world).aperto_at is None


def test_too_many_requests_without_a_pause_wait_as_long_as_the_gateway_counts(world: World):
    ask(world, replace(TOO_MANY, retry_after_s=None))

    world.clock.advance(9)
    assert ask(world, GOOD).is_held
    world.clock.advance(1)
    assert ask(world, GOOD) == GOOD


# Through the relay.


def test_messages_are_held_as_they_are_and_leave_when_the_circuit_closes(world: World):
    sessions = [world.begin() for _ in range(3)]
    silence(world)

    world.relay()

    held = [world.messaggio(one) for one in sessions]
    assert [(row.stato, row.attempts, row.last_code) for row in held] == [("DA_INVIARE", 0, CODE)] * 3
    assert "circuito della stazione aperto" in held[0].motivo
    assert world.nodo.received == []
    for _ in range(2):
        world.clock.advance(5)
        world.relay()
    assert {world.tentativo(one).stato for one in sessions} == {"ACCETTATO"}
    assert [world.messaggio(one).attempts for one in sessions] == [1, 1, 1]


def test_a_doubt_that_is_held_stays_a_doubt(world: World):
    id_session = world.begin()
    world.nodo.sends.append(SILENCE)
    world.relay()
    silence(world)
    world.clock.advance(2)

    world.relay()

    row = world.messaggio(id_session)
    assert (row.stato, row.attempts, row.last_code) == ("SCONOSCIUTO", 1, CODE)
    assert world.nodo.asked == []


def test_a_wrong_password_costs_one_payment_and_no_more(world: World):
    first, *others = [world.begin() for _ in range(4)]
    world.nodo.sends.append(WRONG_PASSWORD)

    world.relay(replace(LIMITS, slots=1))

    assert world.tentativo(first).stato == "RIFIUTATO"
    assert {world.tentativo(one).stato for one in others} == {"DA_INVIARE"}
    assert len(world.nodo.received) == 1
