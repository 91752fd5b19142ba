"""The simulated node's settlement flows: asked for over SOAP and REST, made on request or of what was paid here.

HTTP: POST /nodo-auth/node-for-pa/v1 (the two SOAP operations); GET /fdr-org/service/v1/organizations/... (REST);
GET and POST /api/fdr (a flow as the test wants it, keys); POST /api/fdr/produci (of what was paid).
Source: node, 2.6, 2.7, 2.12; order of the checks, 2.0.3; paths, 1.4.
"""

from __future__ import annotations

import base64
import json
import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime
from typing import Any
from xml.sax.saxutils import escape

from werkzeug.exceptions import MethodNotAllowed, NotFound
from werkzeug.wrappers import Request, Response

from adapters.nodo.fake_node import Node
from adapters.nodo.fake_soap import (
    ENVELOPE_NS,
    WS_NS,
    Fault,
    Richiesta,
    Rifiuto,
    render_soap_fault,
)
from adapters.nodo.fake_wire import XML, break_connection, json_response, soap_response, spoiled
from adapters.nodo.faults_script import (
    CHIEDI_ELENCO_FLUSSI,
    CHIEDI_FLUSSO,
    FDR_ELENCO,
    FDR_FLUSSO,
    FDR_PAGAMENTI,
    FaultRule,
    FaultScript,
    Kind,
)
from adapters.nodo.fdr_prodotti import (
    Difetto,
    FlussoProdotto,
    Pagamento,
    nome_flusso,
    pagina_di,
    render_pagamenti,
    render_testata,
    render_xml,
)
from adapters.nodo.fdr_richieste import RichiestaNonValida, read_richiesta
from adapters.nodo.ledger_fdr import FlussoDuplicato, LedgerFdr
from hub.formats.contratti import compile_wsdl
from hub.formats.istanti import giorno_di, read_istante
from hub.formats.resources import resource
from hub.formats.xml import XmlNonValido, parse

SOAP = "/nodo-auth/node-for-pa/v1"
REST = "/fdr-org/service/v1"
API = "/api/fdr"
# Base64 of a multiple of three bytes has no padding, so that pieces follow each other.
_PEZZO = 48 * 1024
_ONE = re.compile(
    r"/organizations/([^/]{1,35})/fdrs(?:/([^/]{1,64})/revisions/(\d{1,9})/psps/([^/]{1,35})(/payments)?)?"
)
# Payments that nobody has settled: dominio, PSP, payment.
Pagati = Callable[[], Iterable[tuple[str, str, Pagamento]]]


