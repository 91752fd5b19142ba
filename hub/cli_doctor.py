"""`pontepa doctor`: whether everything that the hub needs is there, a line for each thing."""

from __future__ import annotations

import errno
import http.client
import os
import socket
import ssl
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from urllib.parse import urlsplit

import click

from hub.cli_common import Settings, json_option, pass_settings, print_json, print_table, utc_now
from hub.config import Config
from hub.domain.credenziali import IdentitaTls
from hub.domain.errors import InvalidRequest, Misconfigured, OutOfService
from hub.domain.scadenze import Scadenza
from hub.formats.identita_tls import build_contesto, read_catena
from hub.formats.resources import resource
from hub.formats.segreti import Cassaforte
from hub.store import circuiti, migrate, pulizie_archivio, servizi_rest, stazioni, tentativi
from hub.store.database import Database
from hub.store.faults import DatabaseError
from hub.store.segni import Segni
from hub.usecases.scadenze_stazioni import scadenze_stazioni
from hub.usecases.spazio import dischi
from hub.usecases.stazione_nodo import stazione_of
from hub.usecases.tentativi_aperti import VECCHIO

BENE, ATTENZIONE, MALE = "bene", "attenzione", "male"
_TIMEOUT_S = 5.0
# The node refuses messages of another minute; a clock that is kept by NTP is never so far.
_CLOCK_S = 60
_MIB = 1024 * 1024
# Room for so many times what the hub must have lets somebody come in time.
_SPAZIO_VOLTE = 16
# A file of so many bytes is written to learn that a folder takes one.
_PROVA_BYTES = 64 * 1024


@dataclass(frozen=True, slots=True)
class Referto:
    """What was found of one thing. `esito`: bene, attenzione (it will not last) or male (it does not work)."""

    cosa: str
    esito: str
    dettaglio: str


@dataclass(frozen=True, slots=True)
class Indirizzo:
    """Somebody whom a station calls, with the certificate that it shows."""

    cosa: str
    url: str
    identita: IdentitaTls | None = None


@click.command()
@json_option
@pass_settings
def doctor(settings: Settings, as_json: bool) -> None:
    """Controlla database, cartelle, scadenze, indirizzi e orologio; finisce con 1 se qualcosa non va."""
    config = settings.config
    found = [*_of_database(settings)]
    is_readable = all(one.esito == BENE for one in found)
    found += [_folder(config), *_room(config), *_own_certificate(config)]
    if is_readable:
        with settings.database() as db:
            found.append(_age(db, config))
            found += _ends(db, config, utc_now())
            found += _held(db, config, utc_now())
            found += _swept(db)
            addresses = list(_addresses(db, config))
        found += [one for address in addresses for one in _reach(address)]
    rows = [asdict(one) for one in found]
    if as_json:
        print_json(rows)
    else:
        print_table({"cosa": "che cosa", "esito": "esito", "dettaglio": "dettaglio"}, rows, False)
    if any(one.esito == MALE for one in found):
        raise SystemExit(1)


def _of_database(settings: Settings) -> Iterator[Referto]:
    try:
        with settings.database() as db:
            started = time.perf_counter()
            db.ping()
            yield Referto("database", BENE, f"risponde in {_ms(started)} ms")
            current, wanted = migrate.current(db), migrate.head(resource("migrations"))
            is_current = current == wanted
            words = "" if is_current else f", serve la {wanted}: pontepa db upgrade"
            yield Referto("migrazioni", BENE if is_current else MALE, f"versione {current or 'nessuna'}{words}")
    except (DatabaseError, OSError) as error:
        # The driver's words may carry the password of the address.
        yield Referto("database", MALE, f"non risponde ({type(error).__name__})")


def _age(db: Database, config: Config) -> Referto:
    try:
        Segni(config.data_dir).check(db)
    except (OutOfService, Misconfigured) as error:
        return Referto("copia del database", MALE, str(error))
    return Referto("copia del database", BENE, "nulla di dimenticato, per quanto ne sa questa macchina")


def _folder(config: Config) -> Referto:
    try:
        config.data_dir.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=config.data_dir, buffering=0) as file:
            if file.write(bytes(_PROVA_BYTES)) < _PROVA_BYTES:
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            return Referto("cartella dei dati", BENE, str(config.data_dir.resolve()))
    except OSError as error:
        return Referto("cartella dei dati", MALE, f"{config.data_dir}: non ci si scrive ({error.strerror})")


def _room(config: Config) -> Iterator[Referto]:
    floor = config.spazio_min_mib * _MIB
    for disco in dischi(config):
        if disco.libero_bytes is None:
            continue  # said of the folder
        esito = BENE if disco.libero_bytes >= _SPAZIO_VOLTE * floor else ATTENZIONE
        esito = esito if disco.libero_bytes >= floor else MALE
        words = f"{disco.libero_bytes // _MIB} MiB liberi in {disco.cartella.resolve()}"
        yield Referto(f"spazio: {disco.dove}", esito, words)


