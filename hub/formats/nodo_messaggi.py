"""The messages that the hub exchanges with the node when it starts a payment and asks what became of it.

Source: NodoPerPa contract; node, 2.0.1 (only the outermost element of header and body is in a namespace), 2.0.2
(blocks), 2.1 to 2.3. Requests are built here and stored with a placeholder: the station's password enters when they
leave.
"""

from __future__ import annotations

import base64
from collections.abc import Sequence
from dataclasses import dataclass
from xml.sax.saxutils import escape

from lxml import etree

from hub.domain.delivery import ChiaveRpt, Stazione
from hub.formats.blocchi import by_name, local_name, text_of
from hub.formats.xml import Limits, XmlNonValido, parse

NS_SOAP = "http://schemas.xmlsoap.org/soap/envelope/"
NS_NODO = "http://ws.pagamenti.telematici.gov/"
NS_TESTATA = "http://ws.pagamenti.telematici.gov/ppthead"

# The WISP triple: the payer chooses the PSP on the node's side. Source: node, 2.2 rule 3.
PSP_WISP = "AGID_01"
INTERMEDIARIO_PSP_WISP = "97735020584"
CANALE_WISP = "97735020584_02"


@dataclass(frozen=True, slots=True)
class Psp:
    """Where a payment goes: PSP, its intermediary and its channel."""

    id: str
    intermediario: str
    canale: str


WISP = Psp(PSP_WISP, INTERMEDIARIO_PSP_WISP, CANALE_WISP)

# 12 characters: of legal length, so that the stored message is valid as it lies.
PASSWORD_PLACEHOLDER = "@@PASSWORD@@"
ELEMENTI_MAX = 5

# A cart of five answers with six faults at most; the history of a state query has tens of lines.
LIMITS = Limits(bytes_max=1024 * 1024, depth_max=16, tags_max=20_000)

_PASSWORD_ELEMENT = f"<password>{PASSWORD_PLACEHOLDER}</password>".encode()


