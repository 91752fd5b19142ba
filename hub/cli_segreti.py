"""The command on the sealed secrets, for when PONTEPA_SECRET_KEY changes."""

from __future__ import annotations

from dataclasses import asdict

import click

from hub.cli_common import Refusal, Settings, json_option, pass_settings, print_json
from hub.formats.segreti import Cassaforte
from hub.usecases.richiudi_segreti import richiudi_segreti


@click.group("segreti")
def segreti_group() -> None:
    """Password e chiavi che stanno cifrate nel database."""


@segreti_group.command("reseal")
@click.option("--check", is_flag=True, help="Conta soltanto; finisce con 1 se ce n'è ancora con un'altra chiave.")
@json_option
@pass_settings
def reseal(settings: Settings, check: bool, as_json: bool) -> None:
    """Cifra di nuovo, con la prima PONTEPA_SECRET_KEY, ciò che è cifrato con le altre; a hub acceso.

    Interrotto, si ripete e va avanti.
    """

    def told(done: int, total: int) -> None:
        if not as_json:
            click.echo(f"{done} di {total}", err=True)

    with settings.database() as db:
        found = richiudi_segreti(db, Cassaforte(settings.config.secret_key), told, is_trial=check)
    if as_json:
        print_json(asdict(found))
    else:
        verb = "da cifrare di nuovo" if check else "cifrati di nuovo"
        click.echo(f"con la prima chiave: {found.attuali}; {verb}: {found.altre if check else found.richiusi}")
    if found.illeggibili:
        raise Refusal("nessuna chiave di PONTEPA_SECRET_KEY apre:\n" + "\n".join(found.illeggibili))
    if check and found.altre:
        raise Refusal("le altre chiavi servono ancora: pontepa segreti reseal")
