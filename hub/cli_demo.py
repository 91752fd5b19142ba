"""`pontepa demo`: the main job, end to end, on this machine."""

from __future__ import annotations

import os
import secrets
import shutil
import signal
import socket
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import click

from hub import cli_storia_avviso, cli_storia_checkout, cli_storia_online
from hub.cli_cast import Cast
from hub.cli_cliente import WSDL_PATH
from hub.cli_common import Refusal, Settings, utc_now
from hub.cli_scena import Racconto, Scena, Storia
from hub.cli_sportello import Sportello, open_sportello
from hub.config import Config
from hub.config_reading import load_config
from hub.formats.configurazione import read_configurazione
from hub.formats.resources import resource
from hub.formats.segreti import Cassaforte
from hub.store import migrate, operatori
from hub.usecases import apply_config
from hub.usecases.operatori import add_operatore

# In this order; each is a module of its own.
_STORIE: tuple[Storia, ...] = (
    cli_storia_online.racconta,
    cli_storia_avviso.racconta,
    cli_storia_checkout.racconta,
)
_OPERATORE = "demo"


def _free_port(port: int) -> int:
    """Return the port, or a free one for 0. Raises: Refusal when it is taken."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError as error:
            raise Refusal(f"la porta {port} è occupata: sceglierne un'altra con --port e --simulator-port") from error
        return int(probe.getsockname()[1])


def _environment(directory: Path, database_url: str | None, port: int, simulator_port: int) -> dict[str, str]:
    """Return the environment of the cast: nothing of a real installation gets into it but the database asked for."""
    env = {name: value for name, value in os.environ.items() if not name.startswith("PONTEPA_")}
    # Children run this very code, from a clone as from an installed wheel, in whatever folder.
    env["PYTHONPATH"] = os.pathsep.join(
        part for part in (str(Path(__file__).resolve().parents[1]), env.get("PYTHONPATH", "")) if part
    )
    return env | {
        "PONTEPA_AMBIENTE": "sviluppo",
        "PONTEPA_DATABASE_URL": database_url or f"sqlite:///{directory / 'pontepa.db'}",
        "PONTEPA_DATA_DIR": str(directory),
        "PONTEPA_PUBLIC_URL": f"http://127.0.0.1:{port}",
        "PONTEPA_NODE_URL": f"http://127.0.0.1:{simulator_port}",
        "PONTEPA_PIATTAFORMA_URL": f"http://127.0.0.1:{simulator_port}",
        "PONTEPA_SECRET_KEY": secrets.token_hex(32),
        "PONTEPA_HOST": "127.0.0.1",
        "PONTEPA_PORT": str(port),
        "PONTEPA_LOG_FORMAT": "json",
        # Who tries it looks at what was said, and why.
        "PONTEPA_SANDBOX": "true",
        # It plays by itself: whatever the hour, nothing outside is asked.
        "PONTEPA_TASSONOMIA_AGGIORNA": "false",
    }


@contextmanager
def _directory(given: Path | None, keep: bool) -> Iterator[Path]:
    """Give the folder of the run; a fresh one goes away when all went well and nobody wants to look."""
    directory = given or Path(tempfile.mkdtemp(prefix="pontepa-demo-"))
    directory.mkdir(parents=True, exist_ok=True)
    try:
        yield directory.resolve()
    except BaseException:
        click.echo(f"I log restano in {directory}", err=True)
        raise
    if given is None and not keep:
        shutil.rmtree(directory, ignore_errors=True)


def _prepare(config: Config, sportello: Sportello) -> bool:
    """Make tables and cast; return whether the ente is new.

    Raises: Refusal when the database belongs to somebody.
    """
    wanted = sportello.wanted(read_configurazione(resource("examples", "demo.yaml").read_bytes()))
    cassaforte = Cassaforte(config.secret_key)
    with Settings.open(config) as db:
        migrate.upgrade(db, resource("migrations"))
        planned = apply_config.plan(db, wanted, cassaforte, utc_now())
        if not all(difference.is_change for difference in planned):
            raise Refusal("il database contiene altri enti: la prova vuole un database suo")
        done = apply_config.apply(db, wanted, cassaforte, utc_now())
    return any(difference.azione == "aggiunge" for difference in done)


@click.command()
@click.option("--keep", is_flag=True, help="Alla fine lascia tutto acceso e mostra gli indirizzi da provare.")
@click.option("--port", type=click.IntRange(0, 65535), default=8080, show_default=True, help="Dell'hub; 0: una libera.")
@click.option("--simulator-port", type=click.IntRange(0, 65535), default=8081, show_default=True,
              help="Del nodo simulato; 0: una libera.")  # fmt: skip
@click.option("--dir", "given", type=click.Path(file_okay=False, path_type=Path), help="Senza, una nuova.")
@click.option("--database-url", envvar="PONTEPA_DATABASE_URL", help="Senza, un file SQLite nella cartella.")
def demo(keep: bool, port: int, simulator_port: int, given: Path | None, database_url: str | None) -> None:
    """Prova tutto su questa macchina: dal dovuto inviato alla ricevuta riletta."""
    started = time.monotonic()
    # The cast lives in sessions of its own: a plain kill of the demo must stop it too.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    port, simulator_port = _free_port(port), _free_port(simulator_port)
    hub_url, simulator_url = f"http://127.0.0.1:{port}", f"http://127.0.0.1:{simulator_port}"
    with _directory(given, keep) as directory:
        env = _environment(directory, database_url, port, simulator_port)
        config = load_config(None, env)
        with open_sportello() as sportello, Cast(directory, env) as cast:
            cast.start("simulator", "simulator", "--port", str(simulator_port), "--hub", hub_url)
            racconto = Racconto("Si prepara la scena", 3)
            is_new = _prepare(config, sportello)
            kind = "PostgreSQL" if not config.is_sqlite else f"SQLite, {directory / 'pontepa.db'}"
            racconto.step(f"database pronto ({kind})")
            racconto.step(f"Comune di Prova {'configurato' if is_new else 'già configurato'} (C_PROVA)")
            cast.start("hub", "serve", "--port", str(port))
            cast.start("worker", "worker")
            cast.wait_url("il nodo simulato", f"{simulator_url}/health/live")
            cast.wait_url("l'hub", f"{hub_url}/health/ready")
            racconto.step("hub, worker e nodo simulato accesi", hub=hub_url, nodo=simulator_url, ente=sportello.url)
            scena = Scena(cast, config, hub_url, simulator_url, sportello)
            for storia in _STORIE:
                storia(scena)
            cast.check()
            click.echo(f"\nFatto: tutto è successo davvero, in {time.monotonic() - started:.1f} secondi.")
            if keep:
                _stay(cast, hub_url, simulator_url, directory, _operator(config))


def _operator(config: Config) -> str:
    """Let somebody into the console of this run; return the password."""
    password = secrets.token_urlsafe(12)
    with Settings.open(config) as db:
        with db.transaction() as session:
            operatori.revoke(session, _OPERATORE, utc_now())
        add_operatore(db, _OPERATORE, password, None, utc_now())
    return password


def _stay(cast: Cast, hub_url: str, simulator_url: str, directory: Path, password: str) -> None:
    """Leave everything running until Ctrl-C."""
    click.echo(
        f"\nTutto resta acceso. Da provare:\n"
        f"  contratto del servizio    {hub_url}{WSDL_PATH}\n"
        f"  stato di salute           {hub_url}/health/ready\n"
        f"  registro del nodo         {simulator_url}/ledger\n"
        f"  sportello di un PSP       {simulator_url}/sportello\n"
        f"  console degli operatori   {hub_url}/console ({_OPERATORE}, {password})\n"
        f"  sandbox                   {hub_url}/sandbox (come la console, o C_PROVA con la sua password)\n"
        f"  un altro pagamento        {sys.executable} {resource('examples', 'mensa_client.py')}"
        f" --wsdl '{hub_url}{WSDL_PATH}'\n"
        f"  log                       {directory}\n"
        f"Ctrl-C per fermare."
    )
    try:
        while True:
            cast.check()
            time.sleep(0.5)
    except KeyboardInterrupt:
        click.echo("Fermato.")
