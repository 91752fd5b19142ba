"""The command `pontepa`.

Exit codes: 0 done, 1 refused or failed with a sentence on stderr, 2 wrong usage.
"""

from __future__ import annotations

import os

import click

from hub.cli_archivio import prova_archivio
from hub.cli_avviso import prova_avviso
from hub.cli_carica import carica
from hub.cli_common import Commands, Refusal, Settings, json_option, pass_settings, print_json
from hub.cli_config import config_group, ente_group, tipo_group
from hub.cli_credenziale import credenziale_group
from hub.cli_demo import demo
from hub.cli_doctor import doctor
from hub.cli_export import export_group
from hub.cli_flusso import flusso_group
from hub.cli_operatore import operatore_group
from hub.cli_outbox import outbox_group
from hub.cli_psp import sportello
from hub.cli_pulizia import archivio_group
from hub.cli_registro import annulla, list_flussi, scarica_flusso, show_flusso
from hub.cli_rendicontazione import rendicontazione_group
from hub.cli_ricevuta import ricevuta_group
from hub.cli_tassonomia import tassonomia_group
from hub.cli_tentativo import tentativo_group
from hub.config import load_config
from hub.formats.resources import resource
from hub.store import migrate


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"], "show_default": True})
@click.option("--config", "path", envvar="PONTEPA_CONFIG", type=click.Path(dir_okay=False),
              help="File TOML con le impostazioni; le variabili PONTEPA_* prevalgono.")  # fmt: skip
@click.version_option(package_name="pontepa", message="%(version)s")
@click.pass_context
def main(context: click.Context, path: str | None) -> None:
    """PontePA: il ponte fra i gestionali dei comuni e pagoPA."""
    context.obj = Settings(path)


_HOST = click.option("--host", help="Indirizzo su cui ascoltare (PONTEPA_HOST).")
_PORT = click.option("--port", type=click.IntRange(0, 65535), help="Porta su cui ascoltare (PONTEPA_PORT).")


@main.command()
@_HOST
@_PORT
@pass_settings
def serve(settings: Settings, host: str | None, port: int | None) -> None:
    """Avvia il server HTTP: servizi SOAP, pagine, stato di salute."""
    # Here and below: the assembly brings in every door and adapter, which the other commands do without.
    from hub import app

    if settings.path is not None:
        # The server's own processes read the settings again, from the environment they inherit.
        os.environ["PONTEPA_CONFIG"] = settings.path
    if host is not None:
        os.environ["PONTEPA_HOST"] = host
    app.serve(settings.changed(host=host, port=port))


@main.command()
@pass_settings
def worker(settings: Settings) -> None:
    """Avvia il processo che spedisce, importa e recupera; se ne possono avviare quanti si vuole."""
    from hub import app

    if settings.path is not None:
        os.environ["PONTEPA_CONFIG"] = settings.path
    app.run_worker(settings.config)


@main.command()
@_HOST
@click.option("--port", type=click.IntRange(0, 65535), default=8081)
@click.option("--hub", "hub_url", default="http://127.0.0.1:8080", help="Indirizzo dell'hub a cui mandare le ricevute.")
@click.option("--hub-nodo", "hub_node_url", default="", show_default=False,
              help="Indirizzo su cui l'hub risponde al nodo, se è un altro (PONTEPA_NODE_PORT).")  # fmt: skip
@click.option("--public-url", default="", show_default=False,
              help="Indirizzo dato ai browser; senza, quello su cui ascolta.")  # fmt: skip
@click.option("--seed", type=int, help="Rende ripetibili i guasti casuali.")
@click.option("--fault", "faults", multiple=True, metavar="OPERAZIONE:GUASTO[=CODICE][,NOME=VALORE]",
              help="Un guasto; anche più volte. Esempio: nodoInviaCarrelloRPT:lost_after,probability=0.3")  # fmt: skip
@pass_settings
def simulator(
    settings: Settings, host: str | None, port: int, hub_url: str, hub_node_url: str, public_url: str,
    seed: int | None, faults: tuple[str, ...],
) -> None:  # fmt: skip
    """Avvia il nodo pagoPA simulato, con la pagina del pagatore e i guasti a comando."""
    from hub import app

    # Not a part of an installation: it signs nothing, so it needs no key.
    env = {**os.environ, "PONTEPA_AMBIENTE": "sviluppo"} | ({"PONTEPA_HOST": host} if host else {})
    config = load_config(settings.path, env)
    try:
        app.run_simulator(
            config, port=port, hub_url=hub_url, hub_node_url=hub_node_url, public_url=public_url, seed=seed,
            faults=faults,
        )  # fmt: skip
    except ValueError as error:
        raise Refusal(str(error)) from error


@main.group("db")
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


ente_group.add_command(prova_archivio)
ente_group.add_command(prova_avviso)
for command in (carica, list_flussi, show_flusso, scarica_flusso, annulla):
    flusso_group.add_command(command)
_GROUPS = (
    demo, config_group, ente_group, tipo_group, credenziale_group, flusso_group, export_group, outbox_group,
    operatore_group, tassonomia_group, archivio_group, sportello, doctor,
    ricevuta_group, rendicontazione_group, tentativo_group,
)  # fmt: skip
for command in _GROUPS:
    main.add_command(command)


if __name__ == "__main__":
    main()
