"""Commands on the operators of the console."""

from __future__ import annotations

import click

from hub.cli_common import Settings, json_option, pass_settings, print_table, utc_now
from hub.store import operatori
from hub.usecases.change_credenziale import draw_password
from hub.usecases.operatori import PASSWORD_MIN, add_operatore, revoke_operatore

_COLUMNS = {"nome": "nome", "ente": "ente", "created_at": "dal"}


@click.group("operatore")
def operatore_group() -> None:
    """Chi può aprire la console."""


@operatore_group.command("add")
@click.argument("nome")
@click.option("--ente", "cod_ipa_ente", metavar="CODIPAENTE", help="Vede solo questo ente; senza, tutti.")
@click.option("--password", help=f"Almeno {PASSWORD_MIN} caratteri; senza, ne viene generata una e mostrata una volta.")
@pass_settings
def operatore_add(settings: Settings, nome: str, cod_ipa_ente: str | None, password: str | None) -> None:
    """Aggiunge l'operatore NOME."""
    clear = password or draw_password()
    with settings.database() as db:
        add_operatore(db, nome, clear, cod_ipa_ente, utc_now())
    click.echo(f"operatore {nome} aggiunto" + ("" if password else f"; password: {clear}"))


@operatore_group.command("list")
@json_option
@pass_settings
def operatore_list(settings: Settings, as_json: bool) -> None:
    """Elenca gli operatori."""
    with settings.database() as db, db.reading() as session:
        rows = [
            {"nome": row.nome, "ente": row.cod_ipa_ente, "created_at": row.created_at}
            for row in operatori.all_rows(session)
        ]
    print_table(_COLUMNS, rows, as_json)


@operatore_group.command("revoke")
@click.argument("nome")
@pass_settings
def operatore_revoke(settings: Settings, nome: str) -> None:
    """Chiude subito la console all'operatore NOME."""
    with settings.database() as db:
        revoke_operatore(db, nome, utc_now())
    click.echo(f"operatore {nome} revocato")
