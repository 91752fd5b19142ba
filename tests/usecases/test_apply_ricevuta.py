"""What a receipt of the new model does: nothing of it is lost, no dovuto is paid twice.

Source: node, receipt processing (3.5.1), idempotency (3.0.6); pa-per-ente, how Pagati is filled (3.5).
"""

from __future__ import annotations

import base64
import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import date

import pytest

from hub.domain.documenti import Organizzazione
from hub.domain.errors import HubError, OutOfService
from hub.domain.stati import StatoRt
from hub.formats.marca import read_impronta
from hub.formats.rpt import read_rpt
from hub.formats.rt import check_rt, read_rt
from hub.store import schema
from hub.usecases import elabora_ricevute
from hub.usecases.registra_pagamento import PagamentoEsterno, registra_pagamento
from tests.factories import make_rt
from tests.inoltro import configure_inoltro
from tests.ricevute import IUV, VICINO, deliver, make_marca, make_ricevuta, make_transfer, pay
from tests.world import INTERMEDIARIO, World, chi

SECONDARIO = {
    "codice_fiscale": VICINO,
    "denominazione": "Comune Vicino",
    "iban": "IT60X0542811101000000123456",
    "importo_cent": 1500,
    "dati_specifici": "9/0101101IM/",
}
BOTH = ["paSendRT", "paSendRTV2"]


def pagati_of(world: World, **key: str) -> bytes:
    return base64.b64decode(base64.b64decode(world.ricevuta(**key).pagati))


# Kept first.


@pytest.mark.parametrize("primitiva", BOTH)
def test_a_receipt_is_kept_as_it_came_before_it_has_any_effect(world, primitiva):
    dovuto = world.lay_avviso()
    raw = make_ricevuta(primitiva, receipt_id="token-1")

    deliver(world, raw, primitiva)

    (row,) = world.ricevute()
    assert (bytes(row.raw), row.primitiva, row.stato) == (raw, primitiva, StatoRt.RICEVUTA)
    assert (row.dominio, row.iuv, row.ccp, row.dominio_avviso) == (INTERMEDIARIO, IUV, "token-1", INTERMEDIARIO)
    assert world.one(schema.dovuti, id=dovuto.id).stato == "INSERIMENTO_DOVUTO"


def test_the_same_receipt_eight_times_at_once_is_one_receipt_and_one_payment(world):
    world.lay_avviso()
    raw = make_ricevuta()
    together = threading.Barrier(8)

    def send() -> None:
        together.wait()
        deliver(world, raw)

    with ThreadPoolExecutor(8) as pool:
        for future in [pool.submit(send) for _ in range(8)]:
            future.result()
    world.apply()
    deliver(world, raw)

    assert world.apply() is False
    assert [row.stato for row in world.ricevute()] == [StatoRt.ELABORATA]
    assert len(world.rows(schema.carrelli)) == 1


@pytest.mark.parametrize(
    ("values", "code"),
    [
        ({"intermediario": "00000000000"}, "PAA_ID_INTERMEDIARIO_ERRATO"),
        ({"stazione": "12345678903_99"}, "PAA_STAZIONE_INT_ERRATA"),
        ({"id_pa": "00000000000"}, "PAA_ID_DOMINIO_ERRATO"),
        ({"intermediario": "0", "stazione": "0", "id_pa": "0"}, "PAA_ID_INTERMEDIARIO_ERRATO"),
        ({"stazione": "0", "id_pa": "0"}, "PAA_STAZIONE_INT_ERRATA"),
        ({"receipt_id": None}, "PAA_SINTASSI_EXTRAXSD"),
        ({"id_pa": None}, "PAA_SINTASSI_EXTRAXSD"),
    ],
    ids=["intermediario", "stazione", "dominio", "all_three", "last_two", "without_token", "without_idPA"],
)
def test_what_is_refused_at_the_door_is_kept_all_the_same(small_world, values, code):
    raw = make_ricevuta(**values)

    with pytest.raises(HubError) as caught:
        deliver(small_world, raw)

    (row,) = small_world.ricevute()
    assert caught.value.code == code
    assert (bytes(row.raw), row.stato) == (raw, StatoRt.RESPINTA)
    assert row.motivo.startswith(code)
    assert small_world.apply() is False


