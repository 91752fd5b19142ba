"""The simulated node's side of the wire: requests to plain values, plain values to answers, the call of paaInviaRT.

Only the outermost element of a body and of a header carries a namespace. Source: node, transport (2.0.1), common
blocks (2.0.2), nodoInviaRPT (2.1), nodoInviaCarrelloRPT (2.2), nodoChiediStatoRPT (2.3), paaInviaRT (3.9).
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from xml.sax.saxutils import escape

from adapters.nodo.faults_script import CHIEDI_COPIA, CHIEDI_PENDENTI, CHIEDI_STATO, INVIA_CARRELLO, INVIA_RPT
from hub.domain.delivery import ChiaveRpt
from hub.formats.contratti import compile_wsdl
from hub.formats.resources import resource
from hub.formats.xml import XmlNonValido, parse

ENVELOPE_NS = "http://schemas.xmlsoap.org/soap/envelope/"
WS_NS = "http://ws.pagamenti.telematici.gov/"
HEAD_NS = "http://ws.pagamenti.telematici.gov/ppthead"
NODE_ID = "NodoDeiPagamentiSPC"
# Header element that each operation must carry; None: none.
HEADERS: Mapping[str, str | None] = {
    INVIA_CARRELLO: "intestazioneCarrelloPPT",
    INVIA_RPT: "intestazionePPT",
    CHIEDI_STATO: None,
    CHIEDI_COPIA: None,
    CHIEDI_PENDENTI: None,
}
_ENVELOPE = (
    "<?xml version='1.0' encoding='UTF-8'?>\n"
    f'<soapenv:Envelope xmlns:soapenv="{ENVELOPE_NS}" xmlns:ws="{WS_NS}" xmlns:ppthead="{HEAD_NS}">'
    "%s<soapenv:Body>%s</soapenv:Body></soapenv:Envelope>"
)


class BustaNonLeggibile(ValueError):
    """The message is no SOAP envelope, or asks for an operation the node does not have: the answer is a SOAP Fault."""


@dataclass(frozen=True, slots=True)
class Fault:
    """A fault block. `serial`: 1-based position inside the cart."""

    code: str
    description: str
    serial: int | None = None


class Rifiuto(Exception):
    """The node says no. `faults` are of the whole request when they have no serial, else of single RPTs."""

    def __init__(self, *faults: Fault) -> None:
        super().__init__(faults[0].code)
        self.faults = faults


@dataclass(frozen=True, slots=True)
class ElementoRpt:
    chiave: ChiaveRpt
    documento: bytes


@dataclass(frozen=True, slots=True)
class Richiesta:
    """A request of the hub. `problema` says what the contract's schema refuses; then the other fields may be empty."""

    operazione: str
    intermediario: str = ""
    stazione: str = ""
    password: str = ""
    id_carrello: str = ""
    psp: tuple[str, str, str] = ("", "", "")
    elementi: tuple[ElementoRpt, ...] = ()
    multi_beneficiario: bool = False
    range_da: str = ""
    range_a: str = ""
    dimensione: int = 0
    problema: str = ""

    @property
    def chiave(self) -> str:
        """The keys of the attempts, for the ledger."""
        return " ".join(f"{e.chiave.dominio}/{e.chiave.iuv}/{e.chiave.ccp}" for e in self.elementi)


@dataclass(frozen=True, slots=True)
class StatoRpt:
    stato: str
    url: str
    storico: Sequence[tuple[datetime, str]] = field(default=())


class NodeContract:
    """The node's published contract, compiled once for a simulator."""

    def __init__(self) -> None:
        self._schema = compile_wsdl(resource("wsdl", "NodoPerPa.wsdl"))

    def read(self, body: bytes) -> Richiesta:
        """Return the request; what the schema refuses stands in `problema`.

        Raises: BustaNonLeggibile.
        """
        try:
            envelope = parse(body)
        except XmlNonValido as error:
            raise BustaNonLeggibile(f"XML non leggibile: {error.reason}") from error
        if envelope.tag != f"{{{ENVELOPE_NS}}}Envelope":
            raise BustaNonLeggibile("la radice non è soap:Envelope")
        bodies = envelope.findall(f"{{{ENVELOPE_NS}}}Body")
        children = [child for part in bodies for child in part.iterchildren("*")]
        if len(bodies) != 1 or len(children) != 1:
            raise BustaNonLeggibile("la busta non ha un solo Body con un solo figlio")
        payload = children[0]
        operazione = next((name for name in HEADERS if payload.tag == f"{{{WS_NS}}}{name}"), None)
        if operazione is None:
            raise BustaNonLeggibile(f"operazione sconosciuta: {payload.tag}")
        heads = [child for part in envelope.findall(f"{{{ENVELOPE_NS}}}Header") for child in part.iterchildren("*")]
        wanted = HEADERS[operazione]
        head = next((child for child in heads if wanted and child.tag == f"{{{HEAD_NS}}}{wanted}"), None)
        problema = f"manca l'intestazione {wanted}" if wanted and head is None else ""
        for element in (head, payload):
            if element is not None and not problema:
                problema = "; ".join(str(error) for error in self._schema.check(element)[:3])
        return _richiesta(operazione, head, payload, problema)


