"""The HTTP door on a real database: Comune di Prova, a clock that a test may move, sessions laid as rows."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import insert, select, update

from adapters.cartella.client import CartellaArchivio
from adapters.ente.archivio import ArchivioClient
from adapters.firma.xmlsec_verifier import XmlsecFirme
from adapters.nodo.client import NodoClient
from adapters.nodo.soap import NodoSoap
from adapters.nodo.trasporto import Attese, Trasporto
from hub.config import Ambiente, Config
from hub.formats.segreti import Cassaforte
from hub.runtime import Runtime
from hub.store import schema
from hub.store.anagrafe import Anagrafe
from hub.store.database import Database
from hub.store.iuv import IuvBlocks
from hub.usecases.authenticate import Callers
from hub.usecases.importo_attuale import Archivi
from hub.web import create_flask

CAST = "12345678903"
ENTE_URL = "https://sportello.example.org/esito?pratica=A%207&z=1"
DOVUTI = Path(__file__).with_name("dovuti.xml").read_bytes()


class Clock:
    """The hub's time, in the hands of the test."""

    def __init__(self, now: datetime) -> None:
        self.now = now

    def __call__(self) -> datetime:
        return self.now

    def advance(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)


class World:
    """What a test lays and looks at."""

    def __init__(self, runtime: Runtime, clock: Clock) -> None:
        self.runtime = runtime
        self.clock = clock
        self.db = runtime.db
        self._made = 0

    def make_sessione(self, **values: Any) -> str:
        """Lay a session and return its idSession; `documento` and every column may be given."""
        self._made += 1
        id_session = f"00000000-0000-4000-8000-{self._made:012d}"
        now = self.clock.now
        row = {
            "id_session": id_session, "ente_id": 1, "stato": "NUOVO_CARRELLO", "show_mypay": "SHORT",
            "url_esito": ENTE_URL, "documento": DOVUTI.replace(b"IUD-1", b"IUD-%d" % self._made),
            "created_at": now, "updated_at": now, "expires_at": now + timedelta(hours=1), "correlation_id": "c" * 32,
        }  # fmt: skip
        with self.db.transaction() as session:
            session.execute(insert(schema.sessioni), {**row, **values})
        return id_session

    def give_key(self, chiave: str) -> None:
        """Let Comune di Prova have a key for the payer's return, sealed as the configuration keeps it."""
        sealed = self.runtime.cassaforte.seal(chiave)
        with self.db.transaction() as session:
            session.execute(update(schema.enti).where(schema.enti.c.id == 1).values(chiave_ritorno_cifrata=sealed))

    def change(self, id_session: str, **values: Any) -> None:
        """Lay the session's row as a worker or a receipt would leave it."""
        where = schema.sessioni.c.id_session == id_session
        with self.db.transaction() as session:
            session.execute(update(schema.sessioni).where(where).values(**values))

    def row(self, id_session: str) -> Any:
        with self.db.reading() as session:
            return session.execute(select(schema.sessioni).where(schema.sessioni.c.id_session == id_session)).one()

    def count(self, table: str) -> int:
        with self.db.reading() as session:
            return len(session.execute(select(schema.metadata.tables[table])).all())


def build_world(db: Database, clock: Clock, folder: Path) -> World:
    config = Config(ambiente=Ambiente.SVILUPPO, database_url="sqlite:///unused.db", session_ttl_s=3600)
    anagrafe = Anagrafe(db)
    runtime = Runtime(
        config=config,
        db=db,
        # The door writes for the node and never speaks to it.
        nodi={"rpt": NodoClient(NodoSoap("", Attese(1, 1, 1), Trasporto()))},
        iuv=IuvBlocks(db, 10),
        callers=Callers(anagrafe, 20),
        cassaforte=Cassaforte(config.secret_key),
        firme=XmlsecFirme(),
        archivio=CartellaArchivio(folder),
        archivi=Archivi(ArchivioClient(is_open=True), 1),
        clock=clock,
    )
    with db.transaction() as session:
        session.execute(
            insert(schema.stazioni),
            {"id": f"{CAST}_01", "intermediario": CAST, "password_cifrata": "-", "rileva_duplicati": True},
        )
        session.execute(
            insert(schema.enti),
            {
                "id": 1, "cod_ipa_ente": "C_PROVA", "codice_fiscale": CAST, "nome": "Comune di Prova",
                "stato": "ESERCIZIO", "stazione_id": f"{CAST}_01", "codice_segregazione": "01",
                "iban": "IT60X0542811101000000123456",
            },
        )  # fmt: skip
        session.execute(
            insert(schema.tipi),
            {
                "ente_id": 1, "codice": "MENSA", "descrizione": "Mensa", "tassonomia": "9/0107101TS/",
                "modalita": ["base"], "attivo": True, "scadenza_obbligatoria": False, "anonimo": False,
            },
        )  # fmt: skip
    return World(runtime, clock)


@pytest.fixture
def clock() -> Clock:
    return Clock(datetime.now(UTC).replace(microsecond=0))


@pytest.fixture
def world(db: Database, clock: Clock, tmp_path: Path) -> World:
    """The world on both databases."""
    return build_world(db, clock, tmp_path)


@pytest.fixture
def small_world(sqlite_url: str, clock: Clock, tmp_path: Path) -> Iterator[World]:
    """The world on SQLite alone: for promises that have nothing to do with the database."""
    database = Database.open(sqlite_url)
    yield build_world(database, clock, tmp_path)
    database.close()


@pytest.fixture
def client(small_world: World) -> FlaskClient:
    return create_flask(small_world.runtime).test_client()


@pytest.fixture
def broken(small_world: World, tmp_path: Path) -> Flask:
    """The door of a process whose database has no tables at all."""
    empty = Database.open(f"sqlite:///{tmp_path / 'senza_tabelle.db'}")
    return create_flask(replace(small_world.runtime, db=empty))


MakeClient = Callable[[World], FlaskClient]


@pytest.fixture
def open_client() -> MakeClient:
    return lambda world: create_flask(world.runtime).test_client()
