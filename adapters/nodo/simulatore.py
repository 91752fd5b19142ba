"""The controls of our own simulated node: faults in force, faults to add, all of them off, its memory emptied."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import urllib3
from urllib3.exceptions import HTTPError

from hub.domain.prove_nodo import GuastoAttivo, Prova

# It answers from its memory; a person waits for the page.
_TIMEOUT = urllib3.Timeout(connect=1.0, read=3.0)
_ANSWER_MAX_BYTES = 1024 * 1024
# Rules that are shown; a script of a thousand is somebody else's.
_SHOWN_MAX = 50


class SimulatoreClient:
    """The simulator at an address. See `hub.ports.Simulatore`. Safe to share between threads."""

    def __init__(self, url: str) -> None:
        self._url = url.rstrip("/")
        self._http = urllib3.PoolManager(maxsize=2, retries=False, timeout=_TIMEOUT)

    def guasti(self) -> Sequence[GuastoAttivo] | None:
        answer = self._ask("GET", "/faults")
        rules = answer.get("guasti") if isinstance(answer, dict) else None
        if not isinstance(rules, list):
            return None
        read = [_read(rule) for rule in rules[:_SHOWN_MAX] if isinstance(rule, dict)]
        return [guasto for guasto in read if guasto.restano != 0]

    def accendi(self, prova: Prova, volte: int | None) -> bool:
        return self._ask("POST", "/faults", {**prova.regola, "times": volte}) is not None

    def spegni(self) -> bool:
        return self._ask("DELETE", "/faults") is not None

    def azzera(self) -> bool:
        return self._ask("DELETE", "/ledger") is not None

    def _ask(self, method: str, path: str, body: dict[str, Any] | None = None) -> Any:
        """Return what was answered, an empty object where that is nothing; None: no answer of a simulator."""
        headers = {"Content-Type": "application/json"} if body is not None else {}
        sent = None if body is None else json.dumps(body).encode()
        try:
            response = self._http.request(
                method, self._url + path, body=sent, headers=headers, redirect=False, preload_content=False
            )
            data = response.read(_ANSWER_MAX_BYTES + 1)
            response.release_conn()
            if not 200 <= response.status < 300 or len(data) > _ANSWER_MAX_BYTES:
                return None
            return json.loads(data) if data else {}
        except (HTTPError, ValueError, RecursionError):
            return None


def _read(rule: dict[str, Any]) -> GuastoAttivo:
    guasto = "=".join(str(rule[name])[:64] for name in ("kind", "code") if rule.get(name))
    left = rule.get("times_left")
    return GuastoAttivo(str(rule.get("operation", ""))[:64], guasto, left if isinstance(left, int) else None)
