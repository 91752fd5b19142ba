"""The file of a booked export: what is in it. Source: flows, 3.2 and 3.3; pa-per-ente, 2.8."""

from __future__ import annotations

import base64
from datetime import UTC, date, datetime, timedelta

import pytest

from hub.domain.documenti import Organizzazione, Soggetto
from hub.domain.flussi import TIPO_ENTE_SECONDARIO
from hub.store import schema
from hub.usecases import righe_export
from hub.usecases.registra_pagamento import PagamentoEsterno, registra_pagamento
from tests.esportazioni import (
    GIORNO,
    ask,
    book,
    book_incremental,
    booking,
    exported,
    iuv_of,
    lay_flusso,
    pay,
    read_file,
    rows_of,
    tick,
)
from tests.factories import make_documento, make_rt, make_voce
from tests.world import chi

VICINO = "98765432103"
SECONDARIO = {
    "codice_fiscale": VICINO, "denominazione": "Comune Vicino", "iban": "IT60X0542811101000000123456",
    "importo_cent": 250, "dati_specifici": "9/0201102IM/", "indirizzo": "Via Larga", "civico": None, "cap": None,
    "localita": None, "provincia": None, "nazione": None, "causale": "Quota TEFA",
}  # fmt: skip


def test_a_paid_item_comes_out_as_its_receipt_says(world):
    world.clock.now = datetime(2026, 11, 21, 23, 5, 7, tzinfo=UTC)
    paid = pay(world, bilancio_xml="<bilancio/>")
    request_token = book(world)

    assert ask(world, request_token).stato == "LOAD_EXPORT"
    assert tick(world) and not tick(world)

    path, data = read_file(world, request_token)
    number = booking(world, request_token).id
    assert path == f"C_PROVA/EXPORT/2026_11/{number}_ESTRAZIONE_DOVUTI_2026-11-22_00_05_07.zip"
    assert data.count(b"\n") == 2 and data.startswith(b'"iuf";"numRigaFlusso";"codIud"')
    (row,) = rows_of(world, request_token)
    assert len(row) == 64
    expected = {
        "iuf": "_C_PROVA_IMPORT-DOVUTO", "numRigaFlusso": "", "codIud": paid.iud, "codIuv": paid.iuv,
        "versioneOggetto": "6.2.0", "identificativoDominio": "12345678903",
        "identificativoStazioneRichiedente": "12345678903_01", "dataOraMessaggioRicevuta": "2026-11-20T10:11:12",
        "tipoIdentificativoUnivoco": "G", "codiceIdentificativoUnivoco": "97735020584",
        "denominazioneAttestante": "PSP di prova", "enteBenefCodiceIdentificativoUnivoco": "12345678903",
        "denominazioneBeneficiario": "Comune di Prova", "anagraficaVersante": "",
        "soggPagCodiceIdentificativoUnivoco": "RSSMRA80A01H501U", "anagraficaPagatore": "Mario Rossi",
        "emailPagatore": "mario@example.org", "codiceEsitoPagamento": "0", "importoTotalePagato": "50.00",
        "identificativoUnivocoVersamento": paid.iuv, "singoloImportoPagato": "50.00",
        "esitoSingoloPagamento": "PAGATA", "dataEsitoSingoloPagamento": "2026-11-20",
        "identificativoUnivocoRiscoss": "IUR00000001", "datiSpecificiRiscossione": "9/0101101IM/",
        "tipoDovuto": "TARI",
    }  # fmt: skip
    assert {name: row[name] for name in expected} == expected
    done = booking(world, request_token)
    assert (done.righe, done.lease_until, done.finished_at) == (1, None, world.clock())


