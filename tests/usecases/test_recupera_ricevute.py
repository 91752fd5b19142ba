"""Receipts that a settlement flow tells of and nobody brought are asked of the platform, kept, and applied.

The real client speaks to the simulated BizEvents on a socket. Source: node, BizEvents receipts (2.14).
"""

from __future__ import annotations

import json
import sqlite3
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

import pytest
from sqlalchemy import Row, insert

from adapters.nodo.fake import SimulatorServer, create_simulator
from adapters.nodo.fake_bizevents import render
from adapters.ricevute.client import RicevuteClient
from hub.domain.errors_nodo import RicevutaNonLeggibile
from hub.formats.ricevuta import read_ricevuta
from hub.formats.ricevuta_rest import read_ricevuta_rest
from hub.store import circuiti, schema
from hub.usecases import circuito, recupera_ricevute, relay_outbox
from hub.usecases.recupera_ricevute import TOPIC_RICEVUTE, build_topic
from tests.adapters.simulated import provoke
from tests.carrelli import PRIMA
from tests.ricevute import IUV, deliver, make_ricevuta, make_token
from tests.world import INTERMEDIARIO, LIMITS, STAZIONE, World


@dataclass
class Piattaforma:
    """The world whose station may ask for receipts, and the platform that has them."""

    world: World
    simulator: SimulatorServer

    def keep(self, token: str, **values: Any) -> bytes:
        """A payment that the platform knows of, whose receipt nobody brought; the message that was lost."""
        raw = make_ricevuta(receipt_id=token, **values)
        ledger = self.simulator.simulator.ledger_sportello
        number = ledger.open_pagamento(
            self.world.clock(), dominio=INTERMEDIARIO, numero_avviso=f"3{IUV}", iuv=IUV, stazione=STAZIONE,
            primitive="V2", psp="PSP_PROVA", stranezza="",
        )  # fmt: skip
        ledger.add_ricevute(number, token, [("paSendRTV2", INTERMEDIARIO, raw)], self.world.clock())
        return raw

    def report(self, *righe: tuple[str, str], esito: str = "0", iuf: str = "2026-05-04PSP-1") -> None:
        """A settlement flow that was read, with these payments (IUV, IUR)."""
        now = self.world.clock()
        flusso = {
            "dominio": INTERMEDIARIO, "ente_id": 1, "stazione_id": STAZIONE, "trasporto": "rest", "iuf": iuf,
            "psp": "PSP", "elencato_at": now, "revisione": 1, "stato": "PARSED", "attiva": True, "versante": "PSP",
            "listed_at": now, "parsed_at": now, "updated_at": now,
        }  # fmt: skip
        with self.world.db.transaction() as session:
            added = insert(schema.rendicontazioni).returning(schema.rendicontazioni.c.id)
            id = session.execute(added, flusso).scalar_one()
            for numero, (iuv, iur) in enumerate(righe, 1):
                riga = {
                    "rendicontazione_id": id, "numero": numero, "iuv": iuv, "iur": iur, "importo_cent": 5000,
                    "esito": esito, "data_esito": date(2026, 5, 4),
                }  # fmt: skip
                session.execute(insert(schema.rendicontazioni_righe), riga)

    def look(self, ticks: int = 3) -> None:
        """What the worker does in some days."""
        world = self.world
        recupera_ricevute.run_once(world.db, world.clock())
        for _ in range(ticks):
            self.tick()
            world.apply()
            world.clock.advance(7 * 3600)

    def tick(self) -> None:
        """Ask what is to be asked now."""
        world = self.world
        client = RicevuteClient(self.simulator.url)
        topics = {TOPIC_RICEVUTE: build_topic(world.db, client, world.runtime.cassaforte, world.clock, LIMITS.margin)}
        with ThreadPoolExecutor(2) as pool:
            relay_outbox.run_once(world.db, topics, pool, LIMITS, world.clock, threading.Event())

    def asked(self) -> int:
        messaggi = self.simulator.simulator.ledger.as_json()["messaggi"]
        return len([one for one in messaggi if one["operazione"] == "receipts"])

    def dovuto(self) -> Row[Any]:
        return self.world.one(schema.dovuti, iuv=IUV, attuale=True)


