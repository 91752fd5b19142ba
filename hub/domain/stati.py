"""States of session, dovuto, attempt, receipt and flow, and the only transitions that are legal.

Source: pa-per-ente, life-cycle, 2.7 and 2.8; node, outcome of an RT (4.5) and retry protocol of model 1 (2.2).
"""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum
from typing import Mapping

from hub.domain.errors import Conflict


class StatoEnte(StrEnum):
    INSERITO = "INSERITO"
    PRE_ESERCIZIO = "PRE-ESERCIZIO"
    ESERCIZIO = "ESERCIZIO"


class StatoSessione(StrEnum):
    """The multi-cart behind an idSession."""

    NUOVO_CARRELLO = "NUOVO_CARRELLO"
    PREDISPOSTO = "PREDISPOSTO"
    PAGAM_IN_CORSO = "PAGAM_IN_CORSO"
    PAGATO = "PAGATO"
    NON_PAGATO = "NON_PAGATO"
    PARZ_PAGATO = "PARZ_PAGATO"
    ABORT = "ABORT"
    SCADUTO = "SCADUTO"
    SCADUTO_ELABORATO = "SCADUTO_ELABORATO"
    IMPOSSIBILE_INVIARE_CARRELLO_RP = "IMPOSSIBILE_INVIARE_CARRELLO_RP"


class TipoSessione(StrEnum):
    """How a session began. Source: pa-per-ente, effect of a receipt (5.3), kinds of cart."""

    ESTERNO_ANONIMO = "ESTERNO_ANONIMO"
    ESTERNO_ANONIMO_MULTIENTE = "ESTERNO_ANONIMO_MULTIENTE"
    AVVISO_ANONIMO_ENTE = "AVVISO_ANONIMO_ENTE"
    PRECARICATO_ANONIMO_ENTE = "PRECARICATO_ANONIMO_ENTE"


# Where a dovuto comes from when nobody stored it before its payment: it lives and ends with its session.
ORIGINI_NON_ARCHIVIATE = frozenset({"ESTERNO-ANONIMO", "ESTERNO-ANONIMO_MULTIENTE"})


class StatoCarrello(StrEnum):
    """The part of a multi-cart that belongs to one ente: one IUV, one RPT at a time, one receipt."""

    PREDISPOSTO = "PREDISPOSTO"
    PAGAM_IN_CORSO = "PAGAM_IN_CORSO"
    PAGATO = "PAGATO"
    NON_PAGATO = "NON_PAGATO"
    PARZ_PAGATO = "PARZ_PAGATO"
    DECORR_TERM = "DECORR_TERM"
    DECORR_TERM_PARZ = "DECORR_TERM_PARZ"
    ABORT = "ABORT"
    SCADUTO = "SCADUTO"
    SCADUTO_ELABORATO = "SCADUTO_ELABORATO"


class StatoDovuto(StrEnum):
    INSERIMENTO_DOVUTO = "INSERIMENTO_DOVUTO"
    PREDISPOSTO = "PREDISPOSTO"
    PAGAMENTO_INIZIATO = "PAGAMENTO_INIZIATO"
    SCADUTO = "SCADUTO"
    COMPLETATO = "COMPLETATO"
    ANNULLATO = "ANNULLATO"
    SCADUTO_ELABORATO = "SCADUTO_ELABORATO"
    ABORT = "ABORT"


class StatoTentativo(StrEnum):
    """One RPT, known to the node by (dominio, IUV, CCP)."""

    DA_INVIARE = "DA_INVIARE"
    SCONOSCIUTO = "SCONOSCIUTO"
    ACCETTATO = "ACCETTATO"
    RIFIUTATO = "RIFIUTATO"
    CHIUSO = "CHIUSO"


class StatoRt(StrEnum):
    """What became of the bytes of a receipt. RESPINTA: kept, though the header with which it came was refused."""

    RICEVUTA = "RICEVUTA"
    ELABORATA = "ELABORATA"
    ECCEDENZA = "ECCEDENZA"
    ORFANA = "ORFANA"
    QUARANTENA = "QUARANTENA"
    RESPINTA = "RESPINTA"


