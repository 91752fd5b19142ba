"""Simulated Checkout: carts come in, a payer pays, gives up or fails, and is sent back with nothing but an address.

Each notice is paid at a counter like any other, so that the hub is asked before anything is charged.
Source: node, Checkout carts (2.11).
"""

from __future__ import annotations

import hashlib
import threading
import uuid
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Any

from werkzeug.utils import redirect
from werkzeug.wrappers import Request, Response

from adapters.nodo import fake_checkout_pages as pages
from adapters.nodo import ledger_carrelli as stati
from adapters.nodo.fake_rest import Problema, RestDoor
from adapters.nodo.fake_wire import html_response, json_response
from adapters.nodo.faults_script import CARTS
from adapters.nodo.ledger_carrelli import CarrelloPreso, LedgerCarrelli
from hub.formats.carrello_checkout import CarrelloNonValido, read_carrello

PATHS = {"/checkout/ec/v1/carts": 1, "/checkout/ec/v2/carts": 2}
# The life of a cart that nobody begins to pay. Source: node, timers of Checkout (1.3).
TTL_S = 600.0
# What the payer does -> the address he is sent to; None: he closes the window when he has paid.
AZIONI: Mapping[str, str | None] = {
    "paga": "ok",
    "attendi": "attesa",
    "sparisci": None,
    "rifiuta": "errore",
    "abbandona": "annullato",
}

# Stands at a counter with a notice: codice fiscale, notice number, id of the cart, whether it is paid or only asked
# about. Returns an empty text, or why it was refused.
Banco = Callable[[str, str, str, bool], str]