def test_a_refused_receipt_takes_its_turn_when_it_comes_again_under_a_good_header(world):
    dovuto = world.lay_avviso()
    raw = make_ricevuta(stazione="12345678903_02")
    with pytest.raises(HubError):
        deliver(world, raw)
    world.lay(schema.stazioni, id="12345678903_02", intermediario=INTERMEDIARIO, password_cifrata="x")

    deliver(world, raw)
    world.apply()

    assert [row.stato for row in world.ricevute()] == [StatoRt.ELABORATA]
    assert world.one(schema.dovuti, id=dovuto.id).stato == "COMPLETATO"


def test_a_receipt_that_cannot_be_kept_is_out_of_service_never_a_ko(small_world):
    with small_world.db.transaction() as session:
        session.exec_driver_sql("ALTER TABLE rt_ricevute RENAME TO altrove")

    with pytest.raises(OutOfService):
        deliver(small_world, make_ricevuta())


# The effect.


@pytest.mark.parametrize("primitiva", BOTH)
def test_a_receipt_pays_the_dovuto_of_its_notice(world, primitiva):
    dovuto = world.lay_avviso()

    row = pay(world, primitiva, receipt_id="token-1")

    paid = world.one(schema.dovuti, id=dovuto.id)
    assert (row.stato, row.motivo, row.segnalazioni, row.ignoti) == (StatoRt.ELABORATA, None, None, None)
    assert (paid.stato, paid.codice_esito, paid.importo_pagato_cent, paid.iur) == ("COMPLETATO", 0, 5000, "token-1")
    assert str(paid.data_esito) == "2026-11-20"
    carrello = world.one(schema.carrelli, id=paid.carrello_id)
    assert (carrello.stato, carrello.rt_id, carrello.id_session) == ("PAGATO", row.id, None)


def test_management_software_reads_an_rt_made_of_the_receipt(world):
    dovuto = world.lay_avviso()
    pay(world, receipt_id="token-1", fee="1.50")

    esito = world.ricevuta(iuv=IUV)

    rt = read_rt(esito.rt)
    assert check_rt(esito.rt) == []
    assert (rt.iuv, rt.ccp, rt.codice_esito, rt.importo_cent, rt.id_messaggio) == (IUV, "token-1", 0, 5000, "token-1")
    assert (rt.attestante.tipo, rt.attestante.codice, rt.pagatore.anagrafica) == ("B", "PSP01", "Mario Rossi")
    (line,) = rt.pagamenti
    assert (line.importo_cent, line.iur, line.commissioni_psp_cent) == (5000, "token-1", 150)
    assert line.dati_specifici == dovuto.dati_specifici
    pagati = pagati_of(world, iud=dovuto.iud)
    assert f"<pay_i:identificativoUnivocoDovuto>{dovuto.iud}<".encode() in pagati
    assert b"<pay_i:singoloImportoPagato>50.00<" in pagati


def test_the_day_falls_back_on_the_day_of_application_and_then_of_reception(world):
    first, second = world.lay_avviso(), world.lay_avviso("01000000000000245")

    pay(world, pagato_at=None)
    pay(world, pagato_at="ieri", applicato=None, iuv="01000000000000245")

    assert str(world.one(schema.dovuti, id=first.id).data_esito) == "2026-11-21"
    assert world.one(schema.dovuti, id=second.id).data_esito is not None


def test_the_share_of_a_second_beneficiary_goes_to_his_ledger(world):
    dovuto = world.lay_avviso(importo_cent=3500, secondario=SECONDARIO)
    transfers = (make_transfer(1, "35.00"), make_transfer(2, "15.00", VICINO))

    row = pay(world, transfers=transfers)

    assert row.segnalazioni is None
    assert world.one(schema.dovuti, id=dovuto.id).importo_pagato_cent == 3500
    assert world.one(schema.quote_secondarie, dovuto_id=dovuto.id).codice_fiscale == VICINO
    moved = world.rows(schema.trasferimenti_ricevute)
    found = [(each.indice, each.codice_fiscale, each.importo_cent) for each in moved]
    assert found == [(1, INTERMEDIARIO, 3500), (2, VICINO, 1500)]
    assert read_rt(world.ricevuta(iuv=IUV).rt).importo_cent == 5000


