"""paForNode from the node's side: what it asks of a station, and its judgement of the answers.

The judgement is more than the schema: what the node rejects reaches the PSP as PPT_STAZIONE_INT_PA_ERRORE_RESPONSE.
Source: node, endpoint behaviour (3.0.1), paVerifyPaymentNotice (3.1), paGetPayment (3.2), paGetPaymentV2 (3.3).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

from adapters.nodo.fake_busta import ENVELOPE_NS, Risposta, fields, open_answer
from adapters.nodo.fake_node import Anagrafe
from adapters.nodo.faults_script import GET, GET_V2, SEND_RT, SEND_RT_V2, VERIFY
from hub.formats.contratti import compile_wsdl
from hub.formats.importi import cent_from_text, text_from_cent
from hub.formats.resources import resource

PATH = "/ws/fesp/paForNode"
NS = "http://pagopa-api.pagopa.gov.it/pa/paForNode.xsd"
# Request and answer do not follow the name of the operation, nor each other. Source: node, 3.1.
ELEMENTS: Mapping[str, tuple[str, str]] = {
    VERIFY: ("paVerifyPaymentNoticeReq", "paVerifyPaymentNoticeRes"),
    GET: ("paGetPaymentReq", "paGetPaymentRes"),
    GET_V2: ("paGetPaymentV2Request", "paGetPaymentV2Response"),
    SEND_RT: ("paSendRTReq", "paSendRTRes"),
    SEND_RT_V2: ("paSendRTV2Request", "paSendRTV2Response"),
}
# Optional by schema, required in fact. Source: node, 3.0.1.
_OF_VERIFY = ("paymentList", "paymentDescription", "fiscalCodePA", "companyName")


@dataclass(frozen=True, slots=True)
class Avviso:
    """A notice as it is typed at a counter, and the station that answers for it."""

    dominio: str
    numero: str
    intermediario: str
    stazione: str

    @property
    def iuv(self) -> str:
        """The IUV inside the notice number. Source: node, identifiers (4.3)."""
        return self.numero[3:] if self.numero.startswith("0") else self.numero[1:]


def recipient(dominio: str, intermediario: str, stazione: str) -> str:
    return fields(idPA=dominio, idBrokerPA=intermediario, idStation=stazione)


def envelope(operazione: str, inner: str) -> bytes:
    """Return the request of an operation."""
    name = ELEMENTS[operazione][0]
    return (
        "<?xml version='1.0' encoding='UTF-8'?>\n"
        f'<soapenv:Envelope xmlns:soapenv="{ENVELOPE_NS}" xmlns:pfn="{NS}"><soapenv:Header/>'
        f"<soapenv:Body><pfn:{name}>{inner}</pfn:{name}></soapenv:Body></soapenv:Envelope>"
    ).encode()


def build_verify(avviso: Avviso) -> bytes:
    return envelope(VERIFY, _notice(avviso))


def build_get(operazione: str, avviso: Avviso, importo_cent: int | None, nota: str = "", *, postale: bool) -> bytes:
    """Return paGetPayment or paGetPaymentV2. `importo_cent`: what the payer was told."""
    more = fields(
        amount=None if importo_cent is None else text_from_cent(importo_cent),
        paymentNote=nota or None,
        transferType="POSTAL" if postale else None,
    )
    return envelope(operazione, _notice(avviso) + more)


def _notice(avviso: Avviso) -> str:
    code = fields(fiscalCode=avviso.dominio, noticeNumber=avviso.numero)
    return recipient(avviso.dominio, avviso.intermediario, avviso.stazione) + f"<qrCode>{code}</qrCode>"


class PfnContract:
    """The published contract of paForNode, compiled once, and the rules that its schema cannot say."""

    def __init__(self) -> None:
        self.schema = compile_wsdl(resource("wsdl", "paForNode.wsdl"))

    def read(self, operazione: str, body: bytes, check: Callable[[Any], None] | None = None) -> Risposta:
        """Return the hub's answer and what the node thinks of it; `check` as `rules_of` gives it."""
        try:
            answer = open_answer(body, f"{{{NS}}}{ELEMENTS[operazione][1]}", self.schema)
            esito, fault = answer.findtext("outcome"), answer.find("fault")
            if (esito == "KO") != (fault is not None):
                raise ValueError("KO senza fault" if esito == "KO" else "OK con un fault")
            if fault is None and check is not None:
                check(answer)
        except ValueError as error:
            return Risposta(violazione=str(error))
        if fault is None:
            return Risposta("OK", dati=answer)
        return Risposta("KO", fault.findtext("faultCode") or "", fault.findtext("description") or "", dati=answer)


def rules_of(operazione: str, avviso: Avviso, anagrafe: Anagrafe) -> Callable[[Any], None]:
    """Return what checks the positive answer about a notice: it raises ValueError, with the reason in Italian."""
    if operazione == VERIFY:
        return partial(_check_verify, avviso=avviso)
    return partial(_check_get, avviso=avviso, anagrafe=anagrafe)


def _check_verify(answer: Any, avviso: Avviso) -> None:
    missing = [name for name in _OF_VERIFY if answer.find(name) is None]
    if missing:
        raise ValueError(f"OK senza {', '.join(missing)}")
    if answer.findtext("fiscalCodePA") != avviso.dominio:
        raise ValueError("fiscalCodePA non è l'ente dell'avviso")
    if answer.findtext("paymentList/paymentOptionDescription/options") != "EQ":
        raise ValueError("options diverso da EQ")


def _check_get(answer: Any, avviso: Avviso, anagrafe: Anagrafe) -> None:
    data = answer.find("data")
    if data is None:
        raise ValueError("OK senza data")
    if data.findtext("creditorReferenceId") != avviso.iuv:
        raise ValueError("creditorReferenceId non è lo IUV dell'avviso")
    transfers = data.findall("transferList/transfer")
    numbers = [transfer.findtext("idTransfer") for transfer in transfers]
    if len(set(numbers)) != len(numbers):
        raise ValueError("idTransfer ripetuto")
    if sum(cent_from_text(one.findtext("transferAmount")) for one in transfers) != importo_cent(data):
        raise ValueError("la somma dei transfer non è paymentAmount")
    for transfer in transfers:
        _check_beneficiary(transfer.findtext("fiscalCodePA"), transfer.findtext("IBAN"), anagrafe)


def _check_beneficiary(dominio: str, iban: str | None, anagrafe: Anagrafe) -> None:
    """Raises: ValueError (SEM_PGPR_03 to 06). A node that knows no station knows everybody."""
    stazioni = anagrafe.stazioni
    if not all(stazione.domini for stazione in stazioni):
        return
    owners = [stazione for stazione in stazioni if dominio in stazione.domini]
    if stazioni and not any(stazione.abilitata for stazione in owners):
        raise ValueError(f"transfer a un ente che il nodo non conosce: {dominio}")
    known = frozenset[str]().union(*(stazione.iban for stazione in owners))
    if known and iban is not None and iban not in known:
        raise ValueError("IBAN non censito per l'ente del transfer")


def told_cent(answer: Any) -> int:
    """Return the amount of a positive answer to the verify."""
    return cent_from_text(answer.findtext("paymentList/paymentOptionDescription/amount"))


def importo_cent(data: Any) -> int:
    """Return paymentAmount of the `data` of a get."""
    return cent_from_text(data.findtext("paymentAmount"))
