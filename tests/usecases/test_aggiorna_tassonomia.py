"""The taxonomy fetched from pagoPA: what takes the place of what, when, and what is refused.

Source: flows, 7.3; node, 7.3 (import rule).
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime, time, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from structlog.testing import capture_logs
from werkzeug.test import Client

from adapters.tassonomia.client import TassonomiaClient
from hub.domain.errors import Conflict
from hub.domain.prelievo import EsitoPrelievo, Prelievo
from hub.formats.tassonomia import bundled
from hub.store import schema, tassonomia
from hub.store.anagrafe import Anagrafe
from hub.usecases.aggiorna_tassonomia import aggiorna, carica, run_once
from hub.usecases.tassonomia_vigente import tassonomia_di, tassonomia_vigente
from hub.web import create_front
from tests.tassonomie import lay, table, voce
from tests.world import World

NOON = time(12)
MONTH = timedelta(days=30)
# Noon of Rome is 11 o'clock then.
MORNING = datetime(2026, 11, 21, 8, tzinfo=UTC)
AT_NOON = datetime(2026, 11, 21, 11, tzinfo=UTC)


class Server(ThreadingHTTPServer):
    """pagoPA's service, with the table that the test gives it."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.body, self.status, self.requests = b"", 200, 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}/taxonomy"


class Handler(BaseHTTPRequestHandler):
    server: Server

    def do_GET(self) -> None:
        server = self.server
        server.requests += 1
        tag = f'"{len(server.body)}"'
        is_same = self.headers["If-None-Match"] == tag
        body = b"" if is_same else server.body
        self.send_response(304 if is_same else server.status)
        self.send_header("ETag", tag)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def server() -> Iterator[Server]:
    with Server() as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield server
        server.shutdown()
        thread.join()


@pytest.fixture
def fonte(server: Server) -> TassonomiaClient:
    return TassonomiaClient(server.url)


def shown(body: bytes) -> Prelievo:
    return Prelievo(EsitoPrelievo.NUOVO, body)


def stato(world: World):
    return world.one(schema.stato_tassonomia)


def test_a_newer_table_takes_the_place_of_the_shipped_one(
    world: World, server: Server, fonte: TassonomiaClient
) -> None:
    server.body = table(without=("9/0101102TS/",), more=(voce("9/0101998AP/", versione=34),))

    fatto = aggiorna(world.db, fonte, AT_NOON)

    assert (fatto.esito, fatto.versione, fatto.codici) == (EsitoPrelievo.NUOVO, 34, 624)
    assert (fatto.aggiunti, fatto.cambiati, fatto.cessati, fatto.scartate) == (1, 0, 1, ())
    with world.db.reading() as session:
        found = tassonomia_vigente(session)
    assert found.is_in_force("9/0101998AP/", date(2026, 11, 21))
    # A code that is gone is not forgotten: what is there keeps it.
    gone = found.find("9/0101102TS/")
    assert gone is not None and gone.valido_al == date(2026, 11, 20)
    assert stato(world).errore is None and stato(world).cambiata_at == AT_NOON


def test_the_same_table_changes_nothing(world: World, server: Server, fonte: TassonomiaClient) -> None:
    server.body = table()
    aggiorna(world.db, fonte, AT_NOON)
    before = stato(world)

    by_tag = aggiorna(world.db, fonte, AT_NOON + timedelta(days=1))
    by_hash = carica(world.db, shown(server.body), AT_NOON + timedelta(days=2))

    assert by_tag.esito == by_hash.esito == EsitoPrelievo.INVARIATO
    after = stato(world)
    assert (after.generazione, after.cambiata_at) == (before.generazione, before.cambiata_at) == (1, AT_NOON)
    assert after.letta_at == AT_NOON + timedelta(days=2)


def test_a_code_that_comes_back_counts_again(world: World) -> None:
    carica(world.db, shown(table(34, without=("9/0101102TS/",))), AT_NOON)

    fatto = carica(world.db, shown(table(35)), AT_NOON + timedelta(days=9))

    assert (fatto.aggiunti, fatto.cambiati, fatto.cessati) == (0, 1, 0)
    with world.db.reading() as session:
        assert tassonomia_vigente(session).is_in_force("9/0101102TS/", date(2026, 11, 30))


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"<html>manutenzione</html>", "mancano le colonne"),
        (b"", "mancano le colonne"),
        (table()[: len(table()) // 2], "incompleta"),
        (table(without=tuple(one.codice for one in bundled())[:100]), "incompleta"),
        (table(32), "versione 32, c'è già la 33"),
        (table().replace(b"2080-01-01", b"mai", 100), "100 righe errate, la prima è la 1: 'mai' non è una data"),
    ],
    ids=["html", "empty", "cut", "shrunken", "older", "broken"],
)
def test_a_bad_table_is_refused_and_the_old_one_stays(world: World, body: bytes, reason: str) -> None:
    fatto = carica(world.db, shown(body), AT_NOON)

    assert (fatto.esito, fatto.versione, fatto.codici) == (EsitoPrelievo.NON_RIUSCITO, 33, 623)
    assert reason in fatto.motivo and stato(world).errore == fatto.motivo
    assert world.rows(schema.voci_tassonomia) == [] and stato(world).generazione == 0


def test_one_bad_row_is_told_and_the_others_count(world: World) -> None:
    fatto = carica(world.db, shown(table().replace(b"2080-01-01", b"mai", 1)), AT_NOON)

    assert (fatto.esito, len(fatto.scartate), fatto.cessati) == (EsitoPrelievo.NUOVO, 1, 1)


