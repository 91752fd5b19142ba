"""Payments that start at the ente, and their outcome. Source: pa-per-ente, 2.1 to 2.4."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from hub.runtime import Runtime
from hub.soap.ente.richiesta import body_caller, header_caller, text
from hub.soap.operation import Call, Operation
from hub.usecases.chiedi_pagati import Esito, chiedi_pagati, chiedi_pagati_con_ricevuta
from hub.usecases.esito_carrello import EsitoCarrello, chiedi_esito_carrello
from hub.usecases.invia_carrello import Elemento, RichiestaCarrello, invia_carrello
from hub.usecases.invia_dovuti import RichiestaInviaDovuti, invia_dovuti
from hub.usecases.open_sessione import Apertura
from hub.usecases.verifica_avviso import verifica_avviso


def operations(runtime: Runtime) -> Mapping[str, Operation]:
    service = _Service(runtime)
    return {
        "paaSILInviaDovuti": service.invia_dovuti,
        "paaSILInviaCarrelloDovuti": service.invia_carrello,
        "paaSILVerificaAvviso": service.verifica_avviso,
        "paaSILChiediEsitoCarrelloDovuti": service.chiedi_esito_carrello,
        "paaSILChiediPagati": service.chiedi_pagati,
        "paaSILChiediPagatiConRicevuta": service.chiedi_pagati_con_ricevuta,
    }


class _Service:
    def __init__(self, runtime: Runtime) -> None:
        self._runtime = runtime
        self._ttl = timedelta(seconds=runtime.config.session_ttl_s)
        self._grace = timedelta(seconds=runtime.config.session_grace_s)
        self._page = runtime.config.public_url.rstrip("/") + "/paga/"

    def _apertura(self, call: Call, request: dict[str, Any]) -> Apertura:
        url_esito = request.get("enteSILInviaRispostaPagamentoUrl")
        return Apertura(url_esito, call.correlation_id, self._ttl, self._runtime.clock())

    def _opened(self, call: Call, name: str, id_session: str) -> dict[str, Any]:
        """The answer that sends the payer to the page of a session."""
        call.log["id_session"] = id_session
        return {"esito": "OK", name: id_session, "redirect": 1, "url": self._page + id_session}

    def invia_dovuti(self, call: Call, request: dict[str, Any]) -> dict[str, Any]:
        richiesta = RichiestaInviaDovuti(
            dovuti=request["dovuti"],
            url_esito=request.get("enteSILInviaRispostaPagamentoUrl"),
            show_mypay=request.get("showMyPay"),
        )
        id_session = invia_dovuti(
            self._runtime.db,
            self._runtime.callers,
            header_caller(call, request),
            richiesta,
            correlation_id=call.correlation_id,
            ttl=self._ttl,
            now=self._runtime.clock(),
        )
        return self._opened(call, "idSession", id_session)

    def invia_carrello(self, call: Call, request: dict[str, Any]) -> dict[str, Any]:
        secondari = request.get("listaDovutiEntiSecondari") or {}
        richiesta = RichiestaCarrello(
            elementi=[
                Elemento(elemento["codIpaEnte"], elemento["password"], elemento["dovuti"])
                for elemento in request["listaDovuti"]["elementoListaDovuti"]
            ],
            secondari=[one["dovutiEntiSecondari"] for one in secondari.get("elementoListaDovutiEntiSecondari", ())],
        )
        id_session = invia_carrello(
            self._runtime.db,
            self._runtime.callers,
            self._runtime.cassaforte,
            header_caller(call, request),
            richiesta,
            self._apertura(call, request),
        )
        return self._opened(call, "idSessionCarrello", id_session)

    def verifica_avviso(self, call: Call, request: dict[str, Any]) -> dict[str, Any]:
        id_session = verifica_avviso(
            self._runtime.db,
            self._runtime.callers,
            header_caller(call, request),
            text(request, "identificativoUnivocoVersamento") or "",
            self._apertura(call, request),
        )
        return self._opened(call, "idSession", id_session)

    def chiedi_esito_carrello(self, call: Call, request: dict[str, Any]) -> dict[str, Any]:
        esiti = chiedi_esito_carrello(
            self._runtime.db,
            self._runtime.callers,
            body_caller(call, request),
            text(request, "idSessionCarrello") or "",
            grace=self._grace,
            now=self._runtime.clock(),
        )
        return {"listaCarrelli": {"rispostaCarrello": [_carrello(esito) for esito in esiti]}}

    def chiedi_pagati(self, call: Call, request: dict[str, Any]) -> dict[str, Any]:
        esito = chiedi_pagati(
            self._runtime.db,
            self._runtime.callers,
            body_caller(call, request),
            text(request, "idSession") or "",
            grace=self._grace,
            now=self._runtime.clock(),
        )
        return {"pagati": esito.pagati}

    def chiedi_pagati_con_ricevuta(self, call: Call, request: dict[str, Any]) -> dict[str, Any]:
        esito = chiedi_pagati_con_ricevuta(
            self._runtime.db,
            self._runtime.callers,
            body_caller(call, request),
            id_session=text(request, "idSession"),
            iuv=text(request, "identificativoUnivocoVersamento"),
            iud=text(request, "identificativoUnivocoDovuto"),
            grace=self._grace,
            now=self._runtime.clock(),
        )
        return _con_ricevuta(esito)


def _carrello(esito: EsitoCarrello) -> dict[str, Any]:
    answer = {
        "esito": esito.esito,
        "codIpaEnte": esito.cod_ipa_ente,
        "codIdentificativoUnivocoCarrello": esito.id,
    }
    return answer if esito.documento is None else answer | _con_ricevuta(esito.documento)


def _con_ricevuta(esito: Esito) -> dict[str, Any]:
    answer = {"pagati": esito.pagati}
    if esito.rt is not None:
        answer["rt"] = base64.b64encode(esito.rt).decode("ascii")
    return answer
