"""Export of paid items: a booking of so many rows written by the deed of the worker, in a process of its own.

The rows, each with a receipt of its own, are written straight into the tables. The floor is the bare SELECT of what the
export reads (dovuto, receipt's bytes), streamed in the same order, in the same run. Memory is the peak of the process,
for a tenth of the rows and for all of them. Run: python -m benchmarks.export [--rows N] [--ricevuta]
"""

from __future__ import annotations

import multiprocessing
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import insert, text

from adapters.cartella.client import CartellaArchivio
from benchmarks import report
from benchmarks.processes import fresh_database
from hub.domain.iuv import build_iuv
from hub.formats.resources import resource as file_of
from hub.store import migrate, schema
from hub.store.database import Database
from hub.usecases import esporta

RECEIPT = Path(__file__).parents[1] / "tests" / "data" / "rt" / "pagata.xml"
DAYS = 10
FIRST_DAY = date(2026, 11, 1)
AT = datetime(2026, 11, 21, 10, tzinfo=UTC)
# What all the rows may take above a tenth of them.
GROWTH_MAX_MIB = 16
_BATCH = 20_000
_ENTE = {"id": 1, "cod_ipa_ente": "C_PROVA", "codice_fiscale": "12345678903", "nome": "Comune di Prova",
         "stato": "ESERCIZIO", "stazione_id": "s", "codice_segregazione": "01", "iban": "IT60"}  # fmt: skip
_COLUMNS = {
    "rt_ricevute": "id,dominio,iuv,ccp,stazione_id,sha256,raw,stato,correlation_id,received_at",
    "carrelli": "id,ente_id,dominio,iuv,stato,importo_cent,rt_id,created_at,updated_at",
    "dovuti": "id,ente_id,dominio,carrello_id,posizione,iud,iuv,tipo,importo_cent,causale,dati_specifici,origine,stato,"
    "codice_esito,importo_pagato_cent,iur,data_esito,created_at,updated_at",
}
_FLOOR = text(
    "SELECT d.id, d.carrello_id, d.posizione, d.iud, d.iuv, d.tipo, d.origine, d.riga, d.bilancio_xml,"
    " d.dati_specifici, d.importo_pagato_cent, d.iur, d.data_esito, d.causale, r.raw FROM dovuti d"
    " JOIN carrelli c ON c.id = d.carrello_id JOIN rt_ricevute r ON r.id = c.rt_id"
    " WHERE d.ente_id = 1 AND d.stato = 'COMPLETATO' AND d.data_esito >= :da ORDER BY d.data_esito, d.id"
)


