"""The three bookings of an export: paid items by day, paid items since the last time, expired items.

Source: pa-per-ente, 2.8 and 2.9 (order of the checks); flows, 3.1 (windows) and 3.4. The afternoon that the original
cuts to noon is not reproduced: days are whole days of Europe/Rome.
"""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from hub.domain import errors
from hub.domain.flussi import TIPO_ENTE_SECONDARIO, VERSIONI_EXPORT, GenereExport
from hub.formats.istanti import giorno_di, inizio_di
from hub.formats.segreti import verify_password
from hub.store import prenotazioni_export
from hub.store.database import Database
from hub.usecases.authenticate import Callers, Chiamante, Presentazione
from hub.usecases.date_richiesta import check_intervallo, read_data, read_data_ora

# Bookings that nobody has begun, per ente: a caller in a loop must not fill the table.
ATTESE_MAX = 1000
_VALORE_MAX = 64


@dataclass(frozen=True, slots=True)
class RichiestaExport:
    """What a booking of paid items asks, as written; None where there is nothing."""

    date_from: str | None
    date_to: str | None
    tipo: str | None
    versione: str


@dataclass(frozen=True, slots=True)
class RichiestaIncrementale(RichiestaExport):
    ricevuta: bool
    incrementale: bool
    password_mypivot: str | None


def prenota_export_flusso(
    db: Database, callers: Callers, chi: Presentazione, richiesta: RichiestaExport, now: datetime
) -> str:
    """Book the items whose outcome is dated in an interval, both days included, and return the requestToken.

    Raises: EnteNonValido, DateFromNonValido, DateToNonValido, IntervalloDateNonValido, TipoDovutoNonValido,
    VersioneTracciatoNonValida, RichiestaNonEseguibile (too many bookings wait).
    """
    chiamante = callers.authenticate(chi, "paaSILPrenotaExportFlusso", now, stato_error=errors.EnteNonValido)
    giorno_da = read_data(richiesta.date_from, errors.DateFromNonValido, "dateFrom")
    giorno_a = read_data(richiesta.date_to, errors.DateToNonValido, "dateTo")
    check_intervallo(giorno_da, giorno_a, "dateFrom", "dateTo")
    values = _tipo(chiamante, richiesta.tipo) | _versione(richiesta.versione)
    return _book(db, chiamante, GenereExport.PAGATI, now, giorno_da=giorno_da, giorno_a=giorno_a, **values)


def prenota_export_incrementale(
    db: Database, callers: Callers, chi: Presentazione, richiesta: RichiestaIncrementale, now: datetime
) -> tuple[str, datetime]:
    """Book what changed since an instant, or the items of whole days; return requestToken and the next dateFrom.

    Incremental: the rows changed in [dateFrom, dateTo). What is returned never lies after `now`, whatever dateTo says,
    and is whole seconds when it is ours: fed back as the next dateFrom, also by who keeps no fractions, nothing is
    lost and nothing repeated. Not incremental: the days of both instants, included; the last day may not be over, so
    the next dateFrom is its beginning.
    Raises: as `prenota_export_flusso`, and PasswordMypivotNonValida.
    """
    operation = "paaSILPrenotaExportFlussoIncrementaleConRicevuta"
    chiamante = callers.authenticate(chi, operation, now, stato_error=errors.EnteNonValido)
    istante_da = read_data_ora(richiesta.date_from, errors.DateFromNonValido, "dateFrom")
    adesso = now.replace(microsecond=0)
    istante_a = adesso
    if richiesta.date_to is not None:
        istante_a = read_data_ora(richiesta.date_to, errors.DateToNonValido, "dateTo")
    check_intervallo(istante_da, istante_a, "dateFrom", "dateTo")
    _check_mypivot(callers, chi, chiamante, richiesta.password_mypivot)
    values = _tipo(chiamante, richiesta.tipo) | _versione(richiesta.versione)
    values |= {"ricevuta": richiesta.ricevuta, "incrementale": richiesta.incrementale}
    if richiesta.incrementale:
        # A dateTo that is still to come would pass over what changes until then.
        watermark = max(istante_da, min(istante_a, adesso))
        window: dict[str, Any] = {"istante_da": istante_da, "istante_a": watermark}
    else:
        watermark = inizio_di(giorno_di(istante_a))
        window = {"giorno_da": giorno_di(istante_da), "giorno_a": giorno_di(istante_a)}
    token = _book(db, chiamante, GenereExport.PAGATI, now, **window, **values)
    return token, watermark


