"""The command `pontepa`.

Exit codes: 0 done, 1 refused or failed with a sentence on stderr, 2 wrong usage.
"""

from __future__ import annotations

import os

import click

from hub.cli_common import Commands, Refusal, Settings, pass_settings
from hub.config_reading import load_config

# Where each command is, by its words: it is loaded when it is asked for. All together they take a second.
_COMMANDS = {
    "archivio": "cli_pulizia:archivio_group",
    "config": "cli_config:config_group",
    "config import": "cli_importa:importa",
    "conformance": "cli_conformance:conformance",
    "credenziale": "cli_credenziale:credenziale_group",
    "db": "cli_db:db_group",
    "demo": "cli_demo:demo",
    "doctor": "cli_doctor:doctor",
    "ente": "cli_config:ente_group",
    "ente posizioni": "cli_posizioni:posizioni",
    "ente prova-archivio": "cli_archivio:prova_archivio",
    "ente prova-avviso": "cli_avviso:prova_avviso",
    "export": "cli_export:export_group",
    "flusso": "cli_flusso:flusso_group",
    "flusso annulla": "cli_registro:annulla",
    "flusso carica": "cli_carica:carica",
    "flusso list": "cli_registro:list_flussi",
    "flusso scarica": "cli_registro:scarica_flusso",
    "flusso show": "cli_registro:show_flusso",
    "giornale": "cli_giornale:giornale_group",
    "init": "cli_init:init",
    "operatore": "cli_operatore:operatore_group",
    "outbox": "cli_outbox:outbox_group",
    "rendicontazione": "cli_rendicontazione:rendicontazione_group",
    "ricevuta": "cli_ricevuta:ricevuta_group",
    "segreti": "cli_segreti:segreti_group",
    "sportello": "cli_psp:sportello",
    "tassonomia": "cli_tassonomia:tassonomia_group",
    "tentativo": "cli_tentativo:tentativo_group",
    "tipo": "cli_config:tipo_group",
    "verify": "cli_verify:verify",
}


@click.group(cls=Commands, elsewhere=_COMMANDS,
             context_settings={"help_option_names": ["-h", "--help"], "show_default": True})  # fmt: skip
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


if __name__ == "__main__":
    main()
