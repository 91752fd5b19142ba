"""The command on notices that the platform does not have as they are here."""

from __future__ import annotations

import click

from hub.cli_common import Settings, json_option, pass_settings, print_table
from hub.store import enti, posizioni_pubblicate

_COLUMNS = {
    "cod_ipa_ente": "ente", "iuv": "iuv", "stato": "stato", "motivo": "motivo", "updated_at": "dal",
}  # fmt: skip


@click.command("posizioni")
@click.option("--ente", "cod_ipa_ente", metavar="CODIPAENTE", help="Solo quelle di un ente.")
@click.option("--limit", type=click.IntRange(1, 10_000), default=100, show_default=True)
@json_option
@pass_settings
def posizioni(settings: Settings, cod_ipa_ente: str | None, limit: int, as_json: bool) -> None:
    """Elenca gli avvisi che la piattaforma (ACA) non ha come sono qui: rifiutati da lei, o che non può dire."""
    with settings.database() as db, db.reading() as session:
        ente_id = None if cod_ipa_ente is None else enti.by_cod_ipa(session, cod_ipa_ente).id
        rows = posizioni_pubblicate.not_there(session, ente_id, limit)
    print_table(_COLUMNS, [{name: getattr(row, name) for name in _COLUMNS} for row in rows], as_json)
