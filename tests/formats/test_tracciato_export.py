"""The tracciati of export: columns in the order of the contract, texts that no spreadsheet runs, one row a line.

A sample is a file `tests/data/tracciati/export_pagati/<version>[-ricevuta]/<receipt>.csv`: what is written of that
receipt of `tests/data/rt`.
"""

from __future__ import annotations

import csv
import dataclasses
import io
import zipfile
from pathlib import Path

import pytest

from hub.domain.pagato import EntePrimario, Pagato
from hub.formats.rt import read_rt
from hub.formats.tracciati.export_pagati import VERSIONI, foglio_pagati
from hub.formats.tracciati.foglio_zip import write_csv

DATA = Path(__file__).parents[1] / "data"
GOLDEN = sorted((DATA / "tracciati" / "export_pagati").glob("*/*.csv"))


def make_pagato(name: str = "pagata", **changes) -> Pagato:
    raw = (DATA / "rt" / f"{name}.xml").read_bytes()
    rt = read_rt(raw)
    values = {
        "iuf": "F1", "riga": 7, "iud": "=IUD-1", "iuv": "01000000000000144", "tipo": "TARI", "rt": rt,
        "singolo": rt.pagamenti[0], "indice": 1, "raw": raw,
        "bilancio_xml": "<bilancio><capitolo/></bilancio>",
        "primario": EntePrimario("98765432103", "@Comune Vicino", "9/0101101IM/"),
    }  # fmt: skip
    return Pagato(**(values | changes))


def texts_of(pagato: Pagato, versione: str = "1.0", *, con_ricevuta: bool = False) -> dict[str, str]:
    foglio = foglio_pagati(versione, con_ricevuta=con_ricevuta)
    return dict(zip(foglio.intestazione, foglio.row(pagato), strict=True))


def written(rows, *, all_quoted: bool = True, is_huge: bool = False) -> bytes:
    file = io.BytesIO()
    with write_csv(file, "x.csv", all_quoted=all_quoted, is_huge=is_huge) as scritto:
        scritto.rows(rows)
    with zipfile.ZipFile(file) as archive:
        assert archive.namelist() == ["x.csv"] and archive.testzip() is None
        return archive.read("x.csv")


@pytest.mark.parametrize("path", GOLDEN, ids=lambda path: f"{path.parent.name}/{path.stem}")
def test_a_receipt_is_written_as_its_golden_file_says(path):
    versione, _, ricevuta = path.parent.name.partition("-")
    foglio = foglio_pagati(versione.replace("_", "."), con_ricevuta=bool(ricevuta))

    data = written([foglio.intestazione, foglio.row(make_pagato(path.stem))])

    assert data == path.read_bytes()


def test_every_version_has_its_golden_files():
    assert {path.parent.name.partition("-")[0] for path in GOLDEN} == {one.replace(".", "_") for one in VERSIONI}
    assert any("ricevuta" in path.parent.name for path in GOLDEN)


@pytest.mark.parametrize(
    ("versione", "con_ricevuta", "after"),
    [
        ("1.0", False, []),
        ("1.1", False, []),
        ("1.2", False, ["bilancio"]),
        ("1.3", False, ["bilancio", "cod_fiscale_pa1", "de_nome_pa1", "cod_tassonomico_dovuto_pa1"]),
        ("1.0", True, ["RT"]),
        ("1.2", True, ["RT", "bilancio"]),
        ("1.3", True, ["RT", "bilancio", "cod_fiscale_pa1", "de_nome_pa1", "cod_tassonomico_dovuto_pa1"]),
    ],
)
def test_columns_come_in_the_order_of_the_contract(versione, con_ricevuta, after):
    ricevuta = [
        "tipoFirma", "rt", "indiceDatiSingoloPagamento", "numRtDatiPagDatiSingPagCommissioniApplicatePsp",
        "codRtDatiPagDatiSingPagAllegatoRicevutaTipo", "blbRtDatiPagDatiSingPagAllegatoRicevutaTest",
    ]  # fmt: skip

    header = foglio_pagati(versione, con_ricevuta=con_ricevuta).intestazione

    base, added = header[:64], header[64:]
    assert (base[:4], base[-1]) == (["iuf", "numRigaFlusso", "codIud", "codIuv"], "tipoDovuto")
    assert added == [name for one in after for name in (ricevuta if one == "RT" else [one])]


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t=", "\r="])
def test_a_formula_is_neutralised_in_texts_and_not_in_identifiers(start):
    pagato = make_pagato(iud=start + "IUD", tipo=start + "T")
    rt = dataclasses.replace(
        pagato.rt,
        pagatore=dataclasses.replace(
            pagato.rt.pagatore, anagrafica=start + "1", indirizzo=start + "2", codice=start + "3", email=start + "6"
        ),
        attestante=dataclasses.replace(pagato.rt.attestante, denominazione=start + "4"),
    )
    singolo = dataclasses.replace(pagato.singolo, causale=start + "5", iur=start + "IUR")

    texts = texts_of(dataclasses.replace(pagato, rt=rt, singolo=singolo))

    free = ("anagraficaPagatore", "indirizzoPagatore", "denominazioneAttestante", "causaleVersamento", "emailPagatore")
    assert all(texts[name].startswith("'") for name in free)
    for name in ("codIud", "tipoDovuto", "soggPagCodiceIdentificativoUnivoco", "identificativoUnivocoRiscoss"):
        assert not texts[name].startswith("'")


