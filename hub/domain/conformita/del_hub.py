"""Rules on the hub itself, asked from outside as a client asks. Source: pa-per-ente, 1.1 to 1.6, section 2."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from hub.domain.conformita.prove import Prove, Sonda
from hub.domain.conformita.regola import Giudizio, Gruppo, Guarda, Regola, Visto

WSDL = "WSDL"
SCHEMI = "schemi del WSDL"
VIVO = "health/live"
PRONTO = "health/ready"
ENTE_IGNOTO = "ente sconosciuto"
PASSWORD_ERRATA = "password errata"
SENZA_INTESTAZIONE = "senza intestazionePPT"
ROTTO = "XML malformato"
BOMBA = "DOCTYPE con entità"
SOAP_12 = "Envelope di un'altra versione"
IGNOTA = "operazione sconosciuta"
AZIONE_ERRATA = "SOAPAction errato"
METODO = "metodo PUT"
GRANDE = "messaggio oltre il limite"
SESSIONE_IGNOTA = "idSession sconosciuto"
DUE_CHIAVI = "due chiavi"
BASE64_ERRATO = "base64 errato"
IMPORTO_ERRATO = "importo con un decimale"
CODICE_ERRATO = "codice fiscale errato"
IUD_RISERVATO = "IUD che comincia per 000"
TIPO_IGNOTO = "tipo dovuto sconosciuto"
IUV_IGNOTO = "IUV sconosciuto"
TOKEN_IGNOTO = "requestToken sconosciuto"
# Those that an ente's password is needed for.
CON_PASSWORD = {
    SESSIONE_IGNOTA: "PAA_ID_SESSION_NON_VALIDO",
    DUE_CHIAVI: "PAA_SYSTEM_ERROR",
    BASE64_ERRATO: "PAA_XML_NON_VALIDO",
    IMPORTO_ERRATO: "PAA_XML_NON_VALIDO",
    CODICE_ERRATO: "PAA_CODICE_FISCALE_NON_VALIDO",
    IUD_RISERVATO: "PAA_IUD_NON_VALIDO",
    TIPO_IGNOTO: "PAA_IDENTIFICATIVO_TIPO_DOVUTO_NON_VALIDO",
    IUV_IGNOTO: "PAA_IUV_NON_VALIDO",
    TOKEN_IGNOTO: "PAA_REQUEST_TOKEN_NON_VALIDO",
}
SENZA_PASSWORD = {
    ENTE_IGNOTO: "PAA_ENTE_NON_VALIDO",
    PASSWORD_ERRATA: "PAA_ENTE_NON_VALIDO",
    SENZA_INTESTAZIONE: "PAA_ENTE_NON_VALIDO",
    AZIONE_ERRATA: "PAA_ENTE_NON_VALIDO",
}
_FAULT = {**SENZA_PASSWORD, **CON_PASSWORD}
_CERTIFICATO_MIN_GIORNI = 14


def _su(look: Callable[[Sonda], Giudizio], *names: str) -> Guarda:
    def guarda(prove: Prove) -> Iterator[Visto]:
        for name in names:
            sonda = prove.sonde_hub.get(name)
            if sonda is not None:
                found = look(sonda)
                if found is not None:
                    yield Visto(name, found)

    return guarda


def _200(sonda: Sonda) -> Giudizio:
    return "" if sonda.stato == 200 else sonda.errore or f"HTTP {sonda.stato}"


def _note(key: str) -> Callable[[Sonda], Giudizio]:
    """What the reader of the answer noted under a name; empty when it is in order."""

    def look(sonda: Sonda) -> Giudizio:
        return _200(sonda) or sonda.note.get(key, "non letto")

    return look


def _fault(sonda: Sonda) -> Giudizio:
    if sonda.stato != 200:
        return sonda.errore or f"HTTP {sonda.stato}, atteso 200"
    due = _FAULT[sonda.nome]
    return "" if sonda.fault_code == due else f"faultCode {sonda.fault_code or 'assente'}, atteso {due}"


def _completo(sonda: Sonda) -> Giudizio:
    if not sonda.fault_code:
        return None
    return "" if sonda.fault_completo else "manca faultString o id"


def _nomina(word: str) -> Callable[[Sonda], Giudizio]:
    def look(sonda: Sonda) -> Giudizio:
        return "" if word in sonda.descrizione else f"description non nomina {word}"

    return look


def _soap_fault(sonda: Sonda) -> Giudizio:
    if sonda.stato == 500 and sonda.note.get("soap_fault", "").rpartition(":")[2] in ("Client", "VersionMismatch"):
        return ""
    return sonda.errore or f"HTTP {sonda.stato}, SOAP Fault {sonda.note.get('soap_fault', 'assente')!r}"


def _4xx(sonda: Sonda) -> Giudizio:
    return "" if 400 <= sonda.stato < 500 else sonda.errore or f"HTTP {sonda.stato}"


def _grande(sonda: Sonda) -> Giudizio:
    # Who is refused half-way may find the connection closed.
    if sonda.stato == 413 or (not sonda.stato and sonda.errore):
        return ""
    return _soap_fault(sonda)


def _riferimento(sonda: Sonda) -> Giudizio:
    if not sonda.stato:
        return None
    return "" if sonda.intestazioni.get("x-correlation-id") else "manca X-Correlation-Id"


def _senza_segreti(sonda: Sonda) -> Giudizio:
    if not sonda.stato:
        return None
    return "la risposta ripete la password" if sonda.note.get("ripete") else ""


def _text_xml(sonda: Sonda) -> Giudizio:
    if not sonda.stato:
        return None
    media = sonda.intestazioni.get("content-type", "").partition(";")[0].strip().lower()
    return "" if media == "text/xml" else f"Content-Type {media!r}"


def _non_qualificati(sonda: Sonda) -> Giudizio:
    return None if not sonda.fault_code else sonda.note.get("qualificati", "")


def _tls(prove: Prove) -> Iterator[Visto]:
    sonda = prove.sonde_hub.get(WSDL)
    if sonda is None or "giorni_certificato" not in sonda.note:
        return
    days = int(sonda.note["giorni_certificato"])
    yield Visto(
        prove.indirizzo_hub[:120],
        "" if days >= _CERTIFICATO_MIN_GIORNI else f"il certificato vale ancora {days} giorni",
    )


def _r(codice: str, requisito: str, fonte: str, rimedio: str, guarda: Guarda, consiglio: bool = False) -> Regola:
    return Regola(codice, Gruppo.HUB, requisito, fonte, rimedio, guarda, consiglio)


_NOSTRO = "È un difetto dell'hub o della sua installazione: segnalarlo a chi lo gestisce."
_GUASTI = "pa-per-ente, errori"
_SOAP = "pa-per-ente, trasporto e identità del contratto"
_FAULTS = (*SENZA_PASSWORD, *CON_PASSWORD)

REGOLE = (
    _r("HUB-01", "Il WSDL è pubblicato e si legge.", _SOAP, _NOSTRO, _su(_note("leggibile"), WSDL)),
    _r("HUB-02", "Gli schemi che il WSDL nomina sono pubblicati.", _SOAP, _NOSTRO, _su(_note("schemi"), SCHEMI)),
    _r("HUB-03", "Il WSDL ha le diciotto operazioni, ciascuna con il suo SOAPAction.", _SOAP, _NOSTRO,
       _su(_note("operazioni"), WSDL)),
    _r("HUB-04", "soap:address del WSDL porta al servizio.", _SOAP, "Controllare PONTEPA_PUBLIC_URL.",
       _su(_note("indirizzo"), WSDL)),
    _r("HUB-05", "L'hub è vivo e pronto.", "stato di salute", "pontepa doctor dice che cosa manca.",
       _su(_200, VIVO, PRONTO)),
    _r("HUB-06", "Il certificato dell'indirizzo pubblico vale ancora due settimane.", "AgID, Raccomandazioni TLS",
       "Rinnovarlo.", _tls),
    _r("HUB-07", "Un ente sconosciuto è rifiutato con PAA_ENTE_NON_VALIDO.", _GUASTI, _NOSTRO, _su(_fault,
       ENTE_IGNOTO)),
    _r("HUB-08", "Una password errata è rifiutata con PAA_ENTE_NON_VALIDO.", _GUASTI, _NOSTRO,
       _su(_fault, PASSWORD_ERRATA)),
    _r("HUB-09", "Senza intestazionePPT la risposta è un guasto con codice, non un errore.", _GUASTI, _NOSTRO,
       _su(_fault, SENZA_INTESTAZIONE)),
    _r("HUB-10", "Un SOAPAction sbagliato non impedisce la chiamata.", _SOAP, _NOSTRO, _su(_fault, AZIONE_ERRATA)),
    _r("HUB-11", "Un messaggio malformato ha un SOAP Fault Client.", "SOAP 1.1, sezione 4.4", _NOSTRO,
       _su(_soap_fault, ROTTO)),
    _r("HUB-12", "Un DOCTYPE con entità è rifiutato.", "OWASP, XML External Entity", _NOSTRO, _su(_soap_fault, BOMBA)),
    _r("HUB-13", "Un Envelope di un'altra versione ha un SOAP Fault.", "SOAP 1.1, sezione 4.1.2", _NOSTRO,
       _su(_soap_fault, SOAP_12)),
    _r("HUB-14", "Un'operazione sconosciuta è rifiutata come errore del chiamante.", _SOAP, _NOSTRO,
       _su(lambda sonda: "" if sonda.stato == 404 else _soap_fault(sonda), IGNOTA)),
    _r("HUB-15", "Un metodo che il servizio non ha è rifiutato.", "RFC 9110, 405", _NOSTRO, _su(_4xx, METODO)),
    _r("HUB-16", "Un messaggio oltre il limite è rifiutato senza un errore del server.", "RFC 9110, 413", _NOSTRO,
       _su(_grande, GRANDE)),
    _r("HUB-17", "Ogni guasto ha faultCode, faultString e id.", _GUASTI, _NOSTRO, _su(_completo, *_FAULTS)),
    _r("HUB-18", "Ogni risposta porta X-Correlation-Id.", "catalogo dei guasti", _NOSTRO, _su(_riferimento, *_FAULTS)),
    _r("HUB-19", "Le risposte non ripetono la password.", "pa-per-ente, autenticazione", _NOSTRO,
       _su(_senza_segreti, *_FAULTS)),
    _r("HUB-20", "I figli delle risposte non hanno namespace.", _SOAP, _NOSTRO, _su(_non_qualificati, *_FAULTS)),
    _r("HUB-21", "Le risposte sono text/xml.", _SOAP, _NOSTRO, _su(_text_xml, *_FAULTS)),
    _r("HUB-22", "Un idSession sconosciuto ha PAA_ID_SESSION_NON_VALIDO.", _GUASTI, _NOSTRO,
       _su(_fault, SESSIONE_IGNOTA)),
    _r("HUB-23", "Due chiavi insieme sono rifiutate.", _GUASTI, _NOSTRO, _su(_fault, DUE_CHIAVI)),
    _r("HUB-24", "Un base64 errato ha PAA_XML_NON_VALIDO.", _GUASTI, _NOSTRO, _su(_fault, BASE64_ERRATO)),
    _r("HUB-25", "Un importo con un decimale è rifiutato.", _GUASTI, _NOSTRO, _su(_fault, IMPORTO_ERRATO)),
    _r("HUB-26", "Il rifiuto di un importo nomina l'elemento.", _GUASTI, _NOSTRO,
       _su(_nomina("importoSingoloVersamento"), IMPORTO_ERRATO)),
    _r("HUB-27", "Un codice fiscale errato ha il suo codice.", _GUASTI, _NOSTRO, _su(_fault, CODICE_ERRATO)),
    _r("HUB-28", "Uno IUD riservato ha PAA_IUD_NON_VALIDO.", _GUASTI, _NOSTRO, _su(_fault, IUD_RISERVATO)),
    _r("HUB-29", "Un tipo dovuto sconosciuto ha il suo codice.", _GUASTI, _NOSTRO, _su(_fault, TIPO_IGNOTO)),
    _r("HUB-30", "Uno IUV sconosciuto ha PAA_IUV_NON_VALIDO.", _GUASTI, _NOSTRO, _su(_fault, IUV_IGNOTO)),
    _r("HUB-31", "Un requestToken sconosciuto ha PAA_REQUEST_TOKEN_NON_VALIDO.", _GUASTI, _NOSTRO,
       _su(_fault, TOKEN_IGNOTO)),
)  # fmt: skip
