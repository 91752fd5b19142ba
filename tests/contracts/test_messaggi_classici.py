"""What the classic contracts take and refuse: verify and activate, and the questions that the hub asks the node.

Source: node, 2.4 to 2.7 (questions), 3.0.3 (shape of the answers), 3.7 and 3.8 (verify and activate).
"""

from __future__ import annotations

import pytest

from tests.contracts.messaggi import FAULT, errors

ENTE = (
    "<enteBeneficiario><p:identificativoUnivocoBeneficiario><p:tipoIdentificativoUnivoco>G</p:tipoIdentificativoUnivoco>"
    "<p:codiceIdentificativoUnivoco>01234567890</p:codiceIdentificativoUnivoco></p:identificativoUnivocoBeneficiario>"
    "<p:denominazioneBeneficiario>Comune di Prova</p:denominazioneBeneficiario></enteBeneficiario>"
)
DATI_PA = (
    "<datiPagamentoPA><importoSingoloVersamento>10.00</importoSingoloVersamento><ibanAccredito>IT60X0542811101000000123456"
    f"</ibanAccredito>{ENTE}<causaleVersamento>TARI 2026</causaleVersamento></datiPagamentoPA>"
)
PAGATORE = (
    "<soggettoPagatore><p:identificativoUnivocoPagatore><p:tipoIdentificativoUnivoco>F</p:tipoIdentificativoUnivoco>"
    "<p:codiceIdentificativoUnivoco>RSSMRA80A01H501U</p:codiceIdentificativoUnivoco></p:identificativoUnivocoPagatore>"
    "<p:anagraficaPagatore>Mario Rossi</p:anagraficaPagatore></soggettoPagatore>"
)
CANALE = (
    "<identificativoIntermediarioPSP>I1</identificativoIntermediarioPSP>"
    "<identificativoCanalePSP>C1</identificativoCanalePSP>"
)
CHIAVE = (
    "<identificativoIntermediarioPA>09876543210</identificativoIntermediarioPA><identificativoStazioneIntermediarioPA>"
    "09876543210_01</identificativoStazioneIntermediarioPA><identificativoDominio>01234567890</identificativoDominio>"
    "<identificativoUnivocoVersamento>01000000000000042</identificativoUnivocoVersamento>"
    "<codiceContestoPagamento>token-1</codiceContestoPagamento>"
)


def risposta(name: str, content: str) -> str:
    """Return an answer of the classic primitives: the element holds another of the same name, unqualified."""
    return f"<ws:{name}><{name}>{content}</{name}></ws:{name}>"


CCP = {
    "header": f"<h:intestazionePPT>{CHIAVE}</h:intestazionePPT>",
    "verify": "<ws:paaVerificaRPT><identificativoPSP>PSP01</identificativoPSP></ws:paaVerificaRPT>",
    "verify answered": risposta("paaVerificaRPTRisposta", f"<esito>OK</esito>{DATI_PA}"),
    "verify refused": risposta("paaVerificaRPTRisposta", f"{FAULT}<esito>KO</esito>"),
    "activate": (
        "<ws:paaAttivaRPT><identificativoPSP>PSP01</identificativoPSP><datiPagamentoPSP><importoSingoloVersamento>10.00"
        f"</importoSingoloVersamento>{PAGATORE}</datiPagamentoPSP>{CANALE}</ws:paaAttivaRPT>"
    ),
    "activate answered": risposta("paaAttivaRPTRisposta", f"<esito>OK</esito>{DATI_PA}"),
    "another amount": risposta("paaAttivaRPTRisposta", f"{FAULT}<esito>KO</esito>{DATI_PA}"),
    "an empty causale": risposta("paaVerificaRPTRisposta", f"<esito>OK</esito>{DATI_PA}").replace("TARI 2026", ""),
}
CCP_REFUSED = {
    "one element instead of two": f"<ws:paaVerificaRPTRisposta><esito>OK</esito>{DATI_PA}</ws:paaVerificaRPTRisposta>",
    "the inner element qualified": CCP["verify answered"].replace("<paaV", "<ws:paaV").replace("</paaV", "</ws:paaV"),
    "a qualified child": CCP["verify"].replace("identificativoPSP>", "ws:identificativoPSP>"),
    "a block of the RPT unqualified": CCP["verify answered"].replace("p:denominazione", "denominazione"),
    "no esito beside a fault": risposta("paaVerificaRPTRisposta", FAULT),
    "esito before the fault": risposta("paaVerificaRPTRisposta", f"<esito>KO</esito>{FAULT}"),
    "no IBAN": CCP["verify answered"].replace("<ibanAccredito>IT60X0542811101000000123456</ibanAccredito>", ""),
    "one decimal": CCP["activate"].replace("10.00", "10.0"),
    "no channel": CCP["activate"].replace(CANALE, ""),
    "a CCP of 36 characters": CCP["header"].replace("token-1", "x" * 36),
}


@pytest.mark.parametrize("case", CCP)
def test_PaPerNodoPagamentoPsp_takes(case: str) -> None:
    assert errors("PaPerNodoPagamentoPsp", CCP[case]) == []


@pytest.mark.parametrize("case", CCP_REFUSED)
def test_PaPerNodoPagamentoPsp_refuses(case: str) -> None:
    assert errors("PaPerNodoPagamentoPsp", CCP_REFUSED[case]) != []


