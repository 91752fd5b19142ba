"""The commands on import flows: what a file would do, tried without storing anything."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import click

from hub.cli_common import Elsewhere, Refusal, Settings, json_option, pass_settings, utc_now
from hub.config_reading import load_config
from hub.domain.flussi import read_nome
from hub.domain.prova import Riepilogo
from hub.formats.importi import text_from_cent
from hub.formats.prova_flusso import AZIONI, RigaScartata, render_prova
from hub.formats.tracciati.righe import Leggibile
from hub.formats.zip_flusso import open_flusso
from hub.usecases.check_flusso import CheckFlusso

_PROGRESS_S = 2.0


@click.group("flusso", cls=Elsewhere)
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
        raw = stack.enter_context(file.open("rb"))
        flusso, size_bytes = stack.enter_context(open_flusso(raw, file.name, nome))
        counted = _Counted(flusso, size_bytes, prova)
        if as_json:
            for piece in render_prova(nome, ente, prova.batches(counted), prova.riepilogo):
                click.echo(piece, nl=False)
        else:
            _print(ente, prova.scarti(counted), prova.riepilogo)
    riepilogo = prova.riepilogo
    if riepilogo.scartate:
        raise Refusal(f"righe scartate: {riepilogo.scartate} su {riepilogo.righe}")


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


def _print(ente: str, found: Iterator[RigaScartata], riepilogo: Riepilogo) -> None:
    for riga, scarti in found:
        for scarto in scarti:
            where = f", {scarto.campo} {scarto.valore[:80]!r}" if scarto.campo else ""
            click.echo(f"riga {riga.numero} (linea {riga.linea}){where}: {scarto.codice}: {scarto.messaggio}")
            if scarto.rimedio:
                click.echo(f"    scrivere: {scarto.rimedio}" if scarto.campo else f"    {scarto.rimedio}")
    click.echo(f"righe: {riepilogo.righe}, scartate: {riepilogo.scartate}")
    for azione, name in AZIONI.items():
        conto = riepilogo.azioni[azione]
        click.echo(f"{name}: {conto.dovuti}, euro {text_from_cent(conto.importo_cent)}")
    for (inizio, vigore), number in sorted(riepilogo.tassonomia.items()):
        click.echo(f"attenzione: datiSpecificiRiscossione {inizio} {vigore} in {number} dovuti nuovi, non scartati: "
                   "nelle RPT andrà il codice del tipo dovuto")  # fmt: skip
    if not ente:
        click.echo("tipi dovuto e dovuti già presenti non controllati: serve --ente")
