"""A sandbox hub on a real socket, an integrator's endpoint on another, and the report made of what happened."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from werkzeug.serving import WSGIRequestHandler, make_server

from adapters.ente.firma import is_signed
from hub.app import build_wsgi_app
from hub.app_conformita import build_sonde
from hub.domain.conformita import Esito
from hub.domain.conformita.rapporto import Rapporto
from hub.usecases.conformita import Impostazioni, Incarico, Mezzi, fai_rapporto
from hub.usecases.registra_chiamata import Registratore
from tests.inoltro import CHIAVE, pay
from tests.world import World


class _Quiet(WSGIRequestHandler):
    def log(self, *_: Any) -> None:
        """Nothing: a test tells what happened by its assertions."""


@dataclass
class Banco:
    """A world that records, served at `url`."""

    world: World
    url: str

    def pay(self, id_session: str) -> None:
        """The payer goes on from the page and pays."""
        self.world.start(id_session)
        self.world.relay()
        pay(self.world, id_session)

    def rapporto(self, **values: Any) -> Rapporto:
        config = self.world.runtime.config
        sonde = build_sonde(config)
        return fai_rapporto(
            self.world.db,
            Incarico("C_PROVA", **values),
            Mezzi(sonde.callback, sonde.hub, sonde.firma, sonde.hub.giorni_certificato),
            Impostazioni(config.secret_key, self.world.runtime.cassaforte, config.iuv_quindici_fino_al),
            self.world.clock(),
            lambda what: None,
        )


@contextmanager
def serve(world: World) -> Iterator[Banco]:
    """Serve the hub of a world as a sandbox, for as long as the context lasts."""
    server = make_server("127.0.0.1", 0, lambda *_: [], threaded=True, request_handler=_Quiet)
    url = f"http://127.0.0.1:{server.server_port}"
    config = world.runtime.config.model_copy(update={"sandbox": True, "public_url": url})
    world.runtime = replace(world.runtime, config=config, registratore=Registratore(world.db, world.clock))
    server.app = build_wsgi_app(world.runtime)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    try:
        yield Banco(world, url)
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def codici(rapporto: Rapporto, esito: Esito) -> set[str]:
    return {one.regola.codice for one in rapporto.verdetti if one.esito is esito}


@dataclass
class Ascoltatore:
    """An endpoint that hears outcomes. `mistakes`: names of what it does wrong."""

    clock: Callable[[], Any]
    mistakes: frozenset[str] = frozenset()
    seen: list[str] = field(default_factory=list)
    url: str = ""

    def answer(self, headers: dict[str, str], body: bytes) -> tuple[int, bytes]:
        if "rompe" in self.mistakes:
            return 500, b"Traceback"
        if "non controlla" not in self.mistakes and not is_signed(CHIAVE, headers, body, self.clock()):
            return 401, b""
        if not body.startswith(b"{"):
            return 400, b'{"faultCode": "NON_JSON"}'
        event = headers["webhook-id"]
        if event in self.seen and "doppio" in self.mistakes:
            return 409, b"already there"
        self.seen.append(event)
        return (200, b"x" * 2_000_000) if "prolisso" in self.mistakes else (200, b"")


@contextmanager
def ascolta(ascoltatore: Ascoltatore) -> Iterator[Ascoltatore]:
    """Serve an endpoint for as long as the context lasts."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            length = int(self.headers.get("Content-Length", "0"))
            headers = {name.lower(): value for name, value in self.headers.items()}
            status, said = ascoltatore.answer(headers, self.rfile.read(length))
            self.send_response(status)
            self.send_header("Content-Length", str(len(said)))
            self.end_headers()
            self.wfile.write(said)

        def do_GET(self) -> None:
            self.send_error(405 if "get" not in ascoltatore.mistakes else 200)

        def log_message(self, *_: Any) -> None:
            """Nothing: a test tells what happened by its assertions."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    ascoltatore.url = f"http://127.0.0.1:{server.server_port}/esiti"
    try:
        yield ascoltatore
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def write_flusso(cartella: Path, name: str, *rows: str, header: str, encoding: str = "utf-8") -> Path:
    path = cartella / name
    path.write_bytes("\r\n".join((header, *rows, "")).encode(encoding))
    return path
