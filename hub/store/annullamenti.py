"""Cancellation of a whole flow: how far it is, and its rows, a stretch of the primary key of dovuti at a time."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Row, func, select, update

from hub.domain.errors import Conflict
from hub.domain.stati import StatoDovuto, StatoFlusso, check_transition
from hub.store.database import Session
from hub.store.schema import dovuti, flussi_import


def begin(session: Session, row: Row[Any], operatore: str, now: datetime) -> None:
    """Call a loaded flow cancelled and say that its rows are to be looked at from the first; once more if it was.

    Raises: Conflict (not a flow that can be cancelled, or no longer what was read).
    """
    if row.stato_flusso != StatoFlusso.ANNULLATO:
        check_transition(StatoFlusso(row.stato_flusso), StatoFlusso.ANNULLATO)
    changed = session.execute(
        update(flussi_import)
        .where(flussi_import.c.id == row.id, flussi_import.c.stato_flusso == row.stato_flusso)
        .where(flussi_import.c.annullamento_riga.is_(None))
        .values(
            stato_flusso=str(StatoFlusso.ANNULLATO),
            annullato_da=row.annullato_da or operatore,
            annullato_at=row.annullato_at or now,
            annullamento_riga=1,
            dovuti_annullati=row.dovuti_annullati or 0,
            dovuti_pagati=0,
            dovuti_in_pagamento=0,
            updated_at=now,
        )
    ).rowcount
    if changed != 1:
        raise Conflict(f"flusso {row.request_token}: lo stato è cambiato nel frattempo")


def by_id(session: Session, id: int, *, lock: bool = False) -> Row[Any]:
    """The flow's row; with `lock` nobody else moves its cancellation on until the transaction ends."""
    query = select(flussi_import).where(flussi_import.c.id == id)
    return session.execute(query.with_for_update(key_share=True) if lock else query).one()


def find_abandoned(session: Session, before: datetime) -> int | None:
    """A flow whose cancellation is going on and did not move since an instant."""
    query = select(flussi_import.c.id).where(
        flussi_import.c.annullamento_riga.is_not(None), flussi_import.c.updated_at < before
    )
    return session.execute(query.order_by(flussi_import.c.id).limit(1)).scalar_one_or_none()


def annul(session: Session, row: Row[Any], da: int, a: int, now: datetime) -> int:
    """Cancel what is payable now and was brought by the rows [da, a) of a flow; return how many.

    What somebody is putting in payment at this moment is passed over, not waited for: two who lock several dovuti in
    different order would wait for each other.
    """
    cancelled = 0
    for where in _current(row, da, a):
        payable = (where, dovuti.c.stato == StatoDovuto.INSERIMENTO_DOVUTO)
        free = select(dovuti.c.id).where(*payable).with_for_update(skip_locked=True)
        # The condition again: between reading and writing it may have gone into payment.
        changed = update(dovuti).where(dovuti.c.id.in_(free), dovuti.c.attuale, payable[1])
        values = {"stato": str(StatoDovuto.ANNULLATO), "attuale": False, "updated_at": now}
        cancelled += session.execute(changed.values(**values)).rowcount
    return cancelled


def count(session: Session, row: Row[Any], da: int, a: int) -> dict[StatoDovuto, int]:
    """How many dovuti whose current version is of the rows [da, a) of a flow are in each state."""
    found: dict[StatoDovuto, int] = {}
    for where in _current(row, da, a):
        query = select(dovuti.c.stato, func.count()).where(where).group_by(dovuti.c.stato)
        for stato, number in session.execute(query):
            found[StatoDovuto(stato)] = found.get(StatoDovuto(stato), 0) + number
    return found


def advance(session: Session, row: Row[Any], riga: int | None, now: datetime, left: Mapping[str, int]) -> None:
    """Say from which row on there is more to do (None: it is over), and add to the counts."""
    values: dict[str, Any] = {name: getattr(row, name) + number for name, number in left.items()}
    session.execute(
        update(flussi_import)
        .where(flussi_import.c.id == row.id)
        .values(annullamento_riga=riga, updated_at=now, **values)
    )


def _current(row: Row[Any], da: int, a: int) -> tuple[ColumnElement[bool], ColumnElement[bool]]:
    """Where the current versions are: in the flow's own rows; in copies made when a payment came to nothing.

    A copy has a key of its own and is found by the IUD of the row that it was made from.
    """
    own = dovuti.alias("own")
    stretch = (own.c.id >= _key(row.id, da), own.c.id < _key(row.id, a), own.c.flusso_id == row.id)
    tried = select(own.c.iud).where(*stretch, own.c.attuale.is_(False), own.c.stato == StatoDovuto.COMPLETATO)
    mine = (dovuti.c.flusso_id == row.id) & dovuti.c.attuale
    in_stretch = (dovuti.c.id >= _key(row.id, da)) & (dovuti.c.id < _key(row.id, a))
    return mine & in_stretch, mine & (dovuti.c.ente_id == row.ente_id) & ~in_stretch & dovuti.c.iud.in_(tried)


def _key(flusso_id: int, riga: int) -> str:
    return f"{flusso_id:016x}{riga:016x}"
