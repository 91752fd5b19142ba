"""A cart that was given up and is paid after all: whoever asks is told what was paid, by session, by IUV, by IUD.

Source: node, Checkout carts (2.11); pa-per-ente, paaSILChiediPagatiConRicevuta (2.4.2), states (5.1).
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import Row

from hub.domain import errors
from hub.domain.stati import StatoCarrello, StatoRt, StatoSessione, sessione_of_carrelli
from hub.formats.rt import read_rt
from hub.store import schema
from hub.store.lettura import Lettura
from hub.usecases.verifica import CONTROLLI
from tests.factories import make_documento, make_voce
from tests.flows.casi.carrelli import Scena
from tests.inoltro import configure_inoltro
from tests.ricevute import IUV, make_token
from tests.ricevute import pay as receive
from tests.soap.test_paaSILInviaCarrelloDovuti import DOMINI, elemento, esiti, invia
from tests.soap.zeep_client import ente_client, open_door
from tests.world import World


@pytest.fixture
def scena(world: World) -> Iterator[Scena]:
    scena = Scena(world)
    yield scena
    scena.close()


def pay(scena: Scena, carrello: Row[Any], token: str) -> Row[Any]:
    """The receipt of the notice of a carrello arrives."""
    cent = carrello.importo_cent
    return receive(
        scena.world, iuv=carrello.iuv, id_pa=carrello.dominio, dominio=carrello.dominio, receipt_id=token,
        importo=f"{cent // 100}.{cent % 100:02d}",
    )  # fmt: skip


def check_states(world: World) -> None:
    """No control of `pontepa verify` finds anything; that the notices laid here were never drawn is no finding."""
    with world.db.engine.connect() as session:
        lettura = Lettura(session, lambda *_: None)
        assert [
            found for name, control in CONTROLLI.items() if name != "iuv_sotto_contatore" for found in control(lettura)
        ] == []


def current(world: World) -> list[tuple[str, int | None]]:
    return [(row.stato, row.codice_esito) for row in world.rows(schema.dovuti, attuale=True)]


def test_a_stored_notice_paid_after_its_cart_was_given_up_is_told_by_every_key(scena: Scena):
    world = scena.world
    configure_inoltro(world, "TARI")
    laid = world.lay_avviso()
    id_session = scena.give_up()
    with pytest.raises(errors.PagamentoScaduto):
        world.ricevuta(id_session=id_session)
    with pytest.raises(errors.PagamentoNonIniziato):
        world.ricevuta(iuv=IUV)

    row = pay(scena, world.carrello(id_session), token := make_token())

    assert (row.stato, row.segnalazioni) == (StatoRt.ELABORATA, None)
    assert (world.sessione(id_session).stato, world.carrello(id_session).stato) == ("PAGATO", "PAGATO")
    assert current(world) == [("COMPLETATO", 0)]
    for key in ({"id_session": id_session}, {"iuv": IUV}, {"iud": laid.iud}):
        assert read_rt(world.ricevuta(**key).rt).pagamenti[0].iur == token
    assert world.one(schema.eventi_esito, iud=laid.iud).codice_esito == 0, "the ente is told"
    check_states(world)


def test_the_cart_whose_payer_was_fast_is_no_other_payment(scena: Scena):
    """The receipt once more, and a payment at the counter after it: nothing, and a surplus."""
    world = scena.world
    world.lay_avviso()
    id_session = scena.give_up()
    pay(scena, world.carrello(id_session), token := make_token())

    assert pay(scena, world.carrello(id_session), token).stato == StatoRt.ELABORATA
    assert pay(scena, world.carrello(id_session), make_token()).stato == StatoRt.ECCEDENZA
    assert len(world.rows(schema.carrelli)) == 1
    check_states(world)


def test_of_two_carts_given_up_the_one_that_the_receipt_names_is_paid(scena: Scena):
    world = scena.world
    world.lay_avviso()
    first = scena.give_up()
    second = scena.give_up()

    named = world.one(schema.tentativi, carrello_id=world.carrello(first).id).id_carrello_nodo
    receive(world, extra=f"<paymentNote>{named}</paymentNote>")

    assert [world.sessione(one).stato for one in (first, second)] == ["PAGATO", "SCADUTO"]
    check_states(world)


def test_of_two_carts_given_up_the_last_is_paid_when_the_receipt_names_none(scena: Scena):
    world = scena.world
    world.lay_avviso()
    first = scena.give_up()
    second = scena.give_up()

    receive(world, "paSendRT")

    assert [world.sessione(one).stato for one in (first, second)] == ["SCADUTO", "PAGATO"]
    check_states(world)


def test_a_dovuto_that_its_ente_changed_since_is_paid_as_it_is_now(scena: Scena):
    world = scena.world
    world.lay_avviso()
    id_session = scena.give_up()
    (waiting,) = world.rows(schema.dovuti, attuale=True)
    world.change(schema.dovuti, "id", waiting.id, importo_cent=7000)

    row = receive(world, importo="70.00")

    assert (row.stato, row.segnalazioni) == (StatoRt.ELABORATA, None)
    (paid,) = world.rows(schema.dovuti, attuale=True)
    assert (paid.id, paid.stato, paid.importo_pagato_cent) == (waiting.id, "COMPLETATO", 7000)
    assert world.sessione(id_session).stato == "SCADUTO"
    check_states(world)


def test_a_dovuto_in_payment_again_is_paid_there(scena: Scena):
    world = scena.world
    world.lay_avviso()
    first = scena.give_up()
    second = scena.begin_stored()

    receive(world)

    assert [world.sessione(one).stato for one in (first, second)] == ["SCADUTO", "PAGATO"]
    check_states(world)


def test_an_iuv_drawn_for_the_cart_pays_it_whatever_came_of_the_dovuto(scena: Scena):
    """The copy that waits has no IUV: the receipt would have been nobody's."""
    world = scena.world
    laid = world.lay_avviso(iuv=None)
    id_session = world.open_precaricato(laid)
    world.start(id_session)
    scena.relay()
    scena.expire()

    row = pay(scena, world.carrello(id_session), make_token())

    assert (row.stato, row.segnalazioni) == (StatoRt.ELABORATA, None)
    assert world.sessione(id_session).stato == "PAGATO" and current(world) == [("COMPLETATO", 0)]
    assert world.ricevuta(iud=laid.iud).rt
    check_states(world)


