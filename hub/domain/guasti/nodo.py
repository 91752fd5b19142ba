"""Faults that the node receives about a receipt. Source: node, paaInviaRT (3.9), what a KO means (3.0.7)."""

from __future__ import annotations

from hub.domain.guasti import guasto as g
from hub.domain.guasti.guasto import Guasto, Ripetere

_RT = (g.INVIA_RT,)

GUASTI = (
    Guasto(
        "PAA_SINTASSI_XSD",
        "il documento non è base64, non è XML o non è una RT",
        "la RT è conservata in quarantena: aprirla e chiederne copia al nodo",
        Ripetere.NO,
        _RT,
    ),
    Guasto(
        "PAA_SINTASSI_EXTRAXSD",
        "la richiesta o la sua intestazione non rispettano il contratto",
        "la RT, se si legge, è conservata fra le respinte; il resto il nodo deve rimandarlo",
        Ripetere.NO,
        g.OPERAZIONI_RT,
    ),
    Guasto(
        "PAA_ID_INTERMEDIARIO_ERRATO",
        "intermediario sconosciuto",
        "controllare `intermediario` della stazione nella configurazione",
        Ripetere.NO,
        _RT,
    ),
    Guasto(
        "PAA_STAZIONE_INT_ERRATA",
        "stazione sconosciuta per questo intermediario",
        "controllare la stazione nella configurazione",
        Ripetere.NO,
        _RT,
    ),
    Guasto(
        "PAA_ID_DOMINIO_ERRATO",
        "dominio sconosciuto per questo intermediario",
        "controllare il codice fiscale dell'ente e la sua stazione",
        Ripetere.NO,
        _RT,
    ),
    Guasto(
        "PAA_RPT_SCONOSCIUTA",
        "nessuna RPT con questi IUV e CCP",
        "la RT è conservata come orfana: cercare chi ha iniziato il pagamento",
        Ripetere.NO,
        _RT,
    ),
    Guasto(
        "PAA_SEMANTICA",
        "la RT contraddice la sua RPT o una RT già ricevuta",
        "la RT è conservata in quarantena: confrontarla con la RPT",
        Ripetere.NO,
        _RT,
    ),
    Guasto(
        "PAA_SYSTEM_ERROR",
        "operazione non disponibile su questo hub",
        "nulla da fare: l'hub non gestisce revoche e storni",
        Ripetere.NO,
        (g.ESITO_STORNO, g.REVOCA),
    ),
    Guasto(
        "PAA_SYSTEM_ERROR",
        "la RT non si può conservare in questo momento, e la stazione è fra `PONTEPA_STAZIONI_CONVERTITORE`",
        "controllare il database: il convertitore rimanda la RT",
        Ripetere.PIU_TARDI,
        _RT,
    ),
)
