"""RT and Pagati: a receipt is read whatever its small faults, and given back in the form the ente knows."""

from __future__ import annotations

import base64
import dataclasses
import json
from datetime import date
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub.domain.documenti import Rt
from hub.domain.errors_nodo import RtNonLeggibile
from hub.formats import schemi
from hub.formats.base64_campi import decode_document
from hub.formats.pagati import encode_pagati, render_pagati
from hub.formats.rt import check_rt, decode_rt_field, read_rt, render_rt
from hub.formats.xml import parse

DATA = Path(__file__).parents[1] / "data"
GOOD = sorted((DATA / "rt").glob("*.xml"))
BAD = sorted((DATA / "crashers" / "rt").glob("*"))
ENTE = "{http://www.regione.veneto.it/schemas/2012/Pagamenti/Ente/}"


def rt_named(name: str) -> Rt:
    return read_rt((DATA / "rt" / f"{name}.xml").read_bytes())


def said(rt: Rt) -> dict:
    return json.loads(
        json.dumps(dataclasses.asdict(rt), default=lambda v: v.decode() if isinstance(v, bytes) else str(v))
    )


def pagati_errors(data: bytes) -> list[str]:
    return [str(error) for error in schemi.schema(schemi.DOVUTI_PAGATI).check(parse(data))]


@pytest.mark.parametrize("path", GOOD, ids=lambda path: path.stem)
def test_a_receipt_reads_as_its_golden_file_says(path):
    expected = json.loads(path.with_name(path.name + ".expected.json").read_text(encoding="utf-8"))

    assert said(read_rt(path.read_bytes())) == expected


@pytest.mark.parametrize("path", BAD, ids=lambda path: path.stem)
def test_an_unreadable_receipt_is_refused_in_italian(path):
    with pytest.raises(RtNonLeggibile) as caught:
        read_rt(path.read_bytes())

    assert caught.value.code == "PAA_SINTASSI_XSD"
    assert caught.value.description


def test_a_receipt_with_strangers_is_read_and_its_differences_are_told():
    data = (DATA / "rt" / "estranea.xml").read_bytes()

    assert check_rt(data)
    assert check_rt((DATA / "rt" / "pagata.xml").read_bytes()) == []
    assert read_rt(data).importo_cent == 1234


@pytest.mark.parametrize("name", ["pagata", "negativa", "convertitore"])
def test_a_receipt_written_by_us_is_valid_and_reads_back(name):
    rt = rt_named(name)

    data = render_rt(rt)

    assert check_rt(data) == []
    assert read_rt(data) == rt


@pytest.mark.parametrize("name", ["pagata", "negativa", "convertitore", "estranea"])
@pytest.mark.parametrize("con_ricevuta", [True, False])
def test_pagati_are_valid_for_every_receipt(name, con_ricevuta):
    data = render_pagati(rt_named(name), ["IUD-1"], con_ricevuta)

    assert pagati_errors(data) == []
    assert data.startswith(b"<pay_i:PagatiConRicevuta " if con_ricevuta else b"<pay_i:Pagati ")


def test_pagati_con_ricevuta_carry_index_fees_and_attachment():
    root = parse(render_pagati(rt_named("pagata"), ["IUD-1"], True))
    single = root.find(f"{ENTE}datiPagamento/{ENTE}datiSingoloPagamento")

    assert single is not None
    assert single.findtext(f"{ENTE}identificativoUnivocoDovuto") == "IUD-1"
    assert single.findtext(f"{ENTE}indiceDatiSingoloPagamento") == "1"
    assert single.findtext(f"{ENTE}commissioniApplicatePSP") == "1.50"
    assert single.findtext(f"{ENTE}allegatoRicevuta/{ENTE}testoAllegato") == "PG1hcmNhLz4="


def test_pagati_without_receipt_carry_none_of_it():
    text = render_pagati(rt_named("pagata"), ["IUD-1"], False).decode()

    assert "indiceDatiSingoloPagamento" not in text
    assert "allegatoRicevuta" not in text


def test_unpaid_lines_do_not_appear_and_the_others_keep_their_iud():
    rt = rt_named("pagata")
    line = rt.pagamenti[0]
    rt = dataclasses.replace(rt, codice_esito=2, pagamenti=(dataclasses.replace(line, iur=" "), line))

    root = parse(render_pagati(rt, ["IUD-1", "IUD-2", "IUD-3"], True))

    assert [found.text for found in root.iter(f"{ENTE}identificativoUnivocoDovuto")] == ["IUD-2"]
    assert [found.text for found in root.iter(f"{ENTE}indiceDatiSingoloPagamento")] == ["2"]


def test_a_province_of_one_letter_is_left_out_and_a_long_one_cut():
    rt = rt_named("pagata")
    long = dataclasses.replace(rt, pagatore=dataclasses.replace(rt.pagatore, provincia="ROMA"))

    assert "provinciaPagatore" not in render_pagati(rt, ["IUD-1"], True).decode()
    assert "<pay_i:provinciaPagatore>RO<" in render_pagati(long, ["IUD-1"], True).decode()


def test_two_levels_are_what_clients_decode():
    encoded = encode_pagati(b"<pay_i:Pagati/>", 2)

    assert base64.b64decode(base64.b64decode(encoded)) == b"<pay_i:Pagati/>"
    assert decode_document(encode_pagati(b"<a/>", 1)) == b"<a/>"


@pytest.mark.parametrize("text", ["", "@", "PD9"])
def test_an_rt_field_that_is_not_base64_is_refused(text):
    with pytest.raises(RtNonLeggibile):
        decode_rt_field(text)


@given(st.binary(max_size=200))
def test_no_bytes_break_the_reader(data):
    with pytest.raises(RtNonLeggibile):
        read_rt(data)


@given(st.integers(0, 3000), st.integers(0, 255))
def test_one_changed_byte_is_read_or_refused(position, byte):
    data = bytearray((DATA / "rt" / "pagata.xml").read_bytes())
    data[position % len(data)] = byte
    try:
        rt = read_rt(bytes(data))
    except RtNonLeggibile as error:
        assert error.description
    else:
        assert rt.importo_cent >= 0


@given(st.text(max_size=120), st.text(max_size=60))
def test_any_text_of_a_receipt_makes_valid_pagati(causale, denominazione):
    rt = rt_named("pagata")
    line = dataclasses.replace(
        rt.pagamenti[0], causale=causale, dati_specifici=denominazione, data_esito=date(2026, 1, 1)
    )
    attestante = dataclasses.replace(
        rt.attestante, denominazione=denominazione, provincia=denominazione, nazione=denominazione
    )
    rt = dataclasses.replace(rt, attestante=attestante, pagamenti=(line,))

    assert pagati_errors(render_pagati(rt, ["IUD-1"], True)) == []
