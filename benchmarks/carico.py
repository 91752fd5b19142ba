"""The great load: the node's calls on an installation with millions of dovuti, generator and database beside.

790 enti, 20,400 tipi, 2,000 credentials and ten million dovuti (one million on SQLite), a tenth of them paid, then:
21 calls a second for ten minutes, 105 for a minute, 500 for a minute and what comes after it, and 21 while a flow of a
million rows is imported. Run: python -m benchmarks.carico --database postgresql [--keep DIR] [--only 21 105 500 flusso]
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from sqlalchemy import Engine, create_engine, select

from benchmarks import report
from benchmarks.carico_base import Base, base
from benchmarks.carico_enti import Misura, Sorteggio, codice_tipo
from benchmarks.disco import Disco
from benchmarks.nodo_generatore import DICHIARATO, Generatore, Giro
from benchmarks.nodo_piano import Chiamata, build_piano
from benchmarks.processes import Installation, Peaks
from hub.domain.stati import StatoFlusso, StatoImport
from hub.store.schema import flussi_import
from tests.flows.carico import write_flow
from tests.tracciati import rows

# What each dovuto of the model costs.
IMPORTO = "100.00"
PACE, RUSH, FLOOD = 21, 105, 500
PACE_P98_MS, RUSH_P98_MS, RUSH_MAX_MS = 500.0, 2000.0, 5000.0
# After the flood: from here on everything is to be as before it, looked at for so long.
RECOVER_S, AFTER_S = 10.0, 20.0
FLOW_ROWS = 1_000_000
PLAYS = ("21", "105", "500", "flusso")
_FLOW_TIMEOUT_S = 1800.0


@dataclass
class Riga:
    """A line of the table: a play, what was asked, what was seen, whether that is enough."""

    prova: str
    goal: str
    giro: Giro
    is_met: bool
    more: list[str] = field(default_factory=list)


class Gioco:
    """An installation that is loaded upon, and the plays."""

    def __init__(self, options: argparse.Namespace, dati: Base, installation: Installation, engine: Engine) -> None:
        self._options, self._dati, self._installation, self._engine = options, dati, installation, engine
        self._sorteggio = Sorteggio(dati.enti, options.seed)
        self._port = int(installation.hub_url.rpartition(":")[2])
        self.righe: list[Riga] = []

    def run(self, only: Sequence[str]) -> None:
        plays: dict[str, Callable[[], Riga]] = {
            "21": self._pace, "105": self._rush, "500": self._flood, "flusso": self._flow,
        }  # fmt: skip
        self._play(self._piano(PACE, self._options.warm_up))
        for name in PLAYS:
            if name in only:
                disco = Disco(self._dati.folder)
                with disco.watched():
                    riga = plays[name]()
                riga.more.append(disco.words)
                self.righe.append(riga)
                tell(riga)

    def _piano(self, per_second: float, seconds: float) -> list[Chiamata]:
        return build_piano(self._sorteggio, per_second, seconds, self._options.seed + int(per_second), IMPORTO)

    def _play(self, piano: Sequence[Chiamata]) -> Giro:
        return Generatore(self._port, piano).result()

    def _pace(self) -> Riga:
        giro = self._play(self._piano(PACE, self._options.seconds))
        return _at_pace(f"{PACE}/s per {self._options.seconds:g} s", giro)

    def _rush(self) -> Riga:
        seconds = self._options.rush_seconds
        giro = self._play(self._piano(RUSH, seconds))
        is_met = giro.percentile_ms(0.98) <= RUSH_P98_MS and giro.percentile_ms(1) <= RUSH_MAX_MS and not giro.errors()
        goal = f"p98 <= {RUSH_P98_MS:g} ms, nessuna oltre {RUSH_MAX_MS:g}, nessun errore"
        return Riga(f"{RUSH}/s per {seconds:g} s", goal, giro, is_met)

    def _flood(self) -> Riga:
        """500 a second, and at once after it the usual pace: from ten seconds later all is as before."""
        seconds = self._options.rush_seconds
        after = self._piano(PACE, RECOVER_S + AFTER_S)
        late = [Chiamata(one.at_s + seconds, one.operation, one.good, one.request) for one in after]
        giro = self._play([*self._piano(FLOOD, seconds), *late])
        flood, normal = giro.between(0, seconds), giro.between(seconds + RECOVER_S, seconds + RECOVER_S + AFTER_S)
        others = {name: count for name, count in flood.errors().items() if name != DICHIARATO}
        is_met = not others and normal.percentile_ms(0.98) <= PACE_P98_MS and not normal.errors()
        goal = f"oltre la misura solo 503 dichiarati; {RECOVER_S:g} s dopo p98 <= {PACE_P98_MS:g} ms senza errori"
        served = len(flood.latencies_ms())
        more = [
            f"servite {served / seconds:.0f}/s; da {RECOVER_S:g} a {RECOVER_S + AFTER_S:g} s dopo: p98 "
            f"{normal.percentile_ms(0.98):.0f} ms, max {normal.percentile_ms(1):.0f} ms, errori "
            f"{_errors(normal.errors())}"
        ]
        return Riga(f"{FLOOD}/s per {seconds:g} s", goal, flood, is_met, more)

    def _flow(self) -> Riga:
        """The usual pace from the upload of a flow to its last row."""
        count, folder = self._options.flow_rows, self._installation.folder
        flow = folder / f"{self._dati.enti[-1].cod_ipa_ente}-MILIONE-1_3.zip"
        write_flow(flow, _flow_rows(count))
        generatore = Generatore(self._port, self._piano(PACE, self._options.flow_seconds))
        begun = time.monotonic()
        _run_long(self._installation, "flusso", "carica", str(flow), "--ente", self._dati.enti[-1].cod_ipa_ente)
        started = time.monotonic()
        loaded_s = self._wait_flow(flow.name, started)
        ended_s = time.monotonic() - begun
        giro = generatore.result()
        within = giro.between(0, ended_s)
        more = [f"flusso di {count} righe caricato in {loaded_s:.0f} s ({count / loaded_s:.0f} righe/s)"]
        if ended_s > self._options.flow_seconds:
            more.append("il flusso è finito dopo le chiamate: allungare --flow-seconds")
        riga = _at_pace(f"{PACE}/s mentre si carica un flusso", within)
        return Riga(riga.prova, riga.goal, within, riga.is_met, more)

    def _wait_flow(self, nome_file: str, started: float) -> float:
        asked = select(flussi_import).where(flussi_import.c.nome_file == nome_file)
        while time.monotonic() - started < _FLOW_TIMEOUT_S:
            with self._engine.connect() as connection:
                row = connection.execute(asked).one()
            if row.stato == StatoImport.IMPORT_ABORTITO:
                raise SystemExit(f"the flow was refused: {row.codice_errore}")
            if row.stato_flusso == StatoFlusso.CARICATO:
                return time.monotonic() - started
            time.sleep(0.2)
        raise SystemExit("the flow is not loaded")


def main(argv: Sequence[str] | None = None) -> int:
    """Make or copy the database, play, print the table; return the exit code."""
    options = _options(argv)
    kind = report.kind_of(options.database)
    only = options.only or (PLAYS if kind == "postgresql" else ("21",))
    dovuti = options.dovuti or (10_000_000 if kind == "postgresql" else 1_000_000)
    misura = Misura(dovuti, options.enti, options.tipi, options.credenziali)
    report.say(f"great load, {kind}, {dovuti} dovuti, {report.machine()}")
    with tempfile.TemporaryDirectory(prefix="pontepa-bench-", dir=options.scratch) as name:
        given = base(kind, misura, Path(name), options.keep, options.rest)
        with given as dati, Installation(Path(name), dati.url) as installation:
            installation.run("db", "upgrade")
            started = time.perf_counter()
            web = options.web or (2 if kind == "postgresql" else 1)
            server = installation.serve(web)
            report.say(f"  serve ready after {time.perf_counter() - started:.1f} s, {web} web process(es)")
            installation.simulator()
            worker = installation.worker()
            watch, worker_watch = Peaks(server.pid), Peaks(worker.pid)
            for each in (watch, worker_watch):
                each.start()
            engine = create_engine(dati.url)
            gioco = Gioco(options, dati, installation, engine)
            gioco.run(only)
            peaks = {"serve": watch.stop(), "worker": worker_watch.stop()}
            if options.verify:
                _verify(installation)
            engine.dispose()
    return _tell_all(gioco.righe, peaks, options.check)


def _options(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = report.arguments(__doc__ or "")
    parser.add_argument("--dovuti", type=int, help="default: ten million, one million on SQLite")
    parser.add_argument("--enti", type=int, default=790)
    parser.add_argument("--tipi", type=int, default=20_400)
    parser.add_argument("--credenziali", type=int, default=2_000)
    parser.add_argument("--keep", type=Path, help="a folder where the full database is kept for the next run")
    parser.add_argument("--scratch", type=Path, help="where all that goes is laid (default: the system's)")
    parser.add_argument("--only", nargs="+", choices=PLAYS, help="default: all of them; on SQLite the first")
    parser.add_argument("--web", type=int, help="web processes (default: two, on SQLite one)")
    parser.add_argument("--seconds", type=float, default=600.0, help=f"of {PACE}/s")
    parser.add_argument("--rush-seconds", type=float, default=60.0, help=f"of {RUSH}/s and {FLOOD}/s")
    parser.add_argument("--flow-seconds", type=float, default=90.0, help=f"of {PACE}/s beside the flow")
    parser.add_argument("--flow-rows", type=int, default=FLOW_ROWS)
    parser.add_argument("--warm-up", type=float, default=10.0, help="seconds that do not count")
    parser.add_argument("--rest", type=float, default=60.0, help="seconds without work after the copy of the database")
    parser.add_argument("--verify", action="store_true", help="pontepa verify at the end")
    parser.add_argument("--seed", type=int, default=1)
    return parser.parse_args(argv)


def _flow_rows(count: int) -> Iterator[str]:
    """Rows of a flow for the ente of the model: its tipi have other names than those of the demo."""
    return (row.replace(";TARI;", f";{codice_tipo(0)};") for row in rows(count))


def _run_long(installation: Installation, *arguments: str) -> None:
    environment = installation.environment | {"PONTEPA_MAX_UPLOAD_BYTES": str(256 * 1024 * 1024)}
    command = [str(Path(sys.executable).with_name("pontepa")), *arguments]
    done = subprocess.run(
        command, env=environment, cwd=installation.folder, capture_output=True, timeout=_FLOW_TIMEOUT_S
    )
    if done.returncode:
        raise SystemExit(f"pontepa {' '.join(arguments)}: {(done.stderr or done.stdout).decode()[-2000:]}")


def _verify(installation: Installation) -> None:
    started = time.perf_counter()
    _run_long(installation, "verify")
    report.say(f"  pontepa verify: nothing wrong, {time.perf_counter() - started:.0f} s")


def _at_pace(prova: str, giro: Giro) -> Riga:
    is_met = giro.percentile_ms(0.98) <= PACE_P98_MS and not giro.errors()
    return Riga(prova, f"p98 <= {PACE_P98_MS:g} ms, nessun errore", giro, is_met)


def tell(riga: Riga) -> None:
    """Print a play by operation."""
    giro = riga.giro
    report.say(f"{riga.prova}: {len(giro.esiti)} chiamate, processore del generatore {giro.cpu_s:.1f} s")
    for operation in sorted({one.operation for one in giro.esiti}):
        cells = "  ".join(f"p{at:g} {giro.percentile_ms(at / 100, operation):.0f} ms" for at in (50, 98, 100))
        report.say(f"    {operation:<22}{len(giro.latencies_ms(operation)):>7}  {cells}")
    for words in (f"errori: {_errors(giro.errors())}", *riga.more):
        report.say(f"    {words}")


def _errors(errors: Counter[str]) -> str:
    return ", ".join(f"{name} {count}" for name, count in errors.most_common()) or "nessuno"


def _tell_all(righe: Sequence[Riga], peaks: dict[str, dict[int, float]], check: bool) -> int:
    for name, mib in peaks.items():
        report.say(f"picco di memoria, {name}: {', '.join(f'{one:.0f} MiB' for one in mib.values())}")
    report.say(f"{'prova':<34}{'chiamate':>9}{'p50 ms':>9}{'p98 ms':>9}{'max ms':>9}  {'esito':<8}obiettivo")
    for riga in righe:
        p50, p98, most = (riga.giro.percentile_ms(at) for at in (0.5, 0.98, 1))
        met = "sì" if riga.is_met else "NO"
        report.say(f"{riga.prova:<34}{len(riga.giro.esiti):>9}{p50:>9.0f}{p98:>9.0f}{most:>9.0f}  {met:<8}{riga.goal}")
    return int(check and not all(riga.is_met for riga in righe))



if __name__ == "__main__":
    sys.exit(main())
