"""Download by a signed link: the one file it was made for, whole or in part, waited for while it is being written.

Source: flows, 1.5 and 3.1; defect 8 (12).
"""

from __future__ import annotations

import asyncio
import random
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

import pytest
from werkzeug.test import TestResponse

from adapters.cartella.client import CartellaArchivio
from hub.app import build_wsgi_app
from hub.domain.errors import OutOfService
from hub.formats.gettoni_firmati import Autorizzazione, Scarico, autorizzazione_token, scarico_token
from hub.store import schema
from hub.web import long_road
from hub.web.flussi import long_paths
from hub.web.server import BodyLimits, Front
from tests.soap.zeep_client import client_of, intestazione
from tests.web.flussi.door import authorize, open_door, upload
from tests.web.flussi.test_import import assert_problem
from tests.world import PASSWORDS, World

FILE = "C_PROVA/IMPORT_ELABORATI/2026_11/C_PROVA-F1-1_3/C_PROVA-F1-1_3_SCARTI.zip"
CONTENT = random.Random(3).randbytes(300_000)


def keep(world: World, file: str = FILE, content: bytes = CONTENT) -> None:
    with world.runtime.archivio.write(file) as written:
        written.write(content)


def link(world: World, **changed: str) -> str:
    """The address of the file, as the status call makes it, with parts of it `changed`; an empty one is left out."""
    secret = world.runtime.config.secret_key
    token = scarico_token(secret, Scarico("FLUSSI_IMPORT", "C_PROVA", changed.pop("signed", FILE)), world.clock())
    ente = changed.pop("ente", "C_PROVA")
    query = {"type": "FLUSSI_IMPORT", "filename": FILE, "securityToken": token} | changed
    return f"/public/mybox/download/{ente}?" + urlencode({name: value for name, value in query.items() if value})


def get(world: World, **changed: str) -> TestResponse:
    return open_door(world).get(link(world, **changed))


def test_the_link_of_the_status_call_opens_its_file(world: World) -> None:
    answer = authorize(world)
    upload(world, answer.authorizationToken)
    world.change(
        schema.flussi_import, "request_token", answer.requestToken, stato="IMPORT_ESEGUITO", file_scarti=FILE
    )
    keep(world)
    stato = client_of(world).paaSILChiediStatoImportFlusso(
        requestToken=answer.requestToken, password=PASSWORDS["C_PROVA"], fileScarti=True,
        _soapheaders=intestazione("C_PROVA"),
    )  # fmt: skip
    parts = urlsplit(stato.urlFileScarti)

    got = open_door(world).get(f"{parts.path}?{urlencode(parse_qsl(parts.query))}")

    assert (got.status_code, got.mimetype, got.data) == (200, "application/octet-stream", CONTENT)
    assert got.headers["Content-Disposition"] == 'attachment; filename="C_PROVA-F1-1_3_SCARTI.zip"'
    assert got.headers["Content-Length"] == str(len(CONTENT))
    assert got.headers["Cache-Control"] == "no-store"


@pytest.mark.parametrize(
    "changed",
    [
        {"filename": "C_PROVA/IMPORT_ELABORATI/2026_11/C_PROVA-F2-1_3/C_PROVA-F2-1_3_SCARTI.zip"},
        {"filename": f"C_PROVA/../{FILE}"},
        {"filename": ""},
        {"type": "FLUSSI_EXPORT"},
        {"type": ""},
        {"ente": "C_VICINO"},
        {"ente": "c_prova"},
        {"securityToken": "x"},
        {"signed": "C_VICINO/IMPORT/x.zip"},
    ],
)
def test_a_link_opens_nothing_but_what_it_was_made_for(small_world: World, changed: dict[str, str]) -> None:
    keep(small_world)
    keep(small_world, "C_PROVA/IMPORT_ELABORATI/2026_11/C_PROVA-F2-1_3/C_PROVA-F2-1_3_SCARTI.zip")

    assert_problem(get(small_world, **changed), 401, "TOKEN_NON_VALIDO", "chiederne uno nuovo")


def test_a_link_past_its_two_hours_opens_nothing(small_world: World) -> None:
    keep(small_world)
    address = link(small_world)
    small_world.clock.advance(7199)
    assert open_door(small_world).get(address).status_code == 200
    small_world.clock.advance(1)

    assert_problem(open_door(small_world).get(address), 401, "TOKEN_NON_VALIDO")


def test_the_token_of_an_upload_opens_nothing(small_world: World) -> None:
    what = Autorizzazione(FILE, "C_PROVA", "a" * 32)
    token = autorizzazione_token(small_world.runtime.config.secret_key, what, small_world.clock())

    assert_problem(get(small_world, securityToken=token), 401, "TOKEN_NON_VALIDO")


def test_without_token_or_without_file_there_is_nothing(small_world: World) -> None:
    assert_problem(get(small_world, securityToken=""), 404, "NON_TROVATO", "indirizzo intero")
    assert_problem(get(small_world), 404, "NON_TROVATO")


