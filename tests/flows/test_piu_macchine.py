"""The layout of a region: two servers and two workers on one PostgreSQL, each with its own disk, files in a bucket.

A story begins on one machine and ends on another; a machine that dies takes nothing with it.
"""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterator
from pathlib import Path

import boto3
import pytest
import urllib3

from benchmarks.processes import free_port
from tests.archivi import new_bucket, s3_server
from tests.flows.carico import Mittente, download, write_flow
from tests.flows.plant import HTTP, Plant, until
from tests.metriche.esposte import Esposte, read
from tests.tracciati import rows

MACHINES = ("serve", "serve-2", "worker-1", "worker-2")
# A worker that dies is noticed within the test; always longer than one call to the node.
FAST = {
    "PONTEPA_LEASE_S": "4",
    "PONTEPA_FLUSSI_LEASE_S": "3",
    "PONTEPA_NODE_CONNECT_TIMEOUT_S": "0.5",
    "PONTEPA_NODE_READ_TIMEOUT_S": "1.5",
    "PONTEPA_NODE_QUERY_TIMEOUT_S": "1.5",
    "PONTEPA_METRICS_CACHE_S": "0",
}
ROWS = 60


@pytest.fixture
def bucket() -> Iterator[tuple[str, str]]:
    """A store and the name of a bucket in it."""
    with s3_server() as server:
        yield server, new_bucket(server)


@pytest.fixture
def region(postgresql_url: str, tmp_path: Path, bucket: tuple[str, str]) -> Iterator[Plant]:
    """Several machines want PostgreSQL."""
    server, name = bucket
    store = {
        "PONTEPA_S3_BUCKET": name, "PONTEPA_S3_ENDPOINT": server, "PONTEPA_S3_ACCESS_KEY": "chiave",
        "PONTEPA_S3_SECRET_KEY": "segreto-di-prova",
    }  # fmt: skip
    with Plant(tmp_path, postgresql_url, FAST | store) as plant:
        for machine in MACHINES:
            (tmp_path / machine).mkdir()
            plant.of_name[machine] = {"PONTEPA_DATA_DIR": str(tmp_path / machine)}
        for worker in ("worker-1", "worker-2"):
            plant.of_name[worker]["PONTEPA_METRICS_PORT"] = str(free_port())
        plant.prepare()
        plant.up("simulator", *MACHINES)
        for worker in ("worker-1", "worker-2"):
            plant.await_worker(worker)
        yield plant


def on(plant: Plant, name: str, url: str) -> str:
    """The same address as a balancer would give it to another machine."""
    return url.replace(plant.hub_url, plant.url_of(name))


def metrics(plant: Plant, name: str) -> Esposte:
    port = plant.of_name[name].get("PONTEPA_METRICS_PORT")
    url = plant.url_of(name) if port is None else f"http://127.0.0.1:{port}"
    return read(urllib3.request("GET", f"{url}/metrics", retries=False, timeout=30).data.decode())


def test_stories_cross_the_machines_and_outlive_one_of_them(region: Plant, bucket: tuple[str, str]) -> None:
    assert region.tell().codice_esito == "0"

    # Sent to one server, opened on the other; with a worker less from here on.
    region.kill("worker-1")
    id_session, iud = region.send()
    answer = HTTP.request("GET", f"{region.url_of('serve-2')}/paga/{id_session}", redirect=False)
    assert answer.status in (200, 303), answer.data
    region.pay(region.url_of_node(id_session))
    assert region.read_back(id_session, iud).codice_esito == "0"

    # A flow comes to one server, the worker that is left loads it, the other server gives its results.
    flow = write_flow(region.folder / "C_PROVA-REGIONE-1_3.zip", rows(ROWS))
    mittente = Mittente(region)
    urls = mittente.wait(mittente.send(flow))
    assert _lines(download(on(region, "serve-2", urls["fileIUV"]))) == ROWS + 1

    # Every file is in the bucket, and on no machine.
    server, name = bucket
    client = boto3.client("s3", endpoint_url=server, aws_access_key_id="x", aws_secret_access_key="x")
    kept = [one["Key"] for one in client.list_objects_v2(Bucket=name)["Contents"]]
    assert any("IMPORT" in key for key in kept) and len(kept) >= 2
    assert not [path for machine in MACHINES for path in (region.folder / machine).rglob("*.zip")]
    assert not [path for machine in MACHINES for path in (region.folder / machine / "in_arrivo").glob("*")]

    _whoever_is_asked(region)


def _lines(archive: bytes) -> int:
    with zipfile.ZipFile(io.BytesIO(archive)) as opened:
        (name,) = opened.namelist()
        return len(opened.read(name).splitlines())


def _whoever_is_asked(region: Plant) -> None:
    """What the machines count adds up to what was done; what the database holds is the same from each."""
    until(lambda: metrics(region, "worker-2")['pontepa_outbox_messages{stato="DA_INVIARE"}'] == 0 or None, 30)
    servers = [metrics(region, name) for name in ("serve", "serve-2")]
    worker = metrics(region, "worker-2")

    name = 'pontepa_operation_duration_seconds_count{esito="ok",operation="paaSILInviaDovuti",servizio="ente"}'
    assert sum(found.get(name, 0) for found in servers) == 2
    name = 'pontepa_http_requests_total{method="GET",route="/paga/<id_session>",status='
    assert any(key.startswith(name) for key in servers[1])
    for name in ('pontepa_imports{stato="IMPORT_ESEGUITO"}', 'pontepa_flussi{stato="CARICATO"}'):
        assert {found[name] for found in (*servers, worker)} == {1}
    assert {found["pontepa_database_up"] for found in (*servers, worker)} == {1}
