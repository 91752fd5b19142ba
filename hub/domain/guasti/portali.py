"""Faults of the operations for citizens' portals. Source: pa-per-ente, 2.10, 2.11."""

from __future__ import annotations

from hub.domain.guasti import guasto as g
from hub.domain.guasti.guasto import Guasto, Ripetere

_CITTADINO = (g.POSIZIONI, g.STORICO)

GUASTI = (
    Guasto(
        "PAA_TIPO_IDENTIFICATIVO_PAGATORE_NON_VALIDO",
        "`tipoIdentificativoUnivoco` non è `F` o `G`",
        "correggere il tipo",
        Ripetere.NO,
        _CITTADINO,
    ),
    Guasto(
        "PAA_CODICE_IDENTIFICATIVO_PAGATORE_NON_PRESENTE",
        "`codiceIdentificativoUnivoco` vuoto",
        "mandare il codice fiscale o la partita IVA del cittadino",
        Ripetere.NO,
        _CITTADINO,
    ),
    Guasto(
        "PAA_INTERVALLO_DATE_NON_VALIDO",
        "la data finale precede quella iniziale",
        "scambiare o correggere le date",
        Ripetere.NO,
        (g.STORICO, g.AVVISI),
    ),
)
