"""RPT: what leaves is what the node's schema admits, and reads back as it was said."""

from __future__ import annotations

import dataclasses
from datetime import UTC, date, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub.domain.documenti import MarcaBollo, Organizzazione, Rpt, SingoloRpt, Soggetto
from hub.formats import schemi
from hub.formats.causale import causale_rpt
from hub.formats.rpt import RptNonValida, importo_totale_cent, read_rpt, render_rpt
from hub.formats.testi import clean, sepa
from hub.formats.xml import parse

IBAN = "IT60X0542811101000000123456"
VOCE = SingoloRpt(1234, "/RFB/01000000000000144/12.34/TXT/Tassa", "9/0101101IM/", iban_accredito=IBAN)
MARCA = MarcaBollo("01", "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=", "PD")


def make_rpt(**changes) -> Rpt:
    rpt = Rpt(
        dominio="12345678903",
        stazione="12345678903_01",
        id_messaggio="0123456789abcdef0123456789abcdef",
        creata_at=datetime(2026, 11, 21, 9, 0, tzinfo=UTC),
        pagatore=Soggetto("F", "RSSMRA80A01H501U", "Mario Rossi", provincia="RM", nazione="IT", email="m@example.org"),
        ente=Organizzazione("G", "12345678903", "Comune di Prova"),
        data_esecuzione=date(2026, 11, 21),
        tipo_versamento="BBT",
        iuv="01000000000000144",
        ccp="ccp0001",
        versamenti=(VOCE,),
    )
    return dataclasses.replace(rpt, **changes)


def is_valid(data: bytes) -> bool:
    return schemi.schema(schemi.RPT_RT).check(parse(data)) == []


def test_an_rpt_reads_back_as_it_was_said():
    rpt = make_rpt(versamenti=(VOCE, SingoloRpt(1600, "Bollo", "9/0301116TS/", marca=MARCA)))

    data = render_rpt(rpt)

    assert is_valid(data)
    assert read_rpt(data) == rpt
    assert importo_totale_cent(data) == 2834


@pytest.mark.parametrize(
    ("instant", "written"),
    [
        (datetime(2026, 11, 21, 23, 30, tzinfo=UTC), "2026-11-22T00:30:00"),
        (datetime(2026, 7, 1, 12, 0, 0, 999_999, tzinfo=UTC), "2026-07-01T14:00:00"),
    ],
)
def test_instants_are_written_as_rome_time_without_offset(instant, written):
    data = render_rpt(make_rpt(creata_at=instant)).decode()

    assert f"<dataOraMessaggioRichiesta>{written}</dataOraMessaggioRichiesta>" in data


def test_a_naive_instant_is_our_mistake():
    with pytest.raises(ValueError, match="aware"):
        render_rpt(make_rpt(creata_at=datetime(2026, 11, 21)))


@pytest.mark.parametrize(
    "changes",
    [
        {"versamenti": ()},
        {"versamenti": (VOCE,) * 6},
        {"versamenti": (dataclasses.replace(VOCE, iban_accredito=None),)},
        {"versamenti": (dataclasses.replace(VOCE, marca=MARCA),)},
        {"versamenti": (VOCE, VOCE), "tipo_versamento": "PO"},
        {"tipo_versamento": "BONIFICO"},
        {"iuv": ""},
        {"ccp": "x" * 36},
        {"versamenti": (dataclasses.replace(VOCE, dati_specifici="nessuno"),)},
        {"versamenti": (dataclasses.replace(VOCE, iban_accredito="IT"),)},
        {"versamenti": (dataclasses.replace(VOCE, importo_cent=0),)},
    ],
)
def test_what_the_node_would_refuse_never_leaves(changes):
    with pytest.raises(RptNonValida) as caught:
        render_rpt(make_rpt(**changes))

    assert "RSSMRA" not in str(caught.value)


def test_optional_texts_that_the_schema_refuses_are_left_out_or_cut():
    pagatore = Soggetto(
        "F", "RSSMRA80A01H501U", "è" * 90, indirizzo="via\x00 \n Roma", civico=" ", nazione="ita", email="x"
    )

    data = render_rpt(make_rpt(pagatore=pagatore))

    assert is_valid(data)
    read = read_rpt(data).pagatore
    assert (read.anagrafica, read.indirizzo, read.civico, read.nazione, read.email) == (
        "è" * 70,
        "via Roma",
        None,
        None,
        None,
    )


def test_an_unknown_debtor_is_anonimo():
    assert read_rpt(render_rpt(make_rpt(pagatore=Soggetto("F", "ANONIMO", "ANONIMO")))).pagatore.codice == "ANONIMO"


def test_markup_in_a_text_stays_text():
    rpt = make_rpt(pagatore=Soggetto("F", "RSSMRA80A01H501U", "</anagraficaPagatore>&<x>"))

    assert read_rpt(render_rpt(rpt)).pagatore.anagrafica == "</anagraficaPagatore>&<x>"


@pytest.mark.parametrize(
    "data", [b"", b"x", b"<RPT/>", b"<RT xmlns='http://www.digitpa.gov.it/schemas/2011/Pagamenti/'/>"]
)
def test_what_is_not_an_rpt_is_refused(data):
    with pytest.raises(RptNonValida):
        read_rpt(data)


def test_the_causale_is_what_reconcilers_look_for():
    assert causale_rpt("01000000000000144", 1234, "Tassa") == "/RFB/01000000000000144/12.34/TXT/Tassa"
    assert causale_rpt("RF63019900000000000010000", 5, "") == "/RFS/RF63 0199 0000 0000 0000 1000 0/0.05"
    assert len(causale_rpt("01000000000000144", 1234, "parola " * 60)) <= 140


@given(st.text(max_size=300))
def test_any_text_becomes_a_causale_that_the_schema_admits(text):
    causale = causale_rpt("01000000000000144", 1234, text)

    assert causale.isascii()
    assert is_valid(render_rpt(make_rpt(versamenti=(dataclasses.replace(VOCE, causale=causale),))))


@given(st.text(max_size=300), st.integers(1, 80))
def test_cleaned_texts_are_short_printable_and_stable(text, length):
    cleaned = clean(text, length)

    assert len(cleaned) <= length
    assert clean(cleaned, length) == cleaned
    assert sepa(text, length).isascii()


@given(st.text(max_size=200), st.text(max_size=200))
def test_any_name_and_address_make_a_valid_rpt(anagrafica, indirizzo):
    pagatore = Soggetto(
        "F", "RSSMRA80A01H501U", anagrafica, indirizzo=indirizzo, localita=indirizzo, nazione=indirizzo[:2]
    )

    assert is_valid(render_rpt(make_rpt(pagatore=pagatore)))
