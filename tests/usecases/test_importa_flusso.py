"""The import of flows: what is accepted, what is refused and how the file of results says it.

Source: flows, 1.4 to 1.6, 2.3 to 2.6; acceptance vectors 2 to 6 (13).
"""

from __future__ import annotations

import hashlib
import zipfile
from dataclasses import replace
from io import BytesIO

import pytest

from hub.domain.flussi import NomeFlusso
from hub.domain.iuv import build_iuv
from hub.domain.stati import StatoDovuto, StatoFlusso, StatoImport
from hub.store import schema
from hub.usecases.check_flusso import CheckFlusso
from tests.importati import CUT_OFF, Stabilimento
from tests.tassonomie import changed, lay
from tests.tracciati import SECONDARIO, make_campi, make_codice_fiscale, make_csv, make_zip
from tests.tracciati import rows as lines
from tests.world import PASSWORD_REFEZIONE, World

DUPLICATO = "PAA_IMPORT_IUD_DUPLICATO"
OWN = [build_iuv(1, number, sistema=10) for number in range(1, 9)]


@pytest.fixture
def plant(world: World) -> Stabilimento:
    return Stabilimento(world)


def row(iud: str, azione: str = "I", **changed: str) -> list[str]:
    return make_campi(IUD=iud, azione=azione, **changed)


def codes(plant: Stabilimento, token: str) -> list[tuple[int, str]]:
    return [(riga, codici.removeprefix("PAA_IMPORT_")) for riga, codici, _texts in plant.scarti(token)]


def test_three_rows_of_which_one_is_bad(plant: Stabilimento) -> None:
    """Vector 3."""
    bad = row("B", codiceIdentificativoUnivoco="")
    token = plant.send("F1", row("A"), bad, row("C"))

    plant.finish()

    flusso = plant.flusso(token)
    assert (flusso.stato, flusso.stato_flusso) == (StatoImport.IMPORT_ESEGUITO, StatoFlusso.CARICATO)
    assert (flusso.codice_errore, flusso.righe_totali, flusso.righe_caricate) == (None, 3, 2)
    assert [(dovuto.iud, dovuto.iuv, dovuto.riga) for dovuto in plant.dovuti()] == [
        ("A", build_iuv(1, 1), 1), ("C", build_iuv(1, 2), 3),
    ]  # fmt: skip
    header, rejected = plant.read(flusso.file_scarti)
    assert header[-2:] == ["cod_rifiuto", "de_rifiuto"] and rejected[:-2] == bad
    assert rejected[-2] == "PAA_IMPORT_SINTASSI_CSV"
    assert rejected[-1] == "|CODICE_IDENTIFICATIVO_UNIVOCO NON PRESENTE"
    _header, first, last = plant.read(flusso.file_iuv)
    assert [(line[0], line[1], line[13]) for line in (first, last)] == [
        ("A", build_iuv(1, 1), "100.00"), ("C", build_iuv(1, 2), "100.00"),
    ]  # fmt: skip
    assert flusso.file_avvisi is not None


def test_a_dovuto_is_kept_as_the_web_service_keeps_it(plant: Stabilimento) -> None:
    plant.send("F1", row("A", commissioneCaricoPa="1.5", tipoIdentificativoUnivoco="f", indirizzoPagatore="Via Città"))
    plant.load()

    (dovuto,) = plant.dovuti()

    assert dovuto.pagatore == {
        "tipo": "F", "codice": "RSSMRA80A01H501U", "anagrafica": "Mario Rossi", "indirizzo": "Via Città", "civico": "1",
        "cap": "20100", "localita": "Milano", "provincia": "MI", "nazione": "IT", "email": "mario@example.org",
    }  # fmt: skip
    assert (dovuto.importo_cent, dovuto.commissione_cent, dovuto.stato) == (10_000, 150, "INSERIMENTO_DOVUTO")
    assert (dovuto.origine, dovuto.bilancio_xml, dovuto.secondario) == ("FLUSSO", None, None)
    assert dovuto.created_at == plant.world.clock.now


