"""One call as the sandbox keeps it: what was asked, what was answered, and why, for who builds against the hub."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

# Of each side of a call: an honest message is a few kB, a flow is looked at where it lies.
CORPO_MAX_BYTES = 128 * 1024
# Of one ente; the oldest go. An afternoon of work; nobody's calls push out another's.
CHIAMATE_MAX = 1000
# The outcome of a call that went well; every other one is the code of a fault.
OK = "OK"


class Canale(StrEnum):
    """Who called whom. ENTE: the web service; FLUSSI: files by token; NODO: what the node calls; VERSO_…: we called."""

    ENTE = "ENTE"
    FLUSSI = "FLUSSI"
    NODO = "NODO"
    VERSO_NODO = "VERSO_NODO"
    VERSO_ENTE = "VERSO_ENTE"


@dataclass(frozen=True, slots=True)
class Chiamata:
    """One call. `ente`: codIpaEnte or tax code as it was said, or `ente_id`: the ente itself.

    `istante`: when it began, UTC. `stato_http`: None when there was no answer, or none by HTTP. `esito`: OK or the code
    of the fault. `spiegazione`: Italian, lines: what was refused, which field, how to mend it.
    """

    istante: datetime
    canale: Canale
    operazione: str
    esito: str
    durata_us: int
    richiesta: bytes
    risposta: bytes
    spiegazione: str
    correlazione: str = ""
    stato_http: int | None = None
    ente: str = ""
    ente_id: int | None = None
    applicazione: str | None = None
    intestazioni: Mapping[str, str] = field(default_factory=dict)
