"""The notices of a whole flow, from stored rows to one archive: time of each, memory along the way. For `avvisi`."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import psutil
from sqlalchemy import insert

from benchmarks.processes import fresh_database
from hub.domain.iuv import build_iuv
from hub.formats.resources import resource
from hub.formats.tracciati.import_dovuti import VERSIONI
from hub.store import loghi, migrate, schema
from hub.store.database import Database
from hub.usecases.stampa_avvisi import write_avvisi
from tests.tracciati import make_codice_fiscale, make_zip, rows
from tests.world import World, open_world

FLUSSO_ID = 1
_BASE = "C_PROVA-F1-1_3"
_CARTELLA = f"C_PROVA/IMPORT_ELABORATI/2026_11/{_BASE}"
# Rows laid with one statement.
_LAID = 1000
# Notices after which the compiler's caches are full, and what grows is a leak.
WARM = 500


@dataclass
class Misura:
    """What printing one flow took. `rss_mib`: of the process, beat by beat, with how many seconds had passed."""

    notices: int
    seconds: float = 0
    cpu_seconds: float = 0
    zip_mib: float = 0
    rss_mib: list[float] = field(default_factory=list)

    @property
    def growth_mib(self) -> float:
        """How much more than at the end of the warm-up the process had, at the most."""
        warm = self.rss_mib[: max(1, len(self.rss_mib) * WARM // self.notices)]
        return max(self.rss_mib) - max(warm)


def print_flow(database: str, folder: Path, notices: int, logo: bytes) -> Misura:
    """Lay a flow of so many accepted rows and print their notices."""
    with fresh_database(database, folder) as url:
        _migrate(url)
        with open_world(url) as world:
            _lay(world, notices, logo)
            return _print(world, notices)


def _print(world: World, notices: int) -> Misura:
    misura = Misura(notices)
    process = psutil.Process()
    runtime = world.runtime
    flusso = world.one(schema.flussi_import, id=FLUSSO_ID)
    started, cpu_started = time.perf_counter(), time.process_time()

    def tick() -> None:
        misura.rss_mib.append(process.memory_info().rss / 1024**2)

    path = write_avvisi(
        world.db, runtime.callers.anagrafe, runtime.archivio, flusso, _CARTELLA, tick, world.clock()
    )  # fmt: skip
    misura.seconds, misura.cpu_seconds = time.perf_counter() - started, time.process_time() - cpu_started
    assert path is not None
    misura.zip_mib = (runtime.archivio.size_bytes(path) or 0) / 1024**2
    return misura


def _lay(world: World, notices: int, logo: bytes) -> None:
    header = VERSIONI["1_3"].intestazione()
    csv = "".join(f"{line}\n" for line in (header, *rows(notices)))
    file = f"C_PROVA/IMPORT/2026_11/t/{_BASE}.zip"
    with world.runtime.archivio.write(file) as out:
        out.write(make_zip([(f"{_BASE}.csv", csv.encode())]).read())
    now = world.clock()
    world.lay(
        schema.flussi_import, id=FLUSSO_ID, request_token="t", ente_id=1, jti="j", stato="IMPORT_IN_ELAB",
        nome_file=f"{_BASE}.zip", file=file, iuf="F1", versione="1_3", stato_flusso="CARICATO",
        authorization_expires_at=now, created_at=now, updated_at=now,
    )  # fmt: skip
    world.change(schema.enti, "id", 1, autorizzazione_stampa="AUT. DB/SISB/P1 1234 DEL 01/01/2020")
    world.change(schema.tipi, "codice", "TARI", conto_postale="12345678", settore="Ufficio Tributi")
    with world.db.transaction() as session:
        loghi.put(session, 1, logo)
        laid = []
        for row in _dovuti(world, notices):
            laid.append(row)
            if len(laid) == _LAID:
                session.execute(insert(schema.dovuti), laid)
                laid = []
        if laid:
            session.execute(insert(schema.dovuti), laid)


def _dovuti(world: World, notices: int) -> Iterator[dict[str, object]]:
    now = world.clock()
    for number in range(1, notices + 1):
        codice = make_codice_fiscale(number)
        yield {
            "id": f"{FLUSSO_ID:016x}{number:016x}", "ente_id": 1, "dominio": "12345678903", "posizione": 1,
            "iud": f"TARI-{number:09d}", "iuv": build_iuv(1, number), "tipo": "TARI", "importo_cent": 10000 + number,
            "causale": f"TARI 2026 saldo, utenza {number}", "dati_specifici": "9/0101101IM/",
            "pagatore_tipo": "F", "pagatore_codice": codice,
            "pagatore": {"tipo": "F", "codice": codice, "anagrafica": f"Mario Rossi {number}", "indirizzo": "Via Roma",
                         "civico": str(number % 400), "cap": "20100", "localita": "Milano", "provincia": "MI"},
            "origine": "FLUSSO", "flusso_id": FLUSSO_ID, "riga": number, "stato": "INSERIMENTO_DOVUTO",
            "created_at": now, "updated_at": now,
        }  # fmt: skip


def _migrate(url: str) -> None:
    db = Database.open(url)
    try:
        migrate.upgrade(db, resource("migrations"))
    finally:
        db.close()
