"""What portals ask: the notices that wait, what a citizen can pay, what a citizen has paid.

The original lets only the administrator ente ask about citizens. Here an ente may ask too, for itself alone.
Source: pa-per-ente, 2.10 and 2.11.
"""

from __future__ import annotations

import base64
import uuid
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import Row

from hub.domain import errors
from hub.domain.documenti import DocumentoDovuti
from hub.formats.dovuti import render_dovuti
from hub.formats.istanti import giorno_di, inizio_di
from hub.formats.pagati import encode_pagati, render_pagati
from hub.formats.rt import read_rt
from hub.log import get_logger
from hub.store import portali
from hub.store.database import Database
from hub.usecases.authenticate import Callers, Chiamante, Presentazione
from hub.usecases.date_richiesta import check_intervallo, read_data, read_data_ora
from hub.usecases.parti_sessione import documento_of, secondario_of

# One answer is built in memory: five thousand documents of 2 KB, or two hundred receipts, are a dozen MB of base64.
AVVISI_MAX = 5000
POSIZIONI_MAX = 200
STORICO_MAX = 200
_ANONIMO = "ANONIMO"
_ONE_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Avviso:
    """`giorno`: when the IUV was made, in Europe/Rome; `dovuti`: base64 of a `Dovuti` document of one item."""

    giorno: date
    dovuti: str


@dataclass(frozen=True, slots=True)
class Posizione:
    """What a citizen can pay, with the session that pays it; `dovuti`: base64 of a `Dovuti` document of one item."""

    cod_ipa_ente: str
    nome_ente: str
    id_session: str
    dovuti: str


@dataclass(frozen=True, slots=True)
class PagamentoPassato:
    """A carrello with an outcome. `pagati`: base64 of PagatiConRicevuta; `rt`: the receipt as it came, if any."""

    cod_ipa_ente: str
    nome_ente: str
    pagati: str
    rt: bytes | None


@dataclass(frozen=True, slots=True)
class Cittadino:
    """Of whom a portal asks, as written."""

    tipo: str | None
    codice: str | None


def chiedi_avvisi_pendenti(
    db: Database, callers: Callers, chi: Presentazione, date_from: str | None, date_to: str | None, now: datetime
) -> list[Avviso]:
    """Return the unpaid stored dovuti of the caller's ente whose IUV was made in these days, both included.

    Amounts as they were stored: the ente's own share.
    Raises: EnteNonValido, DateFromNonValido, DateToNonValido, IntervalloDateNonValido (also: too many for one answer).
    """
    chiamante = callers.authenticate(chi, "paaSILChiediAvvisiPendenti", now)
    start = read_data(date_from, errors.DateFromNonValido, "dateFrom")
    end = read_data(date_to, errors.DateToNonValido, "dateTo")
    check_intervallo(start, end, "dateFrom", "dateTo")
    with db.reading() as session:
        interval = (inizio_di(start), inizio_di(end + _ONE_DAY))
        rows = portali.avvisi(session, chiamante.ente.id, *interval, chiamante.tipi, AVVISI_MAX + 1)
    _check_quanti(rows, AVVISI_MAX, "avvisi")
    return [Avviso(giorno_di(row.iuv_at), _encode(render_dovuti(documento_of(row)))) for row in rows]


def chiedi_posizioni_aperte(
    db: Database,
    callers: Callers,
    chi: Presentazione,
    cittadino: Cittadino,
    *,
    correlation_id: str,
    ttl: timedelta,
    now: datetime,
) -> list[Posizione]:
    """Return what a citizen can pay, the due first, each with a session of its own; at most POSIZIONI_MAX.

    Amounts as the citizen pays them: a second beneficiary's share included. What is beyond the limit comes when
    something of the rest is paid.
    Raises: EnteNonValido, TipoPagatoreNonValido, CodicePagatoreNonPresente.
    """
    chiamante, ente_id = _authenticate(callers, chi, "paaSILChiediPosizioniAperte", now)
    pagatore = _pagatore(cittadino)
    if pagatore[1] == _ANONIMO:
        return []  # everybody's and nobody's
    with db.reading() as session:
        today = giorno_di(now)
        rows = portali.posizioni(session, pagatore, ente_id, chiamante.tipi, today, POSIZIONI_MAX + 1)
    if len(rows) > POSIZIONI_MAX:
        get_logger().warning("posizioni_beyond_limit", limit=POSIZIONI_MAX)
    opened = [(str(uuid.uuid4()), row) for row in rows[:POSIZIONI_MAX]]
    if opened:
        with db.transaction() as session:
            portali.open_sessioni(
                session,
                opened,
                applicazione=chiamante.applicazione,
                correlation_id=correlation_id,
                created_at=now,
                updated_at=now,
                expires_at=now + ttl,
            )
    return [
        Posizione(row.cod_ipa_ente, row.nome_ente, id_session, _encode(render_dovuti(_as_paid(row))))
        for id_session, row in opened
    ]