@pytest.mark.parametrize(
    ("asked", "span"), [("bytes=0-99", (0, 100)), ("bytes=1000-", (1000, 300_000)), ("bytes=-5", (299_995, 300_000))]
)
def test_a_part_is_given(small_world: World, asked: str, span: tuple[int, int]) -> None:
    keep(small_world)

    got = open_door(small_world).get(link(small_world), headers={"Range": asked})

    assert (got.status_code, got.data) == (206, CONTENT[slice(*span)])
    assert got.headers["Content-Range"] == f"bytes {span[0]}-{span[1] - 1}/{len(CONTENT)}"


def test_a_part_that_is_not_there_is_416(small_world: World) -> None:
    keep(small_world)

    got = open_door(small_world).get(link(small_world), headers={"Range": "bytes=300000-"})

    assert_problem(got, 416, "INTERVALLO_NON_VALIDO")


def test_head_says_how_long_it_is(small_world: World) -> None:
    keep(small_world)

    got = open_door(small_world).head(link(small_world))

    assert (got.status_code, got.data, got.headers["Content-Length"]) == (200, b"", str(len(CONTENT)))


def test_a_name_with_accents_is_told_in_both_ways(small_world: World) -> None:
    file = "C_PROVA/EXPORT/2026_11/città.zip"
    keep(small_world, file)

    got = get(small_world, signed=file, filename=file)

    assert got.headers["Content-Disposition"] == "attachment; filename=\"citta.zip\"; filename*=UTF-8''citt%C3%A0.zip"


def test_an_archive_that_does_not_answer_is_503(small_world: World) -> None:
    class Absent(CartellaArchivio):
        def open(self, path: str) -> Any:
            raise OutOfService(f"l'archivio dei file non risponde: {path}")

    object.__setattr__(small_world.runtime, "archivio", Absent(Path(small_world.cartella.name)))

    answer = get(small_world)

    told = assert_problem(answer, 503, "SERVIZIO_NON_DISPONIBILE", "riprovare fra poco")
    assert FILE not in str(told)
    assert answer.headers["Retry-After"]


class Exchange:
    """The server's side of a request without a body; what is answered stays here."""

    def __init__(self) -> None:
        self.status, self.headers, self.blocks = 0, {}, []  # type: ignore[var-annotated]

    async def __aiter__(self) -> Any:
        for block in ():
            yield block

    async def client_disconnect(self) -> None:
        """It stays to the end."""
        await asyncio.Event().wait()

    def response_bytes(self, status: int, headers: Any, body: bytes) -> None:
        self.status, self.headers, self.blocks = status, dict(headers), [body]

    def response_stream(self, status: int, headers: Any) -> Exchange:
        self.status, self.headers = status, dict(headers)
        return self

    async def send_bytes(self, data: bytes) -> None:
        self.blocks.append(data)


class Scope:
    method, scheme, client, http_version = "GET", "http", "192.0.2.1:1", "1.1"
    headers: dict[str, str] = {}

    def __init__(self, address: str) -> None:
        self.path, _, self.query_string = address.partition("?")


@pytest.fixture
def front(small_world: World, monkeypatch: pytest.MonkeyPatch) -> Any:
    """The front of the server over the world, in which a wait asks again every few milliseconds."""
    monkeypatch.setattr(long_road, "_PAUSE_S", 0.005)
    config = small_world.runtime.config
    limits = BodyLimits({}, 1000, 5.0, long_paths(config))
    front = Front(build_wsgi_app(small_world.runtime), config.public_url, limits, 1)
    yield front
    front.__rsgi_del__(None)


async def ask(front: Front, address: str) -> Exchange:
    exchange = Exchange()
    await front.__rsgi__(Scope(address), exchange)  # type: ignore[arg-type]
    return exchange


def test_files_that_are_not_there_yet_are_waited_for_without_a_thread_each(front: Front, small_world: World) -> None:
    """Many more wait than there are threads, and another request is answered meanwhile."""

    async def story() -> tuple[list[Exchange], Exchange]:
        asked = [asyncio.create_task(ask(front, link(small_world))) for _ in range(30)]
        await asyncio.sleep(0.2)
        assert not any(task.done() for task in asked)
        other = await ask(front, "/health/live")
        await asyncio.to_thread(keep, small_world)
        return await asyncio.gather(*asked), other

    answers, other = asyncio.run(story())

    assert other.status == 200
    for answer in answers:
        assert answer.status == 200 and b"".join(answer.blocks) == CONTENT
        assert len(answer.blocks) > 1 and max(map(len, answer.blocks)) <= 64 * 1024


def test_the_wait_has_an_end(front: Front, small_world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("hub.web.scarico._WAIT_S", 0.05)

    assert asyncio.run(ask(front, link(small_world))).status == 404


@pytest.mark.parametrize("changed", [{"ente": "C_VICINO"}, {"securityToken": "x"}, {"securityToken": ""}])
def test_strangers_are_not_let_wait(front: Front, small_world: World, changed: dict[str, str]) -> None:
    """With the wait of the contract this would not end in time."""

    async def story() -> int:
        async with asyncio.timeout(10):
            return (await ask(front, link(small_world, **changed))).status

    assert asyncio.run(story()) in (401, 404)