class RispostaNonLeggibile(ValueError):
    """An answer of the node that says nothing certain about the request; `reason` quotes none of it."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class FaultSoap(RispostaNonLeggibile):
    """A SOAP Fault; `code` is its faultcode without prefix."""

    def __init__(self, code: str) -> None:
        super().__init__(f"SOAP Fault {code}")
        self.code = code


@dataclass(frozen=True, slots=True)
class FaultNodo:
    """A fault block. `serial`: 1-based position of the offending RPT inside a cart."""

    code: str
    string: str
    id: str
    description: str = ""
    serial: int | None = None
    original_code: str = ""
    original_string: str = ""
    original_description: str = ""


@dataclass(frozen=True, slots=True)
class RispostaInvio:
    """The answer to nodoInviaCarrelloRPT or nodoInviaRPT; `errori` are those of the single RPTs of a cart."""

    esito: str
    url: str = ""
    redirect: int = 0
    fault: FaultNodo | None = None
    errori: tuple[FaultNodo, ...] = ()

    @property
    def is_ok(self) -> bool:
        """Anything different from OK is a refusal: `esito` is a plain string."""
        return self.esito == "OK"


@dataclass(frozen=True, slots=True)
class RispostaStato:
    """The answer to nodoChiediStatoRPT; `storico` holds (instant as written, state), oldest first."""

    stato: str
    url: str = ""
    redirect: int = 0
    fault: FaultNodo | None = None
    storico: tuple[tuple[str, str], ...] = ()


def build_invia_carrello_rpt(
    stazione_id: str,
    intermediario: str,
    id_carrello: str,
    elementi: Sequence[tuple[ChiaveRpt, bytes]],
    *,
    is_multibeneficiario: bool = False,
    codice_convenzione: str | None = None,
) -> bytes:
    """Return the envelope of nodoInviaCarrelloRPT, with the placeholder in `password`.

    Raises: ValueError when the RPTs are not 1 to 5.
    Source: node, 2.2.
    """
    if not 1 <= len(elementi) <= ELEMENTI_MAX:
        raise ValueError("a cart holds 1 to 5 RPTs")
    testata = fields(
        identificativoIntermediarioPA=intermediario,
        identificativoStazioneIntermediarioPA=stazione_id,
        identificativoCarrello=id_carrello,
    )
    lista = "".join(
        f"<elementoListaRPT>{chiave_fields(chiave)}<rpt>{_base64(rpt)}</rpt></elementoListaRPT>"
        for chiave, rpt in elementi
    )
    body = f"{_psp(WISP)}<listaRPT>{lista}</listaRPT>"
    if codice_convenzione is not None:
        body += fields(codiceConvenzione=codice_convenzione)
    if is_multibeneficiario:
        body += "<multiBeneficiario>true</multiBeneficiario>"
    header = f"<h:intestazioneCarrelloPPT>{testata}</h:intestazioneCarrelloPPT>"
    return envelope_of("nodoInviaCarrelloRPT", body, header)


def build_invia_rpt(
    stazione_id: str, intermediario: str, chiave: ChiaveRpt, rpt: bytes, psp: Psp = WISP
) -> bytes:
    """Return the envelope of nodoInviaRPT, with the placeholder in `password`. `psp`: who activated it, in model 3.

    Source: node, 2.1.
    """
    testata = fields(
        identificativoIntermediarioPA=intermediario,
        identificativoStazioneIntermediarioPA=stazione_id,
    ) + chiave_fields(chiave)
    body = f"{_psp(psp)}<rpt>{_base64(rpt)}</rpt>"
    return envelope_of("nodoInviaRPT", body, f"<h:intestazionePPT>{testata}</h:intestazionePPT>")


def build_chiedi_stato_rpt(stazione: Stazione, chiave: ChiaveRpt) -> bytes:
    """Return the envelope of nodoChiediStatoRPT, password included: a question is asked at once and not stored.

    Source: node, 2.3.
    """
    body = fields(
        identificativoIntermediarioPA=stazione.intermediario,
        identificativoStazioneIntermediarioPA=stazione.id,
        password=stazione.password,
    ) + chiave_fields(chiave)
    return envelope_of("nodoChiediStatoRPT", body)


def fill_password(envelope: bytes, password: str) -> bytes:
    """Return the envelope with the station's password in place of the placeholder.

    Raises: ValueError when the placeholder is not there exactly once.
    """
    if envelope.count(_PASSWORD_ELEMENT) != 1:
        raise ValueError("password placeholder expected once")
    return envelope.replace(_PASSWORD_ELEMENT, f"<password>{escape(password)}</password>".encode())


def read_invia_carrello_rpt_risposta(data: bytes) -> RispostaInvio:
    """Return the answer; `esito` empty when missing beside a fault.

    Raises: RispostaNonLeggibile (not XML, another message), FaultSoap.
    """
    children = by_name(payload_of(data, "nodoInviaCarrelloRPTRisposta"))
    lista = children.get("listaErroriRPT")
    errori = [] if lista is None else [_fault(child) for child in lista if local_name(child) == "fault"]
    return RispostaInvio(
        esito=_esito(children, "esitoComplessivoOperazione"),
        url=text_of(children, "url"),
        fault=fault_of(children),
        errori=tuple(errori),
    )


def read_invia_rpt_risposta(data: bytes) -> RispostaInvio:
    """Return the answer; `esito` empty when missing beside a fault.

    Raises: RispostaNonLeggibile, FaultSoap.
    """
    children = by_name(payload_of(data, "nodoInviaRPTRisposta"))
    return RispostaInvio(
        esito=_esito(children, "esito"),
        url=text_of(children, "url"),
        redirect=number_of(text_of(children, "redirect")) or 0,
        fault=fault_of(children),
    )


def read_chiedi_stato_rpt_risposta(data: bytes) -> RispostaStato:
    """Return the answer; `stato` empty when there is a fault: the schema wants `esito`, the node does not send it then.

    Raises: RispostaNonLeggibile (also neither fault nor state), FaultSoap.
    """
    children = by_name(payload_of(data, "nodoChiediStatoRPTRisposta"))
    fault = fault_of(children)
    element = children.get("esito")
    esito = by_name(element)
    stato = text_of(esito, "stato")
    if not stato and fault is None:
        raise RispostaNonLeggibile("risposta senza stato e senza fault")
    storico = []
    for child in element if element is not None else ():
        if local_name(child) == "elementoStoricoRPT":
            line = by_name(child)
            storico.append((text_of(line, "data"), text_of(line, "stato")))
    return RispostaStato(
        stato=stato,
        url=text_of(esito, "url"),
        redirect=number_of(text_of(esito, "redirect")) or 0,
        fault=fault,
        storico=tuple(sorted(storico)),  # the node does not promise their order
    )


def payload_of(data: bytes, name: str, limits: Limits = LIMITS) -> etree._Element:
    """Return the one element of the Body, which must be `name`. Raises: RispostaNonLeggibile, FaultSoap."""
    try:
        envelope = parse(data, limits)
    except XmlNonValido as error:
        raise RispostaNonLeggibile(error.reason) from error
    body = by_name(envelope).get("Body") if local_name(envelope) == "Envelope" else None
    if body is None or len(body) != 1:
        raise RispostaNonLeggibile("risposta senza un Body SOAP con un solo elemento")
    payload = body[0]
    if local_name(payload) == "Fault":
        raise FaultSoap(text_of(by_name(payload), "faultcode").rpartition(":")[2][:64] or "senza codice")
    if local_name(payload) != name:
        raise RispostaNonLeggibile(f"risposta diversa da {name}")
    return payload


def _esito(children: dict[str, etree._Element], name: str) -> str:
    esito = text_of(children, name)
    if not esito and "fault" not in children and "listaErroriRPT" not in children:
        raise RispostaNonLeggibile("risposta senza esito e senza fault")
    return esito


def fault_of(children: dict[str, etree._Element]) -> FaultNodo | None:
    element = children.get("fault")
    return None if element is None else _fault(element)


def _fault(element: etree._Element) -> FaultNodo:
    children = by_name(element)
    return FaultNodo(
        code=text_of(children, "faultCode"),
        string=text_of(children, "faultString"),
        id=text_of(children, "id"),
        description=text_of(children, "description"),
        serial=number_of(text_of(children, "serial")),
        original_code=text_of(children, "originalFaultCode"),
        original_string=text_of(children, "originalFaultString"),
        original_description=text_of(children, "originalDescription"),
    )


def number_of(text: str) -> int | None:
    return int(text) if text.isascii() and text.isdigit() and len(text) < 10 else None


def soap_fault_code(data: bytes) -> str:
    """The faultcode of a SOAP Fault, without prefix; empty when the bytes are none."""
    try:
        payload_of(data, "")
    except FaultSoap as error:
        return error.code
    except RispostaNonLeggibile:
        pass
    return ""


def envelope_of(operation: str, body: str, header: str = "") -> bytes:
    testata = f'<s:Header xmlns:h="{NS_TESTATA}">{header}</s:Header>' if header else ""
    return (
        f'<?xml version="1.0" encoding="UTF-8"?>\n<s:Envelope xmlns:s="{NS_SOAP}">{testata}<s:Body>'
        f'<n:{operation} xmlns:n="{NS_NODO}">{body}</n:{operation}></s:Body></s:Envelope>'
    ).encode()


def _psp(psp: Psp) -> str:
    return fields(
        password=PASSWORD_PLACEHOLDER,
        identificativoPSP=psp.id,
        identificativoIntermediarioPSP=psp.intermediario,
        identificativoCanale=psp.canale,
    )


def chiave_fields(chiave: ChiaveRpt) -> str:
    return fields(
        identificativoDominio=chiave.dominio,
        identificativoUnivocoVersamento=chiave.iuv,
        codiceContestoPagamento=chiave.ccp,
    )


def fields(**texts: str) -> str:
    return "".join(f"<{name}>{escape(text)}</{name}>" for name, text in texts.items())


def _base64(data: bytes) -> str:
    return base64.b64encode(data).decode("ascii")
