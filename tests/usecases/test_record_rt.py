"""paaInviaRT: the bytes are kept first; then what a receipt does, and what becomes of one that does not fit.

Source: node, paaInviaRT (3.9), idempotency (3.0.6), policy of the KO (3.0.7), outcome of an RT (4.5).
"""

from __future__ import annotations

import hashlib
import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime

import pytest
from sqlalchemy import Row, text

from hub.domain.delivery import Delivery, Outcome
from hub.domain.errors import HubError, OutOfService
from hub.domain.stati import StatoRt
from hub.store import schema
from hub.store.database import Database
from hub.usecases.record_rt import IntestazioneRt, record_rt
from tests.factories import make_documento, make_rt, make_voce
from tests.ricevute import pay
from tests.world import World


def pagamento(world: World) -> tuple[str, Row, bytes]:
    """A payment under way: idSession, attempt, bytes of its RPT."""
    id_session = world.begin()
    tentativo = world.tentativo(id_session)
    return id_session, tentativo, bytes(tentativo.rpt)


def refusal(world: World, raw: bytes, tentativo: Row, **header: str) -> HubError:
    with pytest.raises(HubError) as caught:
        world.receive(raw, tentativo, **header)
    return caught.value


def states(world: World, id_session: str) -> tuple[str, ...]:
    """Attempt, carrello, session, dovuti."""
    return (
        world.tentativo(id_session).stato,
        world.carrello(id_session).stato,
        world.sessione(id_session).stato,
        *(row.stato for row in world.dovuti(id_session)),
    )


# Kept first.


def test_a_receipt_is_kept_as_it_came_before_it_has_any_effect(world):
    id_session, tentativo, rpt = pagamento(world)
    raw = make_rt(rpt)

    world.receive(raw, tentativo)

    (row,) = world.ricevute()
    assert (bytes(row.raw), row.sha256, row.stato) == (raw, hashlib.sha256(raw).hexdigest(), StatoRt.RICEVUTA)
    assert (row.dominio, row.iuv, row.ccp) == (tentativo.dominio, tentativo.iuv, tentativo.ccp)
    assert world.carrello(id_session).stato == "PAGAM_IN_CORSO"


def test_the_same_bytes_again_are_accepted_and_change_nothing(world):
    id_session, tentativo, rpt = pagamento(world)
    raw = make_rt(rpt)
    world.receive(raw, tentativo)
    world.apply()
    before = world.ricevute(), world.carrello(id_session)

    world.receive(raw, tentativo)

    assert world.apply() is False
    assert (world.ricevute(), world.carrello(id_session)) == before


def test_the_same_bytes_eight_times_at_once_are_one_receipt(world):
    _, tentativo, rpt = pagamento(world)
    raw = make_rt(rpt)
    together = threading.Barrier(8)

    def send() -> None:
        together.wait()
        world.receive(raw, tentativo)

    with ThreadPoolExecutor(8) as pool:
        for future in [pool.submit(send) for _ in range(8)]:
            future.result()

    assert len(world.ricevute()) == 1


@pytest.mark.parametrize(
    ("header", "code"),
    [
        ({"intermediario": "00000000000"}, "PAA_ID_INTERMEDIARIO_ERRATO"),
        ({"stazione": "12345678903_99"}, "PAA_STAZIONE_INT_ERRATA"),
        ({"dominio": "00000000000"}, "PAA_ID_DOMINIO_ERRATO"),
        ({"intermediario": "0", "stazione": "0", "dominio": "0"}, "PAA_ID_INTERMEDIARIO_ERRATO"),
        ({"stazione": "0", "dominio": "0"}, "PAA_STAZIONE_INT_ERRATA"),
    ],
    ids=["intermediario", "stazione", "dominio", "all_three", "last_two"],
)
def test_a_header_that_is_not_ours_is_refused_in_the_nodes_order_and_the_bytes_are_kept(small_world, header, code):
    """The KO is final to the node: nobody else has them."""
    _, tentativo, rpt = pagamento(small_world)
    raw = make_rt(rpt)

    error = refusal(small_world, raw, tentativo, **header)

    (row,) = small_world.ricevute()
    assert error.code == code
    assert (bytes(row.raw), row.stato, row.motivo.startswith(code)) == (raw, StatoRt.RESPINTA, True)
    assert small_world.apply() is False


def test_a_receipt_refused_for_its_header_is_applied_when_it_comes_again_under_a_good_one(world):
    id_session, tentativo, rpt = pagamento(world)
    raw = make_rt(rpt)
    refusal(world, raw, tentativo, stazione="12345678903_99")

    world.receive(raw, tentativo)
    world.apply()

    assert [row.stato for row in world.ricevute()] == [StatoRt.ELABORATA]
    assert world.carrello(id_session).stato == "PAGATO"


