"""Flows sent to an installation as a management software sends them: authorisation, upload, status, download."""

from __future__ import annotations

import html
import re
import zipfile
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import urllib3

from hub.formats.tracciati.import_dovuti import VERSIONI
from tests.flows.plant import HTTP, NS, PASSWORD, Plant, field, until

# Files that the status call gives addresses of, by the element that asks for them.
RISULTATI = {"fileScarti": "urlFileScarti", "fileIUV": "urlFileIUV", "fileAvvisi": "urlFileAvvisi"}
_OTHERS = (("98765432103", "02"), ("11111111115", "03"), ("22222222220", "04"))


def write_flow(path: Path, righe: Iterable[str]) -> Path:
    """Write the zip of a flow whose name says its version, row by row; return its path."""
    versione = path.stem.rpartition("-")[2]
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=6) as opened:
        with opened.open(f"{path.stem}.csv", "w") as csv:
            csv.write(f"{VERSIONI[versione].intestazione()}\n".encode())
            csv.writelines(f"{riga}\n".encode() for riga in righe)
    return path


def add_enti(plant: Plant, count: int, **tipo: str) -> list[str]:
    """Configure so many enti beside the demo's; return their codes.

    Each has TARI, with the keys of `tipo`, and STAMPATO.
    """
    codes = []
    more = "".join(f", {key}: {value}" for key, value in tipo.items())
    lines = ['stazioni: [{id: "12345678903_01", intermediario: "12345678903", password: "***"}]', "enti:"]
    for codice_fiscale, segregazione in _OTHERS[:count]:
        codes.append(f"C_ALTRO{segregazione}")
        lines.append(
            f'  - {{codIpaEnte: {codes[-1]}, codice_fiscale: "{codice_fiscale}", nome: Comune {segregazione}, '
            f'stato: ESERCIZIO, stazione: "12345678903_01", codice_segregazione: "{segregazione}", '
            f'iban: IT60X0542811101000000123456, password: "{PASSWORD}", '
            f"tipi: [{{codice: TARI, descrizione: Tassa rifiuti, tassonomia: 9/0101101IM/{more}}}, "
            "{codice: STAMPATO, descrizione: Con avviso, tassonomia: 9/0101101IM/}]}"
        )
    file = plant.folder / "altri.yaml"
    file.write_text("\n".join(lines))
    plant.run("config", "apply", str(file))
    return codes


@dataclass(frozen=True, slots=True)
class Autorizzazione:
    upload_url: str
    authorization_token: str
    request_token: str


class Mittente:
    """The management software of one ente."""

    def __init__(self, plant: Plant, cod_ipa_ente: str = "C_PROVA") -> None:
        self._plant = plant
        self._header = (
            f'<h:intestazionePPT xmlns:h="{NS}ppthead"><codIpaEnte>{cod_ipa_ente}</codIpaEnte></h:intestazionePPT>'
        )

    def authorize(self) -> Autorizzazione:
        answer = self._plant.call("paaSILAutorizzaImportFlusso", f"<password>{PASSWORD}</password>", self._header)
        names = ("uploadUrl", "authorizationToken", "requestToken")
        return Autorizzazione(*(html.unescape(field(answer, name)) for name in names))

    def authorize_at(self, url: str) -> str | None:
        """Return an authorizationToken of one server; None: it is closed, or said to come back."""
        try:
            inner = f"<password>{PASSWORD}</password>"
            answer = self._plant.ask(url, "paaSILAutorizzaImportFlusso", inner, self._header)
        except urllib3.exceptions.HTTPError:
            return None
        text = answer.data.decode()
        return html.unescape(field(text, "authorizationToken")) if answer.status == 200 else None

    def upload(self, permit: Autorizzazione, file: Path) -> dict[str, str]:
        """Post a file; return the one object of the answer."""
        fields = {
            "authorizationToken": permit.authorization_token,
            "file": (file.name, file.read_bytes(), "application/zip"),
        }
        answer = HTTP.request("POST", permit.upload_url, fields=fields, timeout=120)
        assert answer.status == 200, answer.data
        (said,) = answer.json()
        return dict(said)

    def send(self, file: Path) -> str:
        """Have a file taken; return its requestToken."""
        permit = self.authorize()
        said = self.upload(permit, file)
        assert "codice" not in said, said
        return permit.request_token

    def stato(self, request_token: str) -> tuple[str, dict[str, str]]:
        """Return `stato`, and the addresses of the results by the element that asks for them."""
        asked = "".join(f"<{name}>true</{name}>" for name in RISULTATI)
        inner = f"<requestToken>{request_token}</requestToken><password>{PASSWORD}</password>{asked}"
        answer = self._plant.call("paaSILChiediStatoImportFlusso", inner, self._header)
        found = {name: re.search(f"<{element}>(.*?)</{element}>", answer) for name, element in RISULTATI.items()}
        return field(answer, "stato"), {name: html.unescape(one[1]) for name, one in found.items() if one}

    def wait(self, request_token: str, timeout_s: float = 120) -> dict[str, str]:
        """Poll until the import has ended well; return the addresses of its results."""

        def ended() -> tuple[str, dict[str, str]] | None:
            stato, urls = self.stato(request_token)
            return None if stato in ("LOAD_IMPORT", "IMPORT_IN_ELAB") else (stato, urls)

        stato, urls = until(ended, timeout_s)
        assert stato == "IMPORT_ESEGUITO", stato
        return urls


def download(url: str) -> bytes:
    answer = HTTP.request("GET", url)
    assert answer.status == 200, answer.data
    return answer.data
