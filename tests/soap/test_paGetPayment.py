"""paGetPayment and V2 through their contract. Source: node, 3.2, 3.3, locking (3.0.5), position to RPT (4.4)."""

from __future__ import annotations

from datetime import date

import pytest

from hub.store import attivazioni, schema
from tests.factories import CODICE_FISCALE, HASH_MARCA
from tests.soap.avvisi import AVVISO, IUV, SECONDARIO, Nodo
from tests.world import INTERMEDIARIO

GET, GET_V2 = "paGetPayment", "paGetPaymentV2"
MARCA = {"tipo_bollo": "01", "hash_documento": HASH_MARCA, "provincia_residenza": "RM"}
POSTALE = "IT66X0760103200000012345678"
BANCA = "IT60X0542811101000000123456"


def transfers(answer):
    return answer.data.transferList.transfer


@pytest.mark.parametrize("operation", [GET, GET_V2])
def test_a_position_is_told_whole(world, operation):
    row = world.lay_avviso(importo_cent=1130)

    answer = Nodo(world).ask(operation)

    data, (line,) = answer.data, transfers(answer)
    assert (answer.outcome, data.creditorReferenceId, str(data.paymentAmount)) == ("OK", IUV, "11.30")
    assert (data.dueDate, data.description, data.companyName) == (row.scadenza, "Tassa rifiuti 2026", "Comune di Prova")
    assert (data.officeName, data.retentionDate, data.lastPayment, data.metadata) == (None, None, None, None)
    assert data.debtor.uniqueIdentifier.entityUniqueIdentifierValue == CODICE_FISCALE
    assert (data.debtor.fullName, data.debtor["e-mail"]) == ("Mario Rossi", "mario@example.org")
    assert (line.idTransfer, str(line.transferAmount), line.fiscalCodePA) == (1, "11.30", INTERMEDIARIO)
    assert (line.IBAN, line.transferCategory) == (BANCA, "9/0101101IM/")
    assert line.remittanceInformation == f"/RFB/{IUV}/11.30/TXT/Tassa rifiuti 2026"


@pytest.mark.parametrize("operation", [GET, GET_V2])
def test_each_beneficiary_has_a_line_of_its_own_and_the_lines_make_the_amount(world, operation):
    world.lay_avviso(importo_cent=1000, secondario=SECONDARIO)

    answer = Nodo(world).ask(operation)

    told = [(one.idTransfer, str(one.transferAmount), one.fiscalCodePA, one.IBAN) for one in transfers(answer)]
    assert str(answer.data.paymentAmount) == "12.50"
    assert told == [
        (1, "10.00", INTERMEDIARIO, BANCA),
        (2, "2.50", SECONDARIO["codice_fiscale"], SECONDARIO["iban"]),
    ]


def test_nothing_is_locked_and_the_amount_is_always_todays(world):
    row = world.lay_avviso()
    nodo = Nodo(world)

    first = nodo.ask(GET)
    world.change(schema.dovuti, "id", row.id, importo_cent=4000)
    second = nodo.ask(GET, amount="50.00")

    assert [str(one.data.paymentAmount) for one in (first, second)] == ["50.00", "40.00"]
    assert nodo.code("paVerifyPaymentNotice") == "OK"
    assert world.one(schema.dovuti, id=row.id).stato == "INSERIMENTO_DOVUTO"


def test_what_was_answered_is_kept_once_for_each_different_answer(world):
    """A receipt is held against the last of them. Source: node, 3.5.1."""
    row = world.lay_avviso()
    nodo = Nodo(world)
    nodo.ask(GET)
    nodo.ask(GET_V2, paymentNote="carrello-1")
    world.clock.advance(60)
    world.change(schema.dovuti, "id", row.id, importo_cent=4000)
    nodo.ask(GET)

    with world.db.reading() as session:
        kept = attivazioni.answered(session, INTERMEDIARIO, IUV)

    told = [(one.importo_cent, one.volte, one.primitiva, one.nota) for one in kept]
    assert told == [(4000, 1, GET, None), (5000, 2, GET_V2, "carrello-1")]
    assert kept[1].trasferimenti == [
        {"idTransfer": 1, "importo_cent": 5000, "beneficiario": INTERMEDIARIO, "iban": BANCA}
    ]


def test_a_question_that_is_refused_leaves_no_trace(world):
    world.lay_avviso(stato="ANNULLATO", attuale=False)

    assert Nodo(world).code(GET) == "PAA_PAGAMENTO_ANNULLATO"
    assert world.rows(schema.attivazioni) == []


def test_a_notice_without_due_date_gets_the_one_of_the_settings(small_world):
    small_world.lay_avviso(scadenza=None)

    assert Nodo(small_world).ask(GET).data.dueDate == date(2099, 12, 31)