def _richiesta(operazione: str, head: Any, payload: Any, problema: str) -> Richiesta:
    caller = payload if head is None else head
    elementi: list[ElementoRpt] = []
    nodes = {
        INVIA_CARRELLO: lambda: [(node, node) for node in payload.iterfind("listaRPT/elementoListaRPT")],
        INVIA_RPT: lambda: [(caller, payload)],
    }.get(operazione, lambda: [(payload, payload)])()
    for keys, holder in nodes:
        chiave = ChiaveRpt(
            _text(keys, "identificativoDominio"),
            _text(keys, "identificativoUnivocoVersamento"),
            _text(keys, "codiceContestoPagamento"),
        )
        try:
            documento = base64.b64decode("".join(_text(holder, "rpt").split()), validate=True)
        except (binascii.Error, ValueError):
            documento, problema = b"", problema or "rpt non è base64"
        elementi.append(ElementoRpt(chiave, documento))
    return Richiesta(
        operazione,
        _text(caller, "identificativoIntermediarioPA"),
        _text(caller, "identificativoStazioneIntermediarioPA"),
        _text(payload, "password"),
        _text(caller, "identificativoCarrello"),
        (
            _text(payload, "identificativoPSP"),
            _text(payload, "identificativoIntermediarioPSP"),
            _text(payload, "identificativoCanale"),
        ),
        tuple(elementi),
        _text(payload, "multiBeneficiario").strip() in ("true", "1"),
        _text(payload, "rangeDa"),
        _text(payload, "rangeA"),
        0 if problema else int(_text(payload, "dimensioneLista") or 0),
        problema,
    )


def _text(element: Any, name: str) -> str:
    return element.findtext(name) or ""


def _fault_xml(fault: Fault, name: str = "fault") -> str:
    serial = f"<serial>{fault.serial}</serial>" if fault.serial is not None else ""
    return (
        f"<{name}><faultCode>{escape(fault.code)}</faultCode><faultString>{_fault_string(fault.code)}</faultString>"
        f"<id>{NODE_ID}</id><description>{escape(fault.description)}</description>{serial}</{name}>"
    )


def _fault_string(code: str) -> str:
    return escape(code.partition("_")[2].replace("_", " ").capitalize() + ".")


def render_ko(operazione: str, faults: Sequence[Fault]) -> bytes:
    """Return the negative answer of an operation.

    A fault with a serial goes to listaErroriRPT of the cart. The answer of nodoChiediStatoRPT leaves `esito` out, as
    the real node does though its schema asks for it.
    """
    if operazione == INVIA_CARRELLO:
        whole = [fault for fault in faults if fault.serial is None][:1]
        single = [fault for fault in faults if fault.serial is not None]
        inner = "".join(map(_fault_xml, whole)) + "<esitoComplessivoOperazione>KO</esitoComplessivoOperazione>"
        if single:
            inner += f"<listaErroriRPT>{''.join(map(_fault_xml, single))}</listaErroriRPT>"
    else:
        inner = _fault_xml(Fault(faults[0].code, faults[0].description))
        inner += "<esito>KO</esito>" if operazione == INVIA_RPT else ""
    return _answer(operazione, inner)


def render_ok(operazione: str, url: str) -> bytes:
    """Return the positive answer of a sending; `url` empty means that nobody is to be redirected."""
    if operazione == INVIA_CARRELLO:
        inner = "<esitoComplessivoOperazione>OK</esitoComplessivoOperazione>"
    else:
        inner = f"<esito>OK</esito><redirect>{1 if url else 0}</redirect>"
    return _answer(operazione, inner + (f"<url>{escape(url)}</url>" if url else ""))