def test_a_second_share_of_the_ente_s_own_is_a_transfer_beside_that_of_the_dovuto(world):
    own = SECONDARIO | {"codice_fiscale": INTERMEDIARIO}
    dovuto = world.lay_avviso(importo_cent=3500, secondario=own)

    row = pay(world, transfers=(make_transfer(1, "35.00"), make_transfer(2, "15.00")))

    assert (row.stato, row.segnalazioni, row.motivo) == (StatoRt.ELABORATA, None, None)
    assert world.one(schema.dovuti, id=dovuto.id).importo_pagato_cent == 3500
    assert world.one(schema.quote_secondarie, dovuto_id=dovuto.id).codice_fiscale == INTERMEDIARIO


def test_a_second_share_of_the_ente_s_own_is_a_line_of_its_one_rpt(world):
    own = SECONDARIO | {"codice_fiscale": INTERMEDIARIO, "iban": "IT40S0542811101000000654321"}
    dovuto = world.lay_avviso(importo_cent=3500, secondario=own)

    id_session = world.attempt(0)

    rpt = read_rpt(bytes(world.tentativo(id_session).rpt))
    assert [one.importo_cent for one in rpt.versamenti] == [3500, 1500]
    assert [one.iban_accredito == own["iban"] for one in rpt.versamenti] == [False, True]
    (row,) = world.ricevute()
    assert (row.stato, row.segnalazioni, row.motivo) == (StatoRt.ELABORATA, None, None)
    assert world.carrello(id_session).importo_cent == 5000
    assert world.one(schema.dovuti, id=dovuto.id).importo_pagato_cent == 3500


def test_a_copy_for_the_second_beneficiary_is_another_record_and_pays_nothing_twice(world):
    world.lay_avviso(importo_cent=3500, secondario=SECONDARIO)
    values = {"receipt_id": "token-1", "transfers": (make_transfer(1, "35.00"), make_transfer(2, "15.00", VICINO))}

    pay(world, **values)
    copy = pay(world, id_pa=VICINO, **values)

    assert [row.stato for row in world.ricevute()] == [StatoRt.ELABORATA, StatoRt.ELABORATA]
    assert "ente secondario" in copy.motivo and "1500" in copy.motivo
    assert len(world.rows(schema.carrelli)) == 1


def test_a_copy_whose_notice_is_of_a_body_that_nobody_knows_is_kept_with_its_transfers(world):
    row = pay(world, id_pa=VICINO, dominio="00000000000", transfers=(make_transfer(3, "50.00", VICINO),))

    assert (row.stato, row.dominio_avviso) == (StatoRt.ELABORATA, "00000000000")
    (moved,) = world.rows(schema.trasferimenti_ricevute, codice_fiscale=VICINO)
    assert (moved.ricevuta_id, moved.indice, moved.importo_cent) == (row.id, 3, 5000)


# What does not fit is flagged, never refused.


@pytest.mark.parametrize(
    ("values", "laid", "flags"),
    [
        ({"importo": "49.00"}, {}, ["IMPORTO_DIVERSO", "TRASFERIMENTI_DIVERSI"]),
        ({"transfers": (make_transfer(1, "50.00", VICINO),)}, {}, ["TRASFERIMENTI_DIVERSI"]),
        ({"transfers": ()}, {}, ["TRASFERIMENTI_DIVERSI"]),
        ({"stand_in": "true"}, {}, ["STAND_IN"]),
        ({"transfers": (make_transfer(1, "50.00", marca=make_marca()),)}, {}, ["MARCA_DIVERSA"]),
    ],
    ids=["amount", "transfer_to_another", "no_transfer", "stand_in", "stamp_not_asked_for"],
)
def test_what_differs_is_paid_and_flagged(world, values, laid, flags):
    dovuto = world.lay_avviso(**laid)

    row = pay(world, **values)

    assert (row.stato, row.segnalazioni) == (StatoRt.ELABORATA, flags)
    paid = world.one(schema.dovuti, id=dovuto.id)
    assert (paid.stato, paid.importo_pagato_cent > 0) == ("COMPLETATO", True)


def test_a_receipt_through_another_of_our_stations_is_paid_and_flagged(world):
    dovuto = world.lay_avviso()
    world.lay(schema.stazioni, id="12345678903_02", intermediario=INTERMEDIARIO, password_cifrata="x")

    row = pay(world, stazione="12345678903_02")

    assert (row.stato, row.segnalazioni) == (StatoRt.ELABORATA, ["ALTRA_STAZIONE"])
    assert world.one(schema.dovuti, id=dovuto.id).stato == "COMPLETATO"


