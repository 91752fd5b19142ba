"""`kill -9` of the worker while it loads a flow: nobody who looks at the result can tell.

The same with more rows and more kills: python -m tests.flows.import_kill
"""

from __future__ import annotations

import random
from pathlib import Path

from tests.flows.carico import write_flow
from tests.flows.import_kill import ENTE, check, moments, righe, site

ROWS, KILLS = 20_000, 5


def test_a_flow_whose_worker_is_killed_again_and_again_leaves_what_an_undisturbed_one_does(
    database_url: str, empty_database_url: str, tmp_path: Path
) -> None:
    seed = random.randrange(10**6)
    print(f"seed {seed}")
    flow = write_flow(tmp_path / f"{ENTE}-GRANDE-1_3.zip", righe(ROWS))
    with site(empty_database_url, tmp_path / "intatta") as one:
        undisturbed = one.run(flow)

    with site(database_url, tmp_path / "uccisa") as one:
        killed = one.run(flow, moments(KILLS, ROWS, random.Random(seed)))
        stored = one.count()
        again = one.mittente.upload(one.mittente.authorize(), flow)
        assert (one.count(), "codice" in again) == (stored, True)
        one.plant.check()

    assert one.landed >= 2
    check(undisturbed, killed, ROWS)
