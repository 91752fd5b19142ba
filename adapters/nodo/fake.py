"""The simulated pagoPA node: SOAP primitives, payer's page, receipts back to the hub, ledger and faults on request.

HTTP: POST /nodo (every primitive, routed by the root of the body); GET and POST /pagamento; POST /api/paga;
GET and DELETE /ledger; GET, POST and DELETE /faults; GET and POST /config; GET /health/live. The REST side is
in `fake_piattaforma`. Source: node, sections 2 and 3.9.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from werkzeug.exceptions import HTTPException, MethodNotAllowed, NotFound
from werkzeug.wrappers import Request, Response

from adapters.nodo import fake_pages as pages
from adapters.nodo.fake_chiamata import HubCalls
from adapters.nodo.fake_door import NodeDoor
from adapters.nodo.fake_fdr import FdrDoor
from adapters.nodo.fake_node import Anagrafe, Node, StazioneNota, stazione_from_mapping
from adapters.nodo.fake_pagatore import Pagatore
from adapters.nodo.fake_piattaforma import Piattaforma
from adapters.nodo.fake_rt import Courier
from adapters.nodo.fake_sportello import Sportello
from adapters.nodo.fake_sportello_web import SportelloDoor
from adapters.nodo.fake_wire import (
    JsonRequest,
    ListeningServer,
    given_object,
    html_response,
    json_response,
    seconds,
)
from adapters.nodo.faults_script import FaultRule, FaultScript, GuastoNonValido, Kind, rule_from_mapping, rule_from_text
from adapters.nodo.fdr_pagati import of_ricevute, of_rt
from adapters.nodo.fdr_prodotti import Pagamento
from adapters.nodo.ledger import Ledger
from adapters.nodo.ledger_fdr import LedgerFdr
from adapters.nodo.ledger_sportello import LedgerSportello

# Five RPTs in base64 stay far below: more is not a message of the contract.
BODY_BYTES_MAX = 8 * 1024 * 1024
# What `POST /config` takes; `hub` is in the answer of GET, and may come back with it.
_CONFIG = frozenset({"stazioni", "abbandono_s", "attesa_pagatore_s", "chiavi_rest", "carrello_s", "hub"})
def utc_now() -> datetime:
    return datetime.now(UTC)


class Simulator:
    """The simulator as a WSGI application; `close` ends its background work."""

    def __init__(
        self,
        hub_url: str,
        state_path: Path | None = None,
        seed: int | None = None,
        clock: Callable[[], datetime] = utc_now,
        *,
        hub_node_url: str = "",
        public_url: str = "",
        stazioni: Iterable[StazioneNota] = (),
        faults: Iterable[FaultRule] = (),
        abandon_delay_s: float = 0.0,
        payer_wait_s: float = 0.0,
    ) -> None:
        """`hub_node_url`: where the hub answers the node, when that is a port of its own. Waits: as in `Pagatore`."""
        self.hub_url = hub_url.rstrip("/")
        node_facing = hub_node_url.rstrip("/") or self.hub_url
        self.ledger = Ledger(state_path)
        self.faults = FaultScript(seed, faults)
        self._node = Node(self.ledger, Anagrafe(tuple(stazioni)))
        self.door = NodeDoor(self._node, self.faults, clock, public_url.rstrip("/"))
        self._courier = Courier(node_facing, self.ledger, self.faults, clock)
        self.pagatore = Pagatore(self.hub_url, self.ledger, self._courier, clock, abandon_delay_s, payer_wait_s)
        self.door.on_parked = self.pagatore.await_session
        self.ledger_sportello = LedgerSportello(state_path)
        self._calls = HubCalls(node_facing)
        self.sportello = Sportello(
            self._calls, self._node, self.ledger_sportello, self.faults, clock, self.pagatore.settle_activated
        )
        self._counter = SportelloDoor(self.sportello)
        self.ledger_fdr = LedgerFdr(state_path)
        self.fdr = FdrDoor(self._node, self.ledger_fdr, self.faults, clock, self._pagati)
        self.piattaforma = Piattaforma(
            self.ledger, self.faults, clock, self.sportello, self.ledger_sportello, state_path
        )
        self.piattaforma.carrelli.public_url = public_url.rstrip("/")

    def close(self) -> None:
        self.pagatore.close()
        self._courier.close()
        self.sportello.close()
        self._calls.close()
        self.piattaforma.close()
        self.ledger.close()
        self.ledger_sportello.close()
        self.ledger_fdr.close()

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        request = JsonRequest(environ)
        request.max_content_length = BODY_BYTES_MAX
        try:
            response = self._route(request)
        except HTTPException as error:
            response = json_response({"errore": error.description}, error.code or 500)
        return response(environ, start_response)

    def _pagati(self) -> Iterator[tuple[str, str, Pagamento]]:
        """What was paid here, to be settled."""
        yield from of_rt(self.ledger.paid_rt())
        yield from of_ricevute(self.ledger_sportello.corpi())

    def _route(self, request: Request) -> Response:
        if self.fdr.has(request.path):
            return self.fdr.answer(request)
        routes: dict[str, dict[str, Callable[[Request], Response]]] = {
            "/": {"GET": lambda _: html_response(pages.home_page(self.hub_url))},
            "/nodo": {"POST": self.door.answer},
            "/ledger": {"GET": self._show_ledger, "DELETE": self._empty_ledger},
            "/faults": {"GET": self._list_faults, "POST": self._add_faults, "DELETE": self._clear_faults},
            "/config": {"GET": self._show_config, "POST": self._configure},
            "/health/live": {"GET": lambda _: json_response({"stato": "ok"})},
        } | self.pagatore.routes() | self._counter.routes() | self.piattaforma.routes()
        methods = routes.get(request.path.rstrip("/") or "/")
        if methods is None and (found := self.piattaforma.find_route(request)) is not None:
            return found
        if methods is None:
            raise NotFound(f"percorso sconosciuto: {request.path}")
        method = methods.get("GET" if request.method == "HEAD" else request.method)
        if method is None:
            raise MethodNotAllowed(sorted(methods), f"metodo {request.method} non ammesso")
        return method(request)

    def _show_ledger(self, request: Request) -> Response:
        iuv = request.args.get("iuv")
        more = {"sportello": self.ledger_sportello.as_json(iuv), "fdr": self.ledger_fdr.as_json()}
        return json_response(self.ledger.as_json(iuv) | more | self.piattaforma.as_json(iuv))

    def _empty_ledger(self, request: Request) -> Response:
        """Forget all that was received and all that is owed; stations and faults stay."""
        for one in (self.ledger, self.ledger_sportello, self.ledger_fdr, self.piattaforma):
            one.empty()
        return Response(status=204)

    def _list_faults(self, request: Request) -> Response:
        return json_response({"guasti": self.faults.as_json()})

    def _add_faults(self, request: Request) -> Response:
        words = request.get_json(silent=True)
        entries = words if isinstance(words, list) else [words]
        try:
            rules = [rule_from_mapping(entry) if isinstance(entry, dict) else _not_a_rule() for entry in entries]
            for rule in rules:
                if rule.kind is Kind.REFUSE_CONNECTION and rule.operation == "*" and self.door.refuse is not None:
                    self.door.refuse(rule.seconds or 1.0)
                else:
                    self.faults.add(rule)
        except GuastoNonValido as error:
            return json_response({"errore": str(error)}, 400)
        return json_response({"guasti": self.faults.as_json()}, 201)

    def _clear_faults(self, request: Request) -> Response:
        self.faults.clear()
        return Response(status=204)

    def _show_config(self, request: Request) -> Response:
        stazioni = [
            {"id": one.id, "intermediario": one.intermediario, "domini": sorted(one.domini), "iban": sorted(one.iban),
             "segregazione": sorted(one.segregazione), "primitive": one.primitive, "versione": one.versione,
             "convertita": one.convertita}
            for one in self._node.anagrafe.stazioni
        ]
        waits = {"abbandono_s": self.pagatore.abandon_delay_s, "attesa_pagatore_s": self.pagatore.wait_s}
        return json_response({"hub": self.hub_url, **waits, "stazioni": stazioni})

    def _configure(self, request: Request) -> Response:
        try:
            words = given_object(request)
            if unknown := sorted(words.keys() - _CONFIG):
                raise ValueError(f"{', '.join(unknown)}: non si conosce; si conoscono {', '.join(sorted(_CONFIG))}")
            found = words.get("stazioni", [])
            if not isinstance(found, list):
                raise ValueError("stazioni dev'essere una lista di oggetti")
            stazioni = [stazione_from_mapping(one if isinstance(one, dict) else {}) for one in found]
            delay = seconds(words, "abbandono_s", self.pagatore.abandon_delay_s)
            wait = seconds(words, "attesa_pagatore_s", self.pagatore.wait_s)
            self.piattaforma.configure(words)
        except (TypeError, ValueError) as error:
            return json_response({"errore": str(error)}, 400)
        for stazione in stazioni:
            self._node.anagrafe = self._node.anagrafe.with_stazione(stazione)
        self.pagatore.abandon_delay_s, self.pagatore.wait_s = delay, wait
        return self._show_config(request)


def _not_a_rule() -> FaultRule:
    raise GuastoNonValido("atteso un oggetto JSON, o una lista di oggetti")


def create_simulator(
    hub_url: str,
    state_path: Path | None = None,
    seed: int | None = None,
    clock: Callable[[], datetime] = utc_now,
    **options: Any,
) -> Simulator:
    """Return the simulator as a WSGI application; `options` as in `Simulator`."""
    return Simulator(hub_url, state_path, seed, clock, **options)


class SimulatorServer:
    """The simulator listening on a port, in background threads."""

    def __init__(self, host: str, port: int, simulator: Simulator) -> None:
        """Bind the port (0: any free one); `start` begins to answer."""
        self.simulator = simulator
        self._server = ListeningServer(host, port, simulator)
        simulator.door.public_url = simulator.door.public_url or self._server.url
        simulator.door.refuse = self._server.pause

    @property
    def url(self) -> str:
        return self._server.url

    def start(self) -> None:
        self._server.start()

    def wait(self) -> None:
        self._server.wait()

    def close(self) -> None:
        self._server.close()
        self.simulator.close()


def serve_simulator(
    host: str,
    port: int,
    hub_url: str,
    data_dir: Path | None = None,
    seed: int | None = None,
    faults: Sequence[str] = (),
    *,
    hub_node_url: str = "",
    public_url: str = "",
    stazioni: Iterable[StazioneNota] = (),
    on_ready: Callable[[str], None] | None = None,
) -> None:
    """Serve until interrupted; `on_ready` is told the address once the port is open.

    `data_dir`: where `simulatore.db` is kept; None keeps nothing. `faults`: in the form of `rule_from_text`.
    Raises: GuastoNonValido (a rule cannot be read).
    """
    rules = [rule_from_text(text) for text in faults]
    path = data_dir / "simulatore.db" if data_dir is not None else None
    options: dict[str, Any] = {"hub_node_url": hub_node_url, "public_url": public_url, "stazioni": stazioni}
    simulator = Simulator(hub_url, path, seed, faults=rules, **options)
    server = SimulatorServer(host, port, simulator)
    server.start()
    if on_ready is not None:
        on_ready(server.url)
    try:
        server.wait()
    except KeyboardInterrupt:
        pass
    finally:
        server.close()
