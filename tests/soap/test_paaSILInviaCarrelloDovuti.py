"""paaSILInviaCarrelloDovuti and paaSILChiediEsitoCarrelloDovuti: a cart over two enti, and a second beneficiary."""

from __future__ import annotations

import base64
from typing import Any

import pytest
import zeep
from lxml import etree

from hub.domain.delivery import Delivery, Outcome
from hub.formats.rpt import read_rpt
from hub.formats.segreti import hash_elemento
from hub.store import schema
from tests.factories import NS_ENTE, Documento, make_documento, make_rt, make_voce
from tests.soap.zeep_client import Door, ente_client, intestazione, open_door
from tests.world import PASSWORD_STAZIONE, PASSWORDS, World

DOMINI = {"C_PROVA": "12345678903", "C_VICINO": "98765432103", "C_SPENTO": "11111111115"}


def elemento(ente: str = "C_PROVA", documento: Documento | None = None, hash: str | None = None) -> dict[str, Any]:
    proof = hash_elemento(PASSWORD_STAZIONE, DOMINI[ente]) if hash is None else hash
    return {"codIpaEnte": ente, "password": proof, "dovuti": (documento or make_documento()).xml}


def secondario(importo: str = "2.50", codice_fiscale: str = DOMINI["C_VICINO"], **values: str) -> bytes:
    fields = {
        "codiceFiscaleBeneficiario": codice_fiscale,
        "denominazioneBeneficiario": "Provincia di Prova",
        "ibanAccreditoBeneficiario": "IT60X0542811101000000123456",
        "datiSpecificiRiscossione": "9/0201102IM/",
        "importoSingoloVersamento": importo,
    } | values
    body = "".join(f"<{name}>{value}</{name}>" for name, value in fields.items())
    return (
        f'<DovutiEntiSecondari xmlns="{NS_ENTE}"><versioneOggetto>6.2.0</versioneOggetto>'
        f"<datiVersamentoEntiSecondari>{body}</datiVersamentoEntiSecondari></DovutiEntiSecondari>"
    ).encode()


def invia(client: Any, *elementi: dict[str, Any], ente: str = "C_PROVA", secondari: tuple[bytes, ...] = ()) -> Any:
    request: dict[str, Any] = {
        "password": PASSWORDS[ente],
        "listaDovuti": {"elementoListaDovuti": list(elementi or (elemento(),))},
    }
    if secondari:
        items = [{"dovutiEntiSecondari": data} for data in secondari]
        request["listaDovutiEntiSecondari"] = {"elementoListaDovutiEntiSecondari": items}
    return client.paaSILInviaCarrelloDovuti(**request, _soapheaders=intestazione(ente))


def esiti(client: Any, id_session: str, ente: str = "C_PROVA") -> list[Any]:
    answer = client.paaSILChiediEsitoCarrelloDovuti(
        codIpaEnte=ente, password=PASSWORDS[ente], idSessionCarrello=id_session
    )
    assert answer.fault is None, answer.fault
    return list(answer.listaCarrelli.rispostaCarrello)


def code(answer: Any) -> str | None:
    return None if answer.fault is None else answer.fault.faultCode


@pytest.fixture
def door(world: World) -> Door:
    return open_door(world)


@pytest.fixture
def client(door: Door) -> Any:
    return ente_client(door)


def pay(world: World, id_session: str, *outcomes: int) -> None:
    """Send the cart and apply a receipt for each of its carrelli, in order."""
    world.start(id_session)
    world.relay()
    carrelli = sorted(world.rows(schema.carrelli, id_session=id_session), key=lambda row: row.posizione)
    for carrello, outcome in zip(carrelli, outcomes, strict=False):
        tentativo = world.one(schema.tentativi, carrello_id=carrello.id)
        world.receive(make_rt(bytes(tentativo.rpt), outcome), tentativo)
        world.apply()


def test_a_cart_over_two_enti_leaves_in_one_message_and_is_paid_by_two_receipts(world, client):
    prova, vicino = make_documento(make_voce(importo="10.00")), make_documento(make_voce(importo="2.50"))
    answer = invia(client, elemento("C_PROVA", prova), elemento("C_VICINO", vicino))
    assert (answer.esito, answer.redirect) == ("OK", 1)
    assert answer.url == f"https://hub.example.org/paga/{answer.idSessionCarrello}"

    pay(world, answer.idSessionCarrello, 0, 0)

    assert len(world.nodo.received) == 1 and world.nodo.received[0].count(b"<elementoListaRPT>") == 2
    assert {row.dominio for row in world.rows(schema.tentativi)} == {DOMINI["C_PROVA"], DOMINI["C_VICINO"]}
    assert {row.stato for row in world.rows(schema.dovuti)} == {"COMPLETATO"}
    assert world.sessione(answer.idSessionCarrello).stato == "PAGATO"
    found = esiti(client, answer.idSessionCarrello)
    assert [(one.codIpaEnte, one.esito) for one in found] == [("C_PROVA", "PAGATO"), ("C_VICINO", "PAGATO")]
    totals = [etree.fromstring(base64.b64decode(one.pagati)).findtext(".//{*}importoTotalePagato") for one in found]
    assert totals == ["10.00", "2.50"]
    assert all(one.rt and one.codIdentificativoUnivocoCarrello for one in found)


