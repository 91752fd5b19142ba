"""Commands on the configuration: config, ente, tipo."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict
from datetime import timedelta
from pathlib import Path
from typing import Any

import click

from hub.cli_common import Elsewhere, Settings, json_option, pass_settings, print_json, print_table, utc_now
from hub.domain.configurazione import (
    MODALITA,
    Configurazione,
    ConfigurazioneNonValida,
    Differenza,
    Tipo,
    insecure_addresses,
)
from hub.domain.stati import StatoEnte
from hub.formats.configurazione import (
    SIZE_MAX_BYTES,
    read_configurazione,
    read_ente,
    read_tipo,
    render_configurazione,
)
from hub.formats.istanti import giorno_di
from hub.formats.segreti import Cassaforte
from hub.store import enti, tipi
from hub.store.database import Database
from hub.usecases import add_ente, apply_config, change_credenziale
from hub.usecases.avvisi_tassonomia import tipi_avvisi
from hub.usecases.export_config import export_config, export_ente
from hub.usecases.tassonomia_vigente import tassonomia_vigente


@click.group("config", cls=Elsewhere)
def config_group() -> None:
    """Tutta la configurazione in un file."""


@config_group.command("export")
@click.argument("file", required=False, type=click.Path(dir_okay=False, path_type=Path))
@json_option
@pass_settings
def config_export(settings: Settings, file: Path | None, as_json: bool) -> None:
    """Scrive la configurazione in FILE, o a video; i segreti sono "***"."""
    with settings.database() as db:
        values = export_config(db, utc_now())
    if as_json:
        print_json(values)
    elif file is None:
        click.echo(render_configurazione(values), nl=False)
    else:
        file.write_text(render_configurazione(values), encoding="utf-8")
        click.echo(f"configurazione scritta in {file}")


def _read(settings: Settings, file: Path) -> Configurazione:
    with file.open("rb") as stream:
        configurazione = read_configurazione(stream.read(SIZE_MAX_BYTES + 1), file.parent)
    if settings.config.is_produzione and (problems := insecure_addresses(configurazione)):
        raise ConfigurazioneNonValida(problems)
    return configurazione


def _print_differences(found: Sequence[Differenza], nothing: str, as_json: bool) -> None:
    if as_json:
        print_json([asdict(difference) for difference in found])
        return
    for difference in found:
        click.echo(str(difference))
    if not any(difference.is_change for difference in found):
        click.echo(nothing)


def _warn(settings: Settings, db: Database, wanted: Iterable[tuple[str, Tipo]]) -> None:
    """Say on stderr which active tipi have a code that pagoPA does not take, or will not for long."""
    preavviso = timedelta(days=settings.config.tassonomia_preavviso_giorni)
    with db.reading() as session:
        tassonomia = tassonomia_vigente(session)
    rows = [(ente, tipo.codice, tipo.tassonomia) for ente, tipo in wanted if tipo.attivo]
    for avviso in tipi_avvisi(rows, tassonomia, giorno_di(utc_now()), preavviso):
        click.echo(f"attenzione: {avviso}", err=True)


def _tipi_of(wanted: Configurazione) -> list[tuple[str, Tipo]]:
    return [(ente.cod_ipa_ente, tipo) for ente in wanted.enti for tipo in ente.tipi or ()]


_FILE = click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))


@config_group.command("plan")
@_FILE
@json_option
@pass_settings
def config_plan(settings: Settings, file: Path, as_json: bool) -> None:
    """Mostra che cosa cambierebbe applicando FILE; non scrive nulla."""
    wanted = _read(settings, file)
    with settings.database() as db:
        found = apply_config.plan(db, wanted, Cassaforte(settings.config.secret_key), utc_now())
        _warn(settings, db, _tipi_of(wanted))
    _print_differences(found, "nessun cambiamento", as_json)


@config_group.command("apply")
@_FILE
@json_option
@pass_settings
def config_apply(settings: Settings, file: Path, as_json: bool) -> None:
    """Porta il database alla configurazione di FILE: tutta, oppure niente."""
    wanted = _read(settings, file)
    with settings.database() as db:
        found = apply_config.apply(db, wanted, Cassaforte(settings.config.secret_key), utc_now())
        _warn(settings, db, _tipi_of(wanted))
    _print_differences(found, "nessun cambiamento", as_json)


@click.group("ente", cls=Elsewhere)
def ente_group() -> None:
    """Gli enti."""


_ENTE_COLUMNS = {"codIpaEnte": "codIpaEnte", "codice_fiscale": "codice fiscale", "nome": "nome", "stato": "stato",
                 "stazione": "stazione"}  # fmt: skip


@ente_group.command("add")
@click.argument("cod_ipa_ente", metavar="CODIPAENTE")
@click.option("--codice-fiscale", required=True, help="11 cifre: è il dominio pagoPA.")
@click.option("--nome", required=True)
@click.option("--stazione", required=True, help="Una stazione già configurata.")
@click.option("--codice-segregazione", required=True, help="2 cifre.")
@click.option("--iban", required=True)
@click.option("--stato", type=click.Choice([str(stato) for stato in StatoEnte]), default="INSERITO", show_default=True)
@click.option("--url-esito", help="Dove torna il cittadino dopo il pagamento.")
@click.option("--password", help="Senza, ne viene generata una e mostrata una volta.")
@pass_settings
def ente_add(settings: Settings, cod_ipa_ente: str, password: str | None, **values: Any) -> None:
    """Aggiunge un ente."""
    clear = password or change_credenziale.draw_password()
    ente = read_ente({"codIpaEnte": cod_ipa_ente, "password": clear, **values})
    with settings.database() as db:
        add_ente.add_ente(db, ente, utc_now())
    click.echo(f"ente {ente.cod_ipa_ente} aggiunto" + ("" if password else f"; password: {clear}"))


@ente_group.command("list")
@json_option
@pass_settings
def ente_list(settings: Settings, as_json: bool) -> None:
    """Elenca gli enti."""
    with settings.database() as db, db.reading() as session:
        rows = [
            {"codIpaEnte": row.cod_ipa_ente, "codice_fiscale": row.codice_fiscale, "nome": row.nome,
             "stato": row.stato, "stazione": row.stazione_id}
            for row in enti.all_rows(session)
        ]
    print_table(_ENTE_COLUMNS, rows, as_json)


@ente_group.command("show")
@click.argument("cod_ipa_ente", metavar="CODIPAENTE")
@json_option
@pass_settings
def ente_show(settings: Settings, cod_ipa_ente: str, as_json: bool) -> None:
    """Mostra un ente com'è nel file di configurazione."""
    with settings.database() as db:
        values = export_ente(db, cod_ipa_ente, utc_now())
    if as_json:
        print_json(values)
    else:
        click.echo(render_configurazione(values), nl=False)


