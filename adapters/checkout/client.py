"""Checkout, where a payer pays notices on line: a cart is posted, the address where the payer goes on comes back.

Source: node, Checkout carts (2.11).
"""

from __future__ import annotations

from collections.abc import Sequence
from urllib.parse import urlsplit

from adapters.rest import LimitiRest, Rest, RispostaRest
from hub.domain.carrello_checkout import AvvisoCarrello, CarrelloCheckout, RitorniCarrello
from hub.domain.delivery import Classe, Delivery, Outcome, Stazione
from hub.domain.documenti import Rpt
from hub.domain.errors import InvalidRequest, IuvNonValido
from hub.domain.iuv import numero_avviso
from hub.domain.pagamento_online import PagamentoOnline
from hub.domain.servizi_rest import ChiaviServizio, Servizio
from hub.formats.carrello_checkout import (
    CarrelloNonValido,
    is_email,
    is_postale,
    read_problema,
    render_carrello,
    shorten,
    without_attesa,
)
from hub.ports import Via

_PATHS = {1: "/checkout/ec/v1/carts", 2: "/checkout/ec/v2/carts"}
_URL_MAX = 2048
_NON_PAGABILE = 422


class CheckoutClient:
    """The profile `checkout`: notices leave in a cart, RPTs stay here. Safe to share between threads.

    Nothing is locked and nothing is charged until the payer acts, and then the hub is asked again notice by notice.
    """

    is_repeatable = True
    servizio: Servizio | None = Servizio.CHECKOUT

    def __init__(
        self, base_url: str, limiti: LimitiRest | None = None, *, public_url: str = "", is_open: bool = False
    ) -> None:
        """`public_url`: of the hub, where payers come back; `is_open`: it may be http, on a workbench."""
        self._rest = Rest(base_url, limiti)
        self._public_url, self._is_open = public_url, is_open
        # Nobody can be asked: what was paid comes as a receipt, what was not never says so.
        self.vie: Sequence[Via] = ()

    def write(self, pagamento: PagamentoOnline) -> bytes:
        """The cart, as version 2 has it. See `hub.ports.Nodo.write`."""
        back = f"{self._public_url}/paga/{pagamento.id_session}/checkout/"
        versamenti = [line for parte in pagamento.parti for line in parte.rpt.versamenti]
        email = pagamento.email if pagamento.email and is_email(pagamento.email) else None
        carrello = CarrelloCheckout(
            avvisi=tuple(_avvisi(pagamento)),
            ritorni=RitorniCarrello(*(back + name for name in ("ok", "annullato", "errore", "attesa"))),
            id_carrello=pagamento.id_carrello,
            email=email,
            solo_postali=all(is_postale(line.iban_accredito or "") for line in versamenti),
        )
        try:
            return render_carrello(carrello, 2, is_open=self._is_open)
        except CarrelloNonValido as error:
            raise InvalidRequest(f"questo pagamento non entra in un carrello di Checkout: {error}") from error

    def send(self, stazione: Stazione, payload: bytes, correlation_id: str) -> Delivery:
        """Post what `write` wrote, in the station's version. See `hub.ports.Nodo.send`."""
        body = payload if stazione.versione != 1 else without_attesa(payload)
        base_url = stazione.indirizzi.get(str(Servizio.CHECKOUT))
        return self.post_carrello(stazione.versione, body, stazione.chiavi, correlation_id, base_url)

    def post_carrello(
        self, versione: int, body: bytes, chiavi: ChiaviServizio, correlation_id: str, base_url: str | None = None
    ) -> Delivery:
        """Post a cart, version 1 or 2; DELIVERED carries `response["url"]` where the payer goes on.

        REFUSED: no cart (class D: a notice of it is paid or being paid); TRY_AGAIN: it never got there, or a pause is
        asked for; UNKNOWN: it may be there, and may be posted again. `base_url`: the station's own.
        """
        answer = self._rest.call("POST", _PATHS[versione], chiavi, correlation_id, body, base_url)
        return answer if isinstance(answer, Delivery) else _told(answer)


def _avvisi(pagamento: PagamentoOnline) -> list[AvvisoCarrello]:
    """One notice for each part; the share of a second beneficiary is a transfer of the first part's notice."""
    if not pagamento.is_multibeneficiario:
        return [_avviso(parte.rpt, parte.rpt.importo_cent) for parte in pagamento.parti]
    return [_avviso(pagamento.parti[0].rpt, sum(parte.rpt.importo_cent for parte in pagamento.parti))]


def _avviso(rpt: Rpt, importo_cent: int) -> AvvisoCarrello:
    """Raises: InvalidRequest (no notice number can be made of the IUV)."""
    try:
        numero = numero_avviso(rpt.iuv)
    except IuvNonValido as error:
        raise InvalidRequest(f"lo IUV {rpt.iuv} non ha un numero di avviso: con Checkout non si paga") from error
    # The causale of an RPT begins with IUV and amount, which the payer sees by themselves.
    text = rpt.versamenti[0].causale.partition("/TXT/")[2] or f"Avviso {numero}"
    return AvvisoCarrello(numero, rpt.dominio, importo_cent, shorten(rpt.ente.denominazione), shorten(text))


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
