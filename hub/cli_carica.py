"""The command that brings a flow by hand, and looks on until it is loaded."""

from __future__ import annotations

import hashlib
import sys
import time
from pathlib import Path
from typing import Any, BinaryIO

import click
from click.termui import progressbar

from hub import log
from hub.cli_common import Refusal, Settings, json_option, pass_settings, print_json, system_user, utc_now
from hub.domain.arrivo import FileArrivato
from hub.domain.avanzamento import avanzamento_di
from hub.domain.stati import IMPORT_APERTI, StatoImport
from hub.store import registro
from hub.store.database import Database
from hub.usecases.carica_flusso import carica_flusso
from hub.usecases.receive_flusso import LimitiCarico

_LOOK_AGAIN_S = 0.5
_BLOCK = 1024 * 1024


@click.command("carica")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--ente", required=True, metavar="CODIPAENTE", help="L'ente di cui è il flusso.")
@click.option("--attendi", is_flag=True, help="Resta a guardare finché il flusso è caricato; 1 se ha righe scartate.")
@json_option
@pass_settings
def carica(settings: Settings, file: Path, ente: str, attendi: bool, as_json: bool) -> None:
    """Carica un flusso (ZIP) al posto del gestionale, con gli stessi controlli; poi lo elabora il worker."""
    from hub import app_flussi

    config = settings.config
    log.configure(config)
    limiti = LimitiCarico(config.max_upload_bytes, config.upload_ceiling_bytes)
    archivio = app_flussi.build_archivio_file(config)
    with settings.database() as db:
        with file.open("rb") as contenuto:
            arrivato = _weigh(file.name, contenuto)
            ricevuto = carica_flusso(db, archivio, config.secret_key, limiti, ente, system_user(), arrivato, utc_now())
        row = _look(db, ricevuto.request_token)
        if not attendi:
            _tell(row, as_json, f"flusso {ricevuto.nome_file} ricevuto: lo elabora il worker")
            return
        row = _wait(db, row)
    fatto = avanzamento_di(row, utc_now())
    _tell(row, as_json, f"flusso {row.nome_file}: {row.stato}, righe {fatto.righe}, scartate {fatto.scartate}")
    if row.stato == StatoImport.IMPORT_ABORTITO:
        raise Refusal(f"il flusso {row.nome_file} è stato rifiutato: {row.codice_errore}")
    if fatto.scartate:
        raise Refusal(
            f"righe scartate: {fatto.scartate} su {fatto.righe}; per vederle: "
            f"pontepa flusso scarica {row.request_token} --scarti"
        )


def _weigh(nome: str, contenuto: BinaryIO) -> FileArrivato:
    """The file as a door would have it, its sums made by blocks."""
    sha256, md5, size_bytes = hashlib.sha256(), hashlib.md5(usedforsecurity=False), 0
    while block := contenuto.read(_BLOCK):
        sha256.update(block)
        md5.update(block)
        size_bytes += len(block)
    contenuto.seek(0)
    return FileArrivato(nome, contenuto, size_bytes, sha256.hexdigest(), md5.hexdigest(), "application/zip")


def _look(db: Database, request_token: str) -> Any:
    with db.reading() as session:
        return registro.import_named(session, request_token)


def _wait(db: Database, row: Any) -> Any:
    """Show how far the import is, on stderr, until it is over; return its row then."""
    shown = 0

    def words(_item: object) -> str:
        if row.stato == StatoImport.LOAD_IMPORT:
            return "in attesa di un worker"
        fatto = avanzamento_di(row, utc_now())
        left = "" if fatto.rimasti_s is None else f", circa {fatto.rimasti_s} s alla fine"
        return f"{fatto.righe} righe ({fatto.scartate} scartate), {fatto.righe_al_secondo} al secondo{left}"

    with progressbar(length=100, label=row.nome_file, item_show_func=words, show_eta=False, file=sys.stderr) as bar:
        while row.stato in IMPORT_APERTI:
            time.sleep(_LOOK_AGAIN_S)
            row = _look(db, row.request_token)
            percento = avanzamento_di(row, utc_now()).percento or 0
            bar.update(percento - shown)
            shown = percento
    return row


def _tell(row: Any, as_json: bool, sentence: str) -> None:
    if not as_json:
        click.echo(f"{sentence} (requestToken {row.request_token})")
        return
    names = ("request_token", "nome_file", "stato", "codice_errore", "stato_flusso", "righe_totali", "righe_caricate")
    print_json({name: getattr(row, name) for name in names})
