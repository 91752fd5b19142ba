"""How many calls of the node one to four web processes answer, and what keeps them from more.

A closed loop on some connections, the same mixture as in the great load, on PostgreSQL; beside the calls a second, the
processor that hub, generator and database have used. No worker runs: receipts are kept, and applied another time.
A machine that others use too is not always as fast: all numbers of processes are measured in turn, round by round, and
what is said of each is the round in the middle.
Run: python -m benchmarks.processi [--dovuti N] [--processes 1 2 3 4] [--rounds 3]
"""

from __future__ import annotations

import os
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks import report
from benchmarks.carico import IMPORTO
from benchmarks.carico_base import Base, base
from benchmarks.carico_enti import Misura, Sorteggio
from benchmarks.nodo_generatore import Chiuso, Generatore, Giro
from benchmarks.nodo_piano import Chiamata, build_piano
from benchmarks.processes import Installation, cpu_seconds

# More than any hub answers on the machines this was written for.
_MOST_PER_SECOND = 1500
# For each process: what it keeps of the enti it reads once for itself, some 8 ms of processor for each of them.
_WARM_UP_S = 10.0
# By then the generator has begun.
_SETTLED_S = 4.0
# Of all processors: from here on nothing is left for another process.
_FULL = 0.9
# A process more that brings less than this has brought nothing.
_GROWTH = 1.05


@dataclass(frozen=True, slots=True)
class Misurato:
    """A round: calls a second, and processors used (1: one of them all the time). `macchina`: by everybody."""

    processi: int
    giro: Giro
    hub: float
    generatore: float
    database: float
    macchina: float

    @property
    def per_second(self) -> float:
        return len(self.giro.latencies_ms()) / self.giro.seconds


def main(argv: Sequence[str] | None = None) -> int:
    """Measure each number of processes, print a row for each and what it comes to."""
    parser = report.arguments(__doc__ or "")
    parser.add_argument("--dovuti", type=int, default=1_000_000)
    parser.add_argument("--enti", type=int, default=790)
    parser.add_argument("--tipi", type=int, default=20_400)
    parser.add_argument("--credenziali", type=int, default=2_000)
    parser.add_argument("--keep", type=Path, help="a folder where the full database is kept for the next run")
    parser.add_argument("--scratch", type=Path)
    parser.add_argument("--processes", type=int, nargs="+", default=[1, 2, 3, 4])
    parser.add_argument("--connections", type=int, default=32)
    parser.add_argument("--seconds", type=float, default=20.0)
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args(argv)
    misura = Misura(options.dovuti, options.enti, options.tipi, options.credenziali)
    report.say(f"web processes, postgresql, {options.dovuti} dovuti, {options.connections} connections, "
               f"{report.machine()}")  # fmt: skip
    with tempfile.TemporaryDirectory(prefix="pontepa-bench-", dir=options.scratch) as name:
        with base("postgresql", misura, Path(name), options.keep) as dati:
            sorteggio = Sorteggio(dati.enti, 1)
            with Installation(Path(name), dati.url) as installation:
                installation.run("db", "upgrade")
            found = [
                _measure(Path(name), dati, sorteggio, count, options.connections, options.seconds)
                for _round in range(options.rounds)
                for count in options.processes
            ]
    _tell([_middle([one for one in found if one.processi == count]) for count in options.processes])
    return 0


def _measure(
    folder: Path, dati: Base, sorteggio: Sorteggio, count: int, connections: int, seconds: float
) -> Misurato:
    with Installation(folder, dati.url) as installation:
        server = installation.serve(count)
        port = int(installation.hub_url.rpartition(":")[2])
        warm_up_s = _WARM_UP_S * count
        Generatore(port, _piano(sorteggio, warm_up_s), Chiuso(connections, warm_up_s)).result()
        piano = _piano(sorteggio, seconds)
        before = cpu_seconds([server.pid]), cpu_seconds([dati.server_pid])
        generatore = Generatore(port, piano, Chiuso(connections, seconds))
        macchina = _busy(seconds)
        giro = generatore.result()
        hub, database = cpu_seconds([server.pid]) - before[0], cpu_seconds([dati.server_pid]) - before[1]
    found = Misurato(count, giro, *(used / giro.seconds for used in (hub, giro.cpu_s, database)), macchina)
    report.say(_row(found))
    return found


def _busy(seconds: float) -> float:
    """Return the processors that the machine uses in the midst of a round of so many seconds."""
    time.sleep(_SETTLED_S)
    used, at = busy_seconds(), time.perf_counter()
    time.sleep(max(1.0, seconds - _SETTLED_S))
    return (busy_seconds() - used) / (time.perf_counter() - at)


def busy_seconds() -> float:
    """Return the processor time that the machine has used since it started, by whomever (Linux)."""
    user, nice, system, _idle, _iowait, irq, softirq = map(int, Path("/proc/stat").read_text().split()[1:8])
    return (user + nice + system + irq + softirq) / os.sysconf("SC_CLK_TCK")


def _piano(sorteggio: Sorteggio, seconds: float) -> list[Chiamata]:
    """As many calls as there may be, in their order; their instants do not count."""
    piano = build_piano(sorteggio, _MOST_PER_SECOND, seconds, 1, IMPORTO)
    return [Chiamata(0.0, one.operation, one.good, one.request) for one in piano]


def _row(one: Misurato) -> str:
    p50, p98 = (one.giro.percentile_ms(at) for at in (0.5, 0.98))
    errors = ", ".join(f"{name} {count}" for name, count in one.giro.errors().most_common()) or "nessuno"
    return (
        f"{one.processi} processi: {one.per_second:6.0f} chiamate/s, {one.per_second / one.processi:5.0f} ciascuno, "
        f"p50 {p50:4.0f} ms, p98 {p98:4.0f} ms; processori: hub {one.hub:.2f}, database {one.database:.2f}, "
        f"generatore {one.generatore:.2f}, tutta la macchina {one.macchina:.2f}; errori: {errors}"
    )


def _middle(same: Sequence[Misurato]) -> Misurato:
    return sorted(same, key=lambda one: one.per_second)[len(same) // 2]


def _tell(found: Sequence[Misurato]) -> None:
    """Say the round in the middle of each number of processes, where it stops growing, and why."""
    processors = os.cpu_count() or 1
    report.say("a metà fra i giri: " + "; ".join(
        f"{one.processi} processi {one.per_second:.0f} chiamate/s, {one.per_second / one.processi:.0f} ciascuno"
        for one in found
    ))  # fmt: skip
    last = found[0]
    for one in found[1:]:
        if one.per_second < last.per_second * _GROWTH:
            break
        last = one
    else:
        report.say(f"cresce fino a {last.processi} processi, i più che sono stati provati")
        return
    why = (
        f"i {processors} processori della macchina sono finiti ({last.macchina:.2f} usati, di cui hub {last.hub:.2f}, "
        f"database {last.database:.2f}, generatore {last.generatore:.2f})"
        if last.macchina >= _FULL * processors
        else f"restano processori ({last.macchina:.2f} usati di {processors}): si attende altro (disco, blocchi)"
    )
    report.say(f"smette di crescere dopo {last.processi} processi: {why}")


if __name__ == "__main__":
    sys.exit(main())
