"""The payments of settlement flows beside what the hub knows of them: receipts, positions.

Source: node, 6.2 (codes), 6.3 rules 9 and 10 (match key; shares of a payment whose position is another ente's).
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Row, exists, func, or_, select

from hub.domain.stati import StatoDovuto, StatoRendicontazione
from hub.store.database import Session
from hub.store.schema import (
    dovuti,
    enti,
    rendicontazioni,
    rendicontazioni_righe,
    rt_ricevute,
    trasferimenti_ricevute,
)

_S = StatoRendicontazione
# Paid without a receipt. Source: node, 6.2.
_SENZA_RICEVUTA = ("8", "9")
_BATCH = 500


def to_match(session: Session, now: datetime, count: int) -> Sequence[Row[Any]]:
    """The flows that count whose payments are to be looked for now."""
    table = rendicontazioni
    query = select(table).where(table.c.attiva, table.c.stato.in_([_S.PARSED, _S.OPEN]), table.c.next_attempt_at <= now)
    return session.execute(query.order_by(table.c.next_attempt_at, table.c.id).limit(count)).all()


def to_pay(session: Session, row: Row[Any], dopo: int) -> Sequence[Row[Any]]:
    """The payments without a receipt (outcomes 8 and 9) of a position of the ente's that is not known to be paid so."""
    riga = rendicontazioni_righe
    query = select(riga).where(
        riga.c.rendicontazione_id == row.id,
        riga.c.numero > dopo,
        riga.c.esito.in_(_SENZA_RICEVUTA),
        riga.c.importo_cent > 0,
        ~_has_ricevuta(row.dominio),
        _has_posizione(row.dominio),
    )
    return session.execute(query.order_by(riga.c.numero).limit(_BATCH)).all()


def count_unmatched(session: Session, row: Row[Any]) -> int:
    """How many payments of a flow nothing of the hub's answers to."""
    riga = rendicontazioni_righe
    query = select(func.count()).where(riga.c.rendicontazione_id == row.id, ~_has_ricevuta(row.dominio))
    return int(session.execute(query).scalar_one())


def righe_of(session: Session, row: Row[Any], dopo: int = 0, righe_max: int = _BATCH) -> Sequence[Row[Any]]:
    """The payments of a flow after a number, in file order, with `has_ricevuta` and `has_posizione`."""
    riga = rendicontazioni_righe
    known = (_has_ricevuta(row.dominio).label("has_ricevuta"), _has_posizione(row.dominio).label("has_posizione"))
    query = select(riga, *known).where(riga.c.rendicontazione_id == row.id, riga.c.numero > dopo)
    return session.execute(query.order_by(riga.c.numero).limit(righe_max)).all()


def _has_ricevuta(dominio: str) -> ColumnElement[bool]:
    """Whether the payment is known: of a position of the ente that was paid so, or of a share that is its own."""
    riga = rendicontazioni_righe
    paid = exists().where(
        *_mine(dominio),
        dovuti.c.iuv == riga.c.iuv,
        dovuti.c.iur == riga.c.iur,
        dovuti.c.stato == str(StatoDovuto.COMPLETATO),
    )
    share = trasferimenti_ricevute
    shared = exists().where(
        share.c.codice_fiscale == dominio,
        share.c.ricevuta_id == rt_ricevute.c.id,
        rt_ricevute.c.iuv == riga.c.iuv,
        rt_ricevute.c.ccp == riga.c.iur,
        or_(riga.c.indice.is_(None), share.c.indice == riga.c.indice),
    )
    return or_(paid, shared)


def _has_posizione(dominio: str) -> ColumnElement[bool]:
    riga = rendicontazioni_righe
    return exists().where(*_mine(dominio), dovuti.c.iuv == riga.c.iuv)


def _mine(dominio: str) -> tuple[ColumnElement[bool], ...]:
    """Dovuti of the enti of a dominio, which they carry: the index on their IUV begins with it."""
    return dovuti.c.dominio == dominio, dovuti.c.ente_id.in_(select(enti.c.id).where(enti.c.codice_fiscale == dominio))
