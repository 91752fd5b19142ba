"""What the server itself tells who is turned away, in the words of the path: a SOAP fault, a problem document, a text.

Source: SOAP 1.1, 4.4 and 6.2; RFC 9457; flows, 1.2 (the legacy upload).
"""

from __future__ import annotations

import json
from collections.abc import Callable, Collection
from dataclasses import dataclass

from hub.web.rsgi import Exchange

# Return a SOAP 1.1 fault with this code and text.
Fault = Callable[[str, str], bytes]
_PROBLEM, _JSON, _TEXT = "application/problem+json", "application/json", "text/plain; charset=utf-8"
_CODICI = {408: "RICHIESTA_TROPPO_LENTA", 400: "RICHIESTA_NON_VALIDA"}


@dataclass(frozen=True, slots=True)
class Rifiuti:
    """`soap`: path prefixes of the SOAP services; `fault`: how their refusals are written; `legacy`: of the older
    upload; `problems`: prefixes of the doors for files."""

    soap: Collection[str] = ()
    fault: Fault | None = None
    legacy: Collection[str] = ()
    problems: Collection[str] = ()

    def tell(self, exchange: Exchange, path: str, status: int, text: str, *headers: tuple[str, str]) -> None:
        """Answer a request that nobody looked at."""
        media, body = self._written(path, status, text)
        exchange.response_bytes(status, [("content-type", media), *headers], body)

    def _written(self, path: str, status: int, text: str) -> tuple[str, bytes]:
        if self.fault is not None and path.startswith(tuple(self.soap)):
            return "text/xml; charset=utf-8", self.fault("Server" if status >= 500 else "Client", text)
        if path in self.legacy:
            return _JSON, json.dumps([{"codice": "500", "descrizione": text}], ensure_ascii=False).encode()
        if path.startswith("/health/"):
            return _JSON, json.dumps({"stato": "non pronto", "motivo": text}, ensure_ascii=False).encode()
        if not path.startswith(tuple(self.problems)):
            return _TEXT, text.encode()
        sentence, _, remedy = text.partition(": ")
        codice = _CODICI.get(status, "SERVIZIO_NON_DISPONIBILE")
        title = "Servizio non disponibile" if status >= 500 else "Richiesta rifiutata"
        values = {
            "type": "about:blank",
            "title": title,
            "status": status,
            "detail": sentence,
            "codice": codice,
            "dettaglio": sentence,
            "rimedio": remedy,
        }
        return _PROBLEM, json.dumps(values, ensure_ascii=False).encode()
