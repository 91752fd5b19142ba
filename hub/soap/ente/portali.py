"""Pending notices, open positions and past payments of a citizen. Source: pa-per-ente, 2.10 and 2.11."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from hub.formats.istanti import render_istante
from hub.formats.testi import clean
from hub.runtime import Runtime
from hub.soap.ente.richiesta import body_caller, text
from hub.soap.operation import Call, Operation
from hub.usecases.portali import (
    Cittadino,
    chiedi_avvisi_pendenti,
    chiedi_posizioni_aperte,
    chiedi_storico_pagamenti,
)

# stText100 of the contract holds 35 characters, and an answer must be valid for it: a longer name is cut.
NOME_MAX = 35
_LANDING = "/public/landing/precaricato?id="

TEXTUAL = {
    "paaSILChiediAvvisiPendenti": frozenset({"dateFrom", "dateTo"}),
    "paaSILChiediPosizioniAperte": frozenset({"identificativoUnivocoPersonaFG"}),
    "paaSILChiediStoricoPagamenti": frozenset({"identificativoUnivocoPersonaFG", "dataFrom", "dataTo"}),
    "ctIdentificativoUnivocoPersonaFG": frozenset({"tipoIdentificativoUnivoco", "codiceIdentificativoUnivoco"}),
}


def operations(runtime: Runtime) -> Mapping[str, Operation]:
    service = _Service(runtime)
    return {
        "paaSILChiediAvvisiPendenti": service.avvisi_pendenti,
        "paaSILChiediPosizioniAperte": service.posizioni_aperte,
        "paaSILChiediStoricoPagamenti": service.storico_pagamenti,
    }


class _Service:
    def __init__(self, runtime: Runtime) -> None:
        self._runtime = runtime
        self._parts = (runtime.db, runtime.callers)
        self._ttl = timedelta(seconds=runtime.config.session_ttl_s)
        self._landing = runtime.config.public_url.rstrip("/") + _LANDING

    def avvisi_pendenti(self, call: Call, request: dict[str, Any]) -> dict[str, Any]:
        found = chiedi_avvisi_pendenti(
            *self._parts,
            body_caller(call, request),
            text(request, "dateFrom"),
            text(request, "dateTo"),
            self._runtime.clock(),
        )
        call.log["avvisi"] = len(found)
        return {"paaSILAvvisoPendente": [{"dtCreazioneCodIuv": one.giorno, "dovuti": one.dovuti} for one in found]}

    def posizioni_aperte(self, call: Call, request: dict[str, Any]) -> dict[str, Any]:
        found = chiedi_posizioni_aperte(
            *self._parts,
            body_caller(call, request),
            _cittadino(request),
            correlation_id=call.correlation_id,
            ttl=self._ttl,
            now=self._runtime.clock(),
        )
        call.log["posizioni"] = len(found)
        return {
            "paaSILPosizioniAperte": [
                _ente(one.cod_ipa_ente, one.nome_ente)
                | {"urlPagamento": self._landing + one.id_session, "dovuti": one.dovuti}
                for one in found
            ]
        }

    def storico_pagamenti(self, call: Call, request: dict[str, Any]) -> dict[str, Any]:
        watermark, found = chiedi_storico_pagamenti(
            *self._parts,
            body_caller(call, request),
            _cittadino(request),
            text(request, "dataFrom"),
            text(request, "dataTo"),
            self._runtime.clock(),
        )
        call.log["pagamenti"] = len(found)
        past = [
            _ente(one.cod_ipa_ente, one.nome_ente)
            | {
                "ctPagatiConRicevuta": one.pagati,
                "rt": None if one.rt is None else base64.b64encode(one.rt).decode("ascii"),
            }
            for one in found
        ]
        return {"dateTo": render_istante(watermark), "paaSILStoricoPagamenti": past}


def _cittadino(request: dict[str, Any]) -> Cittadino:
    persona = request.get("identificativoUnivocoPersonaFG") or {}
    return Cittadino(text(persona, "tipoIdentificativoUnivoco"), text(persona, "codiceIdentificativoUnivoco"))


def _ente(cod_ipa_ente: str, nome: str) -> dict[str, Any]:
    return {"codIpaEnte": cod_ipa_ente, "deNomeEnte": clean(nome, NOME_MAX)}
