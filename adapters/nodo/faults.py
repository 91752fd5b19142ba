"""Fault codes and states of the node, and what each means for a message.

A code that is not here is UNKNOWN: asked about before anything else. Source: node, fault classes (2.0.4), annex A.
"""

from __future__ import annotations

from collections.abc import Mapping

from hub.domain.delivery import Outcome

_REFUSED = (
    # P: the request is wrong.
    "PPT_SINTASSI_EXTRAXSD",
    "PPT_SINTASSI_XSD",
    "PPT_SEMANTICA",
    "PPT_TIPO_VERSAMENTO_SCONOSCIUTO",
    "PPT_IBAN_NON_CENSITO",
    "PPT_MULTI_BENEFICIARIO",
    "PPT_SUPERAMENTOSOGLIA",
    "PPT_CANALE_SERVIZIO_NONATTIVO",
    "PPT_ERRORE_FORMATO_BUSTA_FIRMATA",
    "PPT_FIRMA_INDISPONIBILE",
    "PPT_TIPOFIRMA_SCONOSCIUTO",
    "PPT_CODIFICA_PSP_SCONOSCIUTA",
    # C: the configuration is wrong.
    "PPT_AUTENTICAZIONE",
    "PPT_AUTORIZZAZIONE",
    "PPT_DOMINIO_SCONOSCIUTO",
    "PPT_DOMINIO_DISABILITATO",
    "PPT_INTERMEDIARIO_PA_SCONOSCIUTO",
    "PPT_INTERMEDIARIO_PA_DISABILITATO",
    "PPT_STAZIONE_INT_PA_SCONOSCIUTA",
    "PPT_STAZIONE_INT_PA_DISABILITATA",
    "PPT_PSP_SCONOSCIUTO",
    "PPT_PSP_DISABILITATO",
    "PPT_INTERMEDIARIO_PSP_SCONOSCIUTO",
    "PPT_INTERMEDIARIO_PSP_DISABILITATO",
    "PPT_CANALE_SCONOSCIUTO",
    "PPT_CANALE_DISABILITATO",
    # N: failed for sure, the key is spent.
    "PPT_CANALE_IRRAGGIUNGIBILE",
    "PPT_CANALE_INDISPONIBILE",
    "PPT_CANALE_NONRISOLVIBILE",
    "PPT_CANALE_ERR_PARAM_PAG_IMM",
    # D: the position was paid elsewhere; this attempt is over and its receipt comes by another way.
    "PPT_PAGAMENTO_DUPLICATO",
)
_TRY_AGAIN = ("PPT_PAGAMENTO_IN_CORSO",)

# PPT_CANALE_ERRORE, _TIMEOUT, _ERRORE_RESPONSE, PPT_SYSTEM_ERROR, PPT_RPT_DUPLICATA, PPT_ID_CARRELLO_DUPLICATO and
# whatever is not listed: UNKNOWN.
OUTCOME_BY_FAULT: Mapping[str, Outcome] = {
    **dict.fromkeys(_REFUSED, Outcome.REFUSED),
    **dict.fromkeys(_TRY_AGAIN, Outcome.TRY_AGAIN),
}

_TAKEN = (
    "RPT_RICEVUTA_NODO",
    "RPT_ACCETTATA_NODO",
    "RPT_PARCHEGGIATA_NODO",
    "RPT_PARCHEGGIATA_NODO_MOD3",
    "RPT_RISOLTA_OK",
    "RPT_RISOLTA_KO",
    "RPT_INVIATA_A_PSP",
    "RPT_ACCETTATA_PSP",
    "RPT_ANNULLATA_WISP",
    "RT_RICEVUTA_NODO",
    "RT_GENERATA_NODO",
    "RT_INVIATA_PA",
    "RT_RIFIUTATA_NODO",
    "RT_ACCETTATA_NODO",
    "RT_ACCETTATA_PA",
    "RT_RIFIUTATA_PA",
    "RT_ESITO_SCONOSCIUTO_PA",
    "RT_ERRORE_INVIO_A_PA",
)
_FAILED = ("RPT_RIFIUTATA_NODO", "RPT_RIFIUTATA_PSP", "RPT_ERRORE_INVIO_A_PSP", "RPT_DECORSI_TERMINI")

# State of an RPT: DELIVERED, the node has it; REFUSED, it failed there. RPT_ESITO_SCONOSCIUTO_PSP and any other
# state: UNKNOWN, ask again.
OUTCOME_BY_STATO: Mapping[str, Outcome] = {
    **dict.fromkeys(_TAKEN, Outcome.DELIVERED),
    **dict.fromkeys(_FAILED, Outcome.REFUSED),
}
RPT_SCONOSCIUTA = "PPT_RPT_SCONOSCIUTA"
