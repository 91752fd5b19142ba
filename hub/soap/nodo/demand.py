"""paDemandPaymentNotice: a notice made for whoever asks for it at a PSP. Source: node, 3.6."""

from __future__ import annotations

from typing import Any

from hub.runtime import Runtime
from hub.soap.nodo.parole import check_tempo, descrizione, posizione_of
from hub.soap.operation import Call, Operation
from hub.usecases.avviso_a_richiesta import RichiestaAvviso, avviso_a_richiesta
from hub.usecases.controlli_nodo import Domanda


def build(runtime: Runtime) -> Operation:
    def demand(call: Call, request: dict[str, Any]) -> dict[str, Any]:
        intermediario, stazione, dominio = (request[name] for name in ("idBrokerPA", "idStation", "idPA"))
        call.log |= {"dominio": dominio, "servizio": request["idServizio"]}
        check_tempo(call, dominio)
        richiesta = RichiestaAvviso(
            request["idServizio"], request["idSoggettoServizio"], request["datiSpecificiServizioRequest"]
        )
        asked = Domanda(intermediario, stazione, dominio)
        anagrafe = runtime.callers.anagrafe
        numero = avviso_a_richiesta(runtime.db, anagrafe, runtime.iuv, asked, richiesta, runtime.clock())
        call.log["avviso"] = numero
        notice = Domanda(intermediario, stazione, dominio, numero_avviso=numero, intestatario=dominio)
        _, posizione = posizione_of(runtime, call, notice)
        qr_code = {"fiscalCode": posizione.dominio, "noticeNumber": numero}
        return {"outcome": "OK", "qrCode": qr_code} | descrizione(posizione)

    return demand
