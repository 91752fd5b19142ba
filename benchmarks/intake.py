"""Durable intake through HTTP: paaSILInviaDovuti on `pontepa serve`, against a plain-lxml floor and a node soap server.

Eight keep-alive connections; the candidates answer in turn, each round in another order; every request is a new
document and every answer follows its commit. Run: python -m benchmarks.intake
"""

from __future__ import annotations

import re
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from statistics import median

from sqlalchemy import create_engine, text
from sqlalchemy.engine import make_url

from benchmarks import report
from benchmarks.load import Load, run_load
from benchmarks.messages import PATH, build_http
from benchmarks.node_packages import NodeAssente, install
from benchmarks.processes import Installation, free_port, fresh_database
from hub.formats.resources import resource

GOOD = b"<esito>OK</esito>"
HUB, FLOOR, NODE = "pontepa serve", "plain lxml", "node soap"
ROOT = Path(__file__).resolve().parent
# What `pontepa serve` uses unless told otherwise.
HUB_THREADS = 8
NODE_GOAL = 2.0
# What one thread does best on SQLite: its writes are one after the other anyway.
FLOOR_THREADS = {"sqlite": 1, "postgresql": HUB_THREADS}


def main(argv: Sequence[str] | None = None) -> int:
    """Run the rounds, print rows and ratios; return the exit code."""
    parser = report.arguments(__doc__ or "")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=3.0, help="of each candidate in each round")
    parser.add_argument("--connections", type=int, default=8)
    parser.add_argument("--no-node", action="store_true", help="leave the node server out")
    options = parser.parse_args(argv)
    node_folder = None if options.no_node else _node_folder()
    scratch = tempfile.TemporaryDirectory(prefix="pontepa-bench-")
    with scratch as name, fresh_database(options.database, Path(name)) as url:
        installation = Installation(Path(name), url)
        with installation:
            ports = _start(installation, report.kind_of(options.database), node_folder)
            report.say(f"durable intake, {report.kind_of(options.database)}, {options.connections} connections")
            report.say(report.machine())
            rows = _measure(ports, options.rounds, options.seconds, options.connections)
            _check_rows(url, sum(len(load.latencies_s) for load in rows[HUB]))
    return _tell(rows, options.check)


def _node_folder() -> Path | None:
    try:
        return install(ROOT / "node")
    except NodeAssente as reason:
        report.say(f"{NODE}: left out, {reason}")
        return None


def _start(installation: Installation, kind: str, node_folder: Path | None) -> dict[str, int]:
    """Start the candidates; each writes into the same kind of database, SQLite into a file of its own."""
    installation.prepare()
    installation.serve()
    ports = {HUB: int(installation.hub_url.rpartition(":")[2]), FLOOR: free_port()}

    def target(name: str) -> str:
        is_sqlite = kind == "sqlite"
        return str(installation.folder / f"{name}.db") if is_sqlite else installation.database_url

    floor = {
        "BENCH_PORT": str(ports[FLOOR]),
        "BENCH_THREADS": str(FLOOR_THREADS[kind]),
        "BENCH_DATABASE": target("floor"),
        "PYTHONPATH": str(ROOT.parent),
    }
    installation.start("floor", [sys.executable, "-m", "benchmarks.floor"], f"http://127.0.0.1:{ports[FLOOR]}/", floor)
    if node_folder is None:
        return ports
    port = free_port()
    node = {
        "BENCH_PORT": str(port),
        **({"BENCH_DATABASE": target("node")} if kind == "sqlite" else _libpq(installation.database_url)),
        "BENCH_WSDL": str(resource("wsdl", "pa-per-ente.wsdl")),
        "BENCH_XSD": str(resource("schemas", "PagInf_Dovuti_Pagati_6_2_0.xsd")),
        "NODE_PATH": str(node_folder / "node_modules"),
        "NODE_ENV": "production",
    }
    try:
        ready = f"http://127.0.0.1:{port}{PATH}?wsdl"
        installation.start("node", ["node", str(node_folder / "server.js")], ready, node)
    except RuntimeError as error:
        report.say(f"{NODE}: left out, it does not start: {str(error)[-300:]}")
        return ports
    return ports | {NODE: port}


def _libpq(database_url: str) -> dict[str, str]:
    """Return a PostgreSQL address as variables: a node driver cannot read one whose host is a socket's folder."""
    url = make_url(database_url)
    query = {name: str(value) for name, value in url.query.items()}
    given = {
        "PGHOST": query.get("host") or url.host,
        "PGPORT": query.get("port") or url.port or 5432,
        "PGUSER": url.username or query.get("user"),
        "PGPASSWORD": url.password,
        "PGDATABASE": url.database,
    }
    return {"BENCH_DATABASE": "postgresql"} | {name: str(value) for name, value in given.items() if value}


def _measure(ports: dict[str, int], rounds: int, seconds: float, connections: int) -> dict[str, list[Load]]:
    rows: dict[str, list[Load]] = {name: [] for name in ports}
    names = list(ports)
    for turn in range(-1, rounds):
        # Whoever comes first in a round finds the machine in another state: take turns.
        shift = turn % len(names)
        for name in names[shift:] + names[:shift]:
            port = ports[name]
            is_warm_up = turn < 0
            load = run_load(
                port, lambda port=port: build_http(port), GOOD,
                connections=connections, seconds=min(1.0, seconds) if is_warm_up else seconds,
            )  # fmt: skip
            if load.refused:
                body = re.sub(rb"\s+", b" ", load.sample[-400:]).decode(errors="replace")
                raise SystemExit(f"{name}: {load.refused} answers are not OK, for example: {body}")
            rows[name].append(load)
    return rows


def _check_rows(url: str, answered: int) -> None:
    """Stop when the hub's answers and rows differ: then the numbers are of something else."""
    engine = create_engine(url)
    with engine.connect() as connection:
        kept = connection.execute(text("SELECT count(*) FROM sessioni")).scalar_one()
    engine.dispose()
    if kept != answered:
        raise SystemExit(f"{answered} answers but {kept} rows: not a durable intake")


def _tell(rows: dict[str, list[Load]], check: bool) -> int:
    measured = {name: loads[1:] for name, loads in rows.items()}
    report.say(f"{'':>16}{'req/s':>9}{'p50 ms':>9}{'p99 ms':>9}   each round, req/s")
    for name, loads in measured.items():
        rates = " ".join(f"{load.per_second:.0f}" for load in loads)
        middle = [median(load.percentile_ms(f) for load in loads) for f in (0.5, 0.99)]
        rate = median(load.per_second for load in loads)
        report.say(f"{name:>16}{rate:>9.0f}{middle[0]:>9.1f}{middle[1]:>9.1f}   {rates}")
    speed = {name: [load.per_second for load in loads] for name, loads in measured.items()}
    report.say(report.ratio_line(f"{HUB} / {FLOOR}", speed[HUB], speed[FLOOR]))
    if NODE not in speed:
        return 0
    report.say(report.ratio_line(f"{HUB} / {NODE}", speed[HUB], speed[NODE]))
    ratio = report.median_ratio(speed[HUB], speed[NODE])
    return report.verdict(f"at least {NODE_GOAL:g} times the node soap server", ratio >= NODE_GOAL, check)


if __name__ == "__main__":
    sys.exit(main())
