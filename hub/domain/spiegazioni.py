"""Why a call ended as it did and what to do about it, in words for who reads the page of the sandbox."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from hub.domain.giornale import Esito
from hub.domain.guasti import CATALOGO, Guasto

_GUASTI = {(operazione, guasto.code): guasto for guasto in reversed(CATALOGO) for operazione in guasto.operazioni}
_SOAP = {
    "Client": "La richiesta non è stata eseguita: va corretta prima di rimandarla.",
    "Server": (
        "È un errore dell'hub, non della richiesta: si ripete uguale; se resta, dire la correlazione a chi lo gestisce."
    ),
    "VersionMismatch": "Il servizio parla SOAP 1.1: impostare il client su questa versione, con Content-Type text/xml.",
    "MustUnderstand": "La busta ha un'intestazione con mustUnderstand che questo servizio non conosce: toglierla.",
}
_USCITA = {
    Esito.OK: "Chi è stato chiamato ha accettato.",
    Esito.KO: "Chi è stato chiamato ha rifiutato: ripetere la stessa chiamata non cambia la risposta.",
    Esito.RIPROVARE: "La chiamata non è stata presa in carico: l'hub la ripete da solo, più tardi.",
    Esito.IGNOTO: "Non si sa se la chiamata sia arrivata: l'hub chiede lo stato all'altra parte prima di ripeterla.",
    Esito.ERRORE: "Errore dell'hub mentre chiamava: indicare la correlazione a chi lo gestisce.",
}
_MOTIVI = {
    "TEMPO_SCADUTO": "Chi è stato chiamato non ha risposto in tempo.",
    "RISPOSTA_NON_LEGGIBILE": "La risposta non è quella che il contratto prevede.",
    "RISPOSTA_TROPPO_GRANDE": "La risposta è troppo lunga.",
    "ReadTimeoutError": "Chi è stato chiamato non ha risposto in tempo.",
    "ProtocolError": "Chi è stato chiamato ha chiuso la connessione a metà.",
    "NewConnectionError": "Nessuno risponde a quell'indirizzo: il sistema è acceso? la porta è giusta?",
    "ConnectTimeoutError": "Nessuno risponde a quell'indirizzo entro il tempo.",
}


@dataclass(frozen=True, slots=True)
class GuastoLetto:
    """What an answer says of its refusal; empty texts where it says nothing."""

    codice: str = ""
    testo: str = ""
    descrizione: str = ""


def spiega_ricevuta(operazione: str, esito: str, letto: GuastoLetto, violazioni: Sequence[str] = ()) -> str:
    """Explain the end of a call to the hub. `esito`: OK or the code; `violazioni`: what the contract has against it.

    >>> spiega_ricevuta("paaSILInviaDovuti", "OK", GuastoLetto())
    'La richiesta rispetta il contratto ed è stata eseguita.'
    >>> print(spiega_ricevuta("x", "Client", GuastoLetto("", "Non conforme"), ["riga 3, elemento importo: manca"]))
    Non conforme
    Contratto, riga 3, elemento importo: manca
    La richiesta non è stata eseguita: va corretta prima di rimandarla.
    """
    lines = _told(letto) + [f"Contratto, {violazione}" for violazione in violazioni]
    if esito == "OK":
        head = "La richiesta è stata eseguita, ma non rispetta il contratto." if violazioni else (
            "La richiesta rispetta il contratto ed è stata eseguita."
        )
        return "\n".join([head, *lines])
    guasto = _GUASTI.get((operazione, esito))
    if guasto is not None:
        lines += _of(guasto)
    elif esito in _SOAP:
        lines.append(_SOAP[esito])
    return "\n".join(lines) or f"Rifiutata con {esito}."


def spiega_fatta(esito: Esito, codice: str, letto: GuastoLetto) -> str:
    """Explain the end of a call that the hub made.

    >>> print(spiega_fatta(Esito.IGNOTO, "TEMPO_SCADUTO", GuastoLetto()))
    Chi è stato chiamato non ha risposto in tempo.
    Non si sa se la chiamata sia arrivata: l'hub chiede lo stato all'altra parte prima di ripeterla.
    """
    lines = _told(letto)
    if codice in _MOTIVI:
        lines.append(_MOTIVI[codice])
    elif codice.startswith("HTTP_"):
        lines.append(f"Ha risposto con lo stato HTTP {codice.removeprefix('HTTP_')}.")
    return "\n".join([*lines, _USCITA[esito]])


def _told(letto: GuastoLetto) -> list[str]:
    words = [letto.testo, f"Dove: {letto.descrizione}" if letto.descrizione not in ("", letto.testo) else ""]
    return [word for word in words if word]


def _of(guasto: Guasto) -> list[str]:
    return [
        f"Quando succede: {guasto.condizione}.",
        f"Rimedio: {guasto.rimedio}.",
        f"Ripetere la chiamata: {guasto.ripetere}.",
    ]