class FdrDoor:
    """Everything about settlement flows. `pagati` gives what was paid here so far."""

    def __init__(
        self, node: Node, ledger: LedgerFdr, faults: FaultScript, clock: Callable[[], datetime], pagati: Pagati
    ) -> None:
        self.ledger = ledger
        # Keys that are let in; none: any.
        self.chiavi: frozenset[str] = frozenset()
        self._node, self._faults, self._clock, self._pagati = node, faults, clock, pagati
        self._schema = compile_wsdl(resource("wsdl", "NodoPerPa.wsdl"))

    @staticmethod
    def has(path: str) -> bool:
        """Whether a path is one of these."""
        return path.startswith((SOAP, REST, API))

    def answer(self, request: Request) -> Response:
        """Raises: NotFound, MethodNotAllowed."""
        path = request.path.rstrip("/")
        if path == SOAP and request.method == "POST":
            return self._soap(request)
        if path.startswith(REST) and request.method == "GET":
            return self._rest(request, path.removeprefix(REST))
        if path == API and request.method == "GET":
            return json_response(self.ledger.as_json())
        if path == API and request.method == "POST":
            return self._order(request)
        if path == f"{API}/produci" and request.method == "POST":
            return json_response({"flussi": [flusso.iuf for flusso in self.produci()]}, 201)
        if path in (SOAP, API, f"{API}/produci") or path.startswith(REST):
            raise MethodNotAllowed()
        raise NotFound(f"percorso sconosciuto: {request.path}")

    # Over SOAP.

    def _soap(self, request: Request) -> Response:
        try:
            envelope = parse(request.get_data(cache=False))
        except XmlNonValido as error:
            return soap_response(render_soap_fault(f"XML non leggibile: {error.reason}"), 500)
        payload = envelope.find(f"{{{ENVELOPE_NS}}}Body/*")
        operation = "" if payload is None else str(payload.tag).rpartition("}")[2]
        if payload is None or operation not in (CHIEDI_ELENCO_FLUSSI, CHIEDI_FLUSSO):
            return soap_response(render_soap_fault("operazione sconosciuta"), 500)
        dominio, iuf = payload.findtext("identificativoDominio"), payload.findtext("identificativoFlusso") or ""
        fault = self._faults.next(operation)
        if fault is not None and fault.kind in (Kind.LOST_BEFORE, Kind.REFUSE_CONNECTION):
            self.ledger.note(operation, dominio or "", iuf, "", fault.label, self._clock())
            return break_connection(request, reset=True)
        code, response = self._soap_answer(operation, payload, dominio, iuf, fault)
        self.ledger.note(operation, dominio or "", iuf, code, fault.label if fault else "", self._clock())
        return spoiled(request, response, fault)

    def _soap_answer(
        self, operation: str, payload: Any, dominio: str | None, iuf: str, fault: FaultRule | None
    ) -> tuple[str, Response]:
        scripted = _scripted(fault)
        if scripted is not None:
            return scripted
        if fault is not None and fault.kind is Kind.SOAP_FAULT:
            return "SOAP_FAULT", soap_response(render_soap_fault("errore interno"), 500)
        try:
            if fault is not None and fault.kind is Kind.FAULT:
                raise Rifiuto(Fault(fault.code, "guasto richiesto al simulatore"))
            self._check(operation, payload, dominio)
            if operation == CHIEDI_ELENCO_FLUSSI:
                psp = payload.findtext("identificativoPSP")
                listed = [one for one in self.ledger.elenco(dominio, self._clock()) if not psp or one.psp == psp]
                return "OK", _soap_response(operation, [_elenco_xml(listed)])
            flusso = self.ledger.find(dominio, iuf, self._clock(), payload.findtext("identificativoPSP"))
            if flusso is None:
                raise Rifiuto(Fault("PPT_ID_FLUSSO_SCONOSCIUTO", f"flusso {iuf} sconosciuto"))
            if Difetto.SENZA_DOCUMENTO in flusso.difetti:
                return "OK", _soap_response(operation, [b""])
            return "OK", _soap_response(operation, _documento(flusso))
        except Rifiuto as refusal:
            return refusal.faults[0].code, _soap_response(operation, [_fault_xml(refusal.faults[0])])

    def _check(self, operation: str, payload: Any, dominio: str | None) -> None:
        """Raises: Rifiuto."""
        problems = self._schema.check(payload)
        if problems:
            raise Rifiuto(Fault("PPT_SINTASSI_EXTRAXSD", "; ".join(str(error) for error in problems[:3])))
        richiesta = Richiesta(
            operation,
            payload.findtext("identificativoIntermediarioPA"),
            payload.findtext("identificativoStazioneIntermediarioPA"),
            payload.findtext("password"),
        )
        self._node.check_caller(richiesta, [dominio] if dominio else [])

    # Over REST.

    def _rest(self, request: Request, path: str) -> Response:
        match = _ONE.fullmatch(path)
        if match is None:
            return _error(404, "FDR-0404", "percorso sconosciuto")
        dominio, iuf, revisione, psp, payments = match.groups()
        operation = FDR_ELENCO if iuf is None else FDR_PAGAMENTI if payments else FDR_FLUSSO
        fault = self._faults.next(operation)
        if fault is not None and fault.kind in (Kind.LOST_BEFORE, Kind.REFUSE_CONNECTION):
            self.ledger.note(operation, dominio, iuf or "", "", fault.label, self._clock())
            return break_connection(request, reset=True)
        scripted = _scripted(fault)
        if scripted is not None:
            response = scripted[1]
        elif fault is not None and fault.kind is Kind.FAULT:
            response = _error(400, fault.code, "guasto richiesto al simulatore")
        else:
            response = self._rest_answer(request, dominio, iuf, int(revisione or 0), psp, bool(payments))
        code = "OK" if response.status_code == 200 else f"HTTP_{response.status_code}"
        self.ledger.note(operation, dominio, iuf or "", code, fault.label if fault else "", self._clock())
        return spoiled(request, response, fault)

    def _rest_answer(
        self, request: Request, dominio: str, iuf: str | None, revisione: int, psp: str, is_payments: bool
    ) -> Response:
        key = request.headers.get("Ocp-Apim-Subscription-Key", "")
        if not key or (self.chiavi and key not in self.chiavi):
            return _error(401, "FDR-0401", "chiave assente o sconosciuta")
        try:
            page, size = int(request.args.get("page", "1")), int(request.args.get("size", "1000"))
            published = request.args.get("publishedGt")
            dal = None if published is None else read_istante(published)
        except ValueError:
            page, size, dal = 0, 0, None
        if page < 1 or not 1 <= size <= 1000:
            return _error(400, "FDR-0400", "page, size o publishedGt non validi")
        if iuf is None:
            return self._rest_elenco(dominio, dal, page, size)
        flusso = self.ledger.find(dominio, iuf, self._clock(), psp, revisione)
        if flusso is None or (Difetto.NON_PUBBLICATO in flusso.difetti and is_payments):
            return _error(404, "FDR-0701", f"flusso {iuf} sconosciuto")
        body = render_pagamenti(flusso, page, size) if is_payments else render_testata(flusso)
        return Response(body, content_type="application/json")

    def _rest_elenco(self, dominio: str, dal: datetime | None, page: int, size: int) -> Response:
        found = self.ledger.elenco(dominio, self._clock(), dal)
        data = [
            {"fdr": one.iuf, "pspId": one.psp, "revision": one.revisione,
             "published": _instant(one.pubblicato_at or one.generato_at), "flowDate": _instant(one.generato_at)}
            for one in found[(page - 1) * size : page * size]
        ]  # fmt: skip
        return json_response(pagina_di(data, page, size, len(found)))

    # On request.

    def _order(self, request: Request) -> Response:
        words = request.get_json(silent=True)
        entries = words if isinstance(words, list) else [words]
        made = []
        try:
            for entry in entries:
                if isinstance(entry, dict) and set(entry) == {"chiavi"}:
                    self.chiavi = frozenset(str(key) for key in entry["chiavi"])
                    continue
                flusso, visibile_at = read_richiesta(entry, self._clock(), self.ledger.next_libero)
                self.ledger.add(flusso, visibile_at)
                made.append({"iuf": flusso.iuf, "revisione": flusso.revisione, "righe": flusso.righe})
        except (RichiestaNonValida, FlussoDuplicato) as error:
            return json_response({"errore": str(error)}, 400)
        return json_response({"flussi": made}, 201)

    def produci(self) -> list[FlussoProdotto]:
        """Make a flow for each ente and PSP of what was paid here and is not settled yet."""
        groups: dict[tuple[str, str], list[Pagamento]] = defaultdict(list)
        for dominio, psp, pagamento in self.ledger.not_settled(self._pagati()):
            groups[dominio, psp].append(pagamento)
        now, made = self._clock(), []
        for (dominio, psp), pagamenti in groups.items():
            giorno = giorno_di(now)
            iuf = nome_flusso(giorno, psp, f"S{self.ledger.next_libero(dominio, psp, giorno):06d}")
            flusso = FlussoProdotto(dominio, psp, iuf, now.replace(microsecond=0), giorno, pagamenti)
            self.ledger.add(flusso)
            made.append(flusso)
        return made


