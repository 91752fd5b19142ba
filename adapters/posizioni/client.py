"""The platform's archive of debt positions: an upsert, and a read where the upsert is refused.

Source: node, ACA and debt positions (2.13).
"""

from __future__ import annotations

from dataclasses import replace
from urllib.parse import quote

from adapters.rest import LimitiRest, Rest, RispostaRest
from hub.domain.delivery import Classe, Delivery, Outcome
from hub.domain.posizione_aca import CHIUSE, PAGATE, PosizioneAca, iupd_of
from hub.domain.servizi_rest import ChiaviServizio
from hub.formats.carrello_checkout import read_problema
from hub.formats.posizione_aca import PosizioneLetta, read_posizione, read_posizione_letta
from hub.formats.posizione_intera import read_posizione_intera

_CREATE = "/aca/v1/paCreatePosition"
_POSIZIONI = "/aca/debt-positions-service/v1/organizations/{}/debtpositions"
_PUBBLICA = "?toPublish=true"
# What is not taken because of what is there: to be read and compared.
_DA_CONFRONTARE = frozenset({409, 422})


class PosizioniClient:
    """The archive of the platform at `base_url`. Safe to share between threads."""

    def __init__(self, base_url: str, limiti: LimitiRest | None = None) -> None:
        self._rest = Rest(base_url, limiti)

    def publish(self, body: bytes, chiavi: ChiaviServizio, correlation_id: str) -> Delivery:
        """Publish, change or close a position. See `hub.ports.Posizioni.publish`."""
        whole = read_posizione_intera(body)
        if whole is not None:
            return self._publish_whole(whole, body, chiavi, correlation_id)
        answer = self._rest.call("POST", _CREATE, chiavi, correlation_id, body)
        if isinstance(answer, Delivery):
            return answer
        return self._judged(read_posizione(body), answer, chiavi, correlation_id)

    def _publish_whole(
        self, wanted: PosizioneAca, body: bytes, chiavi: ChiaviServizio, correlation_id: str
    ) -> Delivery:
        """Several transfers, or a stamp: changed where it is, created where it is not, published at once."""
        answer = self._rest.call("PUT", _path(wanted) + _PUBBLICA, chiavi, correlation_id, body)
        if isinstance(answer, RispostaRest) and answer.status == 404:
            path = _POSIZIONI.format(quote(wanted.dominio, safe="")) + _PUBBLICA
            answer = self._rest.call("POST", path, chiavi, correlation_id, body)
        return answer if isinstance(answer, Delivery) else self._judged(wanted, answer, chiavi, correlation_id)

    def _judged(
        self, wanted: PosizioneAca, answer: RispostaRest, chiavi: ChiaviServizio, correlation_id: str
    ) -> Delivery:
        if answer.status in (200, 201):
            found = read_posizione_letta(answer.body)
            if found is None:
                return Delivery(Outcome.UNKNOWN, "RISPOSTA_NON_LEGGIBILE", is_answered=False)
            return Delivery(Outcome.DELIVERED, response={"stato": found.stato})
        if answer.status in _DA_CONFRONTARE:
            return self._compare(wanted, answer, chiavi, correlation_id)
        return _refused(answer)

    def _compare(
        self, wanted: PosizioneAca, refusal: RispostaRest, chiavi: ChiaviServizio, correlation_id: str
    ) -> Delivery:
        """Read the position and say whether what was wanted is what is there."""
        answer = self._rest.call("GET", _path(wanted), chiavi, correlation_id)
        if isinstance(answer, Delivery):
            return replace(answer, outcome=Outcome.UNKNOWN, is_answered=False)
        found = read_posizione_letta(answer.body) if answer.status == 200 else None
        if found is None:
            return _refused(refusal)
        if wanted.is_chiusura:
            is_there = found.stato in CHIUSE
        else:
            is_there = found.importo_cent == wanted.importo_cent and found.stato not in CHIUSE
        if is_there:
            return Delivery(Outcome.DELIVERED, response={"stato": found.stato})
        return _told_apart(refusal, found)


def _path(wanted: PosizioneAca) -> str:
    iupd = quote(iupd_of(wanted.dominio, wanted.iuv), safe="")
    return f"{_POSIZIONI.format(quote(wanted.dominio, safe=''))}/{iupd}"


def _told_apart(refusal: RispostaRest, found: PosizioneLetta) -> Delivery:
    classe = Classe.GIA_PAGATA if found.stato in PAGATE else Classe.RICHIESTA
    detail = f"la posizione è {found.stato[:32]}, di {found.importo_cent} centesimi"
    return Delivery(Outcome.REFUSED, f"HTTP_{refusal.status}", detail, {"stato": found.stato}, classe=classe)


def _refused(answer: RispostaRest) -> Delivery:
    code = f"HTTP_{answer.status}"
    if 400 <= answer.status < 500:
        return Delivery(Outcome.REFUSED, code, read_problema(answer.body), classe=Classe.RICHIESTA)
    return Delivery(Outcome.UNKNOWN, code, is_answered=False)
