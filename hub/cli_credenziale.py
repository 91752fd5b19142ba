"""Commands on the credentials of those who call for an ente."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import click

from hub.cli_common import Settings, json_option, pass_settings, print_table, utc_now
from hub.domain.credenziali import GENERI, Genere, NuovaCredenziale
from hub.domain.errors import InvalidRequest
from hub.formats.certificati import SIZE_MAX_BYTES, read_certificato
from hub.formats.configurazione import read_applicazione
from hub.store import credenziali, enti
from hub.usecases import change_credenziale

_ALL = ("*",)
_CERTIFICATES = (Genere.CERTIFICATO, Genere.FIRMA)
# A year is the longest that old and new live together: nobody would call that a rotation.
_OVERLAP_MAX_H = 24 * 365


@click.group("credenziale")
def credenziale_group() -> None:
    """Le credenziali di chi chiama per un ente: password, token, certificati."""


_ENTE = click.argument("cod_ipa_ente", metavar="CODIPAENTE")
_APPLICAZIONE = click.option("--applicazione", help="Nome dell'applicazione; senza, l'ente stesso.")
_GENERE = click.option("--genere", type=click.Choice(GENERI), default="password", show_default=True,
                       help="certificato: quello della connessione TLS; firma: quello di WS-Security.")  # fmt: skip
_PASSWORD = click.option("--password", help="Senza, ne viene generata una e mostrata una volta.")
_FILE = click.option("--file", "file", type=click.Path(exists=True, dir_okay=False, path_type=Path),
                     help="Il certificato in PEM, per i generi certificato e firma.")  # fmt: skip


def _new(genere: str, password: str | None, file: Path | None) -> NuovaCredenziale:
    """Return what the options describe. Raises: InvalidRequest."""
    kind = Genere(genere)
    if (file is not None) != (kind in _CERTIFICATES):
        raise InvalidRequest("--file serve per i generi certificato e firma, e solo per quelli")
    if password and kind is not Genere.PASSWORD:
        raise InvalidRequest("--password serve solo per il genere password")
    if file is not None:
        with file.open("rb") as stream:
            text = stream.read(SIZE_MAX_BYTES + 1).decode("ascii", errors="replace")
        return change_credenziale.new_certificato(kind, read_certificato(text, signs=kind is Genere.FIRMA), utc_now())
    if kind is Genere.TOKEN:
        return change_credenziale.new_token()
    read_applicazione({"nome": "x", "password": password or change_credenziale.draw_password()})
    return change_credenziale.new_password(password)


def _show(done: str, nuova: NuovaCredenziale, given: str | None) -> None:
    if nuova.certificato is not None:
        click.echo(f"{done}; impronta {nuova.impronta}, vale fino al {nuova.certificato.valido_fino:%d/%m/%Y}")
    elif given:
        click.echo(done)
    else:
        click.echo(f"{done}; {nuova.genere}: {nuova.chiaro} (non sarà più mostrat{'o' if nuova.impronta else 'a'})")


@credenziale_group.command("add")
@_ENTE
@_APPLICAZIONE
@_GENERE
@_PASSWORD
@_FILE
@click.option("--software-house", help="Chi produce l'applicazione.")
@click.option("--tipo", "tipi", multiple=True, help="Limita ai tipi dati; anche più volte.")
@click.option("--operazione", "operazioni", multiple=True, help="Limita alle operazioni date; anche più volte.")
@pass_settings
def credenziale_add(
    settings: Settings, cod_ipa_ente: str, applicazione: str | None, genere: str, password: str | None,
    file: Path | None, software_house: str | None, tipi: tuple[str, ...], operazioni: tuple[str, ...],
) -> None:  # fmt: skip
    """Aggiunge una credenziale."""
    nuova = _new(genere, password, file)
    values: dict[str, Any] = {"nome": applicazione or "ente", "software_house": software_house}
    checked = read_applicazione(values | {"tipi": list(tipi or _ALL), "operazioni": list(operazioni or _ALL)})
    with settings.database() as db:
        change_credenziale.add_credenziale(
            db, cod_ipa_ente, applicazione, nuova, checked.tipi, checked.operazioni, utc_now(), software_house
        )
    _show("credenziale aggiunta", nuova, password)


@credenziale_group.command("rotate")
@_ENTE
@_APPLICAZIONE
@_GENERE
@_PASSWORD
@_FILE
@click.option("--overlap", "overlap_h", type=click.IntRange(0, _OVERLAP_MAX_H), default=24, show_default=True,
              help="Ore in cui vale ancora la vecchia; 0: da subito solo la nuova.")  # fmt: skip
@pass_settings
def credenziale_rotate(
    settings: Settings, cod_ipa_ente: str, applicazione: str | None, genere: str, password: str | None,
    file: Path | None, overlap_h: int,
) -> None:  # fmt: skip
    """Sostituisce una credenziale; la vecchia vale ancora per un po'."""
    nuova = _new(genere, password, file)
    with settings.database() as db:
        change_credenziale.rotate_credenziale(
            db, cod_ipa_ente, applicazione, nuova, timedelta(hours=overlap_h), utc_now()
        )
    _show("credenziale sostituita", nuova, password)


@credenziale_group.command("revoke")
@_ENTE
@_APPLICAZIONE
@click.option("--genere", type=click.Choice(GENERI), help="Senza, tutte.")
@click.option("--impronta", help="Un solo token o certificato: l'impronta mostrata da list.")
@pass_settings
def credenziale_revoke(
    settings: Settings, cod_ipa_ente: str, applicazione: str | None, genere: str | None, impronta: str | None
) -> None:
    """Revoca subito le credenziali."""
    kind = None if genere is None else Genere(genere)
    with settings.database() as db:
        count = change_credenziale.revoke_credenziale(db, cod_ipa_ente, applicazione, utc_now(), kind, impronta)
    click.echo(f"credenziali revocate: {count}")


@credenziale_group.command("list")
@_ENTE
@json_option
@pass_settings
def credenziale_list(settings: Settings, cod_ipa_ente: str, as_json: bool) -> None:
    """Elenca le credenziali non revocate, senza i segreti; anche quelle con il certificato scaduto."""
    keys = ("applicazione", "software_house", "genere", "impronta", "tipi", "operazioni", "created_at", "expires_at",
            "valido_dal", "valido_fino")  # fmt: skip
    with settings.database() as db, db.reading() as session:
        ente = enti.by_cod_ipa(session, cod_ipa_ente)
        rows = [{key: getattr(row, key) for key in keys} for row in credenziali.kept(session, ente.id, utc_now())]
    print_table({key: key.replace("_", " ") for key in keys}, rows, as_json)
