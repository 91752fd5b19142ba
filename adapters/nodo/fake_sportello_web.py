"""The counter over HTTP: POST /api/sportello for programs, GET and POST /sportello for people."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from html import escape
from typing import Any

from werkzeug.wrappers import Request, Response

from adapters.nodo import fake_pages as pages
from adapters.nodo.fake_anagrafe import PRIMITIVE
from adapters.nodo.fake_psp import PSP
from adapters.nodo.fake_sportello import AlloSportello, Sportello
from adapters.nodo.fake_wire import html_response, json_object, json_response
from adapters.nodo.faults_script import OF_PAYMENTS, Kind
from hub.formats.importi import cent_from_text

AZIONI = ("paga", "verifica", "rinuncia")
_KEYS = frozenset(
    {"codice_fiscale", "numero_avviso", "azione", "primitive", "stranezza", "importo", "psp", "stazione"}
    | {"intermediario", "postale", "nota"}
)
_DOMINIO = re.compile(r"[0-9]{11}")
_NUMERO = re.compile(r"[0-9]{18}")


def read_chi(words: Mapping[str, Any]) -> AlloSportello:
    """Read who stands at the counter.

    Raises: ValueError (a sentence in Italian).
    """
    unknown = set(words) - _KEYS
    if unknown:
        raise ValueError(f"chiavi sconosciute: {', '.join(sorted(unknown))}")
    texts = {key: "".join(str(words.get(key) or "").split()) for key in _KEYS - {"nota", "postale"}}
    if not _DOMINIO.fullmatch(texts["codice_fiscale"]):
        raise ValueError("codice_fiscale: attese le 11 cifre dell'ente")
    if not _NUMERO.fullmatch(texts["numero_avviso"]):
        raise ValueError("numero_avviso: attese 18 cifre")
    for key, allowed in (("azione", AZIONI), ("primitive", PRIMITIVE), ("stranezza", sorted(OF_PAYMENTS))):
        if texts[key] and texts[key] not in allowed:
            raise ValueError(f"{key} dev'essere una di {', '.join(allowed)}")
    try:
        importo_cent = cent_from_text(texts["importo"]) if texts["importo"] else None
    except ValueError as error:
        raise ValueError("importo: attesi euro con due decimali, per esempio 12.34") from error
    psp = texts["psp"] or "1"
    if psp not in [str(number + 1) for number in range(len(PSP))]:
        raise ValueError(f"psp dev'essere fra 1 e {len(PSP)}")
    return AlloSportello(
        dominio=texts["codice_fiscale"],
        numero=texts["numero_avviso"],
        azione=texts["azione"] or AZIONI[0],
        primitive=texts["primitive"],
        stranezza=Kind(texts["stranezza"]) if texts["stranezza"] else None,
        pagato_cent=importo_cent,
        psp=int(psp) - 1,
        stazione=texts["stazione"],
        intermediario=texts["intermediario"],
        postale=words.get("postale") is True,
        nota=str(words.get("nota") or ""),
    )


class SportelloDoor:
    """The counter's addresses."""

    def __init__(self, sportello: Sportello) -> None:
        self._sportello = sportello

    def routes(self) -> dict[str, dict[str, Callable[[Request], Response]]]:
        return {
            "/api/sportello": {"POST": self._api},
            "/sportello": {"GET": lambda _: html_response(pages.counter_page()), "POST": self._form},
        }

    def _api(self, request: Request) -> Response:
        try:
            chi = read_chi(json_object(request))
        except ValueError as error:
            return json_response({"errore": str(error)}, 400)
        return json_response(self._sportello.serve(chi))

    def _form(self, request: Request) -> Response:
        given = {key: value for key, value in request.form.items() if value}
        try:
            chi = read_chi(given)
        except ValueError as error:
            return html_response(pages.counter_page(given, str(error)), 400)
        return html_response(pages.counter_page(given, outcome=_outcome(self._sportello.serve(chi))))


def _outcome(pagamento: Mapping[str, Any]) -> str:
    """Return what happened, as a piece of page."""
    codes = [pagamento["codice"], pagamento["originale"], pagamento["dettaglio"]]
    said = " - ".join(escape(str(code)) for code in codes if code)
    rows = "".join(
        f"<dt><code>{escape(passo['operazione'])}</code></dt>"
        f"<dd>{escape(passo['esito'])} in {passo['ms']} ms {escape(passo['codice'])}</dd>"
        for passo in pagamento["passi"]
    )
    pagato = pagamento["pagato_cent"]
    money = f'<dt>Pagato</dt><dd class="totale">{escape(pages.euro(pagato))}</dd>' if pagato else ""
    token = f"<dt>Token</dt><dd>{escape(pagamento['token'])}</dd>" if pagamento["token"] else ""
    second = _outcome(pagamento["secondo"]) if "secondo" in pagamento else ""
    return f'<p class="avviso">{escape(pagamento["stato"])} {said}</p><dl>{money}{rows}{token}</dl>{second}'
