"""The sandbox as its tests reach it: a door of the whole hub, a browser without window, the simulated node."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

from werkzeug.test import Client, TestResponse

from adapters.nodo.fake import SimulatorServer, create_simulator
from adapters.nodo.simulatore import SimulatoreClient
from hub.app import build_wsgi_app
from hub.usecases.operatori import add_operatore
from tests.world import World

PASSWORD_OPERATORE = "una password da operatore"


@contextmanager
def simulated_node(world: World) -> Iterator[SimulatorServer]:
    """A simulator that listens, whose controls the world's hub has."""
    server = SimulatorServer("127.0.0.1", 0, create_simulator("http://127.0.0.1:9"))
    server.start()
    try:
        world.runtime = replace(world.runtime, simulatore=SimulatoreClient(server.url))
        yield server
    finally:
        server.close()


def add_operator(world: World, nome: str = "olga", ente: str | None = None) -> None:
    add_operatore(world.db, nome, PASSWORD_OPERATORE, ente, world.clock())


class Visita:
    """A browser on the pages of the sandbox; forms are sent with the token that the page gave."""

    def __init__(self, world: World) -> None:
        # Cookies of an https address go nowhere over http.
        self._base = world.runtime.config.public_url
        self.client = Client(build_wsgi_app(world.runtime), use_cookies=True)

    def get(self, path: str) -> TestResponse:
        return self.client.get(path, base_url=self._base)

    def post(self, path: str, page: str = "/sandbox", **form: Any) -> TestResponse:
        token = re.search(r'name="csrf" value="([0-9a-f]{64})"', self.get(page).text)
        assert token is not None
        return self.client.post(path, data={"csrf": token[1], **form}, base_url=self._base)

    def enter(self, nome: str, password: str) -> TestResponse:
        return self.post("/sandbox/accesso", "/sandbox/accesso", nome=nome, password=password)
