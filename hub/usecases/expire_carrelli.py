"""Carts of notices whose payer never came back: what nobody paid in time is given up, until a receipt says otherwise.

Nobody tells that a cart came to nothing, so time does. A receipt that comes later wins over it all the same.
Source: node, Checkout carts (2.11), timers of Checkout (1.3).
"""

from __future__ import annotations

import uuid
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Row

from hub.domain.stati import (
    ORIGINI_NON_ARCHIVIATE,
    StatoCarrello,
    StatoDovuto,
    StatoSessione,
    StatoTentativo,
    is_legal,
)
from hub.log import get_logger
from hub.store import carrelli, dovuti, sessioni, tentativi
from hub.store.database import Database, Session
from hub.usecases.apply_rt import close_sessione

_BATCH = 100
_CHECKOUT = "checkout"
_APERTI = frozenset({StatoTentativo.DA_INVIARE, StatoTentativo.SCONOSCIUTO, StatoTentativo.ACCETTATO})


def run_once(db: Database, ttl: timedelta, now: datetime) -> bool:
    """Give up to a batch of carts up; True when there may be more."""
    with db.reading() as session:
        if not tentativi.expired_carts(session, now - ttl, 1):
            return False
    with db.transaction() as session:
        rows = tentativi.expired_carts(session, now - ttl, _BATCH, lock=True)
        for row in rows:
            _give_up(session, row, carrelli.by_id(session, row.carrello_id), now)
    get_logger().info("carts_expired", carts=len(rows))
    return len(rows) == _BATCH


def release_stored(session: Session, id_session: str, now: datetime) -> None:
    """Let the stored dovuti of a session's cart be paid again; what the session made for itself waits for its term."""
    for carrello in carrelli.of_session(session, id_session):
        tentativo = tentativi.last_of(session, carrello.id)
        if tentativo is None or tentativo.profilo != _CHECKOUT or tentativo.stato not in _APERTI:
            continue
        if all(row.origine not in ORIGINI_NON_ARCHIVIATE for row in carrelli.dovuti_of(session, carrello.id)):
            _give_up(session, tentativo, carrello, now)


def _give_up(session: Session, tentativo: Row[Any], carrello: Row[Any], now: datetime) -> None:
    tentativi.move(session, tentativo, to=StatoTentativo.CHIUSO, at=now)
    if not is_legal(StatoCarrello(carrello.stato), StatoCarrello.SCADUTO):
        return
    carrelli.move(session, carrello, to=StatoCarrello.SCADUTO, at=now)
    for row in carrelli.dovuti_of(session, carrello.id):
        if not is_legal(StatoDovuto(row.stato), StatoDovuto.SCADUTO):
            continue
        dovuti.move(session, row, to=StatoDovuto.SCADUTO, at=now)
        if row.origine not in ORIGINI_NON_ARCHIVIATE:
            dovuti.renew(session, row, uuid.uuid4().hex, now)
    if carrello.id_session is not None:
        _close_sessione(session, carrello.id_session, now)


def _close_sessione(session: Session, id_session: str, now: datetime) -> None:
    """Take a session to its end once none of its carrelli is open: expired when all of them are."""
    if {carrello.stato for carrello in carrelli.of_session(session, id_session)} != {StatoCarrello.SCADUTO}:
        close_sessione(session, id_session, now)
        return
    sessione = sessioni.by_id(session, id_session)
    if is_legal(StatoSessione(sessione.stato), StatoSessione.SCADUTO):
        sessioni.move(session, sessione, to=StatoSessione.SCADUTO, at=now)
