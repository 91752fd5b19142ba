"""Fault codes and states of the node, and what each means for a message or for an attempt: the one table of them.

A code that is not here is ambiguous: asked about before anything else. Source: node, fault classes (2.0.4), the
questions (2.3 to 2.7), annex A.
"""

from __future__ import annotations

from collections.abc import Mapping

from hub.domain.delivery import Azione, Classe, Outcome

_CODES: Mapping[Classe, str] = {
    Classe.RICHIESTA: """
        PPT_SINTASSI_EXTRAXSD PPT_SINTASSI_XSD PPT_SEMANTICA PPT_TIPO_VERSAMENTO_SCONOSCIUTO PPT_IBAN_NON_CENSITO
        PPT_MULTI_BENEFICIARIO PPT_SUPERAMENTOSOGLIA PPT_CANALE_SERVIZIO_NONATTIVO PPT_ERRORE_FORMATO_BUSTA_FIRMATA
        PPT_FIRMA_INDISPONIBILE PPT_TIPOFIRMA_SCONOSCIUTO PPT_CODIFICA_PSP_SCONOSCIUTA""",
    Classe.CONFIGURAZIONE: """
        PPT_AUTENTICAZIONE PPT_AUTORIZZAZIONE PPT_DOMINIO_SCONOSCIUTO PPT_DOMINIO_DISABILITATO
        PPT_INTERMEDIARIO_PA_SCONOSCIUTO PPT_INTERMEDIARIO_PA_DISABILITATO PPT_STAZIONE_INT_PA_SCONOSCIUTA
        PPT_STAZIONE_INT_PA_DISABILITATA PPT_PSP_SCONOSCIUTO PPT_PSP_DISABILITATO PPT_INTERMEDIARIO_PSP_SCONOSCIUTO
        PPT_INTERMEDIARIO_PSP_DISABILITATO PPT_CANALE_SCONOSCIUTO PPT_CANALE_DISABILITATO HTTP_401 HTTP_403""",
    Classe.CHIAVE_SPESA: """
        PPT_CANALE_IRRAGGIUNGIBILE PPT_CANALE_INDISPONIBILE PPT_CANALE_NONRISOLVIBILE PPT_CANALE_ERR_PARAM_PAG_IMM
        PPT_CANALE_ERRORE""",
    Classe.AMBIGUA: """
        PPT_CANALE_TIMEOUT PPT_CANALE_ERRORE_RESPONSE PPT_SYSTEM_ERROR PPT_RPT_DUPLICATA PPT_ID_CARRELLO_DUPLICATO
        HTTP_500 HTTP_502 HTTP_503 HTTP_504""",
    Classe.TRANSITORIA: "PPT_PAGAMENTO_IN_CORSO HTTP_429",
    Classe.GIA_PAGATA: "PPT_PAGAMENTO_DUPLICATO",
    Classe.INTERROGAZIONE: """
        PPT_RPT_SCONOSCIUTA PPT_RT_SCONOSCIUTA PPT_RT_NONDISPONIBILE PPT_ID_FLUSSO_SCONOSCIUTO
        PPT_WISP_SESSIONE_SCONOSCIUTA PPT_WISP_TIMEOUT_RECUPERO_SCELTA PPT_OPER_NON_STORNABILE""",
    # A hub reads them in monitoring only; in an answer they would mean that something is not as we think.
    Classe.VERSO_PSP: """
        PPT_STAZIONE_INT_PA_IRRAGGIUNGIBILE PPT_STAZIONE_INT_PA_TIMEOUT PPT_STAZIONE_INT_PA_ERRORE_RESPONSE
        PPT_STAZIONE_INT_PA_SERVIZIO_NONATTIVO PPT_ERRORE_EMESSO_DA_PAA PPT_TOKEN_SCADUTO PPT_TOKEN_SCADUTO_KO
        PPT_ESITO_GIA_ACQUISITO PPT_RT_DUPLICATA PPT_RT_SEGNO_DISCORDE""",
}
CLASSE_BY_CODE: Mapping[str, Classe] = {code: classe for classe, codes in _CODES.items() for code in codes.split()}

INVIA_RPT = "nodoInviaRPT"
INVIA_CARRELLO = "nodoInviaCarrelloRPT"
CHIEDI_STATO = "nodoChiediStatoRPT"
CHIEDI_COPIA = "nodoChiediCopiaRT"
CHIEDI_PENDENTI = "nodoChiediListaPendentiRPT"
CHIEDI_ELENCO_FLUSSI = "nodoChiediElencoFlussiRendicontazione"
CHIEDI_FLUSSO = "nodoChiediFlussoRendicontazione"

RPT_SCONOSCIUTA = "PPT_RPT_SCONOSCIUTA"
RT_SCONOSCIUTA = "PPT_RT_SCONOSCIUTA"
RT_NONDISPONIBILE = "PPT_RT_NONDISPONIBILE"

