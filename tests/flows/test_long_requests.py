"""`pontepa serve` by itself: files of flows come over real sockets, of any size, slowly or too long."""

from __future__ import annotations

import hashlib
import html
import io
import json
import os
import random
import re
import socket
import threading
import time
import zipfile
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import psutil
import pytest
from moto.server import ThreadedMotoServer

from benchmarks.processes import free_port
from hub.config import DEVELOPMENT_SECRET_KEY
from hub.formats.gettoni_firmati import Scarico, scarico_token
from tests.flows.plant import HTTP, NS, PASSWORD, Plant, field, until
from tests.tracciati import make_campi, make_csv, make_zip

UPLOAD = "/public/mybox/uploadFlusso"
HEADER = f'<h:intestazionePPT xmlns:h="{NS}ppthead"><codIpaEnte>C_PROVA</codIpaEnte></h:intestazionePPT>'
MIB = 1024 * 1024


@pytest.fixture
def plant(sqlite_url: str, tmp_path: Path) -> Iterator[Plant]:
    limits = {"PONTEPA_MAX_UPLOAD_BYTES": str(100 * MIB), "PONTEPA_UPLOAD_CEILING_BYTES": str(110 * MIB)}
    (tmp_path / "tmp").mkdir()
    settings = limits | {"PONTEPA_BODY_TIMEOUT_S": "2", "TMPDIR": str(tmp_path / "tmp")}
    with Plant(tmp_path, sqlite_url, settings) as plant:
        plant.prepare()
        plant.up("serve")
        yield plant


def authorize(plant: Plant) -> str:
    answer = plant.call("paaSILAutorizzaImportFlusso", f"<password>{PASSWORD}</password>", HEADER)
    return field(answer, "authorizationToken")


