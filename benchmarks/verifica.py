"""Questions of the node about notices: paVerifyPaymentNotice and paGetPaymentV2 through HTTP on `pontepa serve`.

Fifty verifies a second, each a notice drawn among those that are stored; latencies count from the instant when a
request was due. Then the same beside paGetPaymentV2, which writes what it answered, and as many verifies as eight
connections can have, for what is left beyond the goal. The floor is a page that does nothing (/health/live), in the
same run. Run: python -m benchmarks.verifica
"""

from __future__ import annotations

import random
import sys
import tempfile
import threading
import time
import uuid
from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime
from pathlib import Path

from sqlalchemy import insert, select

from benchmarks import report
from benchmarks.load import Load, run_load, run_paced
from benchmarks.processes import Installation, fresh_database
from hub.domain.iuv import build_iuv_all
from hub.store.database import Database
from hub.store.schema import attivazioni, dovuti, enti

PATH = "/ws/fesp/paForNode"
PER_SECOND = 50
P98_GOAL_MS = 300.0
GOOD = b"<outcome>OK</outcome>"
LIVE = b"HTTP/1.1 200"
_PFN = "http://pagopa-api.pagopa.gov.it/pa/paForNode.xsd"
# Beyond those that the demo's configuration draws.
_FIRST = 5_000_001


def main(argv: Sequence[str] | None = None) -> int:
    """Run the rounds, print rows; return the exit code."""
    parser = report.arguments(__doc__ or "")
    parser.add_argument("--seconds", type=float, default=20.0, help="of each round")
    parser.add_argument("--notices", type=int, default=20_000, help="that are stored")
    options = parser.parse_args(argv)
    kind = report.kind_of(options.database)
    with tempfile.TemporaryDirectory(prefix="pontepa-bench-") as name:
        with fresh_database(options.database, Path(name)) as url, Installation(Path(name), url) as installation:
            report.say(f"questions about notices, {kind}, {options.notices} stored, {report.machine()}")
            installation.prepare()
            numbers = lay_notices(url, options.notices)
            installation.serve()
            port = int(installation.hub_url.rpartition(":")[2])
            rounds = _measure(port, numbers, options.seconds)
            asked = _answers_kept(url)
    for words, load in rounds.items():
        report.say(_row(words, load))
    verify = rounds["verify, 50/s"]
    report.say(f"answers of a get that were kept: {asked}")
    if verify.refused:
        raise SystemExit(verify.sample.decode(errors="replace")[-600:])
    reached = verify.percentile_ms(0.98) <= P98_GOAL_MS
    return report.verdict(f"p98 of verify at most {P98_GOAL_MS:g} ms at {PER_SECOND} a second", reached, options.check)


def _row(words: str, load: Load) -> str:
    wanted = (("p50", 0.5), ("p98", 0.98), ("max", 1.0))
    told = "  ".join(f"{name} {load.percentile_ms(fraction):7.1f} ms" for name, fraction in wanted)
    return f"{words:<28}{len(load.latencies_s):>7} answers {load.per_second:7.0f}/s   {told}   refused {load.refused}"


def lay_notices(url: str, count: int) -> list[str]:
    """Store notices of the demo's ente, return their numbers."""
    database = Database.open(url)
    now = datetime.now(UTC)
    iuv_all = build_iuv_all(1, _FIRST, count)
    pagatore = {"tipo": "F", "codice": "RSSMRA80A01H501U", "anagrafica": "Mario Rossi"}
    try:
        with database.transaction() as session:
            ente = session.execute(select(enti).where(enti.c.cod_ipa_ente == "C_PROVA")).one()
            common = {
                "ente_id": ente.id, "dominio": ente.codice_fiscale, "posizione": 1, "tipo": "TARI",
                "importo_cent": 12_345, "causale": "Tassa rifiuti", "dati_specifici": "9/0101101IM/",
                "scadenza": date(2099, 12, 31), "pagatore_tipo": "F", "pagatore_codice": pagatore["codice"],
                "pagatore": pagatore, "origine": "IMPORT-DOVUTO", "stato": "INSERIMENTO_DOVUTO", "created_at": now,
                "updated_at": now,
            }  # fmt: skip
            for start in range(0, count, 1000):
                rows = [
                    {**common, "id": uuid.uuid4().hex, "iud": f"B{iuv}", "iuv": iuv}
                    for iuv in iuv_all[start : start + 1000]
                ]
                session.execute(insert(dovuti), rows)
    finally:
        database.close()
    return ["3" + iuv for iuv in iuv_all]


def _answers_kept(url: str) -> int:
    database = Database.open(url)
    try:
        with database.reading() as session:
            return len(session.execute(select(attivazioni.c.id)).all())
    finally:
        database.close()


def _measure(port: int, numbers: list[str], seconds: float) -> dict[str, Load]:
    verify, get = (question_maker(port, numbers, name) for name in ("paVerifyPaymentNotice", "paGetPaymentV2"))
    run_load(port, verify, GOOD, connections=2, seconds=2)  # warm-up
    rounds = {
        "nothing, 50/s": _paced(port, _live(port), LIVE, seconds / 4),
        "verify, 50/s": _paced(port, verify, GOOD, seconds),
    }
    beside: list[Load] = []
    getting = threading.Thread(target=lambda: beside.append(_paced(port, get, GOOD, seconds)))
    getting.start()
    rounds["verify, 50/s, beside get"] = _paced(port, verify, GOOD, seconds)
    getting.join()
    rounds["get V2, 50/s, beside verify"] = beside[0]
    rounds["verify, 8 connections"] = run_load(port, verify, GOOD, connections=8, seconds=seconds / 2)
    return rounds


def _paced(port: int, make: Callable[[], bytes], good: bytes, seconds: float) -> Load:
    ends_at = time.perf_counter() + seconds
    return run_paced(port, make, good, per_second=PER_SECOND, stop=lambda: time.perf_counter() >= ends_at)


def _live(port: int) -> Callable[[], bytes]:
    return lambda: f"GET /health/live HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n\r\n".encode()


def question_maker(port: int, numbers: list[str], operation: str) -> Callable[[], bytes]:
    """Return what makes a whole request of the node about one of these notices."""
    element = f"{operation}Req" if operation == "paVerifyPaymentNotice" else f"{operation}Request"
    draw = random.Random(5)

    def make() -> bytes:
        body = (
            '<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/"><s:Body>'
            f'<p:{element} xmlns:p="{_PFN}"><idPA>12345678903</idPA><idBrokerPA>12345678903</idBrokerPA>'
            "<idStation>12345678903_01</idStation><qrCode><fiscalCode>12345678903</fiscalCode>"
            f"<noticeNumber>{draw.choice(numbers)}</noticeNumber></qrCode></p:{element}></s:Body></s:Envelope>"
        ).encode()
        head = (
            f"POST {PATH} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nContent-Type: text/xml; charset=utf-8\r\n"
            f'SOAPAction: "{operation}"\r\nContent-Length: {len(body)}\r\n\r\n'
        )
        return head.encode() + body

    return make


if __name__ == "__main__":
    sys.exit(main())
