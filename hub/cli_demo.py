"""`pontepa demo`: the main job, end to end, on this machine."""

from __future__ import annotations

import base64
import json
import os
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Self
from urllib.request import urlopen
from xml.etree import ElementTree

import click

from hub.cli_cast import Cast
from hub.cli_citizen import CitizenLost, pay
from hub.cli_common import Refusal, Settings, utc_now
from hub.cli_sportello import Sportello, open_sportello
from hub.config import Config, load_config
from hub.domain.iuv import format_avviso, numero_avviso
from hub.formats.configurazione import read_configurazione
from hub.formats.resources import resource
from hub.formats.segreti import Cassaforte
from hub.store import carrelli, migrate, operatori, tentativi
from hub.usecases import apply_config
from hub.usecases.operatori import add_operatore

_CLIENT_TIMEOUT_S = 30.0
# The node notes the hub's answer a moment after the hub has the receipt.
_LEDGER_TIMEOUT_S = 5.0

# An address nobody opens: the citizen's browser stops there and reads the outcome.
HOME_URL = "https://sportello.example.org/esito"
WSDL_PATH = "/ws/pa/PagamentiTelematiciDovutiPagati?wsdl"
_STEPS = 9
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
        "PONTEPA_SECRET_KEY": secrets.token_hex(32),
        "PONTEPA_HOST": "127.0.0.1",
        "PONTEPA_PORT": str(port),
        "PONTEPA_LOG_FORMAT": "json",
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


class _Client:
    """The bundled example client, run as its author would: a program of its own that speaks JSON lines."""

    def __init__(self, cast: Cast, wsdl: str) -> None:
        self._cast = cast
        self._process = subprocess.Popen(
            [sys.executable, str(resource("examples", "mensa_client.py")), "--wsdl", wsdl, "--json",
             "--url-ritorno", HOME_URL, "--attesa", f"{_CLIENT_TIMEOUT_S:g}"],
            env=dict(cast.env), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        )  # fmt: skip

    def read(self, step: str) -> dict[str, Any]:
        """Return the line of a step. The client has a time-out of its own: this waits no longer than it."""
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            assert self._process.stderr is not None
            self._cast.fail(f"il programma di esempio non è arrivato a «{step}»: {self._process.stderr.read().strip()}")
        values: dict[str, Any] = json.loads(line)
        if values.get("passo") != step:
            self._cast.fail(f"il programma di esempio ha detto «{values.get('passo')}» invece di «{step}»")
        return values

    def end(self) -> int:
        return self._process.wait(_CLIENT_TIMEOUT_S)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self._process.poll() is None:
            self._process.kill()
        self._process.communicate()


def _step(number: int, sentence: str, **values: object) -> None:
    click.echo(f"{number}/{_STEPS} {sentence}")
    width = max((len(name) for name in values), default=0)
    for name, value in values.items():
        click.echo(f"      {name.replace('_', ' ').ljust(width)}  {value}")


def _story(cast: Cast, config: Config, hub_url: str, simulator_url: str, sportello: Sportello) -> None:
    """Play the main job and print each step. Raises: Refusal when any of it did not happen."""
    with _Client(cast, hub_url + WSDL_PATH) as client:
        sent = client.read("inviato")
        _step(4, "il gestionale della mensa ha inviato un dovuto con paaSILInviaDovuti",
              idSession=sent["id_session"], IUD=sent["iud"], pagina=sent["url"])  # fmt: skip
        try:
            walk = pay(sent["url"], HOME_URL)
        except CitizenLost as error:
            cast.fail(f"il cittadino si è perso: {error}")
        iuv, ccp = _attempt(cast, config, sent["id_session"])
        _step(5, "il cittadino ha confermato; il worker ha spedito la richiesta al nodo (nodoInviaCarrelloRPT)",
              IUV=iuv, numero_avviso=format_avviso(numero_avviso(iuv)), CCP=ccp)  # fmt: skip
        _step(6, "il cittadino ha pagato ed è tornato al sito dell'ente",
              ritorno=walk.last_url.partition("&polling")[0])  # fmt: skip
        receipt = client.read("ricevuta")
        if client.end() != 0 or receipt["esito"] != "0" or (receipt["iuv"], receipt["ccp"]) != (iuv, ccp):
            cast.fail("la ricevuta non è quella del pagamento")
    ledger = _ledger(cast, simulator_url, iuv)
    _step(7, "la ricevuta è arrivata dal nodo (paaInviaRT)",
          RT=f"{len(base64.b64decode(receipt['rt']))} byte", IUR=receipt["iur"], **ledger)  # fmt: skip
    _step(8, "il gestionale l'ha riletta con paaSILChiediPagatiConRicevuta", importo=f"{receipt['importo']} euro")
    told = sportello.wait()
    if told is None:
        cast.fail("l'esito non è arrivato al sistema dell'ente")
    _step(9, "l'esito è arrivato da solo al sistema dell'ente, firmato", **told)
    click.echo("\nIl documento «pagati», decodificato:\n\n" + _indented(receipt["xml"]))


