"""Open notices are kept at the platform too: in order for each position, once in effect, whatever happens on the way.

The real client speaks to the simulated archive on a socket. Source: node, ACA and debt positions (2.13).
"""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import date
from typing import Any

import pytest
from click.testing import CliRunner
from sqlalchemy import delete, insert

from adapters.nodo.fake import SimulatorServer, create_simulator
from adapters.posizioni.client import PosizioniClient
from hub.cli import main
from hub.domain.documenti import Organizzazione, Soggetto
from hub.store import circuiti, posizioni_pubblicate, schema
from hub.usecases import circuito, pubblica_posizioni, relay_outbox
from hub.usecases.deposito_dovuti import Deposito, annulla, inserisci, modifica
from hub.usecases.pubblica_posizioni import TOPIC_POSIZIONI, build_topic, queue_posizioni
from hub.usecases.registra_pagamento import PagamentoEsterno, registra_pagamento
from tests.adapters.simulated import post_json, provoke
from tests.carrelli import PRIMA
from tests.world import LIMITS, STAZIONE, World, chi

IUV = "01100000000000148"
DEPOSITO = Deposito(
    iud="IUD-1",
    iuv=IUV,
    tipo="TARI",
    importo_cent=5000,
    commissione_cent=None,
    causale="Tassa rifiuti 2026",
    dati_specifici="9/0101101IM/",
    bilancio_xml=None,
    scadenza=date(2099, 3, 31),
    tipo_versamento="ALL",
    pagatore=Soggetto("F", "RSSMRA80A01H501U", "Mario Rossi"),
    secondario=None,
    origine="IMPORT-DOVUTO",
)


@dataclass
class Archivio:
    """The world whose Comune di Prova publishes, and the platform that it publishes to."""

    world: World
    simulator: SimulatorServer

    def relay(self) -> None:
        """Send what waits, however long it would have to wait."""
        for _ in range(4):
            self.tick()
            self.world.clock.advance(3600)

    def tick(self) -> None:
        """Send what is due now."""
        world = self.world
        client = PosizioniClient(self.simulator.url)
        topics = {TOPIC_POSIZIONI: build_topic(world.db, client, world.runtime.cassaforte, world.clock, LIMITS.margin)}
        with ThreadPoolExecutor(2) as pool:
            relay_outbox.run_once(world.db, topics, pool, LIMITS, world.clock, threading.Event())

    def do(self, deed: Any, *args: Any, **more: Any) -> None:
        world = self.world
        with world.db.transaction() as session:
            deed(session, self.chiamante(), *args, world.clock(), **more)

    def chiamante(self) -> Any:
        return self.world.runtime.callers.authenticate(chi(), "paaSILImportaDovuto", self.world.clock())

    def there(self) -> dict[str, tuple[int, str, int]]:
        """What the platform has: amount, state and number of versions by IUV."""
        found = self.simulator.simulator.piattaforma.posizioni.as_json()["posizioni"]
        return {one["iuv"]: (one["importo_cent"], one["stato"], one["versioni"]) for one in found}

    def calls(self) -> int:
        messaggi = self.simulator.simulator.ledger.as_json()["messaggi"]
        return len([one for one in messaggi if one["operazione"] == "positions"])

    def told(self) -> list[str]:
        return [row.stato for row in self.world.rows(schema.posizioni_pubblicate)]


@pytest.fixture
def archivio(world: World) -> Iterator[Archivio]:
    sealed = world.runtime.cassaforte.seal(PRIMA)
    with world.db.transaction() as session:
        row = {"stazione_id": STAZIONE, "servizio": "posizioni", "chiave_cifrata": sealed, "versione": 2}
        session.execute(insert(schema.servizi_rest), row)
    world.change(schema.enti, "id", 1, pubblica_posizioni=True)
    server = SimulatorServer("127.0.0.1", 0, create_simulator("http://127.0.0.1:1", seed=7))
    server.start()
    yield Archivio(world, server)
    server.close()


