"""One internal model, one transport for each profile of a station: a new one is a node and a line, no use case changes.

Source: node, recommended set (1.4).
"""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace

import pytest

from hub.domain.delivery import Delivery, Outcome, Stazione
from hub.domain.errors import Misconfigured
from hub.domain.errors_nodo import RptNonInviabile
from hub.domain.pagamento_online import PagamentoOnline
from hub.store import schema
from hub.usecases import relay_outbox
from hub.usecases.start_pagamento import TOPIC_NODO
from tests.copione import ScriptedNodo
from tests.world import INTERMEDIARIO, LIMITS, TOPIC_RPT, World

SECONDARIO = {
    "codice_fiscale": "98765432103",
    "denominazione": "Comune Vicino",
    "iban": "IT60X0542811101000000123456",
    "importo_cent": 1500,
    "dati_specifici": "9/0101101IM/",
}
URL = "https://checkout.example.org/c/1"


@dataclass
class Carrelli(ScriptedNodo):
    """A transport that sends notices, not RPTs, and may send them twice."""

    is_repeatable = True

    def write(self, pagamento: PagamentoOnline) -> bytes:
        avvisi = [f"{parte.rpt.dominio} {parte.rpt.iuv} {parte.rpt.importo_cent}" for parte in pagamento.parti]
        return f"{pagamento.id_session}: {', '.join(avvisi)}".encode()

    def send(self, stazione: Stazione, payload: bytes, correlation_id: str) -> Delivery:
        self.received.append(payload)
        return self.sends.popleft() if self.sends else Delivery(Outcome.DELIVERED, response={"url": URL})


@pytest.fixture
def carrelli(world: World) -> Carrelli:
    """The world with a second profile plugged in, of the station of all enti."""
    carrelli = Carrelli()
    world.runtime = replace(world.runtime, nodi={**world.runtime.nodi, "checkout": carrelli})
    world.change(schema.stazioni, "intermediario", INTERMEDIARIO, pagamento_online="checkout")
    return carrelli


def relay(world: World, carrelli: Carrelli) -> None:
    topics = {**world.topics(), TOPIC_NODO + "checkout": world.topics(nodo=carrelli)[TOPIC_RPT]}
    with ThreadPoolExecutor(2) as pool:
        relay_outbox.run_once(world.db, topics, pool, LIMITS, world.clock, threading.Event())


def test_a_payment_leaves_by_the_transport_of_the_stations_profile(world: World, carrelli: Carrelli):
    id_session = world.begin()

    relay(world, carrelli)

    tentativo = world.tentativo(id_session)
    assert world.messaggio(id_session).topic == "nodo.checkout"
    assert carrelli.received == [f"{id_session}: {tentativo.dominio} {tentativo.iuv} 1250".encode()]
    assert world.nodo.received == []
    assert world.sessione(id_session).url_nodo == URL
    assert tentativo.stato == "ACCETTATO"


def test_what_was_written_for_one_transport_leaves_by_it_though_the_station_has_another(
    world: World, carrelli: Carrelli
):
    id_session = world.begin()
    world.change(schema.stazioni, "intermediario", INTERMEDIARIO, pagamento_online="rpt")

    relay(world, carrelli)

    assert bytes(world.messaggio(id_session).payload) == carrelli.received[0]
    assert world.nodo.received == []


def test_what_may_be_repeated_leaves_again_without_a_question(world: World, carrelli: Carrelli):
    id_session = world.begin()
    carrelli.sends.append(Delivery(Outcome.UNKNOWN, "ReadTimeoutError"))
    relay(world, carrelli)
    world.clock.advance(1)

    relay(world, carrelli)

    assert carrelli.received[0] == carrelli.received[1] and carrelli.asked == []
    assert world.tentativo(id_session).stato == "ACCETTATO"


def test_a_profile_that_is_not_there_starts_nothing(world: World):
    world.change(schema.stazioni, "intermediario", INTERMEDIARIO, pagamento_online="checkout")
    id_session = world.invia()

    with pytest.raises(Misconfigured, match="paga con checkout"):
        world.start(id_session)

    assert world.sessione(id_session).stato == "NUOVO_CARRELLO"
    assert world.rows(schema.outbox) == []


def test_what_the_node_would_refuse_is_not_stored_and_does_not_leave(world: World):
    """Two RPTs of a multi-beneficiary cart cannot leave by the primitive that carries one."""
    world.change(schema.stazioni, "intermediario", INTERMEDIARIO, primitiva_rpt="nodoInviaRPT")
    world.lay_avviso(importo_cent=3500, secondario=SECONDARIO)
    id_session = world.verifica()

    with pytest.raises(RptNonInviabile, match="nodoInviaRPT porta una RPT sola"):
        world.start(id_session)

    assert world.sessione(id_session).stato == "NUOVO_CARRELLO"
    assert world.rows(schema.outbox) == [] and world.rows(schema.tentativi) == []