@pytest.mark.parametrize(
    "message",
    [
        risposta("paaVerificaRPTRisposta", "<esito>OK</esito>"),
        risposta("paaVerificaRPTRisposta", "<esito>KO</esito>"),
        risposta("paaVerificaRPTRisposta", "<esito>forse</esito>"),
        CCP["verify answered"].replace("10.00", "0.00"),
    ],
    ids=["OK without data", "KO without fault", "esito is any text", "an amount of zero"],
)
def test_the_schema_of_PaPerNodoPagamentoPsp_lets_through_what_a_door_must_not(message: str) -> None:
    assert errors("PaPerNodoPagamentoPsp", message) == []


CHI = (
    "<identificativoIntermediarioPA>09876543210</identificativoIntermediarioPA><identificativoStazioneIntermediarioPA>"
    "09876543210_01</identificativoStazioneIntermediarioPA><password>password-1</password>"
)
DOMINIO = "<identificativoDominio>01234567890</identificativoDominio>"
FLUSSO = "<identificativoFlusso>2026-11-20PSP01-0001</identificativoFlusso>"
ELENCO = (
    "<elencoFlussiRendicontazione><totRestituiti>1</totRestituiti><idRendicontazione>"
    f"{FLUSSO}<dataOraFlusso>2026-11-21T10:00:00</dataOraFlusso></idRendicontazione></elencoFlussiRendicontazione>"
)
PENDENTE = (
    f"<rptPendente>{DOMINIO}<identificativoUnivocoVersamento>01000000000000042</identificativoUnivocoVersamento>"
    "<codiceContestoPagamento>token-1</codiceContestoPagamento><stato>RPT_ACCETTATA_PSP</stato></rptPendente>"
)
RENDICONTAZIONE = {
    "list": f"<ws:nodoChiediElencoFlussiRendicontazione>{CHI}</ws:nodoChiediElencoFlussiRendicontazione>",
    "list answered": (
        f"<ws:nodoChiediElencoFlussiRendicontazioneRisposta>{ELENCO}</ws:nodoChiediElencoFlussiRendicontazioneRisposta>"
    ),
    "nothing to list": (
        "<ws:nodoChiediElencoFlussiRendicontazioneRisposta><elencoFlussiRendicontazione><totRestituiti>0</totRestituiti>"
        "</elencoFlussiRendicontazione></ws:nodoChiediElencoFlussiRendicontazioneRisposta>"
    ),
    "flow": f"<ws:nodoChiediFlussoRendicontazione>{CHI}{DOMINIO}{FLUSSO}</ws:nodoChiediFlussoRendicontazione>",
    "flow answered": (
        "<ws:nodoChiediFlussoRendicontazioneRisposta><xmlRendicontazione>PGEvPg==</xmlRendicontazione>"
        "</ws:nodoChiediFlussoRendicontazioneRisposta>"
    ),
    "neither flow nor fault": "<ws:nodoChiediFlussoRendicontazioneRisposta/>",
}
DOMANDE = {
    "pending": (
        f"<ws:nodoChiediListaPendentiRPT>{CHI}<rangeDa>2026-11-20T00:00:00</rangeDa><dimensioneLista>100</dimensioneLista>"
        "</ws:nodoChiediListaPendentiRPT>"
    ),
    "pending answered": (
        "<ws:nodoChiediListaPendentiRPTRisposta><listaRPTPendenti><totRestituiti>1</totRestituiti>"
        f"{PENDENTE}</listaRPTPendenti></ws:nodoChiediListaPendentiRPTRisposta>"
    ),
    "copy": (
        f"<ws:nodoChiediCopiaRT>{CHI}{DOMINIO}<identificativoUnivocoVersamento>01000000000000042"
        "</identificativoUnivocoVersamento><codiceContestoPagamento>token-1</codiceContestoPagamento></ws:nodoChiediCopiaRT>"
    ),
    "copy answered": "<ws:nodoChiediCopiaRTRisposta><rt>PGEvPg==</rt></ws:nodoChiediCopiaRTRisposta>",
    "copy refused": f"<ws:nodoChiediCopiaRTRisposta>{FAULT}</ws:nodoChiediCopiaRTRisposta>",
}


@pytest.mark.parametrize("contract", ["NodoPerPa", "nodeForPa"])
@pytest.mark.parametrize("case", RENDICONTAZIONE)
def test_flows_are_asked_alike_through_either_contract(case: str, contract: str) -> None:
    assert errors(contract, RENDICONTAZIONE[case]) == []


@pytest.mark.parametrize("contract", ["NodoPerPa", "nodeForPa"])
@pytest.mark.parametrize(
    ("case", "old", "new"),
    [
        ("list", "password-1", "corta"),
        ("list", "password-1", "lunga-lunga-lunga"),
        ("flow", FLUSSO, ""),
        ("flow answered", "PGEvPg==", "PGEvPg="),
        ("list answered", "2026-11-21T10:00:00", "2026-11-21"),
    ],
)
def test_a_wrong_question_or_answer_on_flows_is_seen(contract: str, case: str, old: str, new: str) -> None:
    assert errors(contract, RENDICONTAZIONE[case].replace(old, new)) != []


@pytest.mark.parametrize("case", DOMANDE)
def test_NodoPerPa_takes(case: str) -> None:
    assert errors("NodoPerPa", DOMANDE[case]) == []


@pytest.mark.parametrize("size", ["0", "-11", "2.51", "A", ""])
def test_a_pending_list_has_a_size(size: str) -> None:
    assert errors("NodoPerPa", DOMANDE["pending"].replace(">100<", f">{size}<")) != []
