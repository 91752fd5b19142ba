"""Refusals of the doors for files: problem documents with real statuses, and the one of the legacy contract.

Source: RFC 9457; flows, 1.2 (always 200, an array of one object) and defect 9 (12).
"""

from __future__ import annotations

from flask import Response, g, json

from hub.domain.errors import (
    CaricamentoNonValido,
    EnteNonValido,
    FileTroppoGrande,
    FlussoGiaRicevuto,
    FlussoRifiutato,
    GettoneNonValido,
    GettoneUsato,
    HubError,
    InvalidRequest,
    NotFound,
    OutOfService,
    TipoContenutoNonAmmesso,
    TroppeRichieste,
    TroppiTentativi,
    TroppoSpesso,
)

# The first class that fits decides: status, code, what to do when the sentence does not say it itself.
_PROBLEMI: tuple[tuple[type[HubError], int, str, str], ...] = (
    (FileTroppoGrande, 413, "FILE_TROPPO_GRANDE", "dividere il flusso in più file"),
    (TipoContenutoNonAmmesso, 415, "CONTENUTO_NON_AMMESSO", "mandare il file come indicato"),
    (CaricamentoNonValido, 422, "RICHIESTA_NON_VALIDA", "mandare un solo file, con il suo nome"),
    (FlussoRifiutato, 422, "", "correggere il file"),
    (FlussoGiaRicevuto, 409, "", "usare uno iuf nuovo"),
    (GettoneUsato, 409, "TOKEN_GIA_USATO", "chiedere una nuova autorizzazione con paaSILAutorizzaImportFlusso"),
    (GettoneNonValido, 401, "TOKEN_NON_VALIDO", "chiedere una nuova autorizzazione con paaSILAutorizzaImportFlusso"),
    (TroppeRichieste, 429, "TROPPE_RICHIESTE", "aspettare, e mandare meno richieste insieme"),
    (TroppiTentativi, 429, "TROPPI_TENTATIVI", "aspettare, e controllare la password"),
    (EnteNonValido, 401, "PAA_ENTE_NON_VALIDO", "controllare codIpaEnte, password o token, e la concessione"),
    (NotFound, 404, "NON_TROVATO", "controllare l'indirizzo"),
    (InvalidRequest, 422, "RICHIESTA_NON_VALIDA", "correggere la richiesta"),
    (OutOfService, 503, "SERVIZIO_NON_DISPONIBILE", "riprovare fra poco"),
)
_HTTP = {
    401: ("NON_AUTORIZZATO", "richiesta senza autorizzazione", "mandare le credenziali"),
    404: ("NON_TROVATO", "indirizzo o file inesistente", "controllare l'indirizzo"),
    405: ("METODO_NON_AMMESSO", "metodo non ammesso a questo indirizzo", "usare il metodo indicato in Allow"),
    416: ("INTERVALLO_NON_VALIDO", "il file non ha quei byte", "chiedere un intervallo dentro la lunghezza del file"),
    413: ("FILE_TROPPO_GRANDE", "la richiesta è troppo grande", "dividere il flusso in più file"),
}
_INTERNO = ("ERRORE_INTERNO", "errore interno", "riprovare; se si ripete, indicare il riferimento a chi gestisce l'hub")
_TITOLI = {
    400: "Richiesta non valida", 401: "Non autorizzato", 404: "Non trovato", 405: "Metodo non ammesso",
    409: "In conflitto con quanto c'è già", 413: "Troppo grande", 415: "Contenuto non ammesso",
    422: "Non accettabile", 429: "Troppe richieste", 503: "Servizio non disponibile",
}  # fmt: skip
RETRY_AFTER_S = 5


def code_of(error: HubError) -> str:
    """Return the code of a refusal, as these doors call it."""
    return _told(error)[1]


def problem(error: HubError) -> Response:
    """Return the problem document of a refusal."""
    status, codice, dettaglio, rimedio = _told(error)
    answer = _problem(status, codice, dettaglio, rimedio)
    if status == 401:
        scheme = "Bearer" if isinstance(error, GettoneNonValido) else "Basic realm=\"PontePA\", charset=\"UTF-8\""
        answer.headers["WWW-Authenticate"] = scheme
    if isinstance(error, TroppoSpesso):
        answer.headers["Retry-After"] = str(error.retry_after_s)
    elif status == 503:
        answer.headers["Retry-After"] = str(RETRY_AFTER_S)
    return answer


def problem_of_status(status: int) -> Response:
    """Return the problem document of what the server itself refuses, or of a crash of ours."""
    return _problem(status, *_HTTP.get(status, _INTERNO))


def legacy(error: HubError | None) -> Response:
    """Return the legacy answer to a refusal; None: to a crash of ours. `400` what the caller can mend, `500` the rest.

    A token that has already brought its file is among the rest: flows, 1.2.
    """
    is_callers = isinstance(error, (InvalidRequest, FlussoGiaRicevuto, GettoneNonValido, NotFound))
    codice = "400" if is_callers and not isinstance(error, GettoneUsato) else "500"
    testo = "errore interno: riprovare più tardi" if error is None else str(error)
    if isinstance(error, OutOfService):
        testo = ": ".join(_told(error)[2:])
    return legacy_answer({"codice": codice, "descrizione": f"[{g.correlation_id}] {testo}"})


def legacy_answer(values: dict[str, str]) -> Response:
    """Return the one shape that the legacy address has: 200, an array of one object of texts."""
    return Response(json.dumps([values], ensure_ascii=False), mimetype="application/json")


def _told(error: HubError) -> tuple[int, str, str, str]:
    """Return status, code, detail and remedy of a refusal."""
    for kind, status, codice, rimedio in _PROBLEMI:
        if isinstance(error, kind):
            testo = error.testo if isinstance(error, FlussoRifiutato) else str(error)
            if isinstance(error, (FlussoRifiutato, FlussoGiaRicevuto)):
                codice = error.stato
            # Our sentences say what is wrong, then what to do.
            before, _, after = testo.rpartition(": ")
            if not before:
                return status, codice, testo, rimedio
            # What of ours does not answer is followed by the name of a file of ours.
            return status, codice, before, rimedio if isinstance(error, OutOfService) else after
    return (500, *_INTERNO)


def _problem(status: int, codice: str, dettaglio: str, rimedio: str) -> Response:
    values = {
        "type": "about:blank",
        "title": _TITOLI.get(status, "Errore"),
        "status": status,
        "detail": dettaglio,
        "codice": codice,
        "dettaglio": dettaglio,
        "rimedio": rimedio,
        "riferimento": g.correlation_id,
    }
    return Response(json.dumps(values, ensure_ascii=False), status, mimetype="application/problem+json")


