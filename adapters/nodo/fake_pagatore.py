"""The payer of the simulated node: the page of a session, what is chosen there, the receipts that follow.

HTTP: GET and POST /pagamento; POST /api/paga. Source: node, timers of the converter (1.3), model 3 (3.8).
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from urllib.parse import urlencode

from werkzeug.utils import redirect
from werkzeug.wrappers import Request, Response

from adapters.nodo import fake_pages as pages
from adapters.nodo.fake_node import ACCETTATA_PSP, PARCHEGGIATA
from adapters.nodo.fake_rt import NON_PAGATA, PAGATA, Courier, make_rt
from adapters.nodo.fake_wire import html_response, json_object, json_response
from adapters.nodo.ledger import Ledger
from adapters.nodo.scadenzario import Scadenzario
from hub.domain.delivery import ChiaveRpt
from hub.formats.rpt import read_rpt

# azione of the payer -> codiceEsitoPagamento of the receipt, state of the RPT, outcome in the redirect back.
AZIONI = {
    "paga": (PAGATA, "RT_RICEVUTA_NODO", "OK"),
    "rifiuta": (NON_PAGATA, "RT_RICEVUTA_NODO", "ERROR"),
    "abbandona": (NON_PAGATA, "RPT_ANNULLATA_WISP", "ERROR"),
}


class Pagatore:
    """Who pays on line, or does not. `close` ends the waiting for those who never come."""

    def __init__(
        self,
        hub_url: str,
        ledger: Ledger,
        courier: Courier,
        clock: Callable[[], datetime],
        abandon_delay_s: float,
        wait_s: float,
    ) -> None:
        """`wait_s`: a session to which no payer came by then ends with a negative receipt; 0: it waits."""
        self._hub_url, self._ledger, self._courier, self._clock = hub_url, ledger, courier, clock
        self.abandon_delay_s, self.wait_s = abandon_delay_s, wait_s
        self._patience = Scadenzario("attesa", 1, clock)

    def close(self) -> None:
        self._patience.close()

    def routes(self) -> dict[str, dict[str, Callable[[Request], Response]]]:
        return {
            "/pagamento": {"GET": self._show_page, "POST": self._press_button},
            "/api/paga": {"POST": self._api_paga},
        }

    def _show_page(self, request: Request) -> Response:
        id_session = request.args.get("idSession", "")
        righe = self._ledger.by_session(id_session)
        if not righe:
            return html_response(pages.unknown_page(), 404)
        if any(riga.stato != PARCHEGGIATA for riga in righe):
            return html_response(pages.done_page(righe[0].stato))
        return html_response(pages.payer_page(id_session, [read_rpt(riga.documento) for riga in righe]))

    def _press_button(self, request: Request) -> Response:
        id_session, azione = request.form.get("idSession", ""), request.form.get("azione", "")
        righe = self._ledger.by_session(id_session)
        if not righe:
            return html_response(pages.unknown_page(), 404)
        if azione not in AZIONI:
            return html_response(pages.payer_page(id_session, [read_rpt(riga.documento) for riga in righe]), 400)
        if not self.play(id_session, azione):
            return html_response(pages.done_page(righe[0].stato), 409)
        return redirect(self._ritorno(id_session, righe[0].chiave.dominio, azione), 303)

    def _api_paga(self, request: Request) -> Response:
        words = json_object(request)
        id_session, azione = str(words.get("idSession", "")), str(words.get("azione", "paga"))
        righe = self._ledger.by_session(id_session)
        if not righe:
            return json_response({"errore": "idSession sconosciuto"}, 404)
        if azione not in AZIONI:
            return json_response({"errore": f"azione dev'essere una di {', '.join(AZIONI)}"}, 400)
        if not self.play(id_session, azione, is_forced=words.get("forza") is True):
            return json_response({"errore": "la sessione ha già avuto il suo esito", "stato": righe[0].stato}, 409)
        back = self._ritorno(id_session, righe[0].chiave.dominio, azione)
        return json_response({"idSession": id_session, "redirect": back})

    def _ritorno(self, id_session: str, dominio: str, azione: str) -> str:
        query = urlencode({"idDominio": dominio, "idSession": id_session, "esito": AZIONI[azione][2]})
        return f"{self._hub_url}/paga/ritorno?{query}"

    def play(self, id_session: str, azione: str, is_forced: bool = False) -> bool:
        """Do what the payer chose; the receipts leave in the background. False when the session is over already.

        `is_forced`: one more receipt for a session that has had its own, as the real node does after a late success.
        """
        codice, stato, _ = AZIONI[azione]
        now = self._clock()
        delay = timedelta(seconds=self.abandon_delay_s if azione == "abbandona" else 0)
        lavori = [
            (riga.chiave, codice, make_rt(read_rpt(riga.documento), codice, now))
            for riga in self._ledger.by_session(id_session)
        ]
        da = None if is_forced else PARCHEGGIATA
        numbers = self._ledger.add_rt(lavori, da=da, a=stato, due_at=now + delay, now=now) if lavori else None
        for number in numbers or ():
            self._courier.post(number, now + delay)
        return bool(numbers)

    def await_session(self, id_session: str, now: datetime) -> None:
        """Give a session its end when nobody comes. Source: node, timers of the converter (1.3)."""
        if self.wait_s:
            due_at = now + timedelta(seconds=self.wait_s)
            self._patience.at(due_at, lambda: self._leave_unpaid(id_session))

    def _leave_unpaid(self, id_session: str) -> None:
        if all(riga.stato == PARCHEGGIATA for riga in self._ledger.by_session(id_session)):
            self.play(id_session, "abbandona")

    def settle_activated(self, chiave: ChiaveRpt) -> bool:
        """Pay the RPT that follows an activation; False as long as it is not there. Source: node, 3.8."""
        riga = self._ledger.find_rpt(chiave)
        if riga is None or riga.stato != ACCETTATA_PSP:
            return False
        now = self._clock()
        lavoro = (chiave, PAGATA, make_rt(read_rpt(riga.documento), PAGATA, now))
        for number in self._ledger.add_rt([lavoro], da=ACCETTATA_PSP, a="RT_RICEVUTA_NODO", due_at=now, now=now) or ():
            self._courier.post(number, now)
        return True