def make_big(path: Path, size_bytes: int) -> Path:
    """A zip of about so many bytes, under the name of a flow; what is in it does not shrink."""
    noise = random.Random(7)
    with zipfile.ZipFile(path, "w", zipfile.ZIP_STORED) as opened, opened.open(f"{path.stem}.csv", "w") as csv:
        for _ in range(size_bytes // MIB):
            csv.write(noise.randbytes(MIB).replace(b"PK", b"pk"))
    return path


def memory_bytes(plant: Plant) -> int:
    """Of the processes of the server together."""
    top = psutil.Process(plant.by_name["serve"].pid)
    return sum(process.memory_info().rss for process in [top, *top.children(recursive=True)])


class Watch:
    """How much memory the server had at most while the block ran, beyond what it had before."""

    def __init__(self, plant: Plant) -> None:
        self._plant, self._stop = plant, threading.Event()
        self._before = self._most = memory_bytes(plant)
        self._thread = threading.Thread(target=self._look)

    def _look(self) -> None:
        while not self._stop.wait(0.02):
            self._most = max(self._most, memory_bytes(self._plant))

    def __enter__(self) -> Watch:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()

    @property
    def grown_bytes(self) -> int:
        return self._most - self._before


def kept(plant: Plant) -> list[Path]:
    return [path for path in (plant.folder / "archivio").rglob("*") if path.is_file()]


@pytest.mark.parametrize("is_chunked", [False, True])
def test_a_big_file_is_taken_in_little_memory(plant: Plant, tmp_path: Path, is_chunked: bool) -> None:
    big = make_big(tmp_path / "C_PROVA-GRANDE-1_3.zip", 80 * MIB)
    headers = {"Authorization": f"Bearer {authorize(plant)}", "Content-Type": "application/zip"}
    if not is_chunked:
        headers["Content-Length"] = str(big.stat().st_size)
    # What the server loads at its first upload is not the file.
    HTTP.request("POST", f"{plant.hub_url}/flussi/import?nome=x", body=b"x", headers=headers | {"Content-Length": "1"})

    with Watch(plant) as watch, big.open("rb") as body:
        url = f"{plant.hub_url}/flussi/import?nome={big.name}"
        answer = HTTP.request("POST", url, body=body, headers=headers, timeout=120)

    assert answer.status == 201, answer.data
    with big.open("rb") as whole:
        assert answer.json()["sha256"] == hashlib.file_digest(whole, "sha256").hexdigest()
    assert watch.grown_bytes < 40 * MIB
    (path,) = kept(plant)
    assert path.read_bytes() == big.read_bytes()
    assert list((plant.folder / "in_arrivo").iterdir()) == []


def test_a_form_with_a_big_file_is_taken_in_little_memory(plant: Plant, tmp_path: Path) -> None:
    big = make_big(tmp_path / "C_PROVA-GRANDE-1_3.zip", 60 * MIB)
    head = (
        f'--x\r\nContent-Disposition: form-data; name="authorizationToken"\r\n\r\n{authorize(plant)}\r\n'
        f'--x\r\nContent-Disposition: form-data; name="f"; filename="{big.name}"\r\n'
        "Content-Type: application/zip\r\n\r\n"
    ).encode()
    form = tmp_path / "modulo"
    form.write_bytes(head + big.read_bytes() + b"\r\n--x--\r\n")
    headers = {"Content-Type": "multipart/form-data; boundary=x", "Content-Length": str(form.stat().st_size)}
    HTTP.request("POST", plant.hub_url + UPLOAD, body=head, headers=headers | {"Content-Length": str(len(head))})

    with Watch(plant) as watch, form.open("rb") as body:
        answer = HTTP.request("POST", plant.hub_url + UPLOAD, body=body, headers=headers, timeout=120)

    (told,) = answer.json()
    assert told == {"fileName": big.name, "fileSize": str(big.stat().st_size), "fileType": "application/zip"}
    assert watch.grown_bytes < 40 * MIB


def link(plant: Plant, file: str) -> str:
    token = scarico_token(DEVELOPMENT_SECRET_KEY, Scarico("FLUSSI_EXPORT", "C_PROVA", file), datetime.now(UTC))
    query = urlencode({"type": "FLUSSI_EXPORT", "filename": file, "securityToken": token})
    return f"{plant.hub_url}/public/mybox/download/C_PROVA?{query}"


def test_a_big_file_leaves_in_little_memory_whole_or_from_where_it_broke_off(plant: Plant) -> None:
    path = plant.folder / "archivio/C_PROVA/EXPORT/2026_11/grande.zip"
    path.parent.mkdir(parents=True)
    big = make_big(path, 150 * MIB).read_bytes()
    url = link(plant, "C_PROVA/EXPORT/2026_11/grande.zip")

    with Watch(plant) as watch:
        head = HTTP.request("HEAD", url)
        whole = HTTP.request("GET", url, timeout=120)
        rest = HTTP.request("GET", url, headers={"Range": f"bytes={140 * MIB}-"}, timeout=120)

    assert (head.status, head.headers["Content-Length"], head.data) == (200, str(len(big)), b"")
    assert whole.status == 200 and whole.headers["Content-Length"] == str(len(big)) and whole.data == big
    assert rest.status == 206 and rest.data == big[140 * MIB :]
    # It is the same for any size: the blocks that the threads and the server keep for the next one.
    assert watch.grown_bytes < 75 * MIB


def test_of_a_file_that_is_taken_slowly_little_waits_in_memory(plant: Plant) -> None:
    path = plant.folder / "archivio/C_PROVA/EXPORT/2026_11/grande.zip"
    path.parent.mkdir(parents=True)
    big = make_big(path, 200 * MIB).read_bytes()
    url = link(plant, "C_PROVA/EXPORT/2026_11/grande.zip")
    HTTP.request("GET", url, headers={"Range": "bytes=0-1000000"})

    taken = bytearray()
    with Watch(plant) as watch, socket.socket() as client:
        # Little room on this side: what the other side has sent is then in its own memory, or not yet read.
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 64 * 1024)
        client.connect(("127.0.0.1", int(plant.hub_url.rpartition(":")[2])))
        path_asked = url.removeprefix(plant.hub_url)
        client.sendall(f"GET {path_asked} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n".encode())
        while block := client.recv(MIB):
            taken += block
            if len(taken) < 10 * MIB:
                time.sleep(0.02)

    assert taken.partition(b"\r\n\r\n")[2] == big
    assert watch.grown_bytes < 30 * MIB


