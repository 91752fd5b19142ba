"""The ente's own system in the demo: it waits to be told the outcome, and checks the signature."""

from __future__ import annotations

import secrets
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

from hub.domain.configurazione import Configurazione, EndpointEsito

# The push leaves when the receipt is applied, and a moment later is here.
_TIMEOUT_S = 15.0


class Sportello:
    """The receiver of the demo, on a port of its own."""

    def __init__(self, ente: Any, chiave: str) -> None:
        self._ente = ente
        self._chiave = chiave
        self.url: str = ente.url
        self._read = 0

    def wanted(self, configurazione: Configurazione) -> Configurazione:
        """Return the configuration of the demo with every outcome pushed to this receiver."""
        endpoint = EndpointEsito(self.url, self._chiave, "sportello", "esiti@example.org")
        enti = []
        for ente in configurazione.enti:
            tipi = tuple(replace(tipo, notifica_esito=True, endpoint_esito=endpoint) for tipo in ente.tipi or ())
            enti.append(replace(ente, inoltro_esito=True, tipi=tipi))
        return replace(configurazione, enti=tuple(enti))

    def wait(self) -> dict[str, str] | None:
        """Return what was told next, its signature checked; None when nothing was in time."""
        deadline = time.monotonic() + _TIMEOUT_S
        while len(self._ente.acknowledged) <= self._read:
            if time.monotonic() > deadline:
                return None
            time.sleep(0.05)
        told = self._ente.received[self._read]
        self._read += 1
        return {"evento": told.evento, "sequenza": str(told.sequenza), "firma": "verificata"}


@contextmanager
def open_sportello() -> Iterator[Sportello]:
    """Start the receiver; it stops at the end of the block."""
    chiave = secrets.token_hex(32)
    # The assembly brings in every door and adapter, which the other commands do without.
    from hub import app_uscite

    with app_uscite.build_ente_finto(chiave) as ente:
        yield Sportello(ente, chiave)
