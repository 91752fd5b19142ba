"""What the node's questions about a notice read: enti of a dominio, versions under an IUV, attempts that are open."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Row, exists, literal_column, select

from hub.domain.stati import StatoTentativo
from hub.store.database import Session
from hub.store.schema import dovuti, enti, tentativi

_CHECKOUT = "checkout"
APERTI = (StatoTentativo.DA_INVIARE, StatoTentativo.SCONOSCIUTO, StatoTentativo.ACCETTATO)


def enti_of_dominio(session: Session, dominio: str) -> list[Row[Any]]:
    """All that share a tax code, the oldest first."""
    return list(session.execute(select(enti).where(enti.c.codice_fiscale == dominio).order_by(enti.c.id)))


def versioni(session: Session, dominio: str, ente_ids: Sequence[int], iuv: str) -> list[Row[Any]]:
    """Every version of the dovuti under an IUV of some enti of a dominio.

    Those that count first, by place in their cart, then the newest.
    """
    # The dominio as a value: looked up from the enti, SQLite walks all dovuti of each of them instead.
    query = select(dovuti).where(dovuti.c.dominio == dominio, dovuti.c.iuv == iuv, dovuti.c.ente_id.in_(ente_ids))
    order = (dovuti.c.attuale.desc(), dovuti.c.created_at.desc(), dovuti.c.posizione)
    return list(session.execute(query.order_by(*order)))


def has_open_attempt(session: Session, dominio: str, iuv: str, since: datetime) -> bool:
    """Whether an RPT that was made after `since` has no outcome yet. A cart of notices keeps nobody from paying."""
    return _has_open(session, dominio, iuv, tentativi.c.profilo != _CHECKOUT, tentativi.c.created_at > since)


def is_in_cart(session: Session, dominio: str, iuv: str) -> bool:
    """Whether a cart of notices with this one is with its payer. Source: node, Checkout carts (2.11)."""
    return _has_open(session, dominio, iuv, tentativi.c.profilo == _CHECKOUT)


def _has_open(session: Session, dominio: str, iuv: str, *conditions: ColumnElement[bool]) -> bool:
    found = exists(literal_column("1")).where(
        tentativi.c.dominio == dominio, tentativi.c.iuv == iuv, tentativi.c.stato.in_(APERTI), *conditions
    )
    return bool(session.execute(select(found)).scalar_one())
