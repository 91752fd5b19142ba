"""The commands on the database itself."""

from __future__ import annotations

import click

from hub.cli_common import Refusal, Settings, json_option, pass_settings, print_json
from hub.formats.resources import resource
from hub.store import migrate


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
