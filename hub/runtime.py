"""What a door is given."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Callable, Mapping

from hub.config import Config
from hub.formats.segreti import Cassaforte
from hub.ports import Archivio, Firme, Nodo, Simulatore
from hub.store.database import Database
from hub.store.iuv import IuvBlocks
from hub.store.segni import Segni
from hub.usecases.authenticate import Callers
from hub.usecases.giornale import Giornale
from hub.usecases.importo_attuale import Archivi
from hub.usecases.registra_chiamata import Registratore
from hub.usecases.relay_outbox import Topic

# WSGI key: the client certificate (DER) of a TLS connection that ends in this process. No header can have this name.
PEER_CERTIFICATE = "pontepa.client_cert"
# WSGI key: the name of the port on which the request came in; empty for the first one and for TLS.
PORTA = "pontepa.porta"
# WSGI key: when the whole request was here, by the clock of `time.monotonic`.
ARRIVED = "pontepa.arrived"
# WSGI key: the operation whose answer was not valid, so that another one went instead.
REPLACED = "pontepa.replaced"


def utc_now() -> datetime:
    return datetime.now(UTC)


@dataclass(frozen=True)
class Runtime:
    """The parts of a running process; `topics` is the list of all that leaves the hub.

    `nodi`: the node by profile of a station. `archivio`: the files of this installation; `archivi`: what entes answer
    by themselves. `segni`: what is remembered of the database outside of it.
    """

    config: Config
    db: Database
    nodi: Mapping[str, Nodo]
    iuv: IuvBlocks
    callers: Callers
    cassaforte: Cassaforte
    firme: Firme
    archivio: Archivio
    archivi: Archivi
    topics: Mapping[str, Topic] = field(default_factory=dict)
    # None: no journal is kept.
    giornale: Giornale | None = None
    # None: this is no sandbox.
    registratore: Registratore | None = None
    # Of the sandbox, when its node is known.
    simulatore: Simulatore | None = None
    clock: Callable[[], datetime] = utc_now
    segni: Segni = field(default_factory=lambda: Segni(None))