class StatoMessaggio(StrEnum):
    """A row of the outbox."""

    DA_INVIARE = "DA_INVIARE"
    IN_INVIO = "IN_INVIO"
    SCONOSCIUTO = "SCONOSCIUTO"
    CONSEGNATO = "CONSEGNATO"
    RIFIUTATO = "RIFIUTATO"
    PARCHEGGIATO = "PARCHEGGIATO"


class StatoImport(StrEnum):
    """A request to load a flow. AUTORIZZATO: no file has come yet, a state of ours that no caller is told."""

    AUTORIZZATO = "AUTORIZZATO"
    LOAD_IMPORT = "LOAD_IMPORT"
    IMPORT_IN_ELAB = "IMPORT_IN_ELAB"
    IMPORT_ESEGUITO = "IMPORT_ESEGUITO"
    IMPORT_ABORTITO = "IMPORT_ABORTITO"


# A file that has come and of which the end is not known.
IMPORT_APERTI = frozenset({StatoImport.LOAD_IMPORT, StatoImport.IMPORT_IN_ELAB})


class StatoFlusso(StrEnum):
    """What became of the dovuti of a flow. Source: flows, 1.4."""

    LOAD_FLOW = "LOAD_FLOW"
    CARICATO = "CARICATO"
    ANNULLATO = "ANNULLATO"
    ERRORE_CARICAMENTO = "ERRORE_CARICAMENTO"


class StatoConsegna(StrEnum):
    """What became of a daily export: booked, ready to be downloaded or without a row, on its way, arrived, not."""

    PRENOTATA = "PRENOTATA"
    DISPONIBILE = "DISPONIBILE"
    VUOTA = "VUOTA"
    IN_CONSEGNA = "IN_CONSEGNA"
    CONSEGNATA = "CONSEGNATA"
    FALLITA = "FALLITA"


class StatoExport(StrEnum):
    """A booked export."""

    LOAD_EXPORT = "LOAD_EXPORT"
    EXPORT_IN_ELAB = "EXPORT_IN_ELAB"
    EXPORT_ESEGUITO = "EXPORT_ESEGUITO"
    EXPORT_ESEGUITO_NESSUN_DOVUTO_TROVATO = "EXPORT_ESEGUITO_NESSUN_DOVUTO_TROVATO"
    ERROR_EXPORT = "ERROR_EXPORT"
    EXPORT_CANCELLATO = "EXPORT_CANCELLATO"


class StatoRendicontazione(StrEnum):
    """A revision of a settlement flow (FdR). Source: node, 6.4.

    INCONSISTENT waits for a person: it cannot be read, is somebody else's, or its totals do not add up.
    """

    LISTED = "LISTED"
    DOWNLOADING = "DOWNLOADING"
    DOWNLOAD_ERROR = "DOWNLOAD_ERROR"
    STORED = "STORED"
    PARSED = "PARSED"
    MATCHED = "MATCHED"
    OPEN = "OPEN"
    CLOSED = "CLOSED"
    INCONSISTENT = "INCONSISTENT"


_FINALI_CARRELLO = frozenset(
    {
        StatoCarrello.PAGATO,
        StatoCarrello.NON_PAGATO,
        StatoCarrello.PARZ_PAGATO,
        StatoCarrello.DECORR_TERM,
        StatoCarrello.DECORR_TERM_PARZ,
    }
)
_POSITIVI = frozenset({StatoCarrello.PAGATO, StatoCarrello.PARZ_PAGATO, StatoCarrello.DECORR_TERM_PARZ})

_S, _C, _D, _T, _R = StatoSessione, StatoCarrello, StatoDovuto, StatoTentativo, StatoRt
_I, _E, _F = StatoImport, StatoExport, StatoRendicontazione

