"""The story of tests/interop/story.py told by suds-community: cliente.py WSDL FOLDER STEP..., a line of JSON a step."""

from __future__ import annotations

import base64
import json
import re
import sys
import time
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

from suds.client import Client

ENTE, PASSWORD = "C_PROVA", "Segreto12345"
NOT_YET = ("PAA_PAGAMENTO_NON_INIZIATO", "PAA_PAGAMENTO_IN_CORSO")
HEAD = "{http://www.regione.veneto.it/pagamenti/ente/ppthead}intestazionePPT"
PERSON = "{http://www.regione.veneto.it/schemas/2012/Pagamenti/Ente/}ctIdentificativoUnivocoPersonaFG"
TIMEOUT_S = 30

Values = dict[str, Any]


class Cliente:
    def __init__(self, wsdl: str, folder: Path) -> None:
        # cache=None: the cache of suds is shared by all the programs of the machine and remembers the WSDL for a day.
        self.client = Client(wsdl, cache=None, timeout=TIMEOUT_S)
        self.service = self.client.service
        self.folder = folder
        head = self.client.factory.create(HEAD)
        head.codIpaEnte = ENTE
        # Sent with the operations whose binding has a header, and with no other.
        self.client.set_options(soapheaders={"intestazionePPT": head})

    def text(self, name: str) -> str:
        return (self.folder / name).read_text(encoding="utf-8").strip()

    def base64(self, name: str) -> str:
        """Return a document as suds wants it: base64Binary is plain text for it, the encoding is ours."""
        return base64.b64encode(self.text(name).encode("utf-8")).decode("ascii")

    def contratto(self) -> Values:
        return {"operazioni": len(self.client.wsdl.services[0].ports[0].methods)}

    def invia(self) -> Values:
        answer = self._invia("dovuti.xml")
        self.id_session = getattr(answer, "idSession", None)
        return _told(answer, "idSession", "url")

    def non_ancora(self) -> Values:
        return _told(self._ricevuta())

    def pagati(self) -> Values:
        return _pagato(_wait(lambda: self.service.paaSILChiediPagati(ENTE, PASSWORD, self.id_session)).pagati)

    def ricevuta(self) -> Values:
        answer = _wait(self._ricevuta)
        return _pagato(answer.pagati) | {"rt_byte": len(base64.b64decode(answer.rt))}

    def rifiuto(self) -> Values:
        return _told(self._invia("rifiuto.xml"))

    def importa(self) -> Values:
        return _told(self.service.paaSILImportaDovuto(PASSWORD, self.base64("importa-i.xml")), "esito")

    def modifica(self) -> Values:
        answer = self.service.paaSILImportaDovuto(PASSWORD, self.base64("importa-m.xml"), True)
        self.iuv = getattr(answer, "identificativoUnivocoVersamento", None)
        return _told(answer, "identificativoUnivocoVersamento", "urlFileAvviso")

    def posizioni(self) -> Values:
        answer = self.service.paaSILChiediPosizioniAperte(PASSWORD, ENTE, self._person())
        # A list that is not there is no attribute at all.
        found = getattr(answer, "paaSILPosizioniAperte", [])
        documents = [base64.b64decode(each.dovuti).decode("utf-8") for each in found]
        return _told(answer) | {"iud": " ".join(_field(each, "identificativoUnivocoDovuto") for each in documents)}

    def verifica(self) -> Values:
        return _told(self.service.paaSILVerificaAvviso(PASSWORD, self.iuv), "idSession", "url")

    def annulla(self) -> Values:
        return _told(self.service.paaSILImportaDovuto(PASSWORD, self.base64("importa-a.xml")), "esito")

    def avvisi(self) -> Values:
        today = self.text("oggi")
        answer = self.service.paaSILChiediAvvisiPendenti(PASSWORD, ENTE, today, today)
        found = getattr(answer, "paaSILAvvisoPendente", [])
        documents = [base64.b64decode(each.dovuti).decode("utf-8") for each in found]
        return _told(answer) | {
            "iud": " ".join(_field(each, "identificativoUnivocoDovuto") for each in documents),
            "giorni": " ".join(each.dtCreazioneCodIuv.isoformat() for each in found),
        }

    def registra(self) -> Values:
        iuv = self.service.paaSILImportaDovuto(PASSWORD, self.base64("registra.xml"), True)
        answer = self.service.paaSILRegistraPagamento(
            ENTE,
            PASSWORD,
            iuv.identificativoUnivocoVersamento,
            None,
            Decimal("40.50"),  # with its two decimals: the contract wants them
            date.fromisoformat(self.text("oggi")),
            1,
            "TESORERIA-17",
            "G",
            "TESORERIA",
            "Tesoreria comunale",
        )
        return _told(answer, "esito")

    def storico(self) -> Values:
        since = self.text("oggi") + "T00:00:00"
        answer = self.service.paaSILChiediStoricoPagamenti(PASSWORD, ENTE, self._person(), since)
        found = getattr(answer, "paaSILStoricoPagamenti", [])
        documents = [base64.b64decode(each.ctPagatiConRicevuta).decode("utf-8") for each in found]
        return _told(answer, "dateTo") | {
            "iud": " ".join(_field(each, "identificativoUnivocoDovuto") for each in documents)
        }

    def carrello(self) -> Values:
        lista = self.client.factory.create("{http://www.regione.veneto.it/pagamenti/ente/}listaDovuti")
        lista.elementoListaDovuti = [self._elemento(ente) for ente in self.text("carrello").split()]
        answer = self.service.paaSILInviaCarrelloDovuti(PASSWORD, lista)
        self.id_carrello = getattr(answer, "idSessionCarrello", None)
        return _told(answer, "idSessionCarrello", "url")

    def esito_carrello(self) -> Values:
        deadline = time.monotonic() + TIMEOUT_S
        while True:
            answer = self.service.paaSILChiediEsitoCarrelloDovuti(ENTE, PASSWORD, self.id_carrello)
            entries = answer.listaCarrelli.rispostaCarrello
            if all(hasattr(entry, "pagati") for entry in entries) or time.monotonic() > deadline:
                break
            time.sleep(0.2)
        paid = [_pagato(entry.pagati) for entry in entries]
        return {
            "enti": " ".join(entry.codIpaEnte for entry in entries),
            "iud": " ".join(each["iud"] for each in paid),
        }

    def export(self) -> Values:
        today = self.text("oggi")
        answer = self.service.paaSILPrenotaExportFlusso(PASSWORD, today, today)
        self.token = getattr(answer, "requestToken", None)
        return _told(answer, "requestToken")

    def stato_export(self) -> Values:
        return _told(self.service.paaSILChiediStatoExportFlusso(PASSWORD, self.token), "stato")

    def incrementale(self) -> Values:
        answer = self.service.paaSILPrenotaExportFlussoIncrementaleConRicevuta(
            password=PASSWORD, dateFrom=self.text("oggi") + "T00:00:00", ricevuta=True, incrementale=True
        )
        return _told(answer, "requestToken", "dateTo")

    def scaduti(self) -> Values:
        answer = self.service.paaSILPrenotaExportFlussoScaduti(PASSWORD, self.text("oggi"), "ZTL")
        self.token = getattr(answer, "requestToken", None)
        return _told(answer, "requestToken")

    def stato_scaduti(self) -> Values:
        return _told(self.service.paaSILChiediStatoExportFlussoScaduti(PASSWORD, self.token), "stato")

    def autorizza(self) -> Values:
        answer = self.service.paaSILAutorizzaImportFlusso(PASSWORD)
        self.token = getattr(answer, "requestToken", None)
        return _told(answer, "uploadUrl", "authorizationToken", "requestToken", "importPath")

    def stato_import(self) -> Values:
        return _told(self.service.paaSILChiediStatoImportFlusso(self.token, PASSWORD, True), "stato")

    def _person(self) -> Any:
        # A typed object, not a dictionary: its children are in the namespace of the inner documents.
        person = self.client.factory.create(PERSON)
        person.tipoIdentificativoUnivoco = "F"
        person.codiceIdentificativoUnivoco = self.text("pagatore")
        return person

    def _invia(self, name: str) -> Any:
        return self.service.paaSILInviaDovuti(PASSWORD, self.base64(name), self.text("ritorno"), "SHORT")

    def _ricevuta(self) -> Any:
        return self.service.paaSILChiediPagatiConRicevuta(ENTE, PASSWORD, self.id_session)

    def _elemento(self, ente: str) -> Any:
        elemento = self.client.factory.create("{http://www.regione.veneto.it/pagamenti/ente/}elementoListaDovuti")
        elemento.codIpaEnte = ente
        elemento.password = self.text(f"carrello-{ente}.segreto")
        elemento.dovuti = self.base64(f"carrello-{ente}.xml")
        return elemento