def test_one_iud_twice_is_accepted_once(plant: Stabilimento) -> None:
    """Vector 4."""
    token = plant.send("F1", row("A"), row("A"), row("A", "M"))

    plant.load()

    assert codes(plant, token) == [(2, "IUD_DUPLICATO"), (3, "IUD_DUPLICATO")]
    assert len(plant.dovuti()) == 1


def test_a_duplicate_of_a_refused_row_is_fine(plant: Stabilimento) -> None:
    token = plant.send("F1", row("A", importoDovuto="0.00"), row("A"))

    plant.load()

    assert codes(plant, token) == [(1, "|PAA_IMPORT_SINTASSI_CSV_IMPORTO")]
    assert [dovuto.riga for dovuto in plant.dovuti()] == [2]


def test_a_cancelled_iud_may_come_again_in_another_flow_only(plant: Stabilimento) -> None:
    """Vector 4."""
    plant.send("F1", row("A"))
    plant.load()
    token = plant.send("F2", row("A", "A"), row("A"))
    plant.load()
    assert codes(plant, token) == [(2, "IUD_DUPLICATO")] and plant.dovuti() == []

    plant.send("F3", row("A"))
    plant.load()

    assert [dovuto.iuv for dovuto in plant.dovuti()] == [build_iuv(1, 2)]


def test_what_cancels_is_given_back_with_the_iuv_it_cancelled(plant: Stabilimento) -> None:
    plant.send("F1", row("A"))
    plant.load()
    token = plant.send("F2", row("A", "A"))

    plant.finish()

    assert plant.read(plant.flusso(token).file_iuv)[1][1] == build_iuv(1, 1)
    assert plant.flusso(token).file_avvisi is None


def test_a_change_replaces_the_whole_version(plant: Stabilimento) -> None:
    plant.send("F1", row("A"))
    plant.load()
    token = plant.send("F2", row("A", "M", codIuv=build_iuv(1, 1), importoDovuto="7.5", causaleVersamento="Nuova"))

    plant.finish()

    old, new = sorted(plant.world.rows(schema.dovuti), key=lambda one: one.id)
    assert (old.stato, old.attuale, new.attuale) == (StatoDovuto.ANNULLATO, False, True)
    assert (new.iuv, new.importo_cent, new.causale, new.riga) == (build_iuv(1, 1), 750, "Nuova", 1)
    assert plant.read(plant.flusso(token).file_iuv)[1][13] == "7.50"


@pytest.mark.parametrize(
    ("changed", "code"),
    [
        ({"codIuv": OWN[0]}, "IUV_DUPLICATO"),
        ({}, "IUV_NO_NULLABLE"),
        ({"codIuv": build_iuv(1, 1), "tipoDovuto": "MENSA"}, "TIPO_DOVUTO_NON_MODIFICABILE"),
    ],
)
def test_what_a_change_may_not_change(plant: Stabilimento, changed: dict[str, str], code: str) -> None:
    """Vector 5."""
    plant.send("F1", row("A"))
    plant.load()
    token = plant.send("F2", row("A", "M", **changed))

    plant.load()

    assert codes(plant, token) == [(1, code)]
    assert [dovuto.riga for dovuto in plant.dovuti()] == [1]


def test_a_dovuto_in_payment_is_not_there_for_a_flow(plant: Stabilimento) -> None:
    """Vector 5."""
    plant.send("F1", row("A"))
    plant.load()
    plant.world.change(schema.dovuti, "iud", "A", stato="PAGAMENTO_INIZIATO")
    token = plant.send("F2", row("A", "M", codIuv=build_iuv(1, 1)), row("B", "A"))

    plant.load()

    assert codes(plant, token) == [(1, "DOVUTO_NON_PRESENTE"), (2, "DOVUTO_NON_PRESENTE")]


def test_an_iuv_of_the_ente_is_taken_once(plant: Stabilimento) -> None:
    own = {"codIuv": OWN[0], "flgGeneraIuv": "false"}
    token = plant.send("F1", row("A", **own), row("B", **own), row("C", codIuv=OWN[1], flgGeneraIuv="false"))

    plant.load()

    assert codes(plant, token) == [(2, "IUV_DUPLICATO")]
    assert [dovuto.iuv for dovuto in plant.dovuti()] == OWN[:2]


