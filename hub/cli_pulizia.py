"""The command on the archive of files: what would be removed, what is missing."""

from __future__ import annotations

from datetime import timedelta

import click

from hub.cli_common import Refusal, Settings, json_option, pass_settings, print_json, print_table, utc_now
from hub.domain.pulizia import Conservazione, Rimovibile
from hub.store import pulizie_archivio
from hub.usecases.check_archivio import missing
from hub.usecases.sweep_archivio import expired, removable

_REMOVABLE = {"motivo": "motivo", "size_bytes": "byte", "giorni": "giorni", "path": "file"}
_MISSING = {"registro": "registro", "request_token": "requestToken", "path": "file"}


@click.group("archivio")
def archivio_group() -> None:
    """I file ricevuti e prodotti."""


@archivio_group.command("check")
@json_option
@pass_settings
def check(settings: Settings, as_json: bool) -> None:
    """Elenca i file che la pulizia toglierebbe e quelli che mancano; non toglie nulla. Esce con 1 se ne mancano."""
    from hub import app_flussi

    config = settings.config
    archivio = app_flussi.build_archivio_file(config)
    conservazione = Conservazione.of_giorni(config.conserva_export_giorni, config.conserva_flussi_giorni)
    with settings.database() as db:
        with db.reading() as session:
            sospesa_at = pulizie_archivio.sospesa_at(session)
        goes = list(expired(db, archivio, conservazione, utc_now()))
        goes += [file for page in removable(db, archivio) for file in page]
        lost = [
            {"registro": one.registro, "request_token": one.request_token, "path": one.path}
            for one in missing(db, archivio)
        ]
    if as_json:
        suspended = {} if sospesa_at is None else {"sospesa_at": sospesa_at.isoformat()}
        print_json({"da_togliere": [_row(file) for file in goes], "mancanti": lost} | suspended)
    else:
        if sospesa_at is not None:
            click.echo(f"la pulizia è sospesa dal {sospesa_at:%Y-%m-%d %H:%M} UTC: pontepa archivio resume")
        click.echo(f"da togliere: {len(goes)} file, {sum(file.size_bytes for file in goes)} byte")
        if goes:
            print_table(_REMOVABLE, [_row(file) for file in goes], False)
        click.echo(f"mancanti: {len(lost)} file")
        if lost:
            print_table(_MISSING, lost, False)
    if lost:
        raise Refusal(f"mancano dall'archivio {len(lost)} file che il registro nomina: è l'archivio giusto?")


@archivio_group.command("resume")
@pass_settings
def resume(settings: Settings) -> None:
    """Fa riprendere la pulizia, sospesa da `pontepa db restored`: prima guardare che cosa dice `archivio check`."""
    with settings.database() as db, db.transaction() as session:
        was_suspended = pulizie_archivio.resume(session)
    click.echo("la pulizia riprende entro un'ora" if was_suspended else "la pulizia non era sospesa")


def _row(file: Rimovibile) -> dict[str, str | int | None]:
    giorni = None if file.eta is None else file.eta // timedelta(days=1)
    return {"motivo": str(file.motivo), "path": file.path, "size_bytes": file.size_bytes, "giorni": giorni}
