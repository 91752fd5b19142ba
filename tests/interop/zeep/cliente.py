"""The story of tests/interop/story.py told by zeep: cliente.py WSDL FOLDER STEP..., one line of JSON for each step."""

from __future__ import annotations

import base64
import json
import re
import sys
import time
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import zeep

ENTE, PASSWORD = "C_PROVA", "Segreto12345"
NOT_YET = ("PAA_PAGAMENTO_NON_INIZIATO", "PAA_PAGAMENTO_IN_CORSO")
TIMEOUT_S = 30

Values = dict[str, Any]


class Cliente:
    def __init__(self, wsdl: str, folder: Path) -> None:
        transport = zeep.Transport(timeout=TIMEOUT_S, operation_timeout=TIMEOUT_S)
        self.service = zeep.Client(wsdl, transport=transport).service
        self.folder = folder
        # codIpaEnte travels in the SOAP header of half of the operations; `header` is the name of the message's part.
        self.head = {"header": {"codIpaEnte": ENTE}}

    def text(self, name: str) -> str:
        return (self.folder / name).read_text(encoding="utf-8").strip()

    def contratto(self) -> Values:
        return {"operazioni": len(self.service._binding._operations)}

    def invia(self) -> Values:
        answer = self._invia("dovuti.xml")
        self.id_session = answer.idSession
        return _told(answer, "idSession", "url")

    def non_ancora(self) -> Values:
        return _told(self._ricevuta(idSession=self.id_session))

    def pagati(self) -> Values:
        def ask() -> Any:
            return self.service.paaSILChiediPagati(codIpaEnte=ENTE, password=PASSWORD, idSession=self.id_session)

        return _pagato(_wait(ask).pagati)

    def ricevuta(self) -> Values:
        answer = _wait(lambda: self._ricevuta(idSession=self.id_session))
        return _pagato(answer.pagati) | {"rt_byte": len(answer.rt)}

    def rifiuto(self) -> Values:
        return _told(self._invia("rifiuto.xml"))

    def importa(self) -> Values:
        return _told(self._importa("importa-i.xml"), "esito")

    def modifica(self) -> Values:
        answer = self._importa("importa-m.xml", flagGeneraIuv=True)
        self.iuv = answer.identificativoUnivocoVersamento
        return _told(answer, "identificativoUnivocoVersamento", "urlFileAvviso")

    def posizioni(self) -> Values:
        person = {"tipoIdentificativoUnivoco": "F", "codiceIdentificativoUnivoco": self.text("pagatore")}
        answer = self.service.paaSILChiediPosizioniAperte(
            password=PASSWORD, codIpaEnte=ENTE, identificativoUnivocoPersonaFG=person
        )
        found = [_field(each.dovuti.decode(), "identificativoUnivocoDovuto") for each in answer.paaSILPosizioniAperte]
        return _told(answer) | {"iud": " ".join(found)}

    def verifica(self) -> Values:
        answer = self.service.paaSILVerificaAvviso(
            password=PASSWORD, identificativoUnivocoVersamento=self.iuv, _soapheaders=self.head
        )
        return _told(answer, "idSession", "url")

    def annulla(self) -> Values:
        return _told(self._importa("importa-a.xml"), "esito")

    def avvisi(self) -> Values:
        today = self._today()
        answer = self.service.paaSILChiediAvvisiPendenti(
            password=PASSWORD, codIpaEnte=ENTE, dateFrom=today, dateTo=today
        )
        found = answer.paaSILAvvisoPendente
        return _told(answer) | {
            "iud": " ".join(_field(each.dovuti.decode(), "identificativoUnivocoDovuto") for each in found),
            "giorni": " ".join(each.dtCreazioneCodIuv.isoformat() for each in found),
        }

    def registra(self) -> Values:
        answer = self.service.paaSILRegistraPagamento(
            codIpaEnte=ENTE,
            password=PASSWORD,
            identificativoUnivocoVersamento=self._importa(
                "registra.xml", flagGeneraIuv=True
            ).identificativoUnivocoVersamento,
            singoloImportoPagato=Decimal("40.50"),
            dataEsitoSingoloPagamento=self._today(),
            indiceDatiSingoloPagamento=1,
            identificativoUnivocoRiscossione="TESORERIA-17",
            tipoIstitutoAttestante="G",
            codiceIstitutiAttestante="TESORERIA",
            denominazioneAttestante="Tesoreria comunale",
        )
        return _told(answer, "esito")

    def storico(self) -> Values:
        person = {"tipoIdentificativoUnivoco": "F", "codiceIdentificativoUnivoco": self.text("pagatore")}
        answer = self.service.paaSILChiediStoricoPagamenti(
            password=PASSWORD,
            codIpaEnte=ENTE,
            identificativoUnivocoPersonaFG=person,
            dataFrom=datetime.combine(self._today(), datetime.min.time()),
        )
        documents = [each.ctPagatiConRicevuta.decode() for each in answer.paaSILStoricoPagamenti]
        found = [_field(document, "identificativoUnivocoDovuto") for document in documents]
        return _told(answer, "dateTo") | {"iud": " ".join(found)}

    def carrello(self) -> Values:
        names = self.text("carrello").split()
        answer = self.service.paaSILInviaCarrelloDovuti(
            password=PASSWORD,
            listaDovuti={"elementoListaDovuti": [self._elemento(name) for name in names]},
            _soapheaders=self.head,
        )
        self.id_carrello = answer.idSessionCarrello
        return _told(answer, "idSessionCarrello", "url")

    def esito_carrello(self) -> Values:
        def ask() -> Any:
            return self.service.paaSILChiediEsitoCarrelloDovuti(
                codIpaEnte=ENTE, password=PASSWORD, idSessionCarrello=self.id_carrello
            )

        deadline = time.monotonic() + TIMEOUT_S
        entries = ask().listaCarrelli.rispostaCarrello
        while any(entry.pagati is None for entry in entries) and time.monotonic() < deadline:
            time.sleep(0.2)
            entries = ask().listaCarrelli.rispostaCarrello
        paid = [_pagato(entry.pagati) for entry in entries]
        return {
            "enti": " ".join(entry.codIpaEnte for entry in entries),
            "iud": " ".join(each["iud"] for each in paid),
        }

    def export(self) -> Values:
        today = self._today()
        answer = self.service.paaSILPrenotaExportFlusso(
            password=PASSWORD, dateFrom=today, dateTo=today, _soapheaders=self.head
        )
        self.token = answer.requestToken
        return _told(answer, "requestToken")

    def stato_export(self) -> Values:
        answer = self.service.paaSILChiediStatoExportFlusso(
            password=PASSWORD, requestToken=self.token, _soapheaders=self.head
        )
        return _told(answer, "stato")

    def incrementale(self) -> Values:
        answer = self.service.paaSILPrenotaExportFlussoIncrementaleConRicevuta(
            password=PASSWORD,
            dateFrom=datetime.combine(self._today(), datetime.min.time()),
            ricevuta=True,
            incrementale=True,
            _soapheaders=self.head,
        )
        return _told(answer, "requestToken", "dateTo")

    def scaduti(self) -> Values:
        answer = self.service.paaSILPrenotaExportFlussoScaduti(
            password=PASSWORD, dataScadenza=self._today(), tipiDovuto="ZTL", _soapheaders=self.head
        )
        self.token = answer.requestToken
        return _told(answer, "requestToken")

    def stato_scaduti(self) -> Values:
        answer = self.service.paaSILChiediStatoExportFlussoScaduti(
            password=PASSWORD, requestToken=self.token, _soapheaders=self.head
        )
        return _told(answer, "stato")

    def autorizza(self) -> Values:
        answer = self.service.paaSILAutorizzaImportFlusso(password=PASSWORD, _soapheaders=self.head)
        self.token = answer.requestToken
        return _told(answer, "uploadUrl", "authorizationToken", "requestToken", "importPath")

    def stato_import(self) -> Values:
        answer = self.service.paaSILChiediStatoImportFlusso(
            requestToken=self.token, password=PASSWORD, fileScarti=True, _soapheaders=self.head
        )
        return _told(answer, "stato")

    def _today(self) -> date:
        return date.fromisoformat(self.text("oggi"))

    def _invia(self, name: str) -> Any:
        return self.service.paaSILInviaDovuti(
            password=PASSWORD,
            dovuti=self.text(name).encode(),  # zeep writes base64Binary by itself
            enteSILInviaRispostaPagamentoUrl=self.text("ritorno"),
            showMyPay="SHORT",
            _soapheaders=self.head,
        )

    def _ricevuta(self, **key: str) -> Any:
        return self.service.paaSILChiediPagatiConRicevuta(codIpaEnte=ENTE, password=PASSWORD, **key)

    def _importa(self, name: str, **fields: Any) -> Any:
        return self.service.paaSILImportaDovuto(
            password=PASSWORD, dovuto=self.text(name).encode(), _soapheaders=self.head, **fields
        )

    def _elemento(self, ente: str) -> Values:
        secret, dovuti = self.text(f"carrello-{ente}.segreto"), self.text(f"carrello-{ente}.xml")
        return {"codIpaEnte": ente, "password": secret, "dovuti": dovuti.encode()}


def _told(answer: Any, *fields: str) -> Values:
    """Return the fields of an answer by their name on the wire, or why it was refused."""
    if answer.fault is not None:
        return {"codice": answer.fault.faultCode, "descrizione": answer.fault.description}
    return {name: str(getattr(answer, name)) for name in fields}


def _wait(ask: Any) -> Any:
    deadline = time.monotonic() + TIMEOUT_S
    while True:
        answer = ask()
        if answer.fault is None:
            return answer
        if answer.fault.faultCode not in NOT_YET or time.monotonic() > deadline:
            raise RuntimeError(f"{answer.fault.faultCode}: {answer.fault.description}")
        time.sleep(0.2)


def _field(document: str, name: str) -> str:
    found = re.search(f"<(?:\\w+:)?{name}>([^<]*)<", document)
    return found.group(1) if found else ""


def _pagato(content: bytes) -> Values:
    """Read `pagati`: zeep has taken off one level of base64, the document has one more."""
    document = base64.b64decode(content).decode("utf-8")
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
