"""One statement below SQLAlchemy: its text is made once from the tables, the driver runs it.

For the one write that every caller of the management software waits for: SQLAlchemy around it costs several times what
the database does. Conversions of values stay the columns' own.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from sqlalchemy import Engine, Executable


class DriverStatement:
    """A statement as text of one dialect, and how its values go with it."""

    def __init__(self, statement: Executable, engine: Engine) -> None:
        compiled: Any = statement.compile(engine)  # type: ignore[attr-defined]
        self.sql = str(compiled)
        self._order: list[str] | None = compiled.positiontup
        self._convert: list[tuple[str, Callable[[Any], Any]]] = []
        for name, bind in compiled.binds.items():
            processor = bind.type.dialect_impl(engine.dialect).bind_processor(engine.dialect)
            if processor is not None:
                self._convert.append((name, processor))

    def bind(self, values: Mapping[str, Any]) -> tuple[Any, ...] | dict[str, Any]:
        """Return the values as the driver wants them, by place or by name."""
        bound = dict(values)
        for name, convert in self._convert:
            bound[name] = convert(bound[name])
        return bound if self._order is None else tuple([bound[name] for name in self._order])


class DriverPool:
    """PostgreSQL connections in autocommit, as many as threads were ever here at once: each call is one round trip."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._error: type[Exception] = engine.dialect.loaded_dbapi.Error  # type: ignore[attr-defined]
        # The last one used is taken first; pop and append of a list are atomic.
        self._free: list[Any] = []

    def run(self, statement: DriverStatement, values: Mapping[str, Any]) -> int:
        """Return the number of rows touched; what the statement did is durable."""
        connection = self._take()
        try:
            touched: int = connection.execute(statement.sql, statement.bind(values), prepare=True).rowcount
        except self._error:
            if connection.closed:
                # The server went away: the others are no better.
                self.close()
            else:
                self._free.append(connection)
            raise
        except BaseException:
            connection.close()
            raise
        self._free.append(connection)
        return touched

    def close(self) -> None:
        while self._free:
            self._free.pop().close()

    def _take(self) -> Any:
        try:
            return self._free.pop()
        except IndexError:
            pass
        borrowed = self._engine.raw_connection()
        connection: Any = borrowed.driver_connection
        # It stays here from now on; its place in SQLAlchemy's pool is free again.
        borrowed.detach()
        connection.autocommit = True
        return connection