class Carrelli:
    """Checkout's API and page. `ttl_s`: how long a cart waits for its payer."""

    def __init__(self, door: RestDoor, ledger: LedgerCarrelli, clock: Callable[[], datetime], banco: Banco) -> None:
        self.ttl_s = TTL_S
        self.public_url = ""
        self._door, self._ledger, self._clock, self._banco = door, ledger, clock, banco

    def routes(self) -> dict[str, dict[str, Callable[[Request], Response]]]:
        routes: dict[str, dict[str, Callable[[Request], Response]]] = {path: {"POST": self._post} for path in PATHS}
        return routes | {"/api/checkout": {"POST": self._api}}

    def page(self, request: Request, id: str) -> Response:
        """GET and POST /c/{id}: the payer's page."""
        carrello = self._find(id)
        if carrello is None:
            return html_response(pages.unknown_page(), 404)
        if request.method != "POST":
            is_open = carrello.stato == stati.APERTO
            return html_response(pages.cart_page(carrello) if is_open else pages.done_page(carrello.stato))
        azione = request.form.get("azione", "")
        if azione not in AZIONI:
            return html_response(pages.cart_page(carrello), 400)
        done = self.play(id, azione)
        if done is None:
            return html_response(pages.done_page(carrello.stato), 409)
        return redirect(done, 303) if done else html_response(pages.done_page(stati.PAGATO))

    def _post(self, request: Request) -> Response:
        versione = PATHS[request.path.rstrip("/")]
        body = request.get_data(cache=True)

        def take() -> Response:
            try:
                # The hub of a workbench has no TLS: its addresses of return are let through.
                carrello = read_carrello(body, versione, is_open=True)
            except CarrelloNonValido as error:
                raise Problema(400, "Bad Request", str(error)) from error
            for avviso in carrello.avvisi:
                if self._ledger.is_taken(avviso.codice_fiscale, avviso.numero_avviso):
                    raise Problema(422, "Unprocessable", f"avviso {avviso.numero_avviso} pagato o in pagamento")
            now, id = self._clock(), str(uuid.uuid4())
            digest = hashlib.sha256(body).hexdigest()
            self._ledger.add(id, carrello, versione, digest, now, now + timedelta(seconds=self.ttl_s))
            base = self.public_url or request.host_url.rstrip("/")
            return Response(status=302, headers={"Location": f"{base}/c/{id}"})

        return self._door.answer(request, CARTS, _key(body), take)

    def _api(self, request: Request) -> Response:
        """The page without a browser: {id or idCart, azione}."""
        given = request.get_json(silent=True)
        words: dict[str, Any] = given if isinstance(given, dict) else {}
        found = self._ledger.by_id_cart(str(words.get("idCart", "")))
        id, azione = str(words.get("id") or (found[0] if found else "")), str(words.get("azione", "paga"))
        if azione not in AZIONI:
            return json_response({"errore": f"azione dev'essere una di {', '.join(AZIONI)}"}, 400)
        carrello = self._find(id)
        if carrello is None:
            return json_response({"errore": "carrello sconosciuto"}, 404)
        done = self.play(id, azione)
        if done is None:
            return json_response({"errore": "il carrello ha già avuto il suo esito", "stato": carrello.stato}, 409)
        after = self._find(id)
        return json_response({"id": id, "redirect": done, "stato": after.stato if after else ""})

    def _find(self, id: str) -> CarrelloPreso | None:
        carrello = self._ledger.find(id)
        if carrello is not None and carrello.stato == stati.APERTO and self._clock() >= carrello.scade_at:
            self._ledger.move(id, [stati.APERTO], stati.SCADUTO)
            return self._ledger.find(id)
        return carrello

    def play(self, id: str, azione: str) -> str | None:
        """Do what the payer chose; return where he is sent ("" when he does not come back), None when it is over."""
        carrello = self._find(id)
        if carrello is None:
            return None
        if azione in ("rifiuta", "abbandona"):
            end = stati.NON_PAGATO if azione == "rifiuta" else stati.ABBANDONATO
            # A card that is refused may be tried again as long as the cart lives; who gives up has done so.
            is_moved = self._ledger.move(id, [stati.APERTO], end)
            return carrello.ritorni[AZIONI[azione] or ""] if is_moved else None
        if not self._ledger.move(id, [stati.APERTO], stati.IN_PAGAMENTO):
            return None
        if azione == "attendi":
            threading.Thread(target=self._pay, args=(carrello,), name="checkout", daemon=True).start()
            return carrello.ritorni["attesa"] or carrello.ritorni["ok"]
        is_paid = self._pay(carrello)
        if azione == "sparisci":
            return ""
        return carrello.ritorni["ok" if is_paid else "errore"]

    def _pay(self, carrello: CarrelloPreso) -> bool:
        """Ask about every notice, then pay each: all of them or none, unless one is refused in between."""
        refusals = [self._stand(carrello, index, False) for index in range(len(carrello.avvisi))]
        if any(refusals):
            self._ledger.move(carrello.id, [stati.IN_PAGAMENTO], stati.NON_PAGATO)
            return False
        refusals = [self._stand(carrello, index, True) for index in range(len(carrello.avvisi))]
        is_paid = not any(refusals)
        self._ledger.move(carrello.id, [stati.IN_PAGAMENTO], stati.PAGATO if is_paid else stati.NON_PAGATO)
        return is_paid

    def _stand(self, carrello: CarrelloPreso, index: int, is_paying: bool) -> str:
        avviso = carrello.avvisi[index]
        motivo = self._banco(avviso.codice_fiscale, avviso.numero_avviso, carrello.id_cart, is_paying)
        if motivo or is_paying:
            stato = stati.NON_PAGATO if motivo else stati.PAGATO
            self._ledger.note_avviso(carrello.id, avviso.posizione, stato, motivo)
        return motivo


def _key(body: bytes) -> str:
    """What the ledger names the message by: the first notice, as in `/dominio/avviso/`; empty when unreadable."""
    try:
        avviso = read_carrello(body, 1, is_open=True).avvisi[0]
    except CarrelloNonValido:
        return ""
    return f"/{avviso.codice_fiscale}/{avviso.numero_avviso[1:]}/"