def _indented(xml: str) -> str:
    ElementTree.register_namespace("pay_i", "http://www.regione.veneto.it/schemas/2012/Pagamenti/Ente/")
    root = ElementTree.fromstring(xml)
    ElementTree.indent(root)
    return ElementTree.tostring(root, encoding="unicode")


def _attempt(cast: Cast, config: Config, id_session: str) -> tuple[str, str]:
    with Settings.open(config) as db, db.reading() as session:
        found = carrelli.of_session(session, id_session)
        tentativo = tentativi.last_of(session, found[0].id) if found else None
    if tentativo is None:
        cast.fail("nessuna richiesta di pagamento per questa sessione")
    return tentativo.iuv, tentativo.ccp


def _ledger(cast: Cast, simulator_url: str, iuv: str) -> dict[str, str]:
    """Return what the node says of this IUV. Raises: Refusal unless it is one RPT whose receipt was taken."""
    deadline = time.monotonic() + _LEDGER_TIMEOUT_S
    while True:
        with urlopen(f"{simulator_url}/ledger?iuv={iuv}", timeout=5) as answer:
            found = [row["stato"] for row in json.load(answer)["rpt"] if row["iuv"] == iuv]
        if found == ["RT_ACCETTATA_PA"]:
            return {"registro_del_nodo": f"1 RPT, stato {found[0]}"}
        if time.monotonic() > deadline:
            cast.fail(f"il nodo ha {len(found)} richieste per lo IUV {iuv}: {', '.join(found)}")
        time.sleep(0.1)


@click.command()
@click.option("--keep", is_flag=True, help="Alla fine lascia tutto acceso e mostra gli indirizzi da provare.")
@click.option("--port", type=click.IntRange(0, 65535), default=8080, show_default=True, help="Dell'hub; 0: una libera.")
@click.option("--simulator-port", type=click.IntRange(0, 65535), default=8081, show_default=True,
              help="Del nodo simulato; 0: una libera.")  # fmt: skip
@click.option("--dir", "given", type=click.Path(file_okay=False, path_type=Path), help="Senza, una nuova.")
@click.option("--database-url", envvar="PONTEPA_DATABASE_URL", help="Senza, un file SQLite nella cartella.")
def demo(keep: bool, port: int, simulator_port: int, given: Path | None, database_url: str | None) -> None:
    """Prova tutto su questa macchina: un dovuto dall'invio alla ricevuta."""
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
            is_new = _prepare(config, sportello)
            kind = "PostgreSQL" if not config.is_sqlite else f"SQLite, {directory / 'pontepa.db'}"
            _step(1, f"database pronto ({kind})")
            _step(2, f"Comune di Prova {'configurato' if is_new else 'già configurato'} (C_PROVA)")
            cast.start("hub", "serve", "--port", str(port))
            cast.start("worker", "worker")
            cast.wait_url("il nodo simulato", f"{simulator_url}/health/live")
            cast.wait_url("l'hub", f"{hub_url}/health/ready")
            _step(3, "hub, worker e nodo simulato accesi", hub=hub_url, nodo=simulator_url, ente=sportello.url)
            _story(cast, config, hub_url, simulator_url, sportello)
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
        f"  console degli operatori   {hub_url}/console ({_OPERATORE}, {password})\n"
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
