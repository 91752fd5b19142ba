"""Rules on what a client does from one call to the next. Source: pa-per-ente, 2.4, 2.12, 4.1, sections 6 and 7."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from datetime import timedelta
from urllib.parse import parse_qsl, urlsplit

from hub.domain.conformita.operazioni import (
    APRONO,
    CON_RICEVUTA,
    ESITI,
    FAULT_FINALI,
    PORTALI,
    SCRIVONO,
    STATI_FINALI,
    STATI_FLUSSO,
)  # fmt: skip
from hub.domain.conformita.prove import Chiamata, Prove, Voce
from hub.domain.conformita.regola import Giudizio, Gruppo, Guarda, Regola, Visto, su_chiamate
from hub.domain.guasti import CATALOGO, Ripetere

# Twice a second on the average, over ten seconds: what honest clients do at their most hurried is half of it.
_FINESTRA = timedelta(seconds=10)
_DOMANDE_MAX = 20
# After the end one more question is the receipt, or a second process that did not know.
_DOPO_LA_FINE_MAX = 2
_STESSO_DEBITO = timedelta(minutes=15)
_RIFIUTI_MAX = 5
_PAUSA = timedelta(seconds=1)
_URL_MAX = 2048
_RISERVATI = {"idSession", "esito", "pollingToken", "firma"}
_SENZA_RIMEDIO = frozenset(
    (operazione, guasto.code) for guasto in CATALOGO for operazione in guasto.operazioni
    if guasto.ripetere is Ripetere.NO
)  # fmt: skip
_CHIAVI = ("idSession", "identificativoUnivocoVersamento", "identificativoUnivocoDovuto")


def _credenziali(chiamata: Chiamata) -> Giudizio:
    if chiamata.busta is None or not chiamata.operazione:
        return None
    is_refused = chiamata.esito in ("PAA_ENTE_NON_VALIDO", "PAA_STATO_ENTE_NON_VALIDO")
    return f"rifiutata: {chiamata.esito}" if is_refused else ""


def _una_chiave(chiamata: Chiamata) -> Giudizio:
    if chiamata.operazione != CON_RICEVUTA:
        return None
    given = [name for name in _CHIAVI if chiamata.campi.get(name, "").strip()]
    return "" if len(given) == 1 else f"{len(given)} chiavi indicate{': ' if given else ''}{', '.join(given)}"


def _non_avviso(chiamata: Chiamata) -> Giudizio:
    iuv = chiamata.campi.get("identificativoUnivocoVersamento", "").strip()
    if not iuv:
        return None
    return "numero di avviso di 18 cifre al posto dello IUV" if len(iuv) == 18 and iuv.isdigit() else ""


def _ritorno(chiamata: Chiamata) -> Giudizio:
    url = chiamata.campi.get("enteSILInviaRispostaPagamentoUrl", "").strip()
    if not url:
        return None
    try:
        parts = urlsplit(url)
        is_url = parts.scheme in ("http", "https") and bool(parts.hostname) and "@" not in parts.netloc
    except ValueError:
        is_url = False
    is_clean = len(url) <= _URL_MAX and not any(char.isspace() for char in url) and "#" not in url
    return "" if is_url and is_clean else "non è un indirizzo http(s) completo, senza frammento né credenziali"


def _ritorno_https(chiamata: Chiamata) -> Giudizio:
    url = chiamata.campi.get("enteSILInviaRispostaPagamentoUrl", "").strip()
    if _ritorno(chiamata) != "":
        return None
    return "" if url.lower().startswith("https://") else "il cittadino torna su un indirizzo http, in chiaro"


def _ritorno_parametri(chiamata: Chiamata) -> Giudizio:
    url = chiamata.campi.get("enteSILInviaRispostaPagamentoUrl", "").strip()
    if _ritorno(chiamata) != "":
        return None
    taken = sorted(_RISERVATI & {name for name, _ in parse_qsl(urlsplit(url).query, keep_blank_values=True)})
    return f"parametri riservati al portale: {', '.join(taken)}" if taken else ""


def _di_portale(chiamata: Chiamata) -> Giudizio:
    if chiamata.operazione not in PORTALI:
        return None
    is_refused = chiamata.esito == "PAA_ENTE_NON_VALIDO"
    return "chiamata rifiutata: serve la password dell'ente amministratore" if is_refused else ""


def _non_realizzata(chiamata: Chiamata) -> Giudizio:
    if not chiamata.is_riuscita:
        return None
    is_missing = chiamata.operazione == "paaSILChiediAvvisiPendenti"
    return "paaSILChiediAvvisiPendenti non c'è negli altri portali" if is_missing else ""


def _domanda(chiamata: Chiamata) -> str:
    """What an outcome question is about; empty for other calls."""
    if chiamata.operazione in ESITI:
        return next((chiamata.campi[key] for key in ("idSessionCarrello", *_CHIAVI) if chiamata.campi.get(key)), "")
    return chiamata.campi.get("requestToken", "") if chiamata.operazione in STATI_FLUSSO else ""


def _per_domanda(prove: Prove, operations: Sequence[str]) -> dict[str, list[Chiamata]]:
    found: dict[str, list[Chiamata]] = defaultdict(list)
    for chiamata in prove.chiamate:
        if chiamata.operazione in operations and (about := _domanda(chiamata)):
            found[about].append(chiamata)
    return found


def _sessione_ottenuta(prove: Prove) -> Iterator[Visto]:
    opened = {one.risposta.id_session for one in prove.chiamate}
    for chiamata in prove.chiamate:
        asked = chiamata.campi.get("idSession") or chiamata.campi.get("idSessionCarrello")
        if chiamata.operazione in ESITI and asked:
            is_known = asked in opened or chiamata.esito != "PAA_ID_SESSION_NON_VALIDO"
            yield Visto(str(chiamata), "" if is_known else f"idSession {asked[:40]!r} mai ricevuto")


def _esito_chiesto(prove: Prove) -> Iterator[Visto]:
    if prove.inoltro:
        return
    asked = {_domanda(one) for one in prove.chiamate if one.operazione in ESITI}
    for chiamata in prove.chiamate:
        if chiamata.operazione not in APRONO or not chiamata.risposta.id_session:
            continue
        iud = {voce.iud for documento in chiamata.documenti for voce in documento.voci}
        iuv = {chiamata.campi.get("identificativoUnivocoVersamento", "")} - {""}
        is_asked = not asked.isdisjoint({chiamata.risposta.id_session} | iud | iuv)
        yield Visto(str(chiamata), "" if is_asked else "di questa sessione non è mai stato chiesto l'esito")


def _ritmo(operations: Sequence[str]) -> Guarda:
    def guarda(prove: Prove) -> Iterator[Visto]:
        for about, calls in _per_domanda(prove, operations).items():
            wrong = next(
                (calls[index + _DOMANDE_MAX] for index in range(len(calls) - _DOMANDE_MAX)
                 if calls[index + _DOMANDE_MAX].istante - calls[index].istante < _FINESTRA), None,
            )  # fmt: skip
            what = f"più di {_DOMANDE_MAX} domande in {_FINESTRA.seconds} secondi su {about[:40]!r}"
            yield Visto(str(wrong or calls[-1]), what if wrong else "")

    return guarda


def _is_fine(chiamata: Chiamata) -> bool:
    is_told = chiamata.risposta.has_pagati or chiamata.esito in FAULT_FINALI
    return is_told or chiamata.risposta.stato in STATI_FINALI


def _smette(operations: Sequence[str]) -> Guarda:
    def guarda(prove: Prove) -> Iterator[Visto]:
        for about, calls in _per_domanda(prove, operations).items():
            end = next((index for index, one in enumerate(calls) if _is_fine(one)), None)
            if end is not None:
                after = len(calls) - end - 1
                what = f"{after} domande dopo l'esito definitivo di {about[:40]!r}"
                yield Visto(str(calls[-1]), what if after > _DOPO_LA_FINE_MAX else "")

    return guarda


def _ricevuta_ritirata(prove: Prove) -> Iterator[Visto]:
    with_rt: set[str] = set()
    paid: dict[str, Chiamata] = {}
    for chiamata in prove.chiamate:
        if about := _domanda(chiamata):
            if chiamata.risposta.codice_esito == "0":
                paid[about] = chiamata
            if chiamata.risposta.has_rt:
                with_rt.add(about)
    for about, chiamata in paid.items():
        yield Visto(str(chiamata), "" if about in with_rt else f"pagamento di {about[:40]!r} letto senza la ricevuta")


def _debito(voce: Voce, pagatore: str) -> tuple[str, str, int | None, str]:
    return (pagatore, voce.tipo, voce.importo_cent, " ".join(voce.causale.split()).lower())


def _nuove(chiamata: Chiamata) -> Iterator[tuple[str, Voce]]:
    """Each dovuto that a call asks to make, with the fingerprint of its payer."""
    for documento in chiamata.documenti if chiamata.operazione in SCRIVONO else ():
        payer = documento.pagatore.impronta if documento.pagatore else ""
        if payer and documento.azione in ("", "I"):
            yield from ((payer, voce) for voce in documento.voci)


def _stesso_debito(prove: Prove) -> Iterator[Visto]:
    """The same debt is not sent under another IUD while nobody knows how the first one ended."""
    last: dict[tuple[str, str, int | None, str], tuple[Chiamata, str]] = {}
    ended: set[str] = set()
    for chiamata in prove.chiamate:
        if _is_fine(chiamata):
            ended.add(_domanda(chiamata))
        is_open = chiamata.is_riuscita or chiamata.stato_http >= 500 or chiamata.esito == "PAA_SYSTEM_ERROR"
        for payer, voce in _nuove(chiamata):
            debito = _debito(voce, payer)
            before = last.get(debito)
            if is_open:
                last[debito] = (chiamata, voce.iud)
            if before is None or chiamata.istante - before[0].istante > _STESSO_DEBITO or before[1] == voce.iud:
                continue
            is_ended = not ended.isdisjoint({before[0].risposta.id_session, before[1]} - {""})
            what = f"IUD {voce.iud[:35]!r}: lo stesso debito di {before[1][:35]!r}, {before[0]}, ancora aperto"
            yield Visto(str(chiamata), "" if is_ended else what)


def _iud_di_un_debito(prove: Prove) -> Iterator[Visto]:
    """An IUD means one debt, whatever happens to it."""
    known: dict[str, tuple[str, str, int | None]] = {}
    for chiamata in prove.chiamate:
        for payer, voce in _nuove(chiamata):
            means = (payer, voce.tipo, voce.importo_cent)
            before = known.setdefault(voce.iud, means)
            what = f"IUD {voce.iud[:35]!r} già usato per un altro debito"
            yield Visto(str(chiamata), "" if before == means else what)


def _corretta_prima(prove: Prove) -> Iterator[Visto]:
    """After a refusal that cannot change by itself the same bytes are not sent again."""
    refused: dict[str, Chiamata] = {}
    for chiamata in prove.chiamate:
        before = refused.get(chiamata.impronta)
        if before is not None:
            yield Visto(str(chiamata), f"identica a {before}, rifiutata con {before.esito}")
        elif (chiamata.operazione, chiamata.esito) in _SENZA_RIMEDIO:
            refused[chiamata.impronta] = chiamata
            yield Visto(str(chiamata))


def _una_volta(prove: Prove) -> Iterator[Visto]:
    done: dict[str, Chiamata] = {}
    for chiamata in prove.chiamate:
        if chiamata.operazione in SCRIVONO and chiamata.impronta:
            before = done.get(chiamata.impronta)
            yield Visto(str(chiamata), f"identica a {before}, già riuscita" if before is not None else "")
            if chiamata.is_riuscita:
                done.setdefault(chiamata.impronta, chiamata)


def _si_ferma(prove: Prove) -> Iterator[Visto]:
    """The same refusal of credentials over and over is a program that nobody looks at."""
    in_a_row = 0
    for chiamata in prove.chiamate:
        in_a_row = in_a_row + 1 if chiamata.esito == "PAA_ENTE_NON_VALIDO" else 0
        if in_a_row:
            what = f"{in_a_row} rifiuti delle credenziali di seguito"
            yield Visto(str(chiamata), what if in_a_row > _RIFIUTI_MAX else "")


def _pausa(prove: Prove) -> Iterator[Visto]:
    for busy, after in zip(prove.chiamate, prove.chiamate[1:], strict=False):
        if busy.stato_http in (429, 503):
            is_early = after.istante - busy.istante < _PAUSA
            yield Visto(str(after), f"subito dopo un HTTP {busy.stato_http}" if is_early else "")


def _token_ottenuto(prove: Prove) -> Iterator[Visto]:
    given = {one.risposta.request_token for one in prove.chiamate}
    for chiamata in prove.chiamate:
        token = chiamata.campi.get("requestToken")
        if chiamata.operazione in STATI_FLUSSO and token:
            is_known = token in given or chiamata.esito != "PAA_REQUEST_TOKEN_NON_VALIDO"
            yield Visto(str(chiamata), "" if is_known else f"requestToken {token[:40]!r} mai ricevuto")


def _intervallo(chiamata: Chiamata) -> Giudizio:
    start, end = (chiamata.campi.get(one) or chiamata.campi.get(two) for one, two in
                  (("dateFrom", "dataFrom"), ("dateTo", "dataTo")))  # fmt: skip
    if not start or not end:
        return None
    return "" if start <= end else f"dal {start[:19]} al {end[:19]}"


def _incrementale(prove: Prove) -> Iterator[Visto]:
    """Each incremental export starts where the one before ended."""
    ends: dict[str, str] = {}
    for chiamata in prove.chiamate:
        if chiamata.campi.get("incrementale", "").lower() not in ("true", "1") or not chiamata.risposta.date_to:
            continue
        tipo = chiamata.campi.get("identificativoTipoDovuto", "")
        start, before = chiamata.campi.get("dateFrom", ""), ends.get(tipo)
        if before is not None:
            yield Visto(
                str(chiamata), "" if start == before else f"dateFrom {start[:29]}, il precedente finiva {before[:29]}"
            )
        ends[tipo] = chiamata.risposta.date_to


def _r(codice: str, requisito: str, fonte: str, rimedio: str, guarda: Guarda, consiglio: bool = False) -> Regola:
    return Regola(codice, Gruppo.SESSIONE, requisito, fonte, rimedio, guarda, consiglio)


_ESITO = "pa-per-ente, operazioni di esito"
_UNICITA = "pa-per-ente, unicità e ripetizioni"
_RITORNO = "pa-per-ente, ritorno del browser"
_EXPORT = "pa-per-ente, export dei pagati"

REGOLE = (
    _r("SES-01", "Ente e password sono quelli configurati.", "pa-per-ente, autenticazione",
       "Correggere la configurazione del programma; una password ruotata va cambiata anche lì.",
       su_chiamate(_credenziali)),
    _r("SES-02", "Dopo rifiuti ripetuti delle credenziali il programma si ferma e avvisa.",
       "pa-per-ente, elenco dei guasti", "Fermarsi al primo PAA_ENTE_NON_VALIDO e avvisare un operatore.", _si_ferma),
    _r("SES-03", "L'esito si chiede con un idSession ricevuto dal portale.", _ESITO,
       "Conservare idSession accanto alla pratica appena la risposta arriva.", _sessione_ottenuta),
    _r("SES-04", "Di ogni sessione aperta si chiede l'esito: il ritorno del browser non è una prova.", _RITORNO,
       "Chiamare paaSILChiediPagatiConRicevuta finché l'esito è definitivo, o attivare l'inoltro.", _esito_chiesto),
    _r("SES-05", "L'esito si chiede con calma: al più venti volte in dieci secondi per sessione.", _ESITO,
       "Aspettare almeno un secondo fra una domanda e l'altra, e di più col passare del tempo.", _ritmo(ESITI)),
    _r("SES-06", "Dopo un esito definitivo non si chiede più.", _ESITO,
       "Fermarsi a pagati, PAA_PAGAMENTO_ANNULLATO e PAA_PAGAMENTO_SCADUTO.", _smette(ESITI)),
    _r("SES-07", "paaSILChiediPagatiConRicevuta ha una chiave sola.", _ESITO,
       "Indicare idSession, oppure lo IUV, oppure lo IUD: gli altri vanno omessi.", su_chiamate(_una_chiave)),
    _r("SES-08", "Dove il contratto vuole lo IUV si manda lo IUV, non il numero di avviso.", _ESITO,
       "Togliere la prima cifra (3) dalle 18 del numero di avviso.", su_chiamate(_non_avviso)),
    _r("SES-09", "Di ogni pagamento riuscito si ritira la ricevuta.", _ESITO,
       "Usare paaSILChiediPagatiConRicevuta e conservare rt.", _ricevuta_ritirata, True),
    _r("SES-10", "Lo stesso debito non si manda con un altro IUD finché il primo è aperto.", _UNICITA,
       "Dopo una risposta dubbia chiedere l'esito con lo IUD, o ripetere la stessa richiesta.", _stesso_debito),
    _r("SES-11", "Uno IUD indica un debito solo, per sempre.", _UNICITA,
       "Generare lo IUD una volta per debito, dalla chiave della pratica o casuale.", _iud_di_un_debito),
    _r("SES-12", "Dopo un rifiuto che non può cambiare, la stessa richiesta non si ripete.",
       "pa-per-ente, elenco dei guasti", "Correggere prima: il catalogo dei guasti dice quali ripetere.",
       _corretta_prima),
    _r("SES-13", "Una richiesta che scrive, riuscita, non si ripete identica.", _UNICITA,
       "Registrare la risposta prima di rispondere al cittadino; non ripetere al doppio clic.", _una_volta),
    _r("SES-14", "Dopo HTTP 429 o 503 si aspetta prima di richiamare.", "RFC 9110, Retry-After",
       "Rispettare Retry-After, e in ogni caso aspettare.", _pausa),
    _r("SES-15", "L'indirizzo di ritorno è un URL completo.", _RITORNO,
       "Scrivere https://nome/percorso, con la pratica nella query.", su_chiamate(_ritorno)),
    _r("SES-16", "L'indirizzo di ritorno è https.", _RITORNO, "Pubblicare la pagina in https.",
       su_chiamate(_ritorno_https), True),
    _r("SES-17", "L'indirizzo di ritorno non usa i nomi dei parametri del portale.", _RITORNO,
       "Cambiare nome: idSession, esito, pollingToken e firma li aggiunge il portale.",
       su_chiamate(_ritorno_parametri)),
    _r("SES-18", "Le operazioni dei portali del cittadino si chiamano con le credenziali giuste.",
       "pa-per-ente, portali del cittadino", "Un gestionale non ne ha bisogno; un portale usa la sua password.",
       su_chiamate(_di_portale)),
    _r("SES-19", "Il programma non dipende da operazioni che gli altri portali non hanno.",
       "pa-per-ente, operazioni", "Usare gli export al posto di paaSILChiediAvvisiPendenti.",
       su_chiamate(_non_realizzata), True),
    _r("SES-20", "Lo stato di un flusso si chiede con un requestToken ricevuto.", _EXPORT,
       "Conservare requestToken fino alla fine.", _token_ottenuto),
    _r("SES-21", "Lo stato di un flusso si chiede con calma.", _EXPORT, "Aspettare secondi, poi minuti.",
       _ritmo(STATI_FLUSSO)),
    _r("SES-22", "Dopo uno stato definitivo del flusso non si chiede più.", _EXPORT,
       "Fermarsi agli stati che finiscono per ESEGUITO, ABORTITO, TROVATO, CANCELLATO, o ERROR.",
       _smette(STATI_FLUSSO)),
    _r("SES-23", "Gli intervalli di date cominciano prima di finire.", _EXPORT, "Scambiare le due date.",
       su_chiamate(_intervallo)),
    _r("SES-24", "Ogni export incrementale comincia dove finiva il precedente.", _EXPORT,
       "Conservare il dateTo della risposta e usarlo come dateFrom successivo.", _incrementale),
)  # fmt: skip
