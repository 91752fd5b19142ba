"""The list of pending RPTs and the copy of a receipt, asked and read. Source: node, 2.4 and 2.5."""

from __future__ import annotations

import base64
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub.domain.delivery import ChiaveRpt
from hub.formats.contratti import compile_wsdl
from hub.formats.nodo_domande import (
    build_chiedi_copia_rt,
    build_chiedi_lista_pendenti,
    read_chiedi_copia_rt_risposta,
    read_chiedi_lista_pendenti_risposta,
)
from hub.formats.nodo_messaggi import FaultSoap, RispostaNonLeggibile
from hub.formats.resources import resource
from hub.formats.xml import Schema, parse
from tests.formats.test_nodo_messaggi import CHIAVE, STAZIONE, answer, errors, fault

DA, A = datetime(2026, 11, 20, 9, tzinfo=UTC), datetime(2026, 11, 21, 22, 30, tzinfo=UTC)
READERS = [read_chiedi_copia_rt_risposta, read_chiedi_lista_pendenti_risposta]


@pytest.fixture(scope="module")
def contract() -> Schema:
    return compile_wsdl(resource("wsdl", "NodoPerPa.wsdl"))


def copia(inner: str) -> bytes:
    return answer(f"<n:nodoChiediCopiaRTRisposta>{inner}</n:nodoChiediCopiaRTRisposta>")


def lista(inner: str) -> bytes:
    return answer(f"<n:nodoChiediListaPendentiRPTRisposta>{inner}</n:nodoChiediListaPendentiRPTRisposta>")


def pendente(chiave: ChiaveRpt, stato: str) -> str:
    return (
        f"<rptPendente><identificativoDominio>{chiave.dominio}</identificativoDominio>"
        f"<identificativoUnivocoVersamento>{chiave.iuv}</identificativoUnivocoVersamento>"
        f"<codiceContestoPagamento>{chiave.ccp}</codiceContestoPagamento><stato>{stato}</stato></rptPendente>"
    )


@pytest.mark.parametrize(
    "envelope",
    [
        build_chiedi_copia_rt(STAZIONE, CHIAVE),
        build_chiedi_lista_pendenti(STAZIONE, "12345678903", DA, A),
        build_chiedi_lista_pendenti(STAZIONE, None, DA, A, 1),
    ],
    ids=["copia", "lista", "lista_of_all_domains"],
)
def test_what_we_ask_is_what_the_contract_says(contract, envelope):
    assert errors(contract, envelope) == []


def test_a_range_is_put_in_order_and_written_in_the_time_of_rome():
    """The node refuses a range that goes backwards (case 96)."""
    body = parse(build_chiedi_lista_pendenti(STAZIONE, None, A, DA))

    assert body.findtext(".//rangeDa") == "2026-11-20T10:00:00"
    assert body.findtext(".//rangeA") == "2026-11-21T23:30:00"


@pytest.mark.parametrize("dimensione", [0, -11])
def test_a_list_has_a_positive_length(dimensione):
    """The node refuses 0 and -11 (case 95)."""
    with pytest.raises(ValueError):
        build_chiedi_lista_pendenti(STAZIONE, None, DA, A, dimensione)


def test_a_copy_is_the_receipt_byte_for_byte(contract):
    document = b'<?xml version="1.0"?><RT>\xc3\xa8</RT>'
    body = copia(f"<tipoFirma>0</tipoFirma><rt>\n {base64.b64encode(document).decode()} \n</rt>")

    assert errors(contract, body) == []
    assert read_chiedi_copia_rt_risposta(body).rt == document


@pytest.mark.parametrize("code", ["PPT_RT_SCONOSCIUTA", "PPT_RT_NONDISPONIBILE"])
def test_a_copy_that_is_not_there_is_a_fault(code):
    risposta = read_chiedi_copia_rt_risposta(copia(fault(code)))

    assert risposta.fault is not None and (risposta.fault.code, risposta.rt) == (code, b"")


def test_a_list_tells_each_rpt_with_its_state(contract):
    other = ChiaveRpt("98765432103", "02000000000000233", "ccp0002")
    inner = pendente(CHIAVE, "RPT_ACCETTATA_PSP") + pendente(other, "RPT_INVIATA_A_PSP")
    body = lista(f"<listaRPTPendenti><totRestituiti>2</totRestituiti>{inner}</listaRPTPendenti>")

    risposta = read_chiedi_lista_pendenti_risposta(body)

    assert errors(contract, body) == []
    assert (risposta.totale, risposta.pendenti) == (
        2, ((CHIAVE, "RPT_ACCETTATA_PSP"), (other, "RPT_INVIATA_A_PSP")),
    )  # fmt: skip


@pytest.mark.parametrize("inner", ["", "<listaRPTPendenti><totRestituiti>0</totRestituiti></listaRPTPendenti>"])
def test_an_empty_list_is_a_list(contract, inner):
    """Case 94."""
    assert errors(contract, lista(inner)) == []
    assert read_chiedi_lista_pendenti_risposta(lista(inner)).pendenti == ()


def test_a_list_that_is_refused_is_a_fault():
    risposta = read_chiedi_lista_pendenti_risposta(lista(fault("PPT_SEMANTICA")))

    assert risposta.fault is not None and risposta.fault.code == "PPT_SEMANTICA"


@pytest.mark.parametrize(
    "inner",
    [
        "",
        "<rt/>",
        "<rt>non base64!</rt>",
        "<rt><x:Include xmlns:x='http://www.w3.org/2004/08/xop/include' href='cid:1'/></rt>",
    ],
    ids=["nothing", "empty", "no_base64", "xop"],
)
def test_a_copy_without_a_document_is_not_read_as_one(inner):
    with pytest.raises(RispostaNonLeggibile):
        read_chiedi_copia_rt_risposta(copia(inner))


@pytest.mark.parametrize("read", READERS)
def test_a_soap_fault_is_told_apart(read):
    with pytest.raises(FaultSoap) as caught:
        read(answer("<s:Fault><faultcode>s:Client</faultcode><faultstring>x</faultstring></s:Fault>"))

    assert caught.value.code == "Client"


@given(st.binary(max_size=150))
def test_no_bytes_break_a_reader(data):
    for read in READERS:
        with pytest.raises(RispostaNonLeggibile):
            read(data)
