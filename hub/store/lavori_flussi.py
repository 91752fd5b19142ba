"""Flows being worked on: who has one, how far it is, the rows that left no dovuto.

A worker holds a flow by its fence: the count that each claim raises. What an older holder writes meets another count.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Row, and_, case, func, null, select, update
from sqlalchemy.exc import IntegrityError

from hub.domain.errors import Conflict
from hub.domain.stati import StatoFlusso, StatoImport, check_transition
from hub.store.database import Session
from hub.store.iuv import lease
from hub.store.schema import dovuti, flussi_import, flussi_righe


def has_claimable(session: Session, now: datetime, busy: Sequence[int]) -> bool:
    """Whether `claim` may find one; asked first, so that a database at rest is only read."""
    return session.execute(select(flussi_import.c.id).where(_is_claimable(now, busy)).limit(1)).first() is not None


def claim(session: Session, now: datetime, lease_until: datetime, busy: Sequence[int]) -> Row[Any] | None:
    """Take a flow whose rows nobody loads, and return it; None when there is none.

    First those of the enti of which fewest are being loaded, then the oldest; not of the enti in `busy`. The flow of a
    worker that died is free when its lease is over.
    """
    table, other = flussi_import, flussi_import.alias("altri")
    loading = (
        select(func.count())
        .where(other.c.ente_id == table.c.ente_id, other.c.stato == StatoImport.IMPORT_IN_ELAB)
        .where(other.c.lease_until > now)
        .scalar_subquery()
    )
    query = select(table).where(_is_claimable(now, busy)).order_by(loading, table.c.received_at, table.c.id).limit(1)
    row = session.execute(query.with_for_update(skip_locked=True, of=table)).one_or_none()
    if row is None:
        return None
    if row.stato == StatoImport.LOAD_IMPORT:
        check_transition(StatoImport.LOAD_IMPORT, StatoImport.IMPORT_IN_ELAB)
    return session.execute(
        update(table)
        .where(table.c.id == row.id, table.c.fence == row.fence)
        .values(
            stato=str(StatoImport.IMPORT_IN_ELAB),
            fence=row.fence + 1,
            lease_until=lease_until,
            started_at=func.coalesce(table.c.started_at, now),
            updated_at=now,
        )
        .returning(table)
    ).one_or_none()


def has_loaded(session: Session, now: datetime, *, is_written: bool, rows_max: int | None = None) -> bool:
    """Whether `claim_loaded` may find one."""
    query = select(flussi_import.c.id).where(_waits(now, is_written, rows_max)).limit(1)
    return session.execute(query).first() is not None


def claim_loaded(
    session: Session, now: datetime, lease_until: datetime, *, is_written: bool, rows_max: int | None = None
) -> Row[Any] | None:
    """Take a loaded flow that waits for its files, and return it; None when there is none.

    `is_written`: rejects and IUVs are there, the notices are missing. `rows_max`: only flows that have no more rows.
    """
    table = flussi_import
    query = select(table.c.id, table.c.fence).where(_waits(now, is_written, rows_max))
    query = query.order_by(table.c.received_at, table.c.id).limit(1)
    row = session.execute(query.with_for_update(skip_locked=True)).one_or_none()
    if row is None:
        return None
    return session.execute(
        update(table)
        .where(table.c.id == row.id, table.c.fence == row.fence)
        .values(fence=row.fence + 1, lease_until=lease_until, updated_at=now)
        .returning(table)
    ).one_or_none()


def _waits(now: datetime, is_written: bool, rows_max: int | None) -> ColumnElement[bool]:
    table = flussi_import
    return and_(
        table.c.stato == StatoImport.IMPORT_IN_ELAB,
        table.c.stato_flusso.in_([str(StatoFlusso.CARICATO), str(StatoFlusso.ANNULLATO)]),
        table.c.risultati_at.is_not(None) if is_written else table.c.risultati_at.is_(None),
        table.c.lease_until.is_(None) | (table.c.lease_until < now),
        *(() if rows_max is None else (table.c.righe_totali <= rows_max,)),
    )


def esiti(session: Session, flusso_id: int, da: int, a: int) -> dict[int, Row[Any]]:
    """What became of the rows from `da` to `a`, both included: by number, `codici, descrizioni, iuv`.

    `codici`: why it was refused; None: it was accepted, and `iuv` is its dovuto's. A row that is not here was neither.
    """
    # An IUV that was drawn for one attempt to pay is not the dovuto's own.
    own = case((dovuti.c.iuv_volatile, None), else_=dovuti.c.iuv)
    where = dovuti.c.id.between(f"{flusso_id:016x}{da:016x}", f"{flusso_id:016x}{a:016x}")
    brought = select(dovuti.c.riga, null().label("codici"), null().label("descrizioni"), own.label("iuv")).where(where)
    left = select(flussi_righe.c.riga, flussi_righe.c.codici, flussi_righe.c.descrizioni, flussi_righe.c.iuv).where(
        flussi_righe.c.flusso_id == flusso_id, flussi_righe.c.riga.between(da, a)
    )
    return {row.riga: row for query in (brought, left) for row in session.execute(query)}


def begin(session: Session, row: Row[Any], *, iuf: str, versione: str, csv_bytes: int, at: datetime) -> bool:
    """Make the file a flow, LOAD_FLOW; False when a flow of this iuf loads or is loaded."""
    values = {"iuf": iuf, "versione": versione, "csv_bytes": csv_bytes, "stato_flusso": str(StatoFlusso.LOAD_FLOW)}
    try:
        with session.begin_nested():
            advance(session, row, at=at, righe_totali=0, righe_caricate=0, csv_letti=0, **values)
    except IntegrityError:
        return False
    return True


def loading_state(session: Session, ente_id: int, iuf: str) -> str | None:
    """The state of the flow of an iuf that loads or is loaded."""
    is_held = flussi_import.c.stato_flusso.in_([str(StatoFlusso.LOAD_FLOW), str(StatoFlusso.CARICATO)])
    query = select(flussi_import.c.stato_flusso).where(
        flussi_import.c.ente_id == ente_id, flussi_import.c.iuf == iuf, is_held
    )
    return session.execute(query).scalar_one_or_none()


def advance(session: Session, row: Row[Any], *, at: datetime, **values: Any) -> None:
    """Write how far a claimed flow is. Raises: Conflict (it is another worker's by now: nothing may be written)."""
    where = (flussi_import.c.id == row.id) & (flussi_import.c.fence == row.fence)
    is_open = flussi_import.c.stato == StatoImport.IMPORT_IN_ELAB
    changed = session.execute(update(flussi_import).where(where, is_open).values(updated_at=at, worked_at=at, **values))
    if changed.rowcount != 1:
        raise Conflict(f"flusso {row.id}: lo sta caricando un altro worker")


def release(session: Session, row: Row[Any], at: datetime) -> None:
    """Let go of a claimed flow: whoever claims next has it at once. Nothing happens when it is another worker's."""
    mine = (flussi_import.c.id == row.id) & (flussi_import.c.fence == row.fence)
    is_open = flussi_import.c.stato == StatoImport.IMPORT_IN_ELAB
    is_held = flussi_import.c.lease_until > at
    session.execute(update(flussi_import).where(mine, is_open, is_held).values(lease_until=at))


def cancelled_iud(session: Session, flusso_id: int) -> set[str]:
    """The IUD that rows of a flow have cancelled."""
    query = select(flussi_righe.c.iud).where(flussi_righe.c.flusso_id == flusso_id, flussi_righe.c.codici.is_(None))
    return set(session.execute(query).scalars())


def lease_iuv(
    session: Session, row: Row[Any], ente: Row[Any], held: tuple[int, int], count: int, at: datetime
) -> tuple[int, int]:
    """Hold `count` numbers for the IUVs of a flow, from included, to excluded, and return them.

    Only those missing are taken when they follow what is held; when somebody has drawn since, all are new and what was
    held is lost (gaps are allowed). The flow remembers them in this transaction: a worker that takes over gives the
    same numbers to the same rows.
    """
    key = ente.codice_fiscale, ente.codice_segregazione
    missing = count - (held[1] - held[0])
    end = lease(session, *key, missing)
    start = end - count
    if held[0] and held[1] != end - missing:
        start = end - missing
        end = lease(session, *key, count - missing)
    advance(session, row, at=at, iuv_da=start, iuv_a=end)
    return start, end


def forget_numbers(session: Session) -> int:
    """Let the flows that are being loaded hold no numbers any more, and nobody hold such a flow; how many there were.

    For a database that is an older copy: what they hold may have been given back since, and drawn by others.
    """
    held = flussi_import.c.iuv_a.is_not(None)
    changed = session.execute(
        update(flussi_import).where(held).values(iuv_da=None, iuv_a=None, fence=flussi_import.c.fence + 1)
    )
    return changed.rowcount


def known_iuv_files(session: Session, paths: Sequence[str]) -> set[str]:
    """Those of these files of IUVs that a flow names."""
    query = select(flussi_import.c.file_iuv).where(flussi_import.c.file_iuv.in_(paths))
    return set(session.execute(query).scalars())


def _is_claimable(now: datetime, busy: Sequence[int]) -> ColumnElement[bool]:
    table = flussi_import
    is_left = (table.c.stato == StatoImport.IMPORT_IN_ELAB) & (table.c.lease_until < now)
    has_rows = table.c.stato_flusso.is_(None) | (table.c.stato_flusso == StatoFlusso.LOAD_FLOW)
    is_free = (table.c.stato == StatoImport.LOAD_IMPORT) | (is_left & has_rows)
    return and_(is_free, table.c.ente_id.not_in(busy))