@pytest.mark.parametrize(
    ("versione", "ricevuta", "added"),
    [
        ("1.1", False, []),
        ("1.2", False, ["bilancio"]),
        ("1.3", True, ["tipoFirma", "rt", "indiceDatiSingoloPagamento"]),
    ],
)
def test_later_versions_have_their_name_and_their_columns(small_world, versione, ricevuta, added):
    small_world.clock.now = datetime(2026, 11, 21, 8, 5, 7, tzinfo=UTC)
    pay(small_world, bilancio_xml="<bilancio/>")
    request_token, _ = book_incremental(
        small_world, datetime(2026, 11, 20, tzinfo=UTC), versioneTracciato=versione, ricevuta=ricevuta,
        incrementale=False,
    )  # fmt: skip

    tick(small_world)

    path, _ = read_file(small_world, request_token)
    number, spelled = booking(small_world, request_token).id, versione.replace(".", "_")
    assert path == f"C_PROVA/EXPORT/2026_11/C_PROVA-{number}_ESTRAZIONE_DOVUTI_20261121090507-{spelled}.zip"
    (row,) = rows_of(small_world, request_token)
    assert set(added) <= set(list(row)[64:])
    assert row.get("bilancio", "<bilancio/>") == "<bilancio/>"
    if ricevuta:
        (receipt,) = small_world.ricevute()
        assert base64.b64decode(row["rt"]) == receipt.raw
        assert (row["indiceDatiSingoloPagamento"], row["tipoFirma"]) == ("1", "")


def test_nothing_paid_is_a_state_of_its_own_and_no_file(world):
    request_token = book(world)

    assert tick(world)

    answer = ask(world, request_token)
    assert (answer.stato, answer.downloadUrl or "") == ("EXPORT_ESEGUITO_NESSUN_DOVUTO_TROVATO", "")
    assert booking(world, request_token).righe == 0


# What is selected.


def test_failed_attempts_are_history_and_the_paid_one_comes_once(world):
    paid = pay(world, esito=1)
    assert exported(world) == []
    world.attempt(0, paid.iuv)

    rows = exported(world)

    assert [(row["codIud"], row["codiceEsitoPagamento"]) for row in rows] == [(paid.iud, "0")]


def test_of_a_cart_paid_in_part_only_the_paid_lines_come(world):
    documento = make_documento(make_voce(importo="10.00"), make_voce(importo="2.00"))
    id_session = world.begin(documento)
    world.relay()
    world.conclude(id_session, 2)

    rows = exported(world)

    assert [(row["codIud"], row["singoloImportoPagato"], row["codiceEsitoPagamento"]) for row in rows] == [
        (documento.voci[0].iud, "10.00", "2")
    ]
    assert rows[0]["iuf"] == "_C_PROVA_ESTERNO-ANONIMO"


def test_lines_of_one_cart_come_each_with_its_own_data(world):
    documento = make_documento(*(make_voce(importo=f"{euro}.00") for euro in (1, 2, 3)))
    id_session = world.begin(documento)
    world.relay()
    world.conclude(id_session, 0)

    rows = sorted(exported(world), key=lambda row: row["singoloImportoPagato"])

    assert [row["codIud"] for row in rows] == [voce.iud for voce in documento.voci]
    assert [row["identificativoUnivocoRiscoss"] for row in rows] == ["IUR00000001", "IUR00000002", "IUR00000003"]
    assert {row["importoTotalePagato"] for row in rows} == {"6.00"}


def test_stamps_are_left_out_and_tipi_are_obeyed(world):
    marca = make_voce(
        tipo="MARCA_BOLLO_DIGITALE", importo="16.00", dati_specifici="9/0301109AP/",
        marca=("01", "3q2+796tvu/erb7v3q2+796tvu/erb7v3q2+796tvu8=", "RM"),
    )  # fmt: skip
    id_session = world.begin(make_documento(marca))
    world.relay()
    world.conclude(id_session, 0)
    pay(world, 1, tipo="TARI")
    pay(world, 2, tipo="MENSA")

    assert sorted(row["tipoDovuto"] for row in exported(world)) == ["MENSA", "TARI"]
    assert [row["tipoDovuto"] for row in exported(world, identificativoTipoDovuto="MENSA")] == ["MENSA"]
    assert exported(world, identificativoTipoDovuto="MARCA_BOLLO_DIGITALE") == []


def test_another_ente_sees_none_of_it(world):
    pay(world)

    assert exported(world, ente="C_VICINO") == []


