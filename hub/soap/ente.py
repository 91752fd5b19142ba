"""The management software's service: pa-per-ente, written to said and back.

Source: pa-per-ente, operations. What is not built yet answers PAA_SYSTEM_ERROR with a plain sentence.
"""

from __future__ import annotations

import base64
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from hub.domain.errors import RichiestaNonEseguibile
from hub.runtime import Runtime
from hub.soap.contract import Contract
from hub.soap.operation import Call, Operation
from hub.usecases.chiedi_pagati import Esito, chiedi_pagati, chiedi_pagati_con_ricevuta
from hub.usecases.invia_dovuti import RichiestaInviaDovuti, invia_dovuti

PATH = "/ws/pa/PagamentiTelematiciDovutiPagati"

# Published facets that the original never required of a message, and that working clients break: SHORT, the default
# of stShowMyPay, is longer than its own maxLength of 4; secrets longer than 15 characters are in use, and a password
# of any other length is a wrong password (PAA_ENTE_NON_VALIDO), not a broken message.
# Source: pa-per-ente, authentication (1.4) and paaSILInviaDovuti (2.1).
RELAXED = {"stShowMyPay": frozenset({"maxLength"}), "stPassword": frozenset({"minLength", "maxLength"})}


def build_operations(runtime: Runtime, contract: Contract) -> Mapping[str, Operation]:
    """Return every operation of the contract by name."""
    service = _Service(runtime)
    built: dict[str, Operation] = {
        "paaSILInviaDovuti": service.invia_dovuti,
        "paaSILChiediPagati": service.chiedi_pagati,
        "paaSILChiediPagatiConRicevuta": service.chiedi_pagati_con_ricevuta,
    }
    return {verb.name: built.get(verb.name, _not_built) for verb in contract.by_request.values()}


def _not_built(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    raise RichiestaNonEseguibile(
        f"operazione {call.operation} non ancora disponibile",
        f"{call.operation} fa parte del contratto ma questa versione dell'hub non la esegue: nulla è stato registrato",
    )


class _Service:
    def __init__(self, runtime: Runtime) -> None:
        self._runtime = runtime
        self._ttl = timedelta(seconds=runtime.config.session_ttl_s)
        self._grace = timedelta(seconds=runtime.config.session_grace_s)
        self._page = runtime.config.public_url.rstrip("/") + "/paga/"

    def invia_dovuti(self, call: Call, request: dict[str, Any]) -> dict[str, Any]:
        richiesta = RichiestaInviaDovuti(
            cod_ipa_ente=(call.header or {}).get("codIpaEnte"),
            password=request.get("password"),
            dovuti=request["dovuti"],
            url_esito=request.get("enteSILInviaRispostaPagamentoUrl"),
            show_mypay=request.get("showMyPay"),
        )
        call.log["ente"] = richiesta.cod_ipa_ente
        id_session = invia_dovuti(
            self._runtime.db,
            self._runtime.callers,
            richiesta,
            source=call.source_ip,
            correlation_id=call.correlation_id,
            ttl=self._ttl,
            now=self._runtime.clock(),
        )
        call.log["id_session"] = id_session
        return {"esito": "OK", "idSession": id_session, "redirect": 1, "url": self._page + id_session}

    def chiedi_pagati(self, call: Call, request: dict[str, Any]) -> dict[str, Any]:
        call.log["ente"] = request.get("codIpaEnte")
        esito = chiedi_pagati(
            self._runtime.db,
            self._runtime.callers,
            request.get("codIpaEnte"),
            request.get("password"),
            (request.get("idSession") or "").strip(),
            source=call.source_ip,
            grace=self._grace,
            now=self._runtime.clock(),
        )
        return {"pagati": esito.pagati}

    def chiedi_pagati_con_ricevuta(self, call: Call, request: dict[str, Any]) -> dict[str, Any]:
        call.log["ente"] = request.get("codIpaEnte")
        esito = chiedi_pagati_con_ricevuta(
            self._runtime.db,
            self._runtime.callers,
            request.get("codIpaEnte"),
            request.get("password"),
            id_session=_key(request, "idSession"),
            iuv=_key(request, "identificativoUnivocoVersamento"),
            iud=_key(request, "identificativoUnivocoDovuto"),
            source=call.source_ip,
            grace=self._grace,
            now=self._runtime.clock(),
        )
        return _con_ricevuta(esito)


def _key(request: dict[str, Any], name: str) -> str | None:
    return (request.get(name) or "").strip() or None


def _con_ricevuta(esito: Esito) -> dict[str, Any]:
    answer = {"pagati": esito.pagati}
    if esito.rt is not None:
        answer["rt"] = base64.b64encode(esito.rt).decode("ascii")
    return answer
