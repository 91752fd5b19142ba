"""The import tracciato, one thread, no database: rows read, rows read and checked, the whole trial of a flow.

The floor is `csv.reader` over the same bytes, decoded, in the same rounds. Times are CPU seconds of the process: what
else the machine does counts little. Run: python -m benchmarks.tracciati [--rows N] [--write FILE]
"""

from __future__ import annotations

import csv
import io
import resource
import sys
import time
from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime
from pathlib import Path
from statistics import median

from benchmarks import report
from hub.domain.dovuto_importato import DovutoImportato
from hub.domain.flussi import NomeFlusso
from hub.formats.tracciati.import_dovuti import VERSIONI
from hub.formats.tracciati.righe import read_righe
from hub.usecases.check_flusso import CheckFlusso
from hub.usecases.controlli_flusso import Regole
from tests.tracciati import rows

VERSIONE = "1_3"
GOAL_S = 3
GOAL_ROWS = 100_000


def main(argv: Sequence[str] | None = None) -> int:
    """Run the rounds, print rows a second, ratios and memory; return the exit code."""
    parser = report.arguments(__doc__ or "")
    parser.add_argument("--rows", type=int, default=GOAL_ROWS)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--bad-every", type=int, default=20, help="one row in so many is wrong; 0: none")
    parser.add_argument("--write", type=Path, help="only write the file, under a name like C_PROVA-F1-1_3.csv")
    options = parser.parse_args(argv)
    lines = (f"{line}\n".encode() for line in rows(options.rows, VERSIONE, options.bad_every))
    header = f"{VERSIONI[VERSIONE].intestazione()}\n".encode()
    if options.write:
        with options.write.open("wb") as file:
            file.write(header)
            file.writelines(lines)
        return 0
    data = header + b"".join(lines)
    seconds = _measure(data, options.rounds)
    report.say(f"import tracciato {VERSIONE}, {options.rows} rows, {len(data) >> 20} MiB, {report.machine()}")
    for name, each in seconds.items():
        seconds_each = median(each) / options.rows
        report.say(f"{name:>12}{1 / seconds_each:>10.0f} rows/s{seconds_each * 1e6:>8.1f} us/row")
    for name in list(seconds)[1:]:
        report.say(report.ratio_line(f"rows/s, {name} / floor", seconds["floor"], seconds[name]))
    report.say(f"peak of the process, file included: {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss >> 10} MiB")
    is_met = median(seconds["trial"]) * GOAL_ROWS / options.rows < GOAL_S
    return report.verdict(f"a trial of {GOAL_ROWS} rows in less than {GOAL_S} s", is_met, options.check)


def _measure(data: bytes, rounds: int) -> dict[str, list[float]]:
    candidates: dict[str, Callable[[bytes], int]] = {
        "floor": _floor, "read": _read, "checked": _checked, "trial": _trial,
    }  # fmt: skip
    seconds: dict[str, list[float]] = {name: [] for name in candidates}
    for turn in range(rounds):
        for name in candidates if turn % 2 else reversed(candidates):
            started = time.process_time()
            candidates[name](data)
            seconds[name].append(time.process_time() - started)
    return seconds


def _floor(data: bytes) -> int:
    lines = io.TextIOWrapper(io.BytesIO(data), encoding="utf-8", newline="")
    return sum(1 for _ in csv.reader(lines, delimiter=";"))


def _read(data: bytes) -> int:
    tracciato = VERSIONI[VERSIONE]
    return sum(isinstance(tracciato.read_riga(riga), DovutoImportato) for riga in read_righe(io.BytesIO(data)))


def _checked(data: bytes) -> int:
    tracciato, regole = VERSIONI[VERSIONE], Regole(None, None, are_15_admitted=False)
    found = (tracciato.read_riga(riga) for riga in read_righe(io.BytesIO(data)))
    return sum(isinstance(one, DovutoImportato) and not regole(one) for one in found)


def _trial(data: bytes) -> int:
    prova = CheckFlusso(NomeFlusso("C_PROVA", "F1", VERSIONE), datetime.now(UTC), date(2024, 4, 30))
    return sum(1 for _ in prova.scarti(io.BytesIO(data)))


if __name__ == "__main__":
    sys.exit(main())
