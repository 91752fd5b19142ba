"""Exports as an ente sees them: booked and followed through the contract, files read from the archive by their link."""

from __future__ import annotations

import csv
import io
import zipfile
from datetime import date, datetime
from typing import Any
from urllib.parse import parse_qs, urlsplit

from sqlalchemy import Row

from hub.domain.iuv import build_iuv
from hub.formats.istanti import render_istante
from hub.store import schema
from hub.usecases import esporta
from tests.soap.zeep_client import client_of, intestazione
from tests.world import PASSWORDS, World

# What the receipts of `make_rt` are dated.
GIORNO = date(2026, 11, 20)


def _header(ente: str) -> dict[str, Any]:
    return {"password": PASSWORDS[ente], "_soapheaders": intestazione(ente)}


def book(world: World, da: date = GIORNO, a: date = GIORNO, ente: str = "C_PROVA", **more: Any) -> str:
    """paaSILPrenotaExportFlusso; returns the requestToken."""
    answer = client_of(world).paaSILPrenotaExportFlusso(
        dateFrom=da.isoformat(), dateTo=a.isoformat(), **more, **_header(ente)
    )
    assert answer.fault is None, answer.fault
    return answer.requestToken


def book_incremental(
    world: World, da: datetime, a: datetime | None = None, ente: str = "C_PROVA", **more: Any
) -> tuple[str, datetime]:
    """paaSILPrenotaExportFlussoIncrementaleConRicevuta; returns the requestToken and the watermark."""
    window = {"dateFrom": render_istante(da)} | ({} if a is None else {"dateTo": render_istante(a)})
    answer = client_of(world).paaSILPrenotaExportFlussoIncrementaleConRicevuta(
        **({"ricevuta": False, "incrementale": True} | window | more), **_header(ente)
    )
    assert answer.fault is None, answer.fault
    return answer.requestToken, answer.dateTo


def book_expired(world: World, entro: date, tipi: str = "SANZIONE") -> str:
    """paaSILPrenotaExportFlussoScaduti; returns the requestToken."""
    answer = client_of(world).paaSILPrenotaExportFlussoScaduti(
        dataScadenza=entro.isoformat(), tipiDovuto=tipi, **_header("C_PROVA")
    )
    assert answer.fault is None, answer.fault
    return answer.requestToken


def ask(world: World, request_token: str, ente: str = "C_PROVA") -> Any:
    """The status call of the booking's kind."""
    genere = booking(world, request_token).genere
    operation = "paaSILChiediStatoExportFlusso" + ("Scaduti" if genere == "SCADUTI" else "")
    answer = getattr(client_of(world), operation)(requestToken=request_token, **_header(ente))
    assert answer.fault is None, answer.fault
    return answer


def booking(world: World, request_token: str) -> Row[Any]:
    return world.one(schema.prenotazioni_export, request_token=request_token)


def tick(world: World, **more: Any) -> bool:
    """One turn of who writes exports."""
    return esporta.run_once(world.db, world.runtime.archivio, world.clock, **more)


def read_file(world: World, request_token: str, ente: str = "C_PROVA") -> tuple[str, bytes]:
    """The path of the file that the status call links to, and its csv."""
    answer = ask(world, request_token, ente)
    assert answer.stato == "EXPORT_ESEGUITO"
    (path,) = parse_qs(urlsplit(answer.downloadUrl).query)["filename"]
    with world.runtime.archivio.open(path) as file, zipfile.ZipFile(file) as archive:
        (name,) = archive.namelist()
        assert name == path.rpartition("/")[2].removesuffix(".zip") + ".csv"
        return path, archive.read(name)


def rows_of(world: World, request_token: str, ente: str = "C_PROVA") -> list[dict[str, str]]:
    """The rows of a finished export; none when nothing was found."""
    if ask(world, request_token, ente).stato == "EXPORT_ESEGUITO_NESSUN_DOVUTO_TROVATO":
        return []
    text = read_file(world, request_token, ente)[1].decode()
    return list(csv.DictReader(io.StringIO(text, newline=""), delimiter=";"))


def exported(world: World, **more: Any) -> list[dict[str, str]]:
    """The rows of a plain export booked and written now."""
    request_token = book(world, **more)
    while tick(world):
        pass
    return rows_of(world, request_token, more.get("ente", "C_PROVA"))


def iuv_of(number: int) -> str:
    """An IUV of the ente's own, beside those that the hub draws."""
    return build_iuv(1, number, sistema=10)


def pay(
    world: World, number: int = 1, esito: int = 0, changes: dict[str, Any] | None = None, **values: Any
) -> Row[Any]:
    """A stored dovuto of Comune di Prova with its receipt; returns the row as it is afterwards.

    `values`: of the dovuto; `changes`: of the receipt.
    """
    iuv = iuv_of(number)
    stored = world.lay_avviso(iuv, **values)
    world.attempt(esito, iuv, **(changes or {}))
    return world.one(schema.dovuti, id=stored.id)


def lay_flusso(world: World, id: int, iuf: str, stato_flusso: str) -> None:
    at = world.clock()
    world.lay(
        schema.flussi_import,
        **{"id": id, "request_token": f"token-{id}", "ente_id": 1, "jti": f"{id}", "authorization_expires_at": at},
        **{"stato": "IMPORT_ESEGUITO", "iuf": iuf, "stato_flusso": stato_flusso, "created_at": at, "updated_at": at},
    )
