"""Faults of the flow operations. Source: pa-per-ente, 2.7, 2.8, 2.9."""

from __future__ import annotations

from hub.domain.guasti import guasto as g
from hub.domain.guasti.guasto import Guasto, Ripetere

_PRENOTA = (g.EXPORT, g.INCREMENTALE)

GUASTI = (
    Guasto(
        "PAA_REQUEST_TOKEN_NON_VALIDO",
        "`requestToken` assente o sconosciuto per questo ente, oppure il file autorizzato non è ancora arrivato",
        "caricare il file, poi richiedere più tardi; se il file c'è, controllare il token",
        Ripetere.PIU_TARDI,
        (g.STATO_IMPORT,),
    ),
    Guasto(
        "PAA_REQUEST_TOKEN_NON_VALIDO",
        "`requestToken` assente o sconosciuto per questo ente, o di un altro genere di prenotazione",
        "usare il token ricevuto dalla prenotazione",
        Ripetere.NO,
        (g.STATO_EXPORT, g.STATO_SCADUTI),
    ),
    Guasto(
        "PAA_DATE_FROM_NON_VALIDO",
        "data iniziale assente, o che non è una data",
        "mandare `dateFrom` (scaduti: `dataScadenza`) come `aaaa-mm-gg` (l'incrementale: `aaaa-mm-ggThh:mm:ss`)",
        Ripetere.NO,
        (*_PRENOTA, g.SCADUTI),
    ),
    Guasto(
        "PAA_DATE_TO_NON_VALIDO",
        "data finale assente, o che non è una data; nell'incrementale può mancare",
        "mandare `dateTo` nella forma di `dateFrom`",
        Ripetere.NO,
        _PRENOTA,
    ),
    Guasto(
        "PAA_INTERVALLO_DATE_NON_VALIDO",
        "`dateTo` precede `dateFrom`",
        "scambiare o correggere le date",
        Ripetere.NO,
        _PRENOTA,
    ),
    Guasto(
        "CODE_PAA_PASSWORD_ALLINEAMENTO_MYPIVOT_NON_VALIDA",
        "`passwordMypivot` presente e diversa da quella configurata",
        "togliere l'elemento, o correggerlo",
        Ripetere.NO,
        (g.INCREMENTALE,),
    ),
    Guasto(
        "PAA_IDENTIFICATIVO_TIPO_DOVUTO_NON_VALIDO",
        "tipo dovuto sconosciuto per l'ente, o non concesso all'applicazione che chiama",
        "correggere il codice, o ometterlo per avere tutti i tipi",
        Ripetere.NO,
        _PRENOTA,
    ),
    Guasto(
        "PAA_IDENTIFICATIVO_TIPO_DOVUTO_NON_VALIDO",
        "almeno uno dei `tipiDovuto` è sconosciuto per l'ente, o non concesso all'applicazione che chiama",
        "correggere l'elenco; i codici si separano con un punto e virgola",
        Ripetere.NO,
        (g.SCADUTI,),
    ),
    Guasto(
        "PAA_IDENTIFICATIVO_TIPO_DOVUTO_NON_INSERITO",
        "`tipiDovuto` vuoto",
        "mandare almeno un tipo dovuto",
        Ripetere.NO,
        (g.SCADUTI,),
    ),
    Guasto(
        "PAA_VERSIONE_TRACCIATO_NON_VALIDA",
        "`versioneTracciato` non è `1.0`, `1.1`, `1.2` o `1.3`",
        "correggere la versione, o ometterla (`1.0`)",
        Ripetere.NO,
        _PRENOTA,
    ),
)