def test_a_cart_that_is_paid_in_part_says_so_for_each_ente(world, client):
    id_session = invia(client, elemento("C_PROVA"), elemento("C_VICINO")).idSessionCarrello

    pay(world, id_session, 0)
    assert [one.esito for one in esiti(client, id_session)] == ["PAGATO", "PAGAMENTO IN CORSO"]
    assert world.sessione(id_session).stato == "PAGAM_IN_CORSO"
    (second,) = world.rows(schema.carrelli, id_session=id_session, stato="PAGAM_IN_CORSO")
    tentativo = world.one(schema.tentativi, carrello_id=second.id)
    world.receive(make_rt(bytes(tentativo.rpt), 1), tentativo)
    world.apply()

    assert [one.esito for one in esiti(client, id_session)] == ["PAGATO", "NON PAGATO"]
    assert world.sessione(id_session).stato == "PARZ_PAGATO"


def test_an_ente_may_have_codes_instead_of_descriptions(world, client):
    world.change(schema.enti, "cod_ipa_ente", "C_PROVA", esito_carrello="codice")
    id_session = invia(client).idSessionCarrello

    pay(world, id_session, 1)

    assert [one.esito for one in esiti(client, id_session)] == ["NON_PAGATO"]


def test_a_refused_cart_closes_the_dovuti_of_every_ente(world, client):
    world.nodo.sends.append(Delivery(Outcome.REFUSED, "PPT_SEMANTICA"))
    id_session = invia(client, elemento("C_PROVA"), elemento("C_VICINO")).idSessionCarrello

    pay(world, id_session)

    assert world.sessione(id_session).stato == "IMPOSSIBILE_INVIARE_CARRELLO_RP"
    assert {row.stato for row in world.rows(schema.carrelli)} == {"NON_PAGATO"}
    assert {row.stato for row in world.rows(schema.tentativi)} == {"RIFIUTATO"}
    assert {(row.stato, row.codice_esito) for row in world.rows(schema.dovuti)} == {("COMPLETATO", 1)}


def test_before_the_payer_goes_on_there_is_an_entry_for_each_dovuto(client):
    two = make_documento(make_voce(), make_voce())
    id_session = invia(client, elemento("C_PROVA", two), elemento("C_VICINO")).idSessionCarrello

    found = esiti(client, id_session)

    assert [(one.codIpaEnte, one.esito, one.pagati) for one in found] == [
        ("C_PROVA", "PREDISPOSTO", None), ("C_PROVA", "PREDISPOSTO", None), ("C_VICINO", "PREDISPOSTO", None)
    ]  # fmt: skip


def test_past_its_term_there_is_one_entry(world, client):
    id_session = invia(client, elemento("C_PROVA"), elemento("C_VICINO")).idSessionCarrello
    world.clock.advance(3901)

    assert [(one.codIpaEnte, one.esito) for one in esiti(client, id_session)] == [("C_PROVA", "CARRELLO SCADUTO")]


def test_a_session_is_its_owners_alone(client):
    id_session = invia(client, elemento("C_PROVA"), elemento("C_VICINO")).idSessionCarrello

    answer = client.paaSILChiediEsitoCarrelloDovuti(
        codIpaEnte="C_VICINO", password=PASSWORDS["C_VICINO"], idSessionCarrello=id_session
    )

    assert (answer.fault.faultCode, answer.fault.id) == ("PAA_ID_SESSION_NON_VALIDO", "n/a")


def test_each_ente_of_the_cart_reads_its_own_dovuto(world, client):
    vicino = make_documento()
    id_session = invia(client, elemento("C_PROVA"), elemento("C_VICINO", vicino)).idSessionCarrello
    pay(world, id_session, 0, 0)

    answer = client.paaSILChiediPagatiConRicevuta(
        codIpaEnte="C_VICINO", password=PASSWORDS["C_VICINO"], identificativoUnivocoDovuto=vicino.voci[0].iud
    )

    assert answer.fault is None and answer.rt


