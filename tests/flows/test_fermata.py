"""SIGTERM to real processes: what they hold is given back, and whoever comes next goes on with it."""

from __future__ import annotations

import os
import signal
from pathlib import Path
from typing import Any

from sqlalchemy import create_engine, func, select

from hub.crash import Punto
from hub.domain.stati import StatoFlusso
from hub.store.schema import dovuti, flussi_import, outbox
from tests.flows.carico import Mittente, write_flow
from tests.flows.plant import Plant, until
from tests.tracciati import rows

ROWS = 4_000
# Nothing here comes back by itself: a lease of an hour, and a node that answers long after everybody has gone.
ENVIRONMENT = {
    "PONTEPA_FLUSSI_PEZZO_ROWS": "500",
    "PONTEPA_FLUSSI_LEASE_S": "3600",
    "PONTEPA_LEASE_S": "3600",
    "PONTEPA_NODE_READ_TIMEOUT_S": "3000",
}
_END_S = 120


def is_told_to_stop(pid: int) -> bool:
    """Whether a SIGTERM waits for a process that is frozen."""
    status = Path(f"/proc/{pid}/status").read_text()
    pending = next(line for line in status.splitlines() if line.startswith("ShdPnd:"))
    return bool(int(pending.split()[1], 16) & 1 << signal.SIGTERM - 1)


def test_a_worker_that_is_told_to_stop_gives_back_the_message_it_sends_and_the_flow_it_loads(
    database_url: str, tmp_path: Path
) -> None:
    flow = write_flow(tmp_path / "C_PROVA-GRANDE-1_3.zip", rows(ROWS, bad_every=0))
    engine = create_engine(database_url)
    with Plant(tmp_path, database_url, ENVIRONMENT) as plant:
        plant.prepare()
        plant.freeze_at("worker-1", Punto.FLUSSO_PEZZO, nth=3)
        plant.up("simulator", "serve", "worker-1")
        plant.fault(operation="nodoInviaCarrelloRPT", kind="late", seconds=600, times=1)
        id_session, _ = plant.send()
        plant.open(id_session)
        until(lambda: plant.ledger()["rpt"] or None, 30)
        Mittente(plant).send(flow)

        def row_of_flow() -> Any:
            with engine.connect() as connection:
                return connection.execute(select(flussi_import)).one()

        loader = plant.await_frozen("worker-1", _END_S)
        # Told while they stand still, both must know it when they go on.
        plant.freeze("worker-1")
        plant.by_name["worker-1"].send_signal(signal.SIGTERM)
        plant.freeze("worker-1", thaw=True)
        until(lambda: is_told_to_stop(loader) or None, _END_S)
        os.kill(loader, signal.SIGCONT)
        code = plant.by_name["worker-1"].wait(_END_S)
        with engine.connect() as connection:
            message = connection.execute(select(outbox)).one()
            count = connection.execute(select(func.count()).select_from(dovuti)).scalar_one()
        plant.up("worker-2")
        until(lambda: row_of_flow().stato_flusso == StatoFlusso.CARICATO or None, _END_S)
        with engine.connect() as connection:
            whole = connection.execute(select(func.count()).select_from(dovuti)).scalar_one()
        # It would be awaited to the end of its answer.
        plant.kill("simulator")
    engine.dispose()

    assert code == 0
    assert (message.stato, message.last_code, message.lease_until) == ("SCONOSCIUTO", "FERMATO", None)
    assert count < whole == ROWS + 1, "it was stopped in the middle"
