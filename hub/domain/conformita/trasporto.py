"""Rules on the transport and the envelope of the calls. Source: pa-per-ente, 1.1 to 1.6; SOAP 1.1."""

from __future__ import annotations

import re
from collections.abc import Iterator

from hub.domain.conformita.operazioni import CON_INTESTAZIONE, NAMESPACE, OPERAZIONI, SOAP_11
from hub.domain.conformita.prove import Chiamata, Documento, Prove
from hub.domain.conformita.regola import Giudizio, Gruppo, Regola, Visto, su_chiamate, su_documenti

_CHARSET = re.compile(r"""charset\s*=\s*["']?([^"';\s]+)""", re.IGNORECASE)
_LOCALE = re.compile(
    r"localhost|127\.|10\.|192\.168\.|172\.(?:1[6-9]|2\d|3[01])\.|\[?::1|[^.]+$|.*\.(?:local|test|invalid|example)$"
)
_SIMILI = {"utf8": "utf-8", "iso8859-1": "iso-8859-1", "latin1": "iso-8859-1", "us-ascii": "ascii"}


def _media_type(chiamata: Chiamata) -> Giudizio:
    found = chiamata.intestazioni.get("content-type")
    if found is None:
        return None
    media = found.partition(";")[0].strip().lower()
    return "" if media == "text/xml" else f"Content-Type {media[:60]!r}"


def _charset(chiamata: Chiamata) -> Giudizio:
    match = _CHARSET.search(chiamata.intestazioni.get("content-type", ""))
    if match is None or chiamata.busta is None or not chiamata.busta.codifica:
        return None
    said, written = (_SIMILI.get(one.lower(), one.lower()) for one in (match[1], chiamata.busta.codifica))
    return "" if said == written else f"charset={said[:40]} nell'header HTTP, encoding={written[:40]} nel documento"


def _codifica(chiamata: Chiamata) -> Giudizio:
    if chiamata.busta is None and chiamata.is_codifica:
        return None
    return "" if chiamata.is_codifica else "i byte non sono della codifica dichiarata"


def _soap_action(chiamata: Chiamata) -> Giudizio:
    if not chiamata.intestazioni or chiamata.operazione not in OPERAZIONI:
        return None
    said = chiamata.intestazioni.get("soapaction")
    if said is None:
        return "SOAPAction assente"
    said = said.strip().strip('"')
    return "" if said == chiamata.operazione else f"SOAPAction {said[:80]!r} per {chiamata.operazione}"


def _https(chiamata: Chiamata) -> Giudizio:
    schema, host = chiamata.intestazioni.get("schema"), chiamata.intestazioni.get("host", "")
    if schema is None or _LOCALE.match(host.partition(":")[0].lower() if not host.startswith("[") else host):
        return None
    return "" if schema == "https" else f"chiamata in chiaro, http, verso {host[:80]}"


def _leggibile(chiamata: Chiamata) -> Giudizio:
    if chiamata.has_doctype or not chiamata.is_codifica:
        return None
    # Of a call that nobody read nothing is known.
    return chiamata.problema if chiamata.busta is not None or chiamata.problema else None


def _doctype(chiamata: Chiamata) -> Giudizio:
    if chiamata.has_doctype:
        return "il messaggio ha una dichiarazione DOCTYPE"
    return "" if chiamata.busta is not None else None


def _soap_11(chiamata: Chiamata) -> Giudizio:
    if chiamata.busta is None:
        return None
    return "" if chiamata.busta.soap == SOAP_11 else f"Envelope nel namespace {chiamata.busta.soap[:100]!r}"


def _un_elemento(chiamata: Chiamata) -> Giudizio:
    if chiamata.busta is None or chiamata.busta.soap != SOAP_11:
        return None
    number = chiamata.busta.elementi_nel_body
    return "" if number == 1 else f"il Body contiene {number} elementi"


def _namespace(chiamata: Chiamata) -> Giudizio:
    busta = chiamata.busta
    if busta is None or chiamata.operazione not in OPERAZIONI:
        return None
    return "" if busta.namespace == NAMESPACE else f"{chiamata.operazione} nel namespace {busta.namespace[:100]!r}"


def _operazione(chiamata: Chiamata) -> Giudizio:
    if chiamata.busta is None or chiamata.busta.elementi_nel_body != 1:
        return None
    return "" if chiamata.operazione in OPERAZIONI else f"operazione {chiamata.operazione[:60]!r} sconosciuta"


