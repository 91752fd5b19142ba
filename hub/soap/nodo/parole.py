"""What the doors that are asked about notices share: the question as it is written, the position as it is answered.

Source: node, 3.1 (verify), 3.2 (get), optional elements never empty (3.0.1), facets of the contract.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from hub.domain.errors_nodo import RispostaTardiva
from hub.domain.posizione import Posizione
from hub.formats.importi import text_from_cent
from hub.formats.testi import clean
from hub.runtime import Runtime
from hub.soap.operation import Call
from hub.usecases.controlli_nodo import Domanda, Pagabile, check_avviso
from hub.usecases.posizione_avviso import build_posizione
from hub.usecases.tassonomia_vigente import tassonomia_di

TESTO_MAX = 140
# A question that waited for longer is answered at once that nothing can be said: with the budget of the ente's archive
# after it, the answer would come near the five seconds that no answer may take.
_ATTESA_MAX_S = 2.0


def posizione_asked(runtime: Runtime, call: Call, request: dict[str, Any]) -> Posizione:
    """Return the position of the notice that a request names.

    Raises: what `check_avviso` and `build_posizione` raise.
    """
    qr_code = request["qrCode"]
    domanda = Domanda(
        intermediario=request["idBrokerPA"],
        stazione=request["idStation"],
        dominio=request["idPA"],
        numero_avviso=qr_code["noticeNumber"],
        intestatario=qr_code["fiscalCode"],
    )
    call.log |= {"dominio": domanda.dominio, "avviso": domanda.numero_avviso}
    return posizione_of(runtime, call, domanda)[1]


def posizione_of(runtime: Runtime, call: Call, domanda: Domanda) -> tuple[Pagabile, Posizione]:
    """Return what a question is about: the dovuti that may be paid, and the position that they make now.

    Raises: what `check_avviso`, `Archivi.ask` and `build_posizione` raise; RispostaTardiva.
    """
    check_tempo(call, domanda.dominio)
    anagrafe = runtime.callers.anagrafe
    blocco = timedelta(seconds=runtime.config.blocco_pagamento_s)
    now = runtime.clock()
    pagabile = check_avviso(runtime.db, anagrafe, domanda, blocco, now)
    attuale, code = runtime.archivi.ask(domanda, pagabile, now)
    if code:
        call.log["archivio"] = code
    return pagabile, build_posizione(pagabile, tassonomia_di(anagrafe), attuale)


def check_tempo(call: Call, dominio: str) -> None:
    """Raises: RispostaTardiva (the question waited for so long that nothing more is looked up for it)."""
    if call.waited_s() > _ATTESA_MAX_S:
        raise RispostaTardiva("richiesta rimasta in coda troppo a lungo", id=dominio)


def descrizione(posizione: Posizione) -> dict[str, Any]:
    """Return the blocks that say what a notice costs: exactly one option, never another amount."""
    opzione = {
        "amount": text_from_cent(posizione.importo_cent),
        "options": "EQ",
        "dueDate": posizione.scadenza,
        "allCCP": posizione.is_tutta_postale,
    }
    return {
        "paymentList": {"paymentOptionDescription": opzione},
        "paymentDescription": clean(posizione.causale, TESTO_MAX),
        "fiscalCodePA": posizione.dominio,
        "companyName": clean(posizione.nome_ente, TESTO_MAX),
        "officeName": clean(posizione.ufficio, TESTO_MAX) or None,
    }