def test_a_number_that_the_hub_has_yet_to_draw_is_nobodys_to_supply(plant: Stabilimento) -> None:
    """Nor are those that the flow itself holds for its rows, of which it gives back what it does not draw."""
    supplied = [build_iuv(1, number) for number in (1, 2, 50)]
    token = plant.send("F1", *(row(iud, codIuv=iuv) for iud, iuv in zip("ABC", supplied, strict=True)), row("D"))

    plant.load()

    assert codes(plant, token) == [(number, "|PAA_IMPORT_SINTASSI_CSV_IUV") for number in (1, 2, 3)]
    (only,) = plant.dovuti()
    assert (only.iud, only.iuv) == ("D", build_iuv(1, 1))


def test_a_number_that_the_hub_drew_may_be_supplied_again_when_it_is_free(plant: Stabilimento) -> None:
    plant.send("F1", row("A"))
    plant.load()
    drawn = plant.dovuti()[0].iuv

    token = plant.send("F2", row("A", "A", codIuv=drawn), row("B", codIuv=drawn))
    plant.load()

    assert codes(plant, token) == [] and [dovuto.iuv for dovuto in plant.dovuti()] == [drawn]


def test_an_iuv_that_a_row_frees_is_free_for_the_next_row(plant: Stabilimento) -> None:
    own = {"codIuv": OWN[0], "flgGeneraIuv": "false"}
    plant.send("F1", row("A", **own))
    plant.load()

    token = plant.send("F2", row("A", "A", **own), row("B", **own))
    plant.load()

    assert codes(plant, token) == [] and [dovuto.iud for dovuto in plant.dovuti()] == ["B"]


def test_an_iud_that_history_alone_holds_is_taken(plant: Stabilimento) -> None:
    """Paid or refused before, its last version cancelled: not all that is left of it is cancelled."""
    plant.send("F1", row("A"), row("Z"))
    plant.load()
    plant.world.change(schema.dovuti, "iud", "A", stato="COMPLETATO", attuale=False, codice_esito=1)
    token = plant.send("F2", row("B"), row("A"))

    plant.load()

    assert codes(plant, token) == [(2, "IUD_DUPLICATO")]


def test_a_past_due_date_is_refused_where_the_tipo_wants_one(plant: Stabilimento) -> None:
    good = row("A", tipoDovuto="SANZIONE")
    token = plant.send("F1", good, row("B", tipoDovuto="SANZIONE", dataEsecuzionePagamento="2020-01-31"))

    plant.load()

    assert codes(plant, token) == [(2, "DATA_SCADENZA_PAGAMENTO_OBBLIGATORIA")]


def test_an_application_loads_only_the_tipi_it_was_granted(plant: Stabilimento) -> None:
    rows = row("A", tipoDovuto="MENSA"), row("B", tipoDovuto="TARI")
    token = plant.send("F1", *rows, ente="C_VICINO", password=PASSWORD_REFEZIONE)

    plant.load()

    assert codes(plant, token) == [(2, "OPERATORE_NO_PERMESSI")]
    assert [dovuto.iud for dovuto in plant.dovuti()] == ["A"]


def test_a_second_beneficiary_is_kept_beside_the_own_share(plant: Stabilimento) -> None:
    """Vector 6: 100.00 and 5.00; what the notice shows is tried with the notice."""
    plant.send("F1", make_campi("1_4", IUD="A", **SECONDARIO), make_campi("1_4", IUD="B"), versione="1_4")

    plant.load()

    first, second = plant.dovuti()
    assert (first.importo_cent, first.secondario["importo_cent"], second.secondario) == (10_000, 500, None)


def test_the_categories_of_2026_are_kept_as_they_came(plant: Stabilimento) -> None:
    plant.send("F1", *(row(digit, datiSpecificiRiscossione=f"{digit}/0101101IM/") for digit in "678"))

    plant.load()

    assert [dovuto.dati_specifici for dovuto in plant.dovuti()] == ["6/0101101IM/", "7/0101101IM/", "8/0101101IM/"]