def _scripted(fault: FaultRule | None) -> tuple[str, Response] | None:
    """What the script says at the level of HTTP."""
    if fault is not None and fault.kind is Kind.HTTP_500:
        return "HTTP_500", Response("Internal Server Error", 500, content_type="text/plain")
    if fault is not None and fault.kind is Kind.HTTP_429:
        headers = {"Retry-After": str(max(1, round(fault.seconds)))}
        return "HTTP_429", Response("Too Many Requests", 429, headers, content_type="text/plain")
    return None


def _soap_response(operation: str, inner: Iterable[bytes]) -> Response:
    """An answer whose inside is written while it is sent."""

    def pieces() -> Iterator[bytes]:
        yield (
            f"<?xml version='1.0' encoding='UTF-8'?><e:Envelope xmlns:e=\"{ENVELOPE_NS}\"><e:Body>"
            f'<w:{operation}Risposta xmlns:w="{WS_NS}">'
        ).encode()
        yield from inner
        yield f"</w:{operation}Risposta></e:Body></e:Envelope>".encode()

    return Response(pieces(), content_type=XML)


def _documento(flusso: FlussoProdotto) -> Iterator[bytes]:
    yield b"<xmlRendicontazione>"
    left = b""
    for block in render_xml(flusso):
        left += block
        whole = len(left) // _PEZZO * _PEZZO
        if whole:
            yield base64.b64encode(left[:whole])
            left = left[whole:]
    yield base64.b64encode(left) + b"</xmlRendicontazione>"


def _elenco_xml(flussi: list[FlussoProdotto]) -> bytes:
    entries = "".join(
        f"<idRendicontazione><identificativoFlusso>{escape(one.iuf)}</identificativoFlusso>"
        f"<dataOraFlusso>{_instant(one.generato_at)}</dataOraFlusso></idRendicontazione>"
        for one in flussi
    )
    total = f"<totRestituiti>{len(flussi)}</totRestituiti>"
    return f"<elencoFlussiRendicontazione>{total}{entries}</elencoFlussiRendicontazione>".encode()


def _fault_xml(fault: Fault) -> bytes:
    words = escape(fault.description)
    return (
        f"<fault><faultCode>{fault.code}</faultCode><faultString>{fault.code}</faultString>"
        f"<id>NodoDeiPagamentiSPC</id><description>{words}</description></fault>"
    ).encode()


def _error(status: int, code: str, message: str) -> Response:
    body = {
        "errorId": "0", "httpStatusCode": status, "httpStatusDescription": str(status), "appErrorCode": code,
        "errors": [{"path": "", "message": message}],
    }  # fmt: skip
    return Response(json.dumps(body), status, content_type="application/json")


def _instant(at: datetime) -> str:
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
