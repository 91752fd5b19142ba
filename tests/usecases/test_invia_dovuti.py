"""paaSILInviaDovuti: every row of its table of checks, their order, and what is kept when all pass.

Source: pa-per-ente, paaSILInviaDovuti.
"""

from __future__ import annotations

import itertools
from dataclasses import replace
from typing import Any

import pytest

from hub.domain.errors import HubError
from hub.domain.stati import StatoSessione
from hub.store import schema
from tests.factories import (
    CODICE_FISCALE,
    HASH_MARCA,
    PARTITA_IVA,
    Documento,
    make_documento,
    make_voce,
)
from tests.world import TTL, World

MARCA = ("01", HASH_MARCA, "PD")
MARCA_VUOTA = ("01", " ", "PD")


def code_of(world: World, documento: Documento | bytes, **values: Any) -> str:
    """The code of the refusal, OK when there is none."""
    try:
        world.invia(documento, **values)
    except HubError as error:
        assert str(error) and error.description
        return error.code
    return "OK"


# One rule broken by one change, in the order of the table; `voce` changes an item, `documento` the rest.
RULES: list[tuple[str, str, dict[str, Any], dict[str, Any]]] = [
    ("4_xml", "PAA_XML_NON_VALIDO", {}, {"importo": "10.5"}),
    ("6_iuv", "PAA_IUV_NON_VALIDO", {"iuv": "01000000000000144"}, {}),
    (
        "7_tipo_versamento",
        "PAA_TIPO_VERSAMENTO_NON_VALIDO",
        {"tipo_versamento": "ALL|XX"},
        {},
    ),
    (
        "8_codice_fiscale",
        "PAA_CODICE_FISCALE_NON_VALIDO",
        {"codice_pagatore": "RSSMRA80A01H501X"},
        {},
    ),
    ("9_iud", "PAA_IUD_NON_VALIDO", {}, {"iud": "000123"}),
    ("11_tipo", "PAA_IDENTIFICATIVO_TIPO_DOVUTO_NON_VALIDO", {}, {"tipo": "IGNOTO"}),
    (
        "12_tipo_chiuso",
        "PAA_IDENTIFICATIVO_TIPO_DOVUTO_NON_ABILITATO",
        {},
        {"tipo": "CHIUSO"},
    ),
    ("14_marca", "PAA_MARCA_BOLLO_DIGITALE_NON_VALIDA", {}, {"marca": MARCA}),
    ("17_bilancio", "PAA_IMPORTO_BILANCIO_NON_VALIDO", {}, {"bilancio": "12.49"}),
    ("18_causale", "PAA_CAUSALE_NON_PRESENTE", {}, {"causale": "  "}),
]


@pytest.mark.parametrize(("documento", "voce", "code"), [(rule[2], rule[3], rule[1]) for rule in RULES])
def test_a_broken_rule_answers_its_code(small_world, documento, voce, code):
    assert code_of(small_world, make_documento(make_voce(**voce), **documento)) == code


def test_two_broken_rules_answer_the_earlier_one(small_world):
    wrong = {}
    for earlier, later in itertools.combinations(RULES, 2):
        # Where both change one field the later keeps its own: such a pair cannot be written in one document.
        if set(earlier[3]) & set(later[3]):
            continue
        documento = make_documento(make_voce(**(earlier[3] | later[3])), **(earlier[2] | later[2]))
        if (code := code_of(small_world, documento)) != earlier[1]:
            wrong[earlier[0], later[0]] = code

    assert wrong == {}


def test_an_unknown_ente_is_refused(small_world):
    assert code_of(small_world, make_documento(), ente="C_NESSUNO") == "PAA_ENTE_NON_VALIDO"


def test_a_missing_ente_is_refused(small_world):
    assert code_of(small_world, make_documento(), ente=None) == "PAA_ENTE_NON_VALIDO"


def test_an_ente_not_yet_active_is_refused_even_with_its_password(small_world):
    assert code_of(small_world, make_documento(), ente="C_SPENTO") == "PAA_STATO_ENTE_NON_VALIDO"


def test_the_state_of_the_ente_is_told_before_its_password(small_world):
    answer = code_of(small_world, make_documento(), ente="C_SPENTO", password="Sbagliata123")

    assert answer == "PAA_STATO_ENTE_NON_VALIDO"


@pytest.mark.parametrize("password", ["Sbagliata123", ""])
def test_a_wrong_or_missing_password_is_refused(small_world, password):
    assert code_of(small_world, make_documento(), password=password) == "PAA_ENTE_NON_VALIDO"


def test_the_password_of_another_ente_is_wrong(small_world):
    assert code_of(small_world, make_documento(), password="Vicino123456") == "PAA_ENTE_NON_VALIDO"


