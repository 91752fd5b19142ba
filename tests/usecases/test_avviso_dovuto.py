"""The printed notice of a stored dovuto: what comes from ente, tipo and dovuto. Source: flows, 5.1 to 5.4."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
import zxingcpp
from sqlalchemy import Row

from hub.domain.avviso import Avviso, codeline, data_matrix_text, qr_text
from hub.domain.configurazione import Contatti
from hub.formats.avviso import render_avviso
from hub.formats.configurazione import read_configurazione, render_configurazione
from hub.formats.loghi import prepare_logo
from hub.formats.resources import resource
from hub.formats.segreti import Cassaforte
from hub.store import loghi, schema
from hub.store.database import Database
from hub.usecases.apply_config import apply, plan
from hub.usecases.avviso_dovuto import build_avviso
from hub.usecases.export_config import export_config
from tests.formats.pages import picture, text_of
from tests.formats.test_configurazione_stampa import AUTORIZZAZIONE, make_png
from tests.world import World

NOW = datetime(2026, 5, 4, 10, tzinfo=UTC)
CASSAFORTE = Cassaforte("9f0d6c1b7a3e58422fd1c0be96a7d3e4" * 2)
IBAN_POSTALE = "IT66X0760103200000012345678"
SECONDARIO = {
    "codice_fiscale": "98765432103", "denominazione": "Provincia", "iban": "IT60X0542811101000000123456",
    "importo_cent": 500, "dati_specifici": "9/0201102IM/",
}  # fmt: skip


def avviso_of(world: World, row: Row[Any]) -> Avviso | None:
    configurato = world.runtime.callers.anagrafe.find_by_id(row.ente_id, world.clock())
    assert configurato is not None
    with world.db.reading() as session:
        return build_avviso(configurato, row, loghi.find(session, row.ente_id))


def with_postal_account(world: World) -> None:
    world.change(schema.enti, "id", 1, autorizzazione_stampa=AUTORIZZAZIONE)
    world.change(schema.tipi, "codice", "TARI", conto_postale="12345678")


def test_the_notice_says_what_is_configured_of_ente_and_tipo(world: World) -> None:
    contatti = {"indirizzo": "Piazza Roma 1", "telefono": "06 123", "mail": "a@b.example", "sito": "www.b.example"}
    world.change(schema.enti, "id", 1, beneficiario="Comune di Prova Alta", codice_cbill="AB12C", contatti=contatti)
    world.change(schema.tipi, "codice", "TARI", settore="Ufficio Tributi", intestatario_conto_postale="Tesoreria")
    with_postal_account(world)
    with world.db.transaction() as session:
        loghi.put(session, 1, prepare_logo(make_png()))

    avviso = avviso_of(world, world.lay_avviso())

    assert avviso is not None and avviso.conto_postale is not None and avviso.ente.logo is not None
    pdf = render_avviso(avviso)
    text = text_of(pdf)
    for words in (
        "Comune di Prova Alta Ufficio Tributi Piazza Roma 1 - tel. 06 123 - a@b.example - www.b.example",
        "Codice CBILL AB12C",
        "Intestato a Tesoreria",
        "C/C n. 12345678",
        "AUT. DB/SISB/P1 1234 DEL 01/01/2020",
    ):
        assert words in text
    assert render_avviso(replace(avviso, ente=replace(avviso.ente, logo=None))) != pdf


def test_what_is_not_configured_leaves_a_notice_as_good_to_pay_with(world: World) -> None:
    avviso = avviso_of(world, world.lay_avviso())

    assert avviso is not None and avviso.conto_postale is None
    text = text_of(render_avviso(avviso))
    assert "Codice CBILL -" in text and "BOLLETTINO" not in text and "tel." not in text and "None" not in text


def test_with_a_second_beneficiary_text_and_codes_say_the_sum_of_both_shares(world: World) -> None:
    """Acceptance vector 6: 100.00 + 5.00."""
    with_postal_account(world)
    avviso = avviso_of(world, world.lay_avviso(importo_cent=10000, secondario=SECONDARIO))

    assert avviso is not None
    pdf = render_avviso(avviso)
    codes = {code.format.name: code.text for code in zxingcpp.read_barcodes(picture(pdf, dpi=200))}
    assert text_of(pdf).count("105,00 Euro") == 3 and "100,00" not in text_of(pdf)
    assert codes["QRCode"] == "PAGOPA|002|301000000000000144|12345678903|10500"
    assert codes["DataMatrix"][49:59] == "0000010500"


def test_the_strings_of_both_codes_are_read_back_from_the_page_of_a_stored_dovuto(world: World) -> None:
    """Acceptance vector 9: 1 234.56 euro on a slip."""
    with_postal_account(world)
    avviso = avviso_of(world, world.lay_avviso(importo_cent=123_456, causale="TARI 2024 SALDO"))

    assert avviso is not None
    codes = {code.format.name: code.text for code in zxingcpp.read_barcodes(picture(render_avviso(avviso), dpi=200))}
    assert codes == {"QRCode": qr_text(avviso), "DataMatrix": data_matrix_text(avviso)}
    assert len(codes["DataMatrix"]) == 256 and codes["DataMatrix"][49:59] == "0000123456"
    assert codes["DataMatrix"][13:63] == codeline(avviso) == "18301000000000000144120000123456781000001234563896"


@pytest.mark.parametrize(
    ("ente", "tipo", "numero"),
    [
        ({}, {"conto_postale": "77"}, "77"),
        ({}, {"conto_postale": "77", "iban_postale": IBAN_POSTALE}, "77"),
        ({}, {"iban_postale": IBAN_POSTALE}, "12345678"),
        ({}, {"iban": IBAN_POSTALE}, "12345678"),
        ({"iban": IBAN_POSTALE}, {}, "12345678"),
        ({"iban": IBAN_POSTALE}, {"iban": "IT60X0542811101000000123456"}, None),
        ({"iban": IBAN_POSTALE, "autorizzazione_stampa": None}, {"conto_postale": "77"}, None),
        ({}, {}, None),
    ],
)
def test_the_slip_needs_a_postal_account_and_the_authorisation(
    small_world: World, ente: dict[str, Any], tipo: dict[str, Any], numero: str | None
) -> None:
    small_world.change(schema.enti, "id", 1, **({"autorizzazione_stampa": AUTORIZZAZIONE} | ente))
    if tipo:
        small_world.change(schema.tipi, "codice", "TARI", **tipo)

    avviso = avviso_of(small_world, small_world.lay_avviso())

    assert avviso is not None
    assert numero == (avviso.conto_postale.numero if avviso.conto_postale else None)


def test_an_amount_of_eleven_digits_is_printed_without_the_slip(small_world: World) -> None:
    with_postal_account(small_world)

    avviso = avviso_of(small_world, small_world.lay_avviso(importo_cent=10_000_000_000))

    assert avviso is not None and not avviso.has_bollettino
    assert "BOLLETTINO" not in text_of(render_avviso(avviso))


def test_contacts_that_do_not_fit_are_left_out_whole(small_world: World) -> None:
    mail = "ufficio.tributi.associati@unione.dei.comuni.della.bassa.valle.example"
    contatti = {"indirizzo": "Piazza della Repubblica 1, 00100 Roma", "mail": mail, "sito": "www.unione.example"}
    small_world.change(schema.enti, "id", 1, contatti=contatti)

    avviso = avviso_of(small_world, small_world.lay_avviso())

    assert avviso is not None
    assert avviso.ente.contatti == "Piazza della Repubblica 1, 00100 Roma - www.unione.example"


def test_a_tipo_may_have_no_printed_notice(small_world: World) -> None:
    small_world.change(schema.tipi, "codice", "TARI", stampa_avviso=False)

    assert avviso_of(small_world, small_world.lay_avviso()) is None
    assert avviso_of(small_world, small_world.lay_avviso("01000000000000245", tipo="MENSA")) is not None


@pytest.mark.parametrize(
    "values", [{"iuv": None}, {"iuv": "RF63019900000000000010000"}, {"stato": "COMPLETATO"}, {"marca": {"tipo": "01"}}],
    ids=str,
)  # fmt: skip
def test_there_is_no_notice_of_what_has_no_number_is_paid_or_is_a_stamp(
    small_world: World, values: dict[str, Any]
) -> None:
    assert avviso_of(small_world, small_world.lay_avviso(**values)) is None


def test_what_is_printed_goes_into_the_configuration_and_back(db: Database) -> None:
    demo = read_configurazione(resource("examples", "demo.yaml").read_bytes())
    (ente,) = demo.enti
    assert ente.tipi is not None
    printed = {
        "stampa_avviso": False, "settore": "Tributi", "iban_postale": IBAN_POSTALE, "conto_postale": "12345678",
        "intestatario_conto_postale": "Tesoreria",
    }  # fmt: skip
    wanted = replace(
        ente,
        beneficiario="Comune di Prova Alta", codice_cbill="AB12C", autorizzazione_stampa=AUTORIZZAZIONE,
        contatti=Contatti(indirizzo="Piazza Roma 1", mail="a@b.example"), logo=prepare_logo(make_png()),
        tipi=(replace(ente.tipi[0], **printed), *ente.tipi[1:]),
    )  # fmt: skip
    apply(db, replace(demo, enti=(wanted,)), CASSAFORTE, NOW)

    text = render_configurazione(export_config(db, NOW))

    (read,) = read_configurazione(text.encode()).enti
    assert read.tipi is not None
    assert {key: getattr(tipo, key) for tipo in read.tipi if tipo.codice == "TARI" for key in printed} == printed
    assert (read.beneficiario, read.codice_cbill, read.logo) == (wanted.beneficiario, "AB12C", wanted.logo)
    assert (read.contatti, read.autorizzazione_stampa) == (wanted.contatti, AUTORIZZAZIONE)
    assert plan(db, replace(demo, enti=(wanted,)), CASSAFORTE, NOW) == []
    found = [str(one) for one in apply(db, demo, CASSAFORTE, NOW)]
    assert "modifica ente C_PROVA: contatti indirizzo Piazza Roma 1, mail a@b.example -> (vuoto)" in found
    assert any("logo PNG di" in one and one.endswith("-> (vuoto)") for one in found)
    assert apply(db, demo, CASSAFORTE, NOW) == []
