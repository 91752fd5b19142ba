"""Commands on the receipts that came: those that nobody expected, what became of each, another look at one."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from hub.cli_common import (
    ID,
    Refusal,
    Settings,
    json_option,
    pass_settings,
    print_json,
    print_table,
    print_values,
    utc_now,
)
from hub.domain.errors import NotFound
from hub.domain.stati import StatoRt
from hub.store import rt_ricevute
from hub.usecases.elabora_ricevute import look_again

_COLUMNS = {
    "id": "id", "received_at": "arrivata", "primitiva": "primitiva", "dominio": "dominio", "iuv": "iuv",
    "importo_cent": "centesimi", "stato": "stato", "segnalazioni": "segnalazioni", "motivo": "motivo",
}  # fmt: skip
_DETAILS = (
    "id", "primitiva", "stato", "motivo", "segnalazioni", "ignoti", "dominio", "dominio_avviso", "numero_avviso", "iuv",
    "ccp", "importo_cent", "intermediario", "stazione_id", "sha256", "correlation_id", "received_at", "processed_at",
)  # fmt: skip
_TRANSFERS = {
    "indice": "trasferimento", "codice_fiscale": "ente", "importo_cent": "centesimi", "iban": "iban",
    "categoria": "categoria", "marca_sha256": "marca",
}  # fmt: skip


@click.group("ricevuta")
def ricevuta_group() -> None:
    """Le ricevute arrivate dal nodo."""


def _row(row: Any) -> dict[str, Any]:
    """The bytes are left out: they name the payer."""
    return {name: getattr(row, name) for name in _DETAILS}


@ricevuta_group.command("list")
@click.option("--stato", type=click.Choice([str(stato) for stato in StatoRt]),
              help="Senza, quelle da guardare: eccedenze, inattese, quarantena, respinte, segnalate.")  # fmt: skip
@click.option("--iuv", help="Tutte quelle di uno IUV.")
@click.option("--dopo", type=click.IntRange(0, 2**63 - 1), default=0, help="Solo quelle dopo questo id.")
@click.option("--limit", type=click.IntRange(1, 10_000), default=100, show_default=True)
@json_option
@pass_settings
def ricevuta_list(
    settings: Settings, stato: str | None, iuv: str | None, dopo: int, limit: int, as_json: bool
) -> None:
    """Elenca le ricevute che una persona deve guardare, dalla più vecchia."""
    with settings.database() as db, db.reading() as session:
        found = rt_ricevute.list_ricevute(session, stato=stato, iuv=iuv, after_id=dopo, limit=limit)
        rows = [_row(row) for row in found]
    print_table(_COLUMNS, rows, as_json)


@ricevuta_group.command("show")
@click.argument("id", type=ID)
@click.option("--salva", type=click.Path(path_type=Path, dir_okay=False), help="Scrive qui i byte come sono arrivati.")
@json_option
@pass_settings
def ricevuta_show(settings: Settings, id: int, salva: Path | None, as_json: bool) -> None:
    """Mostra una ricevuta e i suoi trasferimenti; non il contenuto, che nomina il pagatore."""
    with settings.database() as db, db.reading() as session:
        row = _found(session, id)
        found = rt_ricevute.trasferimenti_of(session, id)
    moved = [{name: getattr(each, name) for name in _TRANSFERS} for each in found]
    if salva is not None:
        if salva.exists():
            raise Refusal(f"{salva} c'è già")
        salva.write_bytes(bytes(row.raw))
    values = _row(row) | {"size_bytes": len(row.raw), "ha_rt": row.rt is not None or row.primitiva == "paaInviaRT"}
    if as_json:
        print_json(values | {"trasferimenti": moved})
        return
    print_values(values, False)
    if moved:
        click.echo()
        print_table(_TRANSFERS, moved, False)


@ricevuta_group.command("retry")
@click.argument("id", type=ID)
@pass_settings
def ricevuta_retry(settings: Settings, id: int) -> None:
    """Fa guardare di nuovo al worker una ricevuta inattesa, in quarantena o respinta."""
    with settings.database() as db:
        with db.reading() as session:
            _found(session, id)
        look_again(db, id, utc_now())
    click.echo(f"ricevuta {id}: si guarda di nuovo")


def _found(session: Any, id: int) -> Any:
    row = rt_ricevute.find(session, id)
    if row is None:
        raise NotFound(f"ricevuta {id} sconosciuta")
    return row
