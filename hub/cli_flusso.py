"""The commands on import flows: what a file would do, tried without storing anything."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any

import click

from hub.cli_common import Refusal, Settings, json_option, pass_settings, utc_now
from hub.config import load_config
from hub.domain.flussi import NomeFlusso, read_nome
from hub.domain.scarto import Scarto
from hub.formats.importi import text_from_cent
from hub.formats.tracciati.righe import Leggibile, Riga
from hub.formats.zip_flusso import open_csv
from hub.usecases.check_flusso import CheckFlusso, Riepilogo

_PROGRESS_S = 2.0
_AZIONI = {"I": "nuovi", "M": "modificati", "A": "annullati"}


@click.group("flusso")
def flusso_group() -> None:
    """I flussi di dovuti in un file."""


@flusso_group.command("check")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--ente", default="", show_default=False, metavar="CODIPAENTE",
              help="Controlla anche tipi, IUD, IUV e stati di questo ente nel database, senza scrivere.")  # fmt: skip
@json_option
@pass_settings
def check(settings: Settings, file: Path, ente: str, as_json: bool) -> None:
    """Prova un flusso, CSV o ZIP: che cosa sarebbe scartato e perché, che cosa cambierebbe; non scrive nulla."""
    nome = read_nome(file.name)
    with ExitStack() as stack:
        # On a desk without an installation it signs nothing, so it needs no key.
        config = settings.config if ente else load_config(settings.path, {**os.environ, "PONTEPA_AMBIENTE": "sviluppo"})
        db = stack.enter_context(settings.database()) if ente else None
        prova = CheckFlusso(nome, utc_now(), config.iuv_quindici_fino_al, db, ente)
        flusso, size_bytes = stack.enter_context(_open(file, nome))
        found = prova.scarti(_Counted(flusso, size_bytes, prova))
        if as_json:
            _print_as_json(nome, ente, found, prova.riepilogo)
        else:
            _print(ente, found, prova.riepilogo)
    riepilogo = prova.riepilogo
    if riepilogo.scartate:
        raise Refusal(f"righe scartate: {riepilogo.scartate} su {riepilogo.righe}")


@contextmanager
def _open(file: Path, nome: NomeFlusso) -> Iterator[tuple[Leggibile, int]]:
    """Give the csv and how many bytes it has."""
    with file.open("rb") as raw:
        if file.suffix.lower() == ".csv":
            yield raw, file.stat().st_size
            return
        with open_csv(raw, nome) as csv:
            yield csv, csv.size_bytes


class _Counted:
    """The file, which says on stderr now and then how far the trial is, each time that it is asked for more."""

    def __init__(self, flusso: Leggibile, size_bytes: int, prova: CheckFlusso) -> None:
        self._flusso, self._size_bytes, self._prova = flusso, size_bytes, prova
        self._given_bytes = 0
        self._started = self._said = time.monotonic()

    def read(self, size: int = -1, /) -> bytes:
        now = time.monotonic()
        if now - self._said >= _PROGRESS_S:
            self._said = now
            self._say(now - self._started)
        data = self._flusso.read(size)
        self._given_bytes += len(data)
        return data

    def _say(self, elapsed_s: float) -> None:
        riepilogo = self._prova.riepilogo
        rate = int(riepilogo.righe / max(elapsed_s, 0.001))
        left_s = int(elapsed_s * max(self._size_bytes / max(self._given_bytes, 1) - 1, 0))
        click.echo(
            f"{riepilogo.righe} righe ({riepilogo.scartate} scartate), {rate} al secondo, circa {left_s} s alla fine",
            err=True,
        )


def _print(ente: str, found: Iterator[tuple[Riga, Sequence[Scarto]]], riepilogo: Riepilogo) -> None:
    for riga, scarti in found:
        for scarto in scarti:
            where = f", {scarto.campo} {scarto.valore[:80]!r}" if scarto.campo else ""
            click.echo(f"riga {riga.numero} (linea {riga.linea}){where}: {scarto.codice}: {scarto.messaggio}")
            if scarto.rimedio:
                click.echo(f"    scrivere: {scarto.rimedio}" if scarto.campo else f"    {scarto.rimedio}")
    click.echo(f"righe: {riepilogo.righe}, scartate: {riepilogo.scartate}")
    for azione, name in _AZIONI.items():
        conto = riepilogo.azioni[azione]
        click.echo(f"{name}: {conto.dovuti}, euro {text_from_cent(conto.importo_cent)}")
    if not ente:
        click.echo("tipi dovuto e dovuti già presenti non controllati: serve --ente")


def _print_as_json(
    nome: NomeFlusso, ente: str, found: Iterator[tuple[Riga, Sequence[Scarto]]], riepilogo: Riepilogo
) -> None:
    """Print one object, a rejected row as soon as it is found: there may be a million."""
    head = json.dumps({"flusso": asdict(nome), "ente": ente or None}, ensure_ascii=False)
    click.echo(f'{head[:-1]}, "scarti": [', nl=False)
    separator = "\n"
    for riga, scarti in found:
        for scarto in scarti:
            click.echo(separator + json.dumps({"linea": riga.linea, **asdict(scarto)}, ensure_ascii=False), nl=False)
            separator = ",\n"
    totals: dict[str, Any] = {"righe": riepilogo.righe, "scartate": riepilogo.scartate}
    for azione, name in _AZIONI.items():
        conto = riepilogo.azioni[azione]
        totals[name] = {"dovuti": conto.dovuti, "importo": text_from_cent(conto.importo_cent)}
    click.echo(f'\n], "riepilogo": {json.dumps(totals, ensure_ascii=False)}}}')
