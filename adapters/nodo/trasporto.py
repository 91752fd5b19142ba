"""One call to the platform over HTTP: every end of it told as an answer, or as what its lack means.

Shared by the transports: what is proven not to have left, what is in doubt, 429 with its pause, 401 and 403.
Source: node, fault classes (2.0.4), time-outs (2.0.5).
"""

from __future__ import annotations

import threading
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from hashlib import sha256

import urllib3
from urllib3.exceptions import HTTPError

from adapters.connessione import NOT_SENT, retry_after_s, telling
from adapters.nodo.faults import classe_of
from hub.domain.credenziali import IdentitaTls
from hub.domain.delivery import Classe, Delivery, Outcome, Stazione
from hub.domain.traccia import ricevuto
from hub.formats.identita_tls import build_contesto

# An answer of the platform is a few kB; more than this is not one.
ANSWER_MAX_BYTES = 4 * 1024 * 1024
# Certificates that follow each other, of as many stations as an intermediary has; past them all is begun again.
_IDENTITIES_MAX = 256


@dataclass(frozen=True, slots=True)
class Attese:
    """Seconds, at most: to connect, for the answer to what changes state, for the answer to a question."""

    connessione_s: float
    invio_s: float
    lettura_s: float

    def of(self, stazione: Stazione, *, is_question: bool) -> urllib3.Timeout:
        """Those of one call: a station may have shorter ones, never longer: the lease of a message counts on them."""
        own = stazione.attese
        name, most = ("lettura", self.lettura_s) if is_question else ("invio", self.invio_s)
        return urllib3.Timeout(
            connect=min(own.get("connessione", self.connessione_s), self.connessione_s),
            read=min(own.get(name, most), most),
        )


@dataclass(frozen=True, slots=True)
class Risposta:
    status: int
    headers: Mapping[str, str]
    body: bytes


class Trasporto:
    """Pools of connections, one for each identity. Safe to share between threads. No redirects, nothing tried twice."""

    def __init__(self, connections_max: int = 16) -> None:
        self._connections_max = connections_max
        self._lock = threading.Lock()
        self._pools: dict[str, urllib3.PoolManager] = {}

    def _pool(self, identita: IdentitaTls | None) -> urllib3.PoolManager:
        """Return the connections on which this identity is shown: no other may ever travel on them.

        Raises: Misconfigured (a certificate and a key that do not belong together).
        """
        name = "" if identita is None else sha256(f"{identita.certificato}\0{identita.chiave}".encode()).hexdigest()
        with self._lock:
            pool = self._pools.get(name)
            if pool is None:
                if len(self._pools) >= _IDENTITIES_MAX:
                    self._pools.clear()
                pool = self._pools[name] = self._build(identita)
        return pool

    def _build(self, identita: IdentitaTls | None) -> urllib3.PoolManager:
        # Without an identity the library's own context: the system's authorities, whatever they become.
        context = None if identita is None else build_contesto(identita)
        pools = urllib3.PoolManager(maxsize=self._connections_max, block=False, retries=False, ssl_context=context)
        return telling(pools)

    def call(
        self,
        method: str,
        url: str,
        *,
        timeout: urllib3.Timeout,
        headers: Mapping[str, str],
        body: bytes | None = None,
        answers: Collection[int] = (200,),
        identita: IdentitaTls | None = None,
    ) -> Risposta | Delivery:
        """Return the answer when its status is one of `answers`, otherwise what the end of the call means."""
        pool = self._pool(identita)
        try:
            response = pool.request(
                method, url, body=body, headers=dict(headers), redirect=False, preload_content=False, timeout=timeout
            )
            data = response.read(ANSWER_MAX_BYTES + 1)
            if len(data) > ANSWER_MAX_BYTES:
                response.close()
            ricevuto(data, response.status)
        except NOT_SENT as error:
            return Delivery(Outcome.TRY_AGAIN, type(error).__name__, is_answered=False)
        except HTTPError as error:
            return Delivery(Outcome.UNKNOWN, type(error).__name__, is_answered=False)
        if response.status not in answers:
            return _from_status(response.status, response.headers)
        if len(data) > ANSWER_MAX_BYTES:
            return Delivery(Outcome.UNKNOWN, "RISPOSTA_TROPPO_GRANDE", is_answered=False)
        return Risposta(response.status, response.headers, data)


def _from_status(status: int, headers: Mapping[str, str]) -> Delivery:
    code = f"HTTP_{status}"
    classe = classe_of(code)
    if classe is Classe.TRANSITORIA:
        return Delivery(Outcome.TRY_AGAIN, code, retry_after_s=retry_after_s(headers), classe=classe)
    if classe is Classe.CONFIGURAZIONE:
        return Delivery(Outcome.REFUSED, code, "il nodo non riconosce la stazione", classe=classe)
    return Delivery(Outcome.UNKNOWN, code, classe=classe, is_answered=False)
