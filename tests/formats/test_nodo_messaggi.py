"""Messages to and from the node, checked with the schema of the contract and not only with ourselves."""

from __future__ import annotations

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lxml import etree

from hub.domain.delivery import ChiaveRpt, Stazione
from hub.formats.contratti import compile_wsdl
from hub.formats.nodo_messaggi import (
    NS_NODO,
    NS_SOAP,
    NS_TESTATA,
    PASSWORD_PLACEHOLDER,
    FaultSoap,
    RispostaNonLeggibile,
    build_chiedi_stato_rpt,
    build_invia_carrello_rpt,
    build_invia_rpt,
    fill_password,
    read_chiedi_stato_rpt_risposta,
    read_invia_carrello_rpt_risposta,
    read_invia_rpt_risposta,
)
from hub.formats.resources import resource
from hub.formats.xml import Schema, parse

CHIAVE = ChiaveRpt("12345678903", "01000000000000144", "ccp0001")
STAZIONE = Stazione("12345678903_01", "12345678903", "password01")


@pytest.fixture(scope="module")
def contract() -> Schema:
    return compile_wsdl(resource("wsdl", "NodoPerPa.wsdl"))


def errors(contract: Schema, envelope: bytes) -> list[str]:
    found = []
    for part in parse(envelope):
        for child in part:
            found += [str(error) for error in contract.check(etree.fromstring(etree.tostring(child)))]
    return found


def answer(payload: str) -> bytes:
    return (
        f'<s:Envelope xmlns:s="{NS_SOAP}"><s:Header/><s:Body xmlns:n="{NS_NODO}">{payload}</s:Body></s:Envelope>'
    ).encode()


def fault(code: str, serial: int | None = None) -> str:
    number = "" if serial is None else f"<serial>{serial}</serial>"
    return (
        f"<fault><faultCode>{code}</faultCode><faultString>s</faultString><id>NodoDeiPagamentiSPC</id>{number}</fault>"
    )


@pytest.mark.parametrize(
    "envelope",
    [
        build_invia_carrello_rpt("12345678903_01", "12345678903", "2026-0001", [(CHIAVE, b"<RPT/>")] * 5),
        build_invia_rpt("12345678903_01", "12345678903", CHIAVE, b"<RPT/>"),
        build_chiedi_stato_rpt(STAZIONE, CHIAVE),
    ],
    ids=["carrello", "rpt", "stato"],
)
def test_what_we_send_is_what_the_contract_says(contract, envelope):
    assert errors(contract, envelope) == []


def test_only_the_outermost_elements_are_in_a_namespace():
    root = parse(build_invia_carrello_rpt("s", "i", "c", [(CHIAVE, b"x")]))

    header, body = root
    assert header[0].tag == f"{{{NS_TESTATA}}}intestazioneCarrelloPPT"
    assert body[0].tag == f"{{{NS_NODO}}}nodoInviaCarrelloRPT"
    assert all("{" not in child.tag for part in (header[0], body[0]) for child in part.iterdescendants())


def test_the_rpt_travels_untouched():
    root = parse(build_invia_rpt("s", "i", CHIAVE, b"<?xml version='1.0'?><RPT>\r\n</RPT>"))

    assert base64.b64decode(root.findtext(".//rpt")) == b"<?xml version='1.0'?><RPT>\r\n</RPT>"


def test_the_password_enters_only_when_the_message_leaves(contract):
    stored = build_invia_rpt("s", "i", CHIAVE, b"<RPT/>")

    filled = fill_password(stored, "a<b&c>d'\"e")

    assert PASSWORD_PLACEHOLDER.encode() in stored
    assert parse(filled).findtext(".//password") == "a<b&c>d'\"e"
    assert errors(contract, filled) == []
    with pytest.raises(ValueError, match="once"):
        fill_password(filled, "password01")


def test_a_name_like_the_placeholder_cannot_take_the_password():
    chiave = ChiaveRpt("1", f"<password>{PASSWORD_PLACEHOLDER}</password>", "c")

    filled = fill_password(build_invia_rpt("s", "i", chiave, b"x"), "password01")

    assert filled.count(b"password01") == 1


@pytest.mark.parametrize("count", [0, 6])
def test_a_cart_holds_one_to_five(count):
    with pytest.raises(ValueError, match="1 to 5"):
        build_invia_carrello_rpt("s", "i", "c", [(CHIAVE, b"x")] * count)