# A positive receipt is believed after any negative outcome (node, 3.9 step 8): hence the arrows out of NON_PAGATO,
# DECORR_TERM, SCADUTO and out of a refused send. Nothing leaves a paid state.
TRANSITIONS: Mapping[type[StrEnum], Mapping[StrEnum, frozenset[StrEnum]]] = {
    StatoSessione: {
        _S.NUOVO_CARRELLO: frozenset({_S.PREDISPOSTO, _S.PAGAM_IN_CORSO, _S.SCADUTO, _S.ABORT}),
        _S.PREDISPOSTO: frozenset({_S.PAGAM_IN_CORSO, _S.SCADUTO, _S.ABORT}),
        _S.PAGAM_IN_CORSO: frozenset(
            {_S.PAGATO, _S.NON_PAGATO, _S.PARZ_PAGATO, _S.SCADUTO, _S.IMPOSSIBILE_INVIARE_CARRELLO_RP}
        ),
        _S.NON_PAGATO: frozenset({_S.PAGATO, _S.PARZ_PAGATO}),
        # A part of a cart over several enti is paid late.
        _S.PARZ_PAGATO: frozenset({_S.PAGATO}),
        _S.SCADUTO: frozenset({_S.SCADUTO_ELABORATO, _S.PAGATO, _S.NON_PAGATO, _S.PARZ_PAGATO}),
        _S.IMPOSSIBILE_INVIARE_CARRELLO_RP: frozenset({_S.PAGATO, _S.PARZ_PAGATO}),
    },
    StatoCarrello: {
        _C.PREDISPOSTO: frozenset({_C.PAGAM_IN_CORSO, _C.SCADUTO, _C.ABORT}),
        _C.PAGAM_IN_CORSO: _FINALI_CARRELLO | {_C.SCADUTO},
        _C.NON_PAGATO: _POSITIVI,
        _C.DECORR_TERM: _POSITIVI,
        _C.SCADUTO: _FINALI_CARRELLO | {_C.SCADUTO_ELABORATO},
    },
    StatoDovuto: {
        _D.INSERIMENTO_DOVUTO: frozenset({_D.PREDISPOSTO, _D.PAGAMENTO_INIZIATO, _D.COMPLETATO, _D.ANNULLATO}),
        _D.PREDISPOSTO: frozenset({_D.PAGAMENTO_INIZIATO, _D.SCADUTO, _D.ABORT, _D.COMPLETATO}),
        _D.PAGAMENTO_INIZIATO: frozenset({_D.COMPLETATO, _D.INSERIMENTO_DOVUTO, _D.SCADUTO}),
        _D.SCADUTO: frozenset({_D.SCADUTO_ELABORATO, _D.COMPLETATO}),
    },
    StatoTentativo: {
        _T.DA_INVIARE: frozenset({_T.SCONOSCIUTO, _T.ACCETTATO, _T.RIFIUTATO, _T.CHIUSO}),
        _T.SCONOSCIUTO: frozenset({_T.ACCETTATO, _T.RIFIUTATO, _T.CHIUSO}),
        # The node may say later that it failed there.
        _T.ACCETTATO: frozenset({_T.CHIUSO, _T.RIFIUTATO}),
        _T.RIFIUTATO: frozenset({_T.CHIUSO}),
    },
    StatoRt: {
        _R.RICEVUTA: frozenset({_R.ELABORATA, _R.ECCEDENZA, _R.ORFANA, _R.QUARANTENA}),
        # What it waited for has come.
        _R.ORFANA: frozenset({_R.ELABORATA, _R.ECCEDENZA, _R.QUARANTENA, _R.RICEVUTA}),
        # It came again under a good header, or a person wants it looked at again.
        _R.RESPINTA: frozenset({_R.RICEVUTA}),
        _R.QUARANTENA: frozenset({_R.RICEVUTA}),
    },
    StatoImport: {
        _I.AUTORIZZATO: frozenset({_I.LOAD_IMPORT}),
        _I.LOAD_IMPORT: frozenset({_I.IMPORT_IN_ELAB, _I.IMPORT_ABORTITO}),
        _I.IMPORT_IN_ELAB: frozenset({_I.IMPORT_ESEGUITO, _I.IMPORT_ABORTITO}),
    },
    StatoFlusso: {
        StatoFlusso.LOAD_FLOW: frozenset({StatoFlusso.CARICATO, StatoFlusso.ERRORE_CARICAMENTO}),
        StatoFlusso.CARICATO: frozenset({StatoFlusso.ANNULLATO}),
    },
    StatoExport: {
        _E.LOAD_EXPORT: frozenset({_E.EXPORT_IN_ELAB, _E.ERROR_EXPORT, _E.EXPORT_CANCELLATO}),
        _E.EXPORT_IN_ELAB: frozenset(
            {_E.EXPORT_ESEGUITO, _E.EXPORT_ESEGUITO_NESSUN_DOVUTO_TROVATO, _E.ERROR_EXPORT, _E.EXPORT_CANCELLATO}
        ),
        # The file is removed when its time is over.
        _E.EXPORT_ESEGUITO: frozenset({_E.EXPORT_CANCELLATO}),
    },
    StatoRendicontazione: {
        _F.LISTED: frozenset({_F.DOWNLOADING}),
        # The lease of a worker that died is over.
        _F.DOWNLOADING: frozenset({_F.DOWNLOADING, _F.STORED, _F.DOWNLOAD_ERROR}),
        _F.DOWNLOAD_ERROR: frozenset({_F.DOWNLOADING, _F.LISTED}),
        # Bytes that cannot be read are asked for once more.
        _F.STORED: frozenset({_F.PARSED, _F.INCONSISTENT, _F.DOWNLOAD_ERROR}),
        _F.PARSED: frozenset({_F.MATCHED, _F.OPEN, _F.CLOSED}),
        _F.OPEN: frozenset({_F.MATCHED, _F.CLOSED}),
        _F.MATCHED: frozenset({_F.OPEN, _F.CLOSED}),
        # A person wants it again.
        _F.INCONSISTENT: frozenset({_F.LISTED}),
    },
    StatoConsegna: {
        StatoConsegna.PRENOTATA: frozenset(
            {StatoConsegna.DISPONIBILE, StatoConsegna.VUOTA, StatoConsegna.IN_CONSEGNA, StatoConsegna.FALLITA}
        ),
        StatoConsegna.IN_CONSEGNA: frozenset({StatoConsegna.CONSEGNATA, StatoConsegna.FALLITA}),
        # A person looked into it and let the message leave again.
        StatoConsegna.FALLITA: frozenset({StatoConsegna.CONSEGNATA}),
    },
}


