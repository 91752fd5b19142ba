"""A stored dovuto and its attempts: payable again after a failed one, paid once, every receipt kept.

Source: pa-per-ente, paaSILVerificaAvviso (2.3), effect of a receipt (5.3), stored dovuto (5.4).
"""

from __future__ import annotations

from typing import Any

import pytest

from hub.domain.delivery import Delivery, Outcome
from hub.domain.errors import DovutoNonPagabile, IuvNonValido, IuvScaduto, PagamentoInCorso, PagamentoNonIniziato
from hub.formats.rpt import read_rpt
from hub.store import schema
from tests.world import World

IUV = "01000000000000144"


def versions(world: World) -> list[tuple[Any, ...]]:
    """(state, outcome, counts) of each version, oldest first."""
    rows = sorted(world.rows(schema.dovuti), key=lambda row: (row.created_at, row.attuale))
    return [(row.stato, row.codice_esito, row.attuale) for row in rows]


def test_an_attempt_uses_the_stored_dovuto_and_its_iuv(world):
    stored = world.lay_avviso()

    id_session = world.attempt()

    carrello, tentativo = world.carrello(id_session), world.tentativo(id_session)
    rpt = read_rpt(bytes(tentativo.rpt))
    assert (carrello.iuv, tentativo.iuv, rpt.iuv, rpt.importo_cent) == (IUV, IUV, IUV, 5000)
    assert [(row.id, row.stato) for row in world.dovuti(id_session)] == [(stored.id, "PAGAMENTO_INIZIATO")]
    assert rpt.pagatore.anagrafica == "Mario Rossi"


def test_a_paid_avviso_is_paid_for_good(world):
    world.lay_avviso()

    id_session = world.attempt(0)

    assert versions(world) == [("COMPLETATO", 0, True)]
    assert world.sessione(id_session).stato == "PAGATO"
    assert world.ricevuta(iuv=IUV) == world.ricevuta(id_session=id_session)
    with pytest.raises(IuvNonValido):
        world.verifica()


@pytest.mark.parametrize("esito", [1, 3])
def test_after_a_failed_attempt_it_is_payable_again(world, esito):
    world.lay_avviso()
    first = world.attempt(esito)
    world.clock.advance(60)

    assert versions(world) == [("COMPLETATO", esito, False), ("INSERIMENTO_DOVUTO", None, True)]
    with pytest.raises(PagamentoNonIniziato):
        world.ricevuta(iuv=IUV)
    assert world.esito(first).pagati

    second = world.attempt(0)

    assert versions(world) == [("COMPLETATO", esito, False), ("COMPLETATO", 0, True)]
    assert world.tentativo(first).ccp != world.tentativo(second).ccp
    assert world.ricevuta(iuv=IUV) == world.ricevuta(id_session=second)


def test_a_partly_paid_avviso_is_closed_even_where_nothing_was_paid(world):
    world.lay_avviso()

    world.attempt(2)

    assert versions(world) == [("COMPLETATO", 2, True)]


def test_a_refused_send_leaves_it_payable(world):
    world.lay_avviso()
    world.nodo.sends.append(Delivery(Outcome.REFUSED, "PPT_SEMANTICA"))

    id_session = world.attempt()

    assert world.sessione(id_session).stato == "IMPOSSIBILE_INVIARE_CARRELLO_RP"
    assert versions(world)[-1] == ("INSERIMENTO_DOVUTO", None, True)
    assert world.verifica()


def test_two_sessions_of_one_avviso_start_one_payment(world):
    world.lay_avviso()
    first, second = world.verifica(), world.verifica()
    world.start(first)

    with pytest.raises(DovutoNonPagabile):
        world.start(second)

    assert world.sessione(second).stato == "NUOVO_CARRELLO"
    assert len(world.rows(schema.carrelli)) == 1


def test_a_session_whose_avviso_was_cancelled_meanwhile_cannot_be_paid(world):
    """The payer is told so on his page; it is no error of the installation."""
    row = world.lay_avviso()
    id_session = world.verifica()
    world.change(schema.dovuti, "id", row.id, stato="ANNULLATO", attuale=False)

    with pytest.raises(DovutoNonPagabile, match="annullato"):
        world.start(id_session)

    assert world.rows(schema.carrelli) == []