def chiedi_storico_pagamenti(
    db: Database,
    callers: Callers,
    chi: Presentazione,
    cittadino: Cittadino,
    data_from: str | None,
    data_to: str | None,
    now: datetime,
) -> tuple[datetime, list[PagamentoPassato]]:
    """Return the outcomes recorded for a citizen in whole days of Europe/Rome, both included, and the next dataFrom.

    The next dataFrom is the beginning of the last day: that day may not be over.
    Raises: EnteNonValido, TipoPagatoreNonValido, CodicePagatoreNonPresente, DateFromNonValido, DateToNonValido,
    IntervalloDateNonValido (also: too many for one answer).
    """
    chiamante, ente_id = _authenticate(callers, chi, "paaSILChiediStoricoPagamenti", now)
    pagatore = _pagatore(cittadino)
    start = read_data_ora(data_from, errors.DateFromNonValido, "dataFrom")
    end = now if data_to is None else read_data_ora(data_to, errors.DateToNonValido, "dataTo")
    check_intervallo(start, end, "dataFrom", "dataTo")
    last_day = giorno_di(end)
    if pagatore[1] == _ANONIMO:
        return inizio_di(last_day), []
    interval = (inizio_di(giorno_di(start)), inizio_di(last_day + _ONE_DAY))
    with db.reading() as session:
        rows = portali.storico(session, pagatore, ente_id, chiamante.tipi, interval, STORICO_MAX + 1)
        _check_quanti(rows, STORICO_MAX, "pagamenti")
        iud = portali.iud_by_carrello(session, [row.id for row in rows])
    return inizio_di(last_day), [_passato(row, iud[row.id]) for row in rows]


def _authenticate(
    callers: Callers, chi: Presentazione, operation: str, now: datetime
) -> tuple[Chiamante, int | None]:
    """Return the caller and the one ente it asks about, None for all of them: that is the administrator's alone."""
    chiamante = callers.authenticate_portale(chi, operation, now)
    code = (chi.cod_ipa_ente or "").strip()
    if not chiamante.ente.amministratore:
        return chiamante, chiamante.ente.id
    if not code:
        return chiamante, None
    asked = callers.anagrafe.find(code, now) if len(code) <= 35 else None
    if asked is None:
        raise errors.EnteNonValido(f"codIpaEnte {code[:35]} sconosciuto", "codIpaEnte: nessun ente ha questo codice")
    return chiamante, asked.ente.id


def _pagatore(cittadino: Cittadino) -> tuple[str, str]:
    campo = "identificativoUnivocoPersonaFG"
    if cittadino.tipo not in ("F", "G"):
        raise errors.TipoPagatoreNonValido(
            "tipo di identificativo del pagatore non valido", f"{campo}/tipoIdentificativoUnivoco: attesa F o G"
        )
    if not cittadino.codice:
        raise errors.CodicePagatoreNonPresente(
            "codice del pagatore non presente", f"{campo}/codiceIdentificativoUnivoco: codice fiscale o partita IVA"
        )
    return cittadino.tipo, cittadino.codice.upper()


def _check_quanti(rows: list[Row[Any]], most: int, what: str) -> None:
    """Refuse what does not fit one answer: cut without a word, it would look complete."""
    if len(rows) > most:
        raise errors.IntervalloDateNonValido(
            f"troppi {what} per una risposta", f"più di {most} {what} nell'intervallo: restringerlo"
        )


def _as_paid(row: Row[Any]) -> DocumentoDovuti:
    """A stored dovuto with what is asked of the payer; a bilancio of the ente's own share alone is left out."""
    documento, secondario = documento_of(row), secondario_of(row)
    if secondario is None:
        return documento
    (dovuto,) = documento.dovuti
    whole = replace(dovuto, importo_cent=dovuto.importo_cent + secondario.importo_cent, bilancio_xml=None)
    return replace(documento, dovuti=(whole,))


def _passato(row: Row[Any], iud: list[str]) -> PagamentoPassato:
    rt = read_rt(row.raw if row.raw is not None else row.esito_locale)
    return PagamentoPassato(row.cod_ipa_ente, row.nome_ente, encode_pagati(render_pagati(rt, iud, True), 1), row.raw)


def _encode(document: bytes) -> str:
    return base64.b64encode(document).decode("ascii")
