"""Two payments of one dovuto in the same instant: one counts and the other is a surplus, at every moment.

The second is played whole, in a transaction of its own, between two statements of the first: before each of them in
turn, on a dovuto of its own. Source: node, receipt processing (3.5.1), outcome of an RT (4.5).
"""

from __future__ import annotations

import itertools
import threading
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from functools import partial
from typing import Any

import pytest
from sqlalchemy import Row, event, text

from hub.domain.documenti import Organizzazione
from hub.domain.iuv import build_iuv
from hub.store import schema
from hub.store.database import Database
from hub.usecases.registra_pagamento import PagamentoEsterno, registra_pagamento
from tests.factories import make_rt
from tests.flows.casi.carrelli import Scena
from tests.ricevute import deliver, make_ricevuta, make_token
from tests.world import World, chi, open_world

_LOOK_S = 0.005
_WAITING = text(
    "SELECT EXISTS (SELECT FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock')"
)
# More statements than any of these payments has.
_MANY = 200


@dataclass(frozen=True, slots=True)
class Coppia:
    """Two payments of one dovuto: `first` is stopped where `second` is let in.

    `are_receipts`: the one that does not count is kept as a surplus; what an ente registers has nothing to be kept by.
    """

    dovuto: Row[Any]
    first: Callable[[], object]
    second: Callable[[], object]
    are_receipts: bool = True


@pytest.fixture
def world(postgresql_url: str) -> Iterator[World]:
    """Where two write at once: SQLite has one writer."""
    with open_world(postgresql_url) as world:
        yield world


@pytest.fixture
def scena(world: World) -> Iterator[Scena]:
    scena = Scena(world)
    yield scena
    scena.close()


@contextmanager
def meanwhile(world: World, number: int, deed: Callable[[], object]) -> Iterator[Callable[[], bool]]:
    """Let a deed run just before this thread's statement of that number, to its end or until it waits for us.

    What is given says whether it came to it.
    """
    own, numbers, threads = threading.get_ident(), itertools.count(), list[threading.Thread]()
    beside = Database.open(world.db.url, pool_size=1)

    def let_in(*_: Any) -> None:
        if threading.get_ident() != own or next(numbers) != number:
            return
        threads.append(threading.Thread(target=deed))
        threads[0].start()
        while threads[0].is_alive() and not _is_waiting(beside):
            threads[0].join(_LOOK_S)

    event.listen(world.db.engine, "before_cursor_execute", let_in)
    try:
        yield lambda: bool(threads)
    finally:
        event.remove(world.db.engine, "before_cursor_execute", let_in)
        beside.close()
        for thread in threads:
            thread.join()


def _is_waiting(db: Database) -> bool:
    with db.reading() as session:
        return bool(session.execute(_WAITING).scalar_one())


def check(world: World, make: Callable[[int], Coppia]) -> None:
    """Whoever loses the race for a row is applied at the next tick; then one payment counts, and money is told."""
    for number in range(_MANY):
        known = {row.id for row in world.ricevute()}
        coppia = make(number)
        with meanwhile(world, number, coppia.second) as has_met:
            coppia.first()
        if not has_met():
            assert number > 10, "the second was let in at too few moments to say anything"
            return
        while world.apply():
            pass
        versions = world.rows(schema.dovuti, iud=coppia.dovuto.iud)
        carrelli = [world.one(schema.carrelli, id=row.carrello_id) for row in versions if row.carrello_id]
        told = sorted(row.stato for row in world.ricevute() if row.id not in known)
        assert len([row for row in versions if row.importo_pagato_cent]) == 1, f"paid once, at statement {number}"
        assert [row.stato for row in carrelli].count("PAGATO") == 1, f"at statement {number}"
        if coppia.are_receipts:
            assert told == ["ECCEDENZA", "ELABORATA"], f"at statement {number}"
    raise AssertionError(f"more than {_MANY} statements")


def receive(world: World, iuv: str) -> None:
    """A receipt of the new model comes."""
    deliver(world, make_ricevuta(iuv=iuv, receipt_id=make_token()))


def applied(world: World, come: Callable[[], object]) -> None:
    """A receipt comes and a worker applies it."""
    come()
    world.apply()


@pytest.mark.parametrize("is_counter_first", [True, False], ids=["counter_first", "online_first"])
def test_a_counter_and_an_attempt_online(world: World, is_counter_first: bool) -> None:
    def make(number: int) -> Coppia:
        dovuto = world.lay_avviso(iuv := build_iuv(1, number + 1))
        tentativo = world.tentativo(world.attempt(iuv=iuv))
        both = [partial(receive, world, iuv), partial(world.receive, make_rt(bytes(tentativo.rpt)), tentativo)]
        first, second = both if is_counter_first else reversed(both)
        first()
        return Coppia(dovuto, world.apply, partial(applied, world, second))

    check(world, make)


def test_two_carts_of_one_dovuto_each_with_an_iuv_of_its_own(scena: Scena) -> None:
    """The first was given up and is paid after all; no row is written by both."""

    def make(number: int) -> Coppia:
        stored, given_up, in_payment = two_carts(scena)
        receive(scena.world, given_up.iuv)
        second = partial(receive, scena.world, in_payment.iuv)
        return Coppia(stored, scena.world.apply, partial(applied, scena.world, second))

    check(scena.world, make)


@pytest.mark.parametrize("is_ente_first", [True, False], ids=["ente_first", "receipt_first"])
def test_what_the_ente_registers_and_a_cart_that_was_given_up(scena: Scena, is_ente_first: bool) -> None:
    """The ente has no surplus to be told: what it says of a dovuto that is paid changes nothing."""
    world = scena.world

    def make(number: int) -> Coppia:
        stored, given_up, in_payment = two_carts(scena)
        esterno = PagamentoEsterno(in_payment.iuv, 5000, date(2026, 11, 20), "IUR-1", Organizzazione("G", "1", "PSP"))
        ente = partial(registra_pagamento, world.db, world.runtime.callers, chi(), esterno, world.clock())
        if is_ente_first:
            late = partial(applied, world, partial(receive, world, given_up.iuv))
            return Coppia(stored, ente, late, are_receipts=False)
        receive(world, given_up.iuv)
        return Coppia(stored, world.apply, ente, are_receipts=False)

    check(world, make)


def two_carts(scena: Scena) -> tuple[Row[Any], Row[Any], Row[Any]]:
    """A stored dovuto without an IUV; the cart of it that was given up, and the one that is with its payer."""
    world = scena.world
    stored = world.lay_avviso(None, iud=uuid.uuid4().hex)
    carrelli = []
    for end in (scena.expire, scena.relay):
        (waiting,) = world.rows(schema.dovuti, iud=stored.iud, attuale=True)
        id_session = world.open_precaricato(waiting)
        world.start(id_session)
        scena.relay()
        end()
        carrelli.append(world.carrello(id_session))
    return stored, carrelli[0], carrelli[1]
