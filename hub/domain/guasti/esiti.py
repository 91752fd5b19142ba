"""Faults of the questions about an outcome. Source: pa-per-ente, 2.4."""

from __future__ import annotations

from hub.domain.guasti import guasto as g
from hub.domain.guasti.guasto import Guasto, Ripetere

_PER_SESSIONE = (g.PAGATI, g.RICEVUTA)

GUASTI = (
    Guasto(
        "PAA_ID_SESSION_NON_VALIDO",
        "la sessione non esiste per questo ente",
        "controllare di aver conservato `idSession` intero",
        Ripetere.UNA_VOLTA,
        (g.PAGATI, g.RICEVUTA, g.ESITO),
    ),
    Guasto(
        "PAA_PAGAMENTO_NON_INIZIATO",
        "il pagatore non ha ancora confermato",
        "richiedere più tardi; dopo un'ora la sessione scade",
        Ripetere.PIU_TARDI,
        _PER_SESSIONE,
    ),
    Guasto(
        "PAA_PAGAMENTO_IN_CORSO",
        "il pagamento è cominciato e la ricevuta non è ancora arrivata",
        "richiedere più tardi, con pause di almeno qualche secondo",
        Ripetere.PIU_TARDI,
        _PER_SESSIONE,
    ),
    Guasto(
        "PAA_PAGAMENTO_ANNULLATO",
        "il pagamento, o il dovuto, è stato annullato",
        "per ritentare mandare un dovuto nuovo",
        Ripetere.FINALE,
        _PER_SESSIONE,
    ),
    Guasto(
        "PAA_PAGAMENTO_SCADUTO",
        "il pagatore non ha pagato in tempo",
        "per ritentare mandare un dovuto nuovo",
        Ripetere.FINALE,
        _PER_SESSIONE,
    ),
    Guasto(
        "PAA_IUV_NON_VALIDO",
        "IUV sconosciuto per questo ente",
        "mandare lo IUV (17 cifre), non il numero avviso (18)",
        Ripetere.NO,
        (g.RICEVUTA,),
    ),
    Guasto(
        "PAA_IUD_NON_VALIDO",
        "IUD sconosciuto per questo ente",
        "correggere lo IUD; uno IUD appena inviato esiste da quando il pagatore conferma",
        Ripetere.NO,
        (g.RICEVUTA,),
    ),
    Guasto(
        "PAA_SYSTEM_ERROR",
        "nessuna chiave o più di una fra `idSession`, IUV e IUD; dovuto scaduto (`description` dice \"dovuto "
        "scaduto\"); stato senza esito leggibile; troppe password errate dallo stesso indirizzo (HTTP 429)",
        "mandare una sola chiave; un dovuto scaduto si proroga con `paaSILImportaDovuto`",
        Ripetere.DIPENDE,
        (g.RICEVUTA,),
    ),
)
