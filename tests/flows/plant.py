"""A whole installation of real processes that can be killed and started again, and stories told to it over HTTP."""

from __future__ import annotations

import base64
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import parse_qs, urlsplit

import urllib3

from benchmarks.processes import START_TIMEOUT_S, Installation, Process, below, free_port, wait_http
from hub.crash import FLAG, Punto
from tests.factories import Documento, make_documento
from tests.flows.nursery import nursery

T = TypeVar("T")
SERVICE = "/ws/pa/PagamentiTelematiciDovutiPagati"
NS = "http://www.regione.veneto.it/pagamenti/ente/"
PASSWORD = "Segreto12345"
HTTP = urllib3.PoolManager(maxsize=64, retries=False, timeout=30)


@dataclass(frozen=True, slots=True)
class Ricevuta:
    """What the management software reads back at the end."""

    id_session: str
    iud: str
    iuv: str
    codice_esito: str


class Plant(Installation):
    """Processes by name; `extra` is added to the environment of every one.

    `is_cold`: each process loads the program by itself, where its own memory and processor time are measured.
    """

    def __init__(
        self, folder: Path, database_url: str, extra: dict[str, str] | None = None, *, is_cold: bool = False
    ) -> None:
        super().__init__(folder, database_url)
        self._is_cold = is_cold
        self.extra = {**(extra or {})}
        self.of_simulator: tuple[str, ...] = ()
        # The code of another version, which the processes that are started from now on run.
        self.tree: Path | None = None
        # For whom the stories are told: the ente of the demo.
        self.cod_ipa_ente, self.password = "C_PROVA", PASSWORD
        # Added to the environment of one process alone.
        self.of_name: dict[str, dict[str, str]] = {}
        self.by_name: dict[str, Process] = {}
        # Of further servers over the same database: `serve-2`.
        self._serve_urls: dict[str, str] = {}

    @property
    def environment(self) -> dict[str, str]:
        return super().environment | self.extra

    def up(self, *names: str) -> None:
        """Start `serve`, `simulator`, workers and further servers under names of their own (`worker-1`, `serve-2`),
        together; wait for each."""
        started = [(name, self._start_named(name)) for name in names]
        for name, process in started:
            if not name.startswith("worker"):
                url = f"{self.node_url}/health/live" if name == "simulator" else f"{self.url_of(name)}/health/ready"
                wait_http(url, process, self.folder / f"{name}.log")

    def url_of(self, name: str) -> str:
        """The address of a server by its name."""
        if name == "serve":
            return self.hub_url
        return self._serve_urls.setdefault(name, f"http://127.0.0.1:{free_port()}")

    def _start_named(self, name: str) -> Process:
        kind = name.partition("-")[0]
        arguments = [kind]
        if kind == "serve":
            arguments += ["--port", self.url_of(name).rpartition(":")[2]]
        elif kind == "simulator":
            arguments += ["--port", self.node_url.rpartition(":")[2], "--hub", self.hub_url, *self.of_simulator]
        log = self.folder / f"{name}.log"
        process = self._begin(arguments, log, self.of_name.get(name))
        self.by_name[name] = process
        self._running.append(process)
        return process

    def run(self, *arguments: str) -> None:
        """Run a command to its end. Raises: RuntimeError (it failed; what it wrote)."""
        log = self.folder / f"comando-{'-'.join(arguments[:2])}.txt"
        log.unlink(missing_ok=True)
        if self._begin(arguments, log).wait(START_TIMEOUT_S):
            raise RuntimeError(f"pontepa {' '.join(arguments)}: {log.read_text(errors='replace')[-2000:]}")

    def _begin(self, arguments: Sequence[str], log: Path, env: Mapping[str, str] | None = None) -> Process:
        environment = self.environment | {**(env or {})}
        command = [str(Path(sys.executable).with_name("pontepa"))]
        if self.tree is not None:
            environment["PYTHONPATH"] = str(self.tree)
            command = [sys.executable, "-m", "hub.cli"]
        elif not self._is_cold:
            return nursery().bear(arguments, env=environment, cwd=self.folder, log=log)
        with log.open("ab") as output:
            return subprocess.Popen(
                [*command, *arguments],
                env=environment, cwd=self.folder, stdout=output, stderr=output, start_new_session=True,
            )  # fmt: skip

    def await_worker(self, name: str) -> None:
        """Return when a worker that was started does its work. Raises: TimeoutError."""
        log = self.folder / f"{name}.log"
        until(lambda: "worker_started" in log.read_text(errors="replace") or None, START_TIMEOUT_S)

    def kill(self, name: str) -> None:
        """kill -9 of a process and of the ones it started."""
        process = self.by_name.pop(name)
        self._running.remove(process)
        subprocess.run(["kill", "-9", "--", f"-{process.pid}"], check=True)
        process.wait()

    def freeze(self, name: str, *, thaw: bool = False) -> None:
        self.by_name[name].send_signal(signal.SIGCONT if thaw else signal.SIGSTOP)

    def freeze_at(self, name: str, punto: Punto, nth: int = 1) -> None:
        """Let what is started under this name from now on freeze the n-th time that it gets there."""
        self.of_name[name] = {FLAG: f"{punto}:{nth}:gela"}

    def await_frozen(self, name: str, limit_s: float) -> int:
        """Return the number of the process that is frozen: this one or one below it. Raises: TimeoutError."""
        pid = self.by_name[name].pid
        return until(lambda: next((one for one, stat in below([pid]).items() if stat[0] == "T"), None), limit_s)

    def fault(self, **rule: Any) -> None:
        answer = HTTP.request("POST", f"{self.node_url}/faults", json=rule)
        assert answer.status == 201, answer.data

    def ledger(self) -> dict[str, Any]:
        return HTTP.request("GET", f"{self.node_url}/ledger").json()

    def call(self, operation: str, inner: str, header: str = "") -> str:
        """Call the management software's service and return the text of the answer."""
        answer = self.ask(self.hub_url, operation, inner, header)
        assert answer.status == 200, answer.data
        return answer.data.decode()

    @staticmethod
    def ask(url: str, operation: str, inner: str, header: str = "") -> urllib3.BaseHTTPResponse:
        """Call the service of one server, whatever it answers. Raises: HTTPError (nobody is there)."""
        body = (
            f'<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/"><s:Header>{header}</s:Header><s:Body>'
            f'<e:{operation} xmlns:e="{NS}">{inner}</e:{operation}></s:Body></s:Envelope>'
        )
        headers = {"Content-Type": "text/xml; charset=utf-8", "SOAPAction": operation}
        return HTTP.request("POST", url + SERVICE, body=body.encode(), headers=headers)

    def send(self, documento: Documento | None = None) -> tuple[str, str]:
        """Send one dovuto that goes straight to the payment; return idSession and IUD."""
        documento = documento or make_documento()
        ente = f"<codIpaEnte>{self.cod_ipa_ente}</codIpaEnte>"
        header = f'<h:intestazionePPT xmlns:h="{NS}ppthead">{ente}</h:intestazionePPT>'
        dovuti = base64.b64encode(documento.xml).decode()
        inner = f"<password>{self.password}</password><dovuti>{dovuti}</dovuti><showMyPay>NONE</showMyPay>"
        answer = self.call("paaSILInviaDovuti", inner, header)
        return field(answer, "idSession"), documento.voci[0].iud

    def open(self, id_session: str) -> None:
        """Open the payer's address: the payment starts."""
        answer = HTTP.request("GET", f"{self.hub_url}/paga/{id_session}", redirect=False)
        assert answer.status in (200, 303), answer.data

    def url_of_node(self, id_session: str, timeout_s: float = 30) -> str:
        """Wait until the page sends the browser on to the node."""

        def location() -> str | None:
            answer = HTTP.request("GET", f"{self.hub_url}/paga/{id_session}", redirect=False)
            return answer.headers.get("Location") if answer.status == 303 else None

        return until(location, timeout_s)

    def pay(self, url: str, azione: str = "paga") -> None:
        id_nodo = parse_qs(urlsplit(url).query)["idSession"][0]
        answer = HTTP.request("POST", f"{self.node_url}/api/paga", json={"idSession": id_nodo, "azione": azione})
        assert answer.status == 200, answer.data

    def read_back(self, id_session: str, iud: str, timeout_s: float = 30) -> Ricevuta:
        """Poll paaSILChiediPagatiConRicevuta as a management software does."""
        caller = f"<codIpaEnte>{self.cod_ipa_ente}</codIpaEnte><password>{self.password}</password>"
        inner = f"{caller}<idSession>{id_session}</idSession>"

        def pagati() -> str | None:
            answer = self.call("paaSILChiediPagatiConRicevuta", inner)
            found = re.search("<pagati>(.*?)</pagati>", answer, re.DOTALL)
            if found is None:
                assert field(answer, "faultCode") in ("PAA_PAGAMENTO_IN_CORSO", "PAA_PAGAMENTO_NON_INIZIATO"), answer
                return None
            return base64.b64decode(base64.b64decode(found.group(1))).decode()

        xml = until(pagati, timeout_s)
        return Ricevuta(
            id_session,
            field(xml, "pay_i:identificativoUnivocoDovuto") if "identificativoUnivocoDovuto" in xml else iud,
            field(xml, "pay_i:identificativoUnivocoVersamento"),
            field(xml, "pay_i:codiceEsitoPagamento"),
        )

    def tell(self, timeout_s: float = 60) -> Ricevuta:
        """One whole story: sent, opened, paid, read back."""
        id_session, iud = self.send()
        self.open(id_session)
        self.pay(self.url_of_node(id_session, timeout_s))
        return self.read_back(id_session, iud, timeout_s)


def field(xml: str, name: str) -> str:
    found = re.search(f"<{name}>(.*?)</{name}>", xml)
    assert found is not None, f"{name} not in {xml}"
    return found.group(1)


def until(look: Callable[[], T | None], timeout_s: float) -> T:
    """Return the first value that is not None. Raises: TimeoutError."""
    deadline = time.monotonic() + timeout_s
    while time.monotonic() < deadline:
        value = look()
        if value is not None:
            return value
        time.sleep(0.05)
    raise TimeoutError(f"nothing within {timeout_s} s")