def test_blanks_around_the_password_do_not_count(small_world):
    assert code_of(small_world, make_documento(), password=" Segreto12345 ") == "OK"


def test_the_password_is_told_before_the_document(small_world):
    assert code_of(small_world, b"<non-xml", password="Sbagliata123") == "PAA_ENTE_NON_VALIDO"


@pytest.mark.parametrize("data", [b"<non-xml", b"<a/>", b"\x00\x01", b""])
def test_a_document_that_cannot_be_read_is_refused(small_world, data):
    assert code_of(small_world, data) == "PAA_XML_NON_VALIDO"


def test_a_document_without_dovuti_is_refused(small_world):
    empty = Documento(()).xml

    assert code_of(small_world, empty) == "PAA_XML_NON_VALIDO"


def test_six_dovuti_are_one_too_many(small_world):
    assert code_of(small_world, make_documento(*(make_voce() for _ in range(6)))) == "PAA_XML_NON_VALIDO"


@pytest.mark.parametrize("importo", ["10", "10.5", "1,00", "+1.00", "0.00", "1000000000.00"])
def test_an_amount_must_have_two_decimals_and_stay_in_bounds(small_world, importo):
    assert code_of(small_world, make_documento(make_voce(importo=importo))) == "PAA_XML_NON_VALIDO"


@pytest.mark.parametrize("dati_specifici", ["3/0101101IM/", "9/a b c d", "9-0101101IM", "9/ab"])
def test_dati_specifici_out_of_pattern_fall_already_on_the_document(small_world, dati_specifici):
    """Row 15 cannot be reached: the schema has the same pattern."""
    documento = make_documento(make_voce(dati_specifici=dati_specifici))

    assert code_of(small_world, documento) == "PAA_XML_NON_VALIDO"


@pytest.mark.parametrize(
    ("tipo", "codice", "code"),
    [
        ("F", CODICE_FISCALE, "OK"),
        ("F", PARTITA_IVA, "OK"),
        ("F", "12345678901", "PAA_CODICE_FISCALE_NON_VALIDO"),
        ("G", PARTITA_IVA, "OK"),
        ("G", "12345678901", "PAA_P_IVA_NON_VALIDO"),
        ("G", CODICE_FISCALE, "PAA_P_IVA_NON_VALIDO"),
    ],
)
def test_the_payer_code_must_have_the_right_check_character(small_world, tipo, codice, code):
    assert code_of(small_world, make_documento(tipo_pagatore=tipo, codice_pagatore=codice)) == code


def test_an_anonymous_payer_may_pay_what_allows_it(small_world):
    documento = make_documento(make_voce(tipo="DONAZIONI"), codice_pagatore="ANONIMO")

    assert code_of(small_world, documento) == "OK"


def test_an_anonymous_payer_may_not_pay_together_with_what_forbids_it(small_world):
    documento = make_documento(make_voce(tipo="DONAZIONI"), make_voce(tipo="TARI"), codice_pagatore="ANONIMO")

    assert code_of(small_world, documento) == "PAA_CODICE_FISCALE_NON_VALIDO"


def test_an_iud_of_blanks_is_refused(small_world):
    assert code_of(small_world, make_documento(make_voce(iud="   "))) == "PAA_IUD_NON_VALIDO"


@pytest.mark.parametrize(
    "stato",
    ["PAGAMENTO_INIZIATO", "COMPLETATO", "SCADUTO", "SCADUTO_ELABORATO", "ANNULLATO"],
)
def test_an_iud_used_before_is_refused_in_any_state(world, stato):
    voce = make_voce()
    world.begin(make_documento(voce))
    world.change(schema.dovuti, "iud", voce.iud, stato=stato)

    assert code_of(world, make_documento(voce)) == "PAA_IUD_DUPLICATO"


def test_a_used_iud_is_told_before_an_unknown_tipo(small_world):
    voce = make_voce()
    small_world.begin(make_documento(voce))

    assert code_of(small_world, make_documento(replace(voce, tipo="IGNOTO"))) == "PAA_IUD_DUPLICATO"


def test_a_used_iud_is_told_before_a_missing_email(small_world):
    voce = make_voce()
    small_world.begin(make_documento(voce))

    assert code_of(small_world, make_documento(voce, email=None), show_mypay="NONE") == "PAA_IUD_DUPLICATO"


def test_a_used_iud_is_told_before_a_bad_return_address(small_world):
    voce = make_voce()
    small_world.begin(make_documento(voce))

    assert code_of(small_world, make_documento(voce), url="javascript:1") == "PAA_IUD_DUPLICATO"