def prenota_export_scaduti(
    db: Database,
    callers: Callers,
    chi: Presentazione,
    data_scadenza: str | None,
    tipi_dovuto: str | None,
    now: datetime,
) -> str:
    """Book the unpaid items past a due date, for tipi joined by `;`, and return the requestToken.

    Raises: EnteNonValido, DateFromNonValido, TipoDovutoNonValido, TipoDovutoNonInserito, RichiestaNonEseguibile.
    """
    chiamante = callers.authenticate(chi, "paaSILPrenotaExportFlussoScaduti", now)
    scadenza = read_data(data_scadenza, errors.DateFromNonValido, "dataScadenza")
    codici = sorted({codice.strip() for codice in (tipi_dovuto or "").split(";") if codice.strip()})
    for codice in codici:
        _check_tipo(chiamante, codice, "tipiDovuto")
    if not codici:
        raise errors.TipoDovutoNonInserito(
            "nessun tipo dovuto indicato", "tipiDovuto: uno o più codici separati da punto e virgola"
        )
    return _book(db, chiamante, GenereExport.SCADUTI, now, data_scadenza=scadenza, tipi=codici)


def _check_mypivot(callers: Callers, chi: Presentazione, chiamante: Chiamante, shown: str | None) -> None:
    """Refuse a passwordMypivot that is not the ente's; none at all is fine. The original repeats it in the fault."""
    if shown is None:
        return
    hash = chiamante.ente.password_mypivot_hash
    if hash is None or not verify_password(hash, shown):
        callers.note_failure(chi)
        raise errors.PasswordMypivotNonValida(
            "passwordMypivot errata", "passwordMypivot: diversa da quella dell'ente, o l'ente non ne ha una; ometterla"
        )


def _tipo(chiamante: Chiamante, codice: str | None) -> dict[str, Any]:
    """Return the columns that say which tipi: the one asked for, else all that the application was granted."""
    if codice is None:
        return {"tipi": None if chiamante.tipi is None else sorted(chiamante.tipi)}
    if codice == TIPO_ENTE_SECONDARIO and chiamante.tipi is None:
        # Items of other enti: their tipi are not ours to grant.
        return {"tipi": None, "ente_secondario": True}
    _check_tipo(chiamante, codice, "identificativoTipoDovuto")
    return {"tipi": [codice]}


def _check_tipo(chiamante: Chiamante, codice: str, campo: str) -> None:
    shown = codice[:_VALORE_MAX]
    if chiamante.tipi is not None and codice not in chiamante.tipi:
        raise errors.TipoDovutoNonValido(
            f"tipo dovuto {shown} non concesso all'applicazione chiamante", f"{campo}: valore {shown}, non concesso"
        )
    if codice not in chiamante.configurato.tipi:
        raise errors.TipoDovutoNonValido(
            f"tipo dovuto {shown} non configurato per l'ente {chiamante.ente.cod_ipa_ente}",
            f"{campo}: valore {shown}, deve essere un tipo dell'ente",
        )


def _versione(versione: str) -> dict[str, Any]:
    if versione not in VERSIONI_EXPORT:
        raise errors.VersioneTracciatoNonValida(
            f"versione del tracciato {versione[:_VALORE_MAX]} non valida",
            f"versioneTracciato: ammesse {', '.join(VERSIONI_EXPORT)}",
        )
    return {"versione": versione}


def _book(db: Database, chiamante: Chiamante, genere: GenereExport, now: datetime, **values: Any) -> str:
    request_token = str(uuid.uuid4())
    with db.transaction() as session:
        if prenotazioni_export.waiting(session, chiamante.ente.id) >= ATTESE_MAX:
            raise errors.RichiestaNonEseguibile(
                "troppe prenotazioni in attesa",
                f"l'ente {chiamante.ente.cod_ipa_ente} ha già {ATTESE_MAX} prenotazioni in LOAD_EXPORT: attendere",
            )
        prenotazioni_export.add(
            session,
            now=now,
            request_token=request_token,
            ente_id=chiamante.ente.id,
            applicazione=chiamante.applicazione,
            genere=str(genere),
            eseguibile_at=now,
            **values,
        )
    return request_token
