"""The cast and the stage: Comune di Prova owns, Comune Vicino must not see, Ente Spento is not active.

A `World` is a runtime of the hub over a real database with a clock in the test's hands and a node that follows a
script; its verbs are the deeds themselves, its rows are read from the tables.
"""

from __future__ import annotations

import tempfile
import threading
import uuid
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Row, Table, insert, select, update

from adapters.cartella.client import CartellaArchivio
from adapters.ente.archivio import ArchivioClient
from adapters.ente.chiamata import Limiti
from adapters.firma.xmlsec_verifier import XmlsecFirme
from hub.config import Ambiente, Config
from hub.domain.delivery import Delivery
from hub.domain.stati import TipoSessione
from hub.formats.segreti import Cassaforte, hash_password
from hub.runtime import Runtime
from hub.store import revisione, schema
from hub.store.anagrafe import Anagrafe
from hub.store.database import Database, Session
from hub.store.iuv import IuvBlocks
from hub.usecases import elabora_ricevute, recupero, relay_outbox
from hub.usecases.authenticate import Callers, Presentazione
from hub.usecases.chiedi_pagati import Esito, chiedi_pagati, chiedi_pagati_con_ricevuta
from hub.usecases.importo_attuale import Archivi
from hub.usecases.invia_dovuti import RichiestaInviaDovuti, invia_dovuti
from hub.usecases.invio_rpt import build_topic
from hub.usecases.open_sessione import Apertura, open_sessione
from hub.usecases.record_rt import IntestazioneRt, record_copia, record_rt
from hub.usecases.relay_outbox import RelayLimits, Topic
from hub.usecases.start_pagamento import TOPIC_NODO, start_pagamento
from hub.usecases.tentativo_nodo import Collegamento
from hub.usecases.verifica_avviso import verifica_avviso
from tests.copione import FrozenNodo, ScriptedNodo
from tests.factories import CODICE_FISCALE, Documento, encode, make_documento, make_iud, make_rt

INTERMEDIARIO = "12345678903"
STAZIONE = "12345678903_01"
PASSWORD_STAZIONE = "password01"
PASSWORDS = {
    "C_PROVA": "Segreto12345",
    "C_VICINO": "Vicino123456",
    "C_SPENTO": "Spento123456",
}
# Of an application of Comune Vicino that may touch the tipo MENSA only.
PASSWORD_REFEZIONE = "Refezione123"
IMPORTO_MARCA_CENT = 1600
TTL = timedelta(hours=1)
GRACE = timedelta(seconds=300)
SOURCE = "192.0.2.1"
TOPIC_RPT = TOPIC_NODO + "rpt"
LIMITS = RelayLimits(slots=4, lease=timedelta(seconds=60), margin=timedelta(seconds=45), attempts_max=4)


class Clock:
    """The hub's time, in the hands of the test."""

    def __init__(self, now: datetime) -> None:
        self.now = now

    def __call__(self) -> datetime:
        return self.now

    def advance(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)


@cache
def _hash(password: str) -> str:
    return hash_password(password)


def chi(ente: str | None = "C_PROVA", password: str | None = None, source: str = SOURCE) -> Presentazione:
    """What an ente of the cast shows: its own password unless another is given."""
    return Presentazione(ente, PASSWORDS.get(ente or "", "Nessuna12345") if password is None else password, source)


