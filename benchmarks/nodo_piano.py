"""What the node asks in a while: notices that are looked at, activated and paid, at the instants of an open loop."""

from __future__ import annotations

import random
import uuid
from collections.abc import Iterator
from dataclasses import dataclass

from benchmarks.carico_enti import INTERMEDIARIO, STAZIONE, EnteCarico, Sorteggio
from hub.domain.iuv import numero_avviso
from tests.ricevute import NS, make_ricevuta, make_transfer

PATH = "/ws/fesp/paForNode"
OK = b"<outcome>OK</outcome>"
VERIFY, GET, GET_V2, RT, RT_V2 = (
    "paVerifyPaymentNotice", "paGetPayment", "paGetPaymentV2", "paSendRT", "paSendRTV2",
)  # fmt: skip
_DUPLICATO = b"<faultCode>PAA_PAGAMENTO_DUPLICATO</faultCode>"
# Of four calls: two verifies, a get, a receipt. A payer looks, some go on; one look in twenty is at what was paid.
_CALLS_PER_STORY = 4
_LOOKS_AT_PAID = 0.05
# Seconds between the steps of a payer, shortened so that a play of a minute has whole payments in it.
_TO_GET_S, _TO_RECEIPT_S = (1.0, 4.0), (3.0, 8.0)


@dataclass(frozen=True, slots=True)
class Chiamata:
    """A call: when it is due from the begin, what it is, what a good answer has in it, its bytes."""

    at_s: float
    operation: str
    good: bytes
    request: bytes


def build_piano(sorteggio: Sorteggio, per_second: float, seconds: float, seed: int, importo: str) -> list[Chiamata]:
    """Return the calls of so many seconds in order: payments begin by chance (Poisson), each with its steps.

    The amounts of the notices are all `importo`. What would come after the end comes before it.
    """
    draw = random.Random(seed)
    found: list[Chiamata] = []
    at_s = 0.0
    while (at_s := at_s + draw.expovariate(per_second / _CALLS_PER_STORY)) < seconds:
        found += _story(sorteggio, draw, at_s, seconds, importo)
    return sorted(found, key=lambda chiamata: chiamata.at_s)


def _story(
    sorteggio: Sorteggio, draw: random.Random, at_s: float, seconds: float, importo: str
) -> Iterator[Chiamata]:
    asked = paid = looked_at = sorteggio.libero()
    get_at = at_s + draw.uniform(*_TO_GET_S)
    paid_at = get_at + draw.uniform(*_TO_RECEIPT_S)
    if paid_at >= seconds:
        # Its end would come after that of the play: in its place come the steps of a payment that began before it.
        get_at, paid_at = get_at % seconds, paid_at % seconds
        asked, paid = sorteggio.libero(), sorteggio.libero()
    get, receipt = draw.choice(((GET, RT), (GET_V2, RT_V2)))
    token = uuid.UUID(int=draw.getrandbits(128)).hex
    yield Chiamata(at_s, VERIFY, OK, richiesta_verify(*looked_at))
    yield Chiamata(get_at, get, OK, richiesta_get(*asked, is_v2=get == GET_V2))
    yield Chiamata(paid_at, receipt, OK, richiesta_ricevuta(*paid, receipt, token, importo))
    yield _look(sorteggio, draw, at_s + draw.uniform(0, seconds - at_s))


def _look(sorteggio: Sorteggio, draw: random.Random, at_s: float) -> Chiamata:
    paid = sorteggio.pagato() if draw.random() < 2 * _LOOKS_AT_PAID else None
    if paid is not None:
        return Chiamata(at_s, VERIFY, _DUPLICATO, richiesta_verify(*paid))
    return Chiamata(at_s, VERIFY, OK, richiesta_verify(*sorteggio.libero()))


def richiesta_verify(ente: EnteCarico, iuv: str) -> bytes:
    return _http(VERIFY, _question("paVerifyPaymentNoticeReq", ente, iuv))


def richiesta_get(ente: EnteCarico, iuv: str, *, is_v2: bool) -> bytes:
    return _http(*((GET_V2, _question("paGetPaymentV2Request", ente, iuv)) if is_v2 else
                   (GET, _question("paGetPaymentReq", ente, iuv))))  # fmt: skip


def richiesta_ricevuta(ente: EnteCarico, iuv: str, primitiva: str, token: str, importo: str) -> bytes:
    body = make_ricevuta(
        primitiva, iuv=iuv, id_pa=ente.codice_fiscale, dominio=ente.codice_fiscale, receipt_id=token, importo=importo,
        transfers=(make_transfer(importo=importo, codice=ente.codice_fiscale),),
    ).replace(b"Comune di Prova", ente.nome.encode())  # fmt: skip
    return _http(primitiva, body)


def _question(element: str, ente: EnteCarico, iuv: str) -> bytes:
    return (
        f'<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/"><s:Body><p:{element} xmlns:p="{NS}">'
        f"<idPA>{ente.codice_fiscale}</idPA><idBrokerPA>{INTERMEDIARIO}</idBrokerPA><idStation>{STAZIONE}</idStation>"
        f"<qrCode><fiscalCode>{ente.codice_fiscale}</fiscalCode><noticeNumber>{numero_avviso(iuv)}</noticeNumber>"
        f"</qrCode></p:{element}></s:Body></s:Envelope>"
    ).encode()


def _http(operation: str, body: bytes) -> bytes:
    head = (
        f"POST {PATH} HTTP/1.1\r\nHost: hub\r\nContent-Type: text/xml; charset=utf-8\r\n"
        f'SOAPAction: "{operation}"\r\nContent-Length: {len(body)}\r\n\r\n'
    )
    return head.encode() + body
