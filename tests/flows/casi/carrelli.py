"""The cases of the public suites about carts, and what a payer may do with one, as the hub must take it.

The real client speaks to simulated Checkout on a socket. Source: node, 8.4 (109 to 113), Checkout carts (2.11).
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import Row

from adapters.checkout.client import CheckoutClient
from adapters.nodo.fake import SimulatorServer, create_simulator
from adapters.nodo.faults_script import rule_from_text
from hub.domain.delivery import Outcome, Stazione
from hub.domain.errors import InvalidRequest, PagamentoInCorso
from hub.domain.iuv import build_iuv
from hub.domain.pagamento_online import PagamentoOnline, RptPronta
from hub.domain.stati import StatoDovuto, StatoSessione
from hub.formats.rpt import render_rpt
from hub.store import schema
from hub.usecases import expire_carrelli, relay_outbox
from hub.usecases.invio_rpt import build_topic
from hub.usecases.return_payer import return_from_checkout
from hub.usecases.start_pagamento import SessionePagamento, find_sessione
from hub.usecases.tentativo_nodo import Collegamento
from tests.adapters.simulated import make_rpt
from tests.carrelli import CHIAVI, PRIMA, SECONDA
from tests.ricevute import make_token, pay
from tests.world import LIMITS, STAZIONE, World

TOPIC = "nodo.checkout"
TTL = timedelta(minutes=30)


class Scena:
    """A station that pays with Checkout, and Checkout on a port."""

    def __init__(self, world: World, versione: int = 2) -> None:
        self.world = world
        self._server = SimulatorServer("127.0.0.1", 0, create_simulator("http://127.0.0.1:9", seed=7))
        self._server.start()
        self.simulator = self._server.simulator
        self.client = CheckoutClient(self._server.url, public_url=world.runtime.config.public_url)
        cassaforte = world.runtime.cassaforte
        world.change(schema.stazioni, "id", STAZIONE, pagamento_online="checkout")
        world.lay(
            schema.servizi_rest, stazione_id=STAZIONE, servizio="checkout", chiave_cifrata=cassaforte.seal(PRIMA),
            chiave_secondaria_cifrata=cassaforte.seal(SECONDA), versione=versione,
        )  # fmt: skip
        world.runtime = replace(world.runtime, nodi={"checkout": self.client})

    def close(self) -> None:
        self._server.close()

    def fault(self, text: str) -> None:
        self.simulator.faults.add(rule_from_text(text))

    def relay(self, ticks: int = 1, wait_s: int = 600) -> None:
        """Let the worker send what is due, then let so much time go by, as often as said."""
        world = self.world
        linked = Collegamento(
            db=world.db, nodo=self.client, cassaforte=world.runtime.cassaforte, clock=world.clock,
            lasts=LIMITS.margin, blocco=timedelta(hours=1), registra={},
        )  # fmt: skip
        topics = {TOPIC: build_topic(linked, LIMITS.attempts_max)}
        for tick in range(ticks):
            if tick:
                world.clock.advance(wait_s)
            with ThreadPoolExecutor(2) as pool:
                relay_outbox.run_once(world.db, topics, pool, LIMITS, world.clock, threading.Event())

    def begin(self, ticks: int = 1, **values: Any) -> str:
        id_session = self.world.begin(**values)
        self.relay(ticks)
        return id_session

    def begin_stored(self) -> str:
        """A payment of a notice that was stored before, whose cart is with its payer."""
        id_session = self.world.verifica()
        self.world.start(id_session)
        self.relay()
        return id_session

    def give_up(self) -> str:
        """A payment of a notice that was stored before, whose payer never came to an end."""
        id_session = self.begin_stored()
        self.expire()
        return id_session

    def carrelli(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self.simulator.piattaforma.ledger_carrelli.as_json()["carrelli"]
        return found

    def posted(self) -> list[dict[str, Any]]:
        messaggi = self.simulator.ledger.as_json()["messaggi"]
        return [one for one in messaggi if one["operazione"] == "carts"]

    def messaggio(self) -> Row[Any]:
        return self.world.one(schema.outbox, topic=TOPIC)

    def page(self, id_session: str) -> SessionePagamento:
        return find_sessione(self.world.db, self.world.runtime.callers.anagrafe, id_session, self.world.clock())

    def come_back(self, id_session: str, detto: str) -> SessionePagamento:
        world = self.world
        return return_from_checkout(world.db, world.runtime.callers.anagrafe, id_session, detto, world.clock())

    def expire(self) -> None:
        self.world.clock.advance(TTL.total_seconds() + 1)
        expire_carrelli.run_once(self.world.db, TTL, self.world.clock())

    def send(self, notices: int) -> Outcome:
        """A cart of so many notices, straight to the client."""
        iuv = [build_iuv(1, number) for number in range(1, notices + 1)]
        parti = [make_rpt(iuv=one) for one in iuv]
        pagamento = PagamentoOnline(
            id_session="s", stazione=STAZIONE, intermediario="12345678903", primitiva_rpt="", id_carrello="c" * 32,
            parti=tuple(RptPronta(rpt, render_rpt(rpt)) for rpt in parti),
        )  # fmt: skip
        stazione = Stazione(STAZIONE, "12345678903", "password01", chiavi=CHIAVI)
        return self.client.send(stazione, self.client.write(pagamento), "c" * 32).outcome


@dataclass(frozen=True, slots=True)
class Caso:
    """`number`: of the specification's table; R: a rule of 2.11 that no suite has. `play` None: `reason` says why."""

    number: str
    source: str
    words: str
    play: Callable[[Scena], None] | None
    reason: str = ""

    def __str__(self) -> str:
        return f"{self.number}-{self.words[:40].replace(' ', '_')}"


