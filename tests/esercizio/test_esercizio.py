"""A sample of the proofs of operations; all of them: python -m tests.esercizio."""

from __future__ import annotations

from pathlib import Path

from tests.esercizio.scene import ENVIRONMENT
from tests.esercizio.turno import rolling_upgrade
from tests.flows.plant import Plant


def test_nobody_is_turned_away_while_the_schema_is_upgraded_and_every_process_started_anew(
    postgresql_url: str, tmp_path: Path
) -> None:
    with Plant(tmp_path, postgresql_url, ENVIRONMENT) as plant:
        plant.prepare()
        plant.up("simulator", "serve", "worker-1")

        prova = rolling_upgrade(plant)

    assert prova.sbagliate == ()
    assert prova.riga[1:4] == (4, 0, 0)
