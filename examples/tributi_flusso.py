#!/usr/bin/env python3
"""A tax office that loads a whole bill run in one file: from the list of who owes to a number and a notice for each.

It asks leave with `paaSILAutorizzaImportFlusso`, uploads the flow (a zip with one csv), asks with
`paaSILChiediStatoImportFlusso` until it is loaded, and fetches the files of results: the rows that were refused and
why, the number of each notice, the notices to print. It needs only zeep (`pip install zeep`), the published contract,
and `mensa_client.py` beside it:

    python tributi_flusso.py --elenco elenco.csv --cartella risultati

`elenco.csv` has a line of names and then a line for each debt:

    iud;codice_fiscale;nome;importo;scadenza;causale
    TARI-2026-000001;RSSMRA80A01H501U;Mario Rossi;84.30;2026-12-31;Tassa rifiuti 2026, prima rata

Copy what you need of it into your own program.
"""

from __future__ import annotations

import argparse
import csv
import io
import sys
import time
import uuid
import zipfile
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import requests
import zeep
import zeep.exceptions
from mensa_client import WSDL, Rifiuto, make_transport, raise_fault, say

# Columns are known by their place, not by their name: write all of them, in this order. Version 1_3.
COLONNE = (
    "IUD", "codIuv", "tipoIdentificativoUnivoco", "codiceIdentificativoUnivoco", "anagraficaPagatore",
    "indirizzoPagatore", "civicoPagatore", "capPagatore", "localitaPagatore", "provinciaPagatore", "nazionePagatore",
    "mailPagatore", "dataEsecuzionePagamento", "importoDovuto", "commissioneCaricoPa", "tipoDovuto", "tipoVersamento",
    "causaleVersamento", "datiSpecificiRiscossione", "bilancio", "flgGeneraIuv", "azione",
)  # fmt: skip
# Loaded (rows may still have been refused), nothing to load, refused as a whole.
FINITI = ("IMPORT_ESEGUITO", "IMPORT_ABORTITO")
# A big file takes its time to arrive.
UPLOAD_TIMEOUT_S = 300


@dataclass(frozen=True)
class Debito:
    """One line of the list. The IUD is ours, and is never used twice, not even for a debt that was cancelled."""

    iud: str
    codice_fiscale: str
    nome: str
    importo: str
    scadenza: str
    causale: str


def read_elenco(path: Path) -> list[Debito]:
    with path.open(encoding="utf-8-sig", newline="") as file:
        return [Debito(**row) for row in csv.DictReader(file, delimiter=";")]


def make_flusso(nome: str, debiti: Iterable[Debito]) -> bytes:
    """Return the zip of a flow: its csv has the same name. Amounts have a point and two decimals, dates yyyy-mm-dd."""
    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, COLONNE, delimiter=";", restval="", lineterminator="\n")
    writer.writeheader()
    for debito in debiti:
        writer.writerow(
            {
                "IUD": debito.iud,
                # F: a person. G: a company, with its VAT number.
                "tipoIdentificativoUnivoco": "F" if len(debito.codice_fiscale) == 16 else "G",
                "codiceIdentificativoUnivoco": debito.codice_fiscale,
                "anagraficaPagatore": debito.nome,
                "dataEsecuzionePagamento": debito.scadenza,
                "importoDovuto": debito.importo,
                "tipoDovuto": "TARI",
                "tipoVersamento": "ALL",
                "causaleVersamento": debito.causale,
                "datiSpecificiRiscossione": "9/0101101IM/",
                # The hub draws the number of the notice, and prints it.
                "flgGeneraIuv": "true",
                # I inserts, M modifies, A cancels.
                "azione": "I",
            }
        )
    archivio = io.BytesIO()
    with zipfile.ZipFile(archivio, "w", zipfile.ZIP_DEFLATED) as opened:
        opened.writestr(f"{nome}.csv", text.getvalue().encode("utf-8"))
    return archivio.getvalue()


@dataclass(frozen=True)
class Caricato:
    """What became of a flow: `files` are the addresses of its results, good for two hours."""

    stato: str
    files: dict[str, str]


class Portale:
    """The hub, seen from the tax office: the way of a flow."""

    def __init__(self, wsdl: str = WSDL, cod_ipa_ente: str = "C_PROVA", password: str = "Segreto12345") -> None:
        self._client = zeep.Client(wsdl, transport=make_transport())
        self.cod_ipa_ente, self.password = cod_ipa_ente, password
        self._header = {"header": {"codIpaEnte": cod_ipa_ente}}

    def upload(self, nome: str, flusso: bytes) -> str:
        """Bring a flow and return the request token, by which it is asked about. Raises: Rifiuto."""
        leave = self._client.service.paaSILAutorizzaImportFlusso(password=self.password, _soapheaders=self._header)
        raise_fault(leave)
        answer = requests.post(
            leave.uploadUrl,
            data={"authorizationToken": leave.authorizationToken},
            files={"file": (f"{nome}.zip", flusso, "application/zip")},
            timeout=UPLOAD_TIMEOUT_S,
        )
        answer.raise_for_status()
        # The answer is always 200, and a list of one thing: only its keys say whether the file was taken.
        (told,) = answer.json()
        if "codice" in told:
            raise Rifiuto(told["codice"], told["descrizione"])
        return leave.requestToken

    def ask(self, request_token: str) -> Caricato:
        """Return how far a flow is. Raises: Rifiuto."""
        answer = self._client.service.paaSILChiediStatoImportFlusso(
            requestToken=request_token,
            password=self.password,
            fileScarti=True,
            fileIUV=True,
            fileAvvisi=True,
            _soapheaders=self._header,
        )
        raise_fault(answer)
        addresses = {"scarti": answer.urlFileScarti, "iuv": answer.urlFileIUV, "avvisi": answer.urlFileAvvisi}
        return Caricato(answer.stato, {name: url for name, url in addresses.items() if url})

    def wait(self, request_token: str, timeout_s: float) -> Caricato:
        """Ask every two seconds until the flow is done, or the time is over."""
        deadline = time.monotonic() + timeout_s
        while True:
            caricato = self.ask(request_token)
            if caricato.stato in FINITI or caricato.stato.startswith("PAA_") or time.monotonic() >= deadline:
                return caricato
            time.sleep(2.0)


