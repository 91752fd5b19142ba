"""`pontepa verify`: whether what is kept holds together, and what does not."""

from __future__ import annotations

import time
from typing import Any

import click

from hub.cli_common import Refusal, Settings, json_option, pass_settings, print_json, print_table
from hub.usecases.verifica import CONTROLLI, CONTROLLO_FILE, Esame, nomi_degli_enti, verifica

_COLUMNS = {"tabella": "tabella", "id": "id", "ente": "ente", "iuv": "iuv", "dettaglio": "che cosa non torna"}
# Between two lines that say how far it is.
_SAY_EVERY_S = 5.0


@click.command("verify")
@click.argument("controlli", nargs=-1, type=click.Choice([*CONTROLLI, CONTROLLO_FILE]), metavar="[CONTROLLO]...")
@click.option("--file", "with_files", is_flag=True,
              help="Anche i file dell'archivio: li rilegge tutti, può durare ore.")  # fmt: skip
@click.option("--limit", type=click.IntRange(1, 100_000), default=100,
              help="Quanti rilievi mostrare di ogni controllo; gli altri si contano.")  # fmt: skip
@json_option
@pass_settings
def verify(settings: Settings, controlli: tuple[str, ...], with_files: bool, limit: int, as_json: bool) -> None:
    """Controlla che i dati conservati tornino, tutti o solo per i controlli indicati; legge soltanto.

    Esce con 1 se trova qualcosa.
    """
    from hub import app_flussi
    from hub.formats.firma_giornale import FirmaGiornale

    names = list(dict.fromkeys(controlli or CONTROLLI))
    if with_files and CONTROLLO_FILE not in names:
        names.append(CONTROLLO_FILE)
    archivio = app_flussi.build_archivio_file(settings.config)
    told = _Detto()
    chiavi = {bytes.fromhex(one) for one in settings.config.giornale_chiavi}
    chiavi.update(FirmaGiornale(settings.config.secret_key).pubbliche)
    found: list[dict[str, Any]] = []
    totals: dict[str, int] = {}
    with settings.database() as db:
        enti = nomi_degli_enti(db)
        for esame in verifica(db, names, archivio, told, limit=limit, chiavi=chiavi):
            totals[esame.controllo] = esame.totale
            rows = _rows(esame, enti)
            found += rows if as_json else []
            if not as_json:
                _print(esame, rows)
    total = sum(totals.values())
    if as_json:
        print_json({"controlli": totals, "rilievi": found})
    else:
        click.echo(f"{len(totals)} controlli, nessun rilievo" if not total else f"{len(totals)} controlli")
    if total:
        raise Refusal(f"{total} rilievi: che cosa vogliono dire e che cosa fare è in docs/verifica.md")


class _Detto:
    """Says on stderr how far a long control is."""

    def __init__(self) -> None:
        self._said = time.monotonic()

    def __call__(self, controllo: str, tabella: str, righe: int) -> None:
        if time.monotonic() - self._said >= _SAY_EVERY_S:
            self._said = time.monotonic()
            click.echo(f"{controllo}: {righe} righe di {tabella}", err=True)


def _rows(esame: Esame, enti: dict[int, str]) -> list[dict[str, Any]]:
    return [
        {
            "controllo": esame.controllo,
            "tabella": one.tabella,
            "id": one.id,
            "ente": None if one.ente_id is None else enti.get(one.ente_id),
            "iuv": one.iuv,
            "dettaglio": one.dettaglio,
        }
        for one in esame.rilievi
    ]


def _print(esame: Esame, rows: list[dict[str, Any]]) -> None:
    click.echo(f"{esame.controllo}: {f'{esame.totale} rilievi' if esame.totale else 'in ordine'}")
    if rows:
        print_table(_COLUMNS, rows, False)
    if len(rows) < esame.totale:
        click.echo(f"... e altri {esame.totale - len(rows)}: --limit ne mostra di più")
