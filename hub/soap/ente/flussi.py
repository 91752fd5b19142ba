"""Flows: authorise and follow an import, book and follow an export. Source: pa-per-ente, 2.7, 2.8 and 2.9.

Only the handshake is here; the files travel by HTTP, with the tokens that these answers carry. Where the contract
calls an element mandatory that has no value yet, an empty one is sent.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from pathlib import PurePosixPath
from typing import Any
from urllib.parse import quote, urlencode

from hub.domain.flussi import VERSIONE_DEFAULT, GenereExport, TipoFlusso
from hub.formats.gettoni_firmati import Scarico, scarico_token
from hub.formats.istanti import render_istante
from hub.runtime import Runtime
from hub.soap.ente.richiesta import flag, header_caller, text
from hub.soap.operation import Call, Operation
from hub.usecases.autorizza_import_flusso import autorizza_import_flusso
from hub.usecases.chiedi_stato_flusso import StatoExportFlusso, chiedi_stato_export, chiedi_stato_import
from hub.usecases.prenota_export_flusso import (
    RichiestaExport,
    RichiestaIncrementale,
    prenota_export_flusso,
    prenota_export_incrementale,
    prenota_export_scaduti,
)

# A leftover of the file box that came before this service; clients echo it, nobody reads it.
IMPORT_PATH = "/IMPORT"
_MYBOX = "/public/mybox"

# What the contract types as mandatory date or short text and the original answers with a code of its own: it is read
# as text, so that the caller learns the code of the table (and only after having shown who it is).
TEXTUAL = {
    "paaSILChiediStatoImportFlusso": frozenset({"requestToken"}),
    "paaSILPrenotaExportFlusso": frozenset({"dateFrom", "dateTo", "identificativoTipoDovuto", "versioneTracciato"}),
    "paaSILPrenotaExportFlussoIncrementaleConRicevuta": frozenset(
        {"dateFrom", "dateTo", "identificativoTipoDovuto", "versioneTracciato"}
    ),
    "paaSILPrenotaExportFlussoScaduti": frozenset({"dataScadenza", "tipiDovuto"}),
    "paaSILChiediStatoExportFlusso": frozenset({"requestToken"}),
    "paaSILChiediStatoExportFlussoScaduti": frozenset({"requestToken"}),
}


def operations(runtime: Runtime) -> Mapping[str, Operation]:
    service = _Service(runtime)
    return {
        "paaSILAutorizzaImportFlusso": service.autorizza_import,
        "paaSILChiediStatoImportFlusso": service.stato_import,
        "paaSILPrenotaExportFlusso": service.prenota_export,
        "paaSILPrenotaExportFlussoIncrementaleConRicevuta": service.prenota_incrementale,
        "paaSILPrenotaExportFlussoScaduti": service.prenota_scaduti,
        "paaSILChiediStatoExportFlusso": service.stato_export,
        "paaSILChiediStatoExportFlussoScaduti": service.stato_scaduti,
    }


class _Service:
    def __init__(self, runtime: Runtime) -> None:
        self._runtime = runtime
        self._parts = (runtime.db, runtime.callers)
        self._secret = runtime.config.secret_key
        self._mybox = runtime.config.public_url.rstrip("/") + _MYBOX

    def autorizza_import(self, call: Call, request: dict[str, Any]) -> dict[str, Any]:
        found = autorizza_import_flusso(
            *self._parts, header_caller(call, request), self._secret, self._runtime.clock()
        )
        call.log["request_token"] = found.request_token
        return {
            "uploadUrl": f"{self._mybox}/uploadFlusso",
            "authorizationToken": found.authorization_token,
            "requestToken": found.request_token,
            "importPath": IMPORT_PATH,
        }

    def stato_import(self, call: Call, request: dict[str, Any]) -> dict[str, Any]:
        now = self._runtime.clock()
        found = chiedi_stato_import(*self._parts, header_caller(call, request), text(request, "requestToken"), now)
        fatto = found.fatto
        call.log |= {
            "stato": found.stato,
            "righe": fatto.righe,
            "scartate": fatto.scartate,
            "righe_al_secondo": fatto.righe_al_secondo,
            "rimasti_s": fatto.rimasti_s,
        }
        answer: dict[str, Any] = {"stato": found.stato}
        wanted = {
            "urlFileScarti": ("fileScarti", found.file_scarti),
            "urlFileIUV": ("fileIUV", found.file_iuv),
            "urlFileAvvisi": ("fileAvvisi", found.file_avvisi),
        }
        for name, (asked, file) in wanted.items():
            if file and flag(request, asked):
                answer[name] = self._link(TipoFlusso.FLUSSI_IMPORT, found.cod_ipa_ente, file, now)
        return answer

    def prenota_export(self, call: Call, request: dict[str, Any]) -> dict[str, Any]:
        richiesta = RichiestaExport(
            date_from=text(request, "dateFrom"),
            date_to=text(request, "dateTo"),
            tipo=text(request, "identificativoTipoDovuto"),
            versione=text(request, "versioneTracciato") or VERSIONE_DEFAULT,
        )
        caller = header_caller(call, request)
        return {"requestToken": prenota_export_flusso(*self._parts, caller, richiesta, self._runtime.clock())}

    def prenota_incrementale(self, call: Call, request: dict[str, Any]) -> dict[str, Any]:
        richiesta = RichiestaIncrementale(
            date_from=text(request, "dateFrom"),
            date_to=text(request, "dateTo"),
            tipo=text(request, "identificativoTipoDovuto"),
            versione=text(request, "versioneTracciato") or VERSIONE_DEFAULT,
            ricevuta=flag(request, "ricevuta"),
            incrementale=flag(request, "incrementale"),
            password_mypivot=text(request, "passwordMypivot"),
        )
        token, watermark = prenota_export_incrementale(
            *self._parts, header_caller(call, request), richiesta, self._runtime.clock()
        )
        return {"requestToken": token, "dateTo": render_istante(watermark)}

    def prenota_scaduti(self, call: Call, request: dict[str, Any]) -> dict[str, Any]:
        token = prenota_export_scaduti(
            *self._parts,
            header_caller(call, request),
            text(request, "dataScadenza"),
            text(request, "tipiDovuto"),
            self._runtime.clock(),
        )
        return {"requestToken": token}

    def stato_export(self, call: Call, request: dict[str, Any]) -> dict[str, Any]:
        found, url = self._stato(GenereExport.PAGATI, TipoFlusso.FLUSSI_EXPORT, call, request)
        return {"stato": found.stato, "downloadUrl": url}

    def stato_scaduti(self, call: Call, request: dict[str, Any]) -> dict[str, Any]:
        found, url = self._stato(GenereExport.SCADUTI, TipoFlusso.FLUSSI_EXPORT_SCADUTI, call, request)
        path = found.file or ""
        return {"stato": found.stato, "nomeFile": PurePosixPath(path).name, "downloadUrl": url, "pathFile": path}

    def _stato(
        self, genere: GenereExport, tipo: TipoFlusso, call: Call, request: dict[str, Any]
    ) -> tuple[StatoExportFlusso, str]:
        """Return how a booking stands and where its file is, empty when there is none."""
        now = self._runtime.clock()
        caller = header_caller(call, request)
        found = chiedi_stato_export(*self._parts, caller, genere, text(request, "requestToken"), now)
        return found, self._link(tipo, found.cod_ipa_ente, found.file, now) if found.file else ""

    def _link(self, tipo: TipoFlusso, cod_ipa_ente: str, file: str, now: datetime) -> str:
        """Return the address of one file, good for two hours. Source: flows, 1.5 (shape of the address)."""
        token = scarico_token(self._secret, Scarico(tipo, cod_ipa_ente, file), now)
        query = urlencode({"type": str(tipo), "filename": file, "securityToken": token}, quote_via=quote, safe="/")
        return f"{self._mybox}/download/{quote(cod_ipa_ente, safe='')}?{query}"