@pytest.mark.parametrize("stato_flusso", ["CARICATO", "ANNULLATO", "LOAD_FLOW"])
def test_a_dovuto_of_a_flow_names_flow_and_row_whatever_became_of_the_flow(world, stato_flusso):
    """Paid is paid: money of a flow that was cancelled afterwards, or that still loads, is not hidden."""
    lay_flusso(world, 7, "F1", stato_flusso)
    pay(world, flusso_id=7, riga=12, origine="FLUSSO")

    (row,) = exported(world)

    assert (row["iuf"], row["numRigaFlusso"]) == ("F1", "12")


def test_what_was_settled_outside_comes_without_a_receipt(world):
    stored = world.lay_avviso(iuv_of(1))
    outside = PagamentoEsterno(stored.iuv, 5000, GIORNO, "IUR9", Organizzazione("B", "ABCDITMM", "Banca"))
    registra_pagamento(world.db, world.runtime.callers, chi(), outside, world.clock())
    request_token, _ = book_incremental(
        world, datetime(2026, 11, 20, tzinfo=UTC), ricevuta=True, incrementale=False
    )

    tick(world)

    (row,) = rows_of(world, request_token)
    assert (row["codIud"], row["rt"], row["codiceContestoPagamento"]) == (stored.iud, "", "n/a")
    assert row["esitoSingoloPagamento"] == "PAGATO CON RENDICONTAZIONE 9"
    assert (row["identificativoUnivocoRiscoss"], row["singoloImportoPagato"]) == ("IUR9", "50.00")


def test_what_was_settled_outside_after_a_failed_attempt_is_told_as_settled(world):
    documento = make_documento()
    id_session = world.begin(documento)
    world.relay()
    world.conclude(id_session, 1)
    (failed,) = world.dovuti(id_session)
    outside = PagamentoEsterno(failed.iuv, 1250, GIORNO, "IUR9", Organizzazione("B", "ABCDITMM", "Banca"))
    registra_pagamento(world.db, world.runtime.callers, chi(), outside, world.clock())

    (row,) = exported(world)

    assert (row["codiceEsitoPagamento"], row["esitoSingoloPagamento"]) == ("0", "PAGATO CON RENDICONTAZIONE 9")


def test_money_for_an_attempt_that_gave_way_is_not_lost(world):
    """The first attempt is refused, a second begins, then the receipt says that the first was paid after all."""
    stored = world.lay_avviso(iuv_of(1))
    first = world.attempt(1, stored.iuv)
    second = world.attempt(None, stored.iuv)
    tentativo = world.tentativo(first)
    world.receive(make_rt(bytes(tentativo.rpt), 0), tentativo)
    world.apply()

    late = exported(world)

    assert [row["codIud"] for row in late] == [stored.iud]
    world.conclude(second, 0)
    both = exported(world)
    assert len({row["codiceContestoPagamento"] for row in both}) == 2
    assert {row["codIud"] for row in both} == {stored.iud}


def test_a_payer_s_formula_does_not_run_in_a_spreadsheet(world):
    rossi = Soggetto("F", "RSSMRA80A01H501U", '=HYPERLINK("http://x")', indirizzo="@via")
    pay(world, changes={"pagatore": rossi})

    (row,) = exported(world)

    assert (row["anagraficaPagatore"], row["indirizzoPagatore"]) == ("'=HYPERLINK(\"http://x\")", "'@via")


# Windows.


def test_days_are_whole_and_both_ends_belong_to_the_window(world):
    for number, day in enumerate((18, 19, 20, 21), 1):
        row = pay(world, number)
        world.change(schema.dovuti, "id", row.id, data_esito=date(2026, 11, day))

    rows = exported(world, da=date(2026, 11, 19), a=date(2026, 11, 20))

    assert [row["dataEsitoSingoloPagamento"] for row in rows] == ["2026-11-19", "2026-11-20"]


def test_an_incremental_window_has_its_beginning_and_not_its_end(world):
    noon = datetime(2026, 11, 20, 12, tzinfo=UTC)
    for number, second in enumerate((-1, 0, 9, 10), 1):
        row = pay(world, number)
        world.change(schema.dovuti, "id", row.id, updated_at=noon + timedelta(seconds=second))
    request_token, watermark = book_incremental(world, noon, noon + timedelta(seconds=10))

    tick(world)

    assert watermark == noon + timedelta(seconds=10)
    assert [row["codIuv"] for row in rows_of(world, request_token)] == [iuv_of(2), iuv_of(3)]


