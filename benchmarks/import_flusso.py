"""The import of an enormous flow by a real worker: rows a second, memory, and what the others notice of it.

Layout 1_3, every row an I whose IUV the hub draws, sent through the upload door. The floors are measured in the same
run on the same rows: COPY into a bare table of a PostgreSQL, `executemany` into a bare table of SQLite, and an ORM that
looks up, inserts and commits row by row. The rate counts from the worker's claim to its last committed row; the result
files come after and are told apart. Run: python -m benchmarks.import_flusso [--rows N] [--database postgresql]
"""

from __future__ import annotations

import argparse
import resource
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from statistics import median
from typing import Any

from sqlalchemy import create_engine, func, select

from benchmarks import import_floors, report
from benchmarks.load import Load, run_paced
from benchmarks.messages import build_http
from benchmarks.processes import Peaks, fresh_database
from hub.domain.stati import StatoFlusso, StatoImport
from hub.store.schema import dovuti, flussi_import
from tests.flows.carico import Mittente, add_enti, write_flow
from tests.flows.plant import Plant
from tests.tracciati import rows

ROWS = 1_000_000
# Of raw COPY into a PostgreSQL, whatever the hub's database; and of the row-wise ORM.
COPY_GOALS = {"postgresql": 0.33, "sqlite": 0.15}
ORM_GOALS = {"postgresql": 100.0}
MEMORY_GOAL_MIB = 80.0
TRIAL_ROWS, TRIAL_GOAL_S = 100_000, 3.0
# Enti of their own, whose type has no printed notice: a million of them would take hours.
ENORME, PICCOLO = "C_ALTRO02", "C_ALTRO03"
SMALL_ROWS = 100
SOAP_PER_SECOND, IDLE_S = 20, 20.0
_OK = b"<esito>OK</esito>"
_FLOOR_ROUNDS = 3
# For a machine that is ten times slower than the one where this was written.
_LOST_S = 3600.0
# The door takes 10 MiB unless it is told otherwise.
_ENVIRONMENT = {"PONTEPA_MAX_UPLOAD_BYTES": str(256 * 1024 * 1024)}


@dataclass
class Run:
    """One import as it was seen from outside; `peaks`: MiB of the worker and of each process that it started."""

    rows: int
    refused: int
    loaded_s: float
    results_s: float
    peaks: list[float] = field(default_factory=list)

    @property
    def per_second(self) -> float:
        return self.rows / self.loaded_s

    @property
    def importer_mib(self) -> float:
        """Of the process that imports: the largest that the worker started, or itself when it started none."""
        return max(self.peaks[1:], default=self.peaks[0])


class Site:
    """An installation over a fresh database, its server and its worker running."""

    def __init__(self, plant: Plant) -> None:
        self.plant = plant
        self.url = plant.database_url
        self.engine = create_engine(self.url)

    def send(self, zip_file: Path, ente: str = ENORME) -> str:
        return Mittente(self.plant, ente).send(zip_file)

    def row(self, request_token: str) -> Any:
        """Return how an import stands. Raises: RuntimeError (it was refused)."""
        with self.engine.connect() as connection:
            asked = select(flussi_import).where(flussi_import.c.request_token == request_token)
            row = connection.execute(asked).one()
        if row.stato == StatoImport.IMPORT_ABORTITO:
            raise RuntimeError(f"the flow was refused: {row.codice_errore}")
        return row

    def until(self, request_token: str, is_so: Callable[[Any], bool]) -> Any:
        """Return the row of an import when something is true of it. Raises: RuntimeError (it never is)."""
        ends_at = time.monotonic() + _LOST_S
        while not is_so(row := self.row(request_token)):
            if time.monotonic() > ends_at:
                raise RuntimeError("the import does not go on")
            time.sleep(0.02)
        return row


def has_begun(row: Any) -> bool:
    return bool(row.righe_totali)


def is_loaded(row: Any) -> bool:
    return row.stato_flusso == StatoFlusso.CARICATO


def has_ended(row: Any) -> bool:
    return row.stato == StatoImport.IMPORT_ESEGUITO


@contextmanager
def site(database: str, folder: Path, name: str) -> Iterator[Site]:
    """Give an installation of its own, its database dropped at the end."""
    place = folder / name
    place.mkdir()
    with fresh_database(database, place) as url, Plant(place, url, _ENVIRONMENT, is_cold=True) as plant:
        plant.prepare()
        add_enti(plant, 2, stampa_avviso="false")
        plant.up("serve")
        plant.up("worker")
        one = Site(plant)
        try:
            yield one
        finally:
            one.engine.dispose()