def render_stato(stato: StatoRpt) -> bytes:
    storico = "".join(
        f"<elementoStoricoRPT><data>{at.isoformat(timespec='seconds')}</data><stato>{escape(name)}</stato>"
        f"<descrizione>{escape(name.replace('_', ' ').lower())}</descrizione></elementoStoricoRPT>"
        for at, name in stato.storico
    )
    redirect = f"<redirect>1</redirect><url>{escape(stato.url)}</url>" if stato.url else "<redirect>0</redirect>"
    return _answer(CHIEDI_STATO, f"<esito><stato>{escape(stato.stato)}</stato>{redirect}{storico}</esito>")


def render_copia(rt: bytes) -> bytes:
    return _answer(CHIEDI_COPIA, f"<tipoFirma></tipoFirma><rt>{base64.b64encode(rt).decode()}</rt>")


def render_pendenti(pendenti: Sequence[tuple[ChiaveRpt, str]]) -> bytes:
    lista = "".join(
        f"<rptPendente><identificativoDominio>{escape(chiave.dominio)}</identificativoDominio>"
        f"<identificativoUnivocoVersamento>{escape(chiave.iuv)}</identificativoUnivocoVersamento>"
        f"<codiceContestoPagamento>{escape(chiave.ccp)}</codiceContestoPagamento><stato>{escape(stato)}</stato>"
        "</rptPendente>"
        for chiave, stato in pendenti
    )
    totale = f"<totRestituiti>{len(pendenti)}</totRestituiti>"
    return _answer(CHIEDI_PENDENTI, f"<listaRPTPendenti>{totale}{lista}</listaRPTPendenti>")


def _answer(operazione: str, inner: str) -> bytes:
    return (_ENVELOPE % ("", f"<ws:{operazione}Risposta>{inner}</ws:{operazione}Risposta>")).encode()


def render_soap_fault(reason: str) -> bytes:
    """Return a SOAP 1.1 Fault, to be answered with HTTP 500."""
    inner = f"<faultcode>soapenv:Server</faultcode><faultstring>{escape(reason)}</faultstring>"
    return (_ENVELOPE % ("", f"<soapenv:Fault>{inner}</soapenv:Fault>")).encode()


def build_invia_rt(intermediario: str, stazione: str, chiave: ChiaveRpt, rt: bytes) -> bytes:
    """Return the envelope of paaInviaRT with its header intestazionePPT."""
    document = base64.b64encode(rt).decode()
    body = f"<ws:paaInviaRT><tipoFirma>0</tipoFirma><rt>{document}</rt></ws:paaInviaRT>"
    return build_with_header(intermediario, stazione, chiave, body)


def build_with_header(intermediario: str, stazione: str, chiave: ChiaveRpt, body: str) -> bytes:
    """Return the envelope of a classic call to the hub: its header intestazionePPT, and a body in the prefix `ws`."""
    head = "".join(
        f"<{name}>{escape(value)}</{name}>"
        for name, value in (
            ("identificativoIntermediarioPA", intermediario),
            ("identificativoStazioneIntermediarioPA", stazione),
            ("identificativoDominio", chiave.dominio),
            ("identificativoUnivocoVersamento", chiave.iuv),
            ("codiceContestoPagamento", chiave.ccp),
        )
    )
    header = f"<soapenv:Header><ppthead:intestazionePPT>{head}</ppthead:intestazionePPT></soapenv:Header>"
    return (_ENVELOPE % (header, body)).encode()


@dataclass(frozen=True, slots=True)
class EsitoInviaRt:
    """What the hub answered. `esito` is OK or KO."""

    esito: str
    code: str = ""


def read_invia_rt_risposta(body: bytes) -> EsitoInviaRt | None:
    """Return the hub's answer to paaInviaRT; None when it is not one.

    Lenient as the node: a fault without `esito` is a KO. Source: node, shape of the classic answers (3.0.3).
    """
    try:
        envelope = parse(body)
    except XmlNonValido:
        return None
    answer = envelope.find(f"{{{ENVELOPE_NS}}}Body/{{{WS_NS}}}paaInviaRTRisposta/paaInviaRTRisposta")
    if answer is None:
        return None
    code = answer.findtext("fault/faultCode") or ""
    esito = (answer.findtext("esito") or "").strip()
    if not esito and not code:
        return None
    return EsitoInviaRt("OK" if esito == "OK" and not code else "KO", code)
