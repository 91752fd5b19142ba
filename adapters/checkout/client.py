"""Checkout, where a payer pays notices on line: a cart is posted, the address where the payer goes on comes back.

Source: node, Checkout carts (2.11).
"""

from __future__ import annotations

from urllib.parse import urlsplit

from adapters.rest import LimitiRest, Rest, RispostaRest
from hub.domain.delivery import Classe, Delivery, Outcome
from hub.domain.servizi_rest import ChiaviServizio
from hub.formats.carrello_checkout import read_problema

_PATHS = {1: "/checkout/ec/v1/carts", 2: "/checkout/ec/v2/carts"}
_URL_MAX = 2048
_NON_PAGABILE = 422


class CheckoutClient:
    """The carts of the platform at `base_url`. Safe to share between threads."""

    def __init__(self, base_url: str, limiti: LimitiRest | None = None) -> None:
        self._rest = Rest(base_url, limiti)

    def post_carrello(self, versione: int, body: bytes, chiavi: ChiaviServizio, correlation_id: str) -> Delivery:
        """Post a cart. See `hub.ports.Checkout.post_carrello`."""
        answer = self._rest.call("POST", _PATHS[versione], chiavi, correlation_id, body)
        return answer if isinstance(answer, Delivery) else _told(answer)


def _told(answer: RispostaRest) -> Delivery:
    code = f"HTTP_{answer.status}"
    if answer.status in (302, 303):
        url = answer.headers.get("Location", "")
        if not _is_address(url):
            return Delivery(Outcome.UNKNOWN, "LOCATION_NON_LEGGIBILE", is_answered=False)
        return Delivery(Outcome.DELIVERED, response={"url": url, "id_carrello": id_carrello_of(url)})
    if 400 <= answer.status < 500:
        classe = Classe.GIA_PAGATA if answer.status == _NON_PAGABILE else Classe.RICHIESTA
        return Delivery(Outcome.REFUSED, code, read_problema(answer.body), classe=classe)
    # A page where a redirect was due: who answers is not the service.
    return Delivery(Outcome.UNKNOWN, code, is_answered=False)


def id_carrello_of(url: str) -> str:
    """Return Checkout's own name of a cart, the last part of the path of its address.

    >>> id_carrello_of("https://checkout.pagopa.it/c/3f2b8a?clientId=x")
    '3f2b8a'
    """
    return urlsplit(url).path.rstrip("/").rpartition("/")[2][:128]


def _is_address(url: str) -> bool:
    if len(url) > _URL_MAX or any(char <= " " or char in '\\"<>\x7f' for char in url):
        return False
    try:
        parts = urlsplit(url)
        _ = parts.port
    except ValueError:
        return False
    return parts.scheme in ("http", "https") and bool(parts.hostname) and "@" not in parts.netloc
