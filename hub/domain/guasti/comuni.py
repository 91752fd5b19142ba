"""Faults about who is calling: every operation has them. Source: pa-per-ente, authentication (1.4), helpers (2)."""

from __future__ import annotations

from hub.domain.guasti import guasto as g
from hub.domain.guasti.guasto import Guasto, Ripetere

_CORREGGERE = "correggere `codIpaEnte` o la password; se sono giusti, far controllare le abilitazioni dell'applicazione"
_TROPPI = "troppe password errate dallo stesso indirizzo (HTTP 429, intestazione `Retry-After`)"
_ASPETTARE = "aspettare i secondi indicati e correggere la password"
_PRENOTAZIONI = (g.AUTORIZZA, g.EXPORT, g.INCREMENTALE, g.SCADUTI)
# Operations whose PAA_SYSTEM_ERROR says more than this, here or in their own file.
_SYSTEM_ERROR_ALTROVE = (g.CARRELLO, g.PAGATI, g.RICEVUTA, g.IMPORTA, g.REGISTRA, *_PRENOTAZIONI)

GUASTI = (
    Guasto(
        "PAA_ENTE_NON_VALIDO",
        "`codIpaEnte` assente o sconosciuto, password o altra credenziale errata (non si distinguono apposta), oppure "
        "applicazione non abilitata all'operazione",
        _CORREGGERE,
        Ripetere.NO,
        (
            g.INVIA, g.RICEVUTA, g.REGISTRA, g.AUTORIZZA, g.STATO_IMPORT, g.STATO_EXPORT, g.SCADUTI, g.STATO_SCADUTI,
            g.AVVISI,
        ),  # fmt: skip
    ),
    Guasto(
        "PAA_ENTE_NON_VALIDO",
        "`codIpaEnte` assente o sconosciuto, password o altra credenziale errata, applicazione non abilitata "
        "all'operazione, ente ancora in stato `INSERITO`",
        _CORREGGERE + "; un ente `INSERITO` va messo in `PRE-ESERCIZIO` o `ESERCIZIO`",
        Ripetere.NO,
        (g.VERIFICA, g.PAGATI, g.ESITO, g.IMPORTA, g.EXPORT, g.INCREMENTALE),
    ),
    Guasto(
        "PAA_ENTE_NON_VALIDO",
        "chiamante sconosciuto o con credenziale errata, oppure un elemento della lista nomina un ente sconosciuto o "
        "porta nel suo campo `password` un codice che non è quello dell'ente nominato",
        "correggere l'elemento che `faultString` nomina; il codice è lo SHA-256, in esadecimale, di "
        "`paaSILInviaCarrelloDovuti-{password dell'intermediario}-{codice fiscale dell'ente}`",
        Ripetere.NO,
        (g.CARRELLO,),
    ),
    Guasto(
        "PAA_ENTE_NON_VALIDO",
        "credenziale che non è dell'ente amministratore né di quello in `codIpaEnte`, `codIpaEnte` sconosciuto, oppure "
        "assente senza essere l'amministratore; applicazione non abilitata all'operazione",
        "usare la credenziale dell'ente amministratore; con quella di un altro ente indicare il suo `codIpaEnte`",
        Ripetere.NO,
        (g.POSIZIONI, g.STORICO),
    ),
    Guasto(
        "PAA_STATO_ENTE_NON_VALIDO",
        "l'ente è ancora in stato `INSERITO`",
        "metterlo in `PRE-ESERCIZIO` o `ESERCIZIO` nella configurazione",
        Ripetere.NO,
        (g.INVIA, g.REGISTRA),
    ),
    Guasto(
        "PAA_SYSTEM_ERROR",
        _TROPPI,
        _ASPETTARE,
        Ripetere.DIPENDE,
        tuple(name for name in g.OPERAZIONI_ENTE if name not in _SYSTEM_ERROR_ALTROVE),
    ),
    Guasto(
        "PAA_SYSTEM_ERROR",
        f"{_TROPPI}, oppure più di mille richieste dell'ente aspettano ancora",
        f"{_ASPETTARE}; nell'altro caso aspettare che le richieste già fatte vadano avanti",
        Ripetere.DIPENDE,
        _PRENOTAZIONI,
    ),
    Guasto(
        "PAA_SYSTEM_ERROR",
        f"{_TROPPI}, oppure il pagamento è finito in uno stato che non ha un esito leggibile",
        f"{_ASPETTARE}; nell'altro caso segnalare a chi gestisce l'hub con il valore di `X-Correlation-Id`",
        Ripetere.DIPENDE,
        (g.PAGATI,),
    ),
    Guasto(
        "PAA_SYSTEM_ERROR",
        f"{_TROPPI}, oppure gli enti della richiesta usano stazioni diverse o una stazione che non invia carrelli",
        f"{_ASPETTARE}; nell'altro caso mandare una richiesta per ente",
        Ripetere.DIPENDE,
        (g.CARRELLO,),
    ),
    Guasto(
        "PAA_SYSTEM_ERROR",
        f"{_TROPPI}; IUV vuoto, o di un altro ente con lo stesso codice fiscale; importo o data che non si leggono; "
        "tipo dovuto non concesso all'applicazione che chiama",
        f"{_ASPETTARE}; negli altri casi correggere ciò che `faultString` dice",
        Ripetere.DIPENDE,
        (g.REGISTRA,),
    ),
)
