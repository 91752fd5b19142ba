"""Stored dovuti: keep one. Source: pa-per-ente, 2.5."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

from hub.formats.gettoni_firmati import avviso_token
from hub.runtime import Runtime
from hub.soap.ente.richiesta import flag, header_caller
from hub.soap.operation import Call, Operation
from hub.usecases.avviso_dovuto import PERCORSO
from hub.usecases.importa_dovuto import ImportaDovuto, RichiestaImportaDovuto


def operations(runtime: Runtime) -> Mapping[str, Operation]:
    service = _Service(runtime)
    return {
        "paaSILImportaDovuto": service.importa_dovuto,
    }


class _Service:
    def __init__(self, runtime: Runtime) -> None:
        self._runtime = runtime
        self._importa = ImportaDovuto(runtime.db, runtime.callers, runtime.iuv, runtime.config.iuv_15_fino_al)
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
