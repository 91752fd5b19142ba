"""The real systems of the entes: signed pushes, every end of a call told as one of four outcomes.

Source: pa-per-ente, push of the outcome (4.2).
"""

from __future__ import annotations

import json
import ssl
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from adapters.connessione import retry_after_s
from adapters.ente.chiamata import Limiti, NonPartita, Risposta, SenzaRisposta, call
from adapters.ente.firma import sign
from adapters.indirizzi import IndirizzoNonAmmesso, NomeNonRisolto
from hub.domain.delivery import Delivery, Outcome
from hub.domain.inoltro import InvioEsito
from hub.formats.testi import clean

_DETAIL_MAX = 300


def utc_now() -> datetime:
    return datetime.now(UTC)


class EnteClient:
    """The systems of the entes. Safe to share between threads.

    `is_open`: http and private addresses too (demo, workbench). `context`: certificates that are trusted; the
    machine's when absent.
    """

    def __init__(
        self,
        *,
        is_open: bool,
        limiti: Limiti | None = None,
        context: ssl.SSLContext | None = None,
        clock: Callable[[], datetime] = utc_now,
    ) -> None:
        self._is_open = is_open
        self._limiti = limiti or Limiti()
        self._context = context
        self._clock = clock

    def push_esito(self, invio: InvioEsito) -> Delivery:
        """Tell an outcome. See `hub.ports.SistemaEnte.push_esito`."""
        headers = {"Content-Type": "application/json", "Accept": "application/json", **sign(invio, self._clock())}
        try:
            risposta = call(
                invio.url, headers, invio.corpo, is_open=self._is_open, limiti=self._limiti, context=self._context
            )
        except IndirizzoNonAmmesso as error:
            return Delivery(Outcome.REFUSED, "INDIRIZZO_NON_AMMESSO", str(error))
        except NomeNonRisolto as error:
            return Delivery(Outcome.TRY_AGAIN, "NOME_NON_RISOLTO", str(error))
        except NonPartita as error:
            return Delivery(Outcome.TRY_AGAIN, str(error), "il sistema dell'ente non accetta la connessione")
        except SenzaRisposta as error:
            return Delivery(Outcome.UNKNOWN, str(error), "il sistema dell'ente non ha risposto per intero")
        return _read(risposta)


def _read(risposta: Risposta) -> Delivery:
    code, description = _fault(risposta.body)
    if 200 <= risposta.status < 300:
        if not code:
            return Delivery(Outcome.DELIVERED)
        return Delivery(Outcome.TRY_AGAIN, code[:64], clean(description or code, _DETAIL_MAX))
    words = "ha rinviato altrove (non si segue)" if 300 <= risposta.status < 400 else "ha risposto"
    detail = f"il sistema dell'ente {words}: HTTP {risposta.status}"
    if code:
        detail += f", {clean(f'{code} {description}', _DETAIL_MAX)}"
    headers = {name.lower(): value for name, value in risposta.headers.items()}
    return Delivery(
        Outcome.TRY_AGAIN, f"HTTP_{risposta.status}", detail, retry_after_s=retry_after_s(headers)
    )


def _fault(body: bytes) -> tuple[str, str]:
    """The non-blank `faultCode` of an answer and its description; empty when there is none, or the body is not JSON."""
    try:
        words: Any = json.loads(body)
    except (ValueError, RecursionError):
        return "", ""
    if not isinstance(words, dict):
        return "", ""
    code, description = words.get("faultCode"), words.get("faultDescription")
    return clean(_text(code), 64), _text(description)


def _text(value: Any) -> str:
    return value if isinstance(value, str) else "" if value is None else str(value)[:_DETAIL_MAX]