def test_an_accepted_cart_gives_its_url(contract):
    data = answer(
        "<n:nodoInviaCarrelloRPTRisposta><esitoComplessivoOperazione>OK</esitoComplessivoOperazione>"
        "<url>https://nodo.example.org/?idSession=1&amp;x=2</url></n:nodoInviaCarrelloRPTRisposta>"
    )

    risposta = read_invia_carrello_rpt_risposta(data)

    assert errors(contract, data) == []
    assert risposta.is_ok
    assert risposta.url == "https://nodo.example.org/?idSession=1&x=2"


def test_a_refused_cart_tells_which_rpt():
    risposta = read_invia_carrello_rpt_risposta(
        answer(
            "<n:nodoInviaCarrelloRPTRisposta>"
            + fault("PPT_SEMANTICA")
            + "<esitoComplessivoOperazione>KO</esitoComplessivoOperazione><listaErroriRPT>"
            + fault("PPT_IBAN_NON_CENSITO", 2)
            + "</listaErroriRPT></n:nodoInviaCarrelloRPTRisposta>"
        )
    )

    assert not risposta.is_ok
    assert risposta.fault is not None
    assert risposta.fault.code == "PPT_SEMANTICA"
    assert [(error.code, error.serial) for error in risposta.errori] == [("PPT_IBAN_NON_CENSITO", 2)]


def test_a_fault_without_esito_is_read():
    rpt = read_invia_rpt_risposta(
        answer(f"<n:nodoInviaRPTRisposta>{fault('PPT_SYSTEM_ERROR')}</n:nodoInviaRPTRisposta>")
    )
    stato = read_chiedi_stato_rpt_risposta(
        answer(f"<n:nodoChiediStatoRPTRisposta>{fault('PPT_RPT_SCONOSCIUTA')}</n:nodoChiediStatoRPTRisposta>")
    )

    assert (rpt.esito, rpt.is_ok, rpt.fault and rpt.fault.code) == ("", False, "PPT_SYSTEM_ERROR")
    assert (stato.stato, stato.fault and stato.fault.code) == ("", "PPT_RPT_SCONOSCIUTA")


def test_a_state_comes_with_its_history_in_order(contract):
    line = "<elementoStoricoRPT><data>{}</data><stato>{}</stato><descrizione>d</descrizione></elementoStoricoRPT>"
    data = answer(
        "<n:nodoChiediStatoRPTRisposta><esito><stato>RPT_PARCHEGGIATA_NODO</stato><redirect>1</redirect>"
        "<url>https://nodo.example.org/</url>"
        + line.format("2026-11-21T10:00:02", "RPT_PARCHEGGIATA_NODO")
        + line.format("2026-11-21T10:00:01", "RPT_RICEVUTA_NODO")
        + "</esito></n:nodoChiediStatoRPTRisposta>"
    )

    risposta = read_chiedi_stato_rpt_risposta(data)

    assert errors(contract, data) == []
    assert (risposta.stato, risposta.redirect, risposta.url) == (
        "RPT_PARCHEGGIATA_NODO",
        1,
        "https://nodo.example.org/",
    )
    assert [stato for _, stato in risposta.storico] == ["RPT_RICEVUTA_NODO", "RPT_PARCHEGGIATA_NODO"]


READERS = [read_invia_carrello_rpt_risposta, read_invia_rpt_risposta, read_chiedi_stato_rpt_risposta]


@pytest.mark.parametrize("read", READERS)
@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"<html><body>502 Bad Gateway</body></html>",
        b"<Envelope/>",
        answer(""),
        answer("<a/><b/>"),
        answer("<n:nodoInviaRPTRisposta/>"),
        answer("<n:nodoInviaCarrelloRPTRisposta/>"),
        answer("<n:nodoChiediStatoRPTRisposta/>"),
        answer("<x/>")[:-8],
        b"<!DOCTYPE a [<!ENTITY x SYSTEM 'file:///etc/passwd'>]>"
        + answer("<n:nodoInviaRPTRisposta>&x;</n:nodoInviaRPTRisposta>"),
    ],
)
def test_an_answer_that_says_nothing_certain_is_not_an_outcome(read, data):
    with pytest.raises(RispostaNonLeggibile):
        read(data)


def test_a_soap_fault_is_told_apart():
    with pytest.raises(FaultSoap) as caught:
        read_invia_rpt_risposta(
            answer("<s:Fault><faultcode>s:Server</faultcode><faultstring>x</faultstring></s:Fault>")
        )

    assert caught.value.code == "Server"


@given(st.binary(max_size=150))
def test_no_bytes_break_a_reader(data):
    for read in READERS:
        with pytest.raises(RispostaNonLeggibile):
            read(data)
