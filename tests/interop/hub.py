"""A whole hub running as in production, for clients that were not written for it: three processes, a SQLite file."""

from __future__ import annotations

import http.client
import json
import re
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import parse_qs, urlencode, urlsplit

import yaml

from benchmarks.messages import PATH
from benchmarks.processes import Installation
from hub.formats.resources import resource

STORY_TIMEOUT_S = 60

# Beside the demo's cast a second ente of the same station, so that a cart may have two: codIpaEnte to tax code.
VICINO = {
    "codIpaEnte": "C_VICINO",
    "codice_fiscale": "98765432103",
    "nome": "Comune Vicino",
    "stato": "ESERCIZIO",
    "stazione": "12345678903_01",
    "codice_segregazione": "02",
    "iban": "IT60X0542811101000000123456",
    "password": "Vicino123456",
    "tipi": [{"codice": "ZTL", "descrizione": "Zona a traffico limitato", "tassonomia": "9/0105115AP/"}],
}
CARRELLO = {"C_PROVA": "12345678903", "C_VICINO": VICINO["codice_fiscale"]}
PASSWORD_STAZIONE = "password01"


@dataclass(frozen=True)
class RunningHub:
    """The addresses, and the payer: what a client never does by itself."""

    url: str
    node_url: str

    @property
    def service(self) -> str:
        return self.url + PATH

    @property
    def wsdl(self) -> str:
        return self.service + "?wsdl"

    def pay(self, page: str) -> str:
        """Pay as a browser without JavaScript would; return the address the payer is sent to at the end."""
        status, _, text = _get(page)
        assert status == 200, text
        seal = re.search(r'name="sigillo" value="([^"]+)"', text)
        assert seal is not None, text
        form = {"nome": "Mario Rossi", "email": "mario.rossi@example.org", "sigillo": seal.group(1)}
        status, _, text = request("POST", page, urlencode(form), "application/x-www-form-urlencoded")
        assert status == 303, text
        at_node = self._wait_for_node(page)
        assert at_node.startswith(self.node_url + "/pagamento")
        id_session = parse_qs(urlsplit(at_node).query)["idSession"][0]
        words = json.dumps({"idSession": id_session, "azione": "paga"})
        status, _, text = request("POST", self.node_url + "/api/paga", words, "application/json")
        assert status == 200, text
        return_url = str(json.loads(text)["redirect"])
        status, location, _ = _get(return_url)
        assert status == 303
        return location

    def pay_notice(self, numero: str) -> None:
        """Pay a notice of the demo's ente at the counter of the simulated PSP."""
        words = json.dumps({"codice_fiscale": CARRELLO["C_PROVA"], "numero_avviso": numero, "azione": "paga"})
        status, _, text = request("POST", self.node_url + "/api/sportello", words, "application/json")
        assert status == 200 and json.loads(text)["stato"] == "PAGATO", text

    def _wait_for_node(self, page: str) -> str:
        deadline = time.monotonic() + STORY_TIMEOUT_S
        while time.monotonic() < deadline:
            status, location, text = _get(page)
            if status == 303:
                return location
            assert status == 200, text
            time.sleep(0.1)
        raise AssertionError("the page never went on to the node")


@contextmanager
def start_hub(folder: Path, kind: type[Installation] = Installation) -> Iterator[RunningHub]:
    """Give a hub with its worker and the simulated node, configured with the demo's cast, in an empty folder."""
    with kind(folder, f"sqlite:///{folder / 'pontepa.db'}") as installation:
        installation.prepare()
        installation.run("config", "apply", str(_two_enti(folder)))
        installation.simulator()
        installation.serve()
        installation.worker()
        yield RunningHub(installation.hub_url, installation.node_url)


def _two_enti(folder: Path) -> Path:
    cast = yaml.safe_load(resource("examples", "demo.yaml").read_text(encoding="utf-8"))
    cast["enti"].append(VICINO)
    path = folder / "due-enti.yaml"
    path.write_text(yaml.safe_dump(cast, allow_unicode=True), encoding="utf-8")
    return path


def request(method: str, url: str, body: str | None = None, content_type: str = "") -> tuple[int, str, str]:
    """Return status, Location and text; no redirect is followed."""
    parts = urlsplit(url)
    connection = http.client.HTTPConnection(str(parts.hostname), parts.port, timeout=10)
    try:
        target = parts.path + (f"?{parts.query}" if parts.query else "")
        encoded = None if body is None else body.encode("utf-8")
        connection.request(method, target, encoded, {"Content-Type": content_type} if content_type else {})
        answer = connection.getresponse()
        return answer.status, answer.getheader("Location", ""), answer.read().decode("utf-8")
    finally:
        connection.close()


def _get(url: str) -> tuple[int, str, str]:
    return request("GET", url)
