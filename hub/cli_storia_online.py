"""First story of the demo: a dovuto that is paid on line, from paaSILInviaDovuti to the receipt that is read back."""

from __future__ import annotations

import base64
import json
import time
from urllib.request import urlopen
from xml.etree import ElementTree

import click

from hub.cli_cast import Cast
from hub.cli_citizen import CitizenLost, pay
from hub.cli_cliente import Cliente
from hub.cli_common import Settings
from hub.cli_scena import Racconto, Scena
from hub.config import Config
from hub.domain.iuv import format_avviso, numero_avviso
from hub.store import carrelli, tentativi

# An address nobody opens: the citizen's browser stops there and reads the outcome.
HOME_URL = "https://sportello.example.org/esito"
# The node notes the hub's answer a moment after the hub has the receipt.
_LEDGER_TIMEOUT_S = 5.0


def racconta(scena: Scena) -> None:
    """Play the main job and print each step. Raises: Refusal when any of it did not happen."""
    cast, racconto = scena.cast, Racconto("Il cittadino paga on line", 6)
    with Cliente(cast, scena.hub_url, "mensa_client.py", "--url-ritorno", HOME_URL) as client:
        sent = client.read("inviato")
        racconto.step("il gestionale della mensa ha inviato un dovuto con paaSILInviaDovuti",
              idSession=sent["id_session"], IUD=sent["iud"], pagina=sent["url"])  # fmt: skip
        try:
            walk = pay(sent["url"], HOME_URL)
        except CitizenLost as error:
            cast.fail(f"il cittadino si è perso: {error}")
        iuv, ccp = _attempt(cast, scena.config, sent["id_session"])
        racconto.step("il cittadino ha confermato; il worker ha spedito la richiesta al nodo (nodoInviaCarrelloRPT)",
              IUV=iuv, numero_avviso=format_avviso(numero_avviso(iuv)), CCP=ccp)  # fmt: skip
        racconto.step("il cittadino ha pagato ed è tornato al sito dell'ente",
              ritorno=walk.last_url.partition("&polling")[0])  # fmt: skip
        receipt = client.read("ricevuta")
        if client.end() != 0 or receipt["esito"] != "0" or (receipt["iuv"], receipt["ccp"]) != (iuv, ccp):
            cast.fail("la ricevuta non è quella del pagamento")
    ledger = _ledger(cast, scena.simulator_url, iuv)
    racconto.step("la ricevuta è arrivata dal nodo (paaInviaRT)",
          RT=f"{len(base64.b64decode(receipt['rt']))} byte", IUR=receipt["iur"], **ledger)  # fmt: skip
    racconto.step("il gestionale l'ha riletta con paaSILChiediPagatiConRicevuta", importo=f"{receipt['importo']} euro")
    told = scena.sportello.wait()
    if told is None:
        cast.fail("l'esito non è arrivato al sistema dell'ente")
    racconto.step("l'esito è arrivato da solo al sistema dell'ente, firmato", **told)
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
