"""For each rule one evidence that respects it and one that violates it: what happens from one call to the next."""

from __future__ import annotations

from typing import Any

from hub.domain.conformita.prove import Chiamata, Prove, Risposta
from tests.conformita.casi import (
    CON_RICEVUTA,
    INCREMENTALE,
    INVIA,
    STATO,
    chiamata,
    chiedi,
    documento,
    invia,
    prove,
    voce,
)

URL = "enteSILInviaRispostaPagamentoUrl"
SESSIONE, TOKEN = "s-1", "t-1"


def _inviata(secondi: float = 0, iud: str = "A1", id_session: str = SESSIONE, **values: Any) -> Chiamata:
    cents = values.pop("importo_cent", 1250)
    one = documento(voce(iud=iud, importo_cent=cents))
    return chiamata(INVIA, secondi, documenti=(one,), risposta=Risposta(id_session=id_session), **values)


def _chiesta(secondi: float, risposta: Risposta | None = None, about: str = SESSIONE, **values: Any) -> Chiamata:
    pending = {} if risposta is not None else {"esito": "PAA_PAGAMENTO_IN_CORSO"}
    return chiamata(
        CON_RICEVUTA, secondi, campi={"idSession": about}, risposta=risposta or Risposta(), **(pending | values)
    )


def _stato(secondi: float, stato: str = "EXPORT_IN_ELAB", **values: Any) -> Chiamata:
    return chiamata(STATO, secondi, campi={"requestToken": TOKEN}, risposta=Risposta(stato=stato), **values)


def _rifiutate(number: int) -> Prove:
    return prove(*(chiamata(INVIA, second, esito="PAA_ENTE_NON_VALIDO") for second in range(number)))


def _export(secondi: float, date_from: str, date_to: str) -> Chiamata:
    return chiamata(
        INCREMENTALE, secondi, campi={"incrementale": "true", "dateFrom": date_from}, risposta=Risposta(date_to=date_to)
    )


PAGATA = Risposta(has_pagati=True, codice_esito="0", has_rt=True)
SENZA_RT = Risposta(has_pagati=True, codice_esito="0")

SESSIONI: dict[str, tuple[Prove, Prove]] = {
    "SES-01": (invia(), invia(esito="PAA_ENTE_NON_VALIDO")),
    "SES-02": (_rifiutate(1), _rifiutate(6)),
    "SES-03": (
        prove(_inviata(), _chiesta(1)),
        prove(_inviata(), _chiesta(1, about="altra", esito="PAA_ID_SESSION_NON_VALIDO")),
    ),
    "SES-04": (prove(_inviata(), _chiesta(1)), prove(_inviata())),
    "SES-05": (
        prove(*(_chiesta(second) for second in range(30))),
        prove(*(_chiesta(n / 10) for n in range(30))),
    ),
    "SES-06": (
        prove(_chiesta(0), _chiesta(1, PAGATA), _chiesta(2, PAGATA)),
        prove(*(_chiesta(second, PAGATA) for second in range(4))),
    ),
    "SES-07": (chiedi(idSession="s"), chiedi(idSession="s", identificativoUnivocoDovuto="A1")),
    "SES-08": (
        chiedi(identificativoUnivocoVersamento="01000000000000144"),
        chiedi(identificativoUnivocoVersamento="301000000000000144"),
    ),
    "SES-09": (prove(_chiesta(0, PAGATA)), prove(_chiesta(0, SENZA_RT))),
    "SES-10": (
        prove(_inviata(), _chiesta(1, PAGATA), _inviata(2, iud="A2", id_session="s-2")),
        prove(_inviata(), _inviata(2, iud="A2", id_session="s-2")),
    ),
    "SES-11": (
        prove(_inviata(), _inviata(1)),
        prove(_inviata(), _inviata(1, importo_cent=900)),
    ),
    "SES-12": (
        prove(_inviata(esito="PAA_XML_NON_VALIDO"), _inviata(1)),
        prove(
            _inviata(esito="PAA_XML_NON_VALIDO", impronta="x"), _inviata(1, esito="PAA_XML_NON_VALIDO", impronta="x")
        ),
    ),
    "SES-13": (
        prove(_inviata(), _inviata(1, iud="A2")),
        prove(_inviata(impronta="x"), _inviata(1, impronta="x")),
    ),
    "SES-14": (
        prove(chiamata(stato_http=429), chiamata(secondi=5)),
        prove(chiamata(stato_http=503), chiamata(secondi=0.1)),
    ),
    "SES-15": (chiedi(INVIA, **{URL: "https://a.example.org/b?c=1"}), chiedi(INVIA, **{URL: "www.example.org/b"})),
    "SES-16": (chiedi(INVIA, **{URL: "https://a.example.org/b"}), chiedi(INVIA, **{URL: "http://a.example.org/b"})),
    "SES-17": (
        chiedi(INVIA, **{URL: "https://a.example.org/?pratica=1"}),
        chiedi(INVIA, **{URL: "https://a.example.org/?esito=1"}),
    ),
    "SES-18": (
        prove(chiamata("paaSILChiediPosizioniAperte")),
        prove(chiamata("paaSILChiediPosizioniAperte", esito="PAA_ENTE_NON_VALIDO")),
    ),
    "SES-19": (invia(), prove(chiamata("paaSILChiediAvvisiPendenti"))),
    "SES-20": (
        prove(chiamata(INCREMENTALE, risposta=Risposta(request_token=TOKEN)), _stato(1)),
        prove(_stato(1, esito="PAA_REQUEST_TOKEN_NON_VALIDO")),
    ),
    "SES-21": (prove(*(_stato(second) for second in range(30))), prove(*(_stato(n / 10) for n in range(30)))),
    "SES-22": (
        prove(_stato(0), _stato(1, "EXPORT_ESEGUITO")),
        prove(*(_stato(n, "EXPORT_ESEGUITO") for n in range(4))),
    ),
    "SES-23": (
        chiedi("paaSILPrenotaExportFlusso", dateFrom="2026-11-01", dateTo="2026-11-02"),
        chiedi("paaSILPrenotaExportFlusso", dateFrom="2026-11-02", dateTo="2026-11-01"),
    ),
    "SES-24": (
        prove(_export(0, "2026-11-01", "2026-11-02"), _export(1, "2026-11-02", "2026-11-03")),
        prove(_export(0, "2026-11-01", "2026-11-02"), _export(1, "2026-11-01", "2026-11-03")),
    ),
}
