"""The number of the configuration: whoever writes a station, an ente, a tipo or a credential moves it on.

It is read before what it numbers: what was read under a number is at least as new as that number says.
"""

from __future__ import annotations

from sqlalchemy import bindparam, literal_column, select, update

from hub.store.database import Session
from hub.store.schema import revisione_configurazione as table

_ID = 1
_READ = select(table.c.numero).where(table.c.id == bindparam("id"))
_MOVE = update(table).where(table.c.id == bindparam("of")).values(numero=table.c.numero + 1)
# A transaction that has moved it on leaves it there: on PostgreSQL each version of the row in one transaction stays to
# be walked over, and a configuration may write twenty thousand tipi.
_MOVE_ONCE = _MOVE.where(literal_column("xmin") != literal_column("pg_current_xact_id()::xid"))


def numero(session: Session) -> int:
    found: int = session.execute(_READ, {"id": _ID}).scalar_one()
    return found


def move_on(session: Session) -> None:
    """Say that the configuration is another one from the end of this transaction on.

    Before what is written: whoever writes it holds this row first, and two of them wait for each other in one order.
    """
    session.execute(_MOVE_ONCE if session.dialect.name == "postgresql" else _MOVE, {"of": _ID})
