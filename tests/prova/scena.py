"""A story told step by step to processes that may die, by those who are not the hub: ente, payer, node, worker's init.

Whoever gets no answer asks again, and a process that died is started again, this time without the flag. What the story
leaves is said as facts, without ids and instants of its own, so that two tellings can be compared.
"""

from __future__ import annotations

import hashlib
import io
import shutil
import zipfile
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import Table
from sqlalchemy.engine import make_url

from adapters.cartella.client import CartellaArchivio
from adapters.ente.fake import EnteFinto
from adapters.nodo.fake import SimulatorServer, create_simulator
from hub.crash import Punto
from hub.store import schema
from hub.store.database import Database
from hub.store.iuv import lease
from hub.usecases.start_pagamento import TOPIC_NODO
from tests import pg
from tests.adapters.simulated import post_json
from tests.inoltro import CHIAVE
from tests.prova.controllo import rilievi
from tests.prova.palco import Deed, Luogo, perform
from tests.world import INTERMEDIARIO, Clock, World, build_world, world_over

# Nobody is there: receipts are taken out of the node's ledger and brought by the story itself.
_NOBODY = "http://127.0.0.1:9"
_FACTS: dict[Table, str] = {
    schema.sessioni: "stato",
    schema.carrelli: "stato importo_cent",
    schema.dovuti: "iud riga stato attuale importo_cent codice_esito importo_pagato_cent",
    schema.tentativi: "stato fault_code",
    schema.outbox: "topic stato",
    schema.rt_ricevute: "primitiva stato importo_cent segnalazioni",
    schema.eventi_esito: "iud sequenza codice_esito",
    schema.posizioni_pubblicate: "importo_cent stato",
    schema.flussi_import: "iuf stato stato_flusso righe_totali righe_caricate dovuti_annullati",
    schema.flussi_righe: "riga codici iud iuv",
    schema.prenotazioni_export: "stato righe",
    schema.rendicontazioni: "iuf revisione stato attiva righe_lette netto_cent",
    schema.rendicontazioni_righe: "numero iuv iur importo_cent",
}

Caso = tuple[str, Punto]
Facts = Counter[tuple[Any, ...]]


@dataclass(frozen=True)
class Storia:
    """`prepare` lays what is there before; `tell` lets it happen; `punti`: where its processes may be killed."""

    nome: str
    prepare: Callable[[World, str], None]
    tell: Callable[[Scena], None]
    punti: frozenset[Punto]


@dataclass(frozen=True, slots=True)
class Caduta:
    """What became of a story whose process was killed at one point of one step."""

    fault: str
    injected: int
    lost: Facts
    doubled: Facts
    recovery_s: float

    @property
    def is_unnoticed(self) -> bool:
        return self.injected > 0 and not self.lost and not self.doubled

    @property
    def row(self) -> tuple[str, int, int, int, float]:
        """Fault, times injected, lost, doubled, seconds of the hub's clock until all is in order."""
        return self.fault, self.injected, self.lost.total(), self.doubled.total(), self.recovery_s


