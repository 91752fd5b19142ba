"""Identifiers of a payment. The cases are the worked examples of the notice-number rules, the negative one included."""

from __future__ import annotations

import doctest

import pytest
from hypothesis import given
from hypothesis import strategies as st
from stdnum import iso11649

from hub.domain import iud, iuv, tipo_versamento
from hub.domain.errors import IudNonValido, IuvNonValido, TipoVersamentoNonValido

BUILT = [
    (1, 1, 0, "01000000000000144", "301000000000000144"),
    (1, 2, 0, "01000000000000245", "301000000000000245"),
    (1, 3, 0, "01000000000000346", "301000000000000346"),
    (1, 4, 0, "01000000000000447", "301000000000000447"),
    (2, 12345, 0, "02000000001234559", "302000000001234559"),
    (47, 99_999_999_999, 0, "47009999999999941", "347009999999999941"),
    (1, 1, 10, "01100000000000148", "301100000000000148"),
]
NOTICES = [
    ("301000000000000144", "01000000000000144"),
    ("302000000001234559", "02000000001234559"),
    ("001000000000000141", "000000000000141"),
    ("002100000000000185", "100000000000185"),
    ("112345678901234567", "12345678901234567"),
    ("200000000000012332", "00000000000012332"),
    ("3001 6155 5900 8169 38", "00161555900816938"),
    ("3001 6155 5900 8466 56", "00161555900846656"),
    ("312000000000000725", "12000000000000725"),
    ("005000000000000115", "000000000000115"),
    ("212000000000004259", "12000000000004259"),
    ("100000000000000102", "00000000000000102"),
]


@pytest.mark.parametrize("module", [iuv, iud, tipo_versamento], ids=lambda module: module.__name__)
def test_the_examples_in_the_docstrings_hold(module):
    assert doctest.testmod(module).failed == 0


@pytest.mark.parametrize(("segregazione", "progressivo", "sistema", "expected", "avviso"), BUILT)
def test_an_iuv_is_built_as_in_the_worked_examples(segregazione, progressivo, sistema, expected, avviso):
    built = iuv.build_iuv(segregazione, progressivo, sistema=sistema)

    assert built == expected
    assert iuv.numero_avviso(built) == avviso
    assert iuv.validate(built) == built


@pytest.mark.parametrize(("avviso", "expected"), NOTICES)
def test_a_notice_gives_back_its_iuv(avviso, expected):
    assert iuv.iuv_from_avviso(avviso) == expected


def test_a_transcription_slip_is_noticed():
    """The third number printed in the requester's slides ends in 33; the rule gives 53."""
    assert not iuv.is_valid_avviso("3001 6155 5900 8742 33")
    assert iuv.is_valid_avviso("3001 6155 5900 8742 53")


@pytest.mark.parametrize(
    "avviso", ["", "30100000000000014", "3010000000000001440", "401000000000000144", "30100000000000014x"]
)
def test_what_is_not_a_notice_is_refused(avviso):
    with pytest.raises(IuvNonValido):
        iuv.iuv_from_avviso(avviso)


def test_fifteen_digits_are_checked_with_the_application_code_only():
    assert iuv.is_valid("000000000000141")
    assert iuv.is_valid("000000000000141", codice_applicazione="01")
    assert not iuv.is_valid("000000000000141", codice_applicazione="02")
    assert iuv.numero_avviso("100000000000185", codice_applicazione="02") == "002100000000000185"


def test_aux_1_and_2_follow_their_own_rules():
    assert iuv.is_valid("12345678901234567", aux=1)
    assert iuv.is_valid("00000000000012332", aux=2)
    assert not iuv.is_valid("00000000000012333", aux=2)


@pytest.mark.parametrize(
    ("segregazione", "tipo", "progressivo", "expected"),
    [(1, "99", 1, "RF63019900000000000010000"), (2, "03", 12345, "RF69020300000000123450000")],
)
def test_an_rf_iuv_is_built_as_in_the_worked_examples(segregazione, tipo, progressivo, expected):
    assert iuv.build_iuv_rf(segregazione, tipo, progressivo) == expected
    assert iuv.validate(expected) == expected


def test_the_published_short_reference_is_reproduced():
    assert iuv.build_rf("w9").upper() == "RF45W9"
    assert iuv.is_valid_rf("RF45w9")


@pytest.mark.parametrize("codice", ["RF46W9", "RF45", "RF4XW9", "RF45W9" + "0" * 20, "FR45W9", ""])
def test_a_wrong_rf_reference_is_refused(codice):
    with pytest.raises(IuvNonValido):
        iuv.validate_rf(codice)


def test_an_rf_reference_has_no_notice():
    with pytest.raises(IuvNonValido):
        iuv.numero_avviso("RF45W9")


@pytest.mark.parametrize(("segregazione", "progressivo"), [(-1, 1), (100, 1), (1, 0), (1, 100_000_000_000)])
def test_a_part_that_does_not_fit_is_our_mistake(segregazione, progressivo):
    with pytest.raises(ValueError, match="out of range"):
        iuv.build_iuv(segregazione, progressivo)


@given(st.integers(0, 99), st.integers(1, iuv.PROGRESSIVO_MAX))
def test_iuv_and_notice_go_round(segregazione, progressivo):
    built = iuv.build_iuv(segregazione, progressivo)

    assert len(built) == 17
    assert iuv.iuv_from_avviso(iuv.numero_avviso(built)) == built
    assert iuv.iuv_from_avviso(iuv.format_avviso(iuv.numero_avviso(built))) == built


@given(st.integers(0, 99), st.integers(1, iuv.PROGRESSIVO_MAX), st.integers(0, 16), st.integers(1, 9))
def test_one_wrong_digit_is_always_noticed(segregazione, progressivo, position, shift):
    built = iuv.build_iuv(segregazione, progressivo)
    wrong = built[:position] + str((int(built[position]) + shift) % 10) + built[position + 1 :]

    assert not iuv.is_valid(wrong)


@given(st.text("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ", min_size=1, max_size=21))
def test_rf_references_agree_with_the_oracle(riferimento):
    codice = iuv.build_rf(riferimento)

    assert iso11649.is_valid(codice)
    assert iuv.is_valid_rf(codice)


@given(st.text(max_size=40))
def test_any_text_is_either_valid_or_refused(text):
    iuv.is_valid(text)
    iuv.is_valid_avviso(text)
    iud.is_valid(text)
    tipo_versamento.is_valid(text)


@pytest.mark.parametrize("wrong", ["", "   ", "000abc", "x" * 36])
def test_a_wrong_iud_is_refused(wrong):
    with pytest.raises(IudNonValido):
        iud.validate(wrong)


def test_an_iud_is_opaque_and_case_sensitive():
    assert iud.validate("aB-00/ 1") == "aB-00/ 1"


@pytest.mark.parametrize(("text", "expected"), [("all", "ALL"), ("Bbt|po|OBEP", "BBT|PO|OBEP"), ("", ""), ("  ", "")])
def test_tipo_versamento_is_upper_cased(text, expected):
    assert tipo_versamento.validate(text) == expected


@pytest.mark.parametrize("wrong", ["ALL|PO", "BBT||PO", "|", "XXX", "BBT,PO"])
def test_a_wrong_tipo_versamento_is_refused(wrong):
    with pytest.raises(TipoVersamentoNonValido):
        tipo_versamento.validate(wrong)
