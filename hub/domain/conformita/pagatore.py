"""Rules on the payer of the inner documents. Source: pa-per-ente, block soggettoPagatore (3.6)."""

from __future__ import annotations

from collections.abc import Callable

from hub.domain.conformita.prove import Chiamata, Documento, Pagatore, Prove
from hub.domain.conformita.regola import Giudizio, Gruppo, Guarda, Regola, su_documenti


def _del_pagatore(look: Callable[[Pagatore], Giudizio]) -> Guarda:
    """Return the look at each payer."""

    def guarda(prove: Prove, chiamata: Chiamata, documento: Documento) -> Giudizio:
        return None if documento.pagatore is None else look(documento.pagatore)

    return su_documenti(guarda)


def _persona(pagatore: Pagatore) -> Giudizio:
    if pagatore.tipo != "F" or pagatore.is_anonimo:
        return None
    return "" if pagatore.is_valido else "con tipo F, codice con struttura o carattere di controllo errati"


def _partita_iva(pagatore: Pagatore) -> Giudizio:
    if pagatore.tipo != "G" or pagatore.is_anonimo:
        return None
    return "" if pagatore.is_valido else "con tipo G, non sono undici cifre con la cifra di controllo esatta"


def _canonico(pagatore: Pagatore) -> Giudizio:
    if pagatore.is_anonimo or not pagatore.is_valido:
        return None
    return "" if pagatore.is_canonico else "codice con minuscole o spazi"


def _anonimo(prove: Prove, chiamata: Chiamata, documento: Documento) -> Giudizio:
    if documento.pagatore is None or not documento.pagatore.is_anonimo:
        return None
    if documento.pagatore.tipo != "F":
        return "ANONIMO con tipo G"
    closed = [voce.tipo for voce in documento.voci if voce.tipo in prove.tipi and not prove.tipi[voce.tipo].anonimo]
    return f"ANONIMO per il tipo {closed[0]!r}, che non lo consente" if closed else ""


def _email(pagatore: Pagatore) -> Giudizio:
    if not pagatore.has_email:
        return None
    return "" if pagatore.is_email else "e-mailPagatore non è un indirizzo di posta"


def _cap(pagatore: Pagatore) -> Giudizio:
    return None if not pagatore.cap else "" if pagatore.is_cap else f"capPagatore {pagatore.cap[:16]!r}"


def _provincia(pagatore: Pagatore) -> Giudizio:
    if not pagatore.provincia:
        return None
    return "" if pagatore.is_provincia else f"provinciaPagatore {pagatore.provincia[:10]!r}"


def _nazione(pagatore: Pagatore) -> Giudizio:
    if not pagatore.nazione:
        return None
    return "" if pagatore.is_nazione else f"nazionePagatore {pagatore.nazione[:10]!r}"


def _indirizzo(pagatore: Pagatore) -> Giudizio:
    if pagatore.is_indirizzo_ascii is None:
        return None
    return "" if pagatore.is_indirizzo_ascii else "indirizzo o civico con caratteri fuori dall'ASCII stampabile"


def _r(codice: str, requisito: str, rimedio: str, guarda: Guarda, consiglio: bool = False) -> Regola:
    return Regola(codice, Gruppo.CONTENUTO, requisito, "pa-per-ente, soggettoPagatore", rimedio, guarda, consiglio)


REGOLE = (
    _r("CON-29", "Il codice di una persona ha il carattere di controllo esatto.",
       "Controllare il codice fiscale quando lo si raccoglie.", _del_pagatore(_persona)),
    _r("CON-30", "Il codice di una persona giuridica è una partita IVA valida.",
       "Con tipo G servono undici cifre; una ditta individuale con il suo codice fiscale è di tipo F.",
       _del_pagatore(_partita_iva)),
    _r("CON-31", "Il codice del pagatore è in maiuscolo e senza spazi.",
       "Normalizzarlo: altrimenti lo stesso cittadino risulta due.", _del_pagatore(_canonico), True),
    _r("CON-32", "ANONIMO è usato solo con tipo F e dove il tipo dovuto lo consente.",
       "Indicare il debitore, o far abilitare l'anonimo sul tipo.", su_documenti(_anonimo)),
    _r("CON-33", "L'e-mail del pagatore è un indirizzo.", "Controllarla, o ometterla.",
       _del_pagatore(_email)),
    _r("CON-34", "Il CAP ha la forma della nazione (cinque cifre in Italia).",
       "Correggerlo, o ometterlo.", _del_pagatore(_cap)),
    _r("CON-35", "La provincia è una sigla esistente.", "Usare la sigla di due lettere, o ometterla.",
       _del_pagatore(_provincia)),
    _r("CON-36", "La nazione è un codice ISO 3166 di due maiuscole.", "Usare IT, FR...",
       _del_pagatore(_nazione)),
    _r("CON-37", "Indirizzo e civico sono in caratteri stampabili semplici.",
       "Togliere simboli; le lettere accentate si ammettono.", _del_pagatore(_indirizzo), True),
)  # fmt: skip
