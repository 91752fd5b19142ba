"""What is written for the ente when an outcome is known: one event per dovuto, in the transaction of the fact.

Source: pa-per-ente, push of the outcome (4.2).
"""

from __future__ import annotations

import base64
import json
from datetime import date

import pytest
from lxml import etree
from sqlalchemy import Row

from hub.domain.documenti import Organizzazione
from hub.domain.stati import StatoCarrello
from hub.formats.blocchi import NS_ENTE
from hub.formats.rt import read_rt
from hub.store import carrelli, enti, schema
from hub.usecases.inoltro_esito import queue_esito
from hub.usecases.registra_pagamento import PagamentoEsterno, registra_pagamento
from tests.factories import make_documento, make_rt, make_voce
from tests.inoltro import configure_inoltro, pay, refuse
from tests.world import World, chi


def begin(world: World, *tipi: str) -> str:
    return world.begin(make_documento(*(make_voce(tipo=tipo) for tipo in tipi)))


def messages(world: World) -> list[Row]:
    return world.rows(schema.outbox, topic="ente.esito")


def esito_of(message: Row) -> etree._Element:
    return etree.fromstring(base64.b64decode(json.loads(bytes(message.payload))["esito"]))


def iud_in(message: Row) -> list[str]:
    return [node.text for node in esito_of(message).iter(f"{{{NS_ENTE}}}identificativoUnivocoDovuto")]


def test_a_cart_of_three_gives_three_calls_with_one_item_each(world):
    configure_inoltro(world, "TARI")
    id_session = begin(world, "TARI", "TARI", "TARI")

    raw = pay(world, id_session)

    found = messages(world)
    iud = [row.iud for row in world.dovuti(id_session)]
    assert [iud_in(message) for message in found] == [[one] for one in iud]
    assert [json.loads(bytes(message.payload))["rt"] for message in found] == [base64.b64encode(raw).decode()] * 3
    assert [message.chiave for message in found] == [f"1:{one}" for one in iud]
    assert {message.ente_id for message in found} == {1}


def test_the_body_has_the_two_keys_of_the_contract_and_a_document_of_the_contract(world):
    configure_inoltro(world, "TARI")

    pay(world, begin(world, "TARI"))

    (message,) = messages(world)
    assert list(json.loads(bytes(message.payload))) == ["rt", "esito"]
    root = esito_of(message)
    assert root.tag == f"{{{NS_ENTE}}}Pagati"
    assert root.findtext(f".//{{{NS_ENTE}}}codiceEsitoPagamento") == "0"


@pytest.mark.parametrize(
    "off", [{"inoltro_esito": False}, {"notifica_esito": False}, {"url": None}], ids=["ente", "tipo", "endpoint"]
)
def test_each_of_the_three_switches_alone_keeps_the_hub_silent(world, off):
    configure_inoltro(world, "TARI", **off)

    pay(world, begin(world, "TARI"))

    assert messages(world) == []


def test_only_the_tipi_that_want_it_are_told(world):
    configure_inoltro(world, "MENSA")
    id_session = begin(world, "TARI", "MENSA")

    pay(world, id_session)

    (message,) = messages(world)
    assert iud_in(message) == [world.dovuti(id_session)[1].iud]


def test_a_negative_receipt_without_items_is_not_told(world):
    configure_inoltro(world, "TARI")

    pay(world, begin(world, "TARI"), esito=1)

    assert messages(world) == []


def test_an_item_that_the_receipt_lists_is_told_even_with_amount_zero(world):
    configure_inoltro(world, "TARI")
    id_session = world.begin(make_documento(make_voce(importo="12.50"), make_voce(importo="7.00")))

    pay(world, id_session, esito=2)

    amounts = [esito_of(one).findtext(f".//{{{NS_ENTE}}}singoloImportoPagato") for one in messages(world)]
    assert amounts == ["12.50", "0.00"]


def test_a_negative_receipt_with_items_is_told_and_the_sequence_counts_on(world):
    """First the negative word, then the money: the receiver sees 1, then 2, of the same dovuto."""
    configure_inoltro(world, "TARI")
    id_session = begin(world, "TARI")
    refuse(world, id_session)

    pay(world, id_session)

    eventi = sorted(world.rows(schema.eventi_esito), key=lambda row: row.sequenza)
    assert [(row.sequenza, row.codice_esito) for row in eventi] == [(1, 1), (2, 0)]
    assert [row.id.rpartition("-")[2] for row in eventi] == ["1", "2"]
    assert len({row.iud for row in eventi}) == 1
    assert [row.messaggio_id for row in eventi] == [message.id for message in messages(world)]


