"""What every answer of the door has in common, health, metrics, and the front that shares the port."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from wsgiref.types import StartResponse, WSGIEnvironment

import pytest
import structlog
from flask import Flask
from flask.testing import FlaskClient
from structlog.testing import capture_logs
from werkzeug.test import Client

from hub.store import circuiti
from hub.store.segni import Segni
from hub.web import create_flask, create_front
from tests.web.conftest import CAST, MakeClient, World


@pytest.mark.parametrize(
    "path",
    ["/paga/x", "/paga/ritorno", "/health/live", "/metrics", "/", "/static/paga.css", "/public/carrello/outcome"],
)
def test_every_answer_carries_the_headers_and_no_cookie(client: FlaskClient, path: str) -> None:
    answer = client.get(path)

    policy = answer.headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy and "frame-ancestors 'none'" in policy and "unsafe" not in policy
    assert answer.headers["Referrer-Policy"] == "no-referrer"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert "Set-Cookie" not in answer.headers
    assert ("no-store" in answer.headers["Cache-Control"]) == (not path.startswith("/static"))


def test_a_correlation_id_of_the_right_shape_is_kept(client: FlaskClient) -> None:
    answer = client.get("/health/live", headers={"X-Correlation-Id": "pratica-2026_7"})

    assert answer.headers["X-Correlation-Id"] == "pratica-2026_7"


@pytest.mark.parametrize("given", ["corto", "x" * 65, "con spazi dentro", "<script>aaaa", ""])
def test_another_correlation_id_is_replaced(client: FlaskClient, given: str) -> None:
    answer = client.get("/health/live", headers={"X-Correlation-Id": given})

    assert answer.headers["X-Correlation-Id"] != given
    assert len(answer.headers["X-Correlation-Id"]) == 32


def test_one_line_for_a_request_and_nothing_of_its_address_or_form(client: FlaskClient, small_world: World) -> None:
    id_session = small_world.make_sessione()
    with capture_logs() as lines:
        client.get("/public/carrello/outcome?pollingToken=segretissimo")
        client.post(f"/paga/{id_session}", data={"nome": "Mario Rossi", "email": "mario@example.it"})
        client.get("/paga/ritorno?idDominio=1&idSession=nascosta&esito=OK")

    assert [line["event"] for line in lines] == ["http_request"] * 3
    assert [line["route"] for line in lines] == ["/public/carrello/outcome", "/paga/<id_session>", "/paga/ritorno"]
    assert lines[2]["status"] == 404
    for secret in ("segretissimo", "Mario", "mario@", "nascosta"):
        assert secret not in str(lines)


def test_the_line_carries_the_correlation_id(client: FlaskClient) -> None:
    with capture_logs(processors=[structlog.contextvars.merge_contextvars]) as lines:
        client.get("/health/live", headers={"X-Correlation-Id": "abcdef-123456"})

    assert lines[0]["correlation_id"] == "abcdef-123456"


def test_an_unknown_path_and_a_wrong_method_get_a_page(client: FlaskClient) -> None:
    assert client.get("/altro").status_code == 404
    assert client.delete("/paga/x").status_code == 405
    assert "Richiesta non valida" in client.delete("/paga/x").text


def test_a_database_that_does_not_answer_is_a_service_to_come_back_to(broken: Flask) -> None:
    answer = broken.test_client().get("/paga/00000000-0000-4000-8000-00000000abcd")

    assert answer.status_code == 503
    assert "sessioni" not in answer.text and "Operational" not in answer.text


def test_a_crash_tells_nothing_but_the_code_to_report(world: World, caplog: pytest.LogCaptureFixture) -> None:
    def stopped_clock() -> datetime:
        raise ValueError("sessioni Operational 00000000abcd")

    crashing = create_flask(replace(world.runtime, clock=stopped_clock))
    with caplog.at_level(logging.DEBUG), capture_logs() as lines:
        answer = crashing.test_client().get("/paga/00000000-0000-4000-8000-00000000abcd")

    assert answer.status_code == 500
    assert answer.headers["X-Correlation-Id"] in answer.text
    assert "sessioni" not in answer.text and "Operational" not in answer.text
    assert [line["event"] for line in lines] == ["http_request_crashed", "http_request"]
    assert "00000000abcd" not in caplog.text


def test_live_and_ready_answer_when_all_is_well(world: World, open_client: MakeClient) -> None:
    client = open_client(world)

    assert client.get("/health/live").json == {"stato": "ok"}
    ready = client.get("/health/ready")
    assert (ready.status_code, ready.json) == (200, {"stato": "ok", "database": True, "migrazioni": True})


def test_a_process_without_its_tables_lives_but_is_not_ready(broken: Flask) -> None:
    client = broken.test_client()

    assert client.get("/health/live").status_code == 200
    assert client.get("/health/ready").status_code == 503


@pytest.mark.parametrize(("revision", "status"), [("9999", 200), ("0001", 503)])
def test_a_process_serves_a_schema_that_was_upgraded_under_it_and_none_that_is_older(
    world: World, open_client: MakeClient, revision: str, status: int
) -> None:
    client = open_client(world)
    with world.db.transaction() as session:
        session.exec_driver_sql(f"UPDATE alembic_version SET version_num = '{revision}'")

    assert client.get("/health/ready").status_code == status


def test_a_process_over_an_older_copy_of_its_database_lives_but_is_not_ready(world: World, tmp_path: Path) -> None:
    segni = Segni(tmp_path)
    segni.restart(battito=7, contatori={})
    client = create_flask(replace(world.runtime, segni=segni)).test_client()

    ready = client.get("/health/ready")

    assert client.get("/health/live").status_code == 200
    assert (ready.status_code, ready.json["ripristinato"]) == (503, True)


def echo(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [f"{environ['SCRIPT_NAME']}|{environ['PATH_INFO']}".encode()]


@pytest.mark.parametrize(
    ("path", "seen"),
    [
        ("/ws/pa/Servizio", "/ws/pa/Servizio|"),
        ("/ws/pa/Servizio?wsdl", "/ws/pa/Servizio|"),
        ("/ws/pa/Servizio.wsdl", "/ws/pa/Servizio|.wsdl"),
        ("/ws/pa/Servizio/x", "/ws/pa/Servizio|/x"),
    ],
)
def test_the_front_gives_each_service_its_own_path(small_world: World, path: str, seen: str) -> None:
    front = Client(create_front(small_world.runtime, {"/ws/pa/Servizio": echo}))

    assert front.get(path).text == seen


def test_a_path_that_only_begins_like_a_service_is_a_page(small_world: World) -> None:
    front = Client(create_front(small_world.runtime, {"/ws/pa/Servizio": echo}))

    assert front.get("/ws/pa/Servizio2").status_code == 404
    assert front.get("/health/live").json == {"stato": "ok"}


def test_metrics_count_both_doors_by_pattern_and_the_outbox_from_the_database(small_world: World) -> None:
    front = Client(create_front(small_world.runtime, {"/ws/pa/Servizio": echo}))
    front.post("/ws/pa/Servizio")
    front.get(f"/paga/{small_world.make_sessione(show_mypay='NONE')}")
    front.open("/qualunque", method="INVENTATO")

    text = front.get("/metrics").text

    assert 'pontepa_http_requests_total{method="POST",route="/ws/pa/Servizio",status="200"} 1.0' in text
    assert 'pontepa_http_requests_total{method="GET",route="/paga/<id_session>",status="200"} 1.0' in text
    assert 'method="OTHER",route="-",status="404"' in text
    assert 'pontepa_outbox_messages{stato="DA_INVIARE"} 1.0' in text
    assert 'pontepa_http_request_duration_seconds_count{route="/paga/<id_session>"} 1.0' in text


def test_metrics_tell_attempts_without_an_outcome_and_open_circuits(small_world: World) -> None:
    front = Client(create_front(small_world.runtime, {}))
    front.get(f"/paga/{small_world.make_sessione(show_mypay='NONE')}")
    with small_world.db.transaction() as session:
        row = circuiti.note_failure(session, f"{CAST}_01", "nodo", "HTTP_503", small_world.clock())
        circuiti.open(session, row, 1, small_world.clock(), small_world.clock())

    text = front.get("/metrics").text

    assert 'pontepa_attempts_open{stato="DA_INVIARE"} 1.0' in text
    assert 'pontepa_attempts_open{stato="IN_RITARDO"} 0.0' in text
    assert f'pontepa_circuit_open{{servizio="nodo",stazione="{CAST}_01"}} 1.0' in text