def main(argv: Sequence[str] | None = None) -> int:
    """Lay the rows, run the rounds, print rows a second, ratio and memory; return the exit code."""
    parser = report.arguments(__doc__ or "")
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--rounds", type=int, default=1)
    parser.add_argument("--ricevuta", action="store_true", help="version 1.3 with receipts instead of 1.0")
    options = parser.parse_args(argv)
    with tempfile.TemporaryDirectory() as folder, fresh_database(options.database, Path(folder)) as url:
        _lay(url, options.rows)
        report.say(f"export of {options.rows} paid rows, {report.kind_of(options.database)}, {report.machine()}")
        seconds: dict[str, list[float]] = {"floor": [], "export": []}
        for _ in range(options.rounds):
            seconds["floor"].append(_alone(_floor, url, folder, options.ricevuta, DAYS, options.rows)[0])
            _, tenth_mib = _alone(_export, url, folder, options.ricevuta, 1, options.rows // DAYS)
            elapsed, all_mib = _alone(_export, url, folder, options.ricevuta, DAYS, options.rows)
            seconds["export"].append(elapsed)
    for name, each in seconds.items():
        report.say(f"{name:>12}{options.rows / min(each):>10.0f} rows/s{min(each) / options.rows * 1e6:>8.1f} us/row")
    report.say(report.ratio_line("rows/s, export / floor", seconds["floor"], seconds["export"]))
    report.say(f"peak of the process: {tenth_mib} MiB for a tenth of the rows, {all_mib} MiB for all")
    goal = f"memory that grows by {GROWTH_MAX_MIB} MiB at most"
    return report.verdict(goal, all_mib - tenth_mib <= GROWTH_MAX_MIB, options.check)


def _alone(
    deed: Callable[..., int], url: str, folder: str, ricevuta: bool, days: int, wanted: int
) -> tuple[float, int]:
    """Run in a fresh process; return seconds and its peak in MiB. Raises: AssertionError (other rows than wanted)."""
    with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as pool:
        found, seconds, peak_mib = pool.submit(_measured, deed, url, folder, ricevuta, days).result()
    assert found == wanted, (found, wanted)
    return seconds, peak_mib


def _measured(deed: Callable[..., int], url: str, folder: str, ricevuta: bool, days: int) -> tuple[int, float, int]:
    db = Database.open(url)
    started = time.perf_counter()
    found = deed(db, folder, ricevuta, FIRST_DAY + timedelta(days=DAYS - days))
    seconds = time.perf_counter() - started
    db.close()
    return found, seconds, _peak_mib()


def _peak_mib() -> int:
    """The peak of this process (Linux); what getrusage tells includes the one that began it."""
    (line,) = (line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmHWM:"))
    return int(line.split()[1]) >> 10


def _floor(db: Database, _folder: str, _ricevuta: bool, da: date) -> int:
    with db.reading() as session:
        # A server-side cursor needs a transaction.
        streamed = session.execution_options(isolation_level="READ COMMITTED") if db.is_postgresql else session
        rows = streamed.execution_options(yield_per=500).execute(_FLOOR, {"da": da.isoformat()})
        return sum(len(row) > 0 for row in rows)


def _export(db: Database, folder: str, ricevuta: bool, da: date) -> int:
    request_token = f"{datetime.now(UTC).timestamp():.6f}"
    booking = {
        "request_token": request_token, "ente_id": 1, "genere": "PAGATI", "versione": "1.3" if ricevuta else "1.0",
        "ricevuta": ricevuta, "giorno_da": da, "giorno_a": FIRST_DAY + timedelta(days=DAYS), "stato": "LOAD_EXPORT",
        "eseguibile_at": AT, "created_at": AT, "updated_at": AT,
    }  # fmt: skip
    with db.transaction() as session:
        session.execute(insert(schema.prenotazioni_export), booking)
    assert esporta.run_once(db, CartellaArchivio(Path(folder) / "archivio"), lambda: datetime.now(UTC))
    with db.reading() as session:
        query = text("SELECT righe FROM prenotazioni_export WHERE request_token = :token AND stato = 'EXPORT_ESEGUITO'")
        return int(session.execute(query, {"token": request_token}).scalar_one())


def _lay(url: str, rows: int) -> None:
    """Make the tables and write the rows below SQLAlchemy: they are not what is measured."""
    db = Database.open(url)
    migrate.upgrade(db, file_of("migrations"))
    with db.transaction() as session:
        session.execute(insert(schema.stazioni), {"id": "s", "intermediario": "12345678903", "password_cifrata": "x"})
        session.execute(insert(schema.enti), _ENTE)
    raw = RECEIPT.read_bytes()
    with db.engine.connect().execution_options(pontepa_write=True) as connection:
        driver: Any = connection.connection.driver_connection
        for first in range(1, rows + 1, _BATCH):
            numbers = range(first, min(first + _BATCH, rows + 1))
            tables = zip(*(_row(number, raw) for number in numbers), strict=True)
            with connection.begin():
                for (table, columns), values in zip(_COLUMNS.items(), tables, strict=True):
                    _write(driver, db.is_postgresql, table, columns, values)
        with connection.begin():
            connection.exec_driver_sql("ANALYZE")
    db.close()


def _write(driver: Any, is_postgresql: bool, table: str, columns: str, values: Sequence[tuple[Any, ...]]) -> None:
    if is_postgresql:
        with driver.cursor() as cursor, cursor.copy(f"COPY {table} ({columns}) FROM STDIN") as copy:
            for row in values:
                copy.write_row(row)
    else:
        places = ",".join("?" * (columns.count(",") + 1))
        driver.executemany(f"INSERT INTO {table} ({columns}) VALUES ({places})", values)


def _row(number: int, raw: bytes) -> tuple[tuple[Any, ...], ...]:
    """The receipt, the carrello and the dovuto of one payment; the ids do not follow the days."""
    id, iuv = f"{number * 2654435761 % 2**32:032x}", build_iuv(1, number)
    day, at = (FIRST_DAY + timedelta(days=number % DAYS)).isoformat(), "2026-11-20 10:00:00.000000"
    receipt = raw.replace(b"01000000000000144", iuv.encode())
    return (
        (number, "12345678903", iuv, id, "s", id, receipt, "ELABORATA", "c", at),
        (id, 1, "12345678903", iuv, "PAGATO", 1234, number, at, at),
        (id, 1, "12345678903", id, 1, f"IUD-{number}", iuv, "TARI", 1234, "Tassa rifiuti", "9/0101101IM/",
         "IMPORT-DOVUTO", "COMPLETATO", 0, 1234, f"IUR{number}", day, at, at),
    )  # fmt: skip


if __name__ == "__main__":
    sys.exit(main())
