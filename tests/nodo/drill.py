"""Payments whose sending loses its answer, at a node that has no states any more, with workers that die in between.

Of each payment the hub must come to know how it ended: no RPT at the node twice, none left without a next step, a
receipt for each. The simulated payers pay nine in ten of what is parked at the node, with or without an answer to the
hub; the others never come and the node ends their sessions. One receipt in ten never arrives and must be fetched.
Run: python -m tests.nodo.drill [--payments 1000] [--restarts 6] [--convertita] [--database postgresql] [--seed N]
"""

from __future__ import annotations

import json
import random
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sqlalchemy import create_engine, func, select

from benchmarks import report
from benchmarks.processes import fresh_database
from hub.domain.stati import StatoRt, StatoTentativo
from hub.store import stazioni
from hub.store.schema import carrelli, rt_ricevute, tentativi
from tests.flows.plant import HTTP, Plant

# Everything that takes minutes takes seconds: the proportions are kept. The lock outlasts the node's own timer.
ENVIRONMENT = {
    "PONTEPA_LEASE_S": "6",
    "PONTEPA_NODE_CONNECT_TIMEOUT_S": "1",
    "PONTEPA_NODE_READ_TIMEOUT_S": "3",
    "PONTEPA_NODE_QUERY_TIMEOUT_S": "3",
    "PONTEPA_BLOCCO_PAGAMENTO_S": "60",
    "PONTEPA_RICEVUTA_ATTESA_S": "6",
    "PONTEPA_RECUPERO_PAUSA_S": "0",
}
PAYER_WAIT_S = 8.0
_APERTI = [str(one) for one in (StatoTentativo.DA_INVIARE, StatoTentativo.SCONOSCIUTO, StatoTentativo.ACCETTATO)]
_SENDERS = 12


@dataclass
class Outcome:
    """What the drill left. `unresolved`: as `pontepa tentativo list` tells them."""

    payments: int
    sent: Counter[str] = field(default_factory=Counter)
    rpts: int = 0
    refused_duplicates: int = 0
    lost_answers: int = 0
    fetched: int = 0
    receipts: int = 0
    without_trace: int = 0
    unresolved: list[dict[str, Any]] = field(default_factory=list)
    seconds: float = 0.0

    @property
    def doubled(self) -> int:
        """Keys that the node took in charge more than once, or tried to be made to."""
        return sum(count > 1 for count in self.sent.values()) + self.refused_duplicates


class Payers(threading.Thread):
    """Pay what waits at the node, but for one in ten, until told to stop."""

    def __init__(self, plant: Plant, rng: random.Random) -> None:
        super().__init__(name="payers", daemon=True)
        self._plant = plant
        self._rng = rng
        self._over = threading.Event()
        self._seen: set[str] = set()

    def run(self) -> None:
        while not self._over.wait(0.5):
            for rpt in self._plant.ledger()["rpt"]:
                if rpt["stato"] != "RPT_PARCHEGGIATA_NODO" or rpt["id_session"] in self._seen:
                    continue
                self._seen.add(rpt["id_session"])
                if self._rng.random() >= 0.1:
                    words = {"idSession": rpt["id_session"], "azione": "paga"}
                    HTTP.request("POST", f"{self._plant.node_url}/api/paga", json=words)

    def stop(self) -> None:
        self._over.set()
        self.join()


def run(plant: Plant, payments: int, restarts: int, rng: random.Random, *, convertita: bool, limit_s: float) -> Outcome:
    """Make the payments, kill the worker again and again, wait for the ends, and tell what happened."""
    started = time.monotonic()
    plant.prepare()
    plant.up("simulator", "serve", "worker-0")
    _set_up(plant, convertita=convertita)
    payers = Payers(plant, rng)
    payers.start()
    engine = create_engine(plant.database_url)
    with ThreadPoolExecutor(_SENDERS) as pool:
        begun = [pool.submit(lambda: plant.open(plant.send()[0])) for _ in range(payments)]
        for number in range(restarts):
            share = (number + 1) * payments // (restarts + 1)
            while sum(one.done() for one in begun) < share:
                time.sleep(0.05)
            # Some die while they send, some between two messages.
            time.sleep(rng.uniform(0, 0.2))
            plant.kill(f"worker-{number}")
            plant.up(f"worker-{number + 1}")
        for one in begun:
            one.result()
    report.say(f"{payments} payments begun in {time.monotonic() - started:.0f} s, {restarts} workers killed")
    wait_resolved(engine, limit_s)
    payers.stop()
    outcome = _told(plant, engine, payments)
    engine.dispose()
    outcome.seconds = time.monotonic() - started
    return outcome


def _set_up(plant: Plant, *, convertita: bool) -> None:
    plant.fault(operation="nodoInviaCarrelloRPT", kind="lost_after", probability=0.4)
    plant.fault(operation="nodoChiediStatoRPT", kind="gone")
    # By chance alone it may be none.
    plant.fault(operation="paaInviaRT", kind="rt_lost", times=1)
    plant.fault(operation="paaInviaRT", kind="rt_lost", probability=0.1)
    words: dict[str, Any] = {"attesa_pagatore_s": PAYER_WAIT_S}
    if convertita:
        station = {"id": "12345678903_01", "intermediario": "12345678903", "password": "password01"}
        words["stazioni"] = [station | {"convertita": True}]
        engine = create_engine(plant.database_url)
        with engine.begin() as connection:
            stazioni.change(connection, "12345678903_01", rileva_duplicati=False)
        engine.dispose()
    answer = HTTP.request("POST", f"{plant.node_url}/config", json=words)
    assert answer.status == 200, answer.data


