"""A storm of receipts over HTTP: so many, a tenth of them twice, one in twenty late, one in a hundred of no notice.

Beside it `paVerifyPaymentNotice` at a steady pace, and a worker that applies what came. What is lost or doubled is
counted in the database. Run: python -m benchmarks.ricevute [--receipts N] [--database postgresql]
"""

from __future__ import annotations

import itertools
import random
import sys
import tempfile
import threading
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from sqlalchemy import distinct, func, insert, select

from benchmarks import report
from benchmarks.load import Load, run_all, run_paced
from benchmarks.processes import Installation, fresh_database
from hub.domain.iuv import build_iuv_all, numero_avviso
from hub.store import schema
from hub.store.database import Database
from hub.store.iuv import lease
from tests.ricevute import NS, make_ricevuta

PATH = "/ws/fesp/paForNode"
GOAL_P98_MS, GOAL_VERIFY_P98_MS = 2000.0, 300.0
_DOMINIO, _STAZIONE = "12345678903", "12345678903_01"
_FIRST, _FIRST_TO_VERIFY, _FIRST_UNKNOWN = 1_000_001, 2_000_001, 3_000_001
_TO_VERIFY = 200
_VERIFY_CONNECTIONS = 25
_BATCH = 5_000
_DRAIN_S = 1800
_OK = b"<outcome>OK</outcome>"


@dataclass(frozen=True, slots=True)
class Piano:
    """What is sent, in order; how many receipts there are in it, and how many of them belong to no notice."""

    messages: list[bytes]
    receipts: int
    unknown: int


@dataclass(frozen=True, slots=True)
class Conti:
    """What the database holds at the end. `paid_twice`: notices with more than one payment."""

    kept: int
    tokens: int
    by_stato: dict[str, int]
    paid: int
    paid_twice: int

    def lost(self, piano: Piano) -> int:
        return piano.receipts - self.tokens

    def doubled(self) -> int:
        return self.kept - self.tokens + self.paid_twice


def main(argv: Sequence[str] | None = None) -> int:
    """Send the storm, wait for the worker, print counts and latencies; return the exit code."""
    parser = report.arguments(__doc__ or "")
    parser.add_argument("--receipts", type=int, default=20_000)
    parser.add_argument("--connections", type=int, default=16)
    parser.add_argument("--verify-per-second", type=int, default=50)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args(argv)
    scratch = tempfile.TemporaryDirectory(prefix="pontepa-bench-")
    with scratch as name, fresh_database(options.database, Path(name)) as url:
        with Installation(Path(name), url) as installation:
            installation.prepare()
            db = Database.open(url)
            piano = prepare(db, options.receipts, random.Random(options.seed))
            installation.serve()
            installation.worker()
            port = int(installation.hub_url.rpartition(":")[2])
            receipts, verifies = storm(port, piano, options.connections, options.verify_per_second)
            drained_s = wait_applied(db, _DRAIN_S)
            conti = count(db)
            db.close()
            installation.check()
    report.say(f"storm of receipts, {report.kind_of(options.database)}, {report.machine()}")
    _tell(piano, conti, receipts, verifies, drained_s)
    is_whole = conti.lost(piano) == 0 and conti.doubled() == 0 and receipts.refused == 0
    is_fast = receipts.percentile_ms(0.98) <= GOAL_P98_MS and verifies.percentile_ms(0.98) <= GOAL_VERIFY_P98_MS
    code = report.verdict("no receipt lost, none doubled, none refused", is_whole, options.check)
    goal = f"p98 of receipts within {GOAL_P98_MS:.0f} ms, of verify within {GOAL_VERIFY_P98_MS:.0f} ms"
    return max(code, report.verdict(goal, is_fast, options.check))