def test_who_leaves_a_file_half_way_leaves_nothing_open(plant: Plant) -> None:
    path = plant.folder / "archivio/C_PROVA/EXPORT/2026_11/grande.zip"
    path.parent.mkdir(parents=True)
    make_big(path, 20 * MIB)
    url = link(plant, "C_PROVA/EXPORT/2026_11/grande.zip")
    # What the process counts lies there as long as it lives.
    before = set((plant.folder / "tmp").iterdir())
    for _ in range(5):
        with connect(plant, f"GET {url.removeprefix(plant.hub_url)} HTTP/1.1", "Host: x", "") as client:
            assert client.recv(100).startswith(b"HTTP/1.1 200")

    top = psutil.Process(plant.by_name["serve"].pid)

    def is_let_go() -> bool | None:
        processes = [top, *top.children(recursive=True)]
        held = any(file.path == str(path.resolve()) for each in processes for file in each.open_files())
        return None if held or set((plant.folder / "tmp").iterdir()) != before else True

    assert until(is_let_go, 20)


def test_who_takes_a_file_slowly_keeps_no_other_from_it(plant: Plant) -> None:
    """Far more of them than threads, each with most of a file still to take."""
    path = plant.folder / "archivio/C_PROVA/EXPORT/2026_11/grande.zip"
    path.parent.mkdir(parents=True)
    big = make_big(path, 20 * MIB).read_bytes()
    url = link(plant, "C_PROVA/EXPORT/2026_11/grande.zip")
    slow = [connect(plant, f"GET {url.removeprefix(plant.hub_url)} HTTP/1.1", "Host: x", "") for _ in range(40)]
    assert all(connection.recv(100).startswith(b"HTTP/1.1 200") for connection in slow)

    assert HTTP.request("GET", url, timeout=60).data == big
    for connection in slow:
        connection.close()


def test_with_a_bucket_a_flow_is_loaded_and_its_results_leave_through_it(sqlite_url: str, tmp_path: Path) -> None:
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=free_port(), verbose=False)
    server.start()
    address = "http://{}:{}".format(*server.get_host_and_port())
    assert HTTP.request("PUT", f"{address}/archivio-di-prova").status == 200
    settings = {"BUCKET": "archivio-di-prova", "ENDPOINT": address, "ACCESS_KEY": "x", "SECRET_KEY": "y"}
    base = "C_PROVA-F1-1_3"
    flusso = make_zip([(f"{base}.csv", make_csv(make_campi(), make_campi(IUD="B", importoDovuto="0")))]).getvalue()
    try:
        with Plant(tmp_path, sqlite_url, {f"PONTEPA_S3_{name}": value for name, value in settings.items()}) as plant:
            plant.prepare()
            plant.up("serve", "worker")
            headers = {"Authorization": f"Bearer {authorize(plant)}", "Content-Type": "application/zip"}
            url = f"{plant.hub_url}/flussi/import?nome={base}.zip"
            came = HTTP.request("POST", url, body=flusso, headers=headers)
            wanted = f"<requestToken>{came.json()['requestToken']}</requestToken><password>{PASSWORD}</password>"
            wanted += "<fileScarti>true</fileScarti>"

            def is_done() -> str | None:
                answer = plant.call("paaSILChiediStatoImportFlusso", wanted, HEADER)
                return answer if field(answer, "stato") == "IMPORT_ESEGUITO" else None

            result = HTTP.request("GET", html.unescape(field(until(is_done, 120), "urlFileScarti")))
            keys = re.findall("<Key>(.*?)</Key>", HTTP.request("GET", f"{address}/archivio-di-prova").data.decode())

        with zipfile.ZipFile(io.BytesIO(result.data)) as opened:
            assert b";PAA_IMPORT_SINTASSI_CSV_IMPORTO" in opened.read(f"{base}_SCARTI.csv").replace(b"|", b"")
        names = {key.rpartition("/")[2] for key in keys}
        assert {f"{base}.zip", f"{base}_SCARTI.zip"} <= names and kept(plant) == []
    finally:
        server.stop()