def test_a_payment_after_the_due_date_is_flagged(world):
    world.change(schema.tipi, "codice", "TARI", scadenza_obbligatoria=True)
    world.lay_avviso(scadenza=world.clock().date().replace(year=2020))

    assert pay(world).segnalazioni == ["POSIZIONE_SCADUTA"]


def test_a_payment_of_a_cancelled_notice_pays_a_copy_of_it(world):
    cancelled = world.lay_avviso(stato="ANNULLATO", attuale=False)

    row = pay(world)

    assert (row.stato, row.segnalazioni) == (StatoRt.ELABORATA, ["POSIZIONE_ANNULLATA"])
    assert world.one(schema.dovuti, id=cancelled.id).stato == "ANNULLATO"
    (copy,) = world.rows(schema.dovuti, attuale=True)
    assert (copy.iud, copy.stato, copy.importo_pagato_cent) == (cancelled.iud, "COMPLETATO", 5000)
    assert world.ricevuta(iud=cancelled.iud).rt is not None


def test_unknown_elements_and_codes_are_told_and_the_money_is_taken(world):
    world.lay_avviso()

    row = pay(world, extra="<novita><dentro/></novita>", stand_in="forse", transfers=(make_transfer(9, "50.00"),))

    assert row.stato == StatoRt.ELABORATA
    assert sorted(row.ignoti) == ["idTransfer=9", "receipt/novita", "standIn=forse"]


def test_a_stamp_is_handed_on_untouched_and_compared_with_its_document(world):
    marca = make_marca(b"atto")
    asked = {"tipo_bollo": "01", "hash_documento": read_impronta(marca), "provincia_residenza": "RM"}
    world.lay_avviso(importo_cent=1600, marca=asked)

    row = pay(world, importo="16.00", transfers=(make_transfer(1, "16.00", marca=marca),))

    assert (row.stato, row.segnalazioni) == (StatoRt.ELABORATA, None)
    (line,) = read_rt(world.ricevuta(iuv=IUV).rt).pagamenti
    assert (line.allegato_tipo, line.allegato) == ("BD", marca)


# More than one receipt.


def test_a_second_payment_of_a_notice_is_a_surplus(world):
    world.lay_avviso()
    first = pay(world, receipt_id="token-1")

    second = pay(world, receipt_id="token-2")

    assert (first.stato, second.stato) == (StatoRt.ELABORATA, StatoRt.ECCEDENZA)
    assert "token-1" in second.motivo
    assert read_rt(world.ricevuta(iuv=IUV).rt).ccp == "token-1"


def test_two_receipts_of_one_notice_applied_at_once_are_a_payment_and_a_surplus(world):
    for number in range(6):
        iuv = f"010000000{number:02d}000000"
        world.lay_avviso(iuv)
        for _ in range(2):
            deliver(world, make_ricevuta(iuv=iuv))

    with ThreadPoolExecutor(2) as pool:
        for future in [pool.submit(world.apply) for _ in range(2)]:
            future.result()
    world.apply()

    found = sorted(row.stato for row in world.ricevute())
    assert found == [StatoRt.ECCEDENZA] * 6 + [StatoRt.ELABORATA] * 6
    assert len(world.rows(schema.carrelli, stato="PAGATO")) == 6


def test_the_same_token_with_other_money_is_set_aside(world):
    world.lay_avviso()
    pay(world, receipt_id="token-1")

    row = pay(world, receipt_id="token-1", importo="49.00")

    assert row.stato == StatoRt.QUARANTENA
    assert "altro contenuto" in row.motivo


def test_the_same_token_in_the_other_version_is_the_same_payment(world):
    world.lay_avviso()
    pay(world, "paSendRT", receipt_id="token-1")

    row = pay(world, "paSendRTV2", receipt_id="token-1", extra="<idBundle>b</idBundle>")

    assert (row.stato, "senza effetto" in row.motivo) == (StatoRt.ELABORATA, True)
    assert len(world.rows(schema.carrelli)) == 1


def test_a_receipt_takes_the_place_of_what_the_ente_had_registered(world):
    world.lay_avviso()
    esterno = PagamentoEsterno(IUV, 5000, date(2026, 11, 20), "token-1", Organizzazione("G", "1", "PSP"))
    registra_pagamento(world.db, world.runtime.callers, chi(), esterno, world.clock())

    row = pay(world, receipt_id="token-1")

    assert row.stato == StatoRt.ELABORATA
    assert read_rt(world.ricevuta(iuv=IUV).rt).ccp == "token-1"


