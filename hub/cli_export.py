"""What an operator of the machine does with booked exports: list, look, download."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path

import click

from hub.cli_common import (
    Refusal,
    Settings,
    json_option,
    pass_settings,
    print_table,
    print_values,
    save_from_archive,
)
from hub.domain.delivery import Outcome
from hub.domain.stati import StatoExport
from hub.formats.istanti import giorno_di, inizio_di
from hub.formats.segreti import Cassaforte
from hub.store import enti, registro
from hub.usecases.consegna_export import prova_recapito

_COLUMNS = {
    "created_at": "prenotato", "cod_ipa_ente": "ente", "genere": "genere", "versione": "versione", "tipi": "tipi",
    "stato": "stato", "righe": "righe", "consegna": "consegna", "request_token": "requestToken",
}  # fmt: skip
_DETAILS = (
    "request_token", "cod_ipa_ente", "applicazione", "genere", "versione", "tipi", "ente_secondario", "ricevuta",
    "incrementale", "giorno_da", "giorno_a", "istante_da", "istante_a", "data_scadenza", "stato", "codice_errore",
    "righe", "file", "created_at", "eseguibile_at", "started_at", "finished_at",
    "consegna",
)  # fmt: skip
_DAY = click.DateTime(["%Y-%m-%d"])


@click.group("export")
def export_group() -> None:
    """Gli export prenotati e i loro file."""


@export_group.command("list")
@click.option("--ente", metavar="CODIPAENTE", help="Solo quelli di un ente.")
@click.option("--dal", type=_DAY, help="Prenotati da questo giorno.")
@click.option("--al", type=_DAY, help="Prenotati fino a questo giorno, compreso.")
@click.option("--stato", type=click.Choice([str(stato) for stato in StatoExport]))
@click.option("--limit", type=click.IntRange(1, 10_000), default=100, show_default=True)
@json_option
@pass_settings
def export_list(
    settings: Settings, ente: str | None, dal: datetime | None, al: datetime | None, stato: str | None, limit: int,
    as_json: bool,
) -> None:  # fmt: skip
    """Elenca gli export prenotati, dal più recente."""
    with settings.database() as db, db.reading() as session:
        ente_id = None if ente is None else enti.by_cod_ipa(session, ente).id
        start = None if dal is None else inizio_di(dal.date())
        end = None if al is None else inizio_di(al.date() + timedelta(days=1))
        found = [row._asdict() for row in registro.list_exports(session, ente_id, start, end, stato, limit)]
    print_table(_COLUMNS, [{key: values[key] for key in _DETAILS} for values in found], as_json)


@export_group.command("show")
@click.argument("request_token")
@json_option
@pass_settings
def export_show(settings: Settings, request_token: str, as_json: bool) -> None:
    """Mostra un export: che cosa è stato chiesto, come sta, dov'è il file."""
    with settings.database() as db, db.reading() as session:
        values = registro.export_named(session, request_token)._asdict()
    print_values({key: values[key] for key in _DETAILS}, as_json)


@export_group.command("scarica")
@click.argument("request_token")
@click.option("--in", "folder", type=click.Path(exists=True, file_okay=False, path_type=Path), default=".",
              show_default=True, help="La cartella in cui scrivere.")  # fmt: skip
@pass_settings
def export_scarica(settings: Settings, request_token: str, folder: Path) -> None:
    """Scarica il file di un export eseguito."""
    with settings.database() as db, db.reading() as session:
        row = registro.export_named(session, request_token)
    if row.stato == StatoExport.EXPORT_CANCELLATO:
        raise Refusal(
            f"il file dell'export {request_token} è stato tolto il {giorno_di(row.updated_at):%d/%m/%Y}: era finito il "
            "tempo di conservazione (PONTEPA_CONSERVA_EXPORT_GIORNI); prenotarne un altro"
        )
    if row.file is None or row.stato != StatoExport.EXPORT_ESEGUITO:
        raise Refusal(f"l'export {request_token} è in stato {row.codice_errore or row.stato}: non c'è un file")
    save_from_archive(settings, [row.file], folder)


@export_group.command("prova")
@click.argument("cod_ipa_ente", metavar="CODIPAENTE")
@pass_settings
def export_prova(settings: Settings, cod_ipa_ente: str) -> None:
    """Prova a entrare dove si lasciano gli export di un ente (SFTP); non scrive nulla."""
    from hub import app_uscite

    config = settings.config
    with settings.database() as db:
        found = prova_recapito(db, app_uscite.build_recapiti(config), Cassaforte(config.secret_key), cod_ipa_ente)
    # The name that was looked for is nobody's: what is wanted is that it is not there.
    if (found.outcome, found.code) != (Outcome.TRY_AGAIN, "ASSENTE"):
        raise Refusal(f"non si possono lasciare file ({found.code}): {found.detail}")
    click.echo(f"il server SFTP dell'ente {cod_ipa_ente} ha la chiave attesa e lascia entrare")
