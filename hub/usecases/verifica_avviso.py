"""paaSILVerificaAvviso: open a session for a dovuto that is stored, known by its IUV.

Source: pa-per-ente, paaSILVerificaAvviso, table of checks (numbers in the comments).
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import Row

from hub.domain import errors
from hub.domain.stati import StatoDovuto, TipoSessione
from hub.store import dovuti
from hub.store.database import Database
from hub.usecases.authenticate import Callers, Chiamante, Presentazione
from hub.usecases.chiedi_pagati import is_scaduto
from hub.usecases.open_sessione import Apertura, open_sessione

OPERATION = "paaSILVerificaAvviso"
_CAMPO = "identificativoUnivocoVersamento"


def verifica_avviso(
    db: Database,
    callers: Callers,
    chi: Presentazione,
    iuv: str,
    apertura: Apertura,
) -> str:
    """Open a session over a stored dovuto of the caller's ente and return its idSession.

    Nothing is reserved, as in paaSILInviaDovuti: whichever session goes on first takes the dovuto.
    Raises: EnteNonValido, IuvNonValido, IuvScaduto, UrlNonValida.
    """
    now = apertura.now
    chiamante = callers.authenticate(chi, OPERATION, now, stato_error=errors.EnteNonValido)  # 1
    with db.reading() as session:
        rows = [row for row in dovuti.find_by_key(session, chiamante.ente.id, iuv=iuv) if row.attuale]
    dovuto = _payable(rows, iuv, chiamante, now)
    elementi = [{"ente_id": dovuto.ente_id, "dovuto_iud": dovuto.iud}]
    return open_sessione(db, chiamante, TipoSessione.AVVISO_ANONIMO_ENTE, elementi, apertura)


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
