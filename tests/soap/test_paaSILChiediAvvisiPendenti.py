"""paaSILChiediAvvisiPendenti through its contract. Source: pa-per-ente, 2.10: nobody else answers it."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest

from hub.formats.dovuti import read_dovuti
from hub.store import schema
from hub.usecases import portali
from tests.soap.portale import ask, code_of, lay_application, read, send, text_of
from tests.world import World

OPERATION = "paaSILChiediAvvisiPendenti"
# Half past midnight of the 11th in Rome.
BORN = datetime(2026, 11, 10, 23, 30, tzinfo=UTC)
DAY = date(2026, 11, 11)


def avvisi(world: World, start: date = DAY, end: date = DAY, ente: str = "C_PROVA", password: str = "Segreto12345"):
    return ask(world, OPERATION, password, codIpaEnte=ente, dateFrom=start, dateTo=end)


def found(answer) -> list[str]:
    assert answer.fault is None
    return [text_of(read(one.dovuti), "identificativoUnivocoVersamento") for one in answer.paaSILAvvisoPendente]


def test_a_notice_is_told_with_its_day_in_rome_and_its_document(world):
    stored = world.lay_avviso(created_at=BORN, commissione_cent=130)

    answer = avvisi(world)

    (one,) = answer.paaSILAvvisoPendente
    assert one.dtCreazioneCodIuv == DAY
    root = read(one.dovuti)
    assert text_of(root, "identificativoUnivocoDovuto") == stored.iud
    assert text_of(root, "importoSingoloVersamento") == "50.00"
    assert text_of(root, "anagraficaPagatore") == "Mario Rossi"
    assert read_dovuti(one.dovuti).dovuti[0].commissione_cent == 130


@pytest.mark.parametrize(
    ("days", "expected"), [((-1, -1), False), ((0, 0), True), ((-5, 0), True), ((0, 5), True), ((1, 2), False)]
)
def test_both_days_of_the_interval_are_in_it(small_world, days, expected):
    small_world.lay_avviso(created_at=BORN)

    answer = avvisi(small_world, DAY + timedelta(days=days[0]), DAY + timedelta(days=days[1]))

    assert bool(found(answer)) == expected


def test_a_notice_that_was_modified_keeps_the_day_of_its_iuv(world):
    old = world.lay_avviso(created_at=BORN, stato="ANNULLATO", attuale=False)
    world.lay_avviso(created_at=BORN + timedelta(days=3), iud=old.iud, importo_cent=700)

    (one,) = avvisi(world).paaSILAvvisoPendente

    assert (one.dtCreazioneCodIuv, text_of(read(one.dovuti), "importoSingoloVersamento")) == (DAY, "7.00")
    assert found(avvisi(world, DAY + timedelta(days=3), DAY + timedelta(days=3))) == []


@pytest.mark.parametrize(
    "values",
    [
        {"stato": "COMPLETATO", "codice_esito": 0},
        {"stato": "ANNULLATO", "attuale": False},
        {"iuv": None},
        {"iuv_volatile": True},
        {"origine": "ESTERNO-ANONIMO", "stato": "PAGAMENTO_INIZIATO"},
    ],
)
def test_what_is_paid_cancelled_without_notice_or_started_online_is_not_pending(small_world, values):
    small_world.lay_avviso(**({"created_at": BORN} | values))

    assert found(avvisi(small_world)) == []


@pytest.mark.parametrize("values", [{"stato": "PAGAMENTO_INIZIATO"}, {"scadenza": date(2020, 1, 1)}])
def test_what_is_being_paid_or_late_still_is(small_world, values):
    small_world.lay_avviso(**({"created_at": BORN} | values))

    assert found(avvisi(small_world)) == ["01000000000000144"]


def test_an_ente_sees_its_own(world):
    world.lay_avviso("01000000000000144", created_at=BORN)
    world.lay_avviso("02000000000000133", created_at=BORN, ente_id=2, dominio="98765432103")

    assert found(avvisi(world)) == ["01000000000000144"]
    assert found(avvisi(world, ente="C_VICINO", password="Vicino123456")) == ["02000000000000133"]
    for ente, password in (("C_PROVA", "Vicino123456"), ("C_VICINO", "Segreto12345"), ("C_NESSUNO", "Segreto12345")):
        assert avvisi(world, ente=ente, password=password).fault.faultCode == "PAA_ENTE_NON_VALIDO"


def test_an_application_sees_its_own_tipi(small_world):
    small_world.lay_avviso("01000000000000144", created_at=BORN)
    small_world.lay_avviso("01000000000000245", created_at=BORN, tipo="MENSA")
    password = lay_application(small_world, tipi=["MENSA"])

    assert found(avvisi(small_world, password=password)) == ["01000000000000245"]


KNOWN = "<codIpaEnte>C_PROVA</codIpaEnte>"


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (f"<password>Sbagliata123</password>{KNOWN}", "PAA_ENTE_NON_VALIDO"),
        (f"<password>Segreto12345</password>{KNOWN}", "PAA_DATE_FROM_NON_VALIDO"),
        (f"<password>Segreto12345</password>{KNOWN}<dateFrom>ieri</dateFrom>", "PAA_DATE_FROM_NON_VALIDO"),
        (f"<password>Segreto12345</password>{KNOWN}<dateFrom>2026-11-11</dateFrom>", "PAA_DATE_TO_NON_VALIDO"),
        (
            f"<password>Segreto12345</password>{KNOWN}<dateFrom>2026-11-11</dateFrom><dateTo>2026-13-01</dateTo>",
            "PAA_DATE_TO_NON_VALIDO",
        ),
        (
            f"<password>Segreto12345</password>{KNOWN}<dateFrom>2026-11-11</dateFrom><dateTo>2026-11-10</dateTo>",
            "PAA_INTERVALLO_DATE_NON_VALIDO",
        ),
    ],
)
def test_each_refusal_has_its_code_in_this_order(small_world, body, code):
    assert code_of(send(small_world, OPERATION, body)) == code


def test_any_calendar_may_be_asked_for(small_world):
    small_world.lay_avviso(created_at=BORN)

    answer = send(
        small_world,
        OPERATION,
        f"<password>Segreto12345</password>{KNOWN}<dateFrom>0001-01-01</dateFrom><dateTo>9999-12-31+01:00</dateTo>",
    )

    assert code_of(answer) is None
    assert len(answer.payload.findall("paaSILAvvisoPendente")) == 1


def test_more_than_one_answer_holds_is_refused_and_not_cut(small_world, monkeypatch):
    monkeypatch.setattr(portali, "AVVISI_MAX", 1)
    small_world.lay_avviso("01000000000000144", created_at=BORN)
    assert found(avvisi(small_world))
    small_world.lay_avviso("01000000000000245", created_at=BORN)

    answer = avvisi(small_world)

    assert answer.fault.faultCode == "PAA_INTERVALLO_DATE_NON_VALIDO"
    assert "restringerlo" in answer.fault.description


def test_a_notice_with_all_its_fields_is_valid(small_world):
    bilancio = (
        "<bilancio><capitolo><codCapitolo>C1</codCapitolo><accertamento><importo>50.00</importo></accertamento>"
        "</capitolo></bilancio>"
    )
    pagatore = {
        "tipo": "G", "codice": "12345678903", "anagrafica": "Rossi & Figli", "indirizzo": "Via Roma", "civico": "1/a",
        "cap": "30100", "localita": "Prova", "provincia": "VE", "nazione": "IT", "email": "rossi@example.org",
    }  # fmt: skip
    small_world.lay_avviso(
        created_at=BORN, bilancio_xml=bilancio, pagatore=pagatore, causale="x" * 1024, dati_specifici="7/0101101IM/",
        scadenza=None, tipo_versamento="",
    )  # fmt: skip

    (one,) = avvisi(small_world).paaSILAvvisoPendente

    root = read(one.dovuti)
    assert (text_of(root, "tipoVersamento"), text_of(root, "provinciaPagatore")) == ("ALL", "VE")
    assert text_of(root, "codCapitolo") == "C1"
    assert small_world.rows(schema.sessioni) == []
