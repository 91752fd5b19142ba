"""What machines read on the notice. The cases are the worked examples of the QR code and of the postal Data Matrix."""

from __future__ import annotations

import doctest
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub.domain import avviso as regole
from hub.domain.avviso import ContoPostale, codeline, conto_from_iban, data_matrix_text, qr_text
from tests.factories import make_avviso

ESEMPIO = (
    "codfase=NBPA;"
    "18301000000000000144120000123456781000000120503896"
    "1P1"
    "12345678903"
    "RSSMRA80A01H501U" + "MARIO ROSSI".ljust(40) + "TARI 2024 SALDO".ljust(110) + " " * 12 + "A"
)


def test_the_examples_in_the_docstrings_hold() -> None:
    assert doctest.testmod(regole).failed == 0


def test_the_worked_example_of_the_qr_code() -> None:
    assert qr_text(make_avviso()) == "PAGOPA|002|301000000000000144|12345678903|12050"


def test_the_worked_example_of_the_data_matrix() -> None:
    assert data_matrix_text(make_avviso()) == ESEMPIO


@pytest.mark.parametrize(
    ("importo_cent", "field"),
    [(1, "0000000001"), (123_456, "0000123456"), (123_456_789, "0123456789"), (9_999_999_999, "9999999999")],
)
def test_the_amount_of_the_slip_has_no_dot_for_the_thousands(importo_cent: int, field: str) -> None:
    text = data_matrix_text(make_avviso(importo_cent=importo_cent))

    assert text[49:59] == field
    assert len(text) == 256


def test_an_amount_of_eleven_digits_has_no_postal_slip() -> None:
    avviso = make_avviso(importo_cent=10_000_000_000)

    assert not avviso.has_bollettino
    assert qr_text(avviso).endswith("|10000000000")
    with pytest.raises(ValueError, match="without a postal slip"):
        codeline(avviso)


def test_a_notice_without_a_postal_account_has_no_postal_slip() -> None:
    avviso = make_avviso(conto_postale=None)

    assert not avviso.has_bollettino
    with pytest.raises(ValueError, match="without a postal slip"):
        data_matrix_text(avviso)


@given(nome=st.text(max_size=70), causale=st.text(max_size=1024), codice=st.text(max_size=35))
def test_whatever_the_texts_every_part_of_the_data_matrix_is_in_its_place(nome: str, causale: str, codice: str) -> None:
    payer = replace(make_avviso().destinatario, anagrafica=nome, codice=codice)

    text = data_matrix_text(make_avviso(destinatario=payer, causale=causale))

    assert len(text) == 256
    assert (text[:77], text[243:]) == (ESEMPIO[:77], ESEMPIO[243:])
    assert set(text[77:243]) <= set("ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789 &',-.:_")


@pytest.mark.parametrize(
    "changes",
    [
        {"numero_avviso": "30100000000000014"},
        {"numero_avviso": "301000000000000245"},
        {"iuv": "RF63019900000000000010000"},
        {"iuv": "44"},
        {"importo_cent": 0},
        {"importo_cent": -1},
        {"importo_cent": 100_000_000_000},
        {"ente": regole.EnteCreditore("Comune di Prova", "1234567890")},
    ],
    ids=str,
)
def test_a_notice_that_no_bank_would_read_is_not_made(changes: dict[str, object]) -> None:
    with pytest.raises(ValueError, match="notice"):
        make_avviso(**changes)


def test_a_postal_account_is_one_to_twelve_digits() -> None:
    for numero in ("", "1234567890123", "12 34", "IT60"):
        with pytest.raises(ValueError, match="postal account"):
            ContoPostale(numero, "Comune di Prova", "AUT. 1 DEL 1")


def test_a_short_iuv_has_its_notice_too() -> None:
    avviso = make_avviso(iuv="000000000000141", numero_avviso="001000000000000141")

    assert qr_text(avviso) == "PAGOPA|002|001000000000000141|12345678903|12050"
    assert avviso.nome_file == "avviso_12345678903_000000000000141"


@pytest.mark.parametrize(
    ("iban", "conto"),
    [
        ("IT60X0760103200000012345678", "12345678"),
        ("it60 x076 0103 2000 0001 2345 678", "12345678"),
        ("IT60X0760103200123456789012", "123456789012"),
        ("IT60X0542811101000000123456", None),
        ("IT60X0760103200000000000000", None),
        ("", None),
    ],
)
def test_the_postal_account_is_read_from_a_postal_iban_only(iban: str, conto: str | None) -> None:
    assert conto_from_iban(iban) == conto