CASI: list[Caso] = []


def caso(number: str, source: str, words: str) -> Callable[[Callable[[Scena], None]], Callable[[Scena], None]]:
    def keep(play: Callable[[Scena], None]) -> Callable[[Scena], None]:
        CASI.append(Caso(number, source, words, play))
        return play

    return keep


@caso("109", "CART 01", "a cart of one notice: the payer is sent on, the client did not follow")
def one_notice(scena: Scena) -> None:
    id_session = scena.begin()

    (carrello,) = scena.carrelli()
    assert (carrello["stato"], len(carrello["avvisi"])) == ("APERTO", 1)
    assert scena.page(id_session).url_nodo == f"{scena._server.url}/c/{carrello['id']}"
    assert scena.messaggio().stato == "CONSEGNATO" and scena.world.tentativo(id_session).stato == "ACCETTATO"
    notice, stored = carrello["avvisi"][0], scena.world.carrello(id_session)
    assert (notice["numero_avviso"], notice["importo_cent"]) == (f"3{stored.iuv}", stored.importo_cent)


@caso("109", "CART 02", "the payer's mail in capitals")
def mail_in_capitals(scena: Scena) -> None:
    id_session = scena.world.invia()
    scena.world.start(id_session, "Mario Rossi", "MARIO.ROSSI@EXAMPLE.ORG")
    scena.relay()

    (carrello,) = scena.carrelli()
    assert carrello["email"] == "MARIO.ROSSI@EXAMPLE.ORG"


@caso("110", "CART 04_01, 04_02", "five notices are taken; a sixth never leaves")
def five_notices(scena: Scena) -> None:
    assert scena.send(5) == Outcome.DELIVERED
    with pytest.raises(InvalidRequest):
        scena.send(6)

    assert len(scena.posted()) == 1


@caso("111", "[C]", "a notice that is paid: 422, the payer is told, the notice may be paid again")
def paid_already(scena: Scena) -> None:
    scena.world.lay_avviso()
    scena.fault("carts:fault=HTTP_422")
    id_session = scena.begin_stored()

    page = scena.page(id_session)
    assert page.stato == StatoSessione.IMPOSSIBILE_INVIARE_CARRELLO_RP and page.is_gia_in_pagamento
    assert [row.stato for row in scena.world.rows(schema.dovuti, attuale=True)] == [StatoDovuto.INSERIMENTO_DOVUTO]
    assert scena.messaggio().last_code == "HTTP_422"


@caso("112", "CART 03", "a malformed cart: refused for good, not sent again")
def malformed(scena: Scena) -> None:
    scena.fault("carts:fault=HTTP_400")
    id_session = scena.begin(ticks=3)

    assert len(scena.posted()) == 1 and scena.messaggio().stato == "RIFIUTATO"
    assert not scena.page(id_session).is_gia_in_pagamento


@caso("113", "[X]", "500: sent again, the same bytes")
def broken_down(scena: Scena) -> None:
    scena.fault("carts:http_500,times=1")
    id_session = scena.begin(ticks=2)

    first, second = scena.posted()
    assert first["sha256"] == second["sha256"] and first["risposta"] == "HTTP_500"
    assert len(scena.carrelli()) == 1 and scena.page(id_session).url_nodo


