"""What an operator of the machine does with the flows that came: list, look, download, cancel."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import click
from click.termui import progressbar

from hub import log
from hub.cli_common import (
    Refusal,
    Settings,
    json_option,
    pass_settings,
    print_json,
    print_table,
    print_values,
    save_from_archive,
    system_user,
    utc_now,
)
from hub.domain.avanzamento import avanzamento_di
from hub.domain.stati import StatoFlusso, StatoImport
from hub.formats.istanti import giorno_di, inizio_di
from hub.store import enti, registro
from hub.usecases.annulla_flusso import Annullamento, annulla_flusso

_COLUMNS = {
    "received_at": "ricevuto", "cod_ipa_ente": "ente", "nome_file": "file", "stato": "stato", "stato_flusso": "flusso",
    "righe": "righe", "scartate": "scartate", "percento": "%", "operatore": "caricato da",
    "request_token": "requestToken",
}  # fmt: skip
_DETAILS = (
    "request_token", "cod_ipa_ente", "applicazione", "operatore", "nome_file", "stato", "codice_errore", "stato_flusso",
    "size_bytes", "sha256", "md5", "righe", "caricate", "scartate", "percento", "righe_al_secondo", "rimasti_s",
    "created_at", "received_at", "started_at", "finished_at", "file", "file_scarti", "file_iuv", "file_avvisi",
    "file_rimossi_at", "annullato_da", "annullato_at", "dovuti_annullati", "dovuti_pagati", "dovuti_in_pagamento",
)  # fmt: skip
_STATI = [str(stato) for stato in (*StatoImport, *StatoFlusso) if stato != StatoImport.AUTORIZZATO]
_DAY = click.DateTime(["%Y-%m-%d"])


@click.command("list")
@click.option("--ente", metavar="CODIPAENTE", help="Solo quelli di un ente.")
@click.option("--dal", type=_DAY, help="Ricevuti da questo giorno.")
@click.option("--al", type=_DAY, help="Ricevuti fino a questo giorno, compreso.")
@click.option("--stato", type=click.Choice(_STATI), help="Dell'import o del flusso.")
@click.option("--limit", type=click.IntRange(1, 10_000), default=100, show_default=True)
@json_option
@pass_settings
def list_flussi(
    settings: Settings, ente: str | None, dal: datetime | None, al: datetime | None, stato: str | None, limit: int,
    as_json: bool,
) -> None:  # fmt: skip
    """Elenca i flussi ricevuti, dal più recente, con il loro avanzamento."""
    now = utc_now()
    with settings.database() as db, db.reading() as session:
        ente_id = None if ente is None else enti.by_cod_ipa(session, ente).id
        start = None if dal is None else inizio_di(dal.date())
        end = None if al is None else inizio_di(al.date() + timedelta(days=1))
        found = [_values(row, now) for row in registro.list_imports(session, ente_id, start, end, stato, limit)]
    print_table(_COLUMNS, [{key: values[key] for key in _DETAILS} for values in found], as_json)


@click.command("show")
@click.argument("flusso", metavar="REQUEST_TOKEN|NOME")
@json_option
@pass_settings
def show_flusso(settings: Settings, flusso: str, as_json: bool) -> None:
    """Mostra un flusso: stato, righe, avanzamento, codici, file."""
    with settings.database() as db, db.reading() as session:
        values = _values(registro.import_named(session, flusso), utc_now())
    print_values({key: values[key] for key in _DETAILS}, as_json)


@click.command("scarica")
@click.argument("flusso", metavar="REQUEST_TOKEN|NOME")
@click.option("--scarti", is_flag=True, help="Le righe scartate, con codici e motivi.")
@click.option("--iuv", is_flag=True, help="Le righe accettate, con gli IUV.")
@click.option("--avvisi", is_flag=True, help="Gli avvisi di pagamento in PDF.")
@click.option("--originale", is_flag=True, help="Il file ricevuto.")
@click.option("--in", "folder", type=click.Path(exists=True, file_okay=False, path_type=Path), default=".",
              show_default=True, help="La cartella in cui scrivere.")  # fmt: skip
@pass_settings
def scarica_flusso(
    settings: Settings, flusso: str, scarti: bool, iuv: bool, avvisi: bool, originale: bool, folder: Path
) -> None:
    """Scarica i file di un flusso; senza dire quali, tutti i risultati che ci sono."""
    with settings.database() as db, db.reading() as session:
        row = registro.import_named(session, flusso)
    asked = {"file_scarti": scarti, "file_iuv": iuv, "file_avvisi": avvisi, "file": originale}
    is_any = any(asked.values())
    wanted = [name for name, is_asked in asked.items() if is_asked or (not is_any and name != "file")]
    paths = [getattr(row, name) for name in wanted]
    if row.file_rimossi_at is not None:
        raise Refusal(
            f"i file del flusso {row.nome_file} sono stati tolti il {giorno_di(row.file_rimossi_at):%d/%m/%Y}: era "
            "finito il tempo di conservazione (PONTEPA_CONSERVA_FLUSSI_GIORNI)"
        )
    if is_any and None in paths:
        missing = ", ".join(name.removeprefix("file_") for name in wanted if getattr(row, name) is None)
        raise Refusal(f"il flusso {row.nome_file or flusso} ({row.codice_errore or row.stato}) non ha: {missing}")
    if not any(paths):
        raise Refusal(f"il flusso {row.nome_file or flusso} ({row.codice_errore or row.stato}) non ha risultati")
    save_from_archive(settings, [path for path in paths if path], folder)


@click.command("annulla")
@click.argument("flusso", metavar="REQUEST_TOKEN|NOME")
@click.option("--si", is_flag=True, help="Non chiede conferma.")
@json_option
@pass_settings
def annulla(settings: Settings, flusso: str, si: bool, as_json: bool) -> None:
    """Annulla un flusso caricato: ogni suo dovuto ancora da pagare. Interrotto, si ripete e finisce il lavoro."""
    log.configure(settings.config)
    with settings.database() as db:
        with db.reading() as session:
            row = registro.import_named(session, flusso)
        if not si:
            question = f"annullare i dovuti ancora da pagare di {row.nome_file} ({row.righe_caricate or 0} righe)?"
            if not click.confirm(question, err=True):
                raise Refusal("niente è stato annullato")
        conto = _follow(annulla_flusso(db, row.id, system_user(), utc_now))
    if as_json:
        print_json({"annullati": conto.annullati, "pagati": conto.pagati, "in_pagamento": conto.in_pagamento})
        return
    click.echo(
        f"flusso {row.nome_file} annullato: dovuti annullati {conto.annullati}, lasciati {conto.pagati} pagati e "
        f"{conto.in_pagamento} in pagamento"
    )


def _follow(said: Iterator[Annullamento]) -> Annullamento:
    """Show on stderr how far a cancellation is until it is over; return its end."""
    conto = next(said)
    with progressbar(length=max(conto.righe_totali, 1), label="righe", file=sys.stderr) as bar:
        bar.update(conto.righe)
        for later in said:
            bar.update(later.righe - conto.righe)
            conto = later
    return conto


def _values(row: Any, now: datetime) -> dict[str, Any]:
    """A row with how far it is: the rate and the time left only while it is worked on."""
    fatto = avanzamento_di(row, now)
    is_worked_on = row.stato == StatoImport.IMPORT_IN_ELAB
    return row._asdict() | {
        "righe": row.righe_totali,
        "caricate": row.righe_caricate,
        "scartate": None if row.righe_totali is None else fatto.scartate,
        "percento": fatto.percento,
        "righe_al_secondo": fatto.righe_al_secondo if row.righe_totali else None,
        "rimasti_s": fatto.rimasti_s if is_worked_on else None,
    }