class World:
    """What a test does and looks at."""

    def __init__(
        self, runtime: Runtime, clock: Clock, nodo: ScriptedNodo, cartella: tempfile.TemporaryDirectory[str]
    ) -> None:
        self.runtime = runtime
        # Of the archive: it goes when nobody holds the world any more.
        self.cartella = cartella
        self.clock = clock
        self.nodo = nodo
        self.db = runtime.db

    # Deeds.

    def invia(
        self,
        documento: Documento | bytes | None = None,
        *,
        ente: str | None = "C_PROVA",
        password: str | None = None,
        show_mypay: str | None = None,
        url: str | None = None,
        source: str = SOURCE,
    ) -> str:
        """paaSILInviaDovuti as the ente; returns the idSession."""
        documento = make_documento() if documento is None else documento
        data = documento if isinstance(documento, bytes) else documento.xml
        return invia_dovuti(
            self.db,
            self.runtime.callers,
            chi(ente, password, source),
            RichiestaInviaDovuti(encode(data), url, show_mypay),
            correlation_id="c" * 32,
            ttl=TTL,
            now=self.clock(),
        )

    def start(self, id_session: str, nome: str | None = None, email: str | None = None) -> None:
        """The payer goes on from the page."""
        anagrafe = self.runtime.callers.anagrafe
        start_pagamento(self.db, self.runtime.iuv, anagrafe, self.runtime.nodi, id_session, nome, email, self.clock())

    def begin(self, documento: Documento | None = None, **values: Any) -> str:
        """A payment that has started and whose RPT waits in the outbox; returns the idSession."""
        id_session = self.invia(documento, **values)
        self.start(id_session)
        return id_session

    def topics(self, limits: RelayLimits = LIMITS, nodo: ScriptedNodo | None = None) -> dict[str, Topic]:
        """What leaves for the node: payments, and questions about those whose receipt is overdue."""
        found = Collegamento(
            db=self.db,
            nodo=nodo or self.nodo,
            cassaforte=self.runtime.cassaforte,
            clock=self.clock,
            lasts=LIMITS.margin,
            blocco=timedelta(seconds=self.runtime.config.blocco_pagamento_s),
            registra={"RT": record_copia},
        )
        recuperi = recupero.build_topic({"rpt": found}, timedelta(seconds=self.runtime.config.ricevuta_attesa_s))
        return {TOPIC_RPT: build_topic(found, limits.attempts_max), recupero.TOPIC_RECUPERO: recuperi}

    def relay(self, limits: RelayLimits = LIMITS, nodo: ScriptedNodo | None = None) -> bool:
        """One tick of the relay of a worker."""
        topics = self.topics(limits, nodo)
        with ThreadPoolExecutor(limits.slots) as pool:
            return relay_outbox.run_once(self.db, topics, pool, limits, self.clock, threading.Event())

    @contextmanager
    def frozen_worker(self, answer: Delivery) -> Iterator[None]:
        """Another worker that hangs while it sends one message; it gets `answer` when the block ends."""
        nodo = FrozenNodo(answer)
        limits = RelayLimits(1, LIMITS.lease, LIMITS.margin, LIMITS.attempts_max)
        with ThreadPoolExecutor(1) as worker:
            tick = worker.submit(self.relay, limits, nodo)
            try:
                assert nodo.has_arrived.wait(30)
                yield
            finally:
                nodo.may_answer.set()
                tick.result(30)

    def receive(self, raw: bytes, tentativo: Row[Any] | None = None, **header: str) -> None:
        """paaInviaRT for an attempt; `header` replaces fields of its header."""
        fields = {
            "intermediario": INTERMEDIARIO,
            "stazione": STAZIONE,
            "dominio": INTERMEDIARIO,
        }
        if tentativo is not None:
            fields |= {
                "dominio": tentativo.dominio,
                "iuv": tentativo.iuv,
                "ccp": tentativo.ccp,
            }
        record_rt(
            self.db,
            IntestazioneRt(**(fields | header)),
            encode(raw),
            "d" * 32,
            self.clock(),
        )

    def apply(self) -> bool:
        """One tick of the receipts' job."""
        return elabora_ricevute.run_once(self.db, self.clock())

    def esito(self, id_session: str, ente: str = "C_PROVA", password: str | None = None) -> Esito:
        """paaSILChiediPagati."""
        return chiedi_pagati(
            self.db,
            self.runtime.callers,
            chi(ente, password),
            id_session,
            grace=GRACE,
            now=self.clock(),
        )

    def ricevuta(self, *, ente: str = "C_PROVA", password: str | None = None, **key: str) -> Esito:
        """paaSILChiediPagatiConRicevuta by `id_session`, `iuv` or `iud`."""
        keys: dict[str, str | None] = {"id_session": None, "iuv": None, "iud": None}
        return chiedi_pagati_con_ricevuta(
            self.db,
            self.runtime.callers,
            chi(ente, password),
            **(keys | key),  # type: ignore[arg-type]
            grace=GRACE,
            now=self.clock(),
        )

    # Rows.

    def rows(self, table: Table, **where: Any) -> list[Row[Any]]:
        conditions = [table.c[name] == value for name, value in where.items()]
        with self.db.reading() as session:
            return list(session.execute(select(table).where(*conditions).order_by(*table.primary_key)))

    def one(self, table: Table, **where: Any) -> Row[Any]:
        (row,) = self.rows(table, **where)
        return row

    def sessione(self, id_session: str) -> Row[Any]:
        return self.one(schema.sessioni, id_session=id_session)

    def carrello(self, id_session: str) -> Row[Any]:
        return self.one(schema.carrelli, id_session=id_session)

    def dovuti(self, id_session: str) -> list[Row[Any]]:
        found = self.rows(schema.dovuti, carrello_id=self.carrello(id_session).id)
        return sorted(found, key=lambda row: row.posizione)

    def tentativo(self, id_session: str) -> Row[Any]:
        return self.one(schema.tentativi, carrello_id=self.carrello(id_session).id)

    def messaggio(self, id_session: str) -> Row[Any]:
        return self.one(schema.outbox, chiave=self.tentativo(id_session).id)

    def ricevute(self) -> list[Row[Any]]:
        return self.rows(schema.rt_ricevute)

    def lay(self, table: Table, **values: Any) -> None:
        """Write a row as an earlier step would have left it."""
        with self.db.transaction() as session:
            _number(session, table)
            session.execute(insert(table), values)

    def lay_avviso(self, iuv: str | None = "01000000000000144", **values: Any) -> Row[Any]:
        """A stored dovuto that waits to be paid, as paaSILImportaDovuto leaves it."""
        pagatore = {"tipo": "F", "codice": CODICE_FISCALE, "anagrafica": "Mario Rossi", "email": "mario@example.org"}
        row = {
            "id": uuid.uuid4().hex,
            "ente_id": 1,
            "dominio": INTERMEDIARIO,
            "posizione": 1,
            "iud": make_iud(),
            "iuv": iuv,
            "tipo": "TARI",
            "importo_cent": 5000,
            "causale": "Tassa rifiuti 2026",
            "dati_specifici": "9/0101101IM/",
            "scadenza": self.clock().date() + timedelta(days=30),
            "tipo_versamento": "ALL",
            "pagatore_tipo": "F",
            "pagatore_codice": CODICE_FISCALE,
            "pagatore": pagatore,
            "origine": "IMPORT-DOVUTO",
            "stato": "INSERIMENTO_DOVUTO",
            "created_at": self.clock(),
            "updated_at": self.clock(),
        } | values
        self.lay(schema.dovuti, **row)
        return self.one(schema.dovuti, id=row["id"])

    def verifica(self, iuv: str = "01000000000000144", ente: str = "C_PROVA", url: str | None = None) -> str:
        """paaSILVerificaAvviso; returns the idSession."""
        return verifica_avviso(self.db, self.runtime.callers, chi(ente), iuv, self.apertura(url))

    def apertura(self, url: str | None = None) -> Apertura:
        return Apertura(url, "c" * 32, TTL, self.clock())

    def open_precaricato(self, stored: Row[Any]) -> str:
        """A session over a stored dovuto as a citizen's portal opens it; returns the idSession."""
        callers = self.runtime.callers
        chiamante = callers.authenticate(chi(), "paaSILChiediPosizioniAperte", self.clock())
        tipo = TipoSessione.PRECARICATO_ANONIMO_ENTE
        elementi = [{"ente_id": stored.ente_id, "dovuto_iud": stored.iud}]
        return open_sessione(self.db, chiamante, tipo, elementi, self.apertura())

    def attempt(self, esito: int | None = None, iuv: str = "01000000000000144", **changes: Any) -> str:
        """One attempt at a stored dovuto, sent, with its receipt applied when `esito` is given; the idSession."""
        id_session = self.verifica(iuv)
        self.start(id_session)
        self.relay()
        if esito is not None:
            self.conclude(id_session, esito, **changes)
        return id_session

    def conclude(self, id_session: str, esito: int, **changes: Any) -> None:
        """The receipt of a payment arrives and is applied."""
        tentativo = self.tentativo(id_session)
        self.receive(make_rt(bytes(tentativo.rpt), esito, **changes), tentativo)
        self.apply()

    def change(self, table: Table, key: str, value: Any, **values: Any) -> None:
        """Change a row into what an earlier step would have left."""
        with self.db.transaction() as session:
            _number(session, table)
            session.execute(update(table).where(table.c[key] == value).values(**values))


