"""paaSILChiediStoricoPagamenti through its contract. Source: pa-per-ente, 2.11."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from hub.formats.rt import read_rt, render_rt
from hub.store import schema
from hub.usecases import portali
from tests.factories import CODICE_FISCALE, make_documento, make_voce
from tests.soap.portale import (
    ADMIN,
    ALTRO_CODICE,
    ask,
    code_of,
    lay_administrator,
    lay_application,
    persona,
    read,
    send,
    text_of,
)
from tests.world import World

OPERATION = "paaSILChiediStoricoPagamenti"
# Half past midnight of the 21st in Rome.
NOW = datetime(2026, 11, 20, 23, 30, tzinfo=UTC)
DAY = datetime(2026, 11, 21)


@pytest.fixture
def stage(small_world: World) -> World:
    return prepare(small_world)


def prepare(world: World) -> World:
    lay_administrator(world)
    world.clock.now = NOW
    return world


def storico(world: World, start: datetime = DAY, **fields):
    return ask(world, OPERATION, dataFrom=start, **fields)


def paid(world: World, esito: int = 0, documento=None, **values) -> str:
    """A payment begun by an ente, with its outcome."""
    id_session = world.begin(documento, **values)
    world.relay()
    world.conclude(id_session, esito)
    return id_session


def iud_of(answer) -> list[list[str]]:
    assert answer.fault is None
    tag = "{http://www.regione.veneto.it/schemas/2012/Pagamenti/Ente/}identificativoUnivocoDovuto"
    return [[node.text for node in read(one.ctPagatiConRicevuta).iter(tag)] for one in answer.paaSILStoricoPagamenti]


def test_a_payment_is_told_once_with_document_and_receipt(world):
    prepare(world)
    id_session = paid(world, documento=make_documento(make_voce(), make_voce()))

    answer = storico(world)

    (one,) = answer.paaSILStoricoPagamenti
    assert (one.codIpaEnte, one.deNomeEnte, one.urlDownloadRT) == ("C_PROVA", "Comune di Prova", None)
    assert iud_of(answer) == [[row.iud for row in world.dovuti(id_session)]]
    root = read(one.ctPagatiConRicevuta)
    assert (text_of(root, "codiceEsitoPagamento"), text_of(root, "importoTotalePagato")) == ("0", "25.00")
    assert one.rt == bytes(world.ricevute()[0].raw)


@pytest.mark.parametrize(("esito", "expected"), [(0, 1), (1, 1), (2, 1)])
def test_every_outcome_is_told(stage, esito, expected):
    paid(stage, esito)

    answer = storico(stage)

    assert len(answer.paaSILStoricoPagamenti) == expected
    assert text_of(read(answer.paaSILStoricoPagamenti[0].ctPagatiConRicevuta), "codiceEsitoPagamento") == str(esito)


def test_what_has_no_outcome_is_not_told(stage):
    stage.invia()
    stage.begin()

    assert iud_of(storico(stage)) == []


def test_a_stored_dovuto_has_an_element_for_each_attempt(stage):
    stored = stage.lay_avviso()
    stage.attempt(1)
    stage.clock.advance(60)
    stage.attempt(0)

    answer = storico(stage)

    outcomes = [text_of(read(one.ctPagatiConRicevuta), "codiceEsitoPagamento") for one in answer.paaSILStoricoPagamenti]
    assert outcomes == ["1", "0"]
    assert iud_of(answer) == [[], [stored.iud]]


def test_an_outcome_that_came_without_receipt_has_none(stage):
    """As paaSILRegistraPagamento leaves it."""
    id_session = paid(stage)
    local = render_rt(read_rt(bytes(stage.ricevute()[0].raw)))
    stage.change(schema.carrelli, "id_session", id_session, rt_id=None, esito_locale=local)

    (one,) = storico(stage).paaSILStoricoPagamenti

    assert one.rt is None and read(one.ctPagatiConRicevuta) is not None


# Whole days of Rome.


@pytest.mark.parametrize("hour", [0, 11, 12, 15, 23])
def test_the_day_of_the_outcome_is_in_the_interval_at_any_hour(stage, hour):
    """The original cuts the afternoon to noon."""
    paid(stage)
    stage.clock.advance(3600 * 22)

    assert len(iud_of(storico(stage, DAY.replace(hour=hour), dataTo=DAY.replace(hour=hour)))) == 1
    assert iud_of(storico(stage, DAY - timedelta(days=3), dataTo=(DAY - timedelta(days=1)).replace(hour=hour))) == []
    assert iud_of(storico(stage, DAY + timedelta(days=1), dataTo=DAY + timedelta(days=2))) == []


def test_the_next_data_from_is_the_beginning_of_the_last_day(stage):
    rome = ZoneInfo("Europe/Rome")

    assert storico(stage).dateTo == datetime(2026, 11, 21, tzinfo=rome)
    assert storico(stage, DAY, dataTo=datetime(2026, 11, 25, 18)).dateTo == datetime(2026, 11, 25, tzinfo=rome)


def test_fed_back_nothing_is_lost(stage):
    start, told = DAY, set()
    for _ in range(4):
        paid(stage)
        answer = storico(stage, start)
        told |= {iud for one in iud_of(answer) for iud in one}
        start = answer.dateTo
        paid(stage)
        stage.clock.advance(3600 * 13)
    told |= {iud for one in iud_of(storico(stage, start)) for iud in one}

    assert told == {row.iud for row in stage.rows(schema.dovuti)} and len(told) == 8


# Who may see what, and of whom.


def test_the_administrator_sees_every_ente_or_the_one_asked_for(world):
    prepare(world)
    mine, other = paid(world), paid(world, ente="C_VICINO")
    iud = {id_session: [row.iud for row in world.dovuti(id_session)] for id_session in (mine, other)}

    assert sorted(iud_of(storico(world))) == sorted(iud.values())
    assert iud_of(storico(world, codIpaEnte="C_VICINO")) == [iud[other]]
    assert iud_of(storico(world, codIpaEnte=ADMIN)) == []
    assert storico(world, codIpaEnte="C_NESSUNO").fault.faultCode == "PAA_ENTE_NON_VALIDO"


def test_an_ordinary_ente_sees_itself_alone(world):
    prepare(world)
    mine, _ = paid(world), paid(world, ente="C_VICINO")

    answer = storico(world, password="Segreto12345", codIpaEnte="C_PROVA")
    assert iud_of(answer) == [[row.iud for row in world.dovuti(mine)]]
    for ente in (None, "C_VICINO", ADMIN):
        refused = storico(world, password="Segreto12345", codIpaEnte=ente)
        assert refused.fault.faultCode == "PAA_ENTE_NON_VALIDO" and refused.paaSILStoricoPagamenti == []


def test_an_application_sees_carts_of_its_own_tipi_alone(stage):
    password = lay_application(stage, tipi=["MENSA"])
    mensa = paid(stage, documento=make_documento(make_voce(tipo="MENSA")))
    paid(stage, documento=make_documento(make_voce(tipo="MENSA"), make_voce(tipo="TARI")))

    answer = storico(stage, password=password, codIpaEnte="C_PROVA")

    assert iud_of(answer) == [[row.iud for row in stage.dovuti(mensa)]]


def test_another_citizen_has_a_past_of_his_own(stage):
    paid(stage)
    paid(stage, documento=make_documento(make_voce(tipo="DONAZIONI"), codice_pagatore="ANONIMO"))

    assert len(iud_of(storico(stage))) == 1
    assert iud_of(storico(stage, identificativoUnivocoPersonaFG=persona(ALTRO_CODICE))) == []
    assert iud_of(storico(stage, identificativoUnivocoPersonaFG=persona("ANONIMO"))) == []
    assert iud_of(storico(stage, identificativoUnivocoPersonaFG=persona(tipo="G"))) == []


FG = "identificativoUnivocoPersonaFG"
NS = "http://www.regione.veneto.it/schemas/2012/Pagamenti/Ente/"


def body(password: str = "Portale12345", tipo: str = "F", codice: str = CODICE_FISCALE, dates: str = "") -> str:
    return (
        f'<password>{password}</password><{FG} xmlns:p="{NS}"><p:tipoIdentificativoUnivoco>{tipo}'
        f"</p:tipoIdentificativoUnivoco><p:codiceIdentificativoUnivoco>{codice}</p:codiceIdentificativoUnivoco></{FG}>"
        f"{dates}"
    )


FROM, TO = "<dataFrom>2026-11-21T10:00:00</dataFrom>", "<dataTo>2026-11-21T09:59:59</dataTo>"


@pytest.mark.parametrize(
    ("sent", "code"),
    [
        (body("Sbagliata123", "X", "", TO), "PAA_ENTE_NON_VALIDO"),
        (body(tipo="X", codice=""), "PAA_TIPO_IDENTIFICATIVO_PAGATORE_NON_VALIDO"),
        (body(codice=""), "PAA_CODICE_IDENTIFICATIVO_PAGATORE_NON_PRESENTE"),
        (body(dates="<dataTo>domani</dataTo>"), "PAA_DATE_FROM_NON_VALIDO"),
        (body(dates="<dataFrom>2026-11-21</dataFrom><dataTo>domani</dataTo>"), "PAA_DATE_FROM_NON_VALIDO"),
        (body(dates=f"{FROM}<dataTo>domani</dataTo>"), "PAA_DATE_TO_NON_VALIDO"),
        (body(dates=FROM + TO), "PAA_INTERVALLO_DATE_NON_VALIDO"),
        (body(dates="<dataFrom>2026-11-22T10:00:00</dataFrom>"), "PAA_INTERVALLO_DATE_NON_VALIDO"),
    ],
)
def test_each_refusal_has_its_code_in_this_order(stage, sent, code):
    assert code_of(send(stage, OPERATION, sent)) == code


def test_more_than_one_answer_holds_is_refused_and_not_cut(stage, monkeypatch):
    monkeypatch.setattr(portali, "STORICO_MAX", 1)
    paid(stage)
    assert len(iud_of(storico(stage))) == 1
    paid(stage)

    assert storico(stage).fault.faultCode == "PAA_INTERVALLO_DATE_NON_VALIDO"
