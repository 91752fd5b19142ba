"""The one UPDATE that changes a state: its WHERE names the state that was read."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from functools import cache
from typing import Any

from sqlalchemy import Column, Row, Table, Update, bindparam, update

from hub.domain.errors import Conflict
from hub.domain.stati import check_transition
from hub.store.database import Session


def move_row(
    session: Session,
    table: Table,
    key: Column[Any],
    row: Row[Any],
    states: type[StrEnum],
    to: StrEnum,
    at: datetime,
    **values: Any,
) -> None:
    """Take `row` to state `to`, with the columns given.

    Raises: Conflict (the step is not legal, or the row is no longer in the state that was read).
    """
    check_transition(states(row.stato), to)
    key_value = getattr(row, key.name)
    read = {"read_key": key_value, "read_stato": row.stato}
    changed = session.execute(_moved(table, key.name), {**values, **read, "stato": str(to), "updated_at": at}).rowcount
    if changed != 1:
        raise Conflict(f"{table.name} {key_value}: lo stato {row.stato} è cambiato nel frattempo")


@cache
def _moved(table: Table, key: str) -> Update:
    """Built once for each table: the columns that change are those that come with the values."""
    return update(table).where(table.c[key] == bindparam("read_key"), table.c.stato == bindparam("read_stato"))
