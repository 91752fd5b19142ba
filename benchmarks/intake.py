"""Durable intake through HTTP: paaSILInviaDovuti on `pontepa serve`, beside four servers that do the same work.

Eight keep-alive connections; the candidates answer in turn, each round in another order; every request is a new
document and every answer follows its commit. Run: python -m benchmarks.intake
"""

from __future__ import annotations

import os
import re
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from sqlalchemy import create_engine, text

from benchmarks import report
from benchmarks.load import Rounds, run_load
from benchmarks.messages import build_http
from benchmarks.peers import JAXWS, NODE, PEERS, PHP, Peer, PeerAssente, Place
from benchmarks.processes import Installation, cpu_seconds, fresh_database

GOOD = b"<esito>OK</esito>"
HUB = "pontepa serve"
# At least so many times the peer, on the same database; and the slowest answer but one of a hundred.
GOALS = {
    "sqlite": {NODE: 2.0, PHP: 2.0, JAXWS: 1.0},
    "postgresql": {NODE: 2.0, PHP: 2.0, JAXWS: 0.75},
}
P99_GOAL_MS = {"sqlite": 15.0}
# Java compiles while it serves: after so long most of that is behind it. The others need a second.
WARM_UP_S = {JAXWS: 20.0}


@dataclass(slots=True)
class Row(Rounds):
    """A candidate and what its rounds saw."""

    peer: Peer


def main(argv: Sequence[str] | None = None) -> int:
    """Run the rounds, print rows and ratios; return the exit code."""
    parser = report.arguments(__doc__ or "")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=3.0, help="of each candidate in each round")
    parser.add_argument("--connections", type=int, default=8)
    parser.add_argument("--without", action="append", default=[], choices=sorted(PEERS), help="leave a peer out")
    options = parser.parse_args(argv)
    kind = report.kind_of(options.database)
    with tempfile.TemporaryDirectory(prefix="pontepa-bench-") as name:
        with fresh_database(options.database, Path(name)) as url, Installation(Path(name), url) as installation:
            report.say(f"durable intake, {kind}, {options.connections} connections")
            report.say(report.machine())
            # SQLite has one writer and so one process; on PostgreSQL each candidate may use the whole machine.
            processes = 1 if kind == "sqlite" else os.cpu_count() or 1
            rows = _start(Place(installation, kind, processes), options.without)
            _measure(rows, options.rounds, options.seconds, options.connections)
            _check_rows(url, rows[HUB].answered)
    return _tell(rows, kind, options.check)


def _start(place: Place, without: Sequence[str]) -> dict[str, Row]:
    """Start the candidates; each writes into the same kind of database, SQLite into a file of its own."""
    installation = place.installation
    installation.prepare()
    hub = installation.serve(place.processes)
    rows = {HUB: Row(Peer(int(installation.hub_url.rpartition(":")[2]), (hub.pid,)))}
    for name, start in PEERS.items():
        if name in without:
            continue
        try:
            rows[name] = Row(start(place))
        except PeerAssente as reason:
            report.say(f"{name}: missing here, {reason}")
    return rows


def _measure(rows: dict[str, Row], rounds: int, seconds: float, connections: int) -> None:
    names = list(rows)
    for name in names:
        _round(name, rows[name], WARM_UP_S.get(name, 1.0), connections)
        rows[name].loads.clear()
        rows[name].cpu_us.clear()
    for turn in range(rounds):
        # Whoever comes first in a round finds the machine in another state: take turns.
        shift = turn % len(names)
        for name in names[shift:] + names[:shift]:
            _round(name, rows[name], seconds, connections)


def _round(name: str, row: Row, seconds: float, connections: int) -> None:
    port = row.peer.port
    before = cpu_seconds(row.peer.pids)
    load = run_load(port, lambda: build_http(port), GOOD, connections=connections, seconds=seconds)
    if load.refused:
        body = re.sub(rb"\s+", b" ", load.sample[-400:]).decode(errors="replace")
        raise SystemExit(f"{name}: {load.refused} answers are not OK, for example: {body}")
    row.loads.append(load)
    row.cpu_us.append((cpu_seconds(row.peer.pids) - before) / len(load.latencies_s) * 1e6)
    row.answered += len(load.latencies_s)


def _check_rows(url: str, answered: int) -> None:
    """Stop when the hub's answers and rows differ: then the numbers are of something else."""
    engine = create_engine(url)
    with engine.connect() as connection:
        kept = connection.execute(text("SELECT count(*) FROM sessioni")).scalar_one()
    engine.dispose()
    if kept != answered:
        raise SystemExit(f"{answered} answers but {kept} rows: not a durable intake")


def _tell(rows: dict[str, Row], kind: str, check: bool) -> int:
    report.say(f"{'':>16}{'req/s':>9}{'p50 ms':>9}{'p99 ms':>9}{'cpu us':>9}   each round, req/s")
    for name, row in rows.items():
        rates = " ".join(f"{rate:.0f}" for rate in row.rates)
        middle = [median(load.percentile_ms(f) for load in row.loads) for f in (0.5, 0.99)]
        cpu = median(row.cpu_us)
        report.say(f"{name:>16}{median(row.rates):>9.0f}{middle[0]:>9.1f}{middle[1]:>9.1f}{cpu:>9.0f}   {rates}")
    hub = rows[HUB]
    for name, row in rows.items():
        if name != HUB:
            cpu_ratio = report.median_ratio(row.cpu_us, hub.cpu_us)
            line = report.ratio_line(f"{HUB} / {name}", hub.rates, row.rates)
            report.say(f"{line}; by processor time {cpu_ratio:.2f}x")
    code = 0
    for name, goal in GOALS[kind].items():
        if name in rows:
            ratio = report.median_ratio(hub.rates, rows[name].rates)
            code |= report.verdict(f"at least {goal:g} times {name}", ratio >= goal, check)
    if kind in P99_GOAL_MS:
        p99 = median(load.percentile_ms(0.99) for load in hub.loads)
        code |= report.verdict(f"p99 at most {P99_GOAL_MS[kind]:g} ms", p99 <= P99_GOAL_MS[kind], check)
    return code


if __name__ == "__main__":
    sys.exit(main())
