"""The command that takes over the configuration of another hub."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path

import click
from click.termui import progressbar

from hub.cli_common import Settings, json_option, pass_settings, print_json, utc_now
from hub.domain.configurazione import Configurazione, ConfigurazioneNonValida, insecure_addresses
from hub.formats.configurazione_mypay import TabelleMypay, read_tabelle
from hub.formats.segreti import Cassaforte
from hub.usecases.import_config import Importato, import_config, passwords_of

# What another hub issues between the export of its tables and its end.
_MARGINE = 10_000


@click.command("import")
@click.argument("cartella", type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.option("--stazione", required=True, help="La stazione, già configurata, con cui gli enti parleranno al nodo.")
@click.option("--margine", type=click.IntRange(0, 1_000_000_000), default=_MARGINE,
              help="Progressivi da saltare dopo l'ultimo emesso, per quelli emessi dopo l'esportazione.")  # fmt: skip
@click.option("--senza-contatori", is_flag=True, help="Ammette enti di cui non è detto l'ultimo progressivo emesso.")
@click.option("--prova", is_flag=True, help="Dice che cosa cambierebbe, senza scrivere nulla.")
@json_option
@pass_settings
def importa(
    settings: Settings, cartella: Path, stazione: str, margine: int, senza_contatori: bool, prova: bool, as_json: bool
) -> None:
    """Porta qui enti, tipi, operatori e contatori dalle tabelle di MyPay in CARTELLA: tutto, oppure niente.

    In CARTELLA: enti.csv e, se ci sono, tipi.csv, operatori.csv, contatori.csv, iuv.csv (docs/migrazione.md).
    """
    tabelle = read_tabelle(cartella, stazione)
    if settings.config.is_produzione and (found := insecure_addresses(Configurazione(enti=tuple(tabelle.enti)))):
        raise ConfigurazioneNonValida(found)
    with settings.database() as db, _progress(tabelle, is_trial=prova, is_shown=not as_json) as on_password:
        importato = import_config(
            db,
            tabelle,
            stazione,
            Cassaforte(settings.config.secret_key),
            utc_now(),
            is_trial=prova,
            margine=margine,
            are_counters_known=senza_contatori,
            on_password=on_password,
        )
    if as_json:
        print_json(
            {
                "differenze": [asdict(one) for one in importato.differenze],
                "prossimi": importato.prossimi,
                "password": importato.password,
                "lasciate": tabelle.lasciate,
            }
        )
    else:
        _tell(tabelle, importato, is_trial=prova)


@contextmanager
def _progress(tabelle: TabelleMypay, *, is_trial: bool, is_shown: bool) -> Iterator[Callable[[], None]]:
    """Show on stderr how many passwords are done: of the hundreds of a region they are a minute of silence."""
    total = passwords_of(tabelle, is_trial=is_trial)
    if not is_shown or not total:
        yield lambda: None
        return
    with progressbar(length=total, label=f"password: {total} da preparare", show_pos=True, file=sys.stderr) as bar:
        yield lambda: bar.update(1)


def _tell(tabelle: TabelleMypay, importato: Importato, *, is_trial: bool) -> None:
    for one in importato.differenze:
        click.echo(str(one))
    if not importato.differenze:
        click.echo("nessun cambiamento")
    for code, number in importato.prossimi.items():
        click.echo(f"ente {code}: il prossimo progressivo IUV {'sarebbe' if is_trial else 'è'} almeno {number}")
    for nome, password in importato.password.items():
        click.echo(f"operatore {nome}: password {password} (mostrata solo ora)")
    for column, count in sorted(tabelle.lasciate.items()):
        click.echo(f"non portato: {column} ({count} righe)", err=True)
    if is_trial:
        click.echo("prova: non è stato scritto nulla")
