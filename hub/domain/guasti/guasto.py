"""What an entry of the catalogue says, and the names of the operations that answer faults.

Source of the names: pa-per-ente, operations (2); node, services to expose (3).
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

INVIA = "paaSILInviaDovuti"
CARRELLO = "paaSILInviaCarrelloDovuti"
VERIFICA = "paaSILVerificaAvviso"
PAGATI = "paaSILChiediPagati"
RICEVUTA = "paaSILChiediPagatiConRicevuta"
ESITO = "paaSILChiediEsitoCarrelloDovuti"
IMPORTA = "paaSILImportaDovuto"
REGISTRA = "paaSILRegistraPagamento"
AUTORIZZA = "paaSILAutorizzaImportFlusso"
STATO_IMPORT = "paaSILChiediStatoImportFlusso"
EXPORT = "paaSILPrenotaExportFlusso"
INCREMENTALE = "paaSILPrenotaExportFlussoIncrementaleConRicevuta"
STATO_EXPORT = "paaSILChiediStatoExportFlusso"
SCADUTI = "paaSILPrenotaExportFlussoScaduti"
STATO_SCADUTI = "paaSILChiediStatoExportFlussoScaduti"
AVVISI = "paaSILChiediAvvisiPendenti"
POSIZIONI = "paaSILChiediPosizioniAperte"
STORICO = "paaSILChiediStoricoPagamenti"
INVIA_RT = "paaInviaRT"
ESITO_STORNO = "paaInviaEsitoStorno"
REVOCA = "paaInviaRichiestaRevoca"
VERIFY = "paVerifyPaymentNotice"
GET = "paGetPayment"
GET_V2 = "paGetPaymentV2"
SEND_RT = "paSendRT"
SEND_RT_V2 = "paSendRTV2"
DEMAND = "paDemandPaymentNotice"
VERIFICA_RPT = "paaVerificaRPT"
ATTIVA_RPT = "paaAttivaRPT"

# Of the management software, in the order in which the contract's specification tells them.
OPERAZIONI_ENTE = (
    INVIA, CARRELLO, VERIFICA, PAGATI, RICEVUTA, ESITO, IMPORTA, REGISTRA, AUTORIZZA, STATO_IMPORT, EXPORT,
    INCREMENTALE, STATO_EXPORT, SCADUTI, STATO_SCADUTI, AVVISI, POSIZIONI, STORICO,
)  # fmt: skip
# Of the node, classic receipts and what came with them.
OPERAZIONI_RT = (INVIA_RT, ESITO_STORNO, REVOCA)
# Of the node, about a notice to be paid.
OPERAZIONI_AVVISO = (VERIFY, GET, GET_V2, VERIFICA_RPT, ATTIVA_RPT)
# Questions: a mistake of ours is answered with a KO. Receipts are not, they must come again.
OPERAZIONI_DOMANDA = (*OPERAZIONI_AVVISO, DEMAND)
OPERAZIONI_NODO = OPERAZIONI_AVVISO + (DEMAND, SEND_RT, SEND_RT_V2) + OPERAZIONI_RT
OPERAZIONI = OPERAZIONI_ENTE + OPERAZIONI_NODO


class Ripetere(StrEnum):
    """Whether the same call may be sent again, in the words of the catalogue."""

    NO = "no, prima si corregge"
    FINALE = "no, è un esito definitivo"
    PIU_TARDI = "sì, più tardi, finché cambia"
    UNA_VOLTA = "una volta, più tardi"
    IUD_NUOVO = "sì, con uno IUD nuovo"
    DIPENDE = "dipende: lo dice `description`"


@dataclass(frozen=True, slots=True)
class Guasto:
    """One code under one condition: `operazioni` are those that answer it so. Texts are Italian sentences' ends."""

    code: str
    condizione: str
    rimedio: str
    ripetere: Ripetere
    operazioni: tuple[str, ...]
