"""The REST side of the simulator put together: carts, positions, receipts, their door and their memory."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

from werkzeug.wrappers import Request, Response

from adapters.nodo.fake_bizevents import BizEvents
from adapters.nodo.fake_carrelli import Carrelli
from adapters.nodo.fake_posizioni import Posizioni
from adapters.nodo.fake_rest import RestDoor
from adapters.nodo.fake_sportello import PAGATO, VERIFICATO, AlloSportello, Sportello
from adapters.nodo.fake_wire import seconds
from adapters.nodo.faults_script import FaultScript
from adapters.nodo.ledger import Ledger
from adapters.nodo.ledger_carrelli import LedgerCarrelli
from adapters.nodo.ledger_sportello import LedgerSportello

_PAGE = re.compile(r"/c/([0-9a-f-]{36})")


class Piattaforma:
    """What the hub calls over REST, and Checkout's page."""

    def __init__(
        self,
        ledger: Ledger,
        faults: FaultScript,
        clock: Callable[[], datetime],
        sportello: Sportello,
        ledger_sportello: LedgerSportello,
        state_path: Path | None,
    ) -> None:
        self.door = RestDoor(ledger, faults, clock)
        self.ledger_carrelli = LedgerCarrelli(state_path)
        self.carrelli = Carrelli(self.door, self.ledger_carrelli, clock, self._stand)
        self.posizioni = Posizioni(state_path, self.door, clock)
        self.ricevute = BizEvents(self.door, ledger_sportello)
        self._sportello = sportello

    def close(self) -> None:
        self.ledger_carrelli.close()
        self.posizioni.close()

    def empty(self) -> None:
        """Forget every cart and position."""
        self.ledger_carrelli.empty()
        self.posizioni.empty()

    def routes(self) -> dict[str, dict[str, Callable[[Request], Response]]]:
        return self.carrelli.routes() | self.posizioni.routes()

    def find_route(self, request: Request) -> Response | None:
        """Answer at an address that holds a name of something; None when it is nobody's here."""
        page = _PAGE.fullmatch(request.path)
        if page is not None:
            return self.carrelli.page(request, page[1])
        return self.ricevute.find_route(request) or self.posizioni.find_route(request)

    def configure(self, words: dict[str, Any]) -> None:
        """Take what concerns REST of `POST /config`. Raises: ValueError (a sentence; nothing was taken)."""
        ttl_s = seconds(words, "carrello_s", self.carrelli.ttl_s)
        chiavi = words.get("chiavi_rest")
        if chiavi is not None:
            if not isinstance(chiavi, list) or not all(isinstance(one, str) for one in chiavi):
                raise ValueError("chiavi_rest dev'essere una lista di testi")
            self.door.chiavi = frozenset(chiavi)
        self.carrelli.ttl_s = ttl_s

    def as_json(self, iuv: str | None) -> dict[str, Any]:
        return {"checkout": self.ledger_carrelli.as_json(iuv), "posizioni": self.posizioni.as_json(iuv)}

    def _stand(self, codice_fiscale: str, numero_avviso: str, id_cart: str, is_paying: bool) -> str:
        azione = "paga" if is_paying else "verifica"
        done = self._sportello.serve(AlloSportello(codice_fiscale, numero_avviso, azione, nota=id_cart))
        if done["stato"] in (PAGATO, VERIFICATO):
            return ""
        return str(done["originale"] or done["codice"] or done["stato"])
