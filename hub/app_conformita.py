"""The assembly of a report of conformance: who puts the questions, who signs."""

from __future__ import annotations

import ssl
from dataclasses import dataclass

from adapters.ente.chiamata import Limiti
from adapters.ente.firma import sign as sign_invio
from adapters.ente.sonda import SondaClient
from adapters.firma.xmlsec_rapporto import sign as sign_rapporto
from adapters.firma.xmlsec_rapporto import verify as verify_rapporto
from hub.config import Ambiente, Config
from hub.usecases.conformita_sonde import Firma

__all__ = ["Sonde", "build_sonde", "sign_rapporto", "verify_rapporto"]

# The WSDL with its schemas is what an answer of ours may be at most; the largest question needs a while to leave.
_HUB = Limiti(connect_s=5.0, read_s=15.0, total_s=30.0, answer_max_bytes=2 * 1024 * 1024)


@dataclass(frozen=True, slots=True)
class Sonde:
    """`callback`: as outcomes are told, with the same limits and the same judgement of addresses; `hub`: our own."""

    callback: SondaClient
    hub: SondaClient
    firma: Firma


def build_sonde(config: Config, context: ssl.SSLContext | None = None) -> Sonde:
    """Return who asks. `context`: certificates that are trusted; the machine's when absent."""
    is_open = config.ambiente is Ambiente.SVILUPPO
    # Where the hub is, whoever runs it knows: a private address is as good as another.
    return Sonde(
        SondaClient(is_open=is_open, context=context),
        SondaClient(is_open=True, limiti=_HUB, context=context),
        sign_invio,
    )
