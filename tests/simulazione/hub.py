"""The hub of the stories: the real deeds over a real database, with virtual time and a scripted outside.

One `Banco` is prepared once and serves thousands of stories; `Hub` is what one story drives.
"""

from __future__ import annotations

import threading
import uuid
from collections.abc import Callable, Iterator
from concurrent.futures import Executor, Future
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Row

from hub.domain.delivery import ChiaveRpt, Delivery, Outcome
from hub.domain.inoltro import InvioEsito
from hub.domain.ricevuta import Primitiva
from hub.domain.stati import TipoSessione
from hub.formats.nodo_messaggi import Psp
from hub.store import schema
from hub.store.anagrafe import Anagrafe
from hub.store.database import Database, Session
from hub.store.iuv import IuvBlocks, lease
from hub.usecases import elabora_ricevute, expire_sessioni, inoltro_esito, recupero, relay_outbox
from hub.usecases.attiva_avviso import Attivazione, attiva_avviso
from hub.usecases.attiva_rpt import AttivazioneCcp, attiva_rpt
from hub.usecases.authenticate import Callers, Chiamante
from hub.usecases.controlli_nodo import Domanda, check_avviso
from hub.usecases.deposito_dovuti import annulla
from hub.usecases.inoltro_esito import TOPIC_ESITO
from hub.usecases.invio_rpt import build_topic
from hub.usecases.open_sessione import Apertura, open_sessione
from hub.usecases.posizione_avviso import build_posizione
from hub.usecases.record_ricevuta import record_ricevuta
from hub.usecases.record_rt import IntestazioneRt, record_copia, record_rt
from hub.usecases.registra_pagamento import PagamentoEsterno, registra_pagamento
from hub.usecases.relay_outbox import RelayLimits, Topic
from hub.usecases.start_pagamento import start_pagamento
from hub.usecases.tassonomia_vigente import tassonomia_di
from hub.usecases.tentativi_aperti import Tempi, TentativoAperto, list_aperti
from hub.usecases.tentativo_nodo import Collegamento
from tests.factories import encode
from tests.inoltro import configure_inoltro
from tests.simulazione.nodo import NodoSimulato
from tests.simulazione.tempo import INIZIO, Tempo
from tests.world import INTERMEDIARIO, STAZIONE, TOPIC_RPT, Clock, World, build_world, chi

LEASE = timedelta(seconds=90)
LIMITS = RelayLimits(slots=2, lease=LEASE, margin=timedelta(seconds=30), attempts_max=8)
BLOCCO = timedelta(minutes=30)
# IUVs that are given out before a story begins.
NUMERI = 2000
_TTL = timedelta(hours=1)
_GRACE = timedelta(minutes=5)
_PSP = Psp("PSP01", "97735020584", "97735020584_01")
_MOMENTO = timedelta(seconds=1)
# What a story leaves behind, children first.
_USATE = (
    schema.eventi_esito, schema.outbox, schema.trasferimenti_ricevute,
    schema.attivazioni_ccp, schema.tentativi, schema.dovuti,
    schema.carrelli, schema.rt_ricevute, schema.sessioni_elementi, schema.sessioni, schema.circuiti,
    schema.attivazioni, schema.iuv_blocchi, schema.chiusure_export,
)  # fmt: skip