def fetch(url: str) -> dict[str, bytes]:
    """Return the files inside a zip of results."""
    answer = requests.get(url, timeout=UPLOAD_TIMEOUT_S)
    answer.raise_for_status()
    with zipfile.ZipFile(io.BytesIO(answer.content)) as opened:
        return {name: opened.read(name) for name in opened.namelist()}


def read_righe(files: dict[str, bytes]) -> list[dict[str, str]]:
    """Return the rows of the csv among the files of a result."""
    (data,) = (data for name, data in files.items() if name.endswith(".csv"))
    return list(csv.DictReader(io.StringIO(data.decode("utf-8")), delimiter=";"))


def _arguments(argv: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Carica un ruolo con un flusso e ne prende numeri e avvisi.")
    parser.add_argument(
        "--elenco", type=Path, default=Path("elenco.csv"), help="chi deve che cosa, un debito per riga (%(default)s)"
    )
    parser.add_argument("--wsdl", default=WSDL, help="indirizzo del contratto (%(default)s)")
    parser.add_argument("--ente", default="C_PROVA", help="codIpaEnte (%(default)s)")
    parser.add_argument("--password", default="Segreto12345", help="password dell'ente (quella della prova)")
    parser.add_argument("--iuf", help="nome del flusso, senza trattini: si usa una volta sola (uno nuovo)")
    parser.add_argument("--cartella", type=Path, default=Path(), help="dove scrivere gli avvisi")
    parser.add_argument("--attesa", type=float, default=600, metavar="SECONDI", help="quanto aspettare (%(default)s)")
    parser.add_argument("--json", action="store_true", help="una riga JSON per ogni passo")
    return parser.parse_args(argv)


def _run(options: argparse.Namespace) -> int:
    portale = Portale(options.wsdl, options.ente, options.password)
    # Ente, name of the flow, version: a hyphen between them and none inside. A name is good for one flow.
    nome = f"{options.ente}-{options.iuf or 'TARI' + uuid.uuid4().hex[:12]}-1_3"
    debiti = read_elenco(options.elenco)
    token = portale.upload(nome, make_flusso(nome, debiti))
    say(options.json, "caricato", f"Flusso {nome}, {len(debiti)} debiti: richiesta {token}", nome=nome, token=token)
    caricato = portale.wait(token, options.attesa)
    if caricato.stato != "IMPORT_ESEGUITO":
        print(f"Il flusso {nome} è nello stato {caricato.stato}", file=sys.stderr)
        return 1
    numbers = read_righe(fetch(caricato.files["iuv"])) if "iuv" in caricato.files else []
    for row in numbers:
        # A number that the hub draws has 17 digits: in a notice a 3 stands before them.
        avviso = f"3{row['codIuv']}"
        say(options.json, "avviso", f"{row['IUD']}: avviso {avviso}", iud=row["IUD"], iuv=row["codIuv"], avviso=avviso)
    for name, pdf in (fetch(caricato.files["avvisi"]) if "avvisi" in caricato.files else {}).items():
        # Only the name: what comes from outside says nothing about where we write.
        options.cartella.mkdir(parents=True, exist_ok=True)
        (options.cartella / Path(name).name).write_bytes(pdf)
    refused = read_righe(fetch(caricato.files["scarti"])) if "scarti" in caricato.files else []
    for row in refused:
        sentence = f"{row['IUD']}: rifiutato, {row['cod_rifiuto']}: {row['de_rifiuto']}"
        say(options.json, "scarto", sentence, iud=row["IUD"], codice=row["cod_rifiuto"], motivo=row["de_rifiuto"])
    return 0 if not refused else 1


def main(argv: list[str] | None = None) -> int:
    """Run the conversation; return 0 when every debt was loaded, 1 when some were refused."""
    options = _arguments(argv)
    try:
        return _run(options)
    except Rifiuto as refusal:
        print(f"Rifiutato. {refusal}", file=sys.stderr)
    except zeep.exceptions.Fault as fault:
        print(f"Il servizio ha risposto con un errore: {fault.message}", file=sys.stderr)
    except requests.RequestException as error:
        print(f"Il servizio non risponde: {type(error).__name__}", file=sys.stderr)
    except (TypeError, OSError) as error:
        print(f"L'elenco non si legge: {error}", file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(main())
