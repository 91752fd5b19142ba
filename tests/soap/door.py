"""A door of the management software's contract with operations that echo, called in process."""

from __future__ import annotations

import io
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lxml import etree

from hub.domain.errors import IdSessionNonValido
from hub.soap.contract import Contract, load_contract
from hub.soap.operation import Call
from hub.soap.server import Wsgi, build_wsgi

ROOT = Path(__file__).resolve().parents[2]
ENTE = "http://www.regione.veneto.it/pagamenti/ente/"
SOAP_ENV = "http://schemas.xmlsoap.org/soap/envelope/"
PUBLIC_URL = "https://hub.example.org"
PATH = "/ws/pa/PagamentiTelematiciDovutiPagati"
MAX_BYTES = 100_000
SECRET = "Segreto12345"
CODICE_FISCALE = "RSSMRA80A01H501U"
HEADER = f'<h:intestazionePPT xmlns:h="{ENTE}ppthead"><codIpaEnte>C_PROVA</codIpaEnte></h:intestazionePPT>'
DOVUTI = f"<password>{SECRET}</password><dovuti>QUJD</dovuti>"


@dataclass
class Answer:
    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def root(self) -> etree._Element:
        return etree.fromstring(self.body)

    @property
    def payload(self) -> etree._Element:
        return self.root.find(f"{{{SOAP_ENV}}}Body")[0]

    @property
    def fault(self) -> tuple[str, str] | None:
        """Code without prefix and text of the SOAP fault, None when the answer is none."""
        if self.payload.tag != f"{{{SOAP_ENV}}}Fault":
            return None
        return self.payload.findtext("faultcode").rpartition(":")[2], self.payload.findtext("faultstring")


def contract() -> Contract:
    return load_contract(ROOT / "wsdl" / "pa-per-ente.wsdl")


def invia_dovuti(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    """Answer with what arrived, so that a test can see that it was its own."""
    call.log["ente"] = (call.header or {}).get("codIpaEnte")
    return {
        "esito": "OK",
        "idSession": request["dovuti"],
        "redirect": 1,
        "url": (call.header or {}).get("codIpaEnte", "-"),
    }


def chiedi_pagati(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    raise IdSessionNonValido("idSession 123 sconosciuto", "idSession: mai vista")


def registra_pagamento(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    raise RuntimeError(f"a mistake of ours about {request}")


OPERATIONS = {
    "paaSILInviaDovuti": invia_dovuti,
    "paaSILChiediPagati": chiedi_pagati,
    "paaSILChiediPagatiConRicevuta": registra_pagamento,
}


def door(operations: Mapping[str, Callable[..., Any]] = OPERATIONS, **options: Any) -> Wsgi:
    options = {"public_url": PUBLIC_URL, "path": PATH, "max_bytes": MAX_BYTES} | options
    return build_wsgi(contract(), operations, **options)


def envelope(body: str, header: str = HEADER, namespace: str = SOAP_ENV) -> bytes:
    return (
        f'<soapenv:Envelope xmlns:soapenv="{namespace}" xmlns:ente="{ENTE}"><soapenv:Header>{header}</soapenv:Header>'
        f"<soapenv:Body>{body}</soapenv:Body></soapenv:Envelope>"
    ).encode()


def invia(children: str = DOVUTI, attributes: str = "") -> str:
    return f"<ente:paaSILInviaDovuti {attributes}>{children}</ente:paaSILInviaDovuti>"


def call(wsgi: Wsgi, body: bytes = b"", **environ: Any) -> Answer:
    """Send a request; `environ` replaces entries of the WSGI environment, None removes one."""
    full = {
        "REQUEST_METHOD": "POST",
        "PATH_INFO": PATH,
        "QUERY_STRING": "",
        "CONTENT_TYPE": "text/xml; charset=utf-8",
        "CONTENT_LENGTH": str(len(body)),
        "REMOTE_ADDR": "192.0.2.1",
        "HTTP_HOST": "evil.example.com",
        "wsgi.input": io.BytesIO(body),
        "wsgi.url_scheme": "http",
    } | environ
    started: list[tuple[str, list[tuple[str, str]]]] = []
    given = {name: value for name, value in full.items() if value is not None}
    chunks = list(wsgi(given, lambda status, headers: started.append((status, headers))))
    status, headers = started[0]
    return Answer(int(status[:3]), dict(headers), b"".join(chunks))