def test_a_hyphen_inside_a_text_is_left_alone():
    rt = make_pagato().rt
    pagatore = dataclasses.replace(rt.pagatore, anagrafica="Rossi-Bianchi = C")

    texts = texts_of(make_pagato(rt=dataclasses.replace(rt, pagatore=pagatore)))

    assert texts["anagraficaPagatore"] == "Rossi-Bianchi = C"


@pytest.mark.parametrize(
    ("messaggio_at", "expected"),
    [
        ("2026-11-20T10:11:12", "2026-11-20T10:11:12"),
        ("2026-11-20T23:11:12.500Z", "2026-11-21T00:11:12"),
        ("2026-07-01T10:00:00+02:00", "2026-07-01T10:00:00"),
        ("2026-07-01", "2026-07-01T00:00:00"),
    ],
)
def test_the_time_of_the_message_is_local_and_whole_seconds(messaggio_at, expected):
    rt = dataclasses.replace(make_pagato().rt, messaggio_at=messaggio_at)

    assert texts_of(make_pagato(rt=rt))["dataOraMessaggioRicevuta"] == expected


def test_what_is_not_there_is_an_empty_text():
    rt = dataclasses.replace(make_pagato().rt, stazione=None)

    texts = texts_of(make_pagato(rt=rt, riga=None, raw=None, bilancio_xml=None), "1.2", con_ricevuta=True)

    empty = ("numRigaFlusso", "identificativoStazioneRichiedente", "anagraficaVersante", "rt", "bilancio", "tipoFirma")
    assert {name: texts[name] for name in empty} == dict.fromkeys(empty, "")


def test_a_row_is_a_line_and_reads_back_whatever_its_texts_are():
    rt = make_pagato().rt
    nasty = 'a";b\r\nc\u2028d\x00e'
    pagatore = dataclasses.replace(rt.pagatore, anagrafica=nasty, codice=nasty)
    foglio = foglio_pagati("1.0", con_ricevuta=False)
    row = foglio.row(make_pagato(rt=dataclasses.replace(rt, pagatore=pagatore)))

    data = written([foglio.intestazione, row, row])

    assert data.count(b"\n") == 3 and b"\r" not in data and b"\x00" not in data
    read = list(csv.reader(io.StringIO(data.decode(), newline=""), delimiter=";"))
    assert read[1:] == [row, row]
    assert row[foglio.intestazione.index("anagraficaPagatore")] == 'a";b  c d e'


def test_a_huge_file_is_zip64_and_reads_the_same():
    assert written([["a", "b"]], is_huge=True) == written([["a", "b"]]) == b'"a";"b"\n'


def test_many_rows_come_through_in_order():
    rows = [[str(number), "x" * 100] for number in range(20_000)]

    data = written(rows, all_quoted=False)

    assert data.splitlines()[0] == b"0;" + b"x" * 100
    assert [line.split(b";")[0] for line in data.splitlines()] == [str(number).encode() for number in range(20_000)]
