"""What the tests of these doors share: authorisations by the contract, forms as clients write them, files of flows."""

from __future__ import annotations

import io
from functools import cache
from pathlib import Path
from typing import Any

from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from hub.store import schema
from hub.web import create_flask
from tests.soap.zeep_client import client_of, intestazione
from tests.tracciati import make_campi, make_csv, make_zip
from tests.world import PASSWORDS, World

UPLOAD = "/public/mybox/uploadFlusso"
BASE = "C_PROVA-F1-1_3"
NOME = f"{BASE}.zip"


@cache
def make_flusso(base: str = BASE, **campi: str) -> bytes:
    """The zip of a flow of one good row; the same bytes each time, though a zip tells when it was made."""
    return make_zip([(f"{base}.csv", make_csv(make_campi(**campi)))]).getvalue()


def open_door(world: World) -> FlaskClient:
    return create_flask(world.runtime).test_client()


def authorize(world: World, ente: str = "C_PROVA") -> Any:
    client = client_of(world)
    answer = client.paaSILAutorizzaImportFlusso(password=PASSWORDS[ente], _soapheaders=intestazione(ente))
    assert answer.fault is None
    return answer


def ask_stato(world: World, request_token: str, ente: str = "C_PROVA") -> Any:
    return client_of(world).paaSILChiediStatoImportFlusso(
        requestToken=request_token, password=PASSWORDS[ente], _soapheaders=intestazione(ente)
    )


def part(data: bytes, nome: str = NOME, media: str = "application/zip") -> tuple[io.BytesIO, str, str]:
    return io.BytesIO(data), nome, media


def upload(world: World, token: str | None, data: bytes | None = None, nome: str = NOME, **more: Any) -> dict[str, str]:
    """What the legacy address answers to a form: its one object."""
    form: dict[str, Any] = {"file": part(make_flusso() if data is None else data, nome)} | more
    if token is not None:
        form["authorizationToken"] = token
    return told(open_door(world).post(UPLOAD, data=form))


def told(answer: TestResponse) -> dict[str, str]:
    """The one object of a legacy answer, whose shape never changes."""
    assert (answer.status_code, answer.mimetype) == (200, "application/json")
    values = answer.json
    assert isinstance(values, list) and len(values) == 1
    assert all(isinstance(value, str) for value in values[0].values())
    return values[0]


def row_of(world: World, request_token: str) -> Any:
    return world.one(schema.flussi_import, request_token=request_token)


def files_of(world: World) -> list[str]:
    """What is in the archive's folder."""
    return [str(path) for path in Path(world.cartella.name).rglob("*") if path.is_file()]
