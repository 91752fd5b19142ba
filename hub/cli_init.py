"""`pontepa init`: five questions, and a first installation that works."""

from __future__ import annotations

import json
import os
import secrets
import shutil
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

import click

from hub.cli_common import Refusal, Settings, utc_now
from hub.config_reading import load_config
from hub.domain.configurazione import ConfigurazioneNonValida
from hub.formats.configurazione import read_configurazione, read_ente, read_tipo, render_configurazione
from hub.formats.istanti import giorno_di
from hub.formats.resources import resource
from hub.formats.segreti import Cassaforte
from hub.formats.tassonomia import bundled
from hub.store import migrate
from hub.usecases import apply_config
from hub.usecases.change_credenziale import draw_password

T = TypeVar("T")
_SETTINGS, _CONFIGURAZIONE = "pontepa.toml", "installazione.yaml"
# The file of SQLite and what it lays beside it; the folder of the data.
_DATABASE = ("pontepa.db", "pontepa.db-wal", "pontepa.db-shm")
_DATI = "dati"
# What most begin with, by the name that people give it; anything else by its code of the taxonomy.
_TIPI = {
    "TARI": ("Tassa rifiuti", "9/0101101IM/"),
    "MENSA": ("Mensa scolastica", "9/0107101TS/"),
    "ZTL": ("Zona a traffico limitato", "9/0105115AP/"),
    "MULTE": ("Sanzioni al codice della strada", "9/0102100SA/"),
}
_NODE_PORT, _PORT = 8081, 8080


@click.command()
@click.option("--cartella", type=click.Path(file_okay=False, path_type=Path), default=Path(), help="Dove scrivere.")
@click.option("--nome", help="Nome dell'ente.")
@click.option("--codice-fiscale", help="Codice fiscale dell'ente, 11 cifre.")
@click.option("--codice-ipa", help="Codice IPA dell'ente, come lo usa il gestionale.")
@click.option("--iban", help="Il conto su cui arriva il denaro.")
@click.option("--tipo", help=f"Che cosa si paga per primo: {', '.join(_TIPI)}, o un codice di tassonomia.")
def init(cartella: Path, **said: str | None) -> None:
    """Chiede cinque cose e prepara una prima installazione di prova che funziona, con il nodo simulato."""
    files = [cartella / _SETTINGS, cartella / _CONFIGURAZIONE]
    if found := [str(path) for path in files if path.exists()]:
        raise Refusal(f"{' e '.join(found)}: c'è già; scegliere un'altra cartella con --cartella")
    ente: dict[str, Any] = {
        "nome": _ask("1/5  Nome dell'ente", said["nome"], _of_ente("nome")),
        "codice_fiscale": _ask(
            "2/5  Codice fiscale dell'ente (11 cifre)", said["codice_fiscale"], _of_ente("codice_fiscale")
        ),
        "codIpaEnte": _ask(
            "3/5  Codice IPA, come lo scrive il gestionale",
            said["codice_ipa"],
            lambda text: _of_ente("codIpaEnte")(text.upper()),
        ),
        "iban": _ask("4/5  IBAN su cui arriva il denaro", said["iban"], _of_ente("iban")),
        "tipi": [_ask(f"5/5  Che cosa si paga ({', '.join(_TIPI)}, o un codice di tassonomia)", said["tipo"], _tipo)],
    }
    password, station = draw_password(), f"{ente['codice_fiscale']}_01"
    configurazione = {
        "stazioni": [{"id": station, "intermediario": ente["codice_fiscale"], "password": draw_password()}],
        "enti": [
            {**ente, "stato": "ESERCIZIO", "stazione": station, "codice_segregazione": "01", "password": password}
        ],
    }
    with _all_or_nothing(cartella):
        cartella.mkdir(parents=True, exist_ok=True)
        _write(files[0], _settings(cartella.resolve()))
        _write(files[1], render_configurazione(configurazione))
        _install(files[0], files[1])
    click.echo(_next(files[0], files[1], ente["codIpaEnte"], ente["tipi"][0]["codice"], password))


def _ask(question: str, given: str | None, read: Callable[[str], T]) -> T:
    """Return the answer; from the command line a wrong one is a refusal, at the terminal it is asked again.

    Raises: Refusal.
    """
    if given is not None:
        try:
            return read(given)
        except click.UsageError as error:
            raise Refusal(f"{question.partition('  ')[2]}: {error.message}") from error
    result: T = click.prompt(question, value_proc=read, err=True)
    return result


