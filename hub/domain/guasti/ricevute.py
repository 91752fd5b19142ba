"""Faults that the node receives about a receipt of the new model. Source: node, 3.4, what a KO means (3.0.7).

Whatever the refusal, the bytes are kept: a KO ends the receipt's road.
"""

from __future__ import annotations

from hub.domain.guasti import guasto as g
from hub.domain.guasti.guasto import Guasto, Ripetere

_SEND = (g.SEND_RT, g.SEND_RT_V2)

GUASTI = (
    Guasto(
        "PAA_SINTASSI_EXTRAXSD",
        "la richiesta non contiene una ricevuta con `idPA` e `receiptId`",
        "la ricevuta, se c'è, è conservata fra le respinte: `pontepa ricevuta list --stato RESPINTA`",
        Ripetere.NO,
        _SEND,
    ),
    Guasto(
        "PAA_ID_INTERMEDIARIO_ERRATO",
        "nessuna stazione di questo intermediario",
        "controllare `intermediario` della stazione; la ricevuta è conservata fra le respinte",
        Ripetere.NO,
        _SEND,
    ),
    Guasto(
        "PAA_STAZIONE_INT_ERRATA",
        "stazione sconosciuta, o di un altro intermediario",
        "controllare la stazione nella configurazione; la ricevuta è conservata fra le respinte",
        Ripetere.NO,
        _SEND,
    ),
    Guasto(
        "PAA_ID_DOMINIO_ERRATO",
        "`idPA` non è il codice fiscale di un ente di questo intermediario",
        "controllare il codice fiscale dell'ente; la ricevuta è conservata fra le respinte",
        Ripetere.NO,
        _SEND,
    ),
)
