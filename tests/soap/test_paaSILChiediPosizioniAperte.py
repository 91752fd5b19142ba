"""paaSILChiediPosizioniAperte through its contract, and the page its links open. Source: pa-per-ente, 2.11."""

from __future__ import annotations

from datetime import date, timedelta
from urllib.parse import parse_qs, urlsplit

import pytest
from flask.testing import FlaskClient
from zeep.wsa import WsAddressingPlugin

from examples.firma_modi import FirmaModI
from hub.formats.rpt import read_rpt
from hub.store import schema
from hub.usecases import expire_sessioni, forget_precaricate, portali
from hub.web import create_flask
from tests.certificates import Identity, make_identity, pin
from tests.factories import CODICE_FISCALE, HASH_MARCA
from tests.soap.portale import (
    ADMIN,
    ALTRO_CODICE,
    LONG_NAME,
    VICINO,
    ask,
    code_of,
    lay_administrator,
    lay_application,
    persona,
    read,
    send,
    text_of,
)
from tests.soap.zeep_client import ente_client, open_door
from tests.world import World

OPERATION = "paaSILChiediPosizioniAperte"
PREFIX = "https://hub.example.org/public/landing/precaricato?id="
BACK = "https://portale.example.org/cittadino?area=tributi&x=1"


@pytest.fixture
def stage(small_world: World) -> World:
    lay_administrator(small_world)
    return small_world


def posizioni(world: World, **fields):
    return ask(world, OPERATION, **fields)


def iuv_of(answer) -> list[str]:
    assert answer.fault is None
    return [text_of(read(one.dovuti), "identificativoUnivocoVersamento") for one in answer.paaSILPosizioniAperte]


def code(answer) -> str:
    return answer.fault.faultCode


def lay_two(world: World) -> None:
    """A position of the same citizen with each of two enti."""
    world.lay_avviso("01000000000000144")
    world.lay_avviso("02000000000000133", **VICINO)


def test_a_position_has_its_ente_its_document_and_a_session_that_pays_it(world):
    lay_administrator(world)
    stored = world.lay_avviso()

    (one,) = posizioni(world).paaSILPosizioniAperte

    assert (one.codIpaEnte, one.deNomeEnte) == ("C_PROVA", "Comune di Prova")
    root = read(one.dovuti)
    assert text_of(root, "identificativoUnivocoDovuto") == stored.iud
    assert text_of(root, "importoSingoloVersamento") == "50.00"
    assert text_of(root, "identificativoUnivocoVersamento") == stored.iuv
    assert one.urlPagamento.startswith(PREFIX)
    id_session = one.urlPagamento.removeprefix(PREFIX)
    row = world.sessione(id_session)
    assert (row.tipo, row.stato, row.ente_id) == ("PRECARICATO_ANONIMO_ENTE", "NUOVO_CARRELLO", 1)
    assert row.expires_at == world.clock() + timedelta(hours=1)
    elemento = world.one(schema.sessioni_elementi, id_session=id_session)
    assert (elemento.ente_id, elemento.dovuto_iud, elemento.documento) == (1, stored.iud, None)


def test_a_name_longer_than_the_contract_holds_is_cut(stage):
    stage.lay_avviso("09000000000000177", ente_id=9, dominio="80000000000")
    stage.lay(
        schema.tipi, ente_id=9, codice="TARI", descrizione="x", tassonomia="9/0101101IM/", modalita=["base"],
        attivo=True, scadenza_obbligatoria=False, anonimo=False,
    )  # fmt: skip

    (one,) = posizioni(stage).paaSILPosizioniAperte

    assert one.deNomeEnte == LONG_NAME[:35].strip() and len(one.deNomeEnte) <= 35


# Who may see what.


def test_the_administrator_sees_every_ente_or_the_one_asked_for(world):
    lay_administrator(world)
    lay_two(world)

    assert sorted(iuv_of(posizioni(world))) == ["01000000000000144", "02000000000000133"]
    assert iuv_of(posizioni(world, codIpaEnte="C_VICINO")) == ["02000000000000133"]
    assert iuv_of(posizioni(world, codIpaEnte=ADMIN)) == []
    assert code(posizioni(world, codIpaEnte="C_NESSUNO")) == "PAA_ENTE_NON_VALIDO"


def test_an_ordinary_ente_sees_itself_alone(world):
    lay_administrator(world)
    lay_two(world)

    assert iuv_of(posizioni(world, password="Segreto12345", codIpaEnte="C_PROVA")) == ["01000000000000144"]
    for ente in (None, "C_VICINO", ADMIN, "C_NESSUNO"):
        assert code(posizioni(world, password="Segreto12345", codIpaEnte=ente)) == "PAA_ENTE_NON_VALIDO"


