"""Find the receipts of what settlement flows say is paid: MATCHED when each payment has its own, OPEN until then.

What is open is looked at again every day: receipts come late, or are asked for. A payment without a receipt marks its
position as paid and closes its attempt, on the strength of the flow. The bank transfer is matched elsewhere.
Source: node, 6.2 (codes), 6.3 rules 9 and 10, 6.4.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Row

from hub.crash import Punto, crash_point
from hub.domain.documenti import Organizzazione
from hub.domain.errors import Conflict
from hub.domain.stati import StatoRendicontazione
from hub.log import get_logger
from hub.store import enti, rendicontazioni, riscontri_fdr
from hub.store.database import Database
from hub.usecases.registra_pagamento import PagamentoEsterno, paga_da_rendicontazione

_BATCH = 50
_PAUSA = timedelta(days=1)
# Whatever has not come by then, a person looks for.
_DURATA = timedelta(days=60)


def run_once(db: Database, clock: Callable[[], datetime]) -> bool:
    """Look at some flows whose time has come; True when there were any."""
    with db.reading() as session:
        rows = riscontri_fdr.to_match(session, clock(), _BATCH)
    for row in rows:
        try:
            _pay_without_receipt(db, row, clock())
            _match(db, row, clock())
        except Conflict:
            get_logger().warning("fdr_ceded", rendicontazione=row.id)
    return bool(rows)


def _match(db: Database, row: Row[Any], now: datetime) -> None:
    with db.transaction() as session:
        unmatched = riscontri_fdr.count_unmatched(session, row)
        if not unmatched:
            to = StatoRendicontazione.MATCHED
            rendicontazioni.move(session, row, to=to, at=now, next_attempt_at=None, motivo=None)
            return
        is_over = now - (row.parsed_at or now) > _DURATA
        values = {
            "motivo": f"{unmatched} pagamenti senza ricevuta", "next_attempt_at": None if is_over else now + _PAUSA
        }  # fmt: skip
        if row.stato == StatoRendicontazione.OPEN:
            rendicontazioni.advance(session, row, at=now, **values)
        else:
            rendicontazioni.move(session, row, to=StatoRendicontazione.OPEN, at=now, **values)


def _pay_without_receipt(db: Database, row: Row[Any], now: datetime) -> None:
    """Mark the positions of outcomes 8 and 9 as paid, each in a transaction of its own; done twice, it is done once."""
    attestante = Organizzazione(row.mittente_tipo, row.mittente_codice, (row.mittente_nome or row.mittente_codice)[:70])
    after = 0
    while True:
        with db.reading() as session:
            righe = riscontri_fdr.to_pay(session, row, after)
            owners = enti.all_by_dominio(session, row.dominio) if righe else []
        for riga in righe:
            pagamento = PagamentoEsterno(riga.iuv, riga.importo_cent, riga.data_esito, riga.iur, attestante)
            for ente in owners:
                with db.transaction() as session:
                    is_paid = paga_da_rendicontazione(session, ente, pagamento, riga.indice, now)
                crash_point(Punto.FDR_PAGATO)
                if is_paid:
                    get_logger().info("fdr_paid_without_receipt", rendicontazione=row.id, iuv=riga.iuv, iur=riga.iur)
                    break
        if not righe:
            return
        after = righe[-1].numero
