"""The turns of asking the node which settlement flows it has: one for each dominio and the station that serves it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Row, and_, exists, func, insert, or_, select, update
from sqlalchemy.dialects import postgresql, sqlite

from hub.domain.acquisizione_fdr import Trasporto
from hub.domain.errors import Conflict
from hub.domain.servizi_rest import Servizio
from hub.domain.stati import StatoEnte
from hub.store import circuiti
from hub.store.database import Session
from hub.store.schema import acquisizioni_fdr, enti, lacune_fdr, stazioni_fdr
from hub.store.schema import circuiti as schema_circuiti


def add_missing(session: Session, now: datetime) -> int:
    """Give every active ente a turn, due at once, and return how many had none.

    Of several enti with one tax code the oldest counts.
    """
    missing = session.execute(_without_turn()).all()
    if missing:
        dialect = postgresql if session.dialect.name == "postgresql" else sqlite
        rows = [{**row._mapping, "next_attempt_at": now} for row in missing]
        session.execute(dialect.insert(acquisizioni_fdr).on_conflict_do_nothing(), rows)
    return len(missing)


def is_one_missing(session: Session) -> bool:
    """Whether `add_missing` has work; asked first, so that a database at rest is only read."""
    return session.execute(_without_turn().limit(1)).first() is not None


def _without_turn() -> Any:
    turn = acquisizioni_fdr
    has_turn = exists().where(turn.c.dominio == enti.c.codice_fiscale, turn.c.stazione_id == enti.c.stazione_id)
    columns = enti.c.codice_fiscale.label("dominio"), enti.c.stazione_id, func.min(enti.c.id).label("ente_id")
    query = select(*columns).where(enti.c.stato != str(StatoEnte.INSERITO), ~has_turn)
    return query.group_by(enti.c.codice_fiscale, enti.c.stazione_id)


def has_claimable(session: Session, now: datetime) -> bool:
    return session.execute(select(acquisizioni_fdr.c.dominio).where(_is_due(now)).limit(1)).first() is not None


def claim(session: Session, now: datetime, lease_until: datetime) -> Row[Any] | None:
    """Take the turn that is due longest, and return it; None when there is none."""
    table = acquisizioni_fdr
    query = select(table).where(_is_due(now)).order_by(table.c.next_attempt_at, table.c.dominio).limit(1)
    row = session.execute(query.with_for_update(skip_locked=True)).one_or_none()
    if row is None:
        return None
    values = {"fence": row.fence + 1, "lease_until": lease_until}
    return session.execute(update(table).where(_is(row)).values(values).returning(table)).one_or_none()


def _is_due(now: datetime) -> ColumnElement[bool]:
    table = acquisizioni_fdr
    nowhere = exists().where(
        stazioni_fdr.c.stazione_id == table.c.stazione_id, stazioni_fdr.c.trasporto == str(Trasporto.NESSUNO)
    )
    # An ente that changed its station is asked for by the new one alone.
    served = exists().where(
        enti.c.codice_fiscale == table.c.dominio,
        enti.c.stazione_id == table.c.stazione_id,
        enti.c.stato != str(StatoEnte.INSERITO),
    )
    free = or_(table.c.lease_until.is_(None), table.c.lease_until < now)
    held = circuiti.is_held(table.c.stazione_id, Servizio.FDR, now)
    return and_(table.c.next_attempt_at <= now, free, served, ~nowhere, ~held)


def settle(session: Session, row: Row[Any], **values: Any) -> None:
    """Write what came of a turn and let it go. Raises: Conflict (it is another worker's by now)."""
    if session.execute(update(acquisizioni_fdr).where(_is(row)).values(lease_until=None, **values)).rowcount != 1:
        raise Conflict(f"rendicontazione di {row.dominio}: la sta chiedendo un altro worker")


def _is(row: Row[Any]) -> ColumnElement[bool]:
    table = acquisizioni_fdr
    return and_(table.c.dominio == row.dominio, table.c.stazione_id == row.stazione_id, table.c.fence == row.fence)


def stop(session: Session, dominio: str, stazione_id: str, codice: str, motivo: str, until: datetime) -> None:
    """Ask nothing more for an ente until its next turn: its caller is refused."""
    table = acquisizioni_fdr
    same = and_(table.c.dominio == dominio, table.c.stazione_id == stazione_id)
    values = {"ferma": True, "codice": codice, "motivo": motivo, "next_attempt_at": until}
    session.execute(update(table).where(same).values(values))


def make_due(session: Session, now: datetime, dominio: str | None = None) -> int:
    """Let the turns of a dominio, or of all, come at once; how many."""
    table = acquisizioni_fdr
    mine = update(table).values(next_attempt_at=now)
    return session.execute(mine if dominio is None else mine.where(table.c.dominio == dominio)).rowcount


def note_lacuna(session: Session, row: Row[Any], dal: datetime, al: datetime, now: datetime) -> None:
    """Keep that the flows of a period were not listed any more; told again, it is one."""
    dialect = postgresql if session.dialect.name == "postgresql" else sqlite
    values = {"dominio": row.dominio, "stazione_id": row.stazione_id, "dal": dal, "al": al, "created_at": now}
    session.execute(dialect.insert(lacune_fdr).values(values).on_conflict_do_nothing())


def lacune(session: Session, dominio: str | None = None) -> Sequence[Row[Any]]:
    query = select(lacune_fdr).order_by(lacune_fdr.c.dal)
    return session.execute(query if dominio is None else query.where(lacune_fdr.c.dominio == dominio)).all()


def count_lacune(session: Session) -> int:
    """How many periods were lost."""
    return int(session.execute(select(func.count()).select_from(lacune_fdr)).scalar_one())


def ente_ids(session: Session) -> list[int]:
    """The enti whose settlement flows are asked for."""
    query = select(acquisizioni_fdr.c.ente_id).distinct().order_by(acquisizioni_fdr.c.ente_id)
    return list(session.execute(query).scalars())


def all_rows(session: Session) -> Sequence[Row[Any]]:
    """Every turn, with the codIpaEnte, what was said of the transport and until when the circuit holds the station."""
    table, held = acquisizioni_fdr, schema_circuiti
    columns = enti.c.cod_ipa_ente, stazioni_fdr.c.trasporto, held.c.riprova_at.label("circuito_fino_a")
    query = select(table, *columns).join(enti, enti.c.id == table.c.ente_id)
    query = query.outerjoin(stazioni_fdr, stazioni_fdr.c.stazione_id == table.c.stazione_id)
    same = and_(held.c.stazione_id == table.c.stazione_id, held.c.servizio == str(Servizio.FDR))
    query = query.outerjoin(held, same)
    return session.execute(query.order_by(enti.c.cod_ipa_ente, table.c.stazione_id)).all()


def count_stopped(session: Session) -> int:
    """How many enti nothing is asked for, because their caller is refused."""
    query = select(func.count()).where(acquisizioni_fdr.c.ferma)
    return int(session.execute(query).scalar_one())


def oldest_list(session: Session) -> datetime | None:
    """When that list was stored which is the oldest of all; None: there is none yet."""
    return session.execute(select(func.min(acquisizioni_fdr.c.elencata_at))).scalar_one()


def trasporto_of(session: Session, stazione_id: str) -> str | None:
    """How a station asks; None: nothing was said of it."""
    query = select(stazioni_fdr.c.trasporto).where(stazioni_fdr.c.stazione_id == stazione_id)
    return session.execute(query).scalar_one_or_none()


def put_trasporto(session: Session, stazione_id: str, trasporto: str) -> None:
    """Say how a station asks, in place of what was said before."""
    changed = update(stazioni_fdr).where(stazioni_fdr.c.stazione_id == stazione_id).values(trasporto=trasporto)
    if session.execute(changed).rowcount == 0:
        session.execute(insert(stazioni_fdr), {"stazione_id": stazione_id, "trasporto": trasporto})
