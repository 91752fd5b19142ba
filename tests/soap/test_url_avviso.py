"""The address of a notice: whom it opens to, how long, what it gives. Source: pa-per-ente, 2.5, urlFileAvviso."""

from __future__ import annotations

import io
import zipfile
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from hub.store import schema
from tests.factories import make_iud
from tests.formats.pages import text_of
from tests.soap.test_paaSILImportaDovuto import importa
from tests.soap.zeep_client import Door, ente_client, open_door
from tests.versamenti import Versamento
from tests.world import World


@pytest.fixture
def door(world: World) -> Door:
    return open_door(world)


@pytest.fixture
def client(door: Door) -> Any:
    return ente_client(door)


def fetch(door: Door, url: str) -> tuple[int, bytes]:
    parts = urlsplit(url)
    environ = {
        "REQUEST_METHOD": "GET",
        "SCRIPT_NAME": "",
        "PATH_INFO": parts.path,
        "QUERY_STRING": parts.query,
        "REMOTE_ADDR": "192.0.2.9",
        "SERVER_NAME": "hub.invalid",
        "SERVER_PORT": "80",
        "SERVER_PROTOCOL": "HTTP/1.1",
        "wsgi.url_scheme": "http",
        "wsgi.input": io.BytesIO(),
        "wsgi.errors": io.StringIO(),
    }
    statuses: list[str] = []
    body = b"".join(door.wsgi(environ, lambda status, headers, _=None: statuses.append(status)))
    return int(statuses[0][:3]), body


def test_the_address_gives_the_notice_as_it_is_now(world: World, door: Door, client: Any) -> None:
    iud = make_iud()
    first = importa(client, Versamento(iud), flagGeneraIuv=True)
    importa(client, Versamento(iud, azione="M", iuv=first.identificativoUnivocoVersamento, importo="70.00"))

    status, body = fetch(door, first.urlFileAvviso)

    assert status == 200
    assert "70,00" in text_of(body)


@pytest.mark.parametrize("stato", ["ANNULLATO", "COMPLETATO"])
def test_what_is_not_to_be_paid_any_more_has_no_notice(world: World, door: Door, client: Any, stato: str) -> None:
    iud = make_iud()
    url = importa(client, Versamento(iud), flagGeneraIuv=True).urlFileAvviso
    world.change(schema.dovuti, "iud", iud, stato=stato, attuale=stato != "ANNULLATO")

    status, body = fetch(door, url)

    assert status == 404
    assert "non è più da pagare" in body.decode()


def test_the_address_opens_one_notice_for_two_years(world: World, door: Door, client: Any) -> None:
    urls = [importa(client, Versamento(make_iud()), flagGeneraIuv=True).urlFileAvviso for _ in range(2)]
    queries = [parse_qs(urlsplit(url).query) for url in urls]
    swapped = urls[0].replace(queries[0]["id"][0], queries[1]["id"][0])
    bare = urls[0].partition("&")[0]

    assert [fetch(door, url)[0] for url in (*urls, swapped, bare)] == [200, 200, 401, 401]
    world.clock.advance(timedelta(days=729).total_seconds())
    assert fetch(door, urls[0])[0] == 200
    world.clock.advance(timedelta(days=2).total_seconds())
    assert fetch(door, urls[0])[0] == 401


def test_the_page_is_the_one_that_the_ente_has_of_its_own(
    world: World, door: Door, client: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    modello = world.runtime.config.modelli_dir / "C_PROVA" / "avviso.typ"
    modello.parent.mkdir(parents=True)
    modello.write_text('#let a = json(bytes(sys.inputs.avviso))\n#set document(title: "x")\nPagina di #a.ente.nome')
    iud = make_iud()
    first = importa(client, Versamento(iud), flagGeneraIuv=True)
    iuv = first.identificativoUnivocoVersamento

    status, body = fetch(door, first.urlFileAvviso)
    zipped = importa(client, Versamento(iud, azione="S", iuv=iuv)).base64ZipAvviso

    assert (status, text_of(body)) == (200, "Pagina di Comune di Prova")
    with zipfile.ZipFile(io.BytesIO(zipped)) as archive:
        assert archive.read(archive.namelist()[0]) == body
