"""Stored dovuti: keep one, record that it was paid elsewhere. Source: pa-per-ente, 2.5 and 2.6."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any
from urllib.parse import urlencode

from hub.domain.documenti import Organizzazione
from hub.domain.errors import RichiestaNonEseguibile
from hub.formats.gettoni_firmati import avviso_token
from hub.formats.importi import cent_from_tolerant_text
from hub.runtime import Runtime
from hub.soap.ente.richiesta import body_caller, flag, header_caller, text
from hub.soap.operation import Call, Operation
from hub.usecases.avviso_dovuto import PERCORSO
from hub.usecases.importa_dovuto import ImportaDovuto, RichiestaImportaDovuto
from hub.usecases.registra_pagamento import PagamentoEsterno, registra_pagamento


def operations(runtime: Runtime) -> Mapping[str, Operation]:
    service = _Service(runtime)
    return {
        "paaSILImportaDovuto": service.importa_dovuto,
        "paaSILRegistraPagamento": service.registra_pagamento,
    }


class _Service:
    def __init__(self, runtime: Runtime) -> None:
        self._runtime = runtime
        config = runtime.config
        self._importa = ImportaDovuto(
            runtime.db, runtime.callers, runtime.iuv, config.iuv_quindici_fino_al, config.modelli_dir
        )
        self._avviso = runtime.config.public_url.rstrip("/") + PERCORSO

    def importa_dovuto(self, call: Call, request: dict[str, Any]) -> dict[str, Any]:
        secondari = request.get("listaDovutiEntiSecondari", {}).get("elementoListaDovutiEntiSecondari", [])
        richiesta = RichiestaImportaDovuto(
            dovuto=request["dovuto"],
            genera_iuv=flag(request, "flagGeneraIuv"),
            secondari=tuple(item.get("dovutiEntiSecondari", "") for item in secondari),
        )

        def announce(iuv: str) -> None:
            call.announced["identificativoUnivocoVersamento"] = iuv

        now = self._runtime.clock()
        esito = self._importa(header_caller(call, request), richiesta, announce, now)
        call.log |= {"azione": esito.azione, "iud": esito.iud}
        answer: dict[str, Any] = {"esito": "OK", "identificativoUnivocoVersamento": esito.iuv}
        if esito.avviso_id is not None:
            token = avviso_token(self._runtime.config.secret_key, esito.avviso_id, now)
            answer["urlFileAvviso"] = f"{self._avviso}?{urlencode({'id': esito.avviso_id, 'securityToken': token})}"
        if esito.zip is not None:
            answer["base64ZipAvviso"] = esito.zip
        return answer

    def registra_pagamento(self, call: Call, request: dict[str, Any]) -> dict[str, Any]:
        pagamento = PagamentoEsterno(
            iuv=text(request, "identificativoUnivocoVersamento") or "",
            importo_cent=_cent(request["singoloImportoPagato"]),
            data_esito=_day(request["dataEsitoSingoloPagamento"]),
            iur=text(request, "identificativoUnivocoRiscossione") or "",
            attestante=Organizzazione(
                tipo=request["tipoIstitutoAttestante"],
                codice=request["codiceIstitutiAttestante"],
                denominazione=request["denominazioneAttestante"],
            ),
            ccp=text(request, "codiceContestoPagamento"),
        )
        registra_pagamento(
            self._runtime.db, self._runtime.callers, body_caller(call, request), pagamento, self._runtime.clock()
        )
        call.log["iuv"] = pagamento.iuv
        return {"esito": "OK"}


def _cent(written: str) -> int:
    """Read an amount that the contract has admitted. Raises: RichiestaNonEseguibile (zeros without end)."""
    try:
        return cent_from_tolerant_text(written)
    except ValueError as error:
        raise RichiestaNonEseguibile("singoloImportoPagato non leggibile") from error


def _day(written: str) -> date:
    """Read an xsd:date, its offset left aside. Raises: RichiestaNonEseguibile (a year beyond 9999)."""
    try:
        return date.fromisoformat(written[:10])
    except ValueError as error:
        raise RichiestaNonEseguibile("dataEsitoSingoloPagamento non leggibile") from error