def connect(plant: Plant, *lines: str, body: bytes = b"") -> socket.socket:
    connection = socket.create_connection(("127.0.0.1", int(plant.hub_url.rpartition(":")[2])), timeout=30)
    connection.sendall("".join(f"{line}\r\n" for line in lines).encode() + body)
    return connection


def post(path: str, length: int) -> tuple[str, ...]:
    head = ("Host: x", "Authorization: Bearer x", "Content-Type: application/zip")
    return (f"POST {path} HTTP/1.1", *head, f"Content-Length: {length}", "")


def answer_of(connection: socket.socket) -> tuple[int, Any]:
    head, _, body = connection.recv(65536).partition(b"\r\n\r\n")
    while not body:
        body = connection.recv(65536)
    return int(head.split()[1]), json.loads(body)


def test_a_body_over_the_ceiling_is_refused_before_it_is_sent_by_each_door_in_its_way(plant: Plant) -> None:
    with connect(plant, *post(UPLOAD, 10**9), body=b"PK") as connection:
        status, (told,) = answer_of(connection)
    assert status == 200 and told["codice"] == "400"

    with connect(plant, *post("/flussi/import", 10**9), body=b"PK") as connection:
        status, told = answer_of(connection)
    assert status == 413 and told["codice"] == "FILE_TROPPO_GRANDE"


def test_a_body_that_does_not_come_is_given_up_and_one_that_keeps_coming_is_not(plant: Plant) -> None:
    """The second takes longer than the first was waited for."""
    with connect(plant, *post("/flussi/import", 5000), body=b"PK") as stopped:
        assert stopped.recv(100).startswith(b"HTTP/1.1 408")

    with connect(plant, *post("/flussi/import?nome=x", 40 * 65536)) as steady:
        for _ in range(40):
            steady.sendall(b"x" * 65536)
            time.sleep(0.08)
        assert steady.recv(100).startswith(b"HTTP/1.1 401")


def test_uploads_that_do_not_move_keep_nobody_out(plant: Plant) -> None:
    path = plant.folder / "archivio/C_PROVA/EXPORT/2026_11/x.zip"
    path.parent.mkdir(parents=True)
    path.write_bytes(b"PK")
    stopped = [connect(plant, *post("/flussi/import", 5000), body=b"PK") for _ in range(300)]

    assert HTTP.request("GET", link(plant, "C_PROVA/EXPORT/2026_11/x.zip"), timeout=10).data == b"PK"
    assert HTTP.request("GET", f"{plant.hub_url}/health/ready", timeout=10).status == 200
    refused = sum(connection.recv(20).startswith(b"HTTP/1.1 503") for connection in stopped)
    assert 0 < refused < 300
    for connection in stopped:
        connection.close()


def test_a_process_that_is_killed_leaves_no_half_file_behind(plant: Plant) -> None:
    with connect(plant, *post("/flussi/import", 10 * MIB), body=b"x" * 5 * MIB):
        arrivals = plant.folder / "in_arrivo"
        assert arrivals.is_dir()
        time.sleep(0.2)
        plant.kill("serve")

    assert os.listdir(arrivals) == [] and kept(plant) == []