def test_a_table_that_was_fetched_counts_for_flows(plant: Stabilimento) -> None:
    lay(plant.world.db, changed("0201102IM"))
    token = plant.send("F1", make_campi("1_4", IUD="A", **SECONDARIO), make_campi("1_4", IUD="B"), versione="1_4")

    plant.load()

    assert codes(plant, token) == [(1, "|PAA_IMPORT_SINTASSI_CSV_DATI_RISCOSS_ENTE_SECONDARIO")]
    assert [dovuto.iud for dovuto in plant.dovuti()] == ["B"]


@pytest.mark.parametrize(
    ("nome", "codice"),
    [
        ("C_PROVA-A-FLUSSO-1_3.zip", "PAA_IMPORT_NOME_FILE_ERR(C_PROVA-A-FLUSSO-1_3.zip)"),
        ("C_PROVA-F1-1_45.zip", "PAA_IMPORT_FILE_VERSIONE_ERR(1_45)"),
    ],
)
def test_a_file_whose_name_is_wrong_is_aborted_whole(plant: Stabilimento, nome: str, codice: str) -> None:
    """Vector 2."""
    token = plant.send_zip(nome, make_zip([(nome.replace(".zip", ".csv"), make_csv(row("A")))]).read())

    plant.finish()

    flusso = plant.flusso(token)
    assert (flusso.stato, flusso.codice_errore) == (StatoImport.IMPORT_ABORTITO, codice)
    assert flusso.stato_flusso is None and plant.dovuti() == []


def test_a_file_that_changed_in_the_archive_is_not_loaded(plant: Stabilimento) -> None:
    token = plant.send("F1", row("A"))
    with plant.world.runtime.archivio.write(plant.flusso(token).file) as file:
        file.write(make_zip([("C_PROVA-F1-1_3.csv", make_csv(row("B")))]).read())

    plant.load()

    assert plant.flusso(token).codice_errore == "PAA_IMPORT_NO_MATCH_MD5" and plant.dovuti() == []


def test_a_csv_that_breaks_half_way_is_given_up(plant: Stabilimento) -> None:
    data = bytearray(make_zip([("C_PROVA-F1-1_3.csv", make_csv(*(row(f"A{n}") for n in range(3000))))]).read())
    token = plant.send("F1", row("A"))
    where = data.rfind(b"PK\x01\x02") + 16
    data[where : where + 4] = b"\0\0\0\0"  # the CRC of the directory
    with plant.world.runtime.archivio.write(plant.flusso(token).file) as file:
        file.write(data)
    plant.world.change(schema.flussi_import, "request_token", token, sha256=hashlib.sha256(data).hexdigest())

    plant.load()

    flusso = plant.flusso(token)
    assert (flusso.codice_errore, flusso.stato_flusso) == ("PAA_IMPORT_ERROR", StatoFlusso.ERRORE_CARICAMENTO)


def test_an_iuf_that_is_loaded_is_not_loaded_again_in_another_version(plant: Stabilimento) -> None:
    first = plant.send("F1", row("A"))
    again = plant.send("F1", make_campi("1_1", IUD="C"), versione="1_1")
    plant.load()
    token = plant.send("F1", make_campi("1_2", IUD="B"), versione="1_2")

    plant.load()

    assert plant.flusso(first).codice_errore is None
    assert plant.flusso(again).codice_errore == "PAA_IMPORT_FLUSSO_IN_CARICAMENTO"

    assert plant.flusso(token).codice_errore == "PAA_IMPORT_FLUSSO_DUPLICATO"
    assert [dovuto.iud for dovuto in plant.dovuti()] == ["A"]