@pytest.mark.parametrize("hash", ["0" * 64, hash_elemento("password02", DOMINI["C_VICINO"])])
def test_another_ente_needs_the_intermediarys_word(world, client, hash):
    answer = invia(client, elemento("C_PROVA"), elemento("C_VICINO", hash=hash))

    assert (code(answer), answer.fault.id) == ("PAA_ENTE_NON_VALIDO", "C_VICINO")
    assert world.rows(schema.sessioni) == []


def test_who_guesses_the_hash_is_slowed_down_as_for_a_password(client, door):
    for _ in range(20):
        assert code(invia(client, elemento(hash="0" * 64))) == "PAA_ENTE_NON_VALIDO"

    with pytest.raises(zeep.exceptions.Fault):  # zeep reads no answer but 200
        invia(client)

    assert door.last.status == 429


def test_the_hash_may_be_in_capitals(client):
    assert code(invia(client, elemento(hash=hash_elemento(PASSWORD_STAZIONE, DOMINI["C_PROVA"]).upper()))) is None


def test_the_same_iud_twice_for_one_ente_is_refused_for_two_enti_it_is_not(client):
    documento = make_documento()

    assert code(invia(client, elemento("C_PROVA", documento), elemento("C_PROVA", documento))) == "PAA_IUD_DUPLICATO"
    assert code(invia(client, elemento("C_PROVA", documento), elemento("C_VICINO", documento))) is None


def test_six_elements_do_not_fit(client):
    assert code(invia(client, *[elemento() for _ in range(6)])) == "PAA_LIMITE_MASSIMO_DOVUTI_CARRELLO"


def test_a_second_beneficiary_takes_his_share_out_of_the_amount(world, client):
    documento = make_documento(make_voce(importo="10.00"))
    id_session = invia(client, elemento("C_PROVA", documento), secondari=(secondario("2.50"),)).idSessionCarrello

    pay(world, id_session)

    (envelope,) = world.nodo.received
    assert b"<multiBeneficiario>true</multiBeneficiario>" in envelope and envelope.count(b"<elementoListaRPT>") == 2
    (dovuto,) = world.rows(schema.dovuti)
    assert (dovuto.importo_cent, dovuto.secondario["importo_cent"]) == (750, 250)
    (tentativo,) = world.rows(schema.tentativi)
    assert read_rpt(bytes(tentativo.rpt)).importo_cent == 750


def test_an_ente_may_have_the_share_added(world, client):
    world.change(schema.enti, "cod_ipa_ente", "C_PROVA", quota_secondaria="aggiunta")
    documento = make_documento(make_voce(importo="10.00"))
    id_session = invia(client, elemento("C_PROVA", documento), secondari=(secondario("2.50"),)).idSessionCarrello

    pay(world, id_session)

    (dovuto,) = world.rows(schema.dovuti)
    assert (dovuto.importo_cent, dovuto.secondario["importo_cent"]) == (1000, 250)


@pytest.mark.parametrize(
    ("elementi", "secondari", "wanted"),
    [
        (2, 1, "PAA_LIMITE_MASSIMO_DOVUTI_MULTIBENEFICIARI"),
        (1, 2, "PAA_LIMITE_MASSIMO_DOVUTI_ENTI_SECONDARI"),
    ],
)
def test_a_second_beneficiary_goes_with_one_dovuto_alone(client, elementi, secondari, wanted):
    answer = invia(client, *[elemento() for _ in range(elementi)], secondari=(secondario(),) * secondari)

    assert code(answer) == wanted


@pytest.mark.parametrize(
    "wrong",
    [
        {"codice_fiscale": "98765432100"},
        {"codice_fiscale": DOMINI["C_PROVA"]},
        {"ibanAccreditoBeneficiario": "IT60X0542811101000000123457"},
        {"ibanAccreditoBeneficiario": "DE89370400440532013000"},
        {"datiSpecificiRiscossione": "9/0109999IM/"},
        {"datiSpecificiRiscossione": "9/0115119AP/"},  # it ended in 2021
        {"importo": "12.50"},
    ],
)
def test_a_second_beneficiary_who_cannot_be_paid_is_refused(world, client, wrong):
    answer = invia(client, secondari=(secondario(**wrong),))

    assert code(answer) == "PAA_ENTE_SECONDARIO_NON_VALIDO"
    assert world.rows(schema.sessioni) == []


def test_enti_of_different_stations_are_refused(world, client):
    other = dict(world.one(schema.stazioni)._mapping) | {"id": "12345678903_02"}
    world.lay(schema.stazioni, **other)
    world.change(schema.enti, "cod_ipa_ente", "C_VICINO", stazione_id="12345678903_02")

    answer = invia(client, elemento("C_PROVA"), elemento("C_VICINO"))

    assert code(answer) == "PAA_SYSTEM_ERROR" and "stazioni diverse" in answer.fault.faultString