def test_a_repeated_receipt_tells_nothing_more(world):
    configure_inoltro(world, "TARI")
    id_session = begin(world, "TARI")
    raw = pay(world, id_session)

    world.receive(raw, world.tentativo(id_session))
    world.apply()

    assert len(messages(world)) == 1


def test_when_the_fact_is_rolled_back_nothing_is_told(world):
    configure_inoltro(world, "TARI")
    id_session = begin(world, "TARI")
    raw = make_rt(bytes(world.tentativo(id_session).rpt))
    (dovuto,) = world.dovuti(id_session)

    with pytest.raises(ZeroDivisionError), world.db.transaction() as session:
        assert queue_esito(session, enti.by_id(session, 1), dovuto, raw, world.clock())
        raise ZeroDivisionError

    assert messages(world) == world.rows(schema.eventi_esito) == []


def test_without_a_receipt_the_outcome_is_told_with_an_empty_rt(world):
    """RegistraPagamento: the original fails here for ever (defect 16)."""
    configure_inoltro(world, "TARI")
    id_session = begin(world, "TARI")
    esito_locale = make_rt(bytes(world.tentativo(id_session).rpt))
    world.change(schema.carrelli, "id", world.carrello(id_session).id, esito_locale=esito_locale)
    (dovuto,) = world.dovuti(id_session)

    with world.db.transaction() as session:
        evento = queue_esito(session, enti.by_id(session, 1), dovuto, None, world.clock())

    (message,) = messages(world)
    assert json.loads(bytes(message.payload))["rt"] == ""
    assert iud_in(message) == [dovuto.iud]
    assert world.one(schema.eventi_esito).id == evento


def test_the_receipt_of_the_node_is_told_when_it_replaces_the_word_of_the_hub(world):
    configure_inoltro(world, "TARI")
    id_session = begin(world, "TARI")
    carrello = world.carrello(id_session)
    with world.db.transaction() as session:
        carrelli.move(session, carrello, to=StatoCarrello.NON_PAGATO, at=world.clock(), esito_locale=b"-")

    refuse(world, id_session)

    (message,) = messages(world)
    assert esito_of(message).findtext(f".//{{{NS_ENTE}}}codiceEsitoPagamento") == "1"
    assert read_rt(base64.b64decode(json.loads(bytes(message.payload))["rt"])).codice_esito == 1


def registra(world: World, iuv: str, importo_cent: int = 1250) -> None:
    """paaSILRegistraPagamento: the dovuto was paid where the hub did not see it."""
    attestante = Organizzazione(tipo="G", codice="97735020584", denominazione="Poste")
    pagamento = PagamentoEsterno(iuv, importo_cent, date(2026, 11, 20), "IUR-9", attestante)
    registra_pagamento(world.db, world.runtime.callers, chi(), pagamento, world.clock())


def test_a_payment_recorded_by_the_ente_is_told_without_a_receipt_and_once(world):
    """Defect 16: in the original this push fails before the call, every minute, for ever."""
    configure_inoltro(world, "TARI")
    id_session = begin(world, "TARI")
    (dovuto,) = world.dovuti(id_session)

    registra(world, dovuto.iuv)
    registra(world, dovuto.iuv)

    (message,) = messages(world)
    assert json.loads(bytes(message.payload))["rt"] == ""
    assert iud_in(message) == [dovuto.iud]
    assert esito_of(message).findtext(f".//{{{NS_ENTE}}}codiceEsitoPagamento") == "0"
    assert esito_of(message).findtext(f".//{{{NS_ENTE}}}esitoSingoloPagamento") == "PAGATO CON RENDICONTAZIONE 9"


def test_only_the_dovuto_that_was_recorded_is_told(world):
    configure_inoltro(world, "TARI")
    id_session = begin(world, "TARI", "TARI")
    first = world.dovuti(id_session)[0]

    registra(world, first.iuv)

    assert [iud_in(message) for message in messages(world)] == [[first.iud]]
