"""The real external archives: one call, a budget of seconds, never a second try.

Source: pa-per-ente, ente as archive (4.3): a failure is reported to the node at once.
"""

from __future__ import annotations

import ssl

from adapters.ente.chiamata import Limiti, NonPartita, SenzaRisposta, call
from adapters.indirizzi import IndirizzoNonAmmesso, NomeNonRisolto
from hub.domain.archivio import ChiaveArchivio, PagamentoPsp, RispostaArchivio
from hub.domain.delivery import Outcome
from hub.formats.archivio import (
    ATTIVA,
    AVVISO,
    LIMITS,
    VERIFICA,
    build_attiva,
    build_avviso,
    build_verifica,
    read_risposta,
)

# The node waits for us meanwhile, and a payer for the node.
LIMITI_ARCHIVIO = Limiti(connect_s=3.0, read_s=5.0, total_s=8.0, answer_max_bytes=LIMITS.bytes_max)


class ArchivioClient:
    """The archives of the entes. Safe to share between threads.

    `is_open`: http and private addresses too (demo, workbench). `context`: certificates that are trusted; the
    machine's when absent.
    """

    def __init__(
        self, *, is_open: bool, limiti: Limiti = LIMITI_ARCHIVIO, context: ssl.SSLContext | None = None
    ) -> None:
        self._is_open = is_open
        self._limiti = limiti
        self._context = context

    def verifica(self, url: str, chiave: ChiaveArchivio, psp: str) -> RispostaArchivio:
        """See `hub.ports.ArchivioEsterno.verifica`."""
        return self._ask(url, VERIFICA, build_verifica(chiave, psp))

    def attiva(self, url: str, chiave: ChiaveArchivio, pagamento: PagamentoPsp) -> RispostaArchivio:
        """See `hub.ports.ArchivioEsterno.attiva`."""
        return self._ask(url, ATTIVA, build_attiva(chiave, pagamento))

    def verifica_avviso(self, url: str, chiave: ChiaveArchivio, numero_avviso: str) -> RispostaArchivio:
        """See `hub.ports.ArchivioEsterno.verifica_avviso`."""
        return self._ask(url, AVVISO, build_avviso(chiave, numero_avviso))

    def _ask(self, url: str, operation: str, envelope: bytes) -> RispostaArchivio:
        headers = {"Content-Type": "text/xml; charset=utf-8", "SOAPAction": f'"{operation}"'}
        try:
            risposta = call(url, headers, envelope, is_open=self._is_open, limiti=self._limiti, context=self._context)
        except IndirizzoNonAmmesso as error:
            return RispostaArchivio(Outcome.REFUSED, "INDIRIZZO_NON_AMMESSO", str(error))
        except NomeNonRisolto as error:
            return RispostaArchivio(Outcome.TRY_AGAIN, "NOME_NON_RISOLTO", str(error))
        except NonPartita as error:
            return RispostaArchivio(Outcome.TRY_AGAIN, str(error), "l'archivio non accetta la connessione")
        except SenzaRisposta as error:
            return RispostaArchivio(Outcome.UNKNOWN, str(error), "l'archivio non ha risposto per intero")
        # SOAP 1.1 over HTTP: a fault comes with 500 and speaks for itself.
        if risposta.status not in (200, 500):
            return RispostaArchivio(Outcome.UNKNOWN, f"HTTP_{risposta.status}", f"l'archivio: HTTP {risposta.status}")
        return read_risposta(operation, risposta.body)
