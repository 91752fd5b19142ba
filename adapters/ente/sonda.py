"""Questions to an endpoint that is being tried: whatever it does comes back as a value, within bytes and seconds."""

from __future__ import annotations

import socket
import ssl
import time
from datetime import UTC, datetime
from urllib.parse import urlsplit

from adapters.ente.chiamata import Limiti, NonPartita, SenzaRisposta, call
from adapters.indirizzi import IndirizzoNonAmmesso, NomeNonRisolto
from hub.domain.conformita.domanda import Domanda, Ritorno


class SondaClient:
    """Puts questions, one connection each. `is_open`: http and private addresses too.

    `context`: certificates that are trusted; the machine's when absent.
    """

    def __init__(self, *, is_open: bool, limiti: Limiti | None = None, context: ssl.SSLContext | None = None) -> None:
        self._is_open = is_open
        self._limiti = limiti or Limiti()
        self._context = context or ssl.create_default_context()

    def __call__(self, domanda: Domanda) -> Ritorno:
        """See `hub.domain.conformita.domanda.Chiedi`."""
        started = time.perf_counter()
        try:
            risposta = call(
                domanda.url, domanda.intestazioni, domanda.corpo, is_open=self._is_open, limiti=self._limiti,
                context=self._context, method=domanda.metodo,
            )  # fmt: skip
        except IndirizzoNonAmmesso as error:
            return Ritorno(errore=f"INDIRIZZO_NON_AMMESSO: {error}")
        except NomeNonRisolto as error:
            return Ritorno(errore=f"NOME_NON_RISOLTO: {error}")
        except (NonPartita, SenzaRisposta) as error:
            return Ritorno(errore=str(error), durata_ms=_ms(started))
        headers = {name.lower(): value[:1000] for name, value in risposta.headers.items()}
        return Ritorno(risposta.status, _ms(started), headers, risposta.body)

    def giorni_certificato(self, url: str) -> int | None:
        """For how many days the certificate of an https address is still valid; None without one that is trusted."""
        parts = urlsplit(url)
        if parts.scheme != "https" or not parts.hostname:
            return None
        try:
            with socket.create_connection((parts.hostname, parts.port or 443), self._limiti.connect_s) as plain:
                with self._context.wrap_socket(plain, server_hostname=parts.hostname) as connection:
                    shown = connection.getpeercert() or {}
        except OSError:
            return None
        ends = ssl.cert_time_to_seconds(str(shown.get("notAfter", "Jan  1 00:00:00 1970 GMT")))
        return int((ends - datetime.now(UTC).timestamp()) // 86_400)


def _ms(started: float) -> int:
    return round((time.perf_counter() - started) * 1000)
