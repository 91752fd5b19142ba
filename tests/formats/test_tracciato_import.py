"""The tracciato of import: golden files of every version, round trips, and every refusal of the structure.

Source: flows, 2.1 to 2.3; acceptance vectors 2 and 3 (13).
"""

from __future__ import annotations

import io
import json
import random
from pathlib import Path

import pytest

from hub.domain.dovuto_importato import DovutoImportato
from hub.domain.errors import FlussoRifiutato
from hub.domain.flussi import VERSIONI_IMPORT, NomeFlusso, read_nome
from hub.domain.scarto import ILLEGGIBILE, SINTASSI, rifiuto
from hub.formats.tracciati.import_dovuti import VERSIONI, join
from hub.formats.tracciati.righe import read_righe, split
from tests.tracciati import SECONDARIO, make_campi

DATA = Path(__file__).parents[1] / "data" / "tracciati" / "import_dovuti"
GOLDEN = sorted(DATA.glob("*/*.csv"))
HEADER = (
    "IUD;codIuv;tipoIdentificativoUnivoco;codiceIdentificativoUnivoco;anagraficaPagatore;indirizzoPagatore;"
    "civicoPagatore;capPagatore;localitaPagatore;provinciaPagatore;nazionePagatore;mailPagatore;"
    "dataEsecuzionePagamento;importoDovuto;commissioneCaricoPa;tipoDovuto;tipoVersamento;causaleVersamento;"
    "datiSpecificiRiscossione;"
)
SECOND = (
    "flagMultiBeneficiario;codiceFiscaleEnteSecondario;denominazioneEnteSecondario;ibanAccreditoEnteSecondario;"
    "indirizzoEnteSecondario;civicoEnteSecondario;capEnteSecondario;localitaEnteSecondario;provinciaEnteSecondario;"
    "nazioneEnteSecondario;datiSpecificiRiscossioneEnteSecondario;causaleVersamentoEnteSecondario;"
    "importoVersamentoEnteSecondario;"
)


def read(versione: str = "1_3", **changed: str) -> DovutoImportato:
    found = VERSIONI[versione].read(1, make_campi(versione, **changed))
    assert isinstance(found, DovutoImportato), found
    return found


def refused(versione: str = "1_3", **changed: str) -> list[tuple[str, str]]:
    found = VERSIONI[versione].read(7, make_campi(versione, **changed))
    assert not isinstance(found, DovutoImportato)
    assert {(scarto.riga, scarto.codice) for scarto in found} == {(7, SINTASSI)}
    assert all(scarto.rimedio for scarto in found)
    return [(scarto.campo, scarto.messaggio) for scarto in found]


def test_every_version_has_a_golden_file() -> None:
    assert {path.parent.name for path in GOLDEN} == set(VERSIONI) == set(VERSIONI_IMPORT)


@pytest.mark.parametrize("path", GOLDEN, ids=lambda path: f"{path.parent.name}-{path.stem}")
def test_a_file_reads_as_its_golden_file_says(path: Path) -> None:
    expected = json.loads(path.with_name(path.name + ".expected.json").read_text(encoding="utf-8"))
    tracciato = VERSIONI[path.parent.name]

    righe = list(read_righe(io.BytesIO(path.read_bytes())))
    found = [tracciato.read_riga(riga) for riga in righe[1:]]

    said = [
        one._asdict() if isinstance(one, DovutoImportato) else {"riga": righe[number].numero, "rifiuto": rifiuto(one)}
        for number, one in enumerate(found, 1)
    ]
    assert json.loads(json.dumps(said, default=str)) == expected


@pytest.mark.parametrize("path", GOLDEN, ids=lambda path: f"{path.parent.name}-{path.stem}")
def test_what_is_read_is_written_so_that_it_reads_the_same(path: Path) -> None:
    tracciato = VERSIONI[path.parent.name]
    righe = list(read_righe(io.BytesIO(path.read_bytes())))[1:]
    good = [one for riga in righe if isinstance(one := tracciato.read_riga(riga), DovutoImportato)]

    lines = [join(tracciato.write(dovuto)) for dovuto in good]

    assert good and [tracciato.read(one.riga, split(line)) for one, line in zip(good, lines, strict=True)] == good


@pytest.mark.parametrize(
    ("versione", "tail"),
    [
        ("1_0", "azione"), ("1_1", "azione"), ("1_2", "bilancio;azione"), ("1_3", "bilancio;flgGeneraIuv;azione"),
        ("1_4", f"bilancio;flgGeneraIuv;{SECOND}azione"),
    ],
)  # fmt: skip
def test_the_canonical_header_is_written_to_the_letter(versione: str, tail: str) -> None:
    assert VERSIONI[versione].intestazione() == HEADER + tail


