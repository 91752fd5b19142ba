"""`pontepa sportello`: stand at the counter of the simulated PSP with a notice."""

from __future__ import annotations

import http.client
import json
from typing import Any
from urllib.error import HTTPError, URLError
from urllib.request import Request, urlopen

import click

from hub.cli_common import Refusal, json_option, print_json

# The node waits seven seconds for each of two answers, and ten for an RPT.
_TIMEOUT_S = 60.0


def at_counter(simulator_url: str, words: dict[str, Any]) -> dict[str, Any]:
    """Ask the simulator's counter; return what happened.

    Raises: Refusal (no simulator there, or it does not take these words).
    """
    request = Request(
        f"{simulator_url.rstrip('/')}/api/sportello",
        json.dumps(words).encode(),
        {"Content-Type": "application/json"},
    )
    try:
        with urlopen(request, timeout=_TIMEOUT_S) as answer:
            found: dict[str, Any] = json.load(answer)
            return found
    except HTTPError as error:
        try:
            reason = json.load(error).get("errore", "")
        except ValueError:
            reason = ""
        raise Refusal(reason or f"il simulatore ha risposto HTTP {error.code}") from error
    except (URLError, OSError, http.client.HTTPException, ValueError) as error:
        raise Refusal(f"nessun simulatore a {simulator_url}: avviarlo con pontepa simulator") from error


@click.command()
@click.argument("numero_avviso")
@click.option("--ente", "codice_fiscale", required=True, help="Codice fiscale dell'ente che ha emesso l'avviso.")
@click.option("--simulatore", default="http://127.0.0.1:8081", help="Indirizzo del simulatore.")
@click.option("--verifica", is_flag=True, help="Chiede soltanto se e quanto si paga.")
@click.option("--primitive", type=click.Choice(["V1", "V2", "classico"]), help="Senza, come vuole la stazione.")
@click.option("--importo", help="Paga un importo diverso da quello chiesto, per esempio 20.00.")
@click.option("--stranezza", type=click.Choice(["other_amount", "abandon", "two_psps", "stand_in", "unknown_notice"]),
              help="Che cosa va storto.")  # fmt: skip
@json_option
def sportello(
    numero_avviso: str, codice_fiscale: str, simulatore: str, verifica: bool, primitive: str | None,
    importo: str | None, stranezza: str | None, as_json: bool,
) -> None:  # fmt: skip
    """Paga l'avviso NUMERO_AVVISO allo sportello del PSP simulato."""
    words = {"codice_fiscale": codice_fiscale, "numero_avviso": numero_avviso, "primitive": primitive,
             "importo": importo, "stranezza": stranezza, "azione": "verifica" if verifica else "paga"}  # fmt: skip
    found = at_counter(simulatore, words)
    if as_json:
        print_json(found)
    else:
        _tell(found)
        if "secondo" in found:
            _tell(found["secondo"])
    if found["stato"] not in ("PAGATO", "VERIFICATO", "ABBANDONATO"):
        raise Refusal(" - ".join(filter(None, (found["codice"], found["originale"], found["dettaglio"]))))


def _tell(pagamento: dict[str, Any]) -> None:
    """Print one payment: every call, then how it ended."""
    for passo in pagamento["passi"]:
        click.echo(f"{passo['operazione']}: {passo['esito']} {passo['codice']} ({passo['ms']} ms)".replace("  ", " "))
    cent = pagamento["pagato_cent"] or pagamento["chiesto_cent"]
    amount = "" if cent is None else f", {cent // 100}.{cent % 100:02d} euro"
    token = f", ricevuta {pagamento['token']}" if pagamento["token"] else ""
    click.echo(f"{pagamento['stato']}{amount}{token}")
