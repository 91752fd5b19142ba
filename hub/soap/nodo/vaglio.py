"""The second look at an answer before it leaves: the schema, and what the node demands beyond it.

The node turns every violation into PPT_STAZIONE_INT_PA_ERRORE_RESPONSE for the PSP. Source: node, endpoint behaviour
(3.0.1), 3.1 to 3.3, 3.6, 3.7; annex C, 4 and 11.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from lxml import etree

from hub.domain.errors import RichiestaNonEseguibile
from hub.domain.guasti import OPERAZIONI_DOMANDA
from hub.formats.importi import cent_from_text
from hub.formats.xml import Limits, XmlNonValido, parse
from hub.soap.contract import SOAP_ENV, Contract, Verb
from hub.soap.operation import Call, Outgoing, refusal

_BODY = f"{{{SOAP_ENV}}}Body"
_LIMITS = Limits(bytes_max=1024 * 1024)
_FAULT = ("faultCode", "faultString", "id")
_DESCRIZIONE = ("paymentList", "paymentDescription", "fiscalCodePA", "companyName")


def build_outgoing(contract: Contract) -> Outgoing:
    """Return the second look of a door."""

    def check(answer: bytes) -> list[str]:
        try:
            (payload,) = parse(answer, _LIMITS).find(_BODY)
        except (XmlNonValido, ValueError, TypeError):
            return ["answer not readable"]
        return [str(error) for error in contract.schema.check(payload)] or violazioni(payload)

    return Outgoing(check, stand_in)


def stand_in(call: Call, verb: Verb, request: dict[str, Any]) -> dict[str, Any] | None:
    """Return the KO for a question whose answer went wrong; None for a receipt: after a KO it would not come again.

    Source: node, validation order, step 12 (3.0.4); what a KO means (3.0.7).
    """
    if verb.name not in OPERAZIONI_DOMANDA:
        return None
    error = RichiestaNonEseguibile("servizio momentaneamente non disponibile: riprovare")
    return refusal(call, verb.response_shape, request, error)


def violazioni(payload: etree._Element) -> list[str]:
    """Return what the node would reject in the payload of an answer that the schema admits."""
    name = etree.QName(payload).localname
    # The classic answers hold an element of their own name.
    content = payload.find(name) if payload.find(name) is not None else payload
    found = [f"{node.tag}: empty" for node in content.iter() if len(node) == 0 and not (node.text or "").strip()]
    outcome = content.findtext("outcome") or content.findtext("esito")
    fault = content.find("fault")
    if outcome not in ("OK", "KO"):
        return [*found, "outcome: neither OK nor KO"]
    if outcome == "KO":
        return [*found, *(f"fault/{name}: missing" for name in _FAULT if fault is None or not fault.findtext(name))]
    if fault is not None:
        found.append("fault: beside OK")
    return [*found, *_RULES.get(name, _nothing)(content)]


def _nothing(content: etree._Element) -> list[str]:
    return []


def _missing(content: etree._Element, names: Sequence[str]) -> list[str]:
    return [f"{name}: missing" for name in names if content.find(name) is None]


def _descrizione(content: etree._Element) -> list[str]:
    return _missing(content, _DESCRIZIONE)


def _richiesta(content: etree._Element) -> list[str]:
    return _missing(content, ("qrCode", *_DESCRIZIONE))


def _pagamento(content: etree._Element) -> list[str]:
    data = content.find("data")
    if data is None:
        return ["data: missing"]
    found = _missing(data, ("companyName",))
    lines = data.findall("transferList/transfer")
    numbers = [line.findtext("idTransfer") for line in lines]
    if len(set(numbers)) != len(numbers):
        found.append("idTransfer: repeated")
    total = sum(cent_from_text(line.findtext("transferAmount", "")) for line in lines)
    if total != cent_from_text(data.findtext("paymentAmount", "")):
        found.append("paymentAmount: not the sum of the transfers")
    return found


def _classica(content: etree._Element) -> list[str]:
    dati = content.find("datiPagamentoPA")
    if dati is None:
        return ["datiPagamentoPA: missing"]
    is_zero = cent_from_text(dati.findtext("importoSingoloVersamento", "")) == 0
    return ["importoSingoloVersamento: zero"] if is_zero else []


_RULES: dict[str, Callable[[etree._Element], list[str]]] = {
    "paVerifyPaymentNoticeRes": _descrizione,
    "paDemandPaymentNoticeResponse": _richiesta,
    "paGetPaymentRes": _pagamento,
    "paGetPaymentV2Response": _pagamento,
    "paaVerificaRPTRisposta": _classica,
    "paaAttivaRPTRisposta": _classica,
}
