"""Payments that receipts tell of and no settlement flow does.

Digital stamps are never settled through a flow, nor is what was paid outside. Source: node, 6.3 rules 9 and 12.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date
from typing import Any

from sqlalchemy import Row, and_, exists, func, select

from hub.domain.stati import StatoDovuto
from hub.store.database import Session
from hub.store.schema import carrelli, dovuti, enti, rendicontazioni, rendicontazioni_righe, rt_ricevute

_PAGE = 500


def not_settled(session: Session, dal: date, al: date, ente_id: int | None = None) -> Iterator[Row[Any]]:
    """Yield the payments between two days, both included, that no flow which counts has: by ente and day, in pages.

    Columns: id, ente_id, cod_ipa_ente, dominio, data_esito, iuv, iur, importo_pagato_cent, raw and rt of the receipt.
    """
    after: tuple[int, date, str] | None = None
    while True:
        rows = session.execute(_query(dal, al, ente_id, after).limit(_PAGE)).all()
        yield from rows
        if len(rows) < _PAGE:
            return
        after = (rows[-1].ente_id, rows[-1].data_esito, rows[-1].id)


def count_not_settled(session: Session, dal: date, al: date, ente_id: int, count_max: int) -> int:
    """How many payments of an ente these are, no more than so many."""
    some = _unsettled((dovuti.c.id,), dal, al).where(dovuti.c.ente_id == ente_id).limit(count_max).subquery()
    return int(session.execute(select(func.count()).select_from(some)).scalar_one())


def _query(dal: date, al: date, ente_id: int | None, after: tuple[int, date, str] | None) -> Any:
    columns = (
        dovuti.c.id, dovuti.c.ente_id, enti.c.cod_ipa_ente, enti.c.codice_fiscale.label("dominio"), dovuti.c.data_esito,
        dovuti.c.iuv, dovuti.c.iur, dovuti.c.importo_pagato_cent, rt_ricevute.c.raw, rt_ricevute.c.rt,
    )  # fmt: skip
    query = _unsettled(columns, dal, al)
    if ente_id is not None:
        query = query.where(dovuti.c.ente_id == ente_id)
    if after is not None:
        last_ente, last_day, last_id = after
        same_ente = dovuti.c.ente_id == last_ente
        same_day = and_(same_ente, dovuti.c.data_esito == last_day)
        later = (dovuti.c.ente_id > last_ente) | and_(same_ente, dovuti.c.data_esito > last_day)
        query = query.where(later | and_(same_day, dovuti.c.id > last_id))
    return query.order_by(dovuti.c.ente_id, dovuti.c.data_esito, dovuti.c.id)


def _unsettled(columns: Sequence[Any], dal: date, al: date) -> Any:
    riga, flusso = rendicontazioni_righe, rendicontazioni
    settled = exists().where(
        riga.c.iuv == dovuti.c.iuv,
        riga.c.iur == dovuti.c.iur,
        flusso.c.id == riga.c.rendicontazione_id,
        flusso.c.attiva,
        flusso.c.dominio == enti.c.codice_fiscale,
    )
    return (
        select(*columns)
        .join(enti, enti.c.id == dovuti.c.ente_id)
        .join(carrelli, carrelli.c.id == dovuti.c.carrello_id)
        .join(rt_ricevute, rt_ricevute.c.id == carrelli.c.rt_id)
        .where(dovuti.c.stato == str(StatoDovuto.COMPLETATO), dovuti.c.data_esito.between(dal, al))
        .where(dovuti.c.importo_pagato_cent > 0, dovuti.c.marca.is_(None), ~settled)
    )
