"""Sessions: the multi-cart behind an idSession and what it is made of."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Row, String, bindparam, delete, exists, insert, literal_column, select, text, update

from hub.domain.errors import NotFound
from hub.domain.stati import StatoSessione
from hub.store.database import Database, Session
from hub.store.movement import move_row
from hub.store.schema import carrelli, dovuti, sessioni, sessioni_elementi

# The most that a document has. Source: PagInf_Dovuti_Pagati, datiVersamento.
_IUD = [f"iud_{number}" for number in range(5)]
_KEPT = [
    *(sessioni.c.id_session, sessioni.c.ente_id, sessioni.c.applicazione, sessioni.c.stato, sessioni.c.show_mypay),
    *(sessioni.c.url_esito, sessioni.c.documento, sessioni.c.created_at, sessioni.c.updated_at, sessioni.c.expires_at),
    sessioni.c.correlation_id,
]
_TAKEN = exists(literal_column("1")).where(
    dovuti.c.ente_id == bindparam("ente_id"), dovuti.c.iud.in_([bindparam(name, type_=String()) for name in _IUD])
)
# Look-up and row are one statement, one round trip: it is the call that everybody makes most.
_OPEN = insert(sessioni).from_select(
    _KEPT, select(*(bindparam(column.name, type_=column.type) for column in _KEPT)).where(~_TAKEN)
)

# Built once, as the one above: making a statement costs more than running it.
_FIND = select(sessioni).where(sessioni.c.id_session == bindparam("id_session"))
_ELEMENTI = (
    select(sessioni_elementi)
    .where(sessioni_elementi.c.id_session == bindparam("id_session"))
    .order_by(sessioni_elementi.c.posizione)
)


def open_unless_taken(db: Database, iud: Sequence[str], **values: Any) -> bool:
    """Keep a new session durably, unless the ente has used one of `iud` before; say whether it is there."""
    padded = [*iud, *[None] * (len(_IUD) - len(iud))]
    return db.run(_OPEN, values | dict(zip(_IUD, padded, strict=True))) == 1


def add(session: Session, **values: Any) -> None:
    session.execute(insert(sessioni), values)


def add_elementi(session: Session, id_session: str, elementi: list[dict[str, Any]]) -> None:
    """Keep what a session is made of, in order. Columns: ente_id and documento, secondario or dovuto_iud."""
    empty = {"documento": None, "secondario": None, "dovuto_iud": None}
    session.execute(
        insert(sessioni_elementi),
        [
            {**empty, **elemento, "id_session": id_session, "posizione": posizione}
            for posizione, elemento in enumerate(elementi, 1)
        ],
    )


def elementi(session: Session, id_session: str) -> list[Row[Any]]:
    """What a session is made of, in order; nothing for ESTERNO_ANONIMO, which has its document in the session."""
    return list(session.execute(_ELEMENTI, {"id_session": id_session}))


def find(session: Session, id_session: str) -> Row[Any] | None:
    return session.execute(_FIND, {"id_session": id_session}).one_or_none()


def by_id(session: Session, id_session: str) -> Row[Any]:
    """Raises: NotFound."""
    row = find(session, id_session)
    if row is None:
        raise NotFound("sessione di pagamento sconosciuta")
    return row


def by_id_nodo(session: Session, id_sessione_nodo: str) -> Row[Any]:
    """Raises: NotFound."""
    row = session.execute(select(sessioni).where(sessioni.c.id_sessione_nodo == id_sessione_nodo)).one_or_none()
    if row is None:
        raise NotFound("sessione di pagamento sconosciuta")
    return row


def move(session: Session, row: Row[Any], *, to: StatoSessione, at: datetime, **values: Any) -> None:
    move_row(session, sessioni, sessioni.c.id_session, row, StatoSessione, to, at, **values)


def set_nodo(session: Session, id_session: str, url: str, id_sessione_nodo: str | None, at: datetime) -> None:
    """Keep where the payer goes on; the state is not touched."""
    session.execute(
        update(sessioni)
        .where(sessioni.c.id_session == id_session)
        .values(url_nodo=url, id_sessione_nodo=id_sessione_nodo, updated_at=at)
    )


def set_ritorno(session: Session, id_session: str, esito: str, at: datetime) -> None:
    """Keep what the browser said when it came back: for the page, never for the money."""
    session.execute(
        update(sessioni).where(sessioni.c.id_session == id_session).values(esito_ritorno=esito, updated_at=at)
    )


def has_unpaid(session: Session, before: datetime) -> bool:
    """Whether `forget_unpaid` may find one; asked first, so that a database at rest is only read."""
    return session.execute(_unpaid(before).limit(1)).first() is not None


def forget_unpaid(session: Session, before: datetime, limit: int) -> int:
    """Remove up to `limit` sessions that ran out before an instant and of which no carrello was made; return how many.

    With them go what they were made of, and the payer's name.
    """
    chosen = _unpaid(before).order_by(sessioni.c.expires_at).limit(limit)
    ids = session.execute(chosen.with_for_update(skip_locked=True)).scalars().all()
    if ids:
        session.execute(delete(sessioni_elementi).where(sessioni_elementi.c.id_session.in_(ids)))
        session.execute(delete(sessioni).where(sessioni.c.id_session.in_(ids)))
    return len(ids)


def _unpaid(before: datetime) -> Any:
    # Written out, and not bound: the partial index is chosen by these words.
    has_carrello = exists().where(carrelli.c.id_session == sessioni.c.id_session)
    is_over = (text("sessioni.stato = 'SCADUTO'"), sessioni.c.expires_at < before)
    return select(sessioni.c.id_session).where(*is_over, ~has_carrello)


def expired(session: Session, now: datetime, limit: int, *, lock: bool = False) -> list[Row[Any]]:
    """Sessions whose payer never came, oldest first; with `lock`, those that nobody else is closing."""
    query = (
        select(sessioni)
        .where(sessioni.c.stato == StatoSessione.NUOVO_CARRELLO, sessioni.c.expires_at < now)
        .order_by(sessioni.c.expires_at)
        .limit(limit)
    )
    return list(session.execute(query.with_for_update(skip_locked=True) if lock else query))