def _own_certificate(config: Config) -> Iterator[Referto]:
    if config.tls_cert is None:
        return
    try:
        end = read_catena(config.tls_cert.read_text("ascii")).valido_fino
    except (OSError, ValueError, InvalidRequest) as error:
        yield Referto("certificato del server", MALE, f"{config.tls_cert} non si legge ({type(error).__name__})")
        return
    yield _end(Scadenza("", "certificato del server", end), config, utc_now())


def _ends(db: Database, config: Config, now: datetime) -> list[Referto]:
    with db.reading() as session:
        return [_end(one, config, now) for one in scadenze_stazioni(session)]


def _held(db: Database, config: Config, now: datetime) -> Iterator[Referto]:
    """Stations that have stopped calling, and payments that a person should look at."""
    attesa = timedelta(seconds=config.ricevuta_attesa_s)
    with db.reading() as session:
        rows = [row for row in circuiti.all_rows(session) if row.aperto_at is not None]
        old = tentativi.count_open(session, now - attesa, now - VECCHIO).get("VECCHIO", 0)
    for row in rows:
        since = f"non chiama dal {row.aperto_at:%Y-%m-%d %H:%M} UTC: {row.ultimo_codice}"
        yield Referto(f"stazione {row.stazione_id}: {row.servizio}", MALE, since)
    words = f"{old} senza esito da più di un giorno: pontepa tentativo list" if old else "nessuno senza esito da ieri"
    yield Referto("pagamenti al nodo", ATTENZIONE if old else BENE, words)


def _swept(db: Database) -> Iterator[Referto]:
    with db.reading() as session:
        sospesa_at = pulizie_archivio.sospesa_at(session)
    if sospesa_at is not None:
        words = f"sospesa dal {sospesa_at:%Y-%m-%d %H:%M} UTC: pontepa archivio check, poi pontepa archivio resume"
        yield Referto("pulizia dell'archivio", ATTENZIONE, words)


def _end(scadenza: Scadenza, config: Config, now: datetime) -> Referto:
    subject = f"stazione {scadenza.stazione}: {scadenza.cosa}" if scadenza.stazione else scadenza.cosa
    left = scadenza.scade_at - now
    if left <= timedelta(0):
        return Referto(subject, MALE, f"scaduto il {scadenza.scade_at:%Y-%m-%d}")
    esito = ATTENZIONE if scadenza.is_near(now, timedelta(days=config.scadenze_preavviso_giorni)) else BENE
    return Referto(subject, esito, f"scade il {scadenza.scade_at:%Y-%m-%d}, fra {left.days} giorni")


def _addresses(db: Database, config: Config) -> Iterator[Indirizzo]:
    """Give whom the stations call, each address with each certificate once."""
    cassaforte = Cassaforte(config.secret_key)
    seen = set()
    with db.reading() as session:
        for row in stazioni.all_rows(session):
            try:
                stazione = stazione_of(row, cassaforte)
            except Misconfigured:
                continue  # told by the worker, which needs it
            wanted = [("nodo", stazione.indirizzi.get("nodo") or config.node_url, stazione.identita)]
            wanted += [
                (one.servizio, stazione.indirizzi.get(one.servizio) or config.piattaforma_url, None)
                for one in servizi_rest.of_stazione(session, row.id)
            ]
            for cosa, url, identita in wanted:
                key = (url and urlsplit(url).netloc, identita)
                if url and key not in seen:
                    seen.add(key)
                    yield Indirizzo(f"{cosa} ({urlsplit(url).netloc})", url, identita)


def _reach(indirizzo: Indirizzo) -> list[Referto]:
    """Ask an address for nothing, and look at its clock: any answer says that somebody is there."""
    parts = urlsplit(indirizzo.url)
    connection: http.client.HTTPConnection
    started = time.perf_counter()
    try:
        if parts.scheme == "https":
            context = build_contesto(indirizzo.identita)
            connection = http.client.HTTPSConnection(parts.netloc, timeout=_TIMEOUT_S, context=context)
        else:
            connection = http.client.HTTPConnection(parts.netloc, timeout=_TIMEOUT_S)
        try:
            connection.request("HEAD", parts.path or "/")
            date = connection.getresponse().getheader("Date")
        finally:
            connection.close()
    except (OSError, ssl.SSLError, socket.gaierror, http.client.HTTPException, Misconfigured) as error:
        return [Referto(indirizzo.cosa, MALE, f"non risponde ({type(error).__name__}: {_reason(error)})")]
    found = [Referto(indirizzo.cosa, BENE, f"risponde in {_ms(started)} ms")]
    return found + _clock(date, utc_now)


def _clock(date: str | None, now: Callable[[], datetime]) -> list[Referto]:
    try:
        theirs = parsedate_to_datetime(date or "")
    except (TypeError, ValueError):
        return []
    apart = abs((now() - theirs.astimezone(UTC)).total_seconds())
    if apart <= _CLOCK_S:
        return [Referto("orologio", BENE, f"a meno di {_CLOCK_S} secondi dal loro")]
    return [Referto("orologio", MALE, f"a {round(apart)} secondi dal loro: serve NTP")]


def _reason(error: Exception) -> str:
    return str(getattr(error, "reason", "") or getattr(error, "strerror", "") or error)[:120]


def _ms(started: float) -> int:
    return round((time.perf_counter() - started) * 1000)