_U = Outcome.UNKNOWN
# What a sending has come to. D: the position was paid elsewhere; this attempt is over, its receipt comes another way.
_INVIO = {
    Classe.RICHIESTA: Outcome.REFUSED,
    Classe.CONFIGURAZIONE: Outcome.REFUSED,
    Classe.CHIAVE_SPESA: Outcome.REFUSED,
    Classe.GIA_PAGATA: Outcome.REFUSED,
    Classe.TRANSITORIA: Outcome.TRY_AGAIN,
}
# What a question that was refused says about the attempt: nothing, whatever the reason.
_DOMANDA: Mapping[Classe, Outcome] = {}
# What a reading that changes nothing has come to: it may be repeated, unless it can only be refused again.
_LETTURA = {classe: Outcome.TRY_AGAIN for classe in Classe} | {
    Classe.RICHIESTA: Outcome.REFUSED,
    Classe.CONFIGURAZIONE: Outcome.REFUSED,
}
_BY_CLASSE: Mapping[str, Mapping[Classe, Outcome]] = {
    INVIA_RPT: _INVIO,
    INVIA_CARRELLO: _INVIO,
    CHIEDI_STATO: _DOMANDA,
    CHIEDI_COPIA: _DOMANDA,
    CHIEDI_PENDENTI: _DOMANDA,
    CHIEDI_ELENCO_FLUSSI: _LETTURA,
    CHIEDI_FLUSSO: _LETTURA,
}
# Where one code of a class means something of its own to one primitive.
_BY_CODE: Mapping[tuple[str, str], Outcome] = {
    # Of class N, but one question confirms it. Source: 2.0.4, class N.
    (INVIA_RPT, "PPT_CANALE_ERRORE"): _U,
    (INVIA_CARRELLO, "PPT_CANALE_ERRORE"): _U,
    # Never seen there: it may leave as it is.
    (CHIEDI_STATO, RPT_SCONOSCIUTA): Outcome.TRY_AGAIN,
    # The RPT is there, its receipt is not yet. Source: 2.4.
    (CHIEDI_COPIA, RT_NONDISPONIBILE): Outcome.DELIVERED,
}


def classe_of(code: str) -> Classe:
    """The class of a fault code or of `HTTP_<status>`; what is not listed is ambiguous, and so is any *_SYSTEM_ERROR.

    >>> classe_of("PPT_WISP_SYSTEM_ERROR").value, classe_of("HTTP_403").value
    ('A', 'C')
    """
    return CLASSE_BY_CODE.get(code, Classe.AMBIGUA)


def outcome_of(primitiva: str, code: str) -> Outcome:
    """What a fault of this primitive means: for a sending, the message; for a question, the attempt asked about."""
    own = _BY_CODE.get((primitiva, code))
    return own if own is not None else _BY_CLASSE[primitiva].get(classe_of(code), _U)


_STATI: Mapping[Azione, str] = {
    Azione.ATTENDI: """
        RPT_RICEVUTA_NODO RPT_ACCETTATA_NODO RPT_PARCHEGGIATA_NODO RPT_PARCHEGGIATA_NODO_MOD3 RPT_RISOLTA_OK
        RPT_INVIATA_A_PSP RPT_ACCETTATA_PSP""",
    Azione.ATTENDI_OPERATORI: "RPT_ESITO_SCONOSCIUTO_PSP RT_RIFIUTATA_NODO",
    Azione.ATTENDI_NEGATIVA: "RPT_RISOLTA_KO RPT_ANNULLATA_WISP",
    Azione.FALLITO: "RPT_RIFIUTATA_NODO RPT_RIFIUTATA_PSP RPT_ERRORE_INVIO_A_PSP",
    Azione.SCADUTO: "RPT_DECORSI_TERMINI",
    Azione.COPIA_POI: "RT_RICEVUTA_NODO RT_GENERATA_NODO RT_INVIATA_PA",
    Azione.COPIA: "RT_ACCETTATA_NODO RT_ACCETTATA_PA RT_RIFIUTATA_PA RT_ESITO_SCONOSCIUTO_PA RT_ERRORE_INVIO_A_PA",
}
AZIONE_BY_STATO: Mapping[str, Azione] = {stato: azione for azione, stati in _STATI.items() for stato in stati.split()}


def azione_of(stato: str) -> Azione:
    """What a state of an RPT asks of us; one that is not listed: wait, ask again, and let the operators know."""
    return AZIONE_BY_STATO.get(stato, Azione.ATTENDI_OPERATORI)


def outcome_of_stato(stato: str) -> Outcome:
    """DELIVERED: the node has it; REFUSED: it failed there for sure; UNKNOWN: the node itself does not know.

    A state that is not listed is UNKNOWN, as RPT_ESITO_SCONOSCIUTO_PSP is: ask again.
    """
    if azione_of(stato) in (Azione.FALLITO, Azione.SCADUTO):
        return Outcome.REFUSED
    is_listed = stato in AZIONE_BY_STATO and stato != "RPT_ESITO_SCONOSCIUTO_PSP"
    return Outcome.DELIVERED if is_listed else Outcome.UNKNOWN
