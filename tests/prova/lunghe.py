"""What only the long proof does: lost answers and workers killed by chance, a storm of receipts, a flow killed again.

Each ends with `pontepa verify`, which raises when something does not hold together.
"""

from __future__ import annotations

import random
import tempfile
from collections.abc import Iterator
from pathlib import Path

from benchmarks import ricevute
from benchmarks.processes import fresh_database
from hub.store.database import Database
from tests.flows import import_kill
from tests.flows.carico import write_flow
from tests.flows.plant import Plant
from tests.nodo import drill
from tests.prova.tabella import Row

_PAYMENTS, _RESTARTS = 1000, 6
_RECEIPTS = 20_000
_ROWS, _KILLS = 100_000, 10
_LIMIT_S = 1800.0


def corri(kind: str) -> Iterator[Row]:
    """Give a row for each."""
    for prova in (_drill, _storm, _kills):
        with tempfile.TemporaryDirectory(prefix="pontepa-prova-") as name:
            folder = Path(name)
            folder.chmod(0o755)
            fault, *rest = prova(kind, folder)
            yield f"{kind}, {fault}", *rest


def _drill(kind: str, folder: Path) -> Row:
    rng = random.Random(1)
    with fresh_database(kind, folder) as url, Plant(folder, url, drill.ENVIRONMENT) as plant:
        outcome = drill.run(plant, _PAYMENTS, _RESTARTS, rng, convertita=False, limit_s=_LIMIT_S)
    drill.check(outcome, convertita=False)
    lost = _PAYMENTS - outcome.receipts - len(outcome.unresolved)
    injected = outcome.lost_answers + _RESTARTS
    return "risposte del nodo perdute e worker uccisi", injected, lost, outcome.doubled, outcome.seconds


def _storm(kind: str, folder: Path) -> Row:
    with fresh_database(kind, folder) as url, Plant(folder, url) as plant:
        plant.prepare()
        db = Database.open(url)
        piano = ricevute.prepare(db, _RECEIPTS, random.Random(1))
        plant.up("serve", "worker-1", "worker-2")
        receipts, _ = ricevute.storm(int(plant.hub_url.rpartition(":")[2]), piano, 16, 50)
        drained_s = ricevute.wait_applied(db, _LIMIT_S)
        conti = ricevute.count(db)
        db.close()
        plant.check()
    lost = conti.lost(piano) + receipts.refused
    return "tempesta di ricevute", len(piano.messages), lost, conti.doubled(), drained_s


def _kills(kind: str, folder: Path) -> Row:
    """A flow that a dead worker changes in any way is lost: the check says how."""
    flow = write_flow(folder / f"{import_kill.ENTE}-GRANDE-1_3.zip", import_kill.righe(_ROWS))
    outcomes, landed = [], 0
    for kills in (0, _KILLS):
        place = folder / str(kills)
        place.mkdir()
        when = import_kill.moments(kills, _ROWS, random.Random(1)) if kills else ()
        with fresh_database(kind, place) as url, import_kill.site(url, place) as one:
            outcomes.append(one.run(flow, when))
            one.plant.check()
            landed = one.landed
    import_kill.check(*outcomes, _ROWS)
    return f"worker ucciso in un flusso di {_ROWS} righe", landed, 0, 0, 0.0
