"""An ente's external archive, for tests: answers what it was told, refuses what the contract does not admit."""

from __future__ import annotations

import base64
import ssl
import threading
from collections import deque
from http.server import BaseHTTPRequestHandler
from xml.sax.saxutils import escape

from adapters.ente.fake import Comportamento, Server, misbehave, send
from hub.domain.archivio import PosizioneEsterna
from hub.formats.archivio import ATTIVA, AVVISO, NS_PA, read_domanda
from hub.formats.contratti import compile_wsdl
from hub.formats.importi import text_from_cent
from hub.formats.resources import resource

_BODY_MAX_BYTES = 1024 * 1024
_SCONOSCIUTO = "PAA_PAGAMENTO_SCONOSCIUTO"


class ArchivioFinto:
    """The archive on a port of its own. `posizioni`: what is owed, by IUV or notice number."""

    def __init__(self, *, context: ssl.SSLContext | None = None, is_doubled: bool = True) -> None:
        self.posizioni: dict[str, PosizioneEsterna] = {}
        self.script: deque[Comportamento] = deque()
        self.received: list[tuple[str, str]] = []
        self.violations: list[str] = []
        self.is_doubled = is_doubled
        self._schema = compile_wsdl(resource("wsdl", "esterni-per-pa.wsdl"))
        self._lock = threading.Lock()
        self._server = Server(("127.0.0.1", 0), _handler_of(self))
        self._server.context = context
        self.port = int(self._server.server_address[1])
        self.url = f"{'https' if context else 'http'}://127.0.0.1:{self.port}/archivio"
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)

    def __enter__(self) -> ArchivioFinto:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def next_behaviour(self) -> Comportamento | None:
        with self._lock:
            return self.script.popleft() if self.script else None

    def answer(self, data: bytes, action: str) -> tuple[int, bytes]:
        """Return status and body for a request."""
        try:
            domanda = read_domanda(self._schema, data)
        except ValueError:
            return 500, _soap_fault("busta non leggibile")
        found = list(domanda.violazioni)
        operation, key = domanda.operation, domanda.chiave
        if action.strip('"') != operation:
            found.append(f"SOAPAction {action}")
        if (operation == AVVISO) == domanda.has_header:
            found.append("intestazionePPT")
        with self._lock:
            self.received.append((operation, key))
            self.violations += found
        if found:
            return 500, _soap_fault("richiesta fuori contratto")
        return 200, self._answer(operation, self.posizioni.get(key))

    def _answer(self, operation: str, posizione: PosizioneEsterna | None) -> bytes:
        code = f"<faultCode>{_SCONOSCIUTO}</faultCode>"
        fault = f"<fault>{code}<faultString>sconosciuto</faultString><id>ente</id></fault>"
        if operation == AVVISO:
            return _envelope(f"{AVVISO}Res", _avviso(posizione) if posizione else fault)
        if posizione is None:
            inner = fault + "<esito>KO</esito>"
        else:
            inner = "<esito>OK</esito>" + _dati(posizione)
        if operation == ATTIVA:
            dovuto = (posizione and posizione.dovuto) or b"<nessuno/>"
            inner += f"<dovuto>{base64.b64encode(dovuto).decode()}</dovuto>"
        name = f"{operation}Risposta"
        return _envelope(name, f"<{name}>{inner}</{name}>" if self.is_doubled else inner)


def _avviso(posizione: PosizioneEsterna) -> str:
    scadenza = f"<dueDate>{posizione.scadenza.isoformat()}</dueDate>" if posizione.scadenza else ""
    return (
        f"<paymentDescription>{escape(posizione.causale)}</paymentDescription>"
        f"<fiscalCodePA>{posizione.codice_fiscale}</fiscalCodePA><companyName>{escape(posizione.nome_ente)}</companyName>"
        f"<officeName>{escape(posizione.ufficio)}</officeName><amount>{text_from_cent(posizione.importo_cent)}</amount>"
        f"{scadenza}<detailDescription>{escape(posizione.dettaglio)}</detailDescription>"
        f"<allCCP>{'true' if posizione.tutti_ccp else 'false'}</allCCP>"
    )


def _dati(posizione: PosizioneEsterna) -> str:
    bic = f"<bicAccredito>{posizione.bic}</bicAccredito>" if posizione.bic else ""
    return (
        f"<datiPagamentoPA><importoSingoloVersamento>{text_from_cent(posizione.importo_cent)}</importoSingoloVersamento>"
        f"<ibanAccredito>{posizione.iban}</ibanAccredito>{bic}"
        f"<causaleVersamento>{escape(posizione.causale)}</causaleVersamento></datiPagamentoPA>"
    )


def _envelope(name: str, inner: str) -> bytes:
    return (
        '<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/"><s:Body>'
        f'<p:{name} xmlns:p="{NS_PA}">{inner}</p:{name}></s:Body></s:Envelope>'
    ).encode()


def _soap_fault(words: str) -> bytes:
    return (
        '<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/"><s:Body><s:Fault>'
        f"<faultcode>s:Client</faultcode><faultstring>{words}</faultstring></s:Fault></s:Body></s:Envelope>"
    ).encode()


def _handler_of(archivio: ArchivioFinto) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            data = self.rfile.read(min(int(self.headers.get("Content-Length", "0")), _BODY_MAX_BYTES))
            come = archivio.next_behaviour()
            if come is not None:
                misbehave(self, come)
                return
            status, body = archivio.answer(data, self.headers.get("SOAPAction", ""))
            send(self, status, body, {"Content-Type": "text/xml; charset=utf-8"})

        def log_message(self, format: str, *args: object) -> None:
            pass

    return Handler