def wait_resolved(engine: Any, limit_s: float) -> None:
    """Return when no attempt is without an outcome, or when the time is over: what is left must be in the list."""
    ends_at = time.monotonic() + limit_s
    said_at = 0.0
    while time.monotonic() < ends_at:
        with engine.connect() as connection:
            by_stato = dict(
                connection.execute(
                    select(tentativi.c.stato, func.count()).where(tentativi.c.stato.in_(_APERTI)).group_by("stato")
                ).all()
            )
        if not by_stato:
            return
        if time.monotonic() - said_at > 10:
            report.say(f"still open: {by_stato}")
            said_at = time.monotonic()
        time.sleep(0.5)


def _told(plant: Plant, engine: Any, payments: int) -> Outcome:
    ledger = plant.ledger()
    outcome = Outcome(payments)
    sendings = [one for one in ledger["messaggi"] if one["operazione"].startswith("nodoInvia")]
    outcome.sent = Counter(one["chiave"] for one in sendings if one["risposta"] == "OK")
    outcome.lost_answers = sum(one["guasto"] == "lost_after" for one in sendings)
    outcome.rpts, outcome.refused_duplicates = ledger["conteggi"]["rpt"], ledger["conteggi"]["invii_duplicati"]
    outcome.fetched = sum(
        one["operazione"] == "nodoChiediCopiaRT" and one["risposta"] == "OK" for one in ledger["messaggi"]
    )
    with engine.connect() as connection:
        applied = select(func.count(func.distinct(rt_ricevute.c.ccp))).where(rt_ricevute.c.stato == StatoRt.ELABORATA)
        outcome.receipts = connection.execute(applied).scalar_one()
        closed = select(func.count()).select_from(tentativi).where(tentativi.c.fault_code == "SENZA_TRACCIA")
        outcome.without_trace = connection.execute(closed).scalar_one()
    pontepa = str(Path(sys.executable).with_name("pontepa"))
    command = [pontepa, "tentativo", "list", "--tutti", "--limit", "10000", "--json"]
    told = subprocess.run(command, env=plant.environment, cwd=plant.folder, capture_output=True, check=True)
    outcome.unresolved = json.loads(told.stdout)
    plant.check()
    # Counted after the list: the workers go on meanwhile, and what is open still was open then.
    open_carts = select(func.count()).select_from(carrelli).where(carrelli.c.stato == "PAGAM_IN_CORSO")
    with engine.connect() as connection:
        is_open = connection.execute(open_carts).scalar_one()
    assert len(outcome.unresolved) >= is_open, "a payment is open and not in the list"
    return outcome


def check(outcome: Outcome, *, convertita: bool) -> None:
    """Raises: AssertionError (an RPT left twice, a payment has no end and no reason, a receipt is missing)."""
    assert outcome.doubled == 0, f"{outcome.doubled} RPTs twice"
    for one in outcome.unresolved:
        assert one["motivo"] and one["prossimo_at"], f"unresolved without a reason or a next step: {one['id']}"
    # A converter notices no duplicate: what may not have left is not sent again, and is closed when the lock is over.
    unsent = outcome.without_trace if convertita else 0
    assert outcome.receipts + unsent + len(outcome.unresolved) == outcome.payments
    assert outcome.rpts + unsent >= outcome.payments - len(outcome.unresolved)


def tell(outcome: Outcome) -> None:
    report.say(f"payments {outcome.payments}, RPTs at the node {outcome.rpts}, answers lost {outcome.lost_answers}")
    report.say(f"double RPTs {outcome.doubled}, unresolved {len(outcome.unresolved)}, receipts {outcome.receipts}")
    report.say(f"receipts fetched by copy {outcome.fetched}, closed without trace {outcome.without_trace}")
    for (passo, motivo), count in Counter((one["passo"], one["motivo"]) for one in outcome.unresolved).items():
        report.say(f"  {count} unresolved: {passo} ({motivo})")
    report.say(f"{outcome.seconds:.0f} s")


def main(argv: Sequence[str] | None = None) -> int:
    """Run the drill, print what happened, return the exit code."""
    parser = report.arguments(__doc__ or "")
    parser.add_argument("--payments", type=int, default=1000)
    parser.add_argument("--restarts", type=int, default=6)
    parser.add_argument("--convertita", action="store_true", help="a station whose node notices no duplicate")
    parser.add_argument("--limit", type=float, default=900.0, help="seconds to wait for the ends")
    parser.add_argument("--seed", type=int, default=random.randrange(10**6))
    options = parser.parse_args(argv)
    kind = report.kind_of(options.database)
    report.say(f"{options.payments} payments, {options.restarts} restarts, {kind}, seed {options.seed}")
    with tempfile.TemporaryDirectory(prefix="pontepa-drill-") as name:
        folder = Path(name)
        folder.chmod(0o755)
        with fresh_database(options.database, folder) as url, Plant(folder, url, ENVIRONMENT) as plant:
            rng = random.Random(options.seed)
            outcome = run(
                plant, options.payments, options.restarts, rng, convertita=options.convertita, limit_s=options.limit
            )
    tell(outcome)
    check(outcome, convertita=options.convertita)
    report.say("nothing twice, nothing lost, nothing left without a next step")
    return 0


if __name__ == "__main__":
    sys.exit(main())