def test_without_an_administrator_nobody_sees_all(small_world):
    lay_two(small_world)

    assert code(posizioni(small_world, password="Segreto12345")) == "PAA_ENTE_NON_VALIDO"
    assert iuv_of(posizioni(small_world, password="Segreto12345", codIpaEnte="C_PROVA")) == ["01000000000000144"]


def test_calls_of_either_kind_are_no_failed_guesses(stage):
    for _ in range(25):
        assert posizioni(stage, codIpaEnte="C_VICINO").fault is None
        assert posizioni(stage, password="Segreto12345", codIpaEnte="C_PROVA").fault is None


def test_twenty_wrong_passwords_close_the_door(stage):
    for _ in range(20):
        body = "<password>Sbagliata123</password><codIpaEnte>C_PROVA</codIpaEnte>"
        assert code_of(send(stage, OPERATION, body)) == "PAA_ENTE_NON_VALIDO"

    assert send(stage, OPERATION, "<password>Sbagliata123</password>").status == 429


def test_an_application_sees_what_it_was_granted(stage):
    stage.lay_avviso("01000000000000144")
    stage.lay_avviso("01000000000000245", tipo="MENSA")
    password = lay_application(stage, tipi=["MENSA"])

    assert iuv_of(posizioni(stage, password=password, codIpaEnte="C_PROVA")) == ["01000000000000245"]


def test_an_application_without_the_operation_sees_nothing(stage):
    password = lay_application(stage, ente_id=9, operazioni=["paaSILChiediStoricoPagamenti"])

    assert code(posizioni(stage, password=password)) == "PAA_ENTE_NON_VALIDO"


def test_a_signature_of_the_administrator_opens_what_its_password_opens(stage, tmp_path):
    """The message names an ente, or none: the keys that may have signed it are those of either."""
    admin, other = make_identity("portale", "rsa2048"), make_identity("vicino", "rsa2048")
    pin(stage, admin, ente_id=9)
    pin(stage, other, ente_id=2)
    stage.change(schema.enti, "id", 9, autenticazione=["firma"])
    lay_two(stage)

    def signed(identity: Identity, **fields):
        certificate, key = identity.write(tmp_path, identity.read.impronta)
        firma = {"wsse": FirmaModI(key, certificate), "plugins": [WsAddressingPlugin()]}
        client = ente_client(open_door(stage), "https://hub.example.org", **firma)
        return client.paaSILChiediPosizioniAperte(password="", identificativoUnivocoPersonaFG=persona(), **fields)

    assert len(iuv_of(signed(admin))) == 2
    assert iuv_of(signed(admin, codIpaEnte="C_VICINO")) == ["02000000000000133"]
    assert iuv_of(signed(other, codIpaEnte="C_VICINO")) == ["02000000000000133"]
    for fields in ({}, {"codIpaEnte": "C_PROVA"}, {"codIpaEnte": ADMIN}):
        assert code(signed(other, **fields)) == "PAA_ENTE_NON_VALIDO"
    assert code(posizioni(stage)) == "PAA_ENTE_NON_VALIDO"  # a password alone is no longer enough


# Of whom, and what can be paid.


def test_another_citizen_has_positions_of_his_own(stage):
    stage.lay_avviso("01000000000000144")
    stage.lay_avviso("01000000000000245", pagatore_codice=ALTRO_CODICE)
    stage.lay_avviso("01000000000000346", pagatore_tipo="G")

    assert iuv_of(posizioni(stage)) == ["01000000000000144"]
    of_other = posizioni(stage, identificativoUnivocoPersonaFG=persona(ALTRO_CODICE.lower()))
    assert iuv_of(of_other) == ["01000000000000245"]
    assert iuv_of(posizioni(stage, identificativoUnivocoPersonaFG=persona(tipo="G"))) == ["01000000000000346"]


def test_nobody_can_ask_for_the_anonymous(stage):
    stage.lay_avviso(pagatore_codice="ANONIMO")

    assert iuv_of(posizioni(stage, identificativoUnivocoPersonaFG=persona("anonimo"))) == []


@pytest.mark.parametrize(
    "values",
    [
        {"stato": "PAGAMENTO_INIZIATO"},
        {"stato": "COMPLETATO", "codice_esito": 0},
        {"stato": "ANNULLATO", "attuale": False},
        {"tipo": "CHIUSO"},
        {"tipo": "IGNOTO"},
        {"tipo": "SANZIONE", "scadenza": date(2020, 1, 1)},
        {"origine": "ESTERNO-ANONIMO"},
        {"ente_id": 3, "dominio": "11111111115"},
    ],
)
def test_what_cannot_be_paid_is_no_open_position(stage, values):
    stage.lay_avviso(**values)

    assert iuv_of(posizioni(stage)) == []
    assert stage.rows(schema.sessioni) == []


