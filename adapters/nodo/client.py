"""The real node: contract-built messages over urllib3, every end of a call told as one of four outcomes.

Source: node, common rules (2.0), nodoInviaRPT (2.1), nodoInviaCarrelloRPT (2.2), nodoChiediStatoRPT (2.3).
"""

from __future__ import annotations

import ssl
from dataclasses import replace

import urllib3
from urllib3.connection import HTTPSConnection
from urllib3.connectionpool import HTTPSConnectionPool
from urllib3.exceptions import ConnectTimeoutError, HTTPError, NameResolutionError, NewConnectionError

from adapters.nodo.faults import CHIEDI_STATO, classe_of, outcome_of, outcome_of_stato
from hub.domain.delivery import ChiaveRpt, Classe, Delivery, Outcome, Stazione
from hub.formats.nodo_messaggi import (
    RispostaNonLeggibile,
    build_chiedi_stato_rpt,
    read_chiedi_stato_rpt_risposta,
    read_invia_carrello_rpt_risposta,
    read_invia_rpt_risposta,
)

# An answer of the node is a few kB; more than this is not one.
_ANSWER_MAX_BYTES = 4 * 1024 * 1024
# The request never left: nothing can have been processed.
_NOT_SENT = (NewConnectionError, ConnectTimeoutError, NameResolutionError)
_LEAST_SURE_FIRST = (Outcome.UNKNOWN, Outcome.TRY_AGAIN, Outcome.REFUSED, Outcome.DELIVERED)
# A longer pause than the node may ask for: the position is locked meanwhile.
_RETRY_AFTER_MAX_S = 3600


class _Connection(HTTPSConnection):
    """Tells a handshake that failed from a TLS error after the request has left, which is no proof of anything."""

    def connect(self) -> None:
        try:
            super().connect()
        except ssl.SSLError as error:
            raise NewConnectionError(self, f"TLS: {error.reason}") from error


class _ConnectionPool(HTTPSConnectionPool):
    ConnectionCls = _Connection


class NodoClient:
    """The node behind `base_url`. Safe to share between threads."""

    def __init__(
        self, base_url: str, *, connect_timeout_s: float, read_timeout_s: float, connections_max: int = 16
    ) -> None:
        self._url = base_url.rstrip("/") + "/nodo"
        self._http = urllib3.PoolManager(
            maxsize=connections_max,
            block=False,
            retries=False,
            timeout=urllib3.Timeout(connect=connect_timeout_s, read=read_timeout_s),
        )
        self._http.pool_classes_by_scheme = self._http.pool_classes_by_scheme | {"https": _ConnectionPool}

    def send(self, operation: str, envelope: bytes, correlation_id: str) -> Delivery:
        """Send a message that changes state at the node. See `hub.ports.Nodo.send`."""
        answer = self._call(operation, envelope, correlation_id)
        if isinstance(answer, Delivery):
            return answer
        is_cart = operation == "nodoInviaCarrelloRPT"
        read = read_invia_carrello_rpt_risposta if is_cart else read_invia_rpt_risposta
        try:
            risposta = read(answer)
        except RispostaNonLeggibile as error:
            return _unreadable(error)
        if risposta.is_ok:
            return Delivery(Outcome.DELIVERED, response={"url": risposta.url} if risposta.url else {})
        codes = [fault.code for fault in (risposta.fault, *risposta.errori) if fault is not None]
        return _from_faults(operation, codes)

    def ask_stato(self, stazione: Stazione, chiave: ChiaveRpt, correlation_id: str) -> Delivery:
        """Ask what became of an attempt. See `hub.ports.Nodo.ask_stato`."""
        envelope = build_chiedi_stato_rpt(stazione, chiave)
        answer = self._call("nodoChiediStatoRPT", envelope, correlation_id)
        if isinstance(answer, Delivery):
            # Whatever happened to the question, the attempt is as unknown as before.
            return replace(answer, outcome=Outcome.UNKNOWN)
        try:
            risposta = read_chiedi_stato_rpt_risposta(answer)
        except RispostaNonLeggibile as error:
            return _unreadable(error)
        if risposta.fault is not None:
            return _from_faults(CHIEDI_STATO, [risposta.fault.code])
        response = {"url": risposta.url} if risposta.url else {}
        return Delivery(outcome_of_stato(risposta.stato), risposta.stato, response=response)

    def _call(self, operation: str, envelope: bytes, correlation_id: str) -> bytes | Delivery:
        headers = {
            "Content-Type": "text/xml; charset=utf-8",
            "SOAPAction": f'"{operation}"',
            "X-Correlation-Id": correlation_id,
        }
        try:
            response = self._http.request(
                "POST", self._url, body=envelope, headers=headers, redirect=False, preload_content=False
            )
            body = response.read(_ANSWER_MAX_BYTES + 1)
            if len(body) > _ANSWER_MAX_BYTES:
                response.close()
        except _NOT_SENT as error:
            return Delivery(Outcome.TRY_AGAIN, type(error).__name__, is_answered=False)
        except HTTPError as error:
            return Delivery(Outcome.UNKNOWN, type(error).__name__, is_answered=False)
        return _from_status(response.status, response.headers.get("Retry-After"), body)


def _from_status(status: int, retry_after: str | None, body: bytes) -> bytes | Delivery:
    code = f"HTTP_{status}"
    classe = classe_of(code)
    if classe is Classe.TRANSITORIA:
        return Delivery(Outcome.TRY_AGAIN, code, retry_after_s=_seconds(retry_after or ""), classe=classe)
    if classe is Classe.CONFIGURAZIONE:
        return Delivery(Outcome.REFUSED, code, "il nodo non riconosce la stazione", classe=classe)
    if status != 200:
        return Delivery(Outcome.UNKNOWN, code, classe=classe, is_answered=False)
    if len(body) > _ANSWER_MAX_BYTES:
        return Delivery(Outcome.UNKNOWN, "RISPOSTA_TROPPO_GRANDE", is_answered=False)
    return body


def _unreadable(error: RispostaNonLeggibile) -> Delivery:
    return Delivery(Outcome.UNKNOWN, "RISPOSTA_NON_LEGGIBILE", str(error), is_answered=False)


def _seconds(retry_after: str) -> float | None:
    """The pause that a Retry-After asks for; None for a date or nonsense."""
    if not (retry_after.isascii() and retry_after.isdigit() and len(retry_after) < 10):
        return None
    return float(min(int(retry_after), _RETRY_AFTER_MAX_S))


def _from_faults(primitiva: str, codes: list[str]) -> Delivery:
    """One outcome for all the faults of an answer: what is not sure makes the whole not sure."""
    if not codes:
        return Delivery(Outcome.UNKNOWN, "KO_SENZA_FAULT", is_answered=False)
    by_outcome = {outcome_of(primitiva, code): code for code in reversed(codes)}
    outcome = next(one for one in _LEAST_SURE_FIRST if one in by_outcome)
    return Delivery(outcome, by_outcome[outcome], classe=classe_of(by_outcome[outcome]))
