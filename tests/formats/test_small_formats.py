"""Amounts, fiscal codes, IBAN, secrets, resources, schemas."""

from __future__ import annotations

import doctest
import random
import threading

import pytest
from hypothesis import given
from hypothesis import strategies as st
from stdnum import luhn
from stdnum.it import codicefiscale

from hub.domain.errors import CodiceFiscaleNonValido, InvalidRequest, Misconfigured, PartitaIvaNonValida
from hub.formats import blocchi, codice_fiscale, iban, importi, pagati, rpt, schemi, segreti, testi
from hub.formats.resources import resource


@pytest.mark.parametrize(
    "module", [blocchi, codice_fiscale, iban, importi, pagati, rpt, testi], ids=lambda m: m.__name__
)
def test_the_examples_in_the_docstrings_hold(module):
    assert doctest.testmod(module).failed == 0


@given(st.integers(0, importi.IMPORTO_MAX_CENT))
def test_amounts_go_round(importo_cent):
    text = importi.text_from_cent(importo_cent)

    assert importi.cent_from_text(text) == importo_cent
    assert importi.cent_from_tolerant_text(text) == importo_cent


@pytest.mark.parametrize(
    "text",
    [
        "",
        "10",
        "10.5",
        "10.500",
        "1,00",
        "+1.00",
        "-1.00",
        " 1.00",
        "1.00\n",
        ".50",
        "1e2",
        "١.٠٠",
        "9" * 16 + ".00",
        "NaN",
    ],
)
def test_an_amount_of_another_form_is_refused(text):
    with pytest.raises(ValueError, match="amount"):
        importi.cent_from_text(text)


@pytest.mark.parametrize(
    ("text", "cent"), [("10", 1000), ("10.5", 1050), ("10.", 1000), ("+10.50", 1050), ("10.5000", 1050), (" 0.00 ", 0)]
)
def test_a_receipt_may_write_an_amount_otherwise(text, cent):
    assert importi.cent_from_tolerant_text(text) == cent


@pytest.mark.parametrize("text", ["", "-1.00", "1.005", "1,00", "1.0.0", "inf", "٣"])
def test_even_a_receipt_may_not_write_anything(text):
    with pytest.raises(ValueError, match="amount"):
        importi.cent_from_tolerant_text(text)


@given(st.text(max_size=30))
def test_no_text_breaks_the_amounts(text):
    for read in (importi.cent_from_text, importi.cent_from_tolerant_text):
        try:
            assert read(text) >= 0
        except ValueError as error:
            assert str(error).startswith("amount")


def test_a_negative_amount_is_our_mistake():
    with pytest.raises(ValueError, match="negative"):
        importi.text_from_cent(-1)


@pytest.mark.parametrize("codice", ["RSSMRA80A01H501U", " rssmra80a01h501u "])
def test_a_fiscal_code_comes_out_canonical(codice):
    assert codice_fiscale.validate_persona(codice) == "RSSMRA80A01H501U"


def test_omocodia_is_admitted():
    """One digit replaced by its letter, check character recomputed by the oracle."""
    base = "RSSMRA80A01H50M"

    assert codice_fiscale.is_valid_persona(base + codicefiscale.calc_check_digit(base))


_DIGIT = st.sampled_from("0123456789LMNPQRSTUV")
_LETTER = st.sampled_from("ABCDEFGHIJKLMNOPQRSTUVWXYZ")
_FISCAL_CODES = st.tuples(
    *[_LETTER] * 6, _DIGIT, _DIGIT, st.sampled_from("ABCDEHLMPRST"), _DIGIT, _DIGIT, _LETTER, *[_DIGIT] * 3
).map("".join)


@given(_FISCAL_CODES, _LETTER | st.none())
def test_a_fiscal_code_is_judged_as_the_library_does(base, check):
    """None: the right check character; the day may still not exist."""
    codice = base + (check or codicefiscale.calc_check_digit(base))

    assert codice_fiscale.is_valid_persona(codice) == codicefiscale.is_valid(codice)


@given(st.text("ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789", min_size=16, max_size=16))
def test_any_sixteen_characters_are_judged_as_the_library_does(codice):
    assert codice_fiscale.is_valid_persona(codice) == codicefiscale.is_valid(codice)