@pytest.fixture
def piattaforma(world: World) -> Iterator[Piattaforma]:
    sealed = world.runtime.cassaforte.seal(PRIMA)
    with world.db.transaction() as session:
        row = {"stazione_id": STAZIONE, "servizio": "ricevute", "chiave_cifrata": sealed, "versione": 2}
        session.execute(insert(schema.servizi_rest), row)
    server = SimulatorServer("127.0.0.1", 0, create_simulator("http://127.0.0.1:1", seed=7))
    server.start()
    yield Piattaforma(world, server)
    server.close()


def test_a_receipt_that_nobody_brought_is_fetched_and_pays_its_dovuto(piattaforma: Piattaforma) -> None:
    piattaforma.world.lay_avviso(IUV)
    token = make_token()
    piattaforma.keep(token)

    piattaforma.report((IUV, token))
    piattaforma.look()

    dovuto = piattaforma.dovuto()
    assert (dovuto.stato, dovuto.iur, dovuto.importo_pagato_cent) == ("COMPLETATO", token, 5000)
    (ricevuta,) = piattaforma.world.ricevute()
    assert (ricevuta.primitiva, ricevuta.stato) == ("bizEvents", "ELABORATA")
    assert json.loads(bytes(ricevuta.raw))["receiptId"] == token and piattaforma.asked() == 1


def test_a_service_that_is_down_is_left_alone_and_its_receipts_come_later(piattaforma: Piattaforma) -> None:
    world = piattaforma.world
    world.lay_avviso(IUV)
    token = make_token()
    piattaforma.keep(token)
    with world.db.transaction() as session:
        for _ in range(circuito.GUASTI_MAX - 1):
            circuiti.note_failure(session, STAZIONE, "ricevute", "HTTP_500", world.clock())
    provoke(piattaforma.simulator, "receipts", "http_500", times=1)
    piattaforma.report((IUV, token))
    recupera_ricevute.run_once(world.db, world.clock())
    piattaforma.tick()
    piattaforma.report((IUV, "un-altro"), iuf="2026-05-05PSP-2")
    recupera_ricevute.run_once(world.db, world.clock())

    piattaforma.tick()

    assert [(row.attempts, row.last_code) for row in world.rows(schema.outbox)] == [(1, "HTTP_500"), (0, circuito.CODE)]
    assert piattaforma.asked() == 1
    piattaforma.look()
    assert piattaforma.dovuto().iur == token


def test_the_receipt_that_comes_by_itself_afterwards_changes_nothing(piattaforma: Piattaforma) -> None:
    piattaforma.world.lay_avviso(IUV)
    token = make_token()
    raw = piattaforma.keep(token)
    piattaforma.report((IUV, token))
    piattaforma.look()

    deliver(piattaforma.world, raw)
    piattaforma.world.apply()

    assert [row.stato for row in piattaforma.world.ricevute()] == ["ELABORATA", "ELABORATA"]
    assert piattaforma.dovuto().iur == token


def test_what_was_brought_is_not_asked_for(piattaforma: Piattaforma) -> None:
    piattaforma.world.lay_avviso(IUV)
    token = make_token()
    deliver(piattaforma.world, piattaforma.keep(token))
    piattaforma.world.apply()

    piattaforma.report((IUV, token))
    piattaforma.look()

    assert piattaforma.asked() == 0


@pytest.mark.parametrize(("iuv", "esito"), [("01000000000099900", "0"), (IUV, "3"), (IUV, "9")])
def test_what_has_no_receipt_of_ours_is_not_asked_for(piattaforma: Piattaforma, iuv: str, esito: str) -> None:
    piattaforma.world.lay_avviso(IUV)

    piattaforma.report((iuv, make_token()), esito=esito)
    piattaforma.look()

    assert piattaforma.asked() == 0


