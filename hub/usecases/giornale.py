"""The journal of one process: calls leave their event in a bounded queue, one thread writes them in batches.

Nobody waits for the database here but who asks to (`attesa_s`): the calls that move money, which are answered when
their event is durable. What is in the queue when the process is killed is lost: the other calls of the last moments.
A queue that is full drops, counts what it dropped and says so in the journal itself; it never holds up a payer.
Source: node, event log ("giornale degli eventi").
"""

from __future__ import annotations

import threading
import time
from collections import defaultdict, deque
from collections.abc import Callable, Sequence
from datetime import datetime

from hub import misure
from hub.domain.errors import OutOfService
from hub.domain.giornale import SENZA_ENTE, Esito, Evento, Verso, pulito
from hub.log import get_logger
from hub.misure import GIORNALE_PERDUTI
from hub.store import giornale
from hub.store.database import Database
from hub.store.faults import DatabaseError

# How long an event is in memory alone when nobody waits for it: a commit is shared by all that come meanwhile.
RACCOLTA_S = 0.2
# Events in one transaction: it holds the chains, and on SQLite the one writer.
_BATCH = 250
# Between two attempts at a database that does not answer.
_RIPROVA_S = 1.0
# For what is in the queue at the end of the process.
_CHIUSURA_S = 5.0
# A name that is no ente's is not looked for again before.
_ANAGRAFE_S = 5.0
# What dropped events are called in the journal.
PERDUTI = "giornale.perduti"


class Giornale:
    """Takes the events of this process; safe to share between threads. `perduti`: how many were dropped so far."""

    def __init__(self, db: Database, coda_max: int, clock: Callable[[], datetime]) -> None:
        self._db, self._coda_max, self.clock = db, coda_max, clock
        # Append and popleft of a deque are atomic.
        self._coda: deque[tuple[Evento, threading.Event | None]] = deque()
        self._enti = _Enti(db)
        self._wake = threading.Event()
        self._stopped = threading.Event()
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None
        self.perduti = 0
        self._told = 0

    def annota(self, evento: Evento, attesa_s: float = 0.0) -> bool:
        """Take an event; True: it is in the queue, or durable when `attesa_s` is given and was enough."""
        if len(self._coda) >= self._coda_max or self._stopped.is_set():
            self._lose(1)
            return False
        done = threading.Event() if attesa_s else None
        self._coda.append((evento, done))
        if self._thread is None:
            self._start()
        if done is None:
            return True
        self._wake.set()
        return done.wait(attesa_s)

    def close(self) -> None:
        """Write what is in the queue, for as long as that may take, and end."""
        self._stopped.set()
        self._wake.set()
        thread = self._thread
        if thread is not None:
            thread.join(_CHIUSURA_S + _RIPROVA_S)

    def _start(self) -> None:
        with self._lock:
            if self._thread is None:
                self._thread = threading.Thread(target=self._serve, name="giornale", daemon=True)
                self._thread.start()

    def _serve(self) -> None:
        """The thread's life: a batch every now and then, at once when somebody waits."""
        while not self._stopped.is_set():
            self._wake.wait(RACCOLTA_S)
            self._wake.clear()
            while self._coda or self.perduti > self._told:
                batch = [self._coda.popleft() for _ in range(min(len(self._coda), _BATCH))]
                self._write_at_last(batch)

    def _write_at_last(self, batch: list[tuple[Evento, threading.Event | None]]) -> None:
        """Write a batch, however long the database is away; at the end of the process not for long."""
        ends_at = None
        while not self._write(batch):
            if self._stopped.is_set():
                ends_at = ends_at or time.monotonic() + _CHIUSURA_S
                if time.monotonic() >= ends_at:
                    self._lose(len(batch) + len(self._coda))
                    self._coda.clear()
                    self._told = self.perduti
                    return
            time.sleep(_RIPROVA_S)

    def _write(self, batch: Sequence[tuple[Evento, threading.Event | None]]) -> bool:
        """Write a batch in one transaction; False: the database does not answer, nothing was written."""
        lost = self.perduti
        events = [pulito(evento) for evento, _ in batch]
        if lost > self._told:
            # How many is where milliseconds stand: there is no other number in an event.
            events.append(Evento(self.clock(), Verso.INTERNO, PERDUTI, Esito.ERRORE, lost - self._told))
        if not events:
            return True
        try:
            chained = defaultdict(list)
            for evento in events:
                chained[self._enti.catena_of(evento)].append(evento)
            with self._db.transaction() as session:
                giornale.append(session, chained)
        except OutOfService:
            return False
        except DatabaseError as error:
            # Whatever is wrong with these, the ones that follow must not wait for ever.
            get_logger().error("journal_batch_refused", error=type(error).__name__, events=len(batch))
            self._lose(len(batch))
            return True
        self._told = lost
        for _, done in batch:
            if done is not None:
                done.set()
        return True

    def _lose(self, events: int) -> None:
        with self._lock:
            is_first = self.perduti == self._told
            self.perduti += events
        misure.count(GIORNALE_PERDUTI, by=events)
        if is_first:
            get_logger().error("journal_full", lost=self.perduti, queue=self._coda_max)


class _Enti:
    """Which chain an event belongs to. Of the writer's thread alone."""

    def __init__(self, db: Database) -> None:
        self._db = db
        self._names: dict[str, tuple[int, str]] = {}
        self._by_id: dict[int, str] = {}
        self._catene: dict[str, int] = {}
        self._read_at = 0.0

    def catena_of(self, evento: Evento) -> int:
        """Return the id of a chain, which is made when it is not there. Raises: OutOfService."""
        found = self._find(evento)
        if found is None and self._is_worth_reading(evento):
            self._read()
            found = self._find(evento)
        ente_id, nome = found or (None, SENZA_ENTE)
        if nome not in self._catene:
            with self._db.transaction() as session:
                self._catene[nome] = giornale.open_catena(session, nome, ente_id)
        return self._catene[nome]

    def _find(self, evento: Evento) -> tuple[int, str] | None:
        if evento.ente_id is not None:
            nome = self._by_id.get(evento.ente_id)
            return None if nome is None else (evento.ente_id, nome)
        return self._names.get(evento.ente)

    def _is_worth_reading(self, evento: Evento) -> bool:
        is_named = bool(evento.ente) or evento.ente_id is not None
        return is_named and (not self._read_at or time.monotonic() - self._read_at > _ANAGRAFE_S)

    def _read(self) -> None:
        with self._db.reading() as session:
            rows = giornale.nomi_enti(session)
        self._by_id = {row.id: row.cod_ipa_ente for row in rows}
        # Of several with one tax code the oldest, as everywhere; a codIpaEnte comes before a tax code.
        self._names = {row.codice_fiscale: (row.id, row.cod_ipa_ente) for row in rows}
        self._names |= {row.cod_ipa_ente: (row.id, row.cod_ipa_ente) for row in rows}
        self._read_at = time.monotonic()
