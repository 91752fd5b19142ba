"""Faults of the operations for citizens' portals. Source: pa-per-ente, 2.10, 2.11."""

from __future__ import annotations

from hub.domain.guasti import guasto as g
from hub.domain.guasti.guasto import Guasto, Ripetere

_CITTADINO = (g.POSIZIONI, g.STORICO)

GUASTI = (
    Guasto(
        "PAA_TIPO_IDENTIFICATIVO_PAGATORE_NON_VALIDO",
        "`tipoIdentificativoUnivoco` assente, o non è `F` o `G`",
        "correggere il tipo",
        Ripetere.NO,
        _CITTADINO,
    ),
    Guasto(
        "PAA_CODICE_IDENTIFICATIVO_PAGATORE_NON_PRESENTE",
        "`codiceIdentificativoUnivoco` assente o vuoto",
        "mandare il codice fiscale o la partita IVA del cittadino",
        Ripetere.NO,
        _CITTADINO,
    ),
    Guasto(
        "PAA_INTERVALLO_DATE_NON_VALIDO",
        "la data finale precede quella iniziale, oppure nell'intervallo c'è più di quanto entri in una risposta (5000 "
        "avvisi, 200 pagamenti)",
        "scambiare o correggere le date, o restringere l'intervallo",
        Ripetere.NO,
        (g.STORICO, g.AVVISI),
    ),
    Guasto(
        "PAA_DATE_FROM_NON_VALIDO",
        "data iniziale assente, o che non è una data",
        "mandare `dateFrom` come `aaaa-mm-gg` (nello storico `dataFrom`, come `aaaa-mm-ggThh:mm:ss`)",
        Ripetere.NO,
        (g.STORICO, g.AVVISI),
    ),
    Guasto(
        "PAA_DATE_TO_NON_VALIDO",
        "data finale che non è una data; assente negli avvisi, dove è obbligatoria",
        "mandare `dateTo` come `aaaa-mm-gg` (nello storico `dataTo`, che può mancare, come `aaaa-mm-ggThh:mm:ss`)",
        Ripetere.NO,
        (g.STORICO, g.AVVISI),
    ),
)
