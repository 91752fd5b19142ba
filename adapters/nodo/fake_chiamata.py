"""The simulated node as a client of the hub: one call, its time, and what the PSP is told when it fails.

Source: node, endpoint behaviour (3.0.1): a late, missing or unusable answer has a PPT code of its own.
"""

from __future__ import annotations

import time
from dataclasses import dataclass

import urllib3

CONNECT_S = 5.0
# How many calls may be under way with connections that are kept.
_CONNECTIONS = 64
IRRAGGIUNGIBILE = "PPT_STAZIONE_INT_PA_IRRAGGIUNGIBILE"
IN_RITARDO = "PPT_STAZIONE_INT_PA_TIMEOUT"
NON_ATTIVO = "PPT_STAZIONE_INT_PA_SERVIZIO_NONATTIVO"
NON_VALIDA = "PPT_STAZIONE_INT_PA_ERRORE_RESPONSE"
EMESSO_DA_PAA = "PPT_ERRORE_EMESSO_DA_PAA"
# The service is not there, or says that it is closed.
_CLOSED = frozenset({404, 405, 429, 502, 503, 504})


@dataclass(frozen=True, slots=True)
class Ricevuto:
    """What came back. `problema` is a PPT code, empty when there is a `body` to be read; `ms` the whole call."""

    body: bytes
    problema: str
    dettaglio: str
    ms: int


class HubCalls:
    """The hub behind `base_url`. Safe to share between threads."""

    def __init__(self, base_url: str) -> None:
        self._base_url = base_url.rstrip("/")
        self._http = urllib3.PoolManager(maxsize=_CONNECTIONS, retries=False)

    def post(self, path: str, operazione: str, body: bytes, limit_s: float, correlation_id: str = "") -> Ricevuto:
        """Call the hub and wait no longer than the node does."""
        headers = {"Content-Type": "text/xml; charset=UTF-8", "SOAPAction": f'"{operazione}"'}
        if correlation_id:
            headers["X-Correlation-Id"] = correlation_id
        started = time.perf_counter()
        try:
            response = self._http.request(
                "POST", self._base_url + path, body=body, headers=headers, redirect=False,
                timeout=urllib3.Timeout(total=limit_s, connect=min(CONNECT_S, limit_s)),
            )  # fmt: skip
        except urllib3.exceptions.ReadTimeoutError:
            return Ricevuto(b"", IN_RITARDO, f"nessuna risposta in {limit_s:g} s", _ms(started))
        except urllib3.exceptions.HTTPError as error:
            return Ricevuto(b"", IRRAGGIUNGIBILE, type(error).__name__, _ms(started))
        if response.status != 200:
            problema = NON_ATTIVO if response.status in _CLOSED else NON_VALIDA
            return Ricevuto(b"", problema, f"HTTP {response.status}", _ms(started))
        return Ricevuto(response.data, "", "", _ms(started))

    def close(self) -> None:
        self._http.clear()


def _ms(started: float) -> int:
    return round((time.perf_counter() - started) * 1000)
