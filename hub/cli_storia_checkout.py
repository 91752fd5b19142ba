"""Third story of the demo: the station pays with Checkout, a cart of notices instead of an RPT."""

from __future__ import annotations

import json
import time
from dataclasses import replace
from typing import Any
from urllib.request import urlopen

from hub.cli_citizen import CitizenLost, pay
from hub.cli_cliente import Cliente
from hub.cli_common import Settings, utc_now
from hub.cli_scena import Racconto, Scena
from hub.domain.iuv import format_avviso
from hub.domain.servizi_rest import Servizio, ServizioRest
from hub.formats.configurazione import read_configurazione
from hub.formats.resources import resource
from hub.formats.segreti import Cassaforte
from hub.usecases import apply_config

# An address nobody opens: the citizen's browser stops there and reads the outcome.
_HOME_URL = "https://sportello.example.org/esito"
# The processes look at the configuration again within two seconds.
_SEEN_S = 2.5
# The simulator takes any key of a legal shape.
_CHIAVE = "chiave-della-prova-0001"


def racconta(scena: Scena) -> None:
    """Play the story and print each step; the station is as before when it ends. Raises: Refusal."""
    racconto = Racconto("Il cittadino paga con Checkout", 6)
    _use(scena, "checkout")
    try:
        _play(scena, racconto)
    finally:
        _use(scena, "rpt")


def _play(scena: Scena, racconto: Racconto) -> None:
    cast = scena.cast
    racconto.step("la stazione ora paga con Checkout (pagamento_online: checkout)", chiave="cifrata nel database")
    with Cliente(cast, scena.hub_url, "mensa_client.py", "--url-ritorno", _HOME_URL) as client:
        sent = client.read("inviato")
        racconto.step("il gestionale della mensa ha inviato un dovuto con paaSILInviaDovuti, come prima",
                      idSession=sent["id_session"], IUD=sent["iud"])  # fmt: skip
        try:
            walk = pay(sent["url"], _HOME_URL)
        except CitizenLost as error:
            cast.fail(f"il cittadino si è perso: {error}")
        receipt = client.read("ricevuta")
        if client.end() != 0 or receipt["esito"] != "0" or receipt["iud"] != sent["iud"]:
            cast.fail("la ricevuta non è quella del pagamento")
    cart = _cart(scena, receipt["iuv"])
    racconto.step("il worker ha mandato il carrello (POST /carts), il cittadino ha pagato su Checkout",
                  numero_avviso=format_avviso(cart["avvisi"][0]["numero_avviso"]),
                  pagina=_checkout(walk.visited))  # fmt: skip
    racconto.step("il PSP ha chiesto l'avviso all'hub e ha mandato la ricevuta (paGetPaymentV2, paSendRTV2)",
                  carrello=cart["stato"], IUR=receipt["iur"])  # fmt: skip
    racconto.step("il cittadino ha aspettato la ricevuta ed è tornato al sito dell'ente",
                  ritorno=walk.last_url.partition("&polling")[0])  # fmt: skip
    told = scena.sportello.wait()
    if told is None:
        cast.fail("l'esito non è arrivato al sistema dell'ente")
    racconto.step("il gestionale l'ha riletta, e l'esito è arrivato da solo al sistema dell'ente",
                  importo=f"{receipt['importo']} euro", **told)  # fmt: skip


def _use(scena: Scena, profilo: str) -> None:
    """Bring the station to a profile, and wait until every process knows."""
    wanted = scena.sportello.wanted(read_configurazione(resource("examples", "demo.yaml").read_bytes()))
    servizi = (ServizioRest(Servizio.CHECKOUT, _CHIAVE),) if profilo == "checkout" else ()
    stazioni = tuple(replace(one, pagamento_online=profilo, servizi_rest=servizi) for one in wanted.stazioni)
    with Settings.open(scena.config) as db:
        cassaforte = Cassaforte(scena.config.secret_key)
        apply_config.apply(db, replace(wanted, stazioni=stazioni), cassaforte, utc_now())
    time.sleep(_SEEN_S)


def _cart(scena: Scena, iuv: str) -> dict[str, Any]:
    """Return the cart with a notice of this IUV. Raises: Refusal unless it is one, paid, and no RPT left."""
    with urlopen(f"{scena.simulator_url}/ledger?iuv={iuv}", timeout=5) as answer:
        ledger = json.load(answer)
    carts = ledger["checkout"]["carrelli"]
    if [one["stato"] for one in carts] != ["PAGATO"] or ledger["rpt"]:
        scena.cast.fail(f"per lo IUV {iuv} ci sono {len(carts)} carrelli e {len(ledger['rpt'])} RPT")
    found: dict[str, Any] = carts[0]
    return found


def _checkout(visited: tuple[str, ...]) -> str:
    return next((url for url in visited if "/c/" in url), "")
