"""Commands on the settlement flows: what came, what is inside, what should have come and has not."""

from __future__ import annotations

from dataclasses import asdict
from datetime import date, datetime
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
    save_from_archive,
    utc_now,
)
from hub.domain.calendario import Attesa
from hub.domain.stati import StatoRendicontazione
from hub.store import acquisizioni_fdr, enti, rendicontazioni, riscontri_fdr
from hub.store.database import Session
from hub.usecases.calendario_fdr import calendario

_COLUMNS = {
    "id": "id", "dominio": "dominio", "iuf": "flusso", "revisione": "rev.", "elencato_at": "generato", "stato": "stato",
    "attiva": "vale", "righe": "pagamenti", "importo": "importo", "regolato": "regolato", "prossimo": "prossimo passo",
    "motivo": "motivo",
}  # fmt: skip
_DETAILS = (
    "id", "dominio", "stazione_id", "trasporto", "iuf", "psp", "revisione", "elencato_at", "generato_at",
    "pubblicato_at", "stato", "attiva", "superata_da", "motivo", "attempts", "next_attempt_at", "file", "sha256",
    "size_bytes", "versione", "trn", "regolato", "mittente_tipo", "mittente_codice", "mittente_nome",
    "bic_riversamento", "ricevente_codice", "ricevente_nome", "righe", "righe_lette", "importo_cent", "netto_cent",
    "lordo_cent", "somma", "osservazioni", "listed_at", "stored_at", "parsed_at",
)  # fmt: skip
_RIGHE = {
    "numero": "n.", "iuv": "iuv", "iur": "iur", "indice": "indice", "importo": "importo", "esito": "esito",
    "data_esito": "pagato il", "riscontro": "riscontro", "osservazioni": "osservazioni",
}  # fmt: skip
_CALENDARIO = {
    "ente": "ente", "psp": "psp", "psp_nome": "nome", "pagati_il": "pagati il", "entro": "atteso entro",
    "stato": "stato", "pagamenti": "pagamenti", "importo": "importo",
}  # fmt: skip
_LACUNE = {"dominio": "dominio", "stazione_id": "stazione", "dal": "dal", "al": "al"}
_TURNI = {
    "cod_ipa_ente": "ente", "dominio": "dominio", "stazione_id": "stazione", "trasporto": "trasporto",
    "elencata_at": "ultimo elenco", "next_attempt_at": "prossimo", "circuito_fino_a": "circuito, fino a",
    "ferma": "ferma", "codice": "codice", "motivo": "motivo",
}  # fmt: skip
_ente_option = click.option("--ente", "cod_ipa_ente", metavar="CODIPAENTE", help="Solo quelle di un ente.")
_GIORNO = click.DateTime(["%Y-%m-%d"])


@click.group("rendicontazione")
def rendicontazione_group() -> None:
    """I flussi di rendicontazione (FdR) dei PSP."""


@rendicontazione_group.command("list")
@_ente_option
@click.option("--stato", type=click.Choice([str(stato) for stato in StatoRendicontazione]))
@click.option("--flusso", "iuf", help="Tutte le revisioni di un flusso.")
@click.option("--attive", is_flag=True, help="Solo le revisioni che valgono.")
@click.option("--da-vedere", is_flag=True, help="Solo quelle che aspettano una persona.")
@click.option("--limit", type=click.IntRange(1, 10_000), default=100, show_default=True)
@json_option
@pass_settings
def rendicontazione_list(
    settings: Settings, cod_ipa_ente: str | None, stato: str | None, iuf: str | None, attive: bool, da_vedere: bool,
    limit: int, as_json: bool,
) -> None:  # fmt: skip
    """Elenca i flussi, dal più recente: che cosa ne è stato e quando si riprova."""
    with settings.database() as db, db.reading() as session:
        found = rendicontazioni.find(
            session, ente_id=_ente_id(session, cod_ipa_ente), stato=stato, iuf=iuf, attive=attive, in_vista=da_vedere,
            righe_max=limit,
        )  # fmt: skip
    print_table(_COLUMNS, [_row(row) for row in found], as_json)


@rendicontazione_group.command("show")
@click.argument("id", type=ID)
@click.option("--dopo", type=click.IntRange(0, 2**63 - 1), default=0, help="Solo i pagamenti dopo questo numero.")
@click.option("--righe", "righe_max", type=click.IntRange(0, 10_000), default=50, show_default=True)
@json_option
@pass_settings
def rendicontazione_show(settings: Settings, id: int, dopo: int, righe_max: int, as_json: bool) -> None:
    """Mostra un flusso e i suoi pagamenti."""
    with settings.database() as db, db.reading() as session:
        row = rendicontazioni.by_id(session, id)
        righe = [_riga(riga) for riga in riscontri_fdr.righe_of(session, row, dopo, righe_max)]
    values = {name: getattr(row, name) for name in _DETAILS}
    if as_json:
        print_json(values | {"pagamenti": righe})
        return
    print_values(values, False)
    if righe:
        click.echo("")
        print_table(_RIGHE, righe, False)


