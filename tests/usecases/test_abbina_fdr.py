"""The payments of a settlement flow find their receipts: by IUV, IUR and index, own and other enti's positions."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest

from adapters.nodo.fdr_prodotti import Difetto
from hub.store import riscontri_fdr, schema
from tests.factories import make_documento
from tests.rendicontazioni import NodoInMemoria, Rendicontazione, make_flusso, make_pagamento
from tests.ricevute import VICINO, make_transfer, pay
from tests.world import World

GIORNO = date(2026, 11, 16)
IUV = "01000000000000144"


@pytest.fixture
def fdr(world: World) -> Rendicontazione:
    world.clock.now = datetime(2026, 11, 18, 8, tzinfo=UTC)
    return Rendicontazione(world, NodoInMemoria())


def settle(fdr: Rendicontazione, *rows: tuple[str, str, str, int | None], dominio: str = "12345678903") -> int:
    """A flow with rows of IUV, IUR, outcome and index comes and is read; its id."""
    pagamenti = [
        make_pagamento(1, iuv=iuv, iur=iur, esito=esito, indice=indice, importo_cent=5000, data=GIORNO)
        for iuv, iur, esito, indice in rows
    ]
    fdr.nodo.flussi.append(make_flusso(*pagamenti, dominio=dominio, generato_at=fdr.world.clock()))
    fdr.tutto()
    return int(fdr.rows()[-1].id)


def riscontri(fdr: Rendicontazione) -> list[tuple[bool, bool]]:
    row = fdr.rows()[-1]
    with fdr.world.db.reading() as session:
        return [(bool(riga.has_ricevuta), bool(riga.has_posizione)) for riga in riscontri_fdr.righe_of(session, row)]


def test_a_payment_is_matched_to_the_receipt_of_its_iuv_and_receipt_id(fdr):
    fdr.world.lay_avviso(IUV)
    pay(fdr.world, iuv=IUV, receipt_id="token-1")
    settle(fdr, (IUV, "token-1", "0", 1))

    fdr.abbina()

    row = fdr.one()
    assert (row.stato, row.next_attempt_at, riscontri(fdr)) == ("MATCHED", None, [(True, True)])


def test_a_payment_of_another_receipt_stays_open_and_is_looked_for_every_day(fdr):
    fdr.world.lay_avviso(IUV)
    settle(fdr, (IUV, "token-1", "0", 1))

    fdr.abbina()

    row = fdr.one()
    assert (row.stato, row.motivo, riscontri(fdr)) == ("OPEN", "1 pagamenti senza ricevuta", [(False, True)])
    assert not fdr.abbina(), "its next turn is tomorrow"
    pay(fdr.world, iuv=IUV, receipt_id="token-1")
    fdr.world.clock.advance(86_400)
    fdr.abbina()
    assert (fdr.one().stato, fdr.one().motivo) == ("MATCHED", None)


def test_a_share_of_another_entes_position_needs_no_position_here(fdr):
    fdr.world.lay_avviso(IUV)
    transfers = (make_transfer(1, "30.00"), make_transfer(2, "20.00", VICINO))
    pay(fdr.world, iuv=IUV, receipt_id="token-1", transfers=transfers)
    settle(fdr, (IUV, "token-1", "0", 2), dominio=VICINO)

    fdr.abbina()

    assert (fdr.one().stato, riscontri(fdr)) == ("MATCHED", [(True, False)])


def test_a_payment_without_receipt_is_matched_to_its_position(fdr):
    fdr.world.lay_avviso(IUV)
    settle(fdr, (IUV, "senza", "9", 1))

    fdr.abbina()

    (dovuto,) = fdr.world.rows(schema.dovuti)
    assert (fdr.one().stato, riscontri(fdr)) == ("MATCHED", [(True, True)])
    assert (dovuto.stato, dovuto.iur, dovuto.importo_pagato_cent, dovuto.data_esito) == (
        "COMPLETATO", "senza", 5000, GIORNO
    )  # fmt: skip


def test_a_payment_without_receipt_closes_the_attempt_that_was_open(fdr):
    id_session = fdr.world.begin(make_documento())
    fdr.world.relay()
    iuv = fdr.world.carrello(id_session).iuv

    settle(fdr, (iuv, "senza", "9", 1))
    fdr.abbina()

    stati = (fdr.world.carrello(id_session).stato, fdr.world.tentativo(id_session).stato)
    assert stati == ("PAGATO", "CHIUSO")
    assert fdr.world.dovuti(id_session)[0].iur == "senza"


def test_a_receipt_that_comes_after_all_takes_the_place_of_the_flows_word(fdr):
    fdr.world.lay_avviso(IUV)
    settle(fdr, (IUV, "token-1", "8", 1))
    fdr.abbina()

    ricevuta = pay(fdr.world, iuv=IUV, receipt_id="token-1")

    assert ricevuta.stato == "ELABORATA"
    (carrello,) = fdr.world.rows(schema.carrelli)
    assert (carrello.stato, carrello.rt_id) == ("PAGATO", ricevuta.id)


def test_a_position_that_is_paid_otherwise_is_left_as_it_is(fdr):
    fdr.world.lay_avviso(IUV)
    pay(fdr.world, iuv=IUV, receipt_id="token-1")
    settle(fdr, (IUV, "altro", "9", 1))

    fdr.abbina()

    (dovuto,) = fdr.world.rows(schema.dovuti)
    assert (dovuto.iur, dovuto.stato) == ("token-1", "COMPLETATO")
    assert fdr.one().stato == "OPEN", "paid twice: somebody has to look"


def test_an_inconsistent_flow_pays_nothing(fdr):
    fdr.world.lay_avviso(IUV)
    row = make_pagamento(1, iuv=IUV, iur="senza", esito="9", importo_cent=5000)
    fdr.nodo.flussi = [make_flusso(row, generato_at=fdr.world.clock(), difetti=frozenset({Difetto.TOTALI}))]
    fdr.tutto()

    fdr.abbina()

    assert fdr.world.rows(schema.dovuti)[0].stato == "INSERIMENTO_DOVUTO"


def test_a_payment_without_receipt_and_position_stays_open(fdr):
    settle(fdr, ("01000000000000999", "senza", "9", 1))

    fdr.abbina()

    assert (fdr.one().stato, riscontri(fdr)) == ("OPEN", [(False, False)])


def test_what_is_open_for_sixty_days_is_left_to_a_person(fdr):
    settle(fdr, (IUV, "token-1", "0", 1))
    fdr.abbina()

    fdr.world.clock.advance(61 * 86_400)
    fdr.abbina()

    assert (fdr.one().stato, fdr.one().next_attempt_at) == ("OPEN", None)