def test_the_rows_of_the_specification_are_written_back_to_the_letter() -> None:
    plain = (
        "TARI2024-000017;;F;RSSMRA80A01H501U;Mario Rossi;Via Roma;1;20100;Milano;MI;IT;mario@example.org;2030-06-30;"
        "120.50;;TARI;ALL;TARI 2024 saldo;9/0101101IM/;;true;I"
    )
    two = (
        "TEFA2024-000018;;F;RSSMRA80A01H501U;Mario Rossi;;;;;;;;2030-06-30;100.00;;TARI;ALL;TARI 2024;9/0101101IM/;;"
        "true;true;12345678903;Ente Demo;IT60X0542811101000000123456;;;;;;;9/0201133IM/;Quota TEFA;5.00;I"
    )

    for versione, row in (("1_3", plain), ("1_4", two)):
        found = VERSIONI[versione].read(1, split(row))
        assert isinstance(found, DovutoImportato) and join(VERSIONI[versione].write(found)) == row


def test_the_share_of_the_second_beneficiary_is_added() -> None:
    """Vector 6: 100.00 and 5.00 are 105.00 for the payer."""
    dovuto = read("1_4", **SECONDARIO)

    assert dovuto.totale_cent == 10_500
    assert dovuto.secondario is not None and dovuto.secondario.importo_cent == 500


@pytest.mark.parametrize("flag", ["false", "", "FALSE"])
def test_without_the_flag_nobody_looks_at_the_second_beneficiary(flag: str) -> None:
    wild = {"capEnteSecondario": "x" * 99, "importoVersamentoEnteSecondario": "boh"}

    dovuto = read("1_4", **SECONDARIO | wild | {"flagMultiBeneficiario": flag})

    assert dovuto.secondario is None and dovuto.totale_cent == 10_000


def test_texts_are_trimmed_codes_raised_and_what_is_blank_is_absent() -> None:
    dovuto = read(
        codiceIdentificativoUnivoco=" rssmra80a01h501u ", tipoVersamento="bbt|po", mailPagatore=" ",
        flgGeneraIuv="TRUE", importoDovuto="100",
    )  # fmt: skip

    assert (dovuto.pagatore_codice, dovuto.tipo_versamento, dovuto.mail) == ("RSSMRA80A01H501U", "BBT|PO", "")
    assert (dovuto.genera_iuv, dovuto.importo_cent, dovuto.pagatore.email) == (True, 10_000, None)
    assert read(tipoVersamento="").tipo_versamento == "ALL"


@pytest.mark.parametrize(
    ("versione", "campo", "valore", "messaggio"),
    [
        ("1_3", "IUD", "", "IUD NON PRESENTE"),
        ("1_3", "IUD", "x" * 36, "COD_IUD TROPPO GRANDE"),
        ("1_3", "codIuv", "1" * 36, "COD_IUV TROPPO GRANDE"),
        ("1_3", "tipoIdentificativoUnivoco", "FG", "TIPO_IDENTIFICATIVO_UNIVOCO TROPPO GRANDE"),
        ("1_3", "codiceIdentificativoUnivoco", " ", "CODICE_IDENTIFICATIVO_UNIVOCO NON PRESENTE"),
        ("1_3", "anagraficaPagatore", "x" * 71, "ANAGRAFICA_PAGATORE TROPPO GRANDE"),
        ("1_3", "mailPagatore", "x" * 257, "EMAIL_PAGATORE TROPPO GRANDE"),
        ("1_1", "dataEsecuzionePagamento", "", "DATA_SCADENZA_PAGAMENTO NON PRESENTE"),
        ("1_0", "causaleVersamento", "x" * 141, "CAUSALE_VERSAMENTO TROPPO GRANDE"),
        ("1_1", "causaleVersamento", "x" * 1025, "CAUSALE_VERSAMENTO TROPPO GRANDE"),
        ("1_2", "bilancio", "x" * 4097, "BILANCIO TROPPO GRANDE"),
        ("1_3", "flgGeneraIuv", "vero", "FLAG_GENERA_IUV NON CONFORME"),
        ("1_3", "azione", "", "AZIONE NON PRESENTE"),
        ("1_3", "azione", "IM", "AZIONE TROPPO GRANDE"),
        ("1_4", "flagMultiBeneficiario", "si", "FLAG_MULTI_BENEFICIARIO NON CONFORME"),
    ],
)
def test_each_flaw_of_the_structure_has_its_words(versione: str, campo: str, valore: str, messaggio: str) -> None:
    assert refused(versione, **{campo: valore}) == [(campo, messaggio)]


@pytest.mark.parametrize("valore", ["12,50", "1e3", "NaN", "12.345", "abc", "1 000", "+5", ".50", "5.", "Infinity"])
def test_what_is_no_amount_is_refused_and_named(valore: str) -> None:
    assert refused(importoDovuto=valore) == [("importoDovuto", f"IMPORTO_DOVUTO NON CONFROME: {valore}")]
    assert refused(commissioneCaricoPa=valore) == [
        ("commissioneCaricoPa", f"COMMISSIONE_CARICO_PA NON CONFROME: {valore}")
    ]
    assert refused("1_4", **SECONDARIO | {"importoVersamentoEnteSecondario": valore}) == [
        ("importoVersamentoEnteSecondario", f"IMPORTO_VERSAMENTO_ENTE_SECONDARIO NON CONFROME: {valore}")
    ]


