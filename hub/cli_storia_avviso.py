"""Second story of the demo: a notice is printed, paid at the counter of a PSP, and its receipt is read back."""

from __future__ import annotations

import json
import time
from typing import Any
from urllib.request import urlopen

from hub.cli_cliente import Cliente
from hub.cli_psp import at_counter
from hub.cli_scena import Racconto, Scena
from hub.domain.iuv import format_avviso

# Of Comune di Prova, as every notice of it says.
_CODICE_FISCALE = "12345678903"
# The counter notes the hub's answer a moment after the hub has the receipt.
_LEDGER_TIMEOUT_S = 5.0
_STEP_S = 0.1


def racconta(scena: Scena) -> None:
    """Play the story and print each step. Raises: Refusal when any of it did not happen."""
    cast, racconto = scena.cast, Racconto("L'avviso si paga allo sportello", 6)
    pdf = cast.directory / "avviso.pdf"
    with Cliente(cast, scena.hub_url, "tributi_client.py", "--pdf", str(pdf)) as client:
        avviso = client.read("avviso")
        racconto.step("il gestionale dei tributi ha registrato un dovuto con paaSILImportaDovuto e stampato l'avviso",
                      IUD=avviso["iud"], numero_avviso=format_avviso(avviso["numero"]),
                      PDF=f"{avviso['pdf_byte']} byte")  # fmt: skip
        words = {"codice_fiscale": _CODICE_FISCALE, "numero_avviso": avviso["numero"]}
        told = at_counter(scena.simulator_url, words | {"azione": "verifica"})
        if told["stato"] != "VERIFICATO":
            cast.fail(f"lo sportello non conosce l'avviso: {told['codice']} {told['originale']} {told['dettaglio']}")
        racconto.step("allo sportello hanno chiesto quanto si paga (paVerifyPaymentNotice)",
                      importo=_euro(told["chiesto_cent"]))  # fmt: skip
        paid = at_counter(scena.simulator_url, words)
        if paid["stato"] != "PAGATO":
            cast.fail(f"l'avviso non si è potuto pagare: {paid['codice']} {paid['originale']} {paid['dettaglio']}")
        racconto.step("il cittadino ha pagato (paGetPaymentV2)",
                      importo=_euro(paid["pagato_cent"]), token=paid["token"])  # fmt: skip
        racconto.step("la ricevuta è arrivata dal nodo (paSendRTV2)", **_notified(scena, avviso["iuv"]))
        receipt = client.read("ricevuta")
        # What is paid at a counter is known by its token, in the receipt as in the document.
        is_same = (receipt["iuv"], receipt["iud"], receipt["iur"]) == (avviso["iuv"], avviso["iud"], paid["token"])
        if client.end() != 0 or not is_same or receipt["importo"] != _decimal(paid["pagato_cent"]):
            cast.fail("la ricevuta riletta non è quella del pagamento")
    racconto.step("il gestionale l'ha riletta con paaSILChiediPagatiConRicevuta",
                  importo=f"{receipt['importo']} euro", IUR=receipt["iur"])  # fmt: skip
    outcome = scena.sportello.wait()
    if outcome is None:
        cast.fail("l'esito non è arrivato al sistema dell'ente")
    racconto.step("l'esito è arrivato da solo al sistema dell'ente, firmato", **outcome)


def _notified(scena: Scena, iuv: str) -> dict[str, str]:
    """Return what the counter says of the receipt. Raises: Refusal unless it is one, taken, and nothing was amiss."""
    deadline = time.monotonic() + _LEDGER_TIMEOUT_S
    while True:
        with urlopen(f"{scena.simulator_url}/ledger?iuv={iuv}", timeout=5) as answer:
            found: dict[str, Any] = json.load(answer)["sportello"]
        counts = found["conteggi"]
        states = [ricevuta["stato"] for pagamento in found["pagamenti"] for ricevuta in pagamento["ricevute"]]
        if states == ["NOTIFIED"] and counts["violazioni"] == 0:
            words = f"1 ricevuta, stato {states[0]}, {counts['chiamate']} chiamate in regola"
            return {"registro_dello_sportello": words}
        if time.monotonic() > deadline:
            words = ", ".join(states) or "nessuna ricevuta"
            scena.cast.fail(f"lo sportello dice: {words}, violazioni {counts['violazioni']}")
        time.sleep(_STEP_S)


def _decimal(cent: int) -> str:
    return f"{cent // 100}.{cent % 100:02d}"


def _euro(cent: int) -> str:
    return f"{_decimal(cent)} euro"