def test_rejects_are_given_back_byte_by_byte_in_the_order_of_the_file(plant: Stabilimento) -> None:
    bad = [";".join(row(f"A{number}", importoDovuto="12,5")) for number in range(4)]
    bad[2] = '"' + bad[2]
    content = make_csv(*bad) + ";".join(row("L", causaleVersamento="perché")).encode("latin-1") + b"\r\n\r\n"
    token = plant.send("F1", data=content)

    plant.finish()

    flusso = plant.flusso(token)
    with plant.world.runtime.archivio.open(flusso.file_scarti) as file:
        with zipfile.ZipFile(file) as archive:
            found = archive.read(archive.namelist()[0]).splitlines()
    assert [line.split(b";PAA_IMPORT")[0] for line in found[1:-1]] == [line.encode() for line in bad]
    assert found[-1].startswith(";".join(row("L", causaleVersamento="perché")).encode("latin-1"))
    assert flusso.file_iuv is None and flusso.file_avvisi is None


def test_the_trial_and_the_import_refuse_the_same(plant: Stabilimento) -> None:
    """The rows that are read by column are judged as those that are read one by one."""
    plant.send("F0", row("OLD"))
    plant.load()
    odd = [
        {}, {"importoDovuto": "1.005"}, {"capPagatore": "2 0"}, {"nazionePagatore": "ZZ"}, {"provinciaPagatore": "XX"},
        {"nazionePagatore": "FR", "provinciaPagatore": "XX"}, {"mailPagatore": "x"}, {"tipoVersamento": "ALL|PO"},
        {"datiSpecificiRiscossione": "9/ 1"}, {"civicoPagatore": "1è"}, {"indirizzoPagatore": "Via \u0416"},
        {"tipoDovuto": "CHIUSO"}, {"tipoDovuto": "NESSUNO"}, {"tipoDovuto": "MARCA_BOLLO_DIGITALE"},
        {"codiceIdentificativoUnivoco": "ANONIMO"}, {"codiceIdentificativoUnivoco": "12345678903"},
        {"codiceIdentificativoUnivoco": "anonimo", "tipoDovuto": "DONAZIONI"}, {"tipoIdentificativoUnivoco": "G"},
        {"tipoIdentificativoUnivoco": "G", "codiceIdentificativoUnivoco": "12345678903"},
        {"commissioneCaricoPa": "-1.00"}, {"importoDovuto": "-1.00"}, {"importoDovuto": "1000000000.00"},
        {"dataEsecuzionePagamento": "2026-02-30"}, {"dataEsecuzionePagamento": ""}, {"flgGeneraIuv": "si"},
        {"codIuv": "123"}, {"codIuv": OWN[2]}, {"bilancio": "<bilancio/>"}, {"azione": "X"}, {"azione": "M"},
        {"IUD": "000A"}, {"IUD": "OLD"}, {"IUD": "X" * 36}, {"anagraficaPagatore": 'Ditta "X" \\ srl'},
        {"codiceIdentificativoUnivoco": make_codice_fiscale(5)}, {"causaleVersamento": "tab\there"},
        {"tipoDovuto": "SANZIONE", "dataEsecuzionePagamento": "2020-01-01"}, {"localitaPagatore": "a" * 36},
    ]  # fmt: skip
    rows = [make_campi(**({"IUD": f"R{number}"} | changed)) for number, changed in enumerate(odd)]
    prova = CheckFlusso(NomeFlusso("C_PROVA", "F1", "1_3"), plant.world.clock.now, CUT_OFF, plant.world.db, "C_PROVA")
    tried = [riga.numero for riga, _scarti in prova.scarti(BytesIO(make_csv(*rows)))]

    token = plant.send("F1", *rows)
    plant.load()

    assert [riga for riga, _codes, _texts in plant.scarti(token)] == tried
    assert 10 < len(tried) < len(rows) - 5
    strange = plant.dovuti(iud="R33")[0]
    assert strange.pagatore["anagrafica"] == 'Ditta "X" \\ srl'


