"""What the classic contracts take and refuse: the questions that the hub asks the node.

Source: node, 2.4 to 2.7 (questions).
"""

from __future__ import annotations

import pytest

from tests.contracts.messaggi import FAULT, errors

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


@pytest.mark.parametrize("contract", ["NodoPerPa"])
@pytest.mark.parametrize("case", RENDICONTAZIONE)
def test_flows_are_asked(case: str, contract: str) -> None:
    assert errors(contract, RENDICONTAZIONE[case]) == []


@pytest.mark.parametrize("contract", ["NodoPerPa"])
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
