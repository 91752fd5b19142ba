"""The storm of receipts, small: real processes, two workers at once, nothing lost and nothing doubled."""

from __future__ import annotations

import random
from pathlib import Path

from benchmarks.ricevute import count, prepare, storm, wait_applied
from hub.store.database import Database
from tests.flows.plant import Plant

RECEIPTS = 400


def test_a_storm_of_receipts_loses_and_doubles_nothing(database_url: str, tmp_path: Path) -> None:
    with Plant(tmp_path, database_url) as plant:
        plant.prepare()
        db = Database.open(database_url)
        piano = prepare(db, RECEIPTS, random.Random(7))
        plant.up("serve", "worker-1", "worker-2")

        receipts, verifies = storm(int(plant.hub_url.rpartition(":")[2]), piano, 8, 10)
        wait_applied(db, 120)

        conti = count(db)
        db.close()
        plant.check()
    assert (len(piano.messages), receipts.refused) == (RECEIPTS * 11 // 10, 0), receipts.sample
    assert verifies.latencies_s, verifies.sample
    assert conti.by_stato == {"ELABORATA": RECEIPTS - piano.unknown, "ORFANA": piano.unknown}
    assert (conti.lost(piano), conti.doubled(), conti.paid) == (0, 0, RECEIPTS - piano.unknown)
