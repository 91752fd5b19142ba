"""The questions to the hub that is tried, as a client writes them, and its answers as the rules look at them.

Source: pa-per-ente, 1.1 to 1.6; section 2 (faults). Every question is refused by a hub that keeps the contract: none
leaves anything behind.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import urljoin
from xml.sax.saxutils import escape

from hub.domain.conformita import del_hub as nomi
from hub.domain.conformita.domanda import Domanda, Ritorno
from hub.domain.conformita.operazioni import NAMESPACE, OPERAZIONI, SOAP_11
from hub.domain.conformita.prove import Sonda
from hub.formats.conformita_xml import local, namespace
from hub.formats.documenti_ente import NAMESPACE as NS_DOVUTI
from hub.formats.xml import DEFAULT, XmlNonValido, parse

PERCORSO = "/ws/pa/PagamentiTelematiciDovutiPagati"
_WSDL = "{http://schemas.xmlsoap.org/wsdl/}"
_SOAP = "{http://schemas.xmlsoap.org/wsdl/soap/}"
_XSD = "{http://www.w3.org/2001/XMLSchema}"
_NESSUNO = "PASSWORD-DI-PROVA"
_GRANDE_BYTES = 5 * 1024 * 1024
_SCONOSCIUTO = "00000000-0000-4000-8000-000000000000"
_HUB_SOAP_12 = "http://www.w3.org/2003/05/soap-envelope"


def domande_hub(
    hub: str, ente: str, password: str | None, tipo: str, correlazione: Callable[[], str]
) -> Mapping[str, Domanda]:
    """Return the questions by name. Without the ente's password only those that need none; `tipo`: one of the ente's.

    `correlazione`: gives the reference of each.
    """
    service = hub.rstrip("/") + PERCORSO
    plain = {nomi.VIVO: Domanda(hub.rstrip("/") + "/health/live", "GET"),
             nomi.PRONTO: Domanda(hub.rstrip("/") + "/health/ready", "GET"),
             nomi.WSDL: Domanda(service + "?wsdl", "GET"),
             nomi.METODO: Domanda(service, "PUT", corpo=b"<a/>")}  # fmt: skip

    def headers() -> dict[str, str]:
        return {"Content-Type": "text/xml; charset=utf-8", "X-Correlation-Id": correlazione()}

    def soap(operazione: str, inner: str, header: str | None = ente, action: str | None = None) -> Domanda:
        body = _envelope(operazione, inner, header)
        return Domanda(service, "POST", {**headers(), "SOAPAction": f'"{action or operazione}"'}, body.encode())

    def raw(body: bytes) -> Domanda:
        return Domanda(service, "POST", {**headers(), "SOAPAction": '"paaSILInviaDovuti"'}, body)

    stranger = _chiedi(ente, _NESSUNO)
    found = plain | {
        nomi.ENTE_IGNOTO: soap("paaSILChiediPagati", _chiedi("ENTE_CHE_NON_C_E", _NESSUNO), None),
        nomi.PASSWORD_ERRATA: soap("paaSILChiediPagati", stranger, None),
        nomi.SENZA_INTESTAZIONE: soap("paaSILInviaDovuti", _invia(_NESSUNO, _dovuti(tipo)), None),
        nomi.AZIONE_ERRATA: soap("paaSILChiediPagati", stranger, None, "urn:unaltra"),
        nomi.ROTTO: raw(b"<soapenv:Envelope><soapenv:Body>"),
        nomi.BOMBA: raw(_BOMBA + _envelope("paaSILChiediPagati", stranger, None).encode()),
        nomi.SOAP_12: raw(_envelope("paaSILChiediPagati", stranger, None).replace(SOAP_11, _HUB_SOAP_12).encode()),
        nomi.IGNOTA: soap("paaSILNonEsiste", "", ente),
        nomi.GRANDE: raw(b" " * _GRANDE_BYTES),
    }
    return found if password is None else found | _con_password(soap, ente, password, tipo)


def _con_password(soap: Any, ente: str, password: str, tipo: str) -> dict[str, Domanda]:
    caller = f"<codIpaEnte>{escape(ente)}</codIpaEnte><password>{escape(password)}</password>"
    keys = f"<idSession>{_SCONOSCIUTO}</idSession><identificativoUnivocoDovuto>X</identificativoUnivocoDovuto>"
    given = {
        nomi.IMPORTO_ERRATO: _dovuti(tipo, importo="10.5"),
        nomi.CODICE_ERRATO: _dovuti(tipo, codice="RSSMRA80A01H501X"),
        nomi.IUD_RISERVATO: _dovuti(tipo, iud="000CONFORMITA"),
        nomi.TIPO_IGNOTO: _dovuti("TIPO_CHE_NON_C_E"),
    }
    return {
        nomi.SESSIONE_IGNOTA: soap("paaSILChiediPagati", _chiedi(ente, password), None),
        nomi.DUE_CHIAVI: soap("paaSILChiediPagatiConRicevuta", caller + keys, None),
        nomi.BASE64_ERRATO: soap("paaSILInviaDovuti", f"<password>{escape(password)}</password><dovuti>@@@@</dovuti>"),
        nomi.IUV_IGNOTO: soap(
            "paaSILVerificaAvviso", f"<password>{escape(password)}</password>"
            "<identificativoUnivocoVersamento>01999999999999999</identificativoUnivocoVersamento>"
        ),
        nomi.TOKEN_IGNOTO: soap(
            "paaSILChiediStatoExportFlusso",
            f"<password>{escape(password)}</password><requestToken>{_SCONOSCIUTO}</requestToken>",
        ),
        **{name: soap("paaSILInviaDovuti", _invia(password, document)) for name, document in given.items()},
    }  # fmt: skip


_BOMBA = (
    b'<!DOCTYPE a [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;&a;&a;">'
    b'<!ENTITY c "&b;&b;&b;&b;&b;&b;&b;&b;&b;&b;"><!ENTITY x SYSTEM "file:///etc/hostname">]>'
)


def _envelope(operazione: str, inner: str, header: str | None) -> str:
    head = "" if header is None else (
        f'<h:intestazionePPT xmlns:h="{NAMESPACE}ppthead"><codIpaEnte>{escape(header)}</codIpaEnte></h:intestazionePPT>'
    )  # fmt: skip
    return (
        f'<soapenv:Envelope xmlns:soapenv="{SOAP_11}"><soapenv:Header>{head}</soapenv:Header><soapenv:Body>'
        f'<e:{operazione} xmlns:e="{NAMESPACE}">{inner}</e:{operazione}></soapenv:Body></soapenv:Envelope>'
    )


def _chiedi(ente: str, password: str) -> str:
    return (
        f"<codIpaEnte>{escape(ente)}</codIpaEnte><password>{escape(password)}</password>"
        f"<idSession>{_SCONOSCIUTO}</idSession>"
    )


def _invia(password: str, document: str) -> str:
    encoded = base64.b64encode(document.encode()).decode("ascii")
    return f"<password>{escape(password)}</password><dovuti>{encoded}</dovuti>"


def _dovuti(tipo: str, *, importo: str = "10.50", codice: str = "RSSMRA80A01H501U", iud: str = "CONFORMITA-1") -> str:
    return (
        f'<d:Dovuti xmlns:d="{NS_DOVUTI}"><d:versioneOggetto>6.2.0</d:versioneOggetto><d:soggettoPagatore>'
        "<d:identificativoUnivocoPagatore><d:tipoIdentificativoUnivoco>F</d:tipoIdentificativoUnivoco>"
        f"<d:codiceIdentificativoUnivoco>{codice}</d:codiceIdentificativoUnivoco></d:identificativoUnivocoPagatore>"
        "<d:anagraficaPagatore>Prova di conformità</d:anagraficaPagatore></d:soggettoPagatore><d:datiVersamento>"
        "<d:tipoVersamento>ALL</d:tipoVersamento><d:datiSingoloVersamento>"
        f"<d:identificativoUnivocoDovuto>{iud}</d:identificativoUnivocoDovuto>"
        f"<d:importoSingoloVersamento>{importo}</d:importoSingoloVersamento>"
        f"<d:identificativoTipoDovuto>{escape(tipo)}</d:identificativoTipoDovuto>"
        "<d:causaleVersamento>Prova di conformità</d:causaleVersamento>"
        "<d:datiSpecificiRiscossione>9/0101101IM/</d:datiSpecificiRiscossione>"
        "</d:datiSingoloVersamento></d:datiVersamento></d:Dovuti>"
    )


def read_sonda_hub(nome: str, ritorno: Ritorno, password: str | None) -> Sonda:
    """Return what an answer of the hub shows."""
    note = {} if nome != nomi.WSDL else _read_wsdl(ritorno)
    fault: dict[str, str] = {}
    if nome not in (nomi.WSDL, nomi.VIVO, nomi.PRONTO):
        note, fault = _read_soap(ritorno.corpo)
    if any(secret and secret.encode() in ritorno.corpo for secret in (password, _NESSUNO)):
        note["ripete"] = "sì"
    return Sonda(
        nome, ritorno.stato, ritorno.durata_ms, ritorno.errore, ritorno.intestazioni,
        fault_code=fault.get("faultCode", ""),
        fault_completo=all(fault.get(name) for name in ("faultCode", "faultString", "id")),
        descrizione=fault.get("description", "")[:500], size_bytes=len(ritorno.corpo), note=note,
    )  # fmt: skip


def _read_soap(data: bytes) -> tuple[dict[str, str], dict[str, str]]:
    try:
        root = parse(data, DEFAULT)
    except XmlNonValido:
        return {}, {}
    note: dict[str, str] = {}
    fault: dict[str, str] = {}
    for element in root.iter():
        name = local(element)
        if name == "faultcode":
            note["soap_fault"] = (element.text or "").strip()
        if name.endswith("Risposta") and namespace(element) == NAMESPACE:
            qualified = [local(child) for child in element if namespace(child)]
            note["qualificati"] = f"con un namespace: {', '.join(qualified[:3])}" if qualified else ""
        if name == "fault":
            fault = {local(child): (child.text or "").strip() for child in element}
    return note, fault


def _read_wsdl(ritorno: Ritorno) -> dict[str, str]:
    """Note what is wrong with a WSDL; an empty note: nothing."""
    note = {} if ritorno.giorni_certificato is None else {"giorni_certificato": str(ritorno.giorni_certificato)}
    try:
        root = parse(ritorno.corpo, DEFAULT)
    except XmlNonValido as error:
        return note | {"leggibile": error.reason}
    if root.tag != f"{_WSDL}definitions":
        return note | {"leggibile": "il documento non è un WSDL"}
    note["leggibile"] = ""
    actions = {
        one.get("name", ""): (
            one.find(f"{_SOAP}operation") is not None and one.find(f"{_SOAP}operation").get("soapAction")
        )
        for one in root.iterfind(f"{_WSDL}binding/{_WSDL}operation")
    }
    missing = sorted(OPERAZIONI - {name for name, action in actions.items() if action == name})
    note["operazioni"] = f"mancano, o senza SOAPAction: {', '.join(missing[:3])}" if missing else ""
    addresses = [one.get("location", "") for one in root.iter(f"{_SOAP}address")]
    note["indirizzo"] = (
        "" if addresses and all(one.endswith(PERCORSO) for one in addresses) else f"soap:address {addresses[:1]}"
    )
    return note


def schemi_del_wsdl(data: bytes, url: str) -> tuple[str, ...]:
    """Return the addresses of the schemas that a WSDL names; none when it cannot be read."""
    try:
        root = parse(data, DEFAULT)
    except XmlNonValido:
        return ()
    named = (one.get("schemaLocation") for tag in ("import", "include") for one in root.iter(_XSD + tag))
    return tuple(dict.fromkeys(urljoin(url, one) for one in named if one))


def is_schema(data: bytes) -> bool:
    try:
        return bool(parse(data, DEFAULT).tag == f"{_XSD}schema")
    except XmlNonValido:
        return False


# A reference of ours inside a header: letters, digits and hyphens only.
CORRELAZIONE = re.compile(r"conformita-([0-9a-f]{16})-([0-9a-f]{20})")
