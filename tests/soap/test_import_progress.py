"""How far an import is, as /metrics and the log of the status call tell it."""

from __future__ import annotations

from datetime import timedelta

import structlog
from werkzeug.test import Client

from hub.store import schema
from hub.web import create_front
from tests.flussi import lay_import
from tests.pulizia import MESE, keep, sweep
from tests.soap.zeep_client import client_of, intestazione
from tests.world import World


def lay_under_way(world: World, nome: str = "C_PROVA-F1-1_3") -> str:
    """300 rows decided in the 10 s since its beginning, a quarter of the bytes."""
    row = lay_import(
        world, nome, stato="IMPORT_IN_ELAB", stato_flusso="LOAD_FLOW", righe_totali=300, righe_caricate=290,
        csv_bytes=1000, csv_letti=250, finished_at=None,
    )  # fmt: skip
    world.clock.advance(10)
    return str(row.request_token)


def told(world: World) -> dict[str, float]:
    text = Client(create_front(world.runtime, {})).get("/metrics").text
    lines = [line for line in text.splitlines() if not line.startswith("#")]
    return {name: float(value) for name, _, value in (line.rpartition(" ") for line in lines)}


def test_metrics_tell_the_flows_by_state_and_how_far_they_are(world: World) -> None:
    lay_import(world, "C_PROVA-F0-1_3")
    lay_under_way(world)
    waiting = {"stato": "LOAD_IMPORT", "stato_flusso": None, "righe_totali": None, "righe_caricate": None}
    lay_import(world, "C_PROVA-F2-1_3", **waiting, received_at=world.clock() - timedelta(seconds=90))
    lay_import(world, "C_PROVA-F3-1_3", **waiting, received_at=world.clock() - timedelta(seconds=30))
    now = {name: world.clock() for name in ("created_at", "updated_at", "eseguibile_at")}
    world.lay(schema.prenotazioni_export, request_token="t", ente_id=1, genere="PAGATI", stato="LOAD_EXPORT", **now)

    found = told(world)

    by_stato = {name: value for name, value in found.items() if "{stato=" in name and value}
    assert by_stato == {
        'pontepa_imports{stato="IMPORT_ESEGUITO"}': 1, 'pontepa_imports{stato="IMPORT_IN_ELAB"}': 1,
        'pontepa_imports{stato="LOAD_IMPORT"}': 2, 'pontepa_flussi{stato="CARICATO"}': 1,
        'pontepa_flussi{stato="LOAD_FLOW"}': 1, 'pontepa_exports{stato="LOAD_EXPORT"}': 1,
    }  # fmt: skip
    assert found["pontepa_import_rows_decided"] == 300
    assert found["pontepa_import_rows_left"] == 900
    assert found["pontepa_import_oldest_waiting_seconds"] == 90
    assert found['pontepa_flussi{stato="ANNULLATO"}'] == 0


def test_metrics_tell_what_was_swept_from_the_archive(world: World) -> None:
    assert told(world)['pontepa_archive_files_removed_total{motivo="SCONOSCIUTO"}'] == 0
    for number in (1, 2):
        keep(world.runtime.archivio, f"C_PROVA/IMPORT/{MESE}/di-nessuno/{number}/C_PROVA-F1-1_3.zip")
    sweep(world)

    found = told(world)

    assert found['pontepa_archive_files_removed_total{motivo="SCONOSCIUTO"}'] == 2
    assert found['pontepa_archive_files_removed_total{motivo="PARTE"}'] == 0
    assert found["pontepa_archive_bytes_removed_total"] == 20


def test_the_log_of_a_status_call_tells_rows_rate_and_time_left(small_world: World) -> None:
    request_token = lay_under_way(small_world)

    with structlog.testing.capture_logs() as lines:
        answer = client_of(small_world).paaSILChiediStatoImportFlusso(
            requestToken=request_token, password="Segreto12345", _soapheaders=intestazione("C_PROVA")
        )

    assert answer.stato == "IMPORT_IN_ELAB"
    (line,) = [line for line in lines if line.get("operation") == "paaSILChiediStatoImportFlusso"]
    assert {name: line[name] for name in ("stato", "righe", "scartate", "righe_al_secondo", "rimasti_s")} == {
        "stato": "IMPORT_IN_ELAB", "righe": 300, "scartate": 10, "righe_al_secondo": 30, "rimasti_s": 30,
    }  # fmt: skip