@pytest.mark.parametrize("values", [{"scadenza": date(2020, 1, 1)}, {"tipo": "SANZIONE", "scadenza": None}])
def test_a_date_closes_only_where_it_is_mandatory(stage, values):
    stage.lay_avviso(**values)

    assert len(iuv_of(posizioni(stage))) == 1


def test_the_last_day_is_still_good_in_rome(stage):
    stage.clock.now = stage.clock.now.replace(year=2026, month=11, day=21, hour=22, minute=59)
    stage.lay_avviso(tipo="SANZIONE", scadenza=date(2026, 11, 21))
    assert len(iuv_of(posizioni(stage))) == 1
    stage.clock.advance(60)

    assert iuv_of(posizioni(stage)) == []


def test_a_position_without_iuv_and_a_stamp_are_told_too(stage):
    marca = {"tipo_bollo": "01", "hash_documento": HASH_MARCA, "provincia_residenza": "VE"}
    stage.lay_avviso(None, tipo="MARCA_BOLLO_DIGITALE", marca=marca)

    (one,) = posizioni(stage).paaSILPosizioniAperte

    root = read(one.dovuti)
    assert text_of(root, "identificativoUnivocoVersamento") is None
    assert text_of(root, "provinciaResidenza") == "VE"


def test_the_amount_is_what_the_citizen_pays(stage):
    bilancio = (
        "<bilancio><capitolo><codCapitolo>C1</codCapitolo><accertamento><importo>50.00</importo></accertamento>"
        "</capitolo></bilancio>"
    )
    secondario = {
        "codice_fiscale": "98765432103", "denominazione": "Provincia", "iban": "IT60X0542811101000000123456",
        "importo_cent": 250, "dati_specifici": "9/0101101IM/",
    }  # fmt: skip
    stage.lay_avviso(secondario=secondario, bilancio_xml=bilancio)

    (one,) = posizioni(stage).paaSILPosizioniAperte

    root = read(one.dovuti)
    assert text_of(root, "importoSingoloVersamento") == "52.50"
    assert text_of(root, "bilancio") is None


def test_no_more_positions_than_the_limit_the_due_first(stage, monkeypatch):
    monkeypatch.setattr(portali, "POSIZIONI_MAX", 2)
    today = stage.clock().date()
    for number, days in enumerate((30, None, 10, 20)):
        scadenza = None if days is None else today + timedelta(days=days)
        stage.lay_avviso(f"0100000000000{number:04d}", scadenza=scadenza)

    assert iuv_of(posizioni(stage)) == ["01000000000000002", "01000000000000003"]
    assert len(stage.rows(schema.sessioni)) == 2


FG = "identificativoUnivocoPersonaFG"
Q = 'xmlns:p="http://www.regione.veneto.it/schemas/2012/Pagamenti/Ente/"'
CODE = f"<p:codiceIdentificativoUnivoco>{CODICE_FISCALE}</p:codiceIdentificativoUnivoco>"


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (f"<password>Sbagliata123</password><{FG} {Q}/>", "PAA_ENTE_NON_VALIDO"),
        ("<password>Portale12345</password>", "PAA_TIPO_IDENTIFICATIVO_PAGATORE_NON_VALIDO"),
        (
            f"<password>Portale12345</password><{FG} {Q}><p:tipoIdentificativoUnivoco>X</p:tipoIdentificativoUnivoco>"
            f"{CODE}</{FG}>",
            "PAA_TIPO_IDENTIFICATIVO_PAGATORE_NON_VALIDO",
        ),
        (f"<password>Portale12345</password><{FG} {Q}>{CODE}</{FG}>", "PAA_TIPO_IDENTIFICATIVO_PAGATORE_NON_VALIDO"),
        (
            f"<password>Portale12345</password><{FG} {Q}><p:tipoIdentificativoUnivoco>F</p:tipoIdentificativoUnivoco>"
            f"</{FG}>",
            "PAA_CODICE_IDENTIFICATIVO_PAGATORE_NON_PRESENTE",
        ),
        (
            f"<password>Portale12345</password><{FG} {Q}><p:tipoIdentificativoUnivoco>F</p:tipoIdentificativoUnivoco>"
            f"<p:codiceIdentificativoUnivoco> </p:codiceIdentificativoUnivoco></{FG}>",
            "PAA_CODICE_IDENTIFICATIVO_PAGATORE_NON_PRESENTE",
        ),
    ],
)
def test_each_refusal_has_its_code_in_this_order(stage, body, expected):
    assert code_of(send(stage, OPERATION, body)) == expected


# The page behind the link.


def browser(world: World) -> FlaskClient:
    return create_flask(world.runtime).test_client()


def open_position(world: World) -> str:
    world.lay_avviso()
    return posizioni(world).paaSILPosizioniAperte[0].urlPagamento.removeprefix(PREFIX)