@click.group("tipo")
def tipo_group() -> None:
    """I tipi dovuto di un ente."""


@tipo_group.command("add")
@click.argument("cod_ipa_ente", metavar="CODIPAENTE")
@click.argument("codice")
@click.option("--descrizione", required=True)
@click.option("--tassonomia", help="Per esempio 9/0101101IM/; senza, il tipo non può essere attivo.")
@click.option("--modalita", type=click.Choice(MODALITA), multiple=True, help="Anche più volte; senza, tutte.")
@click.option("--attivo/--non-attivo", default=True, show_default=True)
@click.option("--scadenza-obbligatoria/--senza-scadenza", default=True, show_default=True)
@click.option("--stampa-data-scadenza/--non-stampa-data-scadenza", default=True, show_default=True)
@click.option("--anonimo/--non-anonimo", default=False, show_default=True, help="Ammette il pagatore ANONIMO.")
@click.option("--iban", help="Senza, quello dell'ente.")
@click.option("--importo", help="Importo fisso, per esempio 16.00.")
@pass_settings
def tipo_add(settings: Settings, cod_ipa_ente: str, modalita: tuple[str, ...], **values: Any) -> None:
    """Aggiunge il tipo CODICE all'ente."""
    tipo = read_tipo({**values, "modalita": list(modalita) or None})
    with settings.database() as db:
        add_ente.add_tipo(db, cod_ipa_ente, tipo)
        _warn(settings, db, [(cod_ipa_ente, tipo)])
    click.echo(f"tipo {tipo.codice} aggiunto all'ente {cod_ipa_ente}")


@tipo_group.command("list")
@click.argument("cod_ipa_ente", metavar="CODIPAENTE")
@json_option
@pass_settings
def tipo_list(settings: Settings, cod_ipa_ente: str, as_json: bool) -> None:
    """Elenca i tipi di un ente."""
    keys = ("codice", "descrizione", "tassonomia", "modalita", "attivo", "scadenza_obbligatoria", "anonimo")
    with settings.database() as db, db.reading() as session:
        ente = enti.by_cod_ipa(session, cod_ipa_ente)
        rows = [{key: getattr(row, key) for key in keys} for row in tipi.of_ente(session, ente.id)]
    print_table({key: key.replace("_", " ") for key in keys}, rows, as_json)