_OPEN = "FROM outbox WHERE stato IN ('DA_INVIARE', 'SCONOSCIUTO', 'IN_INVIO') AND topic"
# When each job has something to do, as far as the rows tell; an earlier tick would find nothing.
_NEXT = {
    "relay del nodo": f"SELECT min(next_attempt_at) {_OPEN} = '{TOPIC_RPT}'",
    "relay del recupero": f"SELECT min(next_attempt_at) {_OPEN} = '{recupero.TOPIC_RECUPERO}'",
    "relay degli enti": f"SELECT min(next_attempt_at) {_OPEN} = '{TOPIC_ESITO}'",
    "ricevute": "SELECT min(received_at) FROM rt_ricevute WHERE stato = 'RICEVUTA'",
    "orfane": "SELECT min(received_at) FROM rt_ricevute WHERE stato = 'ORFANA'",
    "recupero": "SELECT min(updated_at) FROM tentativi WHERE stato = 'ACCETTATO' AND NOT EXISTS "
    f"(SELECT 1 {_OPEN} = '{recupero.TOPIC_RECUPERO}' AND chiave = tentativi.id)",
    "sessioni scadute": "SELECT min(expires_at) FROM sessioni WHERE stato = 'NUOVO_CARRELLO'",
}
_NEXT_QUERY = "SELECT " + ", ".join(f"({query})" for query in _NEXT.values())


class DatabaseSimulato(Database):
    """The real database; around its transactions an actor may give way or die, and each commit is looked at."""

    tempo: Tempo | None = None
    _looking: Connection | None = None
    on_commit: Callable[[], None] | None = None

    @contextmanager
    def transaction(self) -> Iterator[Session]:
        if self.tempo is None:
            with super().transaction() as session:
                yield session
            return
        self.tempo.point("prima di una transazione")
        with super().transaction() as session:
            yield session
            self.tempo.may_crash("prima del commit")
        if self.on_commit is not None:
            self.on_commit()
        self.tempo.point("dopo il commit")


    def look(self) -> Any:
        """A connection of the driver that sees what was committed, until this database is closed."""
        self._looking = self.engine.connect()
        driver: Any = self._looking.connection.driver_connection
        if self.is_postgresql:
            driver.autocommit = True
        return driver

    def close(self) -> None:
        if self._looking is not None:
            self._looking.invalidate()
            self._looking.close()
        super().close()


class InFila(Executor):
    """Does at once what it is given, in the caller's own turn."""

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        future: Future[Any] = Future()
        try:
            future.set_result(fn(*args, **kwargs))
        except Exception as error:
            future.set_exception(error)
        return future


class EnteSimulato:
    """The system of the ente: it keeps each event by its id, and now and then its answer is lost."""

    def __init__(self, tempo: Tempo) -> None:
        self.tempo = tempo
        self.is_faulty = True
        self.eventi: dict[str, bytes] = {}

    def push_esito(self, invio: InvioEsito) -> Delivery:
        self.tempo.point("prima di chiamare l'ente")
        if self.is_faulty and self.tempo.chance(0.1):
            self.tempo.contati["ente non raggiunto"] += 1
            return Delivery(Outcome.TRY_AGAIN, "NewConnectionError", is_answered=False)
        self.eventi[invio.evento] = invio.corpo
        if self.is_faulty and self.tempo.chance(0.1):
            self.tempo.contati["risposta dell'ente persa"] += 1
            return Delivery(Outcome.UNKNOWN, "ReadTimeoutError", is_answered=False)
        self.tempo.point("dopo la risposta dell'ente")
        return Delivery(Outcome.DELIVERED)


@dataclass
class Banco:
    """A prepared database with the cast, and who calls from the ente. `occhio`: a driver's connection that looks."""

    db: DatabaseSimulato
    world: World
    anagrafe: Anagrafe
    callers: Callers
    chiamante: Chiamante
    occhio: Any

    @classmethod
    def open(cls, url: str) -> Banco:
        """`url`: of a migrated, empty database."""
        db = DatabaseSimulato.open(url)
        assert isinstance(db, DatabaseSimulato)
        world = build_world(db, Clock(INIZIO))
        configure_inoltro(world, "TARI", tentativi_max=40)
        # What the process keeps in memory is kept for ever: real seconds mean nothing here.
        callers = Callers(Anagrafe(db, ttl_s=1e9), 1000)
        chiamante = callers.authenticate(chi(), "paaSILChiediPosizioniAperte", INIZIO)
        return cls(db, world, callers.anagrafe, callers, chiamante, db.look())

    def clear(self, *, rileva_duplicati: bool) -> None:
        """Take away what the last story left."""
        self.db.tempo = self.db.on_commit = None
        with self.db.transaction() as session:
            for table in _USATE:
                session.exec_driver_sql(f"DELETE FROM {table.name}")
            session.execute(schema.stazioni.update().values(rileva_duplicati=rileva_duplicati))
            # The notices of a story have numbers that the hub has given out.
            lease(session, INTERMEDIARIO, "01", NUMERI)

    def close(self) -> None:
        self.db.tempo = self.db.on_commit = None
        self.db.close()
        self.world.cartella.cleanup()