def _of_ente(key: str) -> Callable[[str], str]:
    """Return a reader that judges one value by the rules of the configuration file."""

    def read(text: str) -> str:
        try:
            read_ente({key: text})
        except ConfigurazioneNonValida as error:
            # That the others are missing is no news: each is a question of its own.
            for path, sentence in error.problems:
                if path == key:
                    raise click.UsageError(sentence) from error
        return text.strip()

    return read


def _tipo(text: str) -> dict[str, str]:
    """Return a tipo as in the configuration file, from its short name or from a code of the taxonomy."""
    codice = text.strip().upper()
    if codice in _TIPI:
        descrizione, tassonomia = _TIPI[codice]
        return {"codice": codice, "descrizione": descrizione, "tassonomia": tassonomia}
    voce = bundled().find_start(codice)
    if voce is None or not voce.is_in_force(giorno_di(utc_now())):
        raise click.UsageError(
            f"{text.strip()[:60]!r} non è fra {', '.join(_TIPI)}, né un codice di tassonomia in vigore"
        )
    values = {"codice": "DOVUTO", "descrizione": voce.servizio[:256], "tassonomia": codice}
    read_tipo(values)
    return values


def _settings(cartella: Path) -> str:
    return f"""\
# Le impostazioni di una prima prova, con il nodo simulato. Per l'esercizio: README, "Impostazioni".
ambiente = "sviluppo"
database_url = {json.dumps(f"sqlite:///{cartella / _DATABASE[0]}")}
data_dir = {json.dumps(str(cartella / _DATI))}
public_url = "http://127.0.0.1:{_PORT}"
port = {_PORT}
node_url = "http://127.0.0.1:{_NODE_PORT}"
piattaforma_url = "http://127.0.0.1:{_NODE_PORT}"
secret_key = "{secrets.token_hex(32)}"
"""


@contextmanager
def _all_or_nothing(cartella: Path) -> Iterator[None]:
    """Take away what the block made in the folder when it does not end well: the next run begins anew."""
    places = [cartella / name for name in (_SETTINGS, _CONFIGURAZIONE, *_DATABASE, _DATI)]
    made = [path for path in (*places, cartella) if not path.exists()]
    try:
        yield
    except BaseException:
        for path in made:
            if path.is_dir():
                shutil.rmtree(path)
            else:
                path.unlink(missing_ok=True)
        click.echo("non è rimasto nulla di ciò che era scritto: tolta la causa, si ripete il comando", err=True)
        raise


def _write(path: Path, text: str) -> None:
    """Write a file that holds secrets: nobody else reads it. Raises: FileExistsError."""
    with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
        file.write(text)


def _install(settings_file: Path, configurazione_file: Path) -> None:
    """Make the database and bring it to the configuration, as `db upgrade` and `config apply` would."""
    # What the shell happens to say is for the installation that is there, not for this one.
    config = load_config(str(settings_file), {})
    config.data_dir.mkdir(parents=True, exist_ok=True)
    wanted = read_configurazione(configurazione_file.read_bytes(), configurazione_file.parent)
    with Settings.open(config) as db:
        migrate.upgrade(db, resource("migrations"))
        apply_config.apply(db, wanted, Cassaforte(config.secret_key), utc_now())


def _program() -> str:
    """How to call the program again: by its name where the shell finds it, else as it was called this time."""
    called, found = Path(sys.argv[0]), shutil.which("pontepa")
    is_found = found is not None and Path(found).resolve() == called.resolve()
    return "pontepa" if called.name != "pontepa" or is_found else str(called)


def _next(settings: Path, configurazione: Path, code: str, tipo: str, password: str) -> str:
    run = f"{_program()} --config {settings}"
    return f"""
Scritti {settings} e {configurazione}; il database è pronto.

Ora, in tre terminali:
  {run} simulator --port {_NODE_PORT} --hub http://127.0.0.1:{_PORT}
  {run} serve
  {run} worker
e poi: {run} doctor

Il gestionale chiama  http://127.0.0.1:{_PORT}/ws/pa/PagamentiTelematiciDovutiPagati?wsdl
  codIpaEnte {code}   password {password}   tipo dovuto {tipo}

Per aggiungere enti e tipi: modificare {configurazione}, poi {run} config apply {configurazione}"""
