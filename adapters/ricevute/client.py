"""BizEvents: one receipt by ente and IUR, when nobody brought it. Source: node, BizEvents receipts (2.14)."""

from __future__ import annotations

from urllib.parse import quote

from adapters.rest import LimitiRest, Rest
from hub.domain.delivery import Classe, Delivery, Outcome
from hub.domain.pagamento_online import Trovato
from hub.domain.servizi_rest import ChiaviServizio
from hub.formats.carrello_checkout import read_problema

_RECEIPT = "/bizevents/service/v1/organizations/{}/receipts/{}"
_OF_IUV = "/paymentoptions/{}"


class RicevuteClient:
    """The receipts of the platform at `base_url`. Safe to share between threads."""

    def __init__(self, base_url: str, limiti: LimitiRest | None = None) -> None:
        self._rest = Rest(base_url, limiti)

    def ask(self, dominio: str, iur: str, iuv: str, chiavi: ChiaviServizio, correlation_id: str) -> Trovato:
        """Ask for a receipt. See `hub.ports.Ricevute.ask`."""
        path = _RECEIPT.format(quote(dominio, safe=""), quote(iur, safe=""))
        if iuv:
            path += _OF_IUV.format(quote(iuv, safe=""))
        answer = self._rest.call("GET", path, chiavi, correlation_id)
        if isinstance(answer, Delivery):
            return Trovato(answer)
        code = f"HTTP_{answer.status}"
        if answer.status == 200:
            return Trovato(Delivery(Outcome.DELIVERED, code), documento=answer.body, genere="bizEvents")
        if answer.status == 404:
            # Not there yet, or never: the events of a payment take hours.
            return Trovato(Delivery(Outcome.UNKNOWN, code, read_problema(answer.body)))
        return Trovato(Delivery(Outcome.REFUSED, code, read_problema(answer.body), classe=Classe.RICHIESTA))