def main(argv: Sequence[str] | None = None) -> int:
    """Run the imports and the floors, print figures and verdicts; return the exit code."""
    options = _options(argv)
    kind = report.kind_of(options.database)
    with tempfile.TemporaryDirectory(prefix="pontepa-bench-") as name:
        folder = Path(name)
        # A server that is started here runs as an account of its own.
        folder.chmod(0o755)
        good = write_flow(folder / f"{ENORME}-BUONO-1_3.zip", rows(options.rows))
        report.say(f"import of a flow 1_3, {options.rows} rows, zip of {good.stat().st_size >> 20} MiB, {kind}")
        report.say(report.machine())
        with site(options.database, folder, "valid") as one:
            run = _import(one, good, options.rows, refused=0)
            _tell("valid rows", run)
            floors = _floors(one, options, folder)
        peak_mib = run.importer_mib
        if options.bad_every:
            bad = write_flow(folder / f"{ENORME}-MISTO-1_3.zip", rows(options.rows, bad_every=options.bad_every))
            with site(options.database, folder, "mixed") as one:
                mixed = _import(one, bad, options.rows, refused=options.rows // options.bad_every)
            _tell(f"1 row in {options.bad_every} wrong", mixed)
            peak_mib = max(peak_mib, mixed.importer_mib)
        if not options.no_latency:
            with site(options.database, folder, "beside") as one:
                _beside(one, good, folder)
        trial_s = _trial(folder)
    return _verdicts(kind, run, floors, peak_mib, trial_s, options.check)


def _options(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = report.arguments(__doc__ or "")
    parser.add_argument("--rows", type=int, default=ROWS)
    parser.add_argument("--bad-every", type=int, default=20, help="second import: one row in so many wrong; 0: none")
    parser.add_argument("--no-latency", action="store_true", help="leave out what others notice")
    parser.add_argument("--orm-rows", type=int, default=3000, help="rows stored one by one")
    return parser.parse_args(argv)


def _import(one: Site, zip_file: Path, count: int, *, refused: int) -> Run:
    """Send a flow and look at it and at the worker until its results are there.

    Stops when the rows are not those that the file has: then the figures are of something else.
    """
    watch = Peaks(one.plant.by_name["worker"].pid)
    watch.start()
    token = one.send(zip_file)
    row = one.until(token, is_loaded)
    loaded_at = datetime.now(UTC)
    one.until(token, has_ended)
    results_s = (datetime.now(UTC) - loaded_at).total_seconds()
    peaks = list(watch.stop().values())
    with one.engine.connect() as connection:
        iuvs = func.count(func.distinct(dovuti.c.iuv))
        stored = connection.execute(select(func.count(), iuvs).where(dovuti.c.flusso_id == row.id)).one()
    if (row.righe_totali, row.righe_caricate, *stored) != (count, *[count - refused] * 3):
        raise SystemExit(f"{count} rows, {refused} wrong, but {row.righe_totali} read, {row.righe_caricate} accepted, "
                         f"{stored[0]} stored, {stored[1]} IUVs")  # fmt: skip
    # SQLite keeps no offset.
    started_at = row.started_at if row.started_at.tzinfo else row.started_at.replace(tzinfo=UTC)
    return Run(count, refused, (loaded_at - started_at).total_seconds(), results_s, peaks)


def _tell(name: str, run: Run) -> None:
    peaks = ", ".join(f"{peak:.0f}" for peak in run.peaks)
    report.say(f"{name}: {run.per_second:.0f} rows/s ({run.loaded_s:.1f} s, {run.refused} refused); results "
               f"{run.results_s:.1f} s more; peak MiB of the worker and below it: {peaks}")  # fmt: skip


def _floors(one: Site, options: argparse.Namespace, folder: Path) -> dict[str, float]:
    """Return the rows a second of each floor, on the rows that were just imported."""
    one.plant.stop()
    columns = import_floors.columns_of(one.url)
    data = folder / "righe.copy"
    count = import_floors.write_copy(one.url, columns, data)
    floors: dict[str, float] = {}
    # The floor of both databases is a PostgreSQL's COPY.
    postgresql = "postgresql" if report.kind_of(options.database) == "sqlite" else options.database
    place = folder / "floor"
    place.mkdir()
    with fresh_database(postgresql, place) as url:
        seconds = [import_floors.copy_seconds(url, columns, data) for _ in range(_FLOOR_ROUNDS)]
    floors["COPY"] = count / median(seconds)
    if report.kind_of(options.database) == "sqlite":
        floors["executemany"] = count / median(import_floors.bulk_seconds(one.url, columns) for _ in range(2))
    floors["ORM"] = import_floors.orm_rows_per_second(one.url, options.orm_rows)
    report.say(f"{len(columns)} columns, {data.stat().st_size // count} bytes a row; floors: "
               + ", ".join(f"{name} {rate:.0f} rows/s" for name, rate in floors.items()))  # fmt: skip
    data.unlink()
    return floors


def _beside(one: Site, zip_file: Path, folder: Path) -> None:
    """Tell what a caller and a small flow notice of an enormous one: latencies without it and with it."""
    port = int(one.plant.hub_url.rpartition(":")[2])
    loads: list[Load] = []

    def call(stop: Callable[[], bool]) -> None:
        loads.append(run_paced(port, lambda: build_http(port), _OK, per_second=SOAP_PER_SECOND, stop=stop))

    ends_at = time.monotonic() + IDLE_S
    call(lambda: time.monotonic() > ends_at)
    token = one.send(zip_file)
    one.until(token, has_begun)
    is_over = threading.Event()
    caller = threading.Thread(target=call, args=(is_over.is_set,))
    caller.start()
    sent_at = time.monotonic()
    small = one.send(write_flow(folder / f"{PICCOLO}-F1-1_3.zip", rows(SMALL_ROWS)), PICCOLO)
    one.until(small, has_ended)
    small_s = time.monotonic() - sent_at
    is_overtaken = not is_loaded(one.row(token))
    one.until(token, is_loaded)
    is_over.set()
    caller.join()
    for name, load in zip(("alone", "during the import"), loads, strict=True):
        figures = "  ".join(f"p{f * 100:g} {load.percentile_ms(f):.1f} ms" for f in (0.5, 0.95, 0.99))
        report.say(f"paaSILInviaDovuti, {SOAP_PER_SECOND} a second, {name}: {figures}  ({len(load.latencies_s)} calls,"
                   f" {load.refused} refused)")  # fmt: skip
    report.say(f"a flow of {SMALL_ROWS} rows of another ente: {small_s:.1f} s until IMPORT_ESEGUITO, "
               + ("before the enormous one was loaded" if is_overtaken else "AFTER the enormous one"))  # fmt: skip


def _trial(folder: Path) -> float:
    """Return the seconds of `pontepa flusso check` on a flow, the start of the command included."""
    file = write_flow(folder / f"{ENORME}-PROVA-1_3.zip", rows(TRIAL_ROWS, bad_every=20))
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    started = time.perf_counter()
    command = [str(Path(sys.executable).with_name("pontepa")), "flusso", "check", str(file)]
    done = subprocess.run(command, cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    seconds = time.perf_counter() - started
    if done.returncode != 1:
        raise SystemExit(f"pontepa flusso check: {done.returncode}, {done.stderr[-1000:]}")
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu_s = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    report.say(f"dry run of {TRIAL_ROWS} rows by the command: {seconds:.2f} s, of which processor {cpu_s:.2f} s")
    return seconds


def _verdicts(kind: str, run: Run, floors: dict[str, float], peak_mib: float, trial_s: float, check: bool) -> int:
    for name, rate in floors.items():
        report.say(f"import / {name}: {run.per_second / rate:.2f}x")
    goal = COPY_GOALS[kind]
    code = report.verdict(f"at least {goal} of COPY", run.per_second >= goal * floors["COPY"], check)
    if kind in ORM_GOALS:
        goal = ORM_GOALS[kind]
        code |= report.verdict(f"at least {goal:g} times the ORM", run.per_second >= goal * floors["ORM"], check)
    is_small = peak_mib <= MEMORY_GOAL_MIB
    goal_mib = f"the process that imports stays below {MEMORY_GOAL_MIB:g} MiB ({peak_mib:.0f})"
    code |= report.verdict(goal_mib, is_small, check)
    goal_s = f"a dry run of {TRIAL_ROWS} rows in less than {TRIAL_GOAL_S:g} s"
    return code | report.verdict(goal_s, trial_s < TRIAL_GOAL_S, check)


if __name__ == "__main__":
    sys.exit(main())
