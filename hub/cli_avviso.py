"""The command that prints a notice of nobody, to see what an ente's notices look like."""

from __future__ import annotations

from pathlib import Path

import click

from hub.cli_common import Settings, pass_settings, utc_now


@click.command("prova-avviso")
@click.argument("cod_ipa_ente", metavar="CODIPAENTE")
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
@click.option("--tipo", default="", show_default=False, help="Il tipo dovuto; senza, il primo che ha un avviso.")
@pass_settings
def prova_avviso(settings: Settings, cod_ipa_ente: str, file: Path, tipo: str) -> None:
    """Scrive in FILE il PDF di un avviso di prova dell'ente, con il suo modello se ne ha uno; nulla è da pagare."""
    # Compiler and fonts take longer to load than most commands take to run.
    from hub.usecases.prova_avviso import prova_avviso as stampa

    with settings.database() as db:
        pdf = stampa(db, cod_ipa_ente, tipo, settings.config.modelli_dir, utc_now())
    file.write_bytes(pdf)
    click.echo(f"avviso di prova scritto in {file}")