def test_a_positive_receipt_after_a_negative_one_takes_the_place_of_the_copy_that_waits(world):
    world.lay_avviso()
    first = world.attempt(1)
    world.clock.advance(60)

    world.conclude(first, 0)

    assert sorted(versions(world)) == [("ANNULLATO", None, False), ("COMPLETATO", 0, True)]
    assert world.sessione(first).stato == "PAGATO"
    assert world.ricevuta(iuv=IUV) == world.ricevuta(id_session=first)
    with pytest.raises(IuvNonValido):
        world.verifica()


def test_a_late_payment_beside_an_attempt_under_way_makes_the_second_one_a_surplus(world):
    world.lay_avviso()
    first = world.attempt(1)
    world.clock.advance(60)
    second = world.attempt()
    world.conclude(first, 0)
    with pytest.raises(PagamentoInCorso):
        world.ricevuta(iuv=IUV)

    world.conclude(second, 0)

    assert [row.stato for row in world.ricevute()] == ["ELABORATA", "ELABORATA", "ECCEDENZA"]
    assert sorted(row.stato for row in world.rows(schema.dovuti)) == ["COMPLETATO", "COMPLETATO"]


def test_a_late_payment_beside_an_attempt_that_fails_does_not_make_it_payable_again(world):
    world.lay_avviso()
    first = world.attempt(1)
    world.clock.advance(60)
    second = world.attempt()
    world.conclude(first, 0)

    world.conclude(second, 1)

    assert {row[0] for row in versions(world)} == {"COMPLETATO"}
    assert world.ricevuta(iuv=IUV) == world.ricevuta(id_session=first)


def test_an_avviso_without_iuv_gets_one_for_the_attempt_only(world):
    stored = world.lay_avviso(iuv=None)
    id_session = world.open_precaricato(stored)
    world.start(id_session)
    assert world.dovuti(id_session)[0].iuv == world.carrello(id_session).iuv

    world.conclude(id_session, 1)

    (live,) = world.rows(schema.dovuti, attuale=True)
    assert (live.stato, live.iuv, live.iuv_volatile) == ("INSERIMENTO_DOVUTO", None, False)


@pytest.mark.parametrize("stato", ["PREDISPOSTO", "PAGAMENTO_INIZIATO", "COMPLETATO"])
def test_only_a_dovuto_to_be_paid_is_taken(small_world, stato):
    small_world.lay_avviso(stato=stato)

    with pytest.raises(IuvNonValido):
        small_world.verifica()


def test_an_expired_one_is_refused_only_where_the_tipo_wants_the_date(small_world):
    yesterday = small_world.clock().date().replace(year=2020)
    small_world.lay_avviso("01000000000000144", tipo="SANZIONE", scadenza=yesterday)
    small_world.lay_avviso("01000000000000245", tipo="TARI", scadenza=yesterday)

    with pytest.raises(IuvScaduto):
        small_world.verifica("01000000000000144")
    assert small_world.verifica("01000000000000245")


@pytest.mark.parametrize("values", [{"tipo": "CHIUSO"}, {"tipo": "IGNOTO"}, {"iuv_volatile": True}])
def test_a_tipo_that_is_off_and_a_volatile_iuv_are_not_payable(small_world, values):
    small_world.lay_avviso(**values)

    with pytest.raises(IuvNonValido):
        small_world.verifica()


def test_the_avviso_of_another_ente_does_not_exist(small_world):
    small_world.lay_avviso()

    with pytest.raises(IuvNonValido):
        small_world.verifica(ente="C_VICINO")


def test_the_second_beneficiarys_share_leaves_in_an_rpt_of_its_own(world):
    secondario = {
        "codice_fiscale": "98765432103", "denominazione": "Provincia", "iban": "IT60X0542811101000000123456",
        "importo_cent": 250, "dati_specifici": "9/0101101IM/",
    }  # fmt: skip
    world.lay_avviso(secondario=secondario)

    id_session = world.attempt()

    tentativo = world.tentativo(id_session)
    (envelope,) = world.nodo.received
    assert tentativo.id_carrello_nodo.startswith("123456789033" + IUV + "-")
    assert tentativo.ccp == tentativo.id_carrello_nodo
    assert b"<multiBeneficiario>true</multiBeneficiario>" in envelope and envelope.count(b"<elementoListaRPT>") == 2
    assert world.carrello(id_session).importo_cent == 5000

    world.conclude(id_session, 0)

    assert versions(world) == [("COMPLETATO", 0, True)]
