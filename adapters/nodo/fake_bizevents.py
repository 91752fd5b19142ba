"""Simulated BizEvents: a receipt of what was paid at the counter, asked for by ente and IUR.

Source: node, BizEvents receipts (2.14).
"""

from __future__ import annotations

import json
import re
from typing import Any

from werkzeug.wrappers import Request, Response

from adapters.nodo.fake_rest import Problema, RestDoor
from adapters.nodo.faults_script import RECEIPTS
from adapters.nodo.ledger_sportello import LedgerSportello
from hub.domain.documenti import Soggetto
from hub.domain.ricevuta import Ricevuta
from hub.formats.importi import text_from_cent
from hub.formats.ricevuta import read_ricevuta

_ONE = re.compile(
    r"/bizevents/service/v1/organizations/([^/]{1,35})/receipts/([^/]{1,255})(?:/paymentoptions/([^/]{1,35}))?"
)


class BizEvents:
    """The receipts, as the counter stored them; of what was paid with the classic primitives there is none."""

    def __init__(self, door: RestDoor, ledger: LedgerSportello) -> None:
        self._door, self._ledger = door, ledger

    def find_route(self, request: Request) -> Response | None:
        """Answer a question for a receipt; None when the address is another's."""
        found = _ONE.fullmatch(request.path)
        if found is None or request.method != "GET":
            return None
        dominio, iur, iuv = found[1], found[2], found[3]

        def read() -> Response:
            corpo = self._ledger.find_ricevuta(dominio, iur)
            ricevuta = None if corpo is None else read_ricevuta(corpo)
            if ricevuta is None or (iuv and ricevuta.testata.iuv != iuv):
                raise Problema(404, "Not Found", f"ricevuta {iur} sconosciuta")
            return Response(render(ricevuta), content_type="application/json")

        return self._door.answer(request, RECEIPTS, f"/{dominio}/{iuv or ''}/{iur}", read)


def render(ricevuta: Ricevuta) -> str:
    """Return the JSON of a receipt, its amounts as numbers with two decimals."""
    testata = ricevuta.testata
    words: dict[str, Any] = {
        "receiptId": testata.receipt_id,
        "noticeNumber": testata.numero_avviso,
        "fiscalCode": testata.dominio,
        "outcome": ricevuta.esito,
        "creditorReferenceId": testata.iuv,
        "paymentAmount": _Euro(ricevuta.importo_cent),
        "description": ricevuta.descrizione,
        "companyName": ricevuta.ente_nome,
        "debtor": _subject(ricevuta.debitore),
        "transferList": [
            {
                "idTransfer": one.indice,
                "transferAmount": _Euro(one.importo_cent),
                "fiscalCodePA": one.codice_fiscale,
                "iban": one.iban or "",
                # The real one may have lost them too (2.14).
                "mbdAttachment": "",
                "remittanceInformation": one.causale,
                "transferCategory": one.categoria,
            }
            for one in ricevuta.trasferimenti
        ],
        "idPSP": ricevuta.psp,
        "pspCompanyName": ricevuta.psp_nome,
        "idChannel": ricevuta.canale,
    }
    if ricevuta.commissione_cent is not None:
        words["fee"] = _Euro(ricevuta.commissione_cent)
    if ricevuta.pagato_at is not None:
        words["paymentDateTime"] = ricevuta.pagato_at.date().isoformat()
        words["paymentDateTimeFormatted"] = ricevuta.pagato_at.isoformat()
    if ricevuta.data_applicazione is not None:
        words["applicationDate"] = ricevuta.data_applicazione.isoformat()
    text = json.dumps(words, ensure_ascii=False)
    return re.sub(r'"\\u0000([0-9.]+)\\u0000"', r"\1", text)


class _Euro(str):
    """An amount that is to be written as a number: JSON has no decimals of its own."""

    def __new__(cls, cent: int) -> _Euro:
        return super().__new__(cls, f"\x00{text_from_cent(cent)}\x00")


def _subject(soggetto: Soggetto) -> dict[str, str]:
    return {
        "entityUniqueIdentifierType": soggetto.tipo,
        "entityUniqueIdentifierValue": soggetto.codice,
        "fullName": soggetto.anagrafica,
    }
