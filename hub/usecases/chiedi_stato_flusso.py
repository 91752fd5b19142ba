"""How an import or an export stands, and the files behind it. Source: pa-per-ente, 2.7, 2.8, 2.9; flows, 1.4 and 3.1.

A token that is unknown, of another ente, or of a booking that reaches beyond the caller's own grants is one and the
same: not valid.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from hub.domain.avanzamento import Avanzamento, avanzamento_di
from hub.domain.errors import RequestTokenNonValido
from hub.domain.flussi import GenereExport
from hub.domain.stati import StatoExport, StatoImport
from hub.store import flussi_import, prenotazioni_export
from hub.store.database import Database
from hub.usecases.authenticate import Callers, Chiamante, Presentazione

_OPERATION = {
    GenereExport.PAGATI: "paaSILChiediStatoExportFlusso",
    GenereExport.SCADUTI: "paaSILChiediStatoExportFlussoScaduti",
}


@dataclass(frozen=True, slots=True)
class StatoImportFlusso:
    """`stato`: the state, or the error code of the file as a whole; the files are paths, None: nothing to give.

    `fatto`: how far it is, for the log.
    """

    cod_ipa_ente: str
    stato: str
    fatto: Avanzamento
    file_scarti: str | None = None
    file_iuv: str | None = None
    file_avvisi: str | None = None


@dataclass(frozen=True, slots=True)
class StatoExportFlusso:
    """`stato`: the state, or the code of the failure; `file`: path of the result, None: nothing to give."""

    cod_ipa_ente: str
    stato: str
    file: str | None = None


def chiedi_stato_import(
    db: Database, callers: Callers, chi: Presentazione, request_token: str | None, now: datetime
) -> StatoImportFlusso:
    """Return how the import of a flow stands.

    Raises: EnteNonValido, RequestTokenNonValido (also while no file has come: keep polling).
    """
    chiamante = callers.authenticate(chi, "paaSILChiediStatoImportFlusso", now)
    with db.reading() as session:
        row = flussi_import.find(session, request_token) if request_token else None
    cod_ipa_ente = chiamante.ente.cod_ipa_ente
    if row is None or not _is_for(chiamante, row.ente_id, row.tipi) or row.stato == StatoImport.AUTORIZZATO:
        raise _unknown(cod_ipa_ente, request_token)
    fatto = avanzamento_di(row, now)
    if row.codice_errore or row.stato != StatoImport.IMPORT_ESEGUITO:
        return StatoImportFlusso(cod_ipa_ente, row.codice_errore or row.stato, fatto)
    return StatoImportFlusso(cod_ipa_ente, row.stato, fatto, row.file_scarti, row.file_iuv, row.file_avvisi)


def chiedi_stato_export(
    db: Database, callers: Callers, chi: Presentazione, genere: GenereExport, request_token: str | None, now: datetime
) -> StatoExportFlusso:
    """Return how a booked export stands; each kind has its own operation and sees its own bookings.

    Raises: EnteNonValido, RequestTokenNonValido.
    """
    chiamante = callers.authenticate(chi, _OPERATION[genere], now)
    with db.reading() as session:
        row = prenotazioni_export.find(session, genere, request_token) if request_token else None
    cod_ipa_ente = chiamante.ente.cod_ipa_ente
    if row is None or not _is_for(chiamante, row.ente_id, row.tipi):
        raise _unknown(cod_ipa_ente, request_token)
    if row.codice_errore or row.stato != StatoExport.EXPORT_ESEGUITO:
        return StatoExportFlusso(cod_ipa_ente, row.codice_errore or row.stato)
    return StatoExportFlusso(cod_ipa_ente, row.stato, row.file)


def _is_for(chiamante: Chiamante, ente_id: int, tipi: Sequence[str] | None) -> bool:
    """Whether the caller may see what a row holds: its own ente's, and no tipo that it was not granted."""
    if ente_id != chiamante.ente.id:
        return False
    return chiamante.tipi is None or (tipi is not None and chiamante.tipi.issuperset(tipi))


def _unknown(cod_ipa_ente: str, request_token: str | None) -> RequestTokenNonValido:
    shown = (request_token or "assente")[:36]
    return RequestTokenNonValido(
        f"requestToken {shown} non valido per l'ente {cod_ipa_ente}",
        "requestToken: sconosciuto per questo ente, oppure il suo file non è ancora arrivato",
    )