def test_a_key_that_the_header_does_not_have_is_that_of_the_document(small_world):
    _, tentativo, rpt = pagamento(small_world)

    error = refusal(small_world, make_rt(rpt), tentativo, iuv="", ccp="")

    (row,) = small_world.ricevute()
    assert error.code == "PAA_SINTASSI_EXTRAXSD"
    assert (row.iuv, row.ccp, row.stato) == (tentativo.iuv, tentativo.ccp, StatoRt.RESPINTA)


def test_a_receipt_for_the_second_beneficiary_of_a_cart_is_thanked_and_kept(world):
    _, tentativo, rpt = pagamento(world)
    cart = "98765432103" + "301000000000000144" + "-00001"

    world.receive(make_rt(rpt, ccp=cart), tentativo, ccp=cart)

    (row,) = world.ricevute()
    assert (row.stato, "ente secondario" in row.motivo) == (StatoRt.ELABORATA, True)
    assert world.apply() is False


@pytest.mark.parametrize(
    "change", [(b"<codiceEsitoPagamento>0", b"<codiceEsitoPagamento>7"), (b"importoTotalePagato", b"altroImporto")]
)
def test_a_receipt_of_which_a_part_is_not_understood_is_thanked_and_set_aside(world, change):
    """Node, 3.9 step 3: only what is no document is refused."""
    _, tentativo, rpt = pagamento(world)
    raw = make_rt(rpt).replace(*change)

    world.receive(raw, tentativo)

    (row,) = world.ricevute()
    assert (bytes(row.raw), row.stato, bool(row.motivo)) == (raw, StatoRt.QUARANTENA, True)
    assert world.apply() is False


def test_the_same_payment_told_in_both_models_is_no_surplus(world):
    id_session, tentativo, rpt = pagamento(world)
    pay(world, iuv=tentativo.iuv, receipt_id="IUR00000001", importo="12.50")

    world.receive(make_rt(rpt), tentativo)
    world.apply()

    assert [row.stato for row in world.ricevute()] == [StatoRt.ELABORATA, StatoRt.ELABORATA]
    assert "stesso pagamento" in world.ricevute()[1].motivo
    assert world.carrello(id_session).stato == "PAGATO"


def test_a_receipt_of_nobody_is_kept_as_an_orphan(world):
    _, tentativo, rpt = pagamento(world)
    raw = make_rt(rpt)

    error = refusal(world, raw, tentativo, ccp="f" * 32)

    (row,) = world.ricevute()
    assert (error.code, error.id) == ("PAA_RPT_SCONOSCIUTA", tentativo.dominio)
    assert (row.stato, bytes(row.raw)) == (StatoRt.ORFANA, raw)


def test_a_receipt_for_the_neighbours_domain_does_not_reach_ours(world):
    id_session, tentativo, rpt = pagamento(world)

    error = refusal(world, make_rt(rpt), tentativo, dominio="98765432103")

    assert error.code == "PAA_RPT_SCONOSCIUTA"
    assert states(world, id_session)[1] == "PAGAM_IN_CORSO"


@pytest.mark.parametrize(
    "changes",
    [{"dominio": "98765432103"}, {"iuv": "01000000000000144"}, {"ccp": "altro"}, {"riferimento_messaggio": "altro"}],
    ids=lambda changes: next(iter(changes)),
)
def test_a_receipt_that_contradicts_its_rpt_is_set_aside(world, changes):
    id_session, tentativo, rpt = pagamento(world)
    raw = make_rt(rpt, **({"iuv": "02" + tentativo.iuv[2:]} if "iuv" in changes else changes))

    error = refusal(world, raw, tentativo)

    (row,) = world.ricevute()
    assert error.code == "PAA_SEMANTICA"
    assert (row.stato, bytes(row.raw)) == (StatoRt.QUARANTENA, raw)
    assert world.apply() is False
    assert states(world, id_session)[1] == "PAGAM_IN_CORSO"


@pytest.mark.parametrize(
    "raw", [b"non xml", b"<RP/>", b"<?xml version='1.0'?><!DOCTYPE a [<!ENTITY b 'c'>]><a>&b;</a>"]
)
def test_a_receipt_that_cannot_be_read_is_set_aside(world, raw):
    _, tentativo, _ = pagamento(world)

    error = refusal(world, raw, tentativo)

    (row,) = world.ricevute()
    assert error.code == "PAA_SINTASSI_XSD"
    assert (row.stato, bytes(row.raw)) == (StatoRt.QUARANTENA, raw)


