"""paaSILVerificaAvviso: open a session for a dovuto that is stored, known by its IUV.

Source: pa-per-ente, paaSILVerificaAvviso, table of checks (numbers in the comments).
"""

from __future__ import annotations

import uuid
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Row

from hub.domain import errors
from hub.domain.stati import StatoDovuto, StatoSessione, TipoSessione
from hub.store import dovuti, sessioni
from hub.store.database import Database
from hub.usecases.authenticate import Callers, Chiamante, Presentazione
from hub.usecases.chiedi_pagati import is_scaduto
from hub.usecases.controlli_dovuti import check_url

OPERATION = "paaSILVerificaAvviso"
_CAMPO = "identificativoUnivocoVersamento"


def verifica_avviso(
    db: Database,
    callers: Callers,
    chi: Presentazione,
    iuv: str,
    url_esito: str | None,
    *,
    correlation_id: str,
    ttl: timedelta,
    now: datetime,
) -> str:
    """Open a session over a stored dovuto of the caller's ente and return its idSession.

    Nothing is reserved, as in paaSILInviaDovuti: whichever session goes on first takes the dovuto.
    Raises: EnteNonValido, IuvNonValido, IuvScaduto, UrlNonValida.
    """
    chiamante = callers.authenticate(chi, OPERATION, now, stato_error=errors.EnteNonValido)  # 1
    with db.reading() as session:
        rows = [row for row in dovuti.find_by_key(session, chiamante.ente.id, iuv=iuv) if row.attuale]
    dovuto = _payable(rows, iuv, chiamante, now)
    url = (url_esito or chiamante.ente.url_esito or "").strip()
    check_url(url)
    return open_sessione(db, chiamante, TipoSessione.AVVISO_ANONIMO_ENTE, dovuto, url, correlation_id, ttl, now)


def open_sessione(
    db: Database,
    chiamante: Chiamante,
    tipo: TipoSessione,
    dovuto: Row[Any],
    url_esito: str,
    correlation_id: str,
    ttl: timedelta,
    now: datetime,
) -> str:
    """Keep a session of one stored dovuto and return its idSession."""
    id_session = str(uuid.uuid4())
    with db.transaction() as session:
        sessioni.add(
            session,
            id_session=id_session,
            ente_id=dovuto.ente_id,
            applicazione=chiamante.applicazione,
            tipo=str(tipo),
            stato=str(StatoSessione.NUOVO_CARRELLO),
            show_mypay="SHORT",
            url_esito=url_esito,
            created_at=now,
            updated_at=now,
            expires_at=now + ttl,
            correlation_id=correlation_id,
        )
        sessioni.add_elementi(session, id_session, [{"ente_id": dovuto.ente_id, "dovuto_iud": dovuto.iud}])
    return id_session


def _payable(rows: list[Row[Any]], iuv: str, chiamante: Chiamante, now: datetime) -> Row[Any]:
    for row in rows:
        if row.stato != StatoDovuto.INSERIMENTO_DOVUTO:  # 2
            raise errors.IuvNonValido(
                f"IUV {iuv}: il dovuto non è da pagare",
                f"{_CAMPO}: il dovuto è in stato {row.stato}, si paga solo in stato INSERIMENTO_DOVUTO",
            )
        if is_scaduto(row, chiamante.configurato, now):  # 3
            raise errors.IuvScaduto(f"IUV {iuv}: dovuto scaduto", f"{_CAMPO}: la data di scadenza è passata")
    disabled = [row.tipo for row in rows if not _is_enabled(row.tipo, chiamante)]
    free = [row for row in rows if not row.iuv_volatile and row.tipo not in disabled]
    if not free:  # 4
        reason = f"il tipo dovuto {disabled[0]} non è abilitato" if disabled else "nessun dovuto con questo IUV"
        raise errors.IuvNonValido(
            f"IUV {iuv[:35]} non valido per l'ente {chiamante.ente.cod_ipa_ente}",
            f"{_CAMPO}: {reason}; serve lo IUV, non il numero di avviso di 18 cifre",
        )
    return free[0]


def _is_enabled(codice: str, chiamante: Chiamante) -> bool:
    tipo = chiamante.configurato.tipi.get(codice)
    return tipo is not None and tipo.attivo and (chiamante.tipi is None or codice in chiamante.tipi)
