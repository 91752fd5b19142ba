"""The one UPDATE that changes a state: its WHERE names the state that was read."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import Column, Row, Table, update

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
    changed = session.execute(
        update(table).where(key == key_value, table.c.stato == row.stato).values(stato=str(to), updated_at=at, **values)
    ).rowcount
    if changed != 1:
        raise Conflict(f"{table.name} {key_value}: lo stato {row.stato} è cambiato nel frattempo")