def test_a_receipt_wins_over_an_attempt_that_is_open(world):
    """The citizen begins online and pays at the counter: the attempt ends, its own receipt would be a surplus."""
    world.lay_avviso()
    id_session = world.attempt()
    tentativo = world.tentativo(id_session)

    row = pay(world, receipt_id="token-1")
    world.receive(make_rt(bytes(tentativo.rpt)), tentativo)
    world.apply()

    assert (row.stato, row.segnalazioni) == (StatoRt.ELABORATA, ["PAGAMENTO_IN_CORSO"])
    assert (world.carrello(id_session).stato, world.sessione(id_session).stato) == ("PAGATO", "PAGATO")
    assert world.ricevute()[-1].stato == StatoRt.ECCEDENZA
    assert read_rt(world.esito(id_session).rt or world.ricevuta(id_session=id_session).rt).ccp == "token-1"


def test_a_receipt_after_a_failed_attempt_pays_the_copy_that_waits(world):
    world.lay_avviso()
    world.attempt(1)

    row = pay(world)

    assert (row.stato, row.segnalazioni) == (StatoRt.ELABORATA, None)
    (current,) = world.rows(schema.dovuti, attuale=True)
    assert (current.stato, current.codice_esito) == ("COMPLETATO", 0)


# Nobody expected it.


def test_a_receipt_of_an_unknown_notice_waits_and_is_applied_when_its_dovuto_comes(world):
    orphan = pay(world)
    assert (orphan.stato, elabora_ricevute.retry_orphans(world.db, world.clock())) == (StatoRt.ORFANA, False)
    dovuto = world.lay_avviso()

    assert elabora_ricevute.retry_orphans(world.db, world.clock()) is True

    assert world.ricevute()[0].stato == StatoRt.ELABORATA
    assert world.one(schema.dovuti, id=dovuto.id).stato == "COMPLETATO"
    assert elabora_ricevute.retry_orphans(world.db, world.clock()) is False


@pytest.mark.parametrize(
    ("values", "stato"),
    [
        ({"outcome": "KO"}, StatoRt.ELABORATA),
        ({"outcome": "FORSE"}, StatoRt.QUARANTENA),
        ({"importo": "tanto", "transfers": (make_transfer(),)}, StatoRt.QUARANTENA),
    ],
    ids=["ko", "unknown_outcome", "unreadable_amount"],
)
def test_what_tells_no_payment_is_kept_and_pays_nothing(world, values, stato):
    dovuto = world.lay_avviso()

    row = pay(world, **values)

    assert (row.stato, bool(row.motivo)) == (stato, True)
    assert world.one(schema.dovuti, id=dovuto.id).stato == "INSERIMENTO_DOVUTO"


def test_a_token_longer_than_its_key_is_told_from_another(world):
    world.lay_avviso()
    start = "t" * 40

    pay(world, receipt_id=start + "1")
    second = pay(world, receipt_id=start + "2")

    assert second.stato == StatoRt.ECCEDENZA
    assert len({row.ccp for row in world.ricevute()}) == 2


def test_a_receipt_in_conflict_does_not_hold_up_those_behind_it(world):
    """More of them than a page."""
    blocked = []
    for number in range(55):
        iuv = f"0110000{number:02d}00000000"
        world.lay_avviso(iuv)
        world.lay(
            schema.carrelli, id=f"c{number}", ente_id=1, dominio=INTERMEDIARIO, iuv=iuv, stato="PAGAM_IN_CORSO",
            importo_cent=1, created_at=world.clock(), updated_at=world.clock(),
        )  # fmt: skip
        deliver(world, make_ricevuta(iuv=iuv))
        blocked.append(iuv)
    dovuto = world.lay_avviso()
    deliver(world, make_ricevuta())

    assert world.apply() is True

    assert world.one(schema.dovuti, id=dovuto.id).stato == "COMPLETATO"
    assert len(world.rows(schema.rt_ricevute, stato="RICEVUTA")) == len(blocked)


def test_the_outcome_is_queued_for_the_system_of_the_ente(world):
    configure_inoltro(world, "TARI")
    dovuto = world.lay_avviso()

    pay(world)

    assert world.one(schema.eventi_esito, iud=dovuto.iud).codice_esito == 0