@caso("R", "2.11", "an answer that is lost, cut, late or garbage: posted again, nothing is told as failed")
def lost(scena: Scena) -> None:
    for kind in ("lost_after", "lost_before", "close", "garbage"):
        scena.fault(f"carts:{kind},times=1")
    id_session = scena.begin(ticks=3)

    assert len({one["sha256"] for one in scena.posted()}) == 1
    assert scena.page(id_session).stato == StatoSessione.PAGAM_IN_CORSO


@caso("R", "2.0.5", "429: the pause that is asked for is kept")
def too_many(scena: Scena) -> None:
    scena.fault("carts:http_429=120,times=1")
    scena.begin()

    message = scena.messaggio()
    assert message.stato == "DA_INVIARE" and message.next_attempt_at - scena.world.clock() == timedelta(seconds=120)
    scena.relay(ticks=2, wait_s=60)
    assert len(scena.posted()) == 1
    scena.relay(ticks=2, wait_s=61)
    assert len(scena.posted()) == 2 and scena.messaggio().stato == "CONSEGNATO"


@caso("R", "5", "a key that was changed: the second one opens")
def second_key(scena: Scena) -> None:
    scena.simulator.piattaforma.door.chiavi = frozenset({SECONDA})
    scena.begin()

    assert [one["risposta"] for one in scena.posted()] == ["HTTP_401", "HTTP_302"]
    assert scena.messaggio().stato == "CONSEGNATO"


@caso("R", "2.11", "the payer never comes back and never pays: given up, never told as paid")
def never_back(scena: Scena) -> None:
    id_session = scena.begin()
    scena.expire()

    assert scena.page(id_session).stato == StatoSessione.SCADUTO and scena.page(id_session).esito is None
    assert scena.world.carrello(id_session).stato == "SCADUTO" and scena.world.tentativo(id_session).stato == "CHIUSO"
    assert [row.stato for row in scena.world.dovuti(id_session)] == ["SCADUTO"]


@caso("R", "2.11", "a receipt after the cart was given up: it wins")
def late_receipt(scena: Scena) -> None:
    id_session = scena.begin()
    scena.expire()
    carrello = scena.world.carrello(id_session)
    pay(scena.world, iuv=carrello.iuv, importo=_euro(carrello.importo_cent))

    assert scena.page(id_session).esito == "OK"
    assert scena.world.carrello(id_session).stato == "PAGATO"


@caso("R", "2.11", "a stored notice whose cart expired may be paid in another session")
def expired_stored(scena: Scena) -> None:
    scena.world.lay_avviso()
    scena.give_up()
    again = scena.begin_stored()

    assert scena.page(again).stato == StatoSessione.PAGAM_IN_CORSO and len(scena.carrelli()) == 2


@caso("R", "2.11", "who gave up may pay the stored notice again at once")
def gave_up(scena: Scena) -> None:
    scena.world.lay_avviso()
    id_session = scena.begin_stored()

    assert scena.come_back(id_session, "ERROR").esito is None
    again = scena.begin_stored()
    assert scena.page(again).stato == StatoSessione.PAGAM_IN_CORSO


@caso("R", "2.11", "who says that he has paid is not believed")
def not_believed(scena: Scena) -> None:
    id_session = scena.begin()

    assert scena.come_back(id_session, "ATTESA").esito is None
    with pytest.raises(PagamentoInCorso):
        scena.world.esito(id_session)


@caso("R", "3.5.1", "paid twice: the second payment is kept as a surplus")
def paid_twice(scena: Scena) -> None:
    id_session = scena.begin()
    carrello = scena.world.carrello(id_session)
    first, second = (
        pay(scena.world, iuv=carrello.iuv, importo=_euro(carrello.importo_cent), receipt_id=make_token())
        for _ in range(2)
    )

    assert (first.stato, second.stato) == ("ELABORATA", "ECCEDENZA")
    assert scena.page(id_session).esito == "OK"
    assert first.segnalazioni is None


def _euro(cent: int) -> str:
    return f"{cent // 100}.{cent % 100:02d}"


CASI += [
    Caso("105-108", "FdR3_005, RecuperoFdR1", "settlement flows over REST", None, "played with the settlement flows"),
    Caso("114", "EC-CON-01", "agreement in the RPT", None, "a cart carries no agreement"),
    Caso("115", "EC-MDB-01", "stamp in an RT", None, "of RPTs; a stamp of a cart is one of paGetPaymentV2"),
]
