"""The door `PagamentiTelematiciCCP`, classic model 3: paaVerificaRPT and paaAttivaRPT.

Source: node, 3.7 and 3.8, shape of the classic answers (3.0.3): one child of the same name holds fault, esito, data.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from hub.domain.documenti import Soggetto
from hub.domain.errors_nodo import RichiestaNonValida
from hub.domain.posizione import Posizione
from hub.formats.importi import cent_from_text, text_from_cent
from hub.formats.nodo_messaggi import Psp
from hub.formats.testi import clean
from hub.runtime import Runtime
from hub.soap.contract import Contract
from hub.soap.nodo.parole import TESTO_MAX, posizione_of
from hub.soap.operation import Call, Operation
from hub.usecases.attiva_rpt import AttivazioneCcp, attiva_rpt, check_classica
from hub.usecases.controlli_nodo import Domanda

PATH = "/ws/fesp/PagamentiTelematiciCCP"
_INTESTAZIONE = (
    "identificativoIntermediarioPA",
    "identificativoStazioneIntermediarioPA",
    "identificativoDominio",
    "identificativoUnivocoVersamento",
    "codiceContestoPagamento",
)


def build_operations(runtime: Runtime, contract: Contract) -> Mapping[str, Operation]:
    """Return every operation of the contract by name."""

    def verifica(call: Call, request: dict[str, Any]) -> dict[str, Any]:
        domanda = _asked(call, request)
        _, posizione = posizione_of(runtime, call, domanda)
        check_classica(posizione)
        return {"paaVerificaRPTRisposta": {"esito": "OK", "datiPagamentoPA": _dati(posizione)}}

    def attiva(call: Call, request: dict[str, Any]) -> dict[str, Any]:
        domanda = _asked(call, request)
        pagabile, posizione = posizione_of(runtime, call, domanda)
        blocco = timedelta(seconds=runtime.config.blocco_pagamento_s)

        def announce(right: Posizione) -> None:
            call.announced["datiPagamentoPA"] = _dati(right)

        attiva_rpt(
            runtime.db,
            domanda,
            pagabile,
            posizione,
            _attivazione(request, str(domanda.ccp)),
            announce,
            blocco,
            call.correlation_id,
            runtime.clock(),
        )
        return {"paaAttivaRPTRisposta": {"esito": "OK", "datiPagamentoPA": _dati(posizione)}}

    return {"paaVerificaRPT": verifica, "paaAttivaRPT": attiva}


def _asked(call: Call, request: dict[str, Any]) -> Domanda:
    """Return what the header asks about. Raises: RichiestaNonValida."""
    header = call.header or {}
    missing = [name for name in _INTESTAZIONE if not header.get(name)]
    if missing:
        dominio = header.get("identificativoDominio")
        raise RichiestaNonValida("intestazionePPT assente o incompleta", f"manca {missing[0]}", id=dominio)
    intermediario, stazione, dominio, iuv, ccp = (header[name] for name in _INTESTAZIONE)
    call.log |= {"dominio": dominio, "iuv": iuv, "ccp": ccp}
    psp = request["identificativoPSP"]
    return Domanda(intermediario, stazione, dominio, iuv=iuv, ccp=ccp, psp=psp)


def _attivazione(request: dict[str, Any], ccp: str) -> AttivazioneCcp:
    dati = request["datiPagamentoPSP"]
    versante = dati.get("soggettoVersante")
    return AttivazioneCcp(
        ccp=ccp,
        psp=Psp(
            request["identificativoPSP"],
            request["identificativoIntermediarioPSP"],
            request["identificativoCanalePSP"],
        ),
        importo_cent=cent_from_text(dati["importoSingoloVersamento"]),
        versante=None if versante is None else _soggetto(versante, "Versante"),
        dati=dati,
    )


def _soggetto(values: dict[str, Any], ruolo: str) -> Soggetto:
    identificativo = values[f"identificativoUnivoco{ruolo}"]
    names = ("indirizzo", "civico", "cap", "localita", "provincia", "nazione")
    return Soggetto(
        tipo=identificativo["tipoIdentificativoUnivoco"],
        codice=identificativo["codiceIdentificativoUnivoco"],
        anagrafica=values[f"anagrafica{ruolo}"],
        email=values.get(f"e-mail{ruolo}"),
        **{name: values.get(f"{name}{ruolo}") for name in names},
    )


def _dati(posizione: Posizione) -> dict[str, Any]:
    """Return what is to be paid: one amount, one account."""
    (line,) = posizione.trasferimenti
    beneficiario = {
        "identificativoUnivocoBeneficiario": {
            "tipoIdentificativoUnivoco": "G",
            "codiceIdentificativoUnivoco": posizione.dominio,
        },
        "denominazioneBeneficiario": clean(posizione.nome_ente, 70),
    }
    return {
        "importoSingoloVersamento": text_from_cent(posizione.importo_cent),
        "ibanAccredito": line.iban,
        "enteBeneficiario": beneficiario,
        "causaleVersamento": clean(posizione.causale, TESTO_MAX),
    }
