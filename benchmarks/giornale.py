"""What the journal of events costs: paaSILInviaDovuti on `pontepa serve` with it and without, in turn, on one database.

Two installations answer the same load, one second after the other, each round in the other order; what is compared is
their answers a second and the processor time of each, round by round. Run: python -m benchmarks.giornale
"""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from sqlalchemy import create_engine, text

from benchmarks import report
from benchmarks.intake import GOOD
from benchmarks.load import Rounds, run_load
from benchmarks.messages import build_http
from benchmarks.processes import Installation, cpu_seconds, fresh_database

WITH, WITHOUT = "con il giornale", "senza"
# Of the answers a second without it.
GOAL = {"sqlite": 0.85, "postgresql": 0.85}


class Site(Installation):
    """An installation whose journal is on or off."""

    def __init__(self, folder: Path, database_url: str, *, has_giornale: bool) -> None:
        super().__init__(folder, database_url)
        self._has_giornale = has_giornale

    @property
    def environment(self) -> dict[str, str]:
        return super().environment | {"PONTEPA_GIORNALE": str(self._has_giornale).lower()}


@dataclass(slots=True)
class Row(Rounds):
    """One side and what its rounds saw."""

    url: str
    port: int
    pid: int


def main(argv: Sequence[str] | None = None) -> int:
    """Run the rounds, print rows and ratios; return the exit code."""
    parser = report.arguments(__doc__ or "")
    parser.add_argument("--rounds", type=int, default=8)
    parser.add_argument("--seconds", type=float, default=3.0, help="of each side in each round")
    parser.add_argument("--connections", type=int, default=8)
    options = parser.parse_args(argv)
    kind = report.kind_of(options.database)
    with tempfile.TemporaryDirectory(prefix="pontepa-bench-") as name, ExitStack() as stack:
        rows, sites, database = {}, [], options.database
        for side in (WITH, WITHOUT):
            folder = Path(name) / side.split()[0]
            folder.mkdir()
            url = stack.enter_context(fresh_database(database, folder))
            # Both on one server, each in a database of its own.
            database = url if kind == "postgresql" else database
            sites.append(stack.enter_context(Site(folder, url, has_giornale=side == WITH)))
            rows[side] = _start(sites[-1], url, kind)
        report.say(f"journal of events, {kind}, {options.connections} connections, {report.machine()}")
        _measure(rows, options.rounds, options.seconds, options.connections)
        for site in sites:
            site.stop()
        kept = {side: _kept(row.url) for side, row in rows.items()}
    return _tell(rows, kept, kind, options.check)


def _start(site: Site, url: str, kind: str) -> Row:
    site.prepare()
    served = site.serve(1 if kind == "sqlite" else os.cpu_count() or 1)
    return Row(url, int(site.hub_url.rpartition(":")[2]), served.pid)


def _measure(rows: dict[str, Row], rounds: int, seconds: float, connections: int) -> None:
    for row in rows.values():
        _round(row, 1.0, connections)
        row.loads.clear()
        row.cpu_us.clear()
    for turn in range(rounds):
        # Whoever comes first in a round finds the machine in another state: take turns.
        for row in list(rows.values())[:: 1 if turn % 2 else -1]:
            _round(row, seconds, connections)


def _round(row: Row, seconds: float, connections: int) -> None:
    before = cpu_seconds([row.pid])
    load = run_load(row.port, lambda: build_http(row.port), GOOD, connections=connections, seconds=seconds)
    if load.refused:
        raise SystemExit(f"{load.refused} answers are not OK, for example: {load.sample[-400:]!r}")
    row.loads.append(load)
    row.cpu_us.append((cpu_seconds([row.pid]) - before) / len(load.latencies_s) * 1e6)
    row.answered += len(load.latencies_s)


def _kept(url: str) -> tuple[int, int]:
    """How many events there are, and how many were dropped."""
    engine = create_engine(url)
    with engine.connect() as connection:
        count = connection.execute(text("SELECT count(*) FROM giornale WHERE verso <> 'INTERNO'")).scalar_one()
        lost = connection.execute(text("SELECT sum(durata_ms) FROM giornale WHERE verso = 'INTERNO'")).scalar_one()
    engine.dispose()
    return count, lost or 0


def _tell(rows: dict[str, Row], kept: dict[str, tuple[int, int]], kind: str, check: bool) -> int:
    titles = "".join(f"{title:>9}" for title in ("req/s", "p50 ms", "p99 ms", "cpu us", "eventi", "perduti"))
    report.say(f"{'':>16}{titles}   each round, req/s")
    for name, row in rows.items():
        rates = " ".join(f"{rate:.0f}" for rate in row.rates)
        middle = [median(load.percentile_ms(f) for load in row.loads) for f in (0.5, 0.99)]
        told = f"{median(row.rates):>9.0f}{middle[0]:>9.1f}{middle[1]:>9.1f}{median(row.cpu_us):>9.0f}"
        report.say(f"{name:>16}{told}{kept[name][0]:>9}{kept[name][1]:>9}   {rates}")
    one, other = rows[WITH], rows[WITHOUT]
    report.say(report.ratio_line(f"{WITH} / {WITHOUT}, answers a second", one.rates, other.rates))
    report.say(report.ratio_line(f"{WITH} / {WITHOUT}, processor time", one.cpu_us, other.cpu_us))
    report.say(f"answered: {one.answered}; in the journal: {kept[WITH][0]}; dropped: {kept[WITH][1]}")
    ratio = report.median_ratio(one.rates, other.rates)
    return report.verdict(f"at least {GOAL[kind]:g} of the answers without it", ratio >= GOAL[kind], check)


if __name__ == "__main__":
    sys.exit(main())
