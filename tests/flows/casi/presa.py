"""A hub that is asked over HTTP by zeep: every answer's bytes hold against the contract and the second look."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from adapters.ente.fake_archivio import ArchivioFinto
from hub.formats.xml import parse
from hub.soap.contract import SOAP_ENV
from hub.soap.nodo.vaglio import violazioni
from tests.flows.casi.scena import Scena
from tests.flows.plant import HTTP, Plant
from tests.soap.avvisi import Nodo
from tests.soap.test_paaAttivaRPT import Classico
from tests.soap.zeep_client import Answer, Door
from tests.world import INTERMEDIARIO, World

# Longer than any answer takes on a busy machine, and far shorter than a slow ente drips.
GIVES_UP_S = 30


class Presa(Door):
    """The doors of a served hub. Beside the schema that zeep's transport checks, what the node demands beyond it."""

    def __init__(self, url: str) -> None:
        super().__init__(None)
        self._url = url

    def post(self, path: str, body: bytes, headers: dict[str, str]) -> Answer:
        """Raises: urllib3.exceptions.HTTPError (no answer comes)."""
        sent = {"Content-Type": "text/xml; charset=utf-8"} | headers
        told = HTTP.request("POST", self._url + path, body=body, headers=sent, timeout=GIVES_UP_S)
        answer = Answer(told.status, dict(told.headers), told.data)
        (payload,) = parse(answer.body).find(f"{{{SOAP_ENV}}}Body")
        if not str(payload.tag).endswith("}Fault"):
            assert violazioni(payload) == []
        self.answers.append(answer)
        return answer


@dataclass(frozen=True, slots=True)
class Servito:
    """A served hub: its database, its processes, and an ente's archive that it may ask."""

    world: World
    plant: Plant
    archivio: ArchivioFinto


class ScenaAvviso(Scena):
    """One case about a notice, which is nobody else's."""

    def __init__(self, servito: Servito) -> None:
        super().__init__(servito.world, servito.plant)
        self.archivio = servito.archivio
        self.door = Presa(servito.plant.hub_url)
        self.nodo = Nodo(door=self.door)
        self.classico = Classico(door=self.door)

    @property
    def avviso(self) -> str:
        return "3" + self.iuv

    def code(self, operation: str = "paVerifyPaymentNotice", **values: Any) -> str:
        return self.nodo.code(operation, **({"avviso": self.avviso} | values))

    def ask(self, operation: str, **values: Any) -> Any:
        return self.nodo.ask(operation, **({"avviso": self.avviso} | values))

    def option(self) -> Any:
        """The one option of an OK to verify."""
        answer = self.ask("paVerifyPaymentNotice")
        assert (answer.outcome, answer.fiscalCodePA) == ("OK", INTERMEDIARIO)
        return answer.paymentList.paymentOptionDescription

    def relay(self) -> None:
        """One tick of a worker, at this moment: the hub's own clock is the wall's."""
        self.world.clock.now = datetime.now(UTC)
        self.world.relay()

    def notice_line(self, posizione: int, **values: Any) -> None:
        """One of the dovuti of a notice that has several."""
        self.world.lay_avviso(self.iuv, posizione=posizione, **values)

    @property
    def raw(self) -> bytes:
        """The bytes of the last answer."""
        return self.door.last.body
