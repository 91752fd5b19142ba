"""The sandbox's memory of calls: each is kept when its answer is made, in a transaction of its own.

Only where the settings ask for it: bodies hold the data of persons. What cannot be kept is told in the log and holds
up nobody.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from hub.domain.chiamata_sandbox import CORPO_MAX_BYTES, Chiamata
from hub.domain.errors import OutOfService
from hub.domain.traccia import Copia
from hub.formats.senza_password import senza_segreti
from hub.formats.testi import clean
from hub.log import get_logger
from hub.store import chiamate_sandbox
from hub.store.database import Database
from hub.store.faults import DatabaseError

# Whose a request is that nobody could read: as far as it says so.
_ENTE = re.compile(
    rb"<(?:[^\s<>/:]+:)?(?:codIpaEnte|identificativoDominio|idPA|fiscalCode)>\s*([A-Za-z0-9_.-]{1,35})\s*</"
)
_SPIEGAZIONE_MAX = 4000
_WORD_MAX = 64


@dataclass(frozen=True)
class Registratore:
    """Keeps calls; safe to share between threads."""

    db: Database
    clock: Callable[[], datetime]

    def registra(self, chiamata: Chiamata) -> None:
        """Keep a call, without what is called a password, as far as it is not too long."""
        richiesta, risposta = _kept(chiamata.richiesta), _kept(chiamata.risposta)
        ente = chiamata.ente or _named(chiamata.richiesta)
        try:
            with self.db.transaction() as session:
                cod_ipa_ente = None
                if ente or chiamata.ente_id is not None:
                    cod_ipa_ente = chiamate_sandbox.find_ente(session, ente, chiamata.ente_id)
                chiamate_sandbox.add(
                    session,
                    istante=chiamata.istante,
                    applicazione=chiamata.applicazione,
                    cod_ipa_ente=cod_ipa_ente,
                    canale=chiamata.canale,
                    operazione=clean(chiamata.operazione, _WORD_MAX) or "sconosciuta",
                    richiesta=richiesta,
                    risposta=risposta,
                    stato_http=chiamata.stato_http,
                    esito=clean(chiamata.esito, _WORD_MAX),
                    durata_us=max(0, chiamata.durata_us),
                    correlazione=clean(chiamata.correlazione, _WORD_MAX),
                    spiegazione=chiamata.spiegazione[:_SPIEGAZIONE_MAX].replace("\0", ""),
                    intestazioni=json.dumps(dict(chiamata.intestazioni)) if chiamata.intestazioni else None,
                )
        except (OutOfService, DatabaseError) as error:
            get_logger().error("sandbox_call_lost", operazione=chiamata.operazione, error=type(error).__name__)


def _kept(body: bytes) -> bytes:
    copia = Copia(CORPO_MAX_BYTES)
    shown = senza_segreti(body)
    copia.add(shown if shown or not body else b"[%d byte che non si mostrano: i caratteri non sono UTF-8]" % len(body))
    return copia.testo


def _named(richiesta: bytes) -> str:
    found = _ENTE.search(richiesta[:CORPO_MAX_BYTES])
    return "" if found is None else found.group(1).decode()
