"""Settlement flows: every revision that was listed once, who works on one, how far it is, its payments.

A worker holds a flow by its fence: the count that each claim raises. What an older holder writes meets another count.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Row, and_, case, delete, exists, func, insert, or_, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import IntegrityError

from hub import misure
from hub.domain.acquisizione_fdr import FlussoElencato
from hub.domain.errors import Conflict, NotFound
from hub.domain.rendicontazione import Riga
from hub.domain.servizi_rest import Servizio
from hub.domain.stati import StatoRendicontazione, check_transition
from hub.misure import LEASE_RIPRESI
from hub.store import circuiti
from hub.store.database import Session
from hub.store.schema import acquisizioni_fdr, rendicontazioni, rendicontazioni_righe

_S = StatoRendicontazione
_DA_SCARICARE = (_S.LISTED, _S.DOWNLOADING, _S.DOWNLOAD_ERROR)
# Names in one question: far below what either database takes.
_BATCH = 500


def add_listed(
    session: Session, flussi: Sequence[FlussoElencato], now: datetime, comuni: Mapping[str, Any]
) -> int:
    """Keep the flows that are not known yet and return how many they are.

    `comuni`: dominio, ente_id, stazione_id, trasporto. A flow that came over SOAP, which tells neither PSP nor
    revision, is its first revision when it is listed over REST.
    """
    new = [flusso for flusso in flussi if not flusso.psp or not _adopt(session, comuni["dominio"], flusso, now)]
    dialect = postgresql if session.dialect.name == "postgresql" else sqlite
    statement = dialect.insert(rendicontazioni).on_conflict_do_nothing().returning(rendicontazioni.c.id)
    added = 0
    for start in range(0, len(new), _BATCH):
        rows = [_listed(flusso, now, comuni) for flusso in new[start : start + _BATCH]]
        added += len(session.execute(statement, rows).all())
    return added


def _listed(flusso: FlussoElencato, now: datetime, comuni: Mapping[str, Any]) -> dict[str, Any]:
    return dict(comuni) | {
        "iuf": flusso.iuf,
        "psp": flusso.psp,
        "elencato_at": flusso.generato_at,
        "revisione": flusso.revisione,
        "pubblicato_at": flusso.pubblicato_at,
        "stato": str(_S.LISTED),
        "next_attempt_at": now,
        "listed_at": now,
        "updated_at": now,
    }


def _adopt(session: Session, dominio: str, flusso: FlussoElencato, now: datetime) -> bool:
    """Give the first revision its PSP and number when it is here without them; False when it is not."""
    if flusso.revisione != 1:
        return False
    table = rendicontazioni
    same = and_(
        table.c.dominio == dominio,
        table.c.iuf == flusso.iuf,
        table.c.psp.in_(["", flusso.psp]),
        table.c.elencato_at == flusso.generato_at,
        table.c.revisione == 0,
    )
    values = {
        "psp": flusso.psp,
        "revisione": 1,
        "pubblicato_at": flusso.pubblicato_at,
        # What was not given over SOAP is asked for over REST.
        "trasporto": case((table.c.stato.in_([_S.LISTED, _S.DOWNLOAD_ERROR]), "rest"), else_=table.c.trasporto),
        "updated_at": now,
    }
    return session.execute(update(table).where(same).values(values)).rowcount > 0


def has_claimable(session: Session, now: datetime, *, is_stored: bool) -> bool:
    """Whether `claim` may find one; asked first, so that a database at rest is only read."""
    return session.execute(select(rendicontazioni.c.id).where(_waits(now, is_stored)).limit(1)).first() is not None


def claim(session: Session, now: datetime, lease_until: datetime, *, is_stored: bool) -> Row[Any] | None:
    """Take the flow that waits longest, to be downloaded or, `is_stored`, to be read; None when there is none.

    That of a worker which died is free when its lease is over.
    """
    table = rendicontazioni
    query = select(table).where(_waits(now, is_stored)).order_by(table.c.next_attempt_at, table.c.id).limit(1)
    row = session.execute(query.with_for_update(skip_locked=True)).one_or_none()
    if row is None:
        return None
    values: dict[str, Any] = {"fence": row.fence + 1, "lease_until": lease_until, "updated_at": now}
    if not is_stored:
        check_transition(_S(row.stato), _S.DOWNLOADING)
        values |= {"stato": str(_S.DOWNLOADING), "attempts": row.attempts + 1}
    if row.lease_until is not None:
        misure.count(LEASE_RIPRESI, "rendicontazione")
    held = update(table).where(table.c.id == row.id, table.c.fence == row.fence).values(values).returning(table)
    return session.execute(held).one_or_none()


def _waits(now: datetime, is_stored: bool) -> ColumnElement[bool]:
    table = rendicontazioni
    stati = (_S.STORED,) if is_stored else _DA_SCARICARE
    where = and_(
        table.c.stato.in_([str(stato) for stato in stati]),
        table.c.next_attempt_at <= now,
        table.c.lease_until.is_(None) | (table.c.lease_until < now),
    )
    if is_stored:
        return where
    # Of an ente whose caller is refused nothing is asked until its list is given again.
    turn = acquisizioni_fdr
    stopped = exists().where(turn.c.dominio == table.c.dominio, turn.c.stazione_id == table.c.stazione_id, turn.c.ferma)
    return and_(where, ~stopped, ~circuiti.is_held(table.c.stazione_id, Servizio.FDR, now))


def move(
    session: Session, row: Row[Any], *, to: StatoRendicontazione, at: datetime, **values: Any
) -> None:
    """Give a claimed flow its new state and let it go. Raises: Conflict (it is another worker's by now)."""
    check_transition(StatoRendicontazione(row.stato), to)
    _write(session, row, stato=str(to), lease_until=None, updated_at=at, **values)


def advance(session: Session, row: Row[Any], *, at: datetime, **values: Any) -> None:
    """Write how far a claimed flow is. Raises: Conflict (it is another worker's by now: nothing may be written)."""
    _write(session, row, updated_at=at, **values)


def _write(session: Session, row: Row[Any], **values: Any) -> None:
    where = (rendicontazioni.c.id == row.id) & (rendicontazioni.c.fence == row.fence)
    where &= rendicontazioni.c.stato == row.stato
    if session.execute(update(rendicontazioni).where(where).values(**values)).rowcount != 1:
        raise Conflict(f"rendicontazione {row.id}: ci sta lavorando un altro worker")


def add_righe(session: Session, rendicontazione_id: int, righe: Iterable[Riga]) -> None:
    """Keep payments of a flow."""
    rows = [
        {
            "rendicontazione_id": rendicontazione_id,
            "numero": riga.numero,
            "iuv": riga.iuv,
            "iur": riga.iur,
            "indice": riga.indice,
            "importo_cent": riga.importo_cent,
            "esito": riga.esito,
            "data_esito": riga.data_esito,
            "osservazioni": list(riga.osservazioni) or None,
        }
        for riga in righe
    ]
    session.execute(insert(rendicontazioni_righe), rows)


def drop_righe(session: Session, rendicontazione_id: int) -> None:
    """Forget the payments of a flow that turned out not to be readable to its end."""
    table = rendicontazioni_righe
    session.execute(delete(table).where(table.c.rendicontazione_id == rendicontazione_id))


def activate(session: Session, row: Row[Any], *, to: StatoRendicontazione, at: datetime, **values: Any) -> None:
    """Let a flow that was read to its end count. Raises: Conflict (another worker did, or another revision counts)."""
    try:
        with session.begin_nested():
            # What was read is to be matched; what a person looks at is not.
            next_at = at if to == _S.PARSED else None
            move(session, row, to=to, at=at, attiva=True, next_attempt_at=next_at, **values)
    except IntegrityError as error:
        raise Conflict(f"rendicontazione {row.id}: un'altra revisione conta da questo momento") from error


def active_of(session: Session, dominio: str, versante: str, iuf: str) -> Row[Any] | None:
    """The revision of a flow that counts, held until the end of the transaction."""
    table = rendicontazioni
    where = and_(table.c.dominio == dominio, table.c.versante == versante, table.c.iuf == iuf, table.c.attiva)
    return session.execute(select(table).where(where).with_for_update()).one_or_none()


def supersede(session: Session, id: int, by: int, at: datetime) -> None:
    """Let another revision count in the place of this one."""
    values = {"attiva": False, "superata_da": by, "updated_at": at}
    session.execute(update(rendicontazioni).where(rendicontazioni.c.id == id).values(values))


def by_id(session: Session, id: int) -> Row[Any]:
    """Raises: NotFound."""
    row = session.execute(select(rendicontazioni).where(rendicontazioni.c.id == id)).one_or_none()
    if row is None:
        raise NotFound(f"rendicontazione {id} sconosciuta")
    return row


def again(session: Session, id: int, now: datetime) -> Row[Any]:
    """Let a flow that failed be downloaded again, as if it had just been listed.

    Raises: NotFound, Conflict (it did not fail, or it counts already).
    """
    row = by_id(session, id)
    if row.attiva:
        raise Conflict(f"rendicontazione {id}: è già quella che conta")
    check_transition(StatoRendicontazione(row.stato), _S.LISTED)
    values = {
        "stato": str(_S.LISTED), "attempts": 0, "next_attempt_at": now, "listed_at": now, "motivo": None,
        "illeggibile_sha256": None, "updated_at": now,
    }  # fmt: skip
    same = and_(rendicontazioni.c.id == id, rendicontazioni.c.stato == row.stato)
    if session.execute(update(rendicontazioni).where(same).values(values)).rowcount != 1:
        raise Conflict(f"rendicontazione {id}: è cambiata in questo momento")
    return by_id(session, id)


def find(
    session: Session, *, ente_id: int | None = None, stato: str | None = None, iuf: str | None = None,
    attive: bool = False, in_vista: bool = False, righe_max: int = 100,
) -> Sequence[Row[Any]]:  # fmt: skip
    """The newest revisions that match; `in_vista`: those that wait for a person."""
    table = rendicontazioni
    conditions = [
        *([] if ente_id is None else [table.c.ente_id == ente_id]),
        *([] if stato is None else [table.c.stato == stato]),
        *([] if iuf is None else [table.c.iuf == iuf]),
        *([table.c.attiva] if attive else []),
        *([is_parked()] if in_vista else []),
    ]
    return session.execute(select(table).where(*conditions).order_by(table.c.id.desc()).limit(righe_max)).all()


def psp_of_dominio(session: Session, dominio: str) -> tuple[str, ...]:
    """The PSPs whose flows for a dominio are here, each once."""
    table = rendicontazioni
    query = select(table.c.psp).where(table.c.dominio == dominio, table.c.psp != "").distinct().order_by(table.c.psp)
    return tuple(session.execute(query).scalars())


def count_by_stato(session: Session) -> dict[str, int]:
    """How many revisions are in each state; those set aside for a person as PARKED."""
    table = rendicontazioni
    query = select(table.c.stato, func.count()).group_by(table.c.stato)
    counts = dict.fromkeys(map(str, StatoRendicontazione), 0) | {row[0]: row[1] for row in session.execute(query)}
    counts["PARKED"] = session.execute(select(func.count()).where(is_parked())).scalar_one()
    return counts


def is_parked() -> ColumnElement[bool]:
    """What nothing more is tried for without a person."""
    table = rendicontazioni
    return or_(
        and_(table.c.stato.in_([_S.DOWNLOAD_ERROR, _S.OPEN]), table.c.next_attempt_at.is_(None)),
        table.c.stato == str(_S.INCONSISTENT),
    )
