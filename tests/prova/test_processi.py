"""The flag as an installation has it: real processes that have it die, are started without it, and recover.

What each point leaves behind is told, for all of them, by test_crash.py.
"""

from __future__ import annotations

import signal
from pathlib import Path

from hub.crash import FLAG, Punto
from tests.flows.plant import HTTP, Plant, until

TIMEOUT_S = 120.0
ENVIRONMENT = {
    "PONTEPA_LEASE_S": "6",
    "PONTEPA_NODE_CONNECT_TIMEOUT_S": "1",
    "PONTEPA_NODE_READ_TIMEOUT_S": "3",
    "PONTEPA_NODE_QUERY_TIMEOUT_S": "3",
}


class FlaggedPlant(Plant):
    """An installation of which single processes are started with the flag."""

    more: dict[str, str] = {}

    @property
    def environment(self) -> dict[str, str]:
        return super().environment | self.more

    def up_with(self, name: str, punto: Punto, **more: str) -> None:
        self.more = {FLAG: str(punto)} | more
        self.up(name)
        self.more = {}


def test_processes_with_the_flag_die_one_after_the_other_and_those_without_end_the_story(
    database_url: str, tmp_path: Path
) -> None:
    with FlaggedPlant(tmp_path, database_url, ENVIRONMENT) as plant:
        plant.prepare()
        plant.up("simulator")
        plant.up_with("serve", Punto.RICEVUTA_TENUTA)
        plant.up_with("worker-1", Punto.RELAY_INVIATO)
        id_session, iud = plant.send()
        plant.open(id_session)
        assert plant.by_name["worker-1"].wait(TIMEOUT_S) == -signal.SIGKILL

        plant.up_with("worker-2", Punto.RICEVUTA_APPLICATA)
        (rpt,) = until(lambda: plant.ledger()["rpt"] or None, TIMEOUT_S)
        words = {"idSession": rpt["id_session"], "azione": "paga"}
        assert HTTP.request("POST", f"{plant.node_url}/api/paga", json=words).status == 200
        assert plant.by_name["serve"].wait(TIMEOUT_S) != 0, "its only process that answers was killed"
        assert plant.by_name["worker-2"].wait(TIMEOUT_S) == -signal.SIGKILL

        for name in ("serve", "worker-3"):
            plant.up(name)
        assert plant.read_back(id_session, iud, TIMEOUT_S).codice_esito == "0"
        counts = plant.ledger()["conteggi"]
    assert (counts["rpt"], counts["invii_duplicati"]) == (1, 0)


def test_a_worker_in_production_does_not_honour_the_flag(sqlite_url: str, tmp_path: Path) -> None:
    environment = ENVIRONMENT | {"PONTEPA_SECRET_KEY": "f3b9c2d7e1a84650" * 4}
    with FlaggedPlant(tmp_path, sqlite_url, environment) as plant:
        plant.prepare()
        for name in ("simulator", "serve"):
            plant.up(name)
        plant.up_with("worker-1", Punto.RELAY_INVIATO, PONTEPA_AMBIENTE="produzione")

        assert plant.tell(TIMEOUT_S).codice_esito == "0"
        assert plant.by_name["worker-1"].poll() is None
