"""What was paid and no flow has settled is told by PSP and day, with the day from which it is late."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from hub.domain.calendario import Attesa
from hub.store import schema
from hub.usecases.calendario_fdr import GiornoAtteso, calendario
from tests.factories import HASH_MARCA, make_documento, make_voce
from tests.rendicontazioni import NodoInMemoria, Rendicontazione, make_flusso, make_pagamento
from tests.ricevute import pay
from tests.world import World

LUNEDI = date(2026, 11, 16)
IUV = "01000000000000144"


@pytest.fixture
def fdr(world: World) -> Rendicontazione:
    world.clock.now = datetime(2026, 11, 16, 11, tzinfo=UTC)
    return Rendicontazione(world, NodoInMemoria())


def missing(world: World, **values: Any) -> list[GiornoAtteso]:
    with world.db.reading() as session:
        return list(calendario(session, world.clock(), **values))


def paid(world: World, iuv: str = IUV, **values: Any) -> None:
    world.lay_avviso(iuv)
    pay(world, iuv=iuv, receipt_id=f"token-{iuv}", pagato_at="2026-11-16T10:00:00", **values)


def test_a_payment_is_waited_for_by_its_psp_and_day(fdr):
    paid(fdr.world)
    paid(fdr.world, "01000000000000245")

    (day,) = missing(fdr.world)

    assert (day.ente, day.pagati_il, day.pagamenti, day.importo_cent) == ("C_PROVA", LUNEDI, 2, 10_000)
    assert (day.entro, day.stato) == (date(2026, 11, 19), Attesa.IN_TEMPO)
    assert day.psp and day.psp != "-"


@pytest.mark.parametrize(
    ("after", "stato"),
    [(3, Attesa.IN_TEMPO), (4, Attesa.IN_RITARDO), (33, Attesa.IN_RITARDO), (34, Attesa.DA_CHIEDERE)],
)
def test_from_the_third_working_day_on_it_is_late_and_after_thirty_more_nobody_lists_it(fdr, after, stato):
    paid(fdr.world)

    fdr.world.clock.advance(after * 86_400)

    assert [day.stato for day in missing(fdr.world)] == [stato]


def test_a_flow_that_counts_ends_the_waiting_and_one_that_does_not_leaves_it(fdr):
    paid(fdr.world)
    row = make_pagamento(1, iuv=IUV, iur=f"token-{IUV}", importo_cent=5000, data=LUNEDI)
    flusso = make_flusso(row, generato_at=fdr.world.clock())
    fdr.nodo.flussi = [flusso]
    fdr.tutto()
    assert missing(fdr.world) == []

    other = replace(flusso, pagamenti=(replace(row, iur="altro"),), generato_at=flusso.generato_at + timedelta(hours=1))
    fdr.nodo.flussi = [other]
    fdr.di_nuovo()

    assert len(missing(fdr.world)) == 1, "the revision that settled it does not count any more"


def test_another_ente_sees_its_own_days_only(fdr):
    paid(fdr.world)

    assert missing(fdr.world, ente_id=2) == []
    assert len(missing(fdr.world, ente_id=1)) == 1
    assert missing(fdr.world, dal=LUNEDI + timedelta(days=1)) == []


def test_a_stamp_and_what_was_paid_outside_are_waited_for_by_nobody(fdr):
    stamp = make_voce(tipo="MARCA_BOLLO_DIGITALE", importo="16.00", marca=("01", HASH_MARCA, "RM"))
    id_session = fdr.world.begin(make_documento(stamp))
    fdr.world.relay()
    fdr.world.conclude(id_session, 0)
    (dovuto,) = fdr.world.dovuti(id_session)
    outside = fdr.world.lay_avviso("01000000000000346")
    values = {"id": "f" * 32, "ente_id": 1, "dominio": "12345678903", "iuv": outside.iuv, "stato": "PAGATO"}
    now = fdr.world.clock()
    fdr.world.lay(schema.carrelli, **values, importo_cent=5000, esito_locale=b"<RT/>", created_at=now, updated_at=now)
    fdr.world.change(
        schema.dovuti, "id", outside.id, stato="COMPLETATO", carrello_id="f" * 32, data_esito=LUNEDI,
        importo_pagato_cent=5000, iur="contanti",
    )  # fmt: skip

    assert dovuto.stato == "COMPLETATO"
    assert missing(fdr.world, dal=date(2026, 11, 1), al=date(2026, 12, 31)) == []