def test_many_pieces_give_what_one_gives(plant: Stabilimento) -> None:
    plant.limiti = replace(plant.limiti, pezzo_rows=100)
    plant.importa = plant.worker()
    # One row in 25 is of a tipo whose notices are printed: a page costs more than all the rest of its row.
    plant.world.change(schema.tipi, "codice", "TARI", stampa_avviso=False)
    righe = lines(2500, bad_every=20)
    token = plant.send(
        "F1", *(riga.replace(";TARI;", ";MENSA;") if number % 25 == 7 else riga for number, riga in enumerate(righe, 1))
    )

    plant.finish()

    flusso = plant.flusso(token)
    assert (flusso.righe_totali, flusso.righe_caricate) == (2500, 2375)
    assert flusso.file_avvisi is not None
    with plant.world.runtime.archivio.open(flusso.file_avvisi) as file, zipfile.ZipFile(file) as archive:
        assert len([name for name in archive.namelist() if name.endswith(".pdf")]) == 100
    iuv = [dovuto.iuv for dovuto in plant.dovuti()]
    assert iuv == [build_iuv(1, number) for number in range(1, 2376)]
    assert [line[1] for line in plant.read(flusso.file_iuv)[1:]] == iuv
    assert len(plant.read(flusso.file_scarti)) == 126


def test_a_worker_that_takes_over_goes_on_at_the_next_row(plant: Stabilimento) -> None:
    plant.limiti = replace(plant.limiti, pezzo_rows=500)
    plant.importa = plant.worker()
    token = plant.send("F1", *lines(2000))
    for _piece in range(2):
        plant.importa.run_once()
    assert 0 < plant.flusso(token).righe_totali < 2000

    other = plant.worker()
    assert not other.run_once()  # the lease is not over
    plant.world.clock.advance(61)
    while other.run_once():
        pass

    assert plant.flusso(token).righe_caricate == 2000
    assert [dovuto.iuv for dovuto in plant.dovuti()] == [build_iuv(1, number) for number in range(1, 2001)]
    while plant.importa.run_once():
        pass
    assert len(plant.dovuti()) == 2000, "the first worker came back too late"


def test_a_small_flow_of_another_ente_does_not_wait_for_the_end_of_a_big_one(plant: Stabilimento) -> None:
    plant.limiti = replace(plant.limiti, pezzo_rows=200)
    plant.importa = plant.worker()
    big = plant.send("F1", *lines(3000))
    plant.importa.run_once()
    small = plant.send("F1", row("A"), ente="C_VICINO")

    for _turn in range(4):
        plant.importa.run_once()

    assert plant.flusso(small).stato_flusso == StatoFlusso.CARICATO
    assert plant.flusso(big).stato_flusso == StatoFlusso.LOAD_FLOW


def test_iuv_that_somebody_else_draws_meanwhile_are_not_given_twice(plant: Stabilimento) -> None:
    plant.limiti = replace(plant.limiti, pezzo_rows=100)
    plant.importa = plant.worker()
    plant.send("F1", *lines(500))
    plant.importa.run_once()
    drawn = [plant.world.runtime.iuv.draw("12345678903", "01") for _ in range(30)]

    plant.load()

    iuv = [dovuto.iuv for dovuto in plant.dovuti()]
    assert len(set(iuv) | set(drawn)) == 530
    assert iuv == sorted(iuv)


def test_rows_that_others_take_meanwhile_are_told_apart(plant: Stabilimento) -> None:
    """An IUD that is taken in the middle of a piece costs its own row only."""
    plant.send("F0", make_campi(IUD="TARI-000000150"))
    plant.load()
    token = plant.send("F1", *lines(300))

    plant.load()

    assert plant.scarti(token) and codes(plant, token) == [(150, "IUD_DUPLICATO")]
    assert plant.flusso(token).righe_caricate == 299


def test_a_file_that_is_lost_half_way_leaves_what_was_loaded(plant: Stabilimento) -> None:
    plant.limiti = replace(plant.limiti, pezzo_rows=500)
    plant.importa = plant.worker()
    token = plant.send("F1", *lines(1500))
    plant.importa.run_once()
    plant.world.runtime.archivio.delete(plant.flusso(token).file)
    plant.world.clock.advance(61)

    while plant.worker().run_once():
        pass

    flusso = plant.flusso(token)
    assert (flusso.stato, flusso.stato_flusso) == (StatoImport.IMPORT_ABORTITO, StatoFlusso.ERRORE_CARICAMENTO)
    assert flusso.codice_errore == "PAA_IMPORT_ERROR" and len(plant.dovuti()) == 500