@pytest.mark.parametrize(
    "codice", ["", "RSSMRA80A01H501X", "RSSMRA80A32H501U", "1234567890", "12345678900", "ANONIMO", "RSSMRA80A01H501UX"]
)
def test_a_wrong_fiscal_code_is_refused_without_naming_it(codice):
    with pytest.raises(CodiceFiscaleNonValido) as caught:
        codice_fiscale.validate_persona(codice)

    assert not codice or codice not in caught.value.description


@given(st.integers(0, 9_999_999_999))
def test_eleven_digits_need_length_and_luhn_only(number):
    base = f"{number:010d}"
    good = base + luhn.calc_check_digit(base)
    bad = base + str((int(good[-1]) + 1) % 10)

    assert codice_fiscale.validate_partita_iva(good) == good
    assert codice_fiscale.is_valid_persona(good)
    with pytest.raises(PartitaIvaNonValida):
        codice_fiscale.validate_partita_iva(bad)


@given(st.text(max_size=20))
def test_no_text_breaks_the_codes(text):
    codice_fiscale.is_valid_persona(text)
    codice_fiscale.is_valid_partita_iva(text)
    iban.is_valid(text)


@pytest.mark.parametrize(
    "wrong", ["", "IT", "IT61X0542811101000000123456", "IT60X054281110100000012345", "IT60X0542811101000000123456'--"]
)
def test_a_wrong_iban_is_refused(wrong):
    with pytest.raises(InvalidRequest):
        iban.validate(wrong)


def test_a_password_is_verified_and_never_stored():
    hashed = segreti.hash_password("Segreto12345")

    assert hashed.startswith("$argon2id$")
    assert "Segreto" not in hashed
    assert segreti.verify_password(hashed, "Segreto12345")
    assert not segreti.verify_password(hashed, "segreto12345")
    assert not segreti.verify_password("", "Segreto12345")
    assert not segreti.verify_password("$argon2id$rotto", "Segreto12345")


def test_the_dummy_hash_is_nobody_s_and_costs_as_much_as_a_real_one():
    parameters = segreti.hash_password("x").rsplit("$", 2)[0]

    assert segreti.DUMMY_HASH.startswith(parameters + "$")
    assert not segreti.verify_password(segreti.DUMMY_HASH, "")


def test_a_sealed_secret_opens_with_the_same_key_only():
    sealed = segreti.Cassaforte("a" * 32).seal("password01")

    assert "password01" not in sealed
    assert segreti.Cassaforte("a" * 32).open(sealed) == "password01"
    for key, text in (("b" * 32, sealed), ("a" * 32, sealed[:-4] + "AAAA"), ("a" * 32, "")):
        with pytest.raises(Misconfigured):
            segreti.Cassaforte(key).open(text)


def test_a_safe_of_several_keys_seals_with_the_first_and_opens_with_each():
    old, new = "a" * 32, "b" * 32
    both = segreti.Cassaforte(f"{new},{old}")
    of_old = segreti.Cassaforte(old).seal("password01")

    assert both.open(of_old) == "password01" and not both.is_first(of_old)
    assert segreti.Cassaforte(new).open(both.seal("altra")) == "altra" and both.is_first(both.seal("altra"))


def test_a_comma_in_a_phrase_is_a_character_of_it():
    phrase = "una frase, e non due chiavi"

    assert segreti.Cassaforte(phrase).open(segreti.Cassaforte(phrase).seal("x")) == "x"
    with pytest.raises(Misconfigured):
        segreti.Cassaforte("una frase").open(segreti.Cassaforte(phrase).seal("x"))


def test_no_key_no_safe():
    with pytest.raises(Misconfigured):
        segreti.Cassaforte("")


def test_resources_are_found_and_stay_in_their_folder():
    assert resource("schemas", schemi.RPT_RT).is_file()
    assert resource("wsdl").is_dir()
    for kind, name in (("schemas", "../setup.cfg"), ("segreti", "x"), ("schemas", "/etc/passwd")):
        with pytest.raises(ValueError, match="resource"):
            resource(kind, name)
    with pytest.raises(FileNotFoundError):
        resource("schemas", "manca.xsd")


def test_a_schema_is_compiled_once_for_all_threads():
    found: list[object] = []
    names = random.sample([schemi.RPT_RT, schemi.DOVUTI_PAGATI] * 8, 16)
    threads = [threading.Thread(target=lambda name=name: found.append(schemi.schema(name))) for name in names]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len({id(schema) for schema in found}) == 2
