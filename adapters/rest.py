"""The REST services of the platform: one bounded call, its keys tried in turn, every end of it told apart.

Shared by the clients of its products. Source: node, status of the carts (2.11), keys (5), limits (2.0.5); RFC 9110.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import urllib3
from urllib3.exceptions import HTTPError

from adapters.connessione import NOT_SENT, retry_after_s, telling
from hub.domain.delivery import Classe, Delivery, Outcome
from hub.domain.servizi_rest import ChiaviServizio
from hub.domain.traccia import inviato, ricevuto

KEY_HEADER = "Ocp-Apim-Subscription-Key"


@dataclass(frozen=True, slots=True)
class LimitiRest:
    """What one call may cost, for each key that is tried."""

    connect_s: float = 5.0
    read_s: float = 15.0
    answer_max_bytes: int = 1024 * 1024
    connections_max: int = 16


@dataclass(frozen=True, slots=True)
class RispostaRest:
    """An answer that somebody thought about: neither a refusal of the key, nor a pause asked for, nor a breakdown."""

    status: int
    headers: Mapping[str, str]
    body: bytes


class Rest:
    """The services under `base_url`. Safe to share between threads; redirects are answers, they are not followed."""

    def __init__(self, base_url: str, limiti: LimitiRest | None = None) -> None:
        self._base_url = base_url.rstrip("/")
        self._limiti = limiti or LimitiRest()
        timeout = urllib3.Timeout(connect=self._limiti.connect_s, read=self._limiti.read_s)
        pools = urllib3.PoolManager(maxsize=self._limiti.connections_max, block=False, retries=False, timeout=timeout)
        self._http = telling(pools)

    def call(
        self,
        method: str,
        path: str,
        chiavi: ChiaviServizio,
        correlation_id: str,
        body: bytes | None = None,
        base_url: str | None = None,
    ) -> RispostaRest | Delivery:
        """Call `path`, under a station's own `base_url` if it has one; a Delivery when nobody has judged the request.

        REFUSED (class C): no key is known; TRY_AGAIN: 429, with the pause asked for, or the request never left;
        UNKNOWN: 5xx, no answer, too much of it.
        """
        url = (base_url or self._base_url) + path
        answer: RispostaRest | Delivery = Delivery(Outcome.REFUSED, "SENZA_CHIAVE", "il servizio non ha chiavi")
        for chiave in chiavi.chiavi:
            answer = self._once(method, url, chiave, correlation_id, body)
            if not (isinstance(answer, Delivery) and answer.classe is Classe.CONFIGURAZIONE):
                break
        return answer

    def _once(
        self, method: str, url: str, chiave: str, correlation_id: str, body: bytes | None
    ) -> RispostaRest | Delivery:
        headers = {
            "Accept": "application/json",
            "User-Agent": "PontePA",
            KEY_HEADER: chiave,
            "X-Request-Id": correlation_id,
            "X-Correlation-Id": correlation_id,
        }
        if body is not None:
            headers["Content-Type"] = "application/json"
        limit = self._limiti.answer_max_bytes
        inviato(body or b"")
        try:
            response = self._http.request(
                method, url, body=body, headers=headers, redirect=False, preload_content=False
            )
            data = response.read(limit + 1)
            if len(data) > limit:
                response.close()
            else:
                response.release_conn()
            ricevuto(data, response.status)
        except NOT_SENT as error:
            return Delivery(Outcome.TRY_AGAIN, type(error).__name__, is_answered=False)
        except HTTPError as error:
            return Delivery(Outcome.UNKNOWN, type(error).__name__, is_answered=False)
        if len(data) > limit:
            return Delivery(Outcome.UNKNOWN, "RISPOSTA_TROPPO_GRANDE", is_answered=False)
        return _judged(RispostaRest(response.status, response.headers, data))


def _judged(answer: RispostaRest) -> RispostaRest | Delivery:
    code = f"HTTP_{answer.status}"
    if answer.status in (401, 403):
        detail = "la piattaforma non riconosce la chiave di sottoscrizione"
        return Delivery(Outcome.REFUSED, code, detail, classe=Classe.CONFIGURAZIONE)
    if answer.status == 429:
        pause = retry_after_s(answer.headers)
        return Delivery(Outcome.TRY_AGAIN, code, retry_after_s=pause, classe=Classe.TRANSITORIA)
    if answer.status >= 500:
        return Delivery(Outcome.UNKNOWN, code, classe=Classe.AMBIGUA, is_answered=False)
    return answer