@pytest.mark.parametrize("incrementale", [True, False])
def test_rows_over_many_pages_come_once_each(world, monkeypatch, incrementale):
    """Most of them share one day and one instant: a page begins after the last row, not after its instant."""
    monkeypatch.setattr(righe_export, "PAGINA", 2)
    wanted = {pay(world, number).iud for number in range(1, 8)}
    world.clock.advance(1)
    wanted |= {pay(world, number).iud for number in range(8, 10)}
    world.clock.advance(1)
    request_token, _ = book_incremental(world, datetime(2026, 11, 20, tzinfo=UTC), incrementale=incrementale)

    tick(world)

    rows = rows_of(world, request_token)
    assert len(rows) == 9 and {row["codIud"] for row in rows} == wanted


# The second beneficiary.


def quote_of(world, incrementale: bool, versione: str = "1.3", ente: str = "C_VICINO") -> list[dict[str, str]]:
    world.clock.advance(1)
    request_token, _ = book_incremental(
        world, datetime(2026, 11, 20, tzinfo=UTC), ente=ente, identificativoTipoDovuto=TIPO_ENTE_SECONDARIO,
        versioneTracciato=versione, incrementale=incrementale, ricevuta=True,
    )  # fmt: skip
    tick(world)
    return rows_of(world, request_token, ente)


@pytest.mark.parametrize("incrementale", [True, False])
def test_the_second_beneficiary_reads_his_share_in_version_1_3(world, incrementale):
    paid = pay(world, secondario=SECONDARIO, importo_cent=5000, bilancio_xml="<bilancio/>")

    (row,) = quote_of(world, incrementale)

    expected = {
        "iuf": "_C_VICINO_EXPORT_ENTE_SECONDARIO", "codIud": paid.iud, "codIuv": paid.iuv,
        "identificativoDominio": VICINO, "identificativoStazioneRichiedente": "12345678903_01",
        "enteBenefCodiceIdentificativoUnivoco": VICINO, "denominazioneBeneficiario": "Comune Vicino",
        "indirizzoBeneficiario": "Via Larga", "anagraficaPagatore": "Mario Rossi", "singoloImportoPagato": "2.50",
        "causaleVersamento": "Quota TEFA", "datiSpecificiRiscossione": "9/0201102IM/",
        "dataEsitoSingoloPagamento": "2026-11-20", "tipoDovuto": TIPO_ENTE_SECONDARIO, "bilancio": "",
        "indiceDatiSingoloPagamento": "2", "cod_fiscale_pa1": "12345678903", "de_nome_pa1": "Comune di Prova",
        "cod_tassonomico_dovuto_pa1": "9/0101101IM/",
    }  # fmt: skip
    assert {name: row[name] for name in expected} == expected
    assert base64.b64decode(row["rt"]) == world.ricevute()[0].raw


def test_shares_are_added_to_the_ente_s_own_items(world):
    pay(world, 1, secondario=SECONDARIO)
    world.clock.advance(1)
    pay(world, 2, secondario=SECONDARIO | {"codice_fiscale": "12345678903"})

    rows = quote_of(world, True, ente="C_PROVA")

    assert [(row["codIuv"], row["cod_fiscale_pa1"]) for row in rows] == [
        (iuv_of(1), ""), (iuv_of(2), ""), (iuv_of(2), "12345678903"),
    ]  # fmt: skip


@pytest.mark.parametrize("versione", ["1.0", "1.2"])
def test_other_versions_have_no_columns_for_it_and_add_nothing(world, versione):
    pay(world, secondario=SECONDARIO)

    assert quote_of(world, True, versione) == []


def test_a_share_that_was_not_paid_or_not_received_is_none(world):
    pay(world, 1, esito=1, secondario=SECONDARIO)
    stored = world.lay_avviso(iuv_of(2), secondario=SECONDARIO)
    outside = PagamentoEsterno(stored.iuv, 5250, GIORNO, "IUR9", Organizzazione("B", "ABCDITMM", "Banca"))
    registra_pagamento(world.db, world.runtime.callers, chi(), outside, world.clock())

    assert quote_of(world, True) == []
    assert world.rows(schema.quote_secondarie) == []