def _non_qualificati(chiamata: Chiamata) -> Giudizio:
    if chiamata.busta is None or chiamata.operazione not in OPERAZIONI:
        return None
    names = ", ".join(chiamata.busta.qualificati[:4])
    return f"con un namespace: {names}" if names else ""


def _intestazione(chiamata: Chiamata) -> Giudizio:
    if chiamata.busta is None or chiamata.operazione not in CON_INTESTAZIONE:
        return None
    if not chiamata.busta.has_intestazione:
        return "manca intestazionePPT"
    return "" if chiamata.busta.header_ente else "intestazionePPT senza codIpaEnte"


def _intestazione_namespace(chiamata: Chiamata) -> Giudizio:
    if chiamata.busta is None or not chiamata.busta.has_intestazione:
        return None
    return "" if chiamata.busta.is_intestazione_namespace else "intestazionePPT non è nel namespace …/ente/ppthead"


def _intestazione_figli(chiamata: Chiamata) -> Giudizio:
    if chiamata.busta is None or not chiamata.busta.header_ente:
        return None
    return "codIpaEnte dell'intestazione ha un namespace" if chiamata.busta.is_header_ente_qualificato else ""


def _obblighi(chiamata: Chiamata) -> Giudizio:
    if chiamata.busta is None:
        return None
    names = ", ".join(chiamata.busta.obblighi_estranei[:3])
    return f"mustUnderstand su {names}" if names else ""


def _tipi_scritti(chiamata: Chiamata) -> Giudizio:
    if chiamata.busta is None:
        return None
    names = ", ".join(chiamata.busta.tipi_scritti[:3])
    return f"xsi:type o encodingStyle su {names}" if names else ""


def _contratto(chiamata: Chiamata) -> Giudizio:
    busta = chiamata.busta
    if busta is None or busta.namespace != NAMESPACE or busta.qualificati or chiamata.operazione not in OPERAZIONI:
        return None
    return "; ".join(f"elemento {one.elemento}: {one.regola}" for one in busta.errori[:3])


def _ente_esatto(prove: Prove, chiamata: Chiamata) -> Giudizio:
    said = (chiamata.busta and chiamata.busta.header_ente) or chiamata.campi.get("codIpaEnte")
    if not said:
        return None
    return "" if said == prove.cod_ipa_ente else f"codIpaEnte {said[:35]!r}, l'ente è {prove.cod_ipa_ente!r}"


def _ente(prove: Prove) -> Iterator[Visto]:
    return su_chiamate(lambda chiamata: _ente_esatto(prove, chiamata))(prove)


def _base64(prove: Prove, chiamata: Chiamata, documento: Documento) -> Giudizio:
    return "" if documento.livelli else f"{documento.campo} contiene caratteri che non sono base64"


def _un_livello(prove: Prove, chiamata: Chiamata, documento: Documento) -> Giudizio:
    if not documento.livelli:
        return None
    return "" if documento.livelli == 1 else f"{documento.campo} è codificato in base64 {documento.livelli} volte"


_SOAP = "pa-per-ente, trasporto e identità del contratto"
_PAYLOAD = "pa-per-ente, documenti dentro i messaggi"

