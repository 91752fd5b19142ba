"""The commands on the database itself."""

from __future__ import annotations

from dataclasses import asdict

import click

from hub.cli_common import Refusal, Settings, json_option, pass_settings, print_json, print_table, utc_now
from hub.formats.resources import resource
from hub.store import migrate
from hub.store.segni import Segni
from hub.usecases.dopo_ripristino import dopo_ripristino

# More than an ente's largest flows of ten days; all the numbers of an ente are ten thousand times as many.
_GAP = 10_000_000
_CONTATORI = {
    "codice_fiscale": "codice fiscale", "segregazione": "segregazione", "prima": "prossimo numero", "dopo": "e ora",
}  # fmt: skip


@click.group("db")
def db_group() -> None:
    """Il database e le sue migrazioni."""


@db_group.command("upgrade")
@pass_settings
def db_upgrade(settings: Settings) -> None:
    """Porta il database all'ultima versione; non fa nulla se c'è già."""
    settings.prepare_sqlite_folder()
    with settings.database() as db:
        before = migrate.current(db)
        migrate.upgrade(db, resource("migrations"))
        after = migrate.current(db)
    click.echo(f"database già alla versione {after}" if before == after else f"database alla versione {after}")


@db_group.command("current")
@json_option
@pass_settings
def db_current(settings: Settings, as_json: bool) -> None:
    """Mostra a che versione è il database."""
    with settings.database() as db:
        found, wanted = migrate.current(db), migrate.head(resource("migrations"))
    if as_json:
        print_json({"current": found, "head": wanted, "is_current": found == wanted})
    else:
        click.echo(f"{found or 'nessuna'} (ultima: {wanted})")


@db_group.command("check")
@pass_settings
def db_check(settings: Settings) -> None:
    """Controlla che il database risponda e abbia proprio le tabelle di questa versione."""
    with settings.database() as db:
        current, wanted = migrate.current(db), migrate.head(resource("migrations"))
        if current != wanted:
            raise Refusal(f"database alla versione {current or 'nessuna'}, serve la {wanted}: pontepa db upgrade")
        found = migrate.differences(db)
    if found:
        raise Refusal("il database non ha le tabelle attese:\n" + "\n".join(found))
    click.echo("database in ordine")


@db_group.command("restored")
@click.option("--gap", type=click.IntRange(1, 50_000_000_000), default=_GAP,
              help="Quanti numeri di IUV saltare oltre a quelli di cui si sa.")  # fmt: skip
@json_option
@pass_settings
def db_restored(settings: Settings, gap: int, as_json: bool) -> None:
    """Dopo aver ripristinato il database da una copia: porta avanti i contatori degli IUV, a hub fermo.

    Nessun numero uscito dopo la copia esce di nuovo; i messaggi in attesa si chiedono prima di partire.
    """
    from hub import app_flussi

    config = settings.config
    archivio = app_flussi.build_archivio_file(config)
    with settings.database() as db:
        if migrate.current(db) != migrate.head(resource("migrations")):
            raise Refusal("il database non è aggiornato: eseguire prima `pontepa db upgrade`")
        done = dopo_ripristino(db, archivio, Segni(config.data_dir), gap, utc_now())
    if as_json:
        print_json(asdict(done))
        return
    print_table(_CONTATORI, [asdict(one) for one in done.contatori], False)
    click.echo(f"i contatori nuovi cominciano da {done.primo}")
    click.echo(f"messaggi da chiedere prima di farli partire: {done.messaggi}; flussi a metà: {done.flussi}")
    click.echo("pulizia dell'archivio sospesa: quando si è guardato che cosa toglierebbe (`pontepa archivio check`), "
               "`pontepa archivio resume`")  # fmt: skip
    click.echo(f"flussi caricati dopo la copia, da caricare di nuovo: {len(done.file)}")
    for path in done.file:
        click.echo(f"  {path}")
    for path in done.illeggibili:
        click.echo(f"non si legge, guardarlo a mano: {path}", err=True)
