"""Commands on the outbox: what is waiting to leave, and why."""

from __future__ import annotations

from typing import Any

import click

from hub.cli_common import ID, Settings, json_option, pass_settings, print_json, print_table, utc_now
from hub.domain.errors import NotFound
from hub.domain.stati import StatoMessaggio
from hub.store import outbox

_COLUMNS = {
    "id": "id", "topic": "destinazione", "chiave": "chiave", "stato": "stato", "attempts": "tentativi",
    "next_attempt_at": "prossimo", "last_outcome": "esito", "last_code": "codice", "motivo": "motivo",
}  # fmt: skip
_DETAILS = (*_COLUMNS, "correlation_id", "created_at", "lease_until", "settled_at")


@click.group("outbox")
def outbox_group() -> None:
    """I messaggi in uscita."""


def _row(row: Any) -> dict[str, Any]:
    """The payload is left out: it names the payer."""
    return {key: getattr(row, key) for key in _DETAILS} | {"size_bytes": len(row.payload)}


@outbox_group.command("list")
@click.option("--stato", type=click.Choice([str(stato) for stato in StatoMessaggio]), help="Senza, quelli in sospeso.")
@click.option("--limit", type=click.IntRange(1, 10_000), default=100, show_default=True)
@json_option
@pass_settings
def outbox_list(settings: Settings, stato: str | None, limit: int, as_json: bool) -> None:
    """Elenca i messaggi, dal più vecchio."""
    with settings.database() as db, db.reading() as session:
        rows = [_row(row) for row in outbox.list_messages(session, stato, limit)]
    print_table(_COLUMNS, rows, as_json)


@outbox_group.command("show")
@click.argument("id", type=ID)
@json_option
@pass_settings
def outbox_show(settings: Settings, id: int, as_json: bool) -> None:
    """Mostra un messaggio; non il contenuto, che nomina il pagatore."""
    with settings.database() as db, db.reading() as session:
        row = outbox.find(session, id)
        if row is None:
            raise NotFound(f"messaggio {id} sconosciuto")
        values = _row(row)
    if as_json:
        print_json(values)
        return
    print_table({"key": "campo", "value": "valore"}, [{"key": k, "value": v} for k, v in values.items()], False)


@outbox_group.command("retry")
@click.argument("id", type=ID)
@pass_settings
def outbox_retry(settings: Settings, id: int) -> None:
    """Riprova adesso un messaggio in attesa o messo da parte."""
    with settings.database() as db, db.transaction() as session:
        outbox.retry(session, id, utc_now())
    click.echo(f"messaggio {id}: si riprova adesso")


@outbox_group.command("park")
@click.argument("id", type=ID)
@click.option("--motivo", required=True, help="Perché: resta scritto accanto al messaggio.")
@pass_settings
def outbox_park(settings: Settings, id: int, motivo: str) -> None:
    """Mette da parte un messaggio: non parte più da solo."""
    with settings.database() as db, db.transaction() as session:
        outbox.park(session, id, motivo, utc_now())
    click.echo(f"messaggio {id}: messo da parte")