@pytest.mark.parametrize("valore", ["2030-02-31", "31/12/2030", "2030-6-30", "20300630", "2030-W26-7", "2030-06-30T10"])
def test_what_is_no_day_is_refused(valore: str) -> None:
    words = "dataScadenzaPagamento:wrong DATE pattern or wrong DATE data"

    assert refused(dataEsecuzionePagamento=valore) == [("dataEsecuzionePagamento", words)]


def test_with_the_flag_the_second_beneficiary_must_be_whole() -> None:
    assert [messaggio for _, messaggio in refused("1_4", flagMultiBeneficiario="true")] == [
        "CODICE_FISCALE_ENTE_SECONDARIO NON PRESENTE",
        "DENOMINAZIONE_ENTE_SECONDARIO NON PRESENTE",
        "IBAN_ACCREDITO_ENTE_SECONDARIO NON PRESENTE",
        "DATI_SPECIFICI_RISCOSSIONE_ENTE_SECONDARIO NON PRESENTE",
        "IMPORTO_VERSAMENTO_ENTE_SECONDARIO NON PRESENTE",
    ]
    long = SECONDARIO | {"causaleVersamentoEnteSecondario": "x" * 1025}
    assert [messaggio for _, messaggio in refused("1_4", **long)] == ["CAUSALE_ENTE_SECONDARIO TROPPO GRANDE"]


def test_all_that_is_wrong_with_a_row_is_told_at_once() -> None:
    found = VERSIONI["1_3"].read(2, make_campi(IUD="", codiceIdentificativoUnivoco="", importoDovuto="x"))

    assert not isinstance(found, DovutoImportato)
    assert rifiuto(found) == (
        "PAA_IMPORT_SINTASSI_CSV",
        "|IUD NON PRESENTE|CODICE_IDENTIFICATIVO_UNIVOCO NON PRESENTE|IMPORTO_DOVUTO NON CONFROME: x",
    )


@pytest.mark.parametrize("versione", VERSIONI)
def test_a_wrong_number_of_columns_is_refused(versione: str) -> None:
    campi = make_campi(versione)
    more, fewer = VERSIONI[versione].read(1, [*campi, ""]), VERSIONI[versione].read(1, campi[:-1])

    assert not isinstance(more, DovutoImportato) and rifiuto(more) == (SINTASSI, "|Too many columns")
    assert not isinstance(fewer, DovutoImportato) and rifiuto(fewer) == (SINTASSI, ILLEGGIBILE)
    assert f"ha {len(campi)} colonne, la riga ne ha {len(campi) - 1}" in fewer[0].rimedio


def test_a_refused_value_is_not_in_what_a_log_would_show() -> None:
    found = VERSIONI["1_3"].read(1, make_campi(codiceIdentificativoUnivoco="RSSMRA80A01H501U" * 3))

    assert not isinstance(found, DovutoImportato)
    assert found[0].valore.startswith("RSSMRA80") and "RSSMRA80" not in repr(found)


@pytest.mark.parametrize(
    ("nome", "stato"),
    [
        ("ENTE-A-FLUSSO-1_3.zip", "PAA_IMPORT_NOME_FILE_ERR(ENTE-A-FLUSSO-1_3.zip)"),
        ("ENTE-F1-1_45.zip", "PAA_IMPORT_FILE_VERSIONE_ERR(1_45)"),
        ("ENTE-F1-1.3.zip", "PAA_IMPORT_FILE_VERSIONE_ERR(1.3)"),
        ("ENTE--1_3.zip", "PAA_IMPORT_NOME_FILE_ERR(ENTE--1_3.zip)"),
        ("ENTE-F1-1_3.rar", "PAA_IMPORT_NOME_FILE_ERR(ENTE-F1-1_3.rar)"),
        ("../E-F1-1_3.zip", "PAA_IMPORT_NOME_FILE_ERR(../E-F1-1_3.zip)"),
        (f"E-{'x' * 51}-1_3.zip", f"PAA_IMPORT_NOME_FILE_ERR(E-{'x' * 51}-1_3.zip)"),
        ("", "PAA_IMPORT_NOME_FILE_ERR()"),
    ],
)
def test_a_wrong_name_is_refused_with_its_code(nome: str, stato: str) -> None:
    """Vector 2, and its neighbours."""
    with pytest.raises(FlussoRifiutato) as caught:
        read_nome(nome)

    assert caught.value.stato == stato and stato in str(caught.value)


def test_a_name_is_read_into_its_parts() -> None:
    assert read_nome("C_H501-F1-1_3.ZIP") == NomeFlusso("C_H501", "F1", "1_3")


def test_any_text_is_written_so_that_it_reads_the_same() -> None:
    chance = random.Random(4)
    for _ in range(3000):
        texts = ["".join(chance.choices(';"\\\t aè|=\u2028', k=chance.randrange(8))) for _ in range(2)]
        campi = make_campi(anagraficaPagatore="x" + texts[0], causaleVersamento=texts[1] + "y")

        found = VERSIONI["1_3"].read(1, split(join(campi)))

        assert isinstance(found, DovutoImportato), campi
        assert (found.anagrafica, found.causale) == (("x" + texts[0]).strip(), (texts[1] + "y").strip())
