"""What the node's questions about a notice read: versions under an IUV, attempts that are open.

The statements are made once: these are the questions that a payer waits for.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Exists, Row, bindparam, exists, literal_column, select

from hub.domain.stati import StatoTentativo
from hub.store.database import Session
from hub.store.schema import dovuti, tentativi

_CHECKOUT = "checkout"
APERTI = (StatoTentativo.DA_INVIARE, StatoTentativo.SCONOSCIUTO, StatoTentativo.ACCETTATO)



def _open(*conditions: ColumnElement[bool]) -> Exists:
    return exists(literal_column("1")).where(
        tentativi.c.dominio == bindparam("dominio"), tentativi.c.iuv == bindparam("iuv"),
        tentativi.c.stato.in_(APERTI), *conditions,
    )  # fmt: skip


# The dominio as a value: looked up from the enti, SQLite walks all dovuti of each of them instead.
_VERSIONI = (
    select(dovuti)
    .where(
        dovuti.c.dominio == bindparam("dominio"), dovuti.c.iuv == bindparam("iuv"),
        dovuti.c.ente_id.in_(bindparam("ente_ids", expanding=True)),
    )
    .order_by(dovuti.c.attuale.desc(), dovuti.c.created_at.desc(), dovuti.c.posizione)
)  # fmt: skip
_APERTURA = select(
    _open(tentativi.c.profilo != _CHECKOUT, tentativi.c.created_at > bindparam("since")).label("is_bloccata"),
    _open(tentativi.c.profilo == _CHECKOUT).label("is_in_carrello"),
)


def versioni(session: Session, dominio: str, ente_ids: Sequence[int], iuv: str) -> list[Row[Any]]:
    """Every version of the dovuti under an IUV of some enti of a dominio.

    Those that count first, by place in their cart, then the newest.
    """
    return list(session.execute(_VERSIONI, {"dominio": dominio, "iuv": iuv, "ente_ids": list(ente_ids)}))


def apertura(session: Session, dominio: str, iuv: str, since: datetime) -> Row[bool, bool]:
    """Say who else may be paying under an IUV.

    `is_bloccata`: an RPT that was made after `since` has no outcome yet; a cart of notices keeps nobody from paying.
    `is_in_carrello`: a cart of notices with this one is with its payer. Source: node, Checkout carts (2.11).
    """
    return session.execute(_APERTURA, {"dominio": dominio, "iuv": iuv, "since": since}).one()