def land(world: World, id_session: str, **query: str):
    return browser(world).get("/public/landing/precaricato", query_string={"id": id_session} | query)


def test_the_portal_sends_the_payer_and_gets_him_back(world):
    lay_administrator(world)
    id_session = open_position(world)

    answer = land(world, id_session, backUrl=BACK, email="anna@example.org")

    assert (answer.status_code, answer.location) == (303, f"/paga/{id_session}")
    assert world.sessione(id_session).url_esito == BACK
    page = browser(world).get(answer.location)
    assert page.status_code == 200 and "Comune di Prova" in page.text and "anna@example.org" in page.text
    home = browser(world).get(f"/paga/{id_session}/torna").location
    assert home.startswith(BACK + "&idSession=") and parse_qs(urlsplit(home).query)["esito"] == ["ERROR"]


def test_what_the_portal_opened_is_paid_like_an_avviso(world):
    lay_administrator(world)
    id_session = open_position(world)
    land(world, id_session, backUrl=BACK)

    world.start(id_session)
    world.relay()
    rpt = read_rpt(bytes(world.tentativo(id_session).rpt))
    world.conclude(id_session, 0)

    assert (rpt.iuv, rpt.importo_cent) == ("01000000000000144", 5000)
    assert world.sessione(id_session).stato == "PAGATO"
    assert iuv_of(posizioni(world)) == []


@pytest.mark.parametrize(
    "query",
    [
        {},
        {"backUrl": ""},
        {"backUrl": "javascript:alert(1)"},
        {"backUrl": "//portale.example.org"},
        {"backUrl": "https://utente:chiave@portale.example.org/"},
        {"backUrl": "https://portale.example.org/" + "x" * 2048},
    ],
)
def test_without_a_good_address_to_go_back_to_nothing_begins(stage, query):
    id_session = open_position(stage)

    answer = land(stage, id_session, **query)

    assert answer.status_code == 422 and "Manca l’indirizzo a cui tornare" in answer.text
    assert stage.sessione(id_session).url_esito == ""


@pytest.mark.parametrize("id_session", ["", "00000000-0000-4000-8000-000000000000", "../../etc", "x" * 100])
def test_an_unknown_session_is_not_found(stage, id_session):
    assert land(stage, id_session, backUrl=BACK).status_code == 404


def test_a_session_of_another_kind_keeps_its_address(stage):
    """The ente chose it: a link of a stranger must not change where the payer goes."""
    id_session = stage.invia(url="https://sportello.example.org/esito")

    assert land(stage, id_session, backUrl="https://evil.example.org/").status_code == 404
    assert stage.sessione(id_session).url_esito == "https://sportello.example.org/esito"


def test_once_the_payment_began_the_address_stays(stage):
    id_session = open_position(stage)
    land(stage, id_session, backUrl=BACK)
    stage.start(id_session)

    answer = land(stage, id_session, backUrl="https://evil.example.org/", email="altri@example.org")

    assert answer.location == f"/paga/{id_session}"
    row = stage.sessione(id_session)
    assert row.url_esito == BACK and row.email_pagatore != "altri@example.org"


@pytest.mark.parametrize("email", ["", "non un indirizzo", "a@b" + "c" * 300])
def test_an_email_that_is_none_is_left_out(stage, email):
    id_session = open_position(stage)

    assert land(stage, id_session, backUrl=BACK, email=email).status_code == 303
    assert stage.sessione(id_session).email_pagatore is None


def test_a_session_past_its_hour_shows_so(stage):
    id_session = open_position(stage)
    stage.clock.advance(3601)

    answer = land(stage, id_session, backUrl=BACK)

    assert browser(stage).get(answer.location).status_code == 410


def test_a_session_that_nobody_opened_is_forgotten_after_ten_days(world):
    lay_administrator(world)
    world.lay_avviso()
    unopened, paid = (
        posizioni(world).paaSILPosizioniAperte[0].urlPagamento.removeprefix(PREFIX) for _ in range(2)
    )
    verified = world.verifica()
    world.start(paid)
    world.relay()
    world.conclude(paid, 0)
    world.clock.advance(3601 + 300)
    expire_sessioni.run_once(world.db, timedelta(seconds=300), world.clock())
    world.clock.advance(240 * 3600 - 302)
    assert not forget_precaricate.run_once(world.db, world.clock())
    assert len(world.rows(schema.sessioni)) == 3
    world.clock.advance(2)

    assert not forget_precaricate.run_once(world.db, world.clock())

    assert {row.id_session for row in world.rows(schema.sessioni)} == {paid, verified}
    assert {row.id_session for row in world.rows(schema.sessioni_elementi)} == {paid, verified}
    assert land(world, unopened, backUrl=BACK).status_code == 404