def test_postal_accounts_are_given_when_they_are_wanted_and_every_line_has_one(small_world):
    small_world.change(schema.tipi, "codice", "TARI", iban_postale=POSTALE)
    small_world.lay_avviso()
    other = "01000000000000245"
    small_world.lay_avviso(other, secondario=SECONDARIO)
    nodo = Nodo(small_world)

    told = [
        [line.IBAN for line in transfers(nodo.ask(GET, avviso, transferType=kind))]
        for avviso, kind in ((AVVISO, "POSTAL"), (AVVISO, "PAGOPA"), ("3" + other, "POSTAL"))
    ]

    assert told == [[POSTALE], [BANCA], [BANCA, SECONDARIO["iban"]]]


def test_a_stamp_goes_into_v2_only(world):
    world.lay_avviso(marca=MARCA, importo_cent=1600)
    nodo = Nodo(world)

    (line,) = transfers(nodo.ask(GET_V2))

    assert (line.IBAN, line.richiestaMarcaDaBollo.tipoBollo) == (None, "01")
    assert f"<hashDocumento>{HASH_MARCA}</hashDocumento>".encode() in nodo.door.last.body and len(HASH_MARCA) == 44
    assert (nodo.code(GET), nodo.code("paVerifyPaymentNotice")) == ("PAA_SEMANTICA", "OK")


@pytest.mark.parametrize("stamps", [1, 5])
def test_lines_and_stamps_are_numbered_from_one_to_five(world, stamps):
    for posizione in range(1, 6):
        marca = MARCA if posizione > 5 - stamps else None
        world.lay_avviso(posizione=posizione, marca=marca, importo_cent=1600)

    lines = transfers(Nodo(world).ask(GET_V2))

    assert [line.idTransfer for line in lines] == [1, 2, 3, 4, 5]
    assert sum(line.richiestaMarcaDaBollo is not None for line in lines) == stamps
    assert sum(line.IBAN is not None for line in lines) == 5 - stamps


@pytest.mark.parametrize(
    "values",
    [
        {"secondario": {**SECONDARIO, "iban": "IT00X0542811101000000123456"}},
        {"importo_cent": 99_999_999_999, "secondario": SECONDARIO},
        {"marca": {**MARCA, "provincia_residenza": "Roma"}},
        {"marca": {**MARCA, "hash_documento": "non base64!"}},
    ],
    ids=["an IBAN that is none", "an amount too large", "a province in words", "a hash that is none"],
)
def test_what_the_node_would_reject_is_refused_instead(small_world, values):
    small_world.lay_avviso(**values)

    assert Nodo(small_world).code(GET_V2) == "PAA_SEMANTICA"


def test_six_lines_are_too_many(small_world):
    for posizione in range(1, 6):
        small_world.lay_avviso(posizione=posizione, secondario=SECONDARIO if posizione == 1 else None)

    assert Nodo(small_world).code(GET) == "PAA_SEMANTICA"


def test_a_debtor_is_cut_and_mapped_to_what_the_contract_admits(small_world):
    pagatore = {
        "tipo": "X",
        "codice": "TROPPOLUNGO1234567",
        "anagrafica": "N" * 80,
        "nazione": "it",
        "email": "non una posta",
        "cap": " ",
        "provincia": "RM",
    }
    small_world.lay_avviso(pagatore=pagatore)

    debtor = Nodo(small_world).ask(GET_V2).data.debtor

    identifier = debtor.uniqueIdentifier
    assert (identifier.entityUniqueIdentifierType, identifier.entityUniqueIdentifierValue) == ("F", "ANONIMO")
    assert (debtor.fullName, debtor.country, debtor["e-mail"], debtor.postalCode) == ("N" * 70, "IT", None, None)


def test_a_country_that_is_not_two_letters_is_left_out(small_world):
    pagatore = {"tipo": "F", "codice": CODICE_FISCALE, "anagrafica": "Mario Rossi", "nazione": "ITA"}
    small_world.lay_avviso(pagatore=pagatore)

    assert Nodo(small_world).ask(GET).data.debtor.country is None


def test_the_metadata_of_a_tipo_go_with_its_positions(small_world):
    small_world.change(schema.tipi, "codice", "TARI", metadati={"chiave": "valore", "anno": "2026"})
    small_world.lay_avviso()

    entries = Nodo(small_world).ask(GET_V2).data.metadata.mapEntry

    assert [(entry.key, entry.value) for entry in entries] == [("chiave", "valore"), ("anno", "2026")]


def test_long_texts_are_cut(small_world):
    small_world.change(schema.tipi, "codice", "TARI", settore="U" * 50)
    small_world.lay_avviso(causale="c" * 1024)

    answer = Nodo(small_world).ask(GET)

    (line,) = transfers(answer)
    assert (len(answer.data.description), len(line.remittanceInformation)) == (140, 140)
    assert answer.data.officeName == "U" * 50


def test_a_code_that_opts_out_of_the_request_to_pay_is_told_as_it_is(small_world):
    """Only an RPT has no room for 6, 7 and 8. Source: node, 7.4."""
    small_world.change(schema.tipi, "codice", "TARI", tassonomia="7/0101101IM/")
    small_world.lay_avviso(dati_specifici="7/0101101IM/")

    assert transfers(Nodo(small_world).ask(GET))[0].transferCategory == "7/0101101IM/"