@dataclass
class Scena:
    """One telling. `fault`: at which point of which step processes die, so many `times`; `nth`: when they get there."""

    world: World
    luogo: Luogo
    simulator: SimulatorServer
    ente: EnteFinto
    now: datetime
    fault: Caso | None = None
    times: int = 1
    nth: int = 1
    casi: list[Caso] = field(default_factory=list)
    injected: int = 0

    def does(self, passo: str, deed: Deed, *punti: Punto) -> Any:
        """Let a process do a step until one comes to its end; return what that one returns."""
        self.casi += [(passo, punto) for punto in punti]
        while True:
            flag = ""
            if self.fault is not None and self.fault[0] == passo and self.injected < self.times:
                flag = f"{self.fault[1]}:{self.nth}"
            fine = perform(self.luogo, self.now, deed, flag)
            if not fine.is_killed:
                assert fine.now is not None
                self.now = self.world.clock.now = fine.now
                return fine.result
            self.injected += 1

    def pass_time(self, time: timedelta) -> None:
        self.now = self.world.clock.now = self.now + time

    def pay_all(self) -> None:
        """Payers pay every RPT that is at the node: a second one of the same payment too."""
        for rpt in self.simulator.simulator.ledger.as_json()["rpt"]:
            if rpt["stato"] == "RPT_PARCHEGGIATA_NODO":
                words = {"idSession": rpt["id_session"], "azione": "paga"}
                assert post_json(self.simulator, "/api/paga", words).status == 200

    def facts(self) -> Facts:
        """What there is at the end: rows, files, what the node, the platform and the ente's system have had."""
        found = self._rows()
        found.update(self._files())
        found.update(self._outside())
        return +found

    def _rows(self) -> Facts:
        found: Facts = Counter()
        for table, names in _FACTS.items():
            for row in self.world.rows(table):
                found[table.name, *(str(getattr(row, name)) for name in names.split())] += 1
        # Of a message that the end of its attempt has overtaken nobody asks any more whether it had left.
        sent = [row for row in self.world.rows(schema.outbox) if row.topic.startswith(TOPIC_NODO)]
        overtaken = [row for row in sent if row.last_code == "TENTATIVO_CHIUSO"]
        for row in overtaken:
            found["outbox", row.topic, row.stato] -= 1
            found["outbox", row.topic, row.last_code] += 1
        # A change that is asked for again makes the same change: only the history is longer.
        for fact in [fact for fact in found if fact[0] == "dovuti" and fact[3] == "ANNULLATO"]:
            del found[fact]
            found["dovuti", fact[1], "ANNULLATO"] = 1
        # A revision that another one has replaced may have been looked at before, or not: it does not count.
        for fact in [fact for fact in found if fact[0] == "rendicontazioni" and fact[4] == "False"]:
            found[*fact[:3], "superata", *fact[4:]] += found.pop(fact)
        return found

    def _outside(self) -> Iterator[tuple[Any, ...]]:
        ledger = self.simulator.simulator.ledger.as_json()
        yield from (("nodo", rpt["stato"]) for rpt in ledger["rpt"])
        yield "nodo", "invii duplicati", ledger["conteggi"]["invii_duplicati"]
        piattaforma = self.simulator.simulator.piattaforma
        notices = {
            (one["numero_avviso"], one["importo_cent"])
            for carrello in piattaforma.ledger_carrelli.as_json()["carrelli"]
            for one in carrello["avvisi"]
        }
        yield from (("checkout", importo_cent) for _numero, importo_cent in notices)
        for one in piattaforma.posizioni.as_json()["posizioni"]:
            yield "posizione", one["importo_cent"], one["stato"], one["versioni"]
        # The same event twice is once: its receiver knows it by its id.
        told = {(one.evento, one.sequenza, hashlib.sha256(one.body).hexdigest()) for one in self.ente.received}
        assert all(one.is_signed for one in self.ente.received) and len(told) == len(set(self.ente.acknowledged))
        yield from (("ente", sequenza) for _evento, sequenza, _body in told)

    def _files(self) -> Iterator[tuple[str, str, str]]:
        for row in self.world.rows(schema.flussi_import):
            for name in ("file_scarti", "file_iuv", "file_avvisi"):
                if getattr(row, name) is not None:
                    yield name, getattr(row, name), hashlib.sha256(self._read(getattr(row, name))).hexdigest()
        for row in self.world.rows(schema.prenotazioni_export):
            if row.file is not None:
                # Its name says when it was written.
                with zipfile.ZipFile(io.BytesIO(self._read(row.file))) as archive:
                    (csv,) = archive.namelist()
                    yield "export", "csv", hashlib.sha256(archive.read(csv)).hexdigest()

    def _read(self, path: str) -> bytes:
        return (Path(self.luogo.archivio) / path).read_bytes()