REGOLE = (
    Regola("TRA-01", Gruppo.TRASPORTO, "Il Content-Type della richiesta è text/xml (SOAP 1.1).", "SOAP 1.1, sezione 6",
           "Scegliere SOAP 1.1 nella libreria: application/soap+xml è di SOAP 1.2.", su_chiamate(_media_type)),
    Regola("TRA-02", Gruppo.TRASPORTO, "Il charset dell'header HTTP e l'encoding del documento sono lo stesso.",
           "RFC 7303, sezione 3", "Dichiarare UTF-8 in entrambi i posti, o in nessuno dei due.", su_chiamate(_charset)),
    Regola("TRA-03", Gruppo.TRASPORTO, "I byte del messaggio sono nella codifica dichiarata (UTF-8 se non lo è).",
           _SOAP,
           "Scrivere il messaggio in UTF-8, non nella codifica della macchina.", su_chiamate(_codifica)),
    Regola("TRA-04", Gruppo.TRASPORTO, "SOAPAction è il nome dell'operazione.", "pa-per-ente, binding",
           "Generare il client dal WSDL pubblicato; altri portali smistano con SOAPAction.", su_chiamate(_soap_action),
           consiglio=True),
    Regola("TRA-05", Gruppo.TRASPORTO, "Le chiamate verso un indirizzo pubblico sono in https.",
           "AgID, Raccomandazioni TLS", "Usare l'indirizzo https del servizio: la password viaggia nel messaggio.",
           su_chiamate(_https)),
    Regola("TRA-06", Gruppo.TRASPORTO, "Il messaggio è XML ben formato.", "SOAP 1.1, sezione 3",
           "Costruire il messaggio con una libreria XML, non unendo testi: & e < vanno scritti come entità.",
           su_chiamate(_leggibile)),
    Regola("TRA-07", Gruppo.TRASPORTO, "Il messaggio non ha DOCTYPE né entità proprie.", "SOAP 1.1, sezione 3",
           "Togliere la dichiarazione DOCTYPE.", su_chiamate(_doctype)),
    Regola("TRA-08", Gruppo.TRASPORTO, "L'Envelope è quello di SOAP 1.1.", _SOAP,
           "Usare il namespace http://schemas.xmlsoap.org/soap/envelope/.", su_chiamate(_soap_11)),
    Regola("TRA-09", Gruppo.TRASPORTO, "Il Body contiene un solo elemento.", _SOAP,
           "Una richiesta per messaggio, in stile document/literal.", su_chiamate(_un_elemento)),
    Regola("TRA-10", Gruppo.TRASPORTO, "L'elemento dell'operazione è nel namespace del contratto.", _SOAP,
           f"Usare il namespace {NAMESPACE}.", su_chiamate(_namespace)),
    Regola("TRA-11", Gruppo.TRASPORTO, "L'operazione chiamata è una delle diciotto del contratto.",
           "pa-per-ente, operazioni", "Controllare il nome: maiuscole comprese.", su_chiamate(_operazione)),
    Regola("TRA-12", Gruppo.TRASPORTO, "I figli dell'operazione non hanno namespace.", _SOAP,
           "Lo schema non li qualifica: <e:paaSILInviaDovuti><password>…, senza prefisso né xmlns ereditato.",
           su_chiamate(_non_qualificati)),
    Regola("TRA-13", Gruppo.TRASPORTO, "Dove il contratto la vuole, c'è intestazionePPT con codIpaEnte.",
           "pa-per-ente, dove viaggia codIpaEnte", "Aggiungere l'header SOAP intestazionePPT.",
           su_chiamate(_intestazione)),
    Regola("TRA-14", Gruppo.TRASPORTO, "intestazionePPT è nel namespace …/pagamenti/ente/ppthead.", _SOAP,
           f"Usare il namespace {NAMESPACE}ppthead.", su_chiamate(_intestazione_namespace)),
    Regola("TRA-15", Gruppo.TRASPORTO, "codIpaEnte dentro intestazionePPT non ha namespace.", _SOAP,
           "Scriverlo senza prefisso, come gli altri figli.", su_chiamate(_intestazione_figli)),
    Regola("TRA-16", Gruppo.TRASPORTO, "Nessun header estraneo con mustUnderstand.", "SOAP 1.1, sezione 4.2.3",
           "Togliere WS-Security o WS-Addressing obbligatori, se non concordati.", su_chiamate(_obblighi)),
    Regola("TRA-17", Gruppo.TRASPORTO, "Niente xsi:type né encodingStyle: il contratto è document/literal.", _SOAP,
           "Configurare la libreria in document/literal, senza tipi scritti nei messaggi.", su_chiamate(_tipi_scritti),
           consiglio=True),
    Regola("TRA-18", Gruppo.TRASPORTO, "La richiesta è valida secondo lo schema del WSDL: elementi, ordine, formati.",
           "pa-per-ente.wsdl", "Generare il client dal WSDL, o convalidare i messaggi prima di mandarli.",
           su_chiamate(_contratto)),
    Regola("TRA-19", Gruppo.TRASPORTO, "codIpaEnte è scritto esattamente come configurato, maiuscole comprese.",
           "pa-per-ente, autenticazione", "Copiare il codice dall'anagrafica IPA, in maiuscolo e senza spazi.", _ente),
    Regola("TRA-20", Gruppo.TRASPORTO, "Il documento dentro il messaggio è base64 valido.", _PAYLOAD,
           "Codificare i byte del documento con il base64 normale: lettere, cifre, + / =, a capo ammessi.",
           su_documenti(_base64)),
    Regola("TRA-21", Gruppo.TRASPORTO, "Nelle richieste il base64 ha un solo livello.", _PAYLOAD,
           "La libreria SOAP codifica già il campo: darle i byte del documento, non il loro base64.",
           su_documenti(_un_livello), consiglio=True),
)  # fmt: skip