@rendicontazione_group.command("calendario")
@_ente_option
@click.option("--dal", type=_GIORNO, help="Primo giorno dei pagamenti; senza, 90 giorni fa.")
@click.option("--al", type=_GIORNO, help="Ultimo giorno dei pagamenti; senza, oggi.")
@click.option("--ritardi", is_flag=True, help="Solo ciò che è in ritardo; esce con 1 se c'è qualcosa.")
@json_option
@pass_settings
def rendicontazione_calendario(
    settings: Settings, cod_ipa_ente: str | None, dal: datetime | None, al: datetime | None, ritardi: bool,
    as_json: bool,
) -> None:  # fmt: skip
    """Elenca i pagamenti con ricevuta che nessun flusso ha ancora rendicontato, per PSP e giorno, e le lacune."""
    now = utc_now()
    with settings.database() as db, db.reading() as session:
        ente_id = _ente_id(session, cod_ipa_ente)
        found = [
            {**asdict(one), "stato": str(one.stato), "importo": _euro(one.importo_cent)}
            for one in calendario(session, now, _day(dal), _day(al), ente_id)
            if not (ritardi and one.stato == Attesa.IN_TEMPO)
        ]
        dominio = None if ente_id is None else enti.by_id(session, ente_id).codice_fiscale
        gaps = [dict(row._mapping) for row in acquisizioni_fdr.lacune(session, dominio)]
    if as_json:
        print_json({"attesi": found, "lacune": gaps})
    else:
        print_table(_CALENDARIO, found, False)
        if gaps:
            click.echo("\nPeriodi di cui il nodo non elencava più i flussi (chiederli a pagoPA o ai PSP):")
            print_table(_LACUNE, gaps, False)
    if ritardi and found:
        raise Refusal(f"mancano flussi di rendicontazione: {len(found)} giorni di pagamenti non rendicontati")


@rendicontazione_group.command("turni")
@json_option
@pass_settings
def rendicontazione_turni(settings: Settings, as_json: bool) -> None:
    """Mostra quando si è chiesto l'elenco per ogni ente, quando lo si richiede, e perché qualcuno è fermo."""
    with settings.database() as db, db.reading() as session:
        rows = [{name: getattr(row, name) for name in _TURNI} for row in acquisizioni_fdr.all_rows(session)]
    print_table(_TURNI, rows, as_json)


@rendicontazione_group.command("chiedi")
@_ente_option
@pass_settings
def rendicontazione_chiedi(settings: Settings, cod_ipa_ente: str | None) -> None:
    """Fa chiedere subito l'elenco dei flussi, anche a chi è fermo."""
    with settings.database() as db, db.transaction() as session:
        ente_id = _ente_id(session, cod_ipa_ente)
        dominio = None if ente_id is None else enti.by_id(session, ente_id).codice_fiscale
        count = acquisizioni_fdr.make_due(session, utc_now(), dominio)
    if not count:
        raise Refusal("nessun ente ha ancora un turno: avviare il worker")
    click.echo(f"il worker chiederà l'elenco di {count} enti")


@rendicontazione_group.command("riprova")
@click.argument("id", type=ID)
@pass_settings
def rendicontazione_riprova(settings: Settings, id: int) -> None:
    """Fa scaricare un'altra volta un flusso che non è arrivato o non si legge."""
    with settings.database() as db, db.transaction() as session:
        row = rendicontazioni.again(session, id, utc_now())
    click.echo(f"il worker scaricherà di nuovo {row.iuf}")


@rendicontazione_group.command("scarica")
@click.argument("id", type=ID)
@click.option("--in", "folder", type=click.Path(path_type=Path, file_okay=False, exists=True), default=Path("."))
@pass_settings
def rendicontazione_scarica(settings: Settings, id: int, folder: Path) -> None:
    """Copia i byte di un flusso come sono arrivati: XML, o ZIP delle risposte REST."""
    with settings.database() as db, db.reading() as session:
        row = rendicontazioni.by_id(session, id)
    if row.file is None:
        raise Refusal(f"rendicontazione {id}: non è ancora arrivato nulla")
    save_from_archive(settings, [row.file], folder)


def _ente_id(session: Session, cod_ipa_ente: str | None) -> int | None:
    """Raises: NotFound."""
    return None if cod_ipa_ente is None else int(enti.by_cod_ipa(session, cod_ipa_ente).id)


def _row(row: Any) -> dict[str, Any]:
    values = {name: getattr(row, name) for name in _DETAILS}
    return values | {"importo": _euro(row.importo_cent), "prossimo": row.next_attempt_at}


def _riga(row: Any) -> dict[str, Any]:
    names = ("numero", "iuv", "iur", "indice", "importo_cent", "esito", "data_esito", "osservazioni")
    found = "ricevuta" if row.has_ricevuta else "posizione" if row.has_posizione else None
    return {name: getattr(row, name) for name in names} | {"importo": _euro(row.importo_cent), "riscontro": found}


def _euro(cent: int | None) -> str | None:
    """Euro with two decimals, and a sign where the archive of 2018 has one."""
    return None if cent is None else f"{'-' if cent < 0 else ''}{abs(cent) // 100}.{abs(cent) % 100:02d}"


def _day(at: datetime | None) -> date | None:
    return None if at is None else at.date()
