"""The bench of the cases: the hub's deeds on a real database, the real client, the simulated node over sockets."""

from __future__ import annotations

import base64
import re
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

from adapters.nodo.client import NodoClient
from adapters.nodo.fake import SimulatorServer
from adapters.nodo.soap import NodoSoap
from adapters.nodo.trasporto import Attese, Trasporto
from hub.domain.delivery import ChiaveRpt
from hub.formats.nodo_messaggi import fill_password
from hub.store import schema
from hub.usecases import recupero
from tests.adapters.simulated import StubHub, eventually, post, post_json, provoke
from tests.factories import Documento
from tests.world import INTERMEDIARIO, PASSWORD_STAZIONE, STAZIONE, World

ATTESA = timedelta(minutes=30)
STAZIONE_NOTA = {"id": STAZIONE, "intermediario": INTERMEDIARIO, "password": PASSWORD_STAZIONE}


class Banco:
    """What a case does and looks at."""

    def __init__(self, world: World, simulator: SimulatorServer, hub: StubHub) -> None:
        self.world, self.simulator, self.hub = world, simulator, hub
        self.set_timeout(5)

    def set_timeout(self, read_s: float) -> None:
        self.soap = NodoSoap(self.simulator.url + "/nodo", Attese(1, read_s, read_s), Trasporto())
        client: Any = NodoClient(self.soap)
        self.world.nodo = client
        self.world.runtime = replace(self.world.runtime, nodi={"rpt": client})

    def configure(self, **words: Any) -> None:
        """Tell the node of our station, with these differences."""
        assert post_json(self.simulator, "/config", {"stazioni": [STAZIONE_NOTA | words]}).status == 200

    def fail(self, operation: str, kind: str, **more: Any) -> None:
        provoke(self.simulator, operation, kind, **more)

    def begin(self, documento: Documento | None = None, change: Callable[[bytes], bytes] | None = None) -> str:
        """Start a payment; `change`: of the stored message, before anything leaves. Returns the idSession."""
        id_session = self.world.begin(documento)
        if change is not None:
            row = self.world.messaggio(id_session)
            self.world.change(schema.outbox, "id", row.id, payload=change(bytes(row.payload)))
        return id_session

    def send(self, documento: Documento | None = None, change: Callable[[bytes], bytes] | None = None) -> str:
        """Start a payment and let its message leave."""
        id_session = self.begin(documento, change)
        self.world.relay()
        return id_session

    def ask(self) -> None:
        """Let the next question go: the clock goes on a little."""
        self.world.clock.advance(2)
        self.world.relay()

    def pursue(self, wait: timedelta = ATTESA) -> None:
        """Let the receipts that are overdue be searched for."""
        self.world.clock.advance(wait.total_seconds())
        recupero.run_once(self.world.db, ("rpt",), ATTESA, self.world.clock())
        self.world.relay()
        self.world.apply()

    def stati(self, id_session: str) -> tuple[str, str]:
        """Attempt and carrello."""
        return self.world.tentativo(id_session).stato, self.world.carrello(id_session).stato

    def fault(self, id_session: str) -> str | None:
        found: str | None = self.world.tentativo(id_session).fault_code
        return found

    def chiave(self, id_session: str) -> ChiaveRpt:
        row = self.world.tentativo(id_session)
        return ChiaveRpt(row.dominio, row.iuv, row.ccp)

    def move(self, id_session: str, stato: str) -> None:
        """Give the RPT another state at the node."""
        self.simulator.simulator.ledger.move(self.chiave(id_session), stato, self.world.clock())

    def pay(self, id_session: str, azione: str = "paga") -> None:
        rpt = self.simulator.simulator.ledger.find_rpt(self.chiave(id_session))
        assert rpt is not None
        answer = post_json(self.simulator, "/api/paga", {"idSession": rpt.id_session, "azione": azione})
        assert answer.status == 200, answer.data

    def receive(self, id_session: str) -> None:
        """Take the receipt that the node has sent to our address."""
        eventually(lambda: bool(self.hub.receipts))
        self.world.receive(self.hub.receipts[-1], self.world.tentativo(id_session))
        self.world.apply()

    def again(self, id_session: str) -> bytes:
        """Post the stored message once more, behind the hub's back."""
        payload = fill_password(bytes(self.world.messaggio(id_session).payload), PASSWORD_STAZIONE)
        return bytes(post(self.simulator, payload).data)

    def ledger(self) -> dict[str, Any]:
        return self.simulator.simulator.ledger.as_json()

    def sendings(self) -> list[str]:
        """What the node answered to each sending."""
        return [one["risposta"] for one in self.ledger()["messaggi"] if one["operazione"].startswith("nodoInvia")]

    def questions(self) -> list[str]:
        return [one["operazione"] for one in self.ledger()["messaggi"] if one["operazione"].startswith("nodoChiedi")]


def with_rpt(document: bytes) -> Callable[[bytes], bytes]:
    """Another inner document in a stored message."""
    text = base64.b64encode(document)
    return lambda payload: re.sub(rb"<rpt>[^<]*</rpt>", lambda _: b"<rpt>" + text + b"</rpt>", payload)
