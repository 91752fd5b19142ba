"""Whole payments at many counters at once (verify, get, receipt), and how long a verify takes beside them.

Each counter pays one notice after the other through `paForNode`, as the node would: three calls, every answer judged
with the contract and the rules beyond it. Beside them verifies come at a steady pace, like payers who only look. At the
end every receipt must have made its dovuto paid, once. Run: python -m benchmarks.sportello
"""

from __future__ import annotations

import sys
import tempfile
import threading
import time
import uuid
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

from sqlalchemy import func, select

from adapters.nodo import fake_pfn, fake_ricevuta
from adapters.nodo.fake_chiamata import HubCalls
from adapters.nodo.fake_node import Anagrafe
from adapters.nodo.fake_pfn import Avviso, PfnContract, build_get, build_verify, rules_of
from adapters.nodo.fake_psp import PSP
from adapters.nodo.faults_script import GET_V2, SEND_RT_V2, VERIFY
from benchmarks import report
from benchmarks.messages import COD_IPA_ENTE, PASSWORD
from benchmarks.processes import Installation, fresh_database
from hub.app import build_runtime
from hub.config_reading import load_config
from hub.runtime import Runtime
from hub.store.schema import dovuti
from hub.usecases.authenticate import Presentazione
from hub.usecases.importa_dovuto import ImportaDovuto, RichiestaImportaDovuto
from tests.factories import encode
from tests.versamenti import Versamento

GOAL_P98_MS = 300.0
DOMINIO = "12345678903"
STAZIONE = f"{DOMINIO}_01"
# The worker applies what the doors have stored; it is given so long once the counters are closed.
_APPLY_S = 120.0
_LIMIT_S = 15.0


@dataclass
class Seen:
    """Milliseconds by operation, what was wrong, and what was not answered (late, shed). Safe for threads: it grows."""

    ms: dict[str, list[float]] = field(default_factory=lambda: {name: [] for name in (VERIFY, GET_V2, SEND_RT_V2)})
    beside_ms: list[float] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    unanswered: list[str] = field(default_factory=list)
    paid: list[str] = field(default_factory=list)


class Node:
    """The node before the hub: asks, judges, and measures."""

    def __init__(self, hub_url: str) -> None:
        self._calls = HubCalls(hub_url)
        self._contract = PfnContract()
        self._anagrafe = Anagrafe()
        self.seen = Seen()

    def pay(self, avviso: Avviso) -> None:
        """Pay a notice: verify, get, receipt."""
        verified = self._ask(VERIFY, build_verify(avviso), avviso)
        if verified is None:
            return
        told = fake_pfn.told_cent(verified)
        answer = self._ask(GET_V2, build_get(GET_V2, avviso, told, postale=False), avviso)
        if answer is None:
            return
        data, now = answer.find("data"), datetime.now(UTC)
        pagato = fake_ricevuta.from_get(data, uuid.uuid4().hex, fake_pfn.importo_cent(data), 2, now)
        to = (avviso.dominio, avviso.intermediario, avviso.stazione)
        if self._ask(SEND_RT_V2, fake_ricevuta.build_receipt(pagato, avviso, to, PSP[0], 2, now), None) is not None:
            self.seen.paid.append(avviso.iuv)

    def look(self, avviso: Avviso) -> None:
        """Verify only, beside the others."""
        started = time.perf_counter()
        received = self._calls.post(fake_pfn.PATH, VERIFY, build_verify(avviso), _LIMIT_S)
        self.seen.beside_ms.append((time.perf_counter() - started) * 1000)
        if received.problema:
            self.seen.unanswered.append(f"beside: {received.problema} {received.dettaglio}")

    def _ask(self, operation: str, body: bytes, avviso: Avviso | None) -> Any:
        started = time.perf_counter()
        received = self._calls.post(fake_pfn.PATH, operation, body, _LIMIT_S)
        self.seen.ms[operation].append((time.perf_counter() - started) * 1000)
        if received.problema:
            self.seen.unanswered.append(f"{operation}: {received.problema} {received.dettaglio}")
            return None
        rules = None if avviso is None else rules_of(operation, avviso, self._anagrafe)
        answer = self._contract.read(operation, received.body, rules)
        if not answer.is_ok:
            self.seen.problems.append(f"{operation}: {answer.violazione or answer.code}")
            return None
        return answer.dati