def check_transition(old: StrEnum, new: StrEnum) -> None:
    """Return when the step is legal.

    Raises: Conflict (the state machine has no such arrow).
    """
    if new not in TRANSITIONS[type(old)].get(old, frozenset()):
        raise Conflict(f"passaggio di stato non ammesso: da {old} a {new}")


def is_legal(old: StrEnum, new: StrEnum) -> bool:
    return new in TRANSITIONS[type(old)].get(old, frozenset())


# codiceEsitoPagamento of an RT -> carrello. Source: pa-per-ente, effect of a receipt.
CARRELLO_BY_ESITO: Mapping[int, StatoCarrello] = {
    0: StatoCarrello.PAGATO,
    1: StatoCarrello.NON_PAGATO,
    2: StatoCarrello.PARZ_PAGATO,
    3: StatoCarrello.DECORR_TERM,
    4: StatoCarrello.DECORR_TERM_PARZ,
}

ESITI_POSITIVI = frozenset({0, 2, 4})


def sessione_of_carrelli(carrelli: Iterable[StatoCarrello]) -> StatoSessione | None:
    """What a session is when its carrelli are so; None while one of them is still open, or none has an outcome.

    One that was given up has none and waits for none: what is known of the others counts.
    Source: pa-per-ente, states: a multi-cart is paid when all of it is, partly paid when some of it is.
    """
    states = set(carrelli)
    if not states & _FINALI_CARRELLO or not states <= _FINALI_CARRELLO | {StatoCarrello.SCADUTO}:
        return None
    if states == {StatoCarrello.PAGATO}:
        return StatoSessione.PAGATO
    return StatoSessione.PARZ_PAGATO if states & _POSITIVI else StatoSessione.NON_PAGATO


def goes_back(tipo: TipoSessione | None, codice_esito: int, importo_pagato_cent: int) -> bool:
    """Whether a stored dovuto can be paid again after this outcome of its attempt.

    Outcome 3 frees it like 1: nothing was paid, and a position that nobody can pay or change helps nobody.
    Source: pa-per-ente, effect of a receipt (5.3).
    """
    if codice_esito in (1, 3):
        return True
    is_partly = codice_esito in (2, 4) and importo_pagato_cent == 0
    return is_partly and tipo == TipoSessione.PRECARICATO_ANONIMO_ENTE

CARRELLI_CON_ESITO = _FINALI_CARRELLO
