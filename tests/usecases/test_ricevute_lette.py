"""A dovuto paid at a PSP's counter, as those read it who know only RTs. Source: pa-per-ente, 3.5; flows, 3."""

from __future__ import annotations

import base64
from datetime import UTC, datetime

from hub.formats.rt import check_rt, read_rt
from hub.store import schema
from tests.esportazioni import book, book_incremental, rows_of, tick
from tests.ricevute import IUV, VICINO, make_transfer, pay
from tests.world import World

SECONDARIO = {
    "codice_fiscale": VICINO, "denominazione": "Comune Vicino", "iban": "IT60X0542811101000000123456",
    "importo_cent": 1500, "dati_specifici": "9/0201102IM/", "indirizzo": None, "civico": None, "cap": None,
    "localita": None, "provincia": None, "nazione": None, "causale": "Quota TEFA",
}  # fmt: skip


def test_an_export_has_the_payment_with_the_rt_that_was_made_of_its_receipt(world: World) -> None:
    dovuto = world.lay_avviso()
    pay(world, receipt_id="token-1")
    da = datetime(2026, 11, 20, tzinfo=UTC)
    request_token, _ = book_incremental(world, da, ricevuta=True, incrementale=False)

    assert tick(world)

    (row,) = rows_of(world, request_token)
    told = {name: row[name] for name in ("codIud", "codIuv", "identificativoUnivocoRiscoss", "importoTotalePagato")}
    assert told == {
        "codIud": dovuto.iud,
        "codIuv": IUV,
        "identificativoUnivocoRiscoss": "token-1",
        "importoTotalePagato": "50.00",
    }
    rt = base64.b64decode(row["rt"])
    assert (check_rt(rt), read_rt(rt).ccp) == ([], "token-1")


def test_the_second_beneficiary_finds_his_share_in_his_export(world: World) -> None:
    world.lay_avviso(importo_cent=3500, secondario=SECONDARIO)
    pay(world, transfers=(make_transfer(1, "35.00"), make_transfer(2, "15.00", VICINO)))
    tipo = {"identificativoTipoDovuto": "EXPORT_ENTE_SECONDARIO"}
    request_token = book(world, ente="C_VICINO", versioneTracciato="1.3", **tipo)

    assert tick(world)

    (row,) = rows_of(world, request_token, ente="C_VICINO")
    assert (row["codIuv"], row["singoloImportoPagato"]) == (IUV, "15.00")


def test_several_dovuti_under_one_notice_are_paid_line_by_line(world: World) -> None:
    """As a cart that a citizen pays through Checkout: no transfer names a dovuto."""
    first = world.lay_avviso(importo_cent=3000)
    second = world.lay_avviso(importo_cent=2000, posizione=2)

    row = pay(world, transfers=(make_transfer(1, "30.00"), make_transfer(2, "20.00")))

    paid = {each.iud: each.importo_pagato_cent for each in world.rows(schema.dovuti)}
    assert (row.segnalazioni, paid) == (None, {first.iud: 3000, second.iud: 2000})
    assert [line.importo_cent for line in read_rt(world.ricevuta(iuv=IUV).rt).pagamenti] == [3000, 2000]


def test_one_transfer_for_several_dovuti_is_shared_out_in_order(world: World) -> None:
    first = world.lay_avviso(importo_cent=3000)
    second = world.lay_avviso(importo_cent=2000, posizione=2)

    row = pay(world, importo="49.00", transfers=(make_transfer(1, "49.00"),))

    paid = {each.iud: each.importo_pagato_cent for each in world.rows(schema.dovuti)}
    assert paid == {first.iud: 3000, second.iud: 1900}
    assert row.segnalazioni == ["IMPORTO_DIVERSO", "TRASFERIMENTI_DIVERSI"]