def prepare(db: Database, receipts: int, rng: random.Random) -> Piano:
    """Write the notices and return what is sent about them. The ente of the demo's configuration must be there."""
    unknown = receipts // 100
    with db.transaction() as session:
        lease(session, _DOMINIO, "01", _FIRST_UNKNOWN + unknown)
    known = build_iuv_all(1, _FIRST, receipts - unknown)
    _lay_notices(db, known)
    _lay_notices(db, build_iuv_all(1, _FIRST_TO_VERIFY, _TO_VERIFY))
    iuvs = known + build_iuv_all(1, _FIRST_UNKNOWN, unknown)
    rng.shuffle(iuvs)
    versions = ("paSendRT", "paSendRTV2")
    once = [
        _request(make_ricevuta(versions[number % 2], iuv=iuv), versions[number % 2]) for number, iuv in enumerate(iuvs)
    ]
    # By the place where each is sent: late ones much later, the second copy any time after the first.
    places = [
        (number + (rng.randrange(receipts) if rng.random() < 0.05 else 0), raw) for number, raw in enumerate(once)
    ]
    again = rng.sample(range(receipts), receipts // 10)
    places += [(places[number][0] + rng.randrange(1, 200), once[number]) for number in again]
    places.sort(key=lambda each: each[0])
    return Piano([raw for _, raw in places], receipts, unknown)


def storm(port: int, piano: Piano, connections: int, verify_per_second: int) -> tuple[Load, Load]:
    """Send it all, with questions beside; return what both saw."""
    over = threading.Event()
    avvisi = itertools.cycle(build_iuv_all(1, _FIRST_TO_VERIFY, _TO_VERIFY))
    # Some connections, as a node has: on one alone a slow answer would make the next ones late before they are asked.
    # One after the other: begun together they would all ask in the same instant, for ever.
    pace = max(1, verify_per_second // _VERIFY_CONNECTIONS)
    with ThreadPoolExecutor(_VERIFY_CONNECTIONS) as pool:
        beside = [
            pool.submit(
                run_paced, port, lambda: _verify(next(avvisi)), _OK, per_second=pace, stop=over.is_set,
                begins_after_s=place / (pace * _VERIFY_CONNECTIONS),
            )  # fmt: skip
            for place in range(_VERIFY_CONNECTIONS)
        ]
        try:
            receipts = run_all(port, piano.messages, _OK, connections=connections)
        finally:
            over.set()
        return receipts, _together([each.result() for each in beside])


def _together(loads: Sequence[Load]) -> Load:
    whole = Load(seconds=max(load.seconds for load in loads), refused=sum(load.refused for load in loads))
    for load in loads:
        whole.latencies_s += load.latencies_s
        whole.sample = load.sample or whole.sample
    return whole


def wait_applied(db: Database, timeout_s: float) -> float:
    """Wait until no receipt waits any more; return for how long. Raises: TimeoutError."""
    started = time.monotonic()
    waiting = select(func.count()).select_from(schema.rt_ricevute).where(schema.rt_ricevute.c.stato == "RICEVUTA")
    while time.monotonic() - started < timeout_s:
        with db.reading() as session:
            if session.execute(waiting).scalar_one() == 0:
                return time.monotonic() - started
        time.sleep(0.2)
    raise TimeoutError(f"receipts wait after {timeout_s} s")


def count(db: Database) -> Conti:
    """Read from the database what became of it all."""
    rows, carrelli, dovuti = schema.rt_ricevute, schema.carrelli, schema.dovuti
    per_notice = select(func.count().label("n")).where(carrelli.c.stato == "PAGATO").group_by(carrelli.c.iuv).subquery()
    paid_twice = select(func.count()).select_from(per_notice).where(per_notice.c.n > 1)
    by_stato = select(rows.c.stato, func.count()).group_by(rows.c.stato)
    with db.reading() as session:
        return Conti(
            kept=session.execute(select(func.count()).select_from(rows)).scalar_one(),
            tokens=session.execute(select(func.count(distinct(rows.c.ccp)))).scalar_one(),
            by_stato={stato: n for stato, n in session.execute(by_stato)},
            paid=session.execute(
                select(func.count()).select_from(dovuti).where(dovuti.c.stato == "COMPLETATO")
            ).scalar_one(),
            paid_twice=session.execute(paid_twice).scalar_one(),
        )


def _tell(piano: Piano, conti: Conti, receipts: Load, verifies: Load, drained_s: float) -> None:
    report.say(f"  sent {len(piano.messages)} messages of {piano.receipts} receipts, {piano.unknown} of no notice")
    stati = ", ".join(f"{stato} {n}" for stato, n in sorted(conti.by_stato.items()))
    report.say(f"  in the database: {conti.kept} kept ({stati}), {conti.paid} dovuti paid")
    report.say(f"  lost {conti.lost(piano)}, doubled {conti.doubled()}, refused {receipts.refused}")
    for name, load in (("receipts", receipts), ("verify", verifies)):
        cells = "  ".join(f"p{at} {load.percentile_ms(at / 100):.1f} ms" for at in (50, 98, 99))
        report.say(f"  {name}: {load.per_second:.0f}/s  {cells}  other answers {load.refused}")
    report.say(f"  applied {drained_s:.1f} s after the last answer")


def _lay_notices(db: Database, iuvs: Sequence[str]) -> None:
    now = datetime.now(UTC)
    with db.reading() as session:
        ente_id = session.execute(
            select(schema.enti.c.id).where(schema.enti.c.codice_fiscale == _DOMINIO).limit(1)
        ).scalar_one()
    for start in range(0, len(iuvs), _BATCH):
        rows: list[dict[str, Any]] = [
            {
                "id": f"{iuv:0>32}", "ente_id": ente_id, "dominio": _DOMINIO, "posizione": 1, "iud": f"S{iuv}",
                "iuv": iuv, "tipo": "TARI", "importo_cent": 5000, "causale": "Tassa rifiuti",
                "dati_specifici": "9/0101101IM/", "tipo_versamento": "ALL", "pagatore_tipo": "F",
                "pagatore_codice": "RSSMRA80A01H501U",
                "pagatore": {"tipo": "F", "codice": "RSSMRA80A01H501U", "anagrafica": "Mario Rossi"},
                "origine": "IMPORT-DOVUTO", "stato": "INSERIMENTO_DOVUTO", "created_at": now, "updated_at": now,
            }
            for iuv in iuvs[start : start + _BATCH]
        ]  # fmt: skip
        with db.transaction() as session:
            session.execute(insert(schema.dovuti), rows)


def _verify(iuv: str) -> bytes:
    content = (
        f"<idPA>{_DOMINIO}</idPA><idBrokerPA>{_DOMINIO}</idBrokerPA><idStation>{_STAZIONE}</idStation><qrCode>"
        f"<fiscalCode>{_DOMINIO}</fiscalCode><noticeNumber>{numero_avviso(iuv)}</noticeNumber></qrCode>"
    )
    body = f'<p:paVerifyPaymentNoticeReq xmlns:p="{NS}">{content}</p:paVerifyPaymentNoticeReq>'
    envelope = (
        f'<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/"><s:Body>{body}</s:Body></s:Envelope>'
    )
    return _request(envelope.encode(), "paVerifyPaymentNotice")


def _request(body: bytes, action: str) -> bytes:
    head = (
        f'POST {PATH} HTTP/1.1\r\nHost: hub\r\nContent-Type: text/xml; charset=utf-8\r\nSOAPAction: "{action}"\r\n'
        f"Content-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


if __name__ == "__main__":
    sys.exit(main())