def test_a_station_without_a_key_asks_for_nothing(piattaforma: Piattaforma) -> None:
    piattaforma.world.lay_avviso(IUV)
    with piattaforma.world.db.transaction() as session:
        session.execute(schema.servizi_rest.delete())

    piattaforma.report((IUV, make_token()))
    piattaforma.look()

    assert piattaforma.asked() == 0 and piattaforma.world.rows(schema.outbox) == []


def test_a_receipt_that_is_not_there_is_asked_for_again_and_then_left_to_a_person(piattaforma: Piattaforma) -> None:
    piattaforma.world.lay_avviso(IUV)

    piattaforma.report((IUV, make_token()))
    piattaforma.look(ticks=14)

    (message,) = piattaforma.world.rows(schema.outbox)
    assert (message.stato, message.last_code) == ("PARCHEGGIATO", "HTTP_404")
    assert piattaforma.asked() == 12 and piattaforma.dovuto().stato == "INSERIMENTO_DOVUTO"


@pytest.mark.parametrize("kind", ["lost_before", "lost_after", "http_500", "http_429", "garbage", "close"])
def test_whatever_happens_on_the_way_it_is_fetched_once(piattaforma: Piattaforma, kind: str) -> None:
    piattaforma.world.lay_avviso(IUV)
    token = make_token()
    piattaforma.keep(token)
    provoke(piattaforma.simulator, "receipts", kind, times=1)

    piattaforma.report((IUV, token))
    piattaforma.look()

    assert piattaforma.dovuto().iur == token and len(piattaforma.world.ricevute()) == 1


def test_a_flow_is_looked_at_once(piattaforma: Piattaforma) -> None:
    piattaforma.world.lay_avviso(IUV)
    piattaforma.report((IUV, make_token()))

    piattaforma.look(ticks=1)
    piattaforma.world.clock.now += timedelta(seconds=1)
    recupera_ricevute.run_once(piattaforma.world.db, piattaforma.world.clock())

    assert len(piattaforma.world.rows(schema.outbox)) == 1


# The format.


def test_where_nothing_waits_nobody_waits_for_the_writer(small_world: World) -> None:
    """Another process writes at this moment: the job that has nothing to write does not ask for its turn."""
    with sqlite3.connect(str(small_world.db.engine.url.database), isolation_level=None) as other:
        other.execute("BEGIN IMMEDIATE")

        assert recupera_ricevute.run_once(small_world.db, small_world.clock()) is False

        other.execute("ROLLBACK")


def test_the_json_says_what_the_message_said() -> None:
    told = read_ricevuta(make_ricevuta())

    read = read_ricevuta_rest(render(told).encode(), INTERMEDIARIO, INTERMEDIARIO, STAZIONE)

    assert read.is_same_payment(told)
    assert (read.importo_cent, read.psp, read.debitore.codice) == (told.importo_cent, told.psp, told.debitore.codice)


@pytest.mark.parametrize(
    ("amount", "cents"), [("50", 5000), ("50.00", 5000), ("0.1", 10), ("99999999.99", 9_999_999_999), ("1e2", 10_000)]
)
def test_an_amount_is_read_to_the_cent(amount: str, cents: int) -> None:
    text = render(read_ricevuta(make_ricevuta())).replace('"paymentAmount": 50.00', f'"paymentAmount": {amount}')

    assert read_ricevuta_rest(text.encode(), INTERMEDIARIO, "", "").importo_cent == cents


@pytest.mark.parametrize("amount", ["0.001", '"50.00"', "true", "null", "-1", "NaN", "1e400", "[]"])
def test_an_amount_that_is_none_is_refused(amount: str) -> None:
    text = render(read_ricevuta(make_ricevuta())).replace('"paymentAmount": 50.00', f'"paymentAmount": {amount}')

    with pytest.raises(RicevutaNonLeggibile):
        read_ricevuta_rest(text.encode(), INTERMEDIARIO, "", "")


@pytest.mark.parametrize("data", [b"", b"[]", b"{}", b"\xff", b"[" * 60_000, b'{"receiptId": 7}'])
def test_what_is_no_receipt_is_refused(data: bytes) -> None:
    with pytest.raises(RicevutaNonLeggibile):
        read_ricevuta_rest(data, INTERMEDIARIO, "", "")