class Hub:
    """What actors call: each verb is one deed, or one tick of a job."""

    def __init__(self, banco: Banco, tempo: Tempo, nodo: NodoSimulato, attesa: timedelta) -> None:
        self.banco, self.tempo, self.nodo, self.attesa = banco, tempo, nodo, attesa
        self.ente = EnteSimulato(tempo)
        self.db = banco.db
        self.topics = self._topics()
        self._next_work: dict[str, datetime] | None = None

    def _topics(self) -> dict[str, Topic]:
        cassaforte = self.banco.world.runtime.cassaforte
        found = Collegamento(
            db=self.db, nodo=self.nodo, cassaforte=cassaforte, clock=self.tempo, lasts=LIMITS.margin, blocco=BLOCCO,
            registra={"RT": record_copia},
        )  # fmt: skip
        return {
            TOPIC_RPT: build_topic(found, LIMITS.attempts_max),
            recupero.TOPIC_RECUPERO: recupero.build_topic({"rpt": found}, self.attesa),
            TOPIC_ESITO: inoltro_esito.build_topic(self.db, self.ente, cassaforte),
        }

    # Doors.

    def lay_avviso(self, iuv: str, iud: str, importo_cent: int) -> Row[Any]:
        now = self.tempo()
        self.banco.world.clock.now = now
        return self.banco.world.lay_avviso(iuv, id=uuid.uuid4().hex, iud=iud, importo_cent=importo_cent)

    def apri(self, iud: str) -> str:
        """A session over a stored dovuto; return its idSession."""
        elementi = [{"ente_id": 1, "dovuto_iud": iud}]
        apertura = Apertura(None, uuid.uuid4().hex, _TTL, self.tempo())
        return open_sessione(self.db, self.banco.chiamante, TipoSessione.AVVISO_ANONIMO_ENTE, elementi, apertura)

    def inizia(self, id_session: str) -> None:
        # Each click may meet another web process.
        iuv = IuvBlocks(self.db, 1)
        start_pagamento(
            self.db, iuv, self.banco.anagrafe, {"rpt": self.nodo}, id_session, None, None, self.tempo()
        )

    def attiva(self, iuv: str) -> int:
        """paGetPaymentV2; return the amount in cents."""
        domanda = Domanda(INTERMEDIARIO, STAZIONE, INTERMEDIARIO, numero_avviso="3" + iuv, intestatario=INTERMEDIARIO)
        pagabile = check_avviso(self.db, self.banco.anagrafe, domanda, BLOCCO, self.tempo())
        posizione = build_posizione(pagabile, tassonomia_di(self.banco.anagrafe))
        attivazione = Attivazione("paGetPaymentV2", STAZIONE, has_marche=True)
        return attiva_avviso(self.db, posizione, attivazione, self.tempo()).importo_cent

    def attiva_classica(self, iuv: str, ccp: str) -> int:
        """paaAttivaRPT: the RPT leaves by the outbox; return the amount in cents."""
        domanda = Domanda(INTERMEDIARIO, STAZIONE, INTERMEDIARIO, iuv=iuv, ccp=ccp)
        pagabile = check_avviso(self.db, self.banco.anagrafe, domanda, BLOCCO, self.tempo())
        posizione = build_posizione(pagabile, tassonomia_di(self.banco.anagrafe))
        attivazione = AttivazioneCcp(ccp, _PSP, posizione.importo_cent)
        attiva_rpt(
            self.db, domanda, pagabile, posizione, attivazione, lambda right: None, BLOCCO, "f" * 32, self.tempo()
        )
        return posizione.importo_cent

    def ricevi_rt(self, chiave: ChiaveRpt, raw: bytes) -> None:
        intestazione = IntestazioneRt(INTERMEDIARIO, STAZIONE, chiave.dominio, chiave.iuv, chiave.ccp)
        record_rt(self.db, intestazione, encode(raw), "d" * 32, self.tempo())

    def ricevi_ricevuta(self, raw: bytes) -> None:
        record_ricevuta(self.db, Primitiva.SEND_RT_V2, raw, None, "e" * 32, self.tempo())

    def annulla(self, iud: str) -> None:
        with self.db.transaction() as session:
            annulla(session, self.banco.chiamante, iud, "TARI", self.tempo())

    def registra(self, pagamento: PagamentoEsterno) -> None:
        registra_pagamento(self.db, self.banco.callers, chi(), pagamento, self.tempo())

    # Jobs.

    def relay(self, topic: str) -> bool:
        topics = {topic: self.topics[topic]}
        return relay_outbox.run_once(self.db, topics, InFila(), LIMITS, self.tempo, threading.Event())

    def jobs(self) -> dict[str, Callable[[], object]]:
        """Every job of a worker, by name, with how much of its time it takes."""
        return {
            "relay del nodo": lambda: self.relay(TOPIC_RPT),
            "relay del recupero": lambda: self.relay(recupero.TOPIC_RECUPERO),
            "relay degli enti": lambda: self.relay(TOPIC_ESITO),
            "ricevute": lambda: elabora_ricevute.run_once(self.db, self.tempo()),
            "orfane": lambda: elabora_ricevute.retry_orphans(self.db, self.tempo()),
            "recupero": lambda: recupero.run_once(self.db, ["rpt"], self.attesa, self.tempo()),
            "sessioni scadute": lambda: expire_sessioni.run_once(self.db, _GRACE, self.tempo()),
        }

    # What is seen from outside.

    def next_work(self) -> dict[str, datetime]:
        """When each job has something to do; a job without anything that waits is left out."""
        # Only a commit changes it.
        if self._next_work is not None:
            return self._next_work
        (found,) = self.rows(_NEXT_QUERY)
        next_at = {name: _instant(at) for name, at in zip(_NEXT, found, strict=True) if at is not None}
        for name, later in (("recupero", self.attesa), ("sessioni scadute", _GRACE + _MOMENTO)):
            if name in next_at:
                next_at[name] += later
        self._next_work = next_at
        return next_at

    def has_changed(self) -> None:
        """A commit was made."""
        self._next_work = None

    def aperti(self) -> list[TentativoAperto]:
        return list_aperti(self.db, Tempi(self.attesa, {}), self.tempo(), tutti=True)

    def is_payable(self, iud: str) -> bool:
        """Whether the page would offer to pay it."""
        return bool(self.rows(f"SELECT 1 FROM dovuti WHERE iud = '{iud}' AND stato = 'INSERIMENTO_DOVUTO'"))

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        """Rows of a statement that both databases know, cheaply."""
        return list(self.banco.occhio.execute(query).fetchall())


def _instant(at: datetime | str) -> datetime:
    """An instant as the driver gives it: SQLite keeps its text, in UTC."""
    return datetime.fromisoformat(at).replace(tzinfo=UTC) if isinstance(at, str) else at.astimezone(UTC)


def millisecondi(at: datetime) -> int:
    """The offset of an instant from the beginning, for scripts."""
    return round((at - INIZIO).total_seconds() * 1000)