def _number(session: Session, table: Table) -> None:
    """Move the configuration's number on when a table is part of it, as every writer of the hub does."""
    if table in (schema.stazioni, schema.enti, schema.tipi, schema.credenziali):
        revisione.move_on(session)


def build_world(db: Database, clock: Clock) -> World:
    """Lay the cast and return the world over it."""
    world = world_over(db, clock)
    _lay_cast(db, world.runtime.cassaforte, clock())
    return world


def world_over(db: Database, clock: Clock) -> World:
    """The world over a database in which the cast is laid already."""
    config = Config(
        ambiente=Ambiente.SVILUPPO,
        database_url="sqlite:///unused.db",
        public_url="https://hub.example.org",
        # What a test has just done is told at once.
        metrics_cache_s=0,
    )
    nodo = ScriptedNodo()
    cartella = tempfile.TemporaryDirectory(prefix="pontepa-archivio-")
    cassaforte = Cassaforte(config.secret_key)
    runtime = Runtime(
        config=config,
        db=db,
        nodi={"rpt": nodo},
        iuv=IuvBlocks(db, 10),
        callers=Callers(Anagrafe(db), config.auth_failures_max),
        cassaforte=cassaforte,
        firme=XmlsecFirme(),
        archivio=CartellaArchivio(Path(cartella.name)),
        archivi=Archivi(ArchivioClient(is_open=True, limiti=Limiti(0.3, 0.3, 0.3)), 3),
        clock=clock,
    )
    return World(runtime, clock, nodo, cartella)