@contextmanager
def a_copy(url: str, server: pg.Server | None, path: Path) -> Iterator[str]:
    """Give the address of a copy of a database that nobody has open."""
    if server is None:
        shutil.copyfile(make_url(url).database or "", path)
        yield f"sqlite:///{path}"
        return
    name = server.create_database(make_url(url).database)
    try:
        yield server.url_of(name)
    finally:
        server.drop_database(name)


class Prova:
    """A story over one kind of database: told undisturbed, then again for every point at which a process may die.

    `url`: of a migrated, empty database; `server`: where it is, None for a file.
    """

    def __init__(self, storia: Storia, url: str, server: pg.Server | None, folder: Path) -> None:
        self.storia, self._url, self._server, self._folder = storia, url, server, folder
        # What `pontepa verify` says of the databases that the tellings left, and of how many of them.
        self.rilievi: list[str] = []
        self.verificate = 0
        self._archivio = folder / "prima"
        self._archivio.mkdir()
        self._count = 0

    def run(self, *, times: int = 1, nth: int = 1, has_verify: bool = False) -> list[Caduta]:
        """Return what became of the story for each of its points. `has_verify`: what is left is verified as well."""
        with EnteFinto(CHIAVE) as ente:
            now = self._prepare(ente)
            with self._scena(ente, now) as scena:
                self.storia.tell(scena)
                undisturbed, ended_at, casi = scena.facts(), scena.now, scena.casi
            assert {punto for _passo, punto in casi} == self.storia.punti, "the story does not say its points"
            cadute = []
            for caso in dict.fromkeys(casi):
                with self._scena(ente, now, caso, times, nth) as scena:
                    self.storia.tell(scena)
                    facts = scena.facts()
                    recovery_s = (scena.now - ended_at).total_seconds()
                    fault = f"{self.storia.nome}, {caso[0]}: {caso[1]}"
                    cadute.append(
                        Caduta(fault, scena.injected, undisturbed - facts, facts - undisturbed, recovery_s)
                    )
                    if has_verify:
                        self.verificate += 1
                        found = rilievi(scena.world.db, Path(scena.luogo.archivio))
                        self.rilievi += [f"{fault}: {line}" for line in found]
        return cadute

    def _prepare(self, ente: EnteFinto) -> datetime:
        database = Database.open(self._url)
        try:
            world = build_world(database, Clock(datetime.now(UTC).replace(microsecond=0)))
            world.runtime = replace(world.runtime, archivio=CartellaArchivio(self._archivio))
            self.storia.prepare(world, ente.url)
            # Whatever the story has laid has a number that the hub has given out.
            with database.transaction() as session:
                lease(session, INTERMEDIARIO, "01", 1000)
            return world.clock.now
        finally:
            database.close()

    @contextmanager
    def _scena(
        self, ente: EnteFinto, now: datetime, fault: Caso | None = None, times: int = 1, nth: int = 1
    ) -> Iterator[Scena]:
        self._count += 1
        place = self._folder / str(self._count)
        shutil.copytree(self._archivio, place)
        ente.received.clear()
        ente.acknowledged.clear()
        with (
            a_copy(self._url, self._server, self._folder / f"{self._count}.db") as url,
            _simulated() as simulator,
            _opened(url) as database,
        ):
            luogo = Luogo(url, str(place), simulator.url)
            yield Scena(world_over(database, Clock(now)), luogo, simulator, ente, now, fault, times, nth)
        shutil.rmtree(place)


@contextmanager
def _simulated() -> Iterator[SimulatorServer]:
    server = SimulatorServer("127.0.0.1", 0, create_simulator(_NOBODY, seed=7))
    server.start()
    try:
        yield server
    finally:
        server.close()


@contextmanager
def _opened(url: str) -> Iterator[Database]:
    database = Database.open(url)
    try:
        yield database
    finally:
        database.close()