def test_unreadable_bytes_again_are_accepted_because_they_are_kept(world):
    _, tentativo, _ = pagamento(world)
    refusal(world, b"non xml", tentativo)

    world.receive(b"non xml", tentativo)

    assert len(world.ricevute()) == 1


def test_a_receipt_outside_the_schema_but_readable_is_applied(world):
    id_session, tentativo, rpt = pagamento(world)
    raw = make_rt(rpt).replace(b"</RT>", b"<nuovoElemento>x</nuovoElemento></RT>")

    world.receive(raw, tentativo)
    world.apply()

    assert world.carrello(id_session).stato == "PAGATO"
    assert any("nuovoElemento" in told for told in world.ricevute()[0].ignoti)


# The effect.


@pytest.mark.parametrize(
    ("esito", "carrello", "sessione"),
    [
        (0, "PAGATO", "PAGATO"),
        (1, "NON_PAGATO", "NON_PAGATO"),
        (2, "PARZ_PAGATO", "PARZ_PAGATO"),
        (3, "DECORR_TERM", "NON_PAGATO"),
        (4, "DECORR_TERM_PARZ", "PARZ_PAGATO"),
    ],
)
def test_a_receipt_moves_everything_to_its_outcome(world, esito, carrello, sessione):
    id_session = world.begin(make_documento(make_voce(), make_voce()))
    tentativo = world.tentativo(id_session)
    world.receive(make_rt(bytes(tentativo.rpt), esito), tentativo)

    assert world.apply() is True

    assert states(world, id_session) == ("CHIUSO", carrello, sessione, "COMPLETATO", "COMPLETATO")
    assert {row.codice_esito for row in world.dovuti(id_session)} == {esito}
    assert world.ricevute()[0].stato == StatoRt.ELABORATA


def test_every_line_of_the_receipt_goes_to_its_dovuto_by_position(world):
    id_session = world.begin(make_documento(make_voce(importo="12.50"), make_voce(importo="7.50")))
    tentativo = world.tentativo(id_session)
    world.receive(make_rt(bytes(tentativo.rpt), 2), tentativo)

    world.apply()

    found = [(row.importo_pagato_cent, row.iur) for row in world.dovuti(id_session)]
    assert found == [(1250, "IUR00000001"), (0, "n/a")]


def test_an_amount_that_differs_is_paid_and_flagged(world):
    id_session, tentativo, rpt = pagamento(world)
    world.receive(make_rt(rpt, importo_cent=1300), tentativo)

    world.apply()

    (row,) = world.ricevute()
    assert (row.stato, world.carrello(id_session).stato) == (StatoRt.ELABORATA, "PAGATO")
    assert "1300" in row.motivo
    assert (row.segnalazioni, row.importo_cent) == (["IMPORTO_DIVERSO"], 1300)


def test_receipts_are_applied_once(world):
    _, tentativo, rpt = pagamento(world)
    world.receive(make_rt(rpt), tentativo)

    assert [world.apply(), world.apply()] == [True, False]


def test_two_workers_at_once_apply_each_receipt_once(world):
    sessions = [world.begin() for _ in range(6)]
    for id_session in sessions:
        tentativo = world.tentativo(id_session)
        world.receive(make_rt(bytes(tentativo.rpt)), tentativo)

    with ThreadPoolExecutor(2) as pool:
        for future in [pool.submit(world.apply) for _ in range(2)]:
            future.result()

    assert {world.carrello(id_session).stato for id_session in sessions} == {"PAGATO"}
    assert {row.stato for row in world.ricevute()} == {StatoRt.ELABORATA}


# Two receipts of one attempt.


def test_a_negative_after_a_positive_is_kept_without_effect(world):
    id_session, tentativo, rpt = pagamento(world)
    first = make_rt(rpt, 0)
    world.receive(first, tentativo)
    world.apply()

    world.receive(make_rt(rpt, 1), tentativo)
    world.apply()

    assert states(world, id_session) == ("CHIUSO", "PAGATO", "PAGATO", "COMPLETATO")
    assert [row.stato for row in world.ricevute()] == [StatoRt.ELABORATA, StatoRt.ELABORATA]
    assert "senza effetto" in world.ricevute()[1].motivo
    assert world.ricevuta(id_session=id_session).rt == first


@pytest.mark.parametrize("negative", [1, 3])
def test_a_positive_after_a_negative_wins(world, negative):
    id_session, tentativo, rpt = pagamento(world)
    world.receive(make_rt(rpt, negative), tentativo)
    world.apply()
    second = make_rt(rpt, 0)

    world.receive(second, tentativo)
    world.apply()

    assert states(world, id_session) == ("CHIUSO", "PAGATO", "PAGATO", "COMPLETATO")
    assert world.dovuti(id_session)[0].codice_esito == 0
    assert world.ricevuta(id_session=id_session).rt == second