@pytest.mark.parametrize("stored", [True, False], ids=["stored", "of_the_session"])
def test_who_pays_late_and_in_time_at_once_is_one_payment(scena: Scena, stored: bool):
    """The receipt and the job that gives carts up, in either order, end alike."""
    world = scena.world
    if stored:
        world.lay_avviso()
    id_session = scena.begin_stored() if stored else scena.begin()
    pay(scena, world.carrello(id_session), make_token())
    scena.expire()

    assert (world.sessione(id_session).stato, world.carrello(id_session).stato) == ("PAGATO", "PAGATO")
    assert current(world) == [("COMPLETATO", 0)]


def test_a_part_of_a_cart_over_two_enti_paid_late_is_told(scena: Scena):
    world = scena.world
    client = ente_client(open_door(world))
    prova, vicino = make_documento(make_voce(importo="10.00")), make_documento(make_voce(importo="2.50"))
    id_session = invia(client, elemento("C_PROVA", prova), elemento("C_VICINO", vicino)).idSessionCarrello
    world.start(id_session)
    scena.relay()
    scena.expire()
    first = world.one(schema.carrelli, id_session=id_session, dominio=DOMINI["C_PROVA"])
    second = world.one(schema.carrelli, id_session=id_session, dominio=DOMINI["C_VICINO"])
    assert world.sessione(id_session).stato == "SCADUTO"

    pay(scena, first, token := make_token())

    assert world.sessione(id_session).stato == "PARZ_PAGATO"
    assert [one.esito for one in esiti(client, id_session)] == ["PAGATO", "CARRELLO SCADUTO"]
    assert read_rt(world.ricevuta(id_session=id_session).rt).pagamenti[0].iur == token
    check_states(world)
    pay(scena, second, make_token())
    assert world.sessione(id_session).stato == "PAGATO"
    check_states(world)


_C, _S = StatoCarrello, StatoSessione


@pytest.mark.parametrize(
    ("carrelli", "sessione"),
    [
        ([_C.PAGATO, _C.PAGATO], _S.PAGATO),
        ([_C.PAGATO, _C.SCADUTO], _S.PARZ_PAGATO),
        ([_C.NON_PAGATO, _C.SCADUTO], _S.NON_PAGATO),
        ([_C.DECORR_TERM, _C.SCADUTO], _S.NON_PAGATO),
        ([_C.SCADUTO, _C.SCADUTO], None),
        ([_C.PAGATO, _C.PAGAM_IN_CORSO], None),
        ([_C.SCADUTO, _C.PREDISPOSTO], None),
        ([], None),
    ],
)
def test_a_session_is_what_is_known_of_its_carrelli(carrelli: list[StatoCarrello], sessione: StatoSessione | None):
    assert sessione_of_carrelli(carrelli) == sessione


def test_a_session_whose_payer_never_came_has_nothing_to_tell(scena: Scena):
    """Paid at the counter: the session was never a payment, the dovuto is paid."""
    world = scena.world
    world.lay_avviso()
    id_session = world.verifica()
    world.clock.advance(timedelta(hours=2).total_seconds())

    receive(world)

    with pytest.raises(errors.PagamentoScaduto):
        world.ricevuta(id_session=id_session)
    assert world.ricevuta(iuv=IUV).rt
