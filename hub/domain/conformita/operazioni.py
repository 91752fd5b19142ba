"""What the rules must know of the operations of the contract. Source: pa-per-ente, 1.2 and section 2."""

from __future__ import annotations

from hub.domain.guasti import OPERAZIONI_ENTE

NAMESPACE = "http://www.regione.veneto.it/pagamenti/ente/"
SOAP_11 = "http://schemas.xmlsoap.org/soap/envelope/"

OPERAZIONI = frozenset(OPERAZIONI_ENTE)
# Those whose codIpaEnte travels in the header.
CON_INTESTAZIONE = frozenset(
    "paaSIL" + name
    for name in (
        "InviaDovuti", "InviaCarrelloDovuti", "VerificaAvviso", "ImportaDovuto", "AutorizzaImportFlusso",
        "ChiediStatoImportFlusso", "PrenotaExportFlusso", "PrenotaExportFlussoScaduti",
        "PrenotaExportFlussoIncrementaleConRicevuta", "ChiediStatoExportFlusso", "ChiediStatoExportFlussoScaduti",
    )
)  # fmt: skip
INVIA = "paaSILInviaDovuti"
INVIA_CARRELLO = "paaSILInviaCarrelloDovuti"
IMPORTA = "paaSILImportaDovuto"
VERIFICA = "paaSILVerificaAvviso"
REGISTRA = "paaSILRegistraPagamento"
CHIEDI = "paaSILChiediPagati"
CON_RICEVUTA = "paaSILChiediPagatiConRicevuta"
ESITO_CARRELLO = "paaSILChiediEsitoCarrelloDovuti"
PORTALI = ("paaSILChiediPosizioniAperte", "paaSILChiediStoricoPagamenti")
INCREMENTALE = "paaSILPrenotaExportFlussoIncrementaleConRicevuta"
EXPORT = ("paaSILPrenotaExportFlusso", INCREMENTALE)
STATI_FLUSSO = (
    "paaSILChiediStatoImportFlusso",
    "paaSILChiediStatoExportFlusso",
    "paaSILChiediStatoExportFlussoScaduti",
)

# They open a session where somebody pays.
APRONO = (INVIA, INVIA_CARRELLO, VERIFICA)
# They ask how a session ended.
ESITI = (CHIEDI, CON_RICEVUTA, ESITO_CARRELLO)
# They change something: to repeat one after a success is to do it twice.
SCRIVONO = (INVIA, INVIA_CARRELLO, IMPORTA)

# After these there is nothing more to ask about a session.
FAULT_FINALI = frozenset({"PAA_PAGAMENTO_ANNULLATO", "PAA_PAGAMENTO_SCADUTO"})
STATI_FINALI = frozenset(
    {"IMPORT_ESEGUITO", "IMPORT_ABORTITO", "EXPORT_ESEGUITO", "EXPORT_ESEGUITO_NESSUN_DOVUTO_TROVATO", "ERROR_EXPORT",
     "EXPORT_CANCELLATO"}
)  # fmt: skip