def test_a_second_positive_with_other_bytes_is_an_excess(world):
    id_session, tentativo, rpt = pagamento(world)
    first, second = make_rt(rpt, 0), make_rt(rpt, 0)
    for raw in (first, second):
        world.receive(raw, tentativo)
        world.apply()

    assert [row.stato for row in world.ricevute()] == [StatoRt.ELABORATA, StatoRt.ECCEDENZA]
    assert world.ricevuta(id_session=id_session).rt == first


def test_both_in_one_tick_are_applied_in_order_of_arrival(world):
    id_session, tentativo, rpt = pagamento(world)
    world.receive(make_rt(rpt, 1), tentativo)
    world.receive(make_rt(rpt, 0), tentativo)

    world.apply()

    assert world.carrello(id_session).stato == "PAGATO"


def test_the_nodes_own_negative_receipt_replaces_the_hubs(world):
    """The send was refused, the hub wrote an outcome of its own; now the node's word is here."""
    id_session, tentativo, rpt = pagamento(world)
    world.nodo.sends.append(Delivery(Outcome.REFUSED, "PPT_SEMANTICA"))
    world.relay()
    raw = make_rt(rpt, 1)

    world.receive(raw, tentativo)
    world.apply()

    assert world.ricevuta(id_session=id_session).rt == raw


# Crashes.


def test_a_crash_after_the_bytes_were_kept_is_finished_by_the_job(world):
    """Step 1: kept, not yet looked at; a good one is applied, a bad one is set aside."""
    id_session, tentativo, rpt = pagamento(world)
    good = make_rt(rpt)
    for raw in (b"non xml", good):
        key = {"dominio": tentativo.dominio, "iuv": tentativo.iuv, "ccp": tentativo.ccp}
        world.lay(
            schema.rt_ricevute,
            **key,
            raw=raw,
            sha256=hashlib.sha256(raw).hexdigest(),
            stazione_id=tentativo.stazione_id,
            stato="RICEVUTA",
            correlation_id="d" * 32,
            received_at=world.clock(),
        )

    world.apply()

    assert [row.stato for row in world.ricevute()] == [StatoRt.QUARANTENA, StatoRt.ELABORATA]
    assert world.carrello(id_session).stato == "PAGATO"


def test_a_redelivery_after_a_crash_is_accepted_and_applied_once(world):
    id_session, tentativo, rpt = pagamento(world)
    raw = make_rt(rpt)
    world.receive(raw, tentativo)  # the answer was lost on its way

    world.receive(raw, tentativo)
    world.apply()

    assert len(world.ricevute()) == 1
    assert world.carrello(id_session).stato == "PAGATO"


def test_a_receipt_in_conflict_has_no_half_effect_and_waits(world):
    id_session, tentativo, rpt = pagamento(world)
    world.receive(make_rt(rpt), tentativo)
    world.change(schema.dovuti, "carrello_id", world.carrello(id_session).id, stato="ANNULLATO")

    assert world.apply() is False

    assert states(world, id_session) == ("DA_INVIARE", "PAGAM_IN_CORSO", "PAGAM_IN_CORSO", "ANNULLATO")
    assert world.ricevute()[0].stato == StatoRt.RICEVUTA


def test_a_receipt_in_conflict_does_not_hold_up_those_behind_it(world):
    blocked, tentativo, rpt = pagamento(world)
    world.receive(make_rt(rpt), tentativo)
    world.change(schema.dovuti, "carrello_id", world.carrello(blocked).id, stato="ANNULLATO")
    id_session, tentativo, rpt = pagamento(world)
    world.receive(make_rt(rpt), tentativo)

    assert world.apply() is True

    assert world.carrello(id_session).stato == "PAGATO"


def test_a_receipt_that_cannot_be_kept_is_out_of_service_never_a_ko(small_world):
    """Everything works but the one write that counts."""
    _, tentativo, rpt = pagamento(small_world)
    with small_world.db.transaction() as session:
        session.execute(text("ALTER TABLE rt_ricevute RENAME TO altrove"))

    assert isinstance(refusal(small_world, make_rt(rpt), tentativo), OutOfService)


@pytest.mark.parametrize("url", ["sqlite:////nessuna/cartella.db", "postgresql+psycopg://127.0.0.1:1/nessuno"])
def test_a_database_that_does_not_answer_is_out_of_service(url):
    intestazione = IntestazioneRt("12345678903", "12345678903_01", "12345678903", "1", "2")

    with pytest.raises(OutOfService):
        record_rt(Database.open(url), intestazione, "PGEvPg==", "d" * 32, datetime.now(UTC))