def _fault(answer: Any) -> Any:
    return getattr(answer, "fault", None)


def _told(answer: Any, *fields: str) -> Values:
    """Return the fields of an answer by their name on the wire, or why it was refused."""
    fault = _fault(answer)
    if fault is not None:
        return {"codice": fault.faultCode, "descrizione": fault.description}
    return {name: str(getattr(answer, name)) for name in fields}


def _wait(ask: Any) -> Any:
    deadline = time.monotonic() + TIMEOUT_S
    while True:
        answer = ask()
        fault = _fault(answer)
        if fault is None:
            return answer
        if fault.faultCode not in NOT_YET or time.monotonic() > deadline:
            raise RuntimeError(f"{fault.faultCode}: {fault.description}")
        time.sleep(0.2)


def _field(document: str, name: str) -> str:
    found = re.search(f"<(?:\\w+:)?{name}>([^<]*)<", document)
    return found.group(1) if found else ""


def _pagato(content: str) -> Values:
    """Read `pagati`: two levels of base64 around the document, both ours to take off."""
    document = base64.b64decode(base64.b64decode(content)).decode("utf-8")
    return {
        "esito": _field(document, "codiceEsitoPagamento"),
        "importo": _field(document, "importoTotalePagato"),
        "iud": _field(document, "identificativoUnivocoDovuto"),
        "iur": _field(document, "identificativoUnivocoRiscossione"),
        "causale": _field(document, "causaleVersamento"),
    }


def main(wsdl: str, folder: str, *steps: str) -> None:
    cliente = Cliente(wsdl, Path(folder))
    for step in steps:
        try:
            values = getattr(cliente, step)()
        except Exception as error:  # a step that fails is told, and the story goes on
            values = {"errore": f"{type(error).__name__}: {error}"}
        print(json.dumps({"passo": step, **values}), flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
