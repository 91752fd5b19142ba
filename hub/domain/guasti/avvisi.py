"""Faults that the node receives when it asks about a notice. Source: node, catalogue PAA (annex B), 3.0.4."""

from __future__ import annotations

from hub.domain.guasti import guasto as g
from hub.domain.guasti.guasto import Guasto, Ripetere

_TUTTE = (*g.OPERAZIONI_AVVISO, g.DEMAND)

GUASTI = (
    Guasto(
        "PAA_SINTASSI_EXTRAXSD",
        "la richiesta del nodo non rispetta il contratto",
        "il nodo deve rimandare la richiesta intera",
        Ripetere.NO,
        _TUTTE,
    ),
    Guasto(
        "PAA_ID_INTERMEDIARIO_ERRATO",
        "nessuna stazione di questo intermediario",
        "controllare `intermediario` della stazione nella configurazione",
        Ripetere.NO,
        _TUTTE,
    ),
    Guasto(
        "PAA_STAZIONE_INT_ERRATA",
        "stazione sconosciuta, o di un altro intermediario",
        "controllare la stazione nella configurazione",
        Ripetere.NO,
        _TUTTE,
    ),
    Guasto(
        "PAA_ID_DOMINIO_ERRATO",
        "ente sconosciuto o non attivo su questa stazione, oppure `qrCode/fiscalCode` diverso da `idPA`",
        "controllare codice fiscale, stato e stazione dell'ente",
        Ripetere.NO,
        _TUTTE,
    ),
    Guasto(
        "PAA_PAGAMENTO_SCONOSCIUTO",
        "numero di avviso che l'ente non emette, con cifre di controllo errate, o mai caricato",
        "controllare che il dovuto sia caricato con questo IUV",
        Ripetere.PIU_TARDI,
        g.OPERAZIONI_AVVISO,
    ),
    Guasto(
        "PAA_PAGAMENTO_ANNULLATO",
        "l'ente ha annullato il dovuto",
        "chiedere all'ente un avviso nuovo",
        Ripetere.FINALE,
        g.OPERAZIONI_AVVISO,
    ),
    Guasto(
        "PAA_PAGAMENTO_DUPLICATO",
        "l'avviso è già stato pagato",
        "nulla da pagare",
        Ripetere.FINALE,
        g.OPERAZIONI_AVVISO,
    ),
    Guasto(
        "PAA_PAGAMENTO_SCADUTO",
        "è passata la scadenza di un tipo dovuto che la rende obbligatoria",
        "chiedere all'ente un avviso nuovo",
        Ripetere.FINALE,
        g.OPERAZIONI_AVVISO,
    ),
    Guasto(
        "PAA_PAGAMENTO_IN_CORSO",
        "una RPT di questo avviso non ha ancora esito, da meno di `PONTEPA_BLOCCO_PAGAMENTO_S` secondi",
        "aspettare l'esito, o la fine del blocco",
        Ripetere.PIU_TARDI,
        _TUTTE,
    ),
    Guasto(
        "PAA_SEMANTICA",
        "l'avviso non sta nella risposta: troppe voci (più di una nel modello classico), una marca da bollo fuori "
        "da `paGetPaymentV2`, un conto o un importo che il nodo rifiuterebbe; CCP `n/a`",
        "correggere il dovuto o i conti dell'ente; per le marche la stazione usa `paGetPaymentV2`",
        Ripetere.NO,
        g.OPERAZIONI_AVVISO,
    ),
    Guasto(
        "PAA_ATTIVA_RPT_IMPORTO_NON_VALIDO",
        "l'importo che il PSP ha mostrato non è più quello dovuto",
        "attivare di nuovo con l'importo in `datiPagamentoPA`",
        Ripetere.NO,
        (g.ATTIVA_RPT,),
    ),
    Guasto(
        "PAA_SINTASSI_XSD",
        "i dati del servizio non sono XML in base64, o non hanno gli elementi che l'ente ha dichiarato",
        "controllare `servizi_avviso` dell'ente e il documento del servizio",
        Ripetere.NO,
        (g.DEMAND,),
    ),
    Guasto(
        "PAA_SEMANTICA",
        "l'ente non ha questo servizio, il tipo dovuto non è attivo, il codice fiscale non è valido, oppure l'importo "
        "manca o non è quello del tipo",
        "controllare `servizi_avviso` dell'ente e i dati mandati",
        Ripetere.NO,
        (g.DEMAND,),
    ),
    Guasto(
        "PAA_SYSTEM_ERROR",
        "il database, o l'archivio dell'ente, non risponde in tempo; oppure un nostro errore",
        "riprovare; se dura, segnalare a chi gestisce l'hub con il valore di `X-Correlation-Id`",
        Ripetere.PIU_TARDI,
        _TUTTE,
    ),
)
