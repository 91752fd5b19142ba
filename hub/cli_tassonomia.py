"""What an operator does with the taxonomy: list, look up, fetch, see which tipi need another code."""

from __future__ import annotations

from dataclasses import asdict
from datetime import datetime, timedelta
from pathlib import Path

import click

from hub.cli_common import Refusal, Settings, json_option, pass_settings, print_table, print_values, utc_now
from hub.domain.prelievo import EsitoPrelievo, Prelievo
from hub.formats.istanti import giorno_di
from hub.store import tassonomia as store
from hub.usecases import aggiorna_tassonomia
from hub.usecases.aggiorna_tassonomia import Aggiornamento
from hub.usecases.avvisi_tassonomia import active_avvisi
from hub.usecases.tassonomia_vigente import tassonomia_vigente

_COLUMNS = {
    "codice": "codice", "valido_dal": "dal", "valido_al": "al", "tipo_ente": "tipo ente", "servizio": "servizio",
}  # fmt: skip
_AVVISI = {
    "cod_ipa_ente": "ente", "tipo": "tipo", "tassonomia": "tassonomia", "vigore": "stato", "valido_al": "fino al",
    "servizio": "servizio",
}  # fmt: skip
# As the largest answer of the network.
_FILE_MAX_BYTES = 8 * 1024 * 1024


@click.group("tassonomia")
def tassonomia_group() -> None:
    """I codici della tassonomia pagoPA."""


@tassonomia_group.command("list")
@click.option("--cerca", metavar="TESTO", default="", show_default=False,
              help="Solo i codici che contengono questo testo, nel codice o nei nomi.")  # fmt: skip
@click.option("--tipo-ente", metavar="NN", help="Solo quelli di un tipo di ente creditore, per esempio 01.")
@click.option("--il", type=click.DateTime(["%Y-%m-%d"]), help="Solo quelli validi quel giorno.")
@json_option
@pass_settings
def tassonomia_list(
    settings: Settings, cerca: str, tipo_ente: str | None, il: datetime | None, as_json: bool
) -> None:
    """Elenca i codici della tabella che vale ora."""
    with settings.database() as db, db.reading() as session:
        tassonomia = tassonomia_vigente(session)
    rows = [
        asdict(voce)
        for voce in tassonomia
        if cerca.casefold() in f"{voce.codice} {voce.tipo_ente} {voce.macro_area} {voce.servizio}".casefold()
        and tipo_ente in (None, voce.creditore)
        and (il is None or voce.is_in_force(il.date()))
    ]
    print_table(_COLUMNS, rows, as_json)


@tassonomia_group.command("show")
@click.argument("codice")
@json_option
@pass_settings
def tassonomia_show(settings: Settings, codice: str, as_json: bool) -> None:
    """Mostra il codice con cui comincia CODICE, per esempio 9/0101101IM/, e se oggi vale."""
    with settings.database() as db, db.reading() as session:
        tassonomia = tassonomia_vigente(session)
    voce = tassonomia.find_start(codice)
    if voce is None:
        raise Refusal(f"{codice} non comincia per un codice della tassonomia (versione {tassonomia.versione})")
    preavviso = timedelta(days=settings.config.tassonomia_preavviso_giorni)
    print_values({**asdict(voce), "oggi": tassonomia.vigore(codice, giorno_di(utc_now()), preavviso)}, as_json)


@tassonomia_group.command("aggiorna")
@click.option("--file", "file", type=click.Path(exists=True, dir_okay=False, path_type=Path),
              help="La tabella di pagoPA (CSV o JSON) da un file, dove la rete non c'è.")  # fmt: skip
@json_option
@pass_settings
def tassonomia_aggiorna(settings: Settings, file: Path | None, as_json: bool) -> None:
    """Chiede subito la tabella a pagoPA.

    Una tabella rotta, più vecchia o incompleta è rifiutata, e resta quella che c'è.
    """
    fatto = _ask(settings) if file is None else _take(settings, file)
    if fatto.esito == EsitoPrelievo.NON_RIUSCITO:
        raise Refusal(f"{fatto.motivo}; resta la versione {fatto.versione}, {fatto.codici} codici")
    scartate = [f"riga {number}: {why}" for number, why in fatto.scartate]
    values = {**asdict(fatto), "motivo": None, "scartate": scartate if as_json else len(scartate)}
    print_values(values, as_json)
    if not as_json:
        for line in scartate:
            click.echo(f"non caricata, {line}", err=True)


def _ask(settings: Settings) -> Aggiornamento:
    from hub import app_uscite

    with settings.database() as db:
        return aggiorna_tassonomia.aggiorna(db, app_uscite.build_fonte_tassonomia(settings.config), utc_now())


def _take(settings: Settings, file: Path) -> Aggiornamento:
    with file.open("rb") as stream:
        corpo = stream.read(_FILE_MAX_BYTES + 1)
    if len(corpo) > _FILE_MAX_BYTES:
        raise Refusal(f"{file} è troppo grande per essere la tassonomia")
    with settings.database() as db:
        return aggiorna_tassonomia.carica(db, Prelievo(EsitoPrelievo.NUOVO, corpo), utc_now())


@tassonomia_group.command("avvisi")
@click.option("--giorni", type=click.IntRange(0, 3660), show_default=False,
              help="Anche i codici che scadono entro questi giorni.")  # fmt: skip
@json_option
@pass_settings
def tassonomia_avvisi(settings: Settings, giorni: int | None, as_json: bool) -> None:
    """Elenca i tipi attivi con un codice scaduto, in scadenza, non ancora valido o sconosciuto."""
    preavviso = timedelta(days=settings.config.tassonomia_preavviso_giorni if giorni is None else giorni)
    with settings.database() as db, db.reading() as session:
        found = active_avvisi(session, tassonomia_vigente(session), giorno_di(utc_now()), preavviso)
        errore = store.stato(session).errore
    print_table(_AVVISI, [asdict(avviso) for avviso in found], as_json)
    if errore:
        click.echo(f"l'ultimo aggiornamento della tassonomia non è riuscito: {errore}", err=True)