def test_all_processes_see_it_without_a_restart(world: World) -> None:
    other = Anagrafe(world.db, ttl_s=0)
    assert tassonomia_di(other).versione == 33

    carica(world.db, shown(table(34)), AT_NOON)
    first = tassonomia_di(other)
    carica(world.db, shown(table(35, without=("9/0101102TS/",))), AT_NOON)

    assert (first.versione, tassonomia_di(other).versione) == (34, 35)


def test_the_shipped_table_counts_again_when_it_is_the_newer(world: World) -> None:
    lay(world.db, type(bundled())([voce("9/0101101IM/", versione=32)]))

    assert len(tassonomia_di(Anagrafe(world.db))) == 623


def test_it_is_looked_for_at_noon_of_rome_once_a_day(world: World, server: Server, fonte: TassonomiaClient) -> None:
    server.body = table()

    def tick(now: datetime) -> bool:
        return run_once(world.db, fonte, NOON, MONTH, now)

    assert not tick(MORNING)
    assert not tick(AT_NOON - timedelta(seconds=1))
    assert tick(AT_NOON)
    assert not tick(AT_NOON + timedelta(hours=23, minutes=59))
    # A day that nobody was there is caught up at once.
    assert tick(AT_NOON + timedelta(days=3, hours=5))
    assert server.requests == 2
    assert stato(world).prossima_at == AT_NOON + timedelta(days=4)


def test_what_failed_is_tried_again_within_the_hour(world: World, server: Server, fonte: TassonomiaClient) -> None:
    server.status = 503
    run_once(world.db, fonte, NOON, MONTH, MORNING)

    with capture_logs() as lines:
        assert run_once(world.db, fonte, NOON, MONTH, AT_NOON)

    assert [line["event"] for line in lines] == ["tassonomia_not_updated", "tassonomia_tipi"]
    assert "HTTP_503" in str(lines[0]["reason"]) and "HTTP_503" in stato(world).errore
    assert stato(world).prossima_at == AT_NOON + timedelta(hours=1)
    server.status, server.body = 200, table()
    assert run_once(world.db, fonte, NOON, MONTH, AT_NOON + timedelta(hours=1))
    assert stato(world).errore is None and stato(world).prossima_at == AT_NOON + timedelta(days=1)


def test_of_several_workers_one_asks(world: World, server: Server, fonte: TassonomiaClient) -> None:
    server.body = table()
    run_once(world.db, fonte, NOON, MONTH, MORNING)

    with ThreadPoolExecutor(4) as workers:
        done = list(workers.map(lambda _: run_once(world.db, fonte, NOON, MONTH, AT_NOON), range(4)))

    assert (sorted(done), server.requests) == ([False, False, False, True], 1)


def test_the_turn_of_a_worker_that_died_is_taken_by_another(
    world: World, server: Server, fonte: TassonomiaClient
) -> None:
    """As its lease left it: taken at noon, nothing written since."""
    server.body = table()
    world.change(schema.stato_tassonomia, "id", 1, prossima_at=AT_NOON + timedelta(minutes=10))

    assert not run_once(world.db, fonte, NOON, MONTH, AT_NOON + timedelta(minutes=9))
    assert run_once(world.db, fonte, NOON, MONTH, AT_NOON + timedelta(minutes=10))
    assert server.requests == 1


def test_without_the_network_the_tipi_are_counted_all_the_same(world: World) -> None:
    """Three of the ente's tipi need care; one that is switched off does not."""
    lay(world.db, type(bundled())([*bundled(), voce("9/0101998AP/", al=date(2026, 11, 30), versione=33)]))
    for codice, code in (("TARI", "9/0115119AP/"), ("DONAZIONI", "7/0101998AP/"), ("BOLLETTA", "9/0109999IM/")):
        row = world.one(schema.tipi, ente_id=1, codice=codice)
        world.change(schema.tipi, "id", row.id, tassonomia=code)
    closed = world.one(schema.tipi, ente_id=1, codice="CHIUSO")
    world.change(schema.tipi, "id", closed.id, tassonomia="9/0115119AP/")
    run_once(world.db, None, NOON, MONTH, MORNING)

    with capture_logs() as lines:
        run_once(world.db, None, NOON, MONTH, AT_NOON)

    (line,) = lines
    assert (line["log_level"], line["event"], line["tipi"]) == ("warning", "tassonomia_tipi", 3)
    assert (line["scaduto"], line["in_scadenza"], line["sconosciuto"]) == (1, 1, 1)
    text = Client(create_front(world.runtime, {})).get("/metrics").text
    told = dict(line.rsplit(" ", 1) for line in text.splitlines() if line.startswith("pontepa_tassonomia_tipi"))
    assert {name[31:-2]: float(count) for name, count in told.items()} == {
        "SCADUTO": 1, "IN_SCADENZA": 1, "SCONOSCIUTO": 1, "NON_ANCORA_VALIDO": 0, "FUORI_TASSONOMIA": 0,
    }  # fmt: skip


def test_of_two_tables_that_come_at_once_one_is_kept(world: World) -> None:
    with world.db.transaction() as session:
        tassonomia.replace(session, 0, [voce("9/0101101IM/", versione=34)])

    with pytest.raises(Conflict), world.db.transaction() as session:
        tassonomia.replace(session, 0, [voce("9/0101100IM/", versione=35)])

    assert [row.codice for row in world.rows(schema.voci_tassonomia)] == ["9/0101101IM/"]
    assert stato(world).generazione == 1