def test_a_refused_iud_leaves_no_session(world):
    voce = make_voce()
    world.begin(make_documento(voce))
    kept = len(world.rows(schema.sessioni))

    assert code_of(world, make_documento(make_voce(), voce)) == "PAA_IUD_DUPLICATO"

    assert len(world.rows(schema.sessioni)) == kept


def test_the_same_iud_twice_in_one_request_is_refused(small_world):
    voce = make_voce()

    assert code_of(small_world, make_documento(voce, voce)) == "PAA_IUD_DUPLICATO"


def test_an_iud_of_another_ente_is_free(small_world):
    voce = make_voce()
    small_world.begin(make_documento(voce), ente="C_VICINO")

    assert code_of(small_world, make_documento(voce)) == "OK"


def test_the_first_item_is_judged_whole_before_the_second(small_world):
    documento = make_documento(make_voce(causale=" "), make_voce(iud="000123"))

    assert code_of(small_world, documento) == "PAA_CAUSALE_NON_PRESENTE"


@pytest.mark.parametrize(
    ("importo", "marca", "code"),
    [
        ("16.00", MARCA, "OK"),
        ("15.99", MARCA, "PAA_IMPORTO_MARCA_BOLLO_DIGITALE_NON_VALIDA"),
        ("15.99", None, "PAA_IMPORTO_MARCA_BOLLO_DIGITALE_NON_VALIDA"),
        ("16.00", None, "PAA_MARCA_BOLLO_DIGITALE_NON_VALIDA"),
        ("16.00", MARCA_VUOTA, "PAA_MARCA_BOLLO_DIGITALE_NON_VALIDA"),
    ],
)
def test_a_stamp_has_its_amount_first_and_its_data_then(small_world, importo, marca, code):
    voce = make_voce(tipo="MARCA_BOLLO_DIGITALE", importo=importo, marca=marca)

    assert code_of(small_world, make_documento(voce)) == code


def test_a_bilancio_that_sums_to_the_amount_is_accepted(small_world):
    assert code_of(small_world, make_documento(make_voce(bilancio="12.50"))) == "OK"


@pytest.mark.parametrize(
    "changes",
    [
        {"email": None},
        {"cap": "35100"},
        {"cap": "351", "nazione": "IT"},
        {"indirizzo": "Улица 1"},
    ],
    ids=[
        "no_email",
        "cap_without_nazione",
        "short_cap",
        "address_not_latin",
    ],
)
def test_a_payer_who_skips_the_page_needs_a_whole_anagrafica(small_world, changes):
    documento = make_documento(**changes)

    assert code_of(small_world, documento, show_mypay="NONE") == "PAA_ANAGRAFICA_NON_VALIDA"


def test_an_email_of_the_wrong_shape_falls_already_on_the_document(small_world):
    assert code_of(small_world, make_documento(email="senza chiocciola")) == "PAA_XML_NON_VALIDO"


def test_a_payer_without_email_may_pass_through_the_page(small_world):
    assert code_of(small_world, make_documento(email=None), show_mypay="SHORT") == "OK"


def test_the_items_are_told_before_the_anagrafica(small_world):
    documento = make_documento(make_voce(causale=" "), email=None)

    assert code_of(small_world, documento, show_mypay="NONE") == "PAA_CAUSALE_NON_PRESENTE"


@pytest.mark.parametrize(
    "url",
    ["javascript:alert(1)", "ftp://example.org", "https://a:b@example.org", "/esito"],
)
def test_a_return_address_that_is_not_the_web_is_refused(small_world, url):
    assert code_of(small_world, make_documento(), url=url) == "PAA_URL_NON_VALIDA"


def test_a_refused_request_leaves_no_session(world):
    code_of(world, make_documento(make_voce(causale=" ")))

    assert world.rows(schema.sessioni) == []


def test_a_session_is_kept_whole_and_nothing_else(world):
    documento = make_documento(make_voce(), make_voce())

    id_session = world.invia(documento, url="https://sportello.example.org/esito?x=1")

    row = world.sessione(id_session)
    assert (row.stato, bytes(row.documento)) == (
        StatoSessione.NUOVO_CARRELLO,
        documento.xml,
    )
    assert (row.url_esito, row.expires_at) == (
        "https://sportello.example.org/esito?x=1",
        world.clock() + TTL,
    )
    assert [world.rows(table) for table in (schema.carrelli, schema.dovuti, schema.outbox)] == [[], [], []]


def test_the_same_request_again_opens_another_session(world):
    documento = make_documento()

    assert world.invia(documento) != world.invia(documento)
    assert len(world.rows(schema.sessioni)) == 2
