"""Rules on the endpoint where an ente hears outcomes, called on purpose.

Source: docs/inoltro-esito.md; pa-per-ente, 4.2. Each question is named; `SONDE` says in order what is asked.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from hub.domain.conformita.prove import Prove, Sonda
from hub.domain.conformita.regola import Giudizio, Gruppo, Guarda, Regola, Visto

BUONO = "esito positivo"
RIPETUTO = "lo stesso evento, ripetuto"
ANCORA = "lo stesso evento, una terza volta"
NEGATIVO = "esito negativo"
SECONDO = "secondo esito dello stesso dovuto"
VECCHIA_SEQUENZA = "sequenza più bassa, arrivata dopo"
SENZA_RT = "esito senza ricevuta"
SCONOSCIUTO = "dovuto mai mandato"
GRANDE = "ricevuta grande"
MANOMESSO = "corpo cambiato dopo la firma"
SENZA_FIRMA = "nessuna firma"
SCADUTO = "firma di dieci minuti fa"
NON_JSON = "corpo che non è JSON"
METODO = "metodo GET"
SONDE = (
    BUONO, RIPETUTO, ANCORA, NEGATIVO, SECONDO, VECCHIA_SEQUENZA, SENZA_RT, SCONOSCIUTO, GRANDE, MANOMESSO, SENZA_FIRMA,
    SCADUTO, NON_JSON, METODO,
)  # fmt: skip
_RISPOSTA_MAX_MS = 5000
_RISPOSTA_MAX_BYTES = 64 * 1024


def _is_confermato(sonda: Sonda) -> bool:
    return 200 <= sonda.stato < 300 and not sonda.fault_code


def _detto(sonda: Sonda) -> str:
    said = sonda.errore or f"HTTP {sonda.stato}"
    return f"{said}, faultCode {sonda.fault_code[:60]}" if sonda.fault_code else said


def _confermata(sonda: Sonda) -> Giudizio:
    return "" if _is_confermato(sonda) else f"non confermato: {_detto(sonda)}"


def _rifiutata(sonda: Sonda) -> Giudizio:
    if sonda.stato >= 500:
        return f"errore del server: {_detto(sonda)}"
    return (
        f"accolto: {_detto(sonda)}"
        if _is_confermato(sonda)
        else ""
        if sonda.stato
        else f"nessuna risposta: {sonda.errore}"
    )


def _governata(sonda: Sonda) -> Giudizio:
    """Neither an error of the server nor silence: accepted, or refused with a code."""
    return f"errore: {_detto(sonda)}" if sonda.stato >= 500 or not sonda.stato else ""


def _su(look: Callable[[Sonda], Giudizio], *names: str, with_key: bool = False) -> Guarda:
    def guarda(prove: Prove) -> Iterator[Visto]:
        for name in names:
            sonda = prove.sonde_callback.get(name)
            if sonda is not None and (prove.has_chiave or not with_key):
                found = look(sonda)
                if found is not None:
                    yield Visto(name, found)

    return guarda


def _https(prove: Prove) -> Iterator[Visto]:
    if prove.callback:
        is_https = prove.callback.lower().startswith("https://")
        yield Visto(prove.callback[:120], "" if is_https else "l'indirizzo non comincia con https://")


def _risponde(sonda: Sonda) -> Giudizio:
    return "" if sonda.stato else f"nessuna risposta: {sonda.errore}"


def _in_tempo(sonda: Sonda) -> Giudizio:
    # Whoever is slower is cut off: no answer comes, and that it was late is what it took.
    if sonda.durata_ms >= _RISPOSTA_MAX_MS:
        return f"dopo {sonda.durata_ms} ms: il portale ne aspetta {_RISPOSTA_MAX_MS}"
    return "" if sonda.stato else None


def _breve(sonda: Sonda) -> Giudizio:
    if sonda.errore == "RISPOSTA_TROPPO_GRANDE":
        return "risposta oltre il limite, letta solo in parte"
    if not sonda.stato:
        return None
    return f"risposta di {sonda.size_bytes} byte" if sonda.size_bytes > _RISPOSTA_MAX_BYTES else ""


def _json(sonda: Sonda) -> Giudizio:
    if not sonda.stato or not sonda.size_bytes or not 200 <= sonda.stato < 300:
        return None
    return "" if sonda.is_json else "il corpo della risposta non è JSON: un faultCode dentro non si leggerebbe"


def _senza_rinvio(sonda: Sonda) -> Giudizio:
    if not sonda.stato:
        return None
    return f"HTTP {sonda.stato}: i rinvii non si seguono" if 300 <= sonda.stato < 400 else ""


def _metodo(sonda: Sonda) -> Giudizio:
    if not sonda.stato:
        return None
    return "" if 400 <= sonda.stato < 500 else f"GET risponde HTTP {sonda.stato}"


def _stesse_risposte(prove: Prove) -> Iterator[Visto]:
    first, again = (prove.sonde_callback.get(name) for name in (BUONO, RIPETUTO))
    if first is None or again is None or not _is_confermato(first):
        return
    yield Visto(RIPETUTO, "" if first.stato == again.stato else f"la prima volta HTTP {first.stato}, poi {again.stato}")


def _r(codice: str, requisito: str, rimedio: str, guarda: Guarda, fonte: str = "pa-per-ente, inoltro dell'esito",
       consiglio: bool = False) -> Regola:  # fmt: skip
    return Regola(codice, Gruppo.INOLTRO, requisito, fonte, rimedio, guarda, consiglio)


_WEBHOOKS = "Standard Webhooks 1.0, verifica della firma"

REGOLE = (
    _r("INO-01", "L'indirizzo che ascolta gli esiti è https.", "Pubblicarlo in https con un certificato valido.",
       _https),
    _r("INO-02", "L'indirizzo risponde.",
       "Aprirlo agli indirizzi del portale; il certificato deve valere per quel nome.",
       _su(_risponde, *SONDE)),
    _r("INO-03", "Un esito positivo è confermato con 2xx e senza faultCode.",
       "Rispondere 200, 202 o 204 appena l'esito è registrato.", _su(_confermata, BUONO)),
    _r("INO-04", "La risposta arriva entro cinque secondi.", "Registrare l'esito e lavorarlo dopo aver risposto.",
       _su(_in_tempo, *SONDE)),
    _r("INO-05", "Un evento già visto si conferma ogni volta.", "Ricordare i webhook-id e confermare quelli già visti.",
       _su(_confermata, RIPETUTO, ANCORA)),
    _r("INO-06", "La ripetizione di un evento ha la stessa risposta della prima volta.",
       "Rispondere allo stesso modo: il doppio non è un errore.", _stesse_risposte, consiglio=True),
    _r("INO-07", "Anche un esito negativo è confermato.", "Confermare la ricezione; leggere codiceEsitoPagamento.",
       _su(_confermata, NEGATIVO)),
    _r("INO-08", "Un secondo esito dello stesso dovuto è confermato.",
       "Dopo un esito negativo può arrivarne uno positivo.", _su(_confermata, SECONDO)),
    _r("INO-09", "Un esito con sequenza più bassa, arrivato in ritardo, si conferma e si ignora.",
       "Confrontare la sequenza con l'ultima vista per quel dovuto.", _su(_confermata, VECCHIA_SEQUENZA)),
    _r("INO-10", "Un esito senza ricevuta (rt vuota) è confermato.",
       "rt è vuota per i pagamenti registrati dall'ente: leggere esito.", _su(_confermata, SENZA_RT)),
    _r("INO-11", "Un dovuto sconosciuto non provoca un errore del server.",
       "Confermare, o rifiutare con faultCode: mai un 5xx.", _su(_governata, SCONOSCIUTO)),
    _r("INO-12", "Una ricevuta grande è accolta.", "Alzare il limite dei corpi ad almeno un mega.",
       _su(_confermata, GRANDE)),
    _r("INO-13", "Un corpo cambiato dopo la firma è rifiutato.", "Controllare webhook-signature sui byte ricevuti.",
       _su(_rifiutata, MANOMESSO, with_key=True), _WEBHOOKS),
    _r("INO-14", "Una chiamata senza firma è rifiutata.", "Rifiutare con 401 prima di leggere il corpo.",
       _su(_rifiutata, SENZA_FIRMA, with_key=True), _WEBHOOKS),
    _r("INO-15", "Una firma vecchia di dieci minuti è rifiutata.",
       "Confrontare webhook-timestamp con l'ora, ±5 minuti.",
       _su(_rifiutata, SCADUTO, with_key=True), _WEBHOOKS),
    _r("INO-16", "Un corpo che non è JSON è rifiutato senza errori del server.", "Rispondere 400.",
       _su(_rifiutata, NON_JSON), "RFC 8259"),
    _r("INO-17", "Un metodo diverso da POST è rifiutato (405).", "Accettare solo POST.", _su(_metodo, METODO),
       "RFC 9110, 405"),
    _r("INO-18", "Le risposte non sono rinvii.", "Indicare l'indirizzo finale: i rinvii non si seguono.",
       _su(_senza_rinvio, *SONDE)),
    _r("INO-19", "Le risposte sono brevi.", "Rispondere con un corpo vuoto o una riga di JSON.", _su(_breve, *SONDE)),
    _r("INO-20", "Una risposta con un corpo è JSON.", "Rispondere vuoto, o JSON: faultCode si cerca lì.",
       _su(_json, *SONDE), consiglio=True),
)  # fmt: skip
