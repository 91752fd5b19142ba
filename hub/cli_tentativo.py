"""Commands on payments at the node that have no outcome yet, and on what keeps a station from calling."""

from __future__ import annotations

from dataclasses import asdict
from datetime import datetime, timedelta
from typing import Any

import click

from hub.cli_common import Settings, json_option, pass_settings, print_json, print_table, print_values, utc_now
from hub.config import Config
from hub.domain.errors import NotFound
from hub.store import circuiti
from hub.usecases.tentativi_aperti import Tempi, find_aperto, list_aperti

_COLUMNS = {
    "id": "id", "ente": "ente", "iuv": "iuv", "stato": "stato", "passo": "prossimo passo", "prossimo_at": "quando",
    "motivo": "motivo", "operatori": "da guardare",
}  # fmt: skip
_CIRCUITI = {
    "stazione_id": "stazione", "servizio": "servizio", "stato": "stato", "guasti": "guasti", "aperto_at": "dal",
    "riprova_at": "riprova", "ultimo_codice": "codice", "ultimo_guasto_at": "ultimo guasto",
}  # fmt: skip


@click.group("tentativo")
def tentativo_group() -> None:
    """I pagamenti inviati al nodo che non hanno ancora un esito."""


@tentativo_group.command("list")
@click.option("--tutti", is_flag=True, help="Anche quelli in regola, che aspettano il pagatore o la ricevuta.")
@click.option("--limit", type=click.IntRange(1, 10_000), default=100, show_default=True)
@json_option
@pass_settings
def tentativo_list(settings: Settings, tutti: bool, limit: int, as_json: bool) -> None:
    """Elenca quelli in dubbio o in ritardo, ciascuno con il prossimo passo automatico e la sua ora."""
    with settings.database() as db:
        found = list_aperti(db, _tempi(settings.config), utc_now(), tutti=tutti, limit=limit)
    print_table(_COLUMNS, [asdict(one) for one in found], as_json)


@tentativo_group.command("show")
@click.argument("id")
@json_option
@pass_settings
def tentativo_show(settings: Settings, id: str, as_json: bool) -> None:
    """Mostra un pagamento senza esito: che cosa ha detto il nodo, che cosa si farà e quando."""
    with settings.database() as db:
        found = find_aperto(db, id, _tempi(settings.config), utc_now())
    if found is None:
        raise NotFound(f"tentativo {id}: ha già un esito")
    if as_json:
        print_json(asdict(found))
    else:
        print_values(asdict(found), False)


@tentativo_group.command("circuiti")
@json_option
@pass_settings
def tentativo_circuiti(settings: Settings, as_json: bool) -> None:
    """Mostra le stazioni che hanno avuto guasti verso il nodo o la piattaforma, e se ora aspettano a chiamare."""
    now = utc_now()
    with settings.database() as db, db.reading() as session:
        rows = [
            {name: getattr(row, name, None) for name in _CIRCUITI} | {"stato": _stato(row, now)}
            for row in circuiti.all_rows(session)
        ]
    print_table(_CIRCUITI, rows, as_json)


def _tempi(config: Config) -> Tempi:
    attesa, carrello = timedelta(seconds=config.ricevuta_attesa_s), timedelta(seconds=config.checkout_ttl_s)
    return Tempi(attesa, {"checkout": carrello})


def _stato(row: Any, now: datetime) -> str:
    if row.aperto_at is not None:
        return "SONDA" if row.sonda_at is not None else "APERTO"
    return "PAUSA" if row.riprova_at is not None and row.riprova_at > now else "CHIUSO"
