"""The simulated pagoPA node: SOAP primitives, payer's page, receipts back to the hub, ledger and faults on request.

HTTP: POST /nodo (every primitive, routed by the root of the body); GET and POST /pagamento; POST /api/paga;
GET /ledger; GET, POST and DELETE /faults; GET and POST /config; GET /health/live. The REST side is
in `fake_piattaforma`. Source: node, sections 2 and 3.9.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from werkzeug.exceptions import HTTPException, MethodNotAllowed, NotFound
from werkzeug.utils import redirect
from werkzeug.wrappers import Request, Response

from adapters.nodo import fake_pages as pages
from adapters.nodo.fake_chiamata import HubCalls
from adapters.nodo.fake_door import NodeDoor
from adapters.nodo.fake_fdr import FdrDoor
from adapters.nodo.fake_node import ACCETTATA_PSP, PARCHEGGIATA, Anagrafe, Node, StazioneNota, stazione_from_mapping
from adapters.nodo.fake_piattaforma import Piattaforma
from adapters.nodo.fake_rt import NON_PAGATA, PAGATA, Courier, make_rt
from adapters.nodo.fake_sportello import Sportello
from adapters.nodo.fake_sportello_web import SportelloDoor
from adapters.nodo.fake_wire import ListeningServer, html_response, json_response
from adapters.nodo.faults_script import FaultRule, FaultScript, GuastoNonValido, Kind, rule_from_mapping, rule_from_text
from adapters.nodo.fdr_pagati import of_ricevute, of_rt
from adapters.nodo.fdr_prodotti import Pagamento
from adapters.nodo.ledger import Ledger
from adapters.nodo.ledger_fdr import LedgerFdr
from adapters.nodo.ledger_sportello import LedgerSportello
from adapters.nodo.scadenzario import Scadenzario
from hub.domain.delivery import ChiaveRpt
from hub.formats.rpt import read_rpt

# Five RPTs in base64 stay far below: more is not a message of the contract.
BODY_BYTES_MAX = 8 * 1024 * 1024
# azione of the payer -> codiceEsitoPagamento of the receipt, state of the RPT, outcome in the redirect back.
AZIONI = {
    "paga": (PAGATA, "RT_RICEVUTA_NODO", "OK"),
    "rifiuta": (NON_PAGATA, "RT_RICEVUTA_NODO", "ERROR"),
    "abbandona": (NON_PAGATA, "RPT_ANNULLATA_WISP", "ERROR"),
}


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
        """`hub_node_url`: where the hub answers the node, when that is a port of its own.

        `payer_wait_s`: a session to which no payer came by then ends with a negative receipt; 0: it waits.
        """
        self.hub_url = hub_url.rstrip("/")
        node_facing = hub_node_url.rstrip("/") or self.hub_url
        self.abandon_delay_s = abandon_delay_s
        self.payer_wait_s = payer_wait_s
        self._clock = clock
        self.ledger = Ledger(state_path)
        self.faults = FaultScript(seed, faults)
        self._node = Node(self.ledger, Anagrafe(tuple(stazioni)))
        self.door = NodeDoor(self._node, self.faults, clock, public_url.rstrip("/"))
        self._courier = Courier(node_facing, self.ledger, self.faults, clock)
        self._patience = Scadenzario("attesa", 1, clock)
        self.door.on_parked = self._wait_for_payer
        self.ledger_sportello = LedgerSportello(state_path)
        self._calls = HubCalls(node_facing)
        self.sportello = Sportello(
            self._calls, self._node, self.ledger_sportello, self.faults, clock, self._settle_activated
        )
        self._counter = SportelloDoor(self.sportello)
        self.ledger_fdr = LedgerFdr(state_path)
        self.fdr = FdrDoor(self._node, self.ledger_fdr, self.faults, clock, self._pagati)
        self.piattaforma = Piattaforma(
            self.ledger, self.faults, clock, self.sportello, self.ledger_sportello, state_path
        )
        self.piattaforma.carrelli.public_url = public_url.rstrip("/")

    def close(self) -> None:
        self._patience.close()
        self._courier.close()
        self.sportello.close()
        self._calls.close()
        self.piattaforma.close()
        self.ledger.close()
        self.ledger_sportello.close()
        self.ledger_fdr.close()

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        request = Request(environ)
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
            "/pagamento": {"GET": self._show_page, "POST": self._press_button},
            "/api/paga": {"POST": self._api_paga},
            "/ledger": {"GET": self._show_ledger},
            "/faults": {"GET": self._list_faults, "POST": self._add_faults, "DELETE": self._clear_faults},
            "/config": {"GET": self._show_config, "POST": self._configure},
            "/health/live": {"GET": lambda _: json_response({"stato": "ok"})},
        } | self._counter.routes() | self.piattaforma.routes()
        methods = routes.get(request.path.rstrip("/") or "/")
        if methods is None and (found := self.piattaforma.find_route(request)) is not None:
            return found
        if methods is None:
            raise NotFound(f"percorso sconosciuto: {request.path}")
        method = methods.get("GET" if request.method == "HEAD" else request.method)
        if method is None:
            raise MethodNotAllowed(sorted(methods), f"metodo {request.method} non ammesso")
        return method(request)

    def _show_page(self, request: Request) -> Response:
        id_session = request.args.get("idSession", "")
        righe = self.ledger.by_session(id_session)
        if not righe:
            return html_response(pages.unknown_page(), 404)
        if any(riga.stato != PARCHEGGIATA for riga in righe):
            return html_response(pages.done_page(righe[0].stato))
        return html_response(pages.payer_page(id_session, [read_rpt(riga.documento) for riga in righe]))

    def _press_button(self, request: Request) -> Response:
        id_session, azione = request.form.get("idSession", ""), request.form.get("azione", "")
        righe = self.ledger.by_session(id_session)
        if not righe:
            return html_response(pages.unknown_page(), 404)
        if azione not in AZIONI:
            return html_response(pages.payer_page(id_session, [read_rpt(riga.documento) for riga in righe]), 400)
        if not self.play_payer(id_session, azione):
            return html_response(pages.done_page(righe[0].stato), 409)
        return redirect(self._ritorno(id_session, righe[0].chiave.dominio, azione), 303)

    def _api_paga(self, request: Request) -> Response:
        words = _object(request)
        id_session, azione = str(words.get("idSession", "")), str(words.get("azione", "paga"))
        righe = self.ledger.by_session(id_session)
        if not righe:
            return json_response({"errore": "idSession sconosciuto"}, 404)
        if azione not in AZIONI:
            return json_response({"errore": f"azione dev'essere una di {', '.join(AZIONI)}"}, 400)
        if not self.play_payer(id_session, azione, is_forced=words.get("forza") is True):
            return json_response({"errore": "la sessione ha già avuto il suo esito", "stato": righe[0].stato}, 409)
        back = self._ritorno(id_session, righe[0].chiave.dominio, azione)
        return json_response({"idSession": id_session, "redirect": back})

    def _ritorno(self, id_session: str, dominio: str, azione: str) -> str:
        query = urlencode({"idDominio": dominio, "idSession": id_session, "esito": AZIONI[azione][2]})
        return f"{self.hub_url}/paga/ritorno?{query}"

    def play_payer(self, id_session: str, azione: str, is_forced: bool = False) -> bool:
        """Do what the payer chose; the receipts leave in the background. False when the session is over already.

        `is_forced`: one more receipt for a session that has had its own, as the real node does after a late success.
        """
        codice, stato, _ = AZIONI[azione]
        now = self._clock()
        delay = timedelta(seconds=self.abandon_delay_s if azione == "abbandona" else 0)
        lavori = [
            (riga.chiave, codice, make_rt(read_rpt(riga.documento), codice, now))
            for riga in self.ledger.by_session(id_session)
        ]
        da = None if is_forced else PARCHEGGIATA
        numbers = self.ledger.add_rt(lavori, da=da, a=stato, due_at=now + delay, now=now) if lavori else None
        for number in numbers or ():
            self._courier.post(number, now + delay)
        return bool(numbers)

    def _wait_for_payer(self, id_session: str, now: datetime) -> None:
        """Give a session its end when nobody comes. Source: node, timers of the converter (1.3)."""
        if self.payer_wait_s:
            due_at = now + timedelta(seconds=self.payer_wait_s)
            self._patience.at(due_at, lambda: self._leave_unpaid(id_session))

    def _leave_unpaid(self, id_session: str) -> None:
        if all(riga.stato == PARCHEGGIATA for riga in self.ledger.by_session(id_session)):
            self.play_payer(id_session, "abbandona")

    def _settle_activated(self, chiave: ChiaveRpt) -> bool:
        """Pay the RPT that follows an activation; False as long as it is not there. Source: node, 3.8."""
        riga = self.ledger.find_rpt(chiave)
        if riga is None or riga.stato != ACCETTATA_PSP:
            return False
        now = self._clock()
        lavoro = (chiave, PAGATA, make_rt(read_rpt(riga.documento), PAGATA, now))
        for number in self.ledger.add_rt([lavoro], da=ACCETTATA_PSP, a="RT_RICEVUTA_NODO", due_at=now, now=now) or ():
            self._courier.post(number, now)
        return True

    def _show_ledger(self, request: Request) -> Response:
        iuv = request.args.get("iuv")
        more = {"sportello": self.ledger_sportello.as_json(iuv), "fdr": self.ledger_fdr.as_json()}
        return json_response(self.ledger.as_json(iuv) | more | self.piattaforma.as_json(iuv))

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
        waits = {"abbandono_s": self.abandon_delay_s, "attesa_pagatore_s": self.payer_wait_s}
        return json_response({"hub": self.hub_url, **waits, "stazioni": stazioni})

    def _configure(self, request: Request) -> Response:
        words = _object(request)
        try:
            stazioni = [
                stazione_from_mapping(one if isinstance(one, dict) else {}) for one in words.get("stazioni", [])
            ]
            delay = float(words.get("abbandono_s", self.abandon_delay_s))
            wait = float(words.get("attesa_pagatore_s", self.payer_wait_s))
            self.piattaforma.configure(words)
        except (TypeError, ValueError) as error:
            return json_response({"errore": str(error)}, 400)
        for stazione in stazioni:
            self._node.anagrafe = self._node.anagrafe.with_stazione(stazione)
        self.abandon_delay_s, self.payer_wait_s = max(0.0, delay), max(0.0, wait)
        return self._show_config(request)


def _not_a_rule() -> FaultRule:
    raise GuastoNonValido("atteso un oggetto JSON, o una lista di oggetti")


def _object(request: Request) -> dict[str, Any]:
    words = request.get_json(silent=True)
    return words if isinstance(words, dict) else {}


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