@pytest.fixture
def cli(archivio: Archivio, database_url: str, monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.setenv("PONTEPA_AMBIENTE", "sviluppo")
    monkeypatch.setenv("PONTEPA_DATABASE_URL", database_url)

    def run(*arguments: str) -> tuple[int, str]:
        result = CliRunner().invoke(main, arguments)
        return result.exit_code, result.output

    return run


def test_a_new_notice_is_published_with_what_is_owed(archivio: Archivio) -> None:
    archivio.do(inserisci, DEPOSITO)
    archivio.relay()

    assert archivio.there() == {IUV: (5000, "VALID", 1)} and archivio.told() == ["PUBBLICATA"]


def test_changes_arrive_in_their_order(archivio: Archivio) -> None:
    archivio.do(inserisci, DEPOSITO)
    archivio.do(modifica, replace(DEPOSITO, importo_cent=6000), are_15_admitted=False)
    archivio.do(modifica, replace(DEPOSITO, importo_cent=7000), are_15_admitted=False)
    archivio.relay()

    assert archivio.there() == {IUV: (7000, "VALID", 3)} and archivio.calls() == 3


def test_what_does_not_change_is_not_published_again(archivio: Archivio) -> None:
    archivio.do(inserisci, DEPOSITO)
    archivio.do(modifica, replace(DEPOSITO, commissione_cent=10), are_15_admitted=False)
    archivio.relay()

    assert archivio.calls() == 1


def test_a_cancelled_notice_is_closed(archivio: Archivio) -> None:
    archivio.do(inserisci, DEPOSITO)
    archivio.do(annulla, DEPOSITO.iud, "TARI")
    archivio.relay()

    assert archivio.there() == {IUV: (0, "INVALID", 2)} and archivio.told() == ["CHIUSA"]


def test_a_notice_paid_elsewhere_is_closed(archivio: Archivio) -> None:
    world = archivio.world
    archivio.do(inserisci, DEPOSITO)
    outside = PagamentoEsterno(IUV, 5000, date(2026, 5, 4), "IUR-1", Organizzazione("B", "BANCA", "Banca"))
    registra_pagamento(world.db, world.runtime.callers, chi(), outside, world.clock())
    archivio.relay()

    assert archivio.there() == {IUV: (0, "INVALID", 2)}


def test_what_the_platform_knows_as_paid_needs_no_closing(archivio: Archivio) -> None:
    archivio.do(inserisci, DEPOSITO)
    archivio.relay()
    set_stato(archivio, "PAID")
    archivio.do(annulla, DEPOSITO.iud, "TARI")
    archivio.relay()

    assert archivio.told() == ["CHIUSA"] and archivio.there()[IUV][1] == "PAID"


def test_what_is_paid_there_and_open_here_is_told_as_refused(archivio: Archivio) -> None:
    archivio.do(inserisci, DEPOSITO)
    archivio.relay()
    set_stato(archivio, "PAID")
    archivio.do(modifica, replace(DEPOSITO, importo_cent=6000), are_15_admitted=False)
    archivio.relay()

    (row,) = archivio.world.rows(schema.posizioni_pubblicate)
    assert row.stato == "RIFIUTATA" and "PAID" in row.motivo
    assert [one.stato for one in archivio.world.rows(schema.outbox)] == ["CONSEGNATO", "PARCHEGGIATO"]


def set_stato(archivio: Archivio, stato: str) -> None:
    words = {"codice_fiscale": "12345678903", "iuv": IUV, "stato": stato}
    assert post_json(archivio.simulator, "/api/posizioni", words).status == 200


@pytest.mark.parametrize("kind", ["lost_before", "lost_after", "http_500", "garbage", "close", "twice", "http_429"])
def test_whatever_happens_on_the_way_it_is_there_once(archivio: Archivio, kind: str) -> None:
    provoke(archivio.simulator, "positions", kind, times=1)
    archivio.do(inserisci, DEPOSITO)
    archivio.relay()

    assert archivio.there() == {IUV: (5000, "VALID", 1)} and archivio.told() == ["PUBBLICATA"]


def held(archivio: Archivio) -> list[tuple[str, int, str]]:
    return [(one.stato, one.attempts, one.last_code) for one in archivio.world.rows(schema.outbox)]


def test_a_platform_that_is_down_is_left_alone_and_the_station_pays_on(archivio: Archivio) -> None:
    world = archivio.world
    with world.db.transaction() as session:
        for _ in range(circuito.GUASTI_MAX - 1):
            circuiti.note_failure(session, STAZIONE, "posizioni", "HTTP_500", world.clock())
    provoke(archivio.simulator, "positions", "http_500", times=1)
    archivio.do(inserisci, DEPOSITO)
    archivio.tick()
    archivio.do(inserisci, replace(DEPOSITO, iud="IUD-2", iuv="01100000000000249"))
    archivio.tick()

    assert held(archivio)[1] == ("DA_INVIARE", 0, circuito.CODE) and archivio.calls() == 1
    assert [row.servizio for row in world.rows(schema.circuiti) if row.aperto_at is not None] == ["posizioni"]
    id_session = world.begin()
    world.relay()
    assert world.tentativo(id_session).stato == "ACCETTATO"
    archivio.relay()
    assert {stato for _, stato, _ in archivio.there().values()} == {"VALID"} and len(archivio.there()) == 2
    assert [row.aperto_at for row in world.rows(schema.circuiti)] == [None]


def test_a_pause_that_the_platform_asks_for_holds_every_position(archivio: Archivio) -> None:
    provoke(archivio.simulator, "positions", "http_429", times=1, seconds=600)
    archivio.do(inserisci, DEPOSITO)
    archivio.tick()
    archivio.do(inserisci, replace(DEPOSITO, iud="IUD-2", iuv="01100000000000249"))
    archivio.world.clock.advance(599)
    archivio.tick()

    assert held(archivio)[1] == ("DA_INVIARE", 0, circuito.CODE) and archivio.there() == {}
    archivio.relay()
    assert len(archivio.there()) == 2


def test_a_station_without_a_key_has_no_circuit(archivio: Archivio) -> None:
    with archivio.world.db.transaction() as session:
        session.execute(delete(schema.servizi_rest))
    archivio.do(inserisci, DEPOSITO)
    archivio.relay()

    assert held(archivio) == [("PARCHEGGIATO", 1, "SENZA_CHIAVE")] and archivio.world.rows(schema.circuiti) == []


def test_a_key_that_nobody_knows_is_set_aside_for_an_operator(archivio: Archivio) -> None:
    archivio.simulator.simulator.piattaforma.door.chiavi = frozenset({"un'altra chiave che vale"})
    archivio.do(inserisci, DEPOSITO)
    archivio.relay()

    (message,) = archivio.world.rows(schema.outbox)
    assert (message.stato, message.last_code) == ("PARCHEGGIATO", "HTTP_401") and archivio.there() == {}


def test_an_ente_that_does_not_publish_leaves_no_message(archivio: Archivio) -> None:
    archivio.world.change(schema.enti, "id", 1, pubblica_posizioni=False)
    archivio.do(inserisci, DEPOSITO)

    assert archivio.world.rows(schema.outbox) == []


@pytest.mark.parametrize(
    "values",
    [
        {"origine": "ESTERNO-ANONIMO"},
        {"iuv": "RF63019900000000000010000"},
        {"iuv_volatile": True},
    ],
    ids=["of_a_session", "no_notice", "drawn_for_an_attempt"],
)
def test_what_the_platform_cannot_say_is_not_published(archivio: Archivio, values: dict[str, Any]) -> None:
    world = archivio.world
    row = world.lay_avviso(**({"iuv": IUV} | values))

    with world.db.transaction() as session:
        assert queue_posizioni(session, 1, [row.iuv], world.clock()) == 0


QUOTA = {
    "codice_fiscale": "98765432103", "denominazione": "Provincia di Prova", "iban": "IT60X0542811101000000123456",
    "importo_cent": 250, "dati_specifici": "9/0201102IM/",
}  # fmt: skip
MARCA = {"tipo_bollo": "01", "hash_documento": "aGFzaA==", "provincia_residenza": "RM"}


def queue(archivio: Archivio) -> int:
    with archivio.world.db.transaction() as session:
        return queue_posizioni(session, 1, [IUV], archivio.world.clock())


def there_whole(archivio: Archivio) -> dict[str, Any]:
    (found,) = archivio.simulator.simulator.piattaforma.posizioni.as_json()["posizioni"]
    return dict(json.loads(found["corpo"])["paymentOption"][0])


def test_a_second_beneficiary_is_published_with_his_transfer(archivio: Archivio) -> None:
    archivio.world.lay_avviso(iuv=IUV, secondario=QUOTA)
    queue(archivio)
    archivio.relay()

    assert archivio.there() == {IUV: (5250, "VALID", 1)} and archivio.told() == ["PUBBLICATA"]
    option = there_whole(archivio)
    lines = [(one["organizationFiscalCode"], one["amount"], one["category"]) for one in option["transfer"]]
    assert lines == [("12345678903", 5000, "9/0101101IM/"), ("98765432103", 250, "9/0201102IM/")]
    assert queue(archivio) == 0


def test_a_stamp_is_published_as_such(archivio: Archivio) -> None:
    archivio.world.lay_avviso(iuv=IUV, marca=MARCA, tipo="MARCA_BOLLO_DIGITALE", importo_cent=1600)
    queue(archivio)
    archivio.relay()

    (line,) = there_whole(archivio)["transfer"]
    assert line["stamp"]["hashDocument"] == "aGFzaA==" and "iban" not in line


def test_what_was_of_one_account_may_get_another_and_lose_it(archivio: Archivio) -> None:
    world = archivio.world
    world.lay_avviso(iuv=IUV)
    for secondario in (None, QUOTA, None):
        world.change(schema.dovuti, "iuv", IUV, secondario=secondario)
        queue(archivio)
        archivio.relay()

    assert archivio.there() == {IUV: (5000, "VALID", 3)}


def test_what_has_several_transfers_is_closed_like_any_other(archivio: Archivio) -> None:
    archivio.world.lay_avviso(iuv=IUV, secondario=QUOTA)
    queue(archivio)
    archivio.relay()
    archivio.world.change(schema.dovuti, "iuv", IUV, stato="ANNULLATO", attuale=False)
    queue(archivio)
    archivio.relay()

    assert archivio.there() == {IUV: (0, "INVALID", 2)} and archivio.told() == ["CHIUSA"]


@pytest.mark.parametrize("kind", ["lost_before", "lost_after", "http_500", "garbage", "twice", "http_429"])
def test_a_whole_position_is_there_once_whatever_happens(archivio: Archivio, kind: str) -> None:
    provoke(archivio.simulator, "positions", kind, times=1)
    archivio.world.lay_avviso(iuv=IUV, secondario=QUOTA)
    queue(archivio)
    archivio.relay()

    assert archivio.there() == {IUV: (5250, "VALID", 1)} and archivio.told() == ["PUBBLICATA"]


def test_what_is_not_admitted_is_listed_with_its_reason_until_it_is(archivio: Archivio, cli: Any) -> None:
    world = archivio.world
    world.lay_avviso(iuv=IUV, marca={**MARCA, "provincia_residenza": "Roma"})

    assert queue(archivio) == 0 and queue(archivio) == 0
    code, text = cli("ente", "posizioni", "--ente", "C_PROVA", "--json")
    (listed,) = json.loads(text)
    assert (code, listed["iuv"], listed["stato"]) == (0, IUV, "NON_AMMESSA") and "marca da bollo" in listed["motivo"]
    world.change(schema.dovuti, "iuv", IUV, marca=MARCA)
    assert queue(archivio) == 1
    archivio.relay()
    assert archivio.told() == ["PUBBLICATA"] and json.loads(cli("ente", "posizioni", "--json")[1]) == []


def test_what_is_there_and_not_admitted_any_more_is_closed_and_listed(archivio: Archivio, cli: Any) -> None:
    world = archivio.world
    world.lay_avviso(iuv=IUV)
    queue(archivio)
    archivio.relay()
    world.change(schema.dovuti, "iuv", IUV, marca={**MARCA, "provincia_residenza": "Roma"})
    queue(archivio)
    archivio.relay()

    assert archivio.there() == {IUV: (0, "INVALID", 2)} and archivio.told() == ["NON_AMMESSA"]
    world.change(schema.dovuti, "iuv", IUV, stato="ANNULLATO", attuale=False)
    queue(archivio)
    assert archivio.told() == ["CHIUSA"] and json.loads(cli("ente", "posizioni", "--json")[1]) == []


def test_what_was_there_before_is_published_by_a_walk_and_only_once(
    archivio: Archivio, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = archivio.world
    monkeypatch.setattr(pubblica_posizioni, "_STRETCH", 2)
    for number in range(5):
        world.lay_avviso(iuv=f"0110000000000{number:04d}")
    world.lay_avviso(iuv="01100000000009999", stato="COMPLETATO", codice_esito=0)

    assert pubblica_posizioni.run_once(world.db, world.clock())
    archivio.relay()
    assert len(archivio.there()) == 5
    assert not pubblica_posizioni.run_once(world.db, world.clock())
    world.clock.advance(86_400)
    assert pubblica_posizioni.run_once(world.db, world.clock())
    archivio.relay()
    assert archivio.calls() == 5


def test_a_walk_that_is_killed_goes_on_where_it_was(archivio: Archivio, monkeypatch: pytest.MonkeyPatch) -> None:
    world = archivio.world
    monkeypatch.setattr(pubblica_posizioni, "_STRETCH", 2)
    for number in range(5):
        world.lay_avviso(iuv=f"0110000000000{number:04d}")
    monkeypatch.setattr(pubblica_posizioni, "_STRETCHES", 1)

    pubblica_posizioni.run_once(world.db, world.clock())
    with world.db.reading() as session:
        ripasso = posizioni_pubblicate.find_ripasso(session, 1)
    assert ripasso is not None and ripasso.fino_a
    for _ in range(3):
        pubblica_posizioni.run_once(world.db, world.clock())

    archivio.relay()
    assert len(archivio.there()) == 5 and archivio.calls() == 5