def _lay_cast(db: Database, cassaforte: Cassaforte, now: datetime) -> None:
    sealed = cassaforte.seal(PASSWORD_STAZIONE)
    stazione = {"id": STAZIONE, "intermediario": INTERMEDIARIO, "rileva_duplicati": True, "password_cifrata": sealed}
    with db.transaction() as session:
        session.execute(insert(schema.stazioni), stazione)
        session.execute(
            insert(schema.enti),
            [
                _ente(1, "C_PROVA", "Comune di Prova", INTERMEDIARIO, "01", "ESERCIZIO"),
                _ente(2, "C_VICINO", "Comune Vicino", "98765432103", "02", "ESERCIZIO"),
                _ente(3, "C_SPENTO", "Ente Spento", "11111111115", "03", "INSERITO"),
            ],
        )
        session.execute(
            insert(schema.tipi),
            [_tipo(ente_id, codice) for ente_id in (1, 2, 3) for codice in ("TARI", "MENSA")]
            + [
                _tipo(1, "CHIUSO", attivo=False),
                _tipo(1, "DONAZIONI", anonimo=True),
                _tipo(1, "SANZIONE", scadenza_obbligatoria=True),
                _tipo(1, "BOLLETTA", stampa_data_scadenza=True),
                _tipo(1, "MARCA_BOLLO_DIGITALE", importo_cent=IMPORTO_MARCA_CENT),
            ],
        )
        for ente_id, password in enumerate(PASSWORDS.values(), 1):
            session.execute(
                insert(schema.credenziali),
                {"ente_id": ente_id, "hash": _hash(password), "created_at": now},
            )
        session.execute(
            insert(schema.credenziali),
            {
                "ente_id": 2,
                "applicazione": "refezione",
                "tipi": ["MENSA"],
                "hash": _hash(PASSWORD_REFEZIONE),
                "created_at": now,
            },
        )


def _ente(id: int, codice: str, nome: str, codice_fiscale: str, segregazione: str, stato: str) -> dict[str, Any]:
    return {
        "id": id,
        "cod_ipa_ente": codice,
        "codice_fiscale": codice_fiscale,
        "nome": nome,
        "stato": stato,
        "stazione_id": STAZIONE,
        "codice_segregazione": segregazione,
        "iban": "IT60X0542811101000000123456",
    }


def _tipo(ente_id: int, codice: str, **values: Any) -> dict[str, Any]:
    tipo = {
        "ente_id": ente_id,
        "codice": codice,
        "descrizione": codice.capitalize(),
        "tassonomia": "9/0101101IM/",
        "modalita": ["base"],
        "attivo": True,
        "scadenza_obbligatoria": False,
        "stampa_data_scadenza": False,
        "anonimo": False,
        "importo_cent": None,
    }
    return tipo | values


@contextmanager
def open_world(url: str) -> Iterator[World]:
    """A world over the database at `url`, closed at the end."""
    database = Database.open(url)
    try:
        yield build_world(database, Clock(datetime.now(UTC).replace(microsecond=0)))
    finally:
        database.close()


@pytest.fixture
def world(database_url: str) -> Iterator[World]:
    """The world on both databases."""
    with open_world(database_url) as world:
        yield world


@pytest.fixture
def small_world(sqlite_url: str) -> Iterator[World]:
    """The world on SQLite alone: for promises that have nothing to do with the database."""
    with open_world(sqlite_url) as world:
        yield world
