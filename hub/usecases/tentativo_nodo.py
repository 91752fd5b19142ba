"""An attempt as those need it who speak of it with the node, and the search for its outcome through the circuit."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Row

from hub.crash import Punto, crash_point
from hub.domain.delivery import ChiaveRpt, Delivery, Stazione
from hub.domain.pagamento_online import TentativoCercato, Trovato
from hub.formats.segreti import Cassaforte
from hub.ports import Nodo, Via
from hub.store import carrelli, servizi_rest, stazioni, tentativi
from hub.store.database import Database
from hub.store.outbox import Claimed
from hub.usecases import circuito
from hub.usecases.ricerca import Ricerca, find_out
from hub.usecases.stazione_nodo import stazione_of

# The circuit of a transport that is no REST service of the platform.
_SOAP = "nodo"
Clock = Callable[[], datetime]
# Keeps a document that a search has found, durably: database, station, attempt, bytes, correlation id, now.
Registra = Callable[[Database, Stazione, ChiaveRpt, bytes, str, datetime], None]


@dataclass(frozen=True, slots=True)
class Collegamento:
    """What a topic of the node works with. `lasts`: the longest that one call may take; `blocco`: how long an attempt
    of which nobody knows anything keeps its position; `registra`: by kind of document."""

    db: Database
    nodo: Nodo
    cassaforte: Cassaforte
    clock: Clock
    lasts: timedelta
    blocco: timedelta
    registra: Mapping[str, Registra]

    def read(self, tentativo_id: str) -> Tentativo:
        """Raises: NotFound."""
        with self.db.reading() as session:
            row = tentativi.by_id(session, tentativo_id)
            stazione = stazioni.by_id(session, row.stazione_id)
            id_session = carrelli.by_id(session, row.carrello_id).id_session
            named = self.nodo.servizio
            servizio = None if named is None else servizi_rest.find(session, stazione.id, named)
        chiave = ChiaveRpt(row.dominio, row.iuv, row.ccp)
        cercato = TentativoCercato(chiave, row.created_at, id_session or "")
        return Tentativo(row, stazione_of(stazione, self.cassaforte, servizio), cercato)

    def call(self, tentativo: Tentativo, exchange: Callable[[], Delivery]) -> Delivery:
        """Make one call through the circuit of the station."""
        servizio = self.nodo.servizio or _SOAP
        return circuito.call(self.db, tentativo.stazione.id, servizio, exchange, self.clock, self.lasts)

    def search(self, tentativo: Tentativo, message: Claimed) -> Ricerca:
        """Find out what became of an attempt while the message is held; a receipt that is found is kept at once."""

        def ask(via: Via) -> Trovato:
            answers: list[Trovato] = []

            def exchange() -> Delivery:
                answers.append(via.ask(tentativo.stazione, tentativo.cercato, message.correlation_id))
                return answers[0].delivery

            delivery = self.call(tentativo, exchange)
            return answers[0] if answers else Trovato(delivery)

        def has_time() -> bool:
            return self.clock() + self.lasts <= message.lease_until

        found = find_out(self.nodo.vie, ask, tentativo.stazione, tentativo.cercato, self.clock(), has_time)
        crash_point(Punto.DOMANDA_RISPOSTA)
        documento = found.esito.documento
        if documento is not None:
            keep = self.registra[found.esito.genere]
            chiave = tentativo.cercato.chiave
            keep(self.db, tentativo.stazione, chiave, documento, message.correlation_id, self.clock())
        return found

    def is_lapsed(self, tentativo: Tentativo) -> bool:
        """Whether the attempt is older than the lock, which is longer than every timer of the platform."""
        return self.clock() - tentativo.cercato.creato_at >= self.blocco


@dataclass(frozen=True, slots=True)
class Tentativo:
    row: Row[Any]
    stazione: Stazione
    cercato: TentativoCercato
