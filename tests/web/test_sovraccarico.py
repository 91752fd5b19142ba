"""The server beyond its limits: who is turned away, in which words, and who is not because of whom."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest
from lxml import etree

from hub import misure
from hub.app import build_wsgi_app
from hub.soap import ente, nodo
from hub.soap.nodo import pa_for_node
from hub.soap.protocol import fault_text
from hub.web.carico import Carico
from hub.web.corpi import Deposito, Posto, TroppiByte
from hub.web.flussi import PROBLEM_PATHS, UPLOAD
from hub.web.mittente import Mittenti
from hub.web.rifiuti import Rifiuti
from hub.web.server import Accoglienza, BodyLimits, Domande, Front
from tests.world import World

NODO = frozenset(porta.path for porta in nodo.PORTE)
RECEIPT = {"soapaction": '"paSendRTV2"', "content-length": "0"}
HEAD = "<h:intestazionePPT xmlns:h='x'><codIpaEnte>{}</codIpaEnte></h:intestazionePPT>"


@dataclass
class Scope:
    path: str
    headers: dict[str, str]
    client: str = "192.0.2.1:1"
    method: str = "POST"
    query_string: str = ""
    scheme: str = "http"
    http_version: str = "1.1"


@dataclass
class Exchange:
    body: bytes = b""
    status: int = 0
    headers: dict[str, str] = field(default_factory=dict)
    text: bytes = b""

    async def __call__(self) -> bytes:
        return self.body

    async def __aiter__(self) -> Any:
        for start in range(0, len(self.body), 1000):
            yield self.body[start : start + 1000]

    def response_bytes(self, status: int, headers: Any, body: bytes) -> None:
        self.status, self.headers, self.text = status, dict(headers), body


class Hub:
    """A hub that holds whatever it is asked, but for its health, until the test lets it go."""

    def __init__(self) -> None:
        self.may_go = threading.Event()
        self.known: set[tuple[str, str]] = set()
        self.ready_waits = False
        how = Accoglienza(
            NODO, 1, Mittenti(("10.0.0.1",), lambda source, code: (source, code) in self.known),
            Rifiuti((ente.PATH, *NODO), fault_text, (UPLOAD,), PROBLEM_PATHS),
        )  # fmt: skip
        self.front = Front(
            self._wsgi, "http://hub.invalid", BodyLimits({}, 100_000, 5.0), 1, Domande(nodo.DOMANDE, 1), how
        )

    def _wsgi(self, environ: dict[str, Any], start_response: Any) -> list[bytes]:
        if environ["PATH_INFO"] != "/health/live" and (self.ready_waits or "/health/" not in environ["PATH_INFO"]):
            assert self.may_go.wait(30)
        start_response("200 OK", [])
        return [b"ok"]

    async def ask(self, path: str, body: bytes = b"", client: str = "192.0.2.1:1", **headers: str) -> Exchange:
        exchange: Any = Exchange(body)
        scope: Any = Scope(path, {"content-length": str(len(body)), **headers}, client)
        await self.front.__rsgi__(scope, exchange)
        return exchange  # type: ignore[no-any-return]

    def many(self, times: int, *arguments: Any, **headers: str) -> list[asyncio.Task[Exchange]]:
        return [asyncio.create_task(self.ask(*arguments, **headers)) for _ in range(times)]


@pytest.fixture
def hub() -> Iterator[Hub]:
    hub = Hub()
    yield hub
    hub.may_go.set()
    hub.front.__rsgi_del__(None)  # type: ignore[arg-type]


class Counted(list[tuple[str, str]]):
    """What was turned away: lane and reason."""

    def count(self, misura: Any, labels: Any, by: int = 1) -> None:  # type: ignore[override]
        if misura is misure.RICHIESTE_RESPINTE:
            self.append(labels)

    def observe(self, *_: object) -> None:
        """Nothing else is looked at."""

    level = observe


@pytest.fixture
def counted() -> Iterator[Counted]:
    counted = Counted()
    misure.collect(counted)  # type: ignore[arg-type]
    yield counted
    misure.collect(None)


async def first_of(tasks: list[asyncio.Task[Exchange]]) -> Exchange:
    """The first that is answered while all others are held."""
    done, _ = await asyncio.wait(tasks, timeout=30, return_when=asyncio.FIRST_COMPLETED)
    return done.pop().result()


def shed_from(hub: Hub, path: str, **headers: str) -> Exchange:
    async def story() -> Exchange:
        tasks = hub.many(20, path, **headers)
        shed = await first_of(tasks)
        hub.may_go.set()
        await asyncio.gather(*tasks)
        return shed

    return asyncio.run(story())


@pytest.mark.parametrize(
    ("path", "headers"),
    [(ente.PATH, {}), (pa_for_node.PATH, RECEIPT), (pa_for_node.PATH, {"soapaction": "paVerifyPaymentNotice"})],
)
def test_a_soap_client_that_is_turned_away_gets_a_fault_and_when_to_come_back(hub, path, headers):
    shed = shed_from(hub, path, **headers)

    assert shed.status == 503 and 2 <= int(shed.headers["retry-after"]) <= 5
    assert shed.headers["content-type"] == "text/xml; charset=utf-8"
    document = etree.fromstring(shed.text)
    assert document.findtext(".//faultcode") == "soapenv:Server"
    assert document.findtext(".//faultstring") == (
        f"Servizio momentaneamente occupato: riprovare fra {shed.headers['retry-after']} secondi"
    )


def test_a_browser_that_is_turned_away_gets_a_sentence(hub):
    shed = shed_from(hub, "/paga/x")

    assert (shed.status, shed.headers["content-type"]) == (503, "text/plain; charset=utf-8")
    assert shed.text.decode().startswith("Servizio momentaneamente occupato")


def test_management_software_never_keeps_a_receipt_out(hub, counted):
    """The threads and the queue of the others are full: a receipt has its own, and takes the place of nobody."""

    async def story() -> tuple[int, int]:
        storm = hub.many(40, ente.PATH)
        await first_of(storm)
        receipt = asyncio.create_task(hub.ask(pa_for_node.PATH, **RECEIPT))
        await asyncio.sleep(0)
        assert hub.front._nodo is not None
        had = hub.front._nodo.busy
        hub.may_go.set()
        await asyncio.gather(*storm)
        return (await receipt).status, had

    assert asyncio.run(story()) == (200, 1)
    assert {lane for lane, _ in counted} == {"http"}


def test_an_ente_that_floods_is_turned_away_and_its_neighbour_is_not(hub, counted):
    """Both come from one address, as those of one software house do."""
    hub.known = {("192.0.2.1", "C_PROVA"), ("192.0.2.1", "C_VICINO")}
    flood, calm = (HEAD.format(code).encode() for code in ("C_PROVA", "C_VICINO"))

    async def story() -> tuple[list[int], list[int]]:
        storm = hub.many(60, ente.PATH, flood)
        await first_of(storm)
        calls = hub.many(5, ente.PATH, calm)
        await asyncio.sleep(0)
        hub.may_go.set()
        return [(await task).status for task in storm], [(await task).status for task in calls]

    storm, calls = asyncio.run(story())

    assert storm.count(503) >= 40 and calls == [200] * 5
    assert {reason for _, reason in counted} == {"eccesso"}


def test_a_name_that_was_never_proved_from_there_spends_nobody_elses_turns(hub):
    hub.known = {("192.0.2.1", "C_PROVA")}
    body = HEAD.format("C_PROVA").encode()

    mittenti = hub.front._how.mittenti

    assert mittenti.of("192.0.2.1", body) == ("enti", "C_PROVA")
    assert mittenti.of("198.51.100.7", body) == ("altri", "198.51.100.7")
    assert mittenti.of("192.0.2.1", HEAD.format("C_ALTRO").encode()) == ("altri", "192.0.2.1")
    assert mittenti.of("192.0.2.1", b"codIpaEnte" * 2000) == ("altri", "192.0.2.1")


def test_behind_a_proxy_the_address_is_the_one_it_tells(hub):
    mittenti = hub.front._how.mittenti
    headers = {"x-forwarded-for": "203.0.113.9"}

    assert mittenti.source(Scope("/", headers, "10.0.0.1:5")) == "203.0.113.9"  # type: ignore[arg-type]
    assert mittenti.source(Scope("/", headers, "198.51.100.7:5")) == "198.51.100.7"  # type: ignore[arg-type]
    assert mittenti.source(Scope("/", {}, "[2001:db8::1]:5")) == "2001:db8::1"  # type: ignore[arg-type]


def test_liveness_is_told_while_every_thread_waits(hub):
    hub.ready_waits = True

    async def story() -> tuple[int, set[int]]:
        held = [*hub.many(40, ente.PATH), *hub.many(20, "/health/ready"), *hub.many(20, "/metrics")]
        await first_of(held)
        live = await hub.ask("/health/live")
        hub.may_go.set()
        return live.status, {(await task).status for task in held}

    assert asyncio.run(story()) == (200, {200, 503})


def test_readiness_that_gets_no_answer_from_the_database_says_so(hub, monkeypatch):
    monkeypatch.setattr("hub.web.server._READY_S", 0.05)
    hub.ready_waits = True

    answer = asyncio.run(hub.ask("/health/ready"))

    assert answer.status == 503 and json.loads(answer.text)["stato"] == "non pronto"


class Clock:
    now_s = 100.0

    def __call__(self) -> float:
        return self.now_s


def test_readiness_tells_of_refusals_that_last_and_ends_with_them(small_world: World):
    clock = Clock()
    carico = Carico(clock)
    wsgi = build_wsgi_app(small_world.runtime)

    def ready() -> tuple[str, dict[str, Any]]:
        told: list[str] = []
        environ = {
            "REQUEST_METHOD": "GET", "PATH_INFO": "/health/ready", "SERVER_NAME": "x", "SERVER_PORT": "80",
            "wsgi.url_scheme": "http", "pontepa.carico": carico,
        }  # fmt: skip
        parts = wsgi(environ, lambda status, headers, exc_info=None: told.append(status[:3]))
        return told[0], json.loads(b"".join(parts))

    carico.shed("http", "pieno")
    assert ready()[0] == "200"
    for _ in range(6):
        clock.now_s += 1
        carico.shed("http", "pieno")
    status, answer = ready()
    assert status == "503" and answer["motivo"].startswith("sovraccarico") and answer["database"]
    clock.now_s += 4
    assert ready()[0] == "200"
    # Who was sent away for his own excess says nothing about room for others.
    for _ in range(10):
        clock.now_s += 1
        carico.shed("http", "eccesso")
    assert ready()[0] == "200"


def test_every_refusal_is_counted_by_lane_and_reason(small_world: World):
    carico = Carico()
    wsgi = build_wsgi_app(small_world.runtime)
    carico.shed("http", "pieno")
    carico.shed("http", "eccesso")
    environ = {
        "REQUEST_METHOD": "GET", "PATH_INFO": "/metrics", "SERVER_NAME": "x", "SERVER_PORT": "80",
        "wsgi.url_scheme": "http", "pontepa.carico": carico,
    }  # fmt: skip

    text = b"".join(wsgi(environ, lambda *_: None)).decode()

    assert 'pontepa_http_shed_total{lane="http",reason="pieno"} 1.0' in text
    assert 'pontepa_http_shed_total{lane="http",reason="eccesso"} 1.0' in text


def test_a_request_with_two_ends_is_refused(hub):
    answer = asyncio.run(hub.ask(ente.PATH, b"x", **{"transfer-encoding": "chunked"}))

    assert answer.status == 400 and answer.headers["connection"] == "close"
    assert b"soapenv:Client" in answer.text


def test_bodies_of_one_address_have_a_part_of_the_room_and_give_it_back():
    deposito = Deposito(4000)
    body: Any = Exchange(b"x" * 1000)

    async def story() -> None:
        with Posto(deposito, "a") as first:
            await first.read(body, 5000)
            with Posto(deposito, "a") as second, pytest.raises(TroppiByte):
                await second.read(body, 5000)
            with Posto(deposito, "b") as third:
                assert await third.read(body, 5000) == body.body
            assert deposito.held == 1000

    asyncio.run(story())
    assert (deposito.held, dict(deposito.by_source)) == (0, {})
