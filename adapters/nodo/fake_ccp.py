"""The classic model 3 from the node's side: paaVerificaRPT, paaAttivaRPT, and its judgement of the answers.

Source: node, shape of the classic answers (3.0.3), paaVerificaRPT (3.7), paaAttivaRPT (3.8).
"""

from __future__ import annotations

from typing import Any

from adapters.nodo.fake_busta import Risposta, fields, open_answer
from adapters.nodo.fake_pfn import Avviso
from adapters.nodo.fake_psp import Psp
from adapters.nodo.fake_soap import WS_NS, build_with_header
from adapters.nodo.faults_script import ATTIVA, VERIFICA
from hub.domain.delivery import ChiaveRpt
from hub.formats.contratti import compile_wsdl
from hub.formats.importi import cent_from_text, text_from_cent
from hub.formats.resources import resource

PATH = "/ws/fesp/PagamentiTelematiciCCP"


def build_verifica(avviso: Avviso, ccp: str, psp: Psp) -> bytes:
    return _request(VERIFICA, avviso, ccp, fields(identificativoPSP=psp.id))


def build_attiva(avviso: Avviso, ccp: str, psp: Psp, importo_cent: int) -> bytes:
    """Return paaAttivaRPT with the amount that the payer saw."""
    dati = fields(importoSingoloVersamento=text_from_cent(importo_cent))
    inner = (
        fields(identificativoPSP=psp.id)
        + f"<datiPagamentoPSP>{dati}</datiPagamentoPSP>"
        + fields(identificativoIntermediarioPSP=psp.codice_fiscale, identificativoCanalePSP=psp.canale)
    )
    return _request(ATTIVA, avviso, ccp, inner)


def _request(operazione: str, avviso: Avviso, ccp: str, inner: str) -> bytes:
    chiave = ChiaveRpt(avviso.dominio, avviso.iuv, ccp)
    body = f"<ws:{operazione}>{inner}</ws:{operazione}>"
    return build_with_header(avviso.intermediario, avviso.stazione, chiave, body)


class CcpContract:
    """The published contract of PagamentiTelematiciCCP, compiled once."""

    def __init__(self) -> None:
        self.schema = compile_wsdl(resource("wsdl", "PaPerNodoPagamentoPsp.wsdl"))

    def read(self, operazione: str, body: bytes) -> Risposta:
        """Return the hub's answer and what the node thinks of it."""
        name = f"{operazione}Risposta"
        try:
            answer = open_answer(body, f"{{{WS_NS}}}{name}", self.schema).find(name)
        except ValueError as error:
            return Risposta(violazione=str(error))
        esito, fault, dati = answer.findtext("esito"), answer.find("fault"), answer.find("datiPagamentoPA")
        if esito not in ("OK", "KO"):
            return Risposta(violazione="esito diverso da OK e KO")
        if (esito == "KO") != (fault is not None):
            return Risposta(violazione="KO senza fault" if esito == "KO" else "OK con un fault")
        if fault is not None:
            return Risposta("KO", fault.findtext("faultCode") or "", fault.findtext("description") or "", dati=dati)
        if dati is None:
            return Risposta(violazione="OK senza datiPagamentoPA")
        return Risposta("OK", dati=dati)


def importo_cent(dati: Any) -> int:
    """Return the amount of `datiPagamentoPA`."""
    return cent_from_text(dati.findtext("importoSingoloVersamento"))