def main(argv: Sequence[str] | None = None) -> int:
    """Pay, print payments a second and latencies; return the exit code."""
    parser = report.arguments(__doc__ or "")
    parser.add_argument("--counters", type=int, default=8)
    parser.add_argument("--seconds", type=float, default=20.0)
    parser.add_argument("--rate", type=float, default=50.0, help="verifies a second beside the payments")
    parser.add_argument("--notices", type=int, default=6000, help="registered beforehand; the round ends with them")
    options = parser.parse_args(argv)
    scratch = tempfile.TemporaryDirectory(prefix="pontepa-bench-")
    with scratch as name, fresh_database(options.database, Path(name)) as url:
        with Installation(Path(name), url) as installation:
            installation.prepare()
            runtime = build_runtime(load_config(None, installation.environment))
            notices = [_avviso(iuv) for iuv in _register(runtime, options.notices)]
            installation.serve()
            installation.simulator()
            installation.worker()
            node = Node(installation.hub_url)
            seconds = _round(node, notices, options.counters, options.seconds, options.rate)
            applied = _applied(runtime, len(node.seen.paid))
            runtime.db.close()
    kind = report.kind_of(options.database)
    report.say(f"counters, {kind}, {options.counters} at once, {options.rate:g} looks a second")
    return _tell(node.seen, seconds, applied, options.check)


def _avviso(iuv: str) -> Avviso:
    return Avviso(DOMINIO, f"3{iuv}", DOMINIO, STAZIONE)


def _register(runtime: Runtime, count: int) -> Iterator[str]:
    """Register dovuti, each with a number that the hub draws."""
    importa = ImportaDovuto(runtime.db, runtime.callers, runtime.iuv, date(2024, 4, 30))
    chi = Presentazione(COD_IPA_ENTE, PASSWORD, "127.0.0.1")
    for _ in range(count):
        documento = Versamento(uuid.uuid4().hex).xml
        esito = importa(chi, RichiestaImportaDovuto(encode(documento), True), lambda iuv: None, datetime.now(UTC))
        assert esito.iuv is not None
        yield esito.iuv


def _round(node: Node, notices: list[Avviso], counters: int, seconds: float, rate: float) -> float:
    """Pay until the time or the notices are over; return the seconds that it took."""
    # Of the last notices nobody pays: they are looked at.
    looked_at, stock = notices[-50:], iter(notices[:-50])
    lock, over = threading.Lock(), threading.Event()
    ends_at = time.monotonic() + seconds

    def counter() -> None:
        while time.monotonic() < ends_at:
            with lock:
                avviso = next(stock, None)
            if avviso is None:
                return
            node.pay(avviso)

    def look() -> None:
        number, due_at = 0, time.monotonic()
        lookers = []
        while not over.is_set():
            # Open loop: a slow answer does not put the next question off.
            looker = threading.Thread(target=node.look, args=(looked_at[number % len(looked_at)],))
            looker.start()
            lookers.append(looker)
            number += 1
            due_at += 1 / rate
            time.sleep(max(0.0, due_at - time.monotonic()))
        for looker in lookers:
            looker.join()

    started = time.monotonic()
    beside = threading.Thread(target=look) if rate > 0 else None
    if beside is not None:
        beside.start()
    threads = [threading.Thread(target=counter) for _ in range(counters)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    took = time.monotonic() - started
    over.set()
    if beside is not None:
        beside.join()
    return took


def _applied(runtime: Runtime, expected: int) -> int:
    """Wait until the worker has applied the receipts; return how many dovuti are paid."""
    deadline = time.monotonic() + _APPLY_S
    paid = select(func.count()).select_from(dovuti).where(dovuti.c.stato == "COMPLETATO", dovuti.c.codice_esito == 0)
    while True:
        with runtime.db.reading() as session:
            found = int(session.execute(paid).scalar_one())
        if found >= expected or time.monotonic() > deadline:
            return found
        time.sleep(0.2)


def _tell(seen: Seen, seconds: float, applied: int, check: bool) -> int:
    report.say(report.machine())
    report.say(f"{len(seen.paid) / seconds:.1f} whole payments a second ({len(seen.paid)} in {seconds:.1f} s)")
    report.say(f"{'ms':>24}{'calls':>8}{'p50':>9}{'p98':>9}{'max':>9}")
    for name, values in (*seen.ms.items(), ("verify beside", seen.beside_ms)):
        ordered = sorted(values) or [0.0]
        p50, p98 = (ordered[min(len(ordered) - 1, int(len(ordered) * f))] for f in (0.5, 0.98))
        report.say(f"{name:>24}{len(values):>8}{p50:>9.1f}{p98:>9.1f}{ordered[-1]:>9.1f}")
    for name, found in (("rejected", seen.problems), ("unanswered", seen.unanswered)):
        for one in sorted(set(found))[:5]:
            report.say(f"{name}: {one} ({found.count(one)} times)")
    report.say(f"receipts taken {len(seen.paid)}, dovuti paid {applied}")
    whole = report.verdict(
        "no answer that the node rejects, every receipt a paid dovuto", not seen.problems and applied == len(seen.paid),
        check,
    )  # fmt: skip
    ordered = sorted(seen.beside_ms) or [0.0]
    p98 = ordered[min(len(ordered) - 1, int(len(ordered) * 0.98))]
    return max(whole, report.verdict(f"verify p98 at most {GOAL_P98_MS:g} ms", p98 <= GOAL_P98_MS, check))


if __name__ == "__main__":
    sys.exit(main())
