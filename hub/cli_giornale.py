"""Commands on the journal of events: what was called, when, by whom and how it ended; what is signed of it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from itertools import islice
from typing import Any

import click

from hub.cli_common import Settings, json_option, pass_settings, print_json, print_table, print_values
from hub.domain.errors import NotFound
from hub.domain.giornale import Esito, Verso, correlazione_mostrabile, testo_of
from hub.formats.istanti import read_istante
from hub.store import giornale
from hub.store.database import Session

_COLUMNS = {
    "at": "istante", "ente": "ente", "numero": "numero", "verso": "verso", "operazione": "operazione",
    "esito": "esito", "codice": "codice", "durata_ms": "ms", "correlation_id": "correlazione",
}  # fmt: skip
_TESTE = {"ente": "ente", "numero": "numero", "genere": "genere", "at": "firmata", "impronta": "impronta"}
_PAGE = 1000


@click.group("giornale")
def giornale_group() -> None:
    """Il giornale degli eventi: ogni chiamata ricevuta e fatta."""


@giornale_group.command("list")
@click.option("--ente", help="codIpaEnte; «-» per ciò che non è di un ente. Senza, tutti.")
@click.option("--dal", callback=lambda *told: _instant(told[2]),
              help="Da questo istante (2026-11-22T05:00:00Z; senza fuso, ora di Roma) o giorno di Roma.")  # fmt: skip
@click.option("--al", callback=lambda *told: _instant(told[2]), help="Fino a questo istante, escluso.")
@click.option("--correlazione", help="Solo gli eventi di questa correlazione.")
@click.option("--operazione", help="Solo questa operazione.")
@click.option("--esito", type=click.Choice([str(esito) for esito in Esito]))
@click.option("--verso", type=click.Choice([str(verso) for verso in Verso]))
@click.option("--limit", type=click.IntRange(1, 100_000), default=100)
@json_option
@pass_settings
def giornale_list(
    settings: Settings, ente: str | None, dal: datetime | None, al: datetime | None, correlazione: str | None,
    operazione: str | None, esito: str | None, verso: str | None, limit: int, as_json: bool,
) -> None:  # fmt: skip
    """Elenca gli eventi, dal più recente. Con --dal non si legge oltre; senza --ente si guarda in ogni catena."""
    wanted: dict[str, str | None] = {
        "operazione": operazione, "esito": esito, "verso": verso,
        "correlation_id": correlazione_mostrabile(correlazione) if correlazione else None,
    }  # fmt: skip
    rows: list[dict[str, Any]] = []
    with settings.database() as db, db.reading() as session:
        for catena in _catene(session, ente):
            found = (row for row in _eventi(session, catena.id, dal, al) if _is_wanted(row, wanted))
            rows += [_shown(row, catena.nome) for row in islice(found, limit)]
            rows = sorted(rows, key=lambda row: row["at"], reverse=True)[:limit]
    print_table(_COLUMNS, rows, as_json)


@giornale_group.command("show")
@click.argument("ente")
@click.argument("numero", type=int)
@json_option
@pass_settings
def giornale_show(settings: Settings, ente: str, numero: int, as_json: bool) -> None:
    """Mostra un evento con le sue impronte e il testo di cui `impronta` è lo SHA-256."""
    with settings.database() as db, db.reading() as session:
        (catena,) = _catene(session, ente)
        row = giornale.find(session, catena.id, numero)
    if row is None:
        raise NotFound(f"evento {numero} di {ente} sconosciuto: mai scritto, o tolto perché vecchio")
    print_values(_shown(row, ente) | {"testo": testo_of(giornale.riga_of(row, ente))}, as_json)


@giornale_group.command("teste")
@click.option("--ente", help="codIpaEnte; «-» per ciò che non è di un ente. Senza, tutti.")
@json_option
@pass_settings
def giornale_teste(settings: Settings, ente: str | None, as_json: bool) -> None:
    """Elenca le teste firmate ogni giorno e i tagli; con --json anche testo, firma e chiave, da depositare altrove."""
    rows = []
    with settings.database() as db, db.reading() as session:
        for catena in _catene(session, ente):
            rows += [_firma(row) for row in giornale.firme(session, catena.id)]
    print_table(_TESTE, rows, as_json)


@giornale_group.command("chiave")
@json_option
@pass_settings
def giornale_chiave(settings: Settings, as_json: bool) -> None:
    """Scrive la chiave pubblica (Ed25519) con cui si verificano le teste: PEM, o esadecimale con --json.

    Con --json anche quelle delle altre PONTEPA_SECRET_KEY, quando ce n'è più d'una.
    """
    from hub.formats.firma_giornale import FirmaGiornale, pem_of

    pubblica, *altre = FirmaGiornale(settings.config.secret_key).pubbliche
    if as_json:
        print_json({"chiave": pubblica.hex(), "pem": pem_of(pubblica), "altre": [one.hex() for one in altre]})
    else:
        click.echo(pem_of(pubblica), nl=False)


def _catene(session: Session, ente: str | None) -> list[Any]:
    """Raises: NotFound."""
    if ente is None:
        return list(giornale.catene(session))
    found = giornale.find_catena(session, ente)
    if found is None:
        raise NotFound(f"il giornale non ha eventi di {ente}")
    return [found]


def _eventi(session: Session, catena_id: int, dal: datetime | None, al: datetime | None) -> Iterator[Any]:
    """The events of a chain between two instants, the last ones first."""
    before = None
    while rows := giornale.page(session, catena_id, before, _PAGE):
        for row in rows:
            if (dal is None or row.at >= dal) and (al is None or row.at < al):
                yield row
        # Those of one page were written together, more or less: after a whole page of older ones nothing newer comes.
        if dal is not None and max(row.at for row in rows) < dal:
            return
        before = rows[-1].numero


def _is_wanted(row: Any, wanted: dict[str, str | None]) -> bool:
    return all(value is None or getattr(row, name) == value for name, value in wanted.items())


def _shown(row: Any, ente: str) -> dict[str, Any]:
    values = {"ente": ente} | {key: value for key, value in row._mapping.items() if key != "catena_id"}
    return {key: value.hex() if isinstance(value, bytes) else value for key, value in values.items()}


def _firma(row: Any) -> dict[str, Any]:
    return {
        "ente": row.nome,
        "numero": row.numero,
        "genere": row.genere,
        "at": row.at,
        "impronta": bytes(row.impronta).hex(),
        "testo": giornale.sigillo_of(row).testo.decode(),
        "firma": bytes(row.firma).hex(),
        "chiave": bytes(row.chiave).hex(),
    }


def _instant(text: str | None) -> datetime | None:
    if text is None:
        return None
    try:
        return read_istante(text if "T" in text else f"{text}T00:00:00")
    except ValueError as error:
        raise click.BadParameter("scrivere un istante come 2026-11-22T05:00:00Z, o un giorno") from error
