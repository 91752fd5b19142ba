"""One way into the database: `transaction()` to write, `reading()` to read, `run()` for one hot statement.

PostgreSQL: a bounded pool; the server groups commits. SQLite: WAL and `synchronous=FULL`, one writing connection per
process whose transactions are grouped: each caller's work is a savepoint, the last of those who wait commits for all,
and nobody is answered before that commit. Two processes meet on `BEGIN IMMEDIATE` with a long busy timeout.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from time import monotonic, perf_counter
from typing import Any

from sqlalchemy import Connection, Engine, Executable, create_engine, event, text
from sqlalchemy.engine import make_url
from sqlalchemy.exc import InterfaceError, OperationalError, ProgrammingError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.pool import NullPool, QueuePool

from hub import misure
from hub.domain.errors import OutOfService, Sovraccarico, SpazioEsaurito
from hub.misure import DB_ATTESA_S, DB_CONNESSIONI, DB_PIENO
from hub.store.driver import DriverPool, DriverStatement
from hub.store.group import GroupWriter, is_open

Session = Connection

# For a connection that others hold: longer only where something is stuck.
_POOL_WAIT_S = 30.0
# Longer than any transaction of ours: a writer of another process is waited for, not refused.
_SQLITE_BUSY_MS = 30_000
# For how long a refusal for want of room counts as the present: who is turned away meanwhile does not try.
_FULL_S = 15.0
# How each database says that there is no room. Source: SQLite, result codes (full; a write and the shared memory of the
# log when the system says so); PostgreSQL, error codes, class 53.
_SQLITE_FULL = frozenset({13, 778, 4874})
_POSTGRESQL_FULL = "53100"
# How each says that a table or a column is not there: SQLite in words only; PostgreSQL, undefined_table and
# undefined_column.
_SQLITE_MISSING = ("no such table", "no such column", "has no column named")
_POSTGRESQL_MISSING = frozenset({"42P01", "42703"})
# More than the hub has: the driver's own 128 are fewer than one payment's, and each would be parsed again and again.
_SQLITE_STATEMENTS = 512


def _sqlite_engine(url: str, pool_size: int, pool_wait_s: float) -> Engine:
    # The writer and the pool of readers live in one engine; the driver's own BEGIN is switched off, ours is explicit.
    engine = create_engine(
        url,
        poolclass=QueuePool,
        hide_parameters=True,
        pool_size=pool_size + 1,
        max_overflow=0,
        pool_timeout=pool_wait_s,
        # Each connection has its pages in memory: the same few go on being used.
        pool_use_lifo=True,
        connect_args={
            "check_same_thread": False, "timeout": _SQLITE_BUSY_MS / 1000, "cached_statements": _SQLITE_STATEMENTS,
        },  # fmt: skip
    )

    @event.listens_for(engine, "connect")
    def _prepare(connection: object, _record: object) -> None:
        connection.isolation_level = None  # type: ignore[attr-defined]
        cursor = connection.cursor()  # type: ignore[attr-defined]
        for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON", f"busy_timeout={_SQLITE_BUSY_MS}"):
            cursor.execute(f"PRAGMA {pragma}")
        cursor.close()

    @event.listens_for(engine, "begin")
    def _begin(connection: Connection) -> None:
        immediate = connection.get_execution_options().get("pontepa_write", False)
        # A group has begun below SQLAlchemy.
        if not immediate or not is_open(connection):
            connection.exec_driver_sql("BEGIN IMMEDIATE" if immediate else "BEGIN DEFERRED")

    return engine


class Database:
    """An open database. `is_postgresql` chooses between two spellings of one statement, nothing more."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self.is_postgresql = engine.dialect.name == "postgresql"
        driver: Any = engine.dialect.loaded_dbapi  # type: ignore[attr-defined]
        # What the driver itself raises when a connection is used below SQLAlchemy.
        self.driver_error: type[Exception] = driver.Error
        # ProgrammingError: the tables are not those of this version.
        self._absent = (
            *(OperationalError, InterfaceError, ProgrammingError),
            *(driver.OperationalError, driver.InterfaceError, driver.ProgrammingError),
        )
        # PostgreSQL: no BEGIN and ROLLBACK around a statement that stands alone; the same pool.
        self._single = engine.execution_options(isolation_level="AUTOCOMMIT") if self.is_postgresql else engine
        self._writer = None if self.is_postgresql else GroupWriter(engine)
        self._pool = DriverPool(engine) if self.is_postgresql else None
        self._statements: dict[Executable, DriverStatement] = {}
        self._full_at: float | None = None
        event.listen(engine, "checkout", lambda *_: self._tell_connections(0))
        # It is told just before the connection is back.
        event.listen(engine, "checkin", lambda *_: self._tell_connections(-1))

    @property
    def url(self) -> str:
        """Its address with the password, for another process of ours."""
        return self.engine.url.render_as_string(hide_password=False)

    @classmethod
    def open(cls, url: str, *, pool_size: int = 8, pool_wait_s: float = _POOL_WAIT_S) -> Database:
        """Open a pool for this process; nothing is connected before the first use."""
        if make_url(url).get_backend_name() == "sqlite":
            return cls(_sqlite_engine(url, pool_size, pool_wait_s))
        engine = create_engine(
            url,
            pool_size=pool_size,
            max_overflow=0,
            pool_timeout=pool_wait_s,
            hide_parameters=True,
            connect_args={"prepare_threshold": 5},
        )
        return cls(engine)

    @contextmanager
    def transaction(self) -> Iterator[Session]:
        """Give a session; raise rolls back, return commits and the commit is durable when this returns.

        Raises: OutOfService (the database does not answer: nothing was written); Sovraccarico, which is one, when all
        connections are taken.
        """
        asked = perf_counter()
        with self._translated(), self._writer.transaction() if self._writer else self.engine.begin() as session:
            misure.observe(DB_ATTESA_S, perf_counter() - asked)
            yield session

    @contextmanager
    def migrating(self) -> Iterator[Session]:
        """Give a session that may make tables anew; SQLite looks at references only at the end.

        Raises: OutOfService; ValueError (a row refers to nothing: our mistake, nothing is written).
        """
        if self.is_postgresql:
            with self.transaction() as session:
                yield session
            return
        with self._translated(), self.engine.connect().execution_options(pontepa_write=True) as session:
            driver = session.connection.driver_connection
            assert driver is not None
            # Inside a transaction this pragma does nothing. Source: SQLite, ALTER TABLE, "other kinds of changes".
            driver.execute("PRAGMA foreign_keys=OFF")
            try:
                with session.begin():
                    yield session
                    if session.exec_driver_sql("PRAGMA foreign_key_check").first() is not None:
                        raise ValueError("a migration left rows that refer to nothing")
            finally:
                driver.execute("PRAGMA foreign_keys=ON")

    def run(self, statement: Executable, values: Mapping[str, Any]) -> int:
        """Run one writing statement below SQLAlchemy, in a transaction of its own; return the number of rows touched.

        `statement` is a constant of a module: its text is made at its first use. `values`: one for each of its names.
        What it did is durable when this returns. Raises: OutOfService, the driver's error for a broken constraint.
        """
        known = self._statements.get(statement)
        if known is None:
            known = self._statements[statement] = DriverStatement(statement, self.engine)
        with self._translated():
            return (self._writer or self._pool).run(known, values)  # type: ignore[union-attr]

    @contextmanager
    def reading(self) -> Iterator[Session]:
        """Give a session that writes nothing; each of its statements sees what was committed before it.

        Raises: OutOfService.
        """
        with self._translated(), self._single.connect() as session:
            yield session

    @contextmanager
    def snapshot(self) -> Iterator[Session]:
        """Give a session that cannot write and sees one instant, however long it reads.

        While it lasts neither database gives back the room of what is replaced: end it soon. Raises: OutOfService.
        """
        if self.is_postgresql:
            options = {"isolation_level": "REPEATABLE READ", "postgresql_readonly": True}
            with self._translated(), self.engine.execution_options(**options).begin() as session:
                yield session
            return
        with self.reading() as session:
            session.exec_driver_sql("PRAGMA query_only=ON")
            try:
                yield session
            finally:
                session.exec_driver_sql("PRAGMA query_only=OFF")

    def _tell_connections(self, more: int) -> None:
        pool: Any = self.engine.pool
        misure.level(DB_CONNESSIONI, pool.checkedout() + more)

    @contextmanager
    def _translated(self) -> Iterator[None]:
        try:
            yield
        except PoolTimeout as error:
            raise Sovraccarico("troppe richieste insieme: riprovare fra poco") from error
        except self._absent as error:
            if _says_full(error):
                self._full_at = monotonic()
                misure.count(DB_PIENO)
                raise SpazioEsaurito("il database non ha più spazio: ripetere la richiesta più tardi") from error
            raise OutOfService("il database non risponde: ripetere la richiesta", reason=_cure(error)) from error

    def listen_connection(self) -> Connection:
        """Give a connection outside the pool's turns, for waiting on notifications (PostgreSQL)."""
        return create_engine(self.engine.url, poolclass=NullPool, isolation_level="AUTOCOMMIT").connect()

    def is_full(self) -> bool:
        """Whether just now there was no room for something; nobody knows that there is before something fits."""
        return self._full_at is not None and monotonic() < self._full_at + _FULL_S

    def ping(self) -> bool:
        """Whether the database answers."""
        try:
            with self.reading() as session:
                session.execute(text("SELECT 1"))
        except OutOfService:
            return False
        return True

    def close(self) -> None:
        for held in (self._writer, self._pool):
            if held is not None:
                held.close()
        self.engine.dispose()


def _cure(error: BaseException) -> str | None:
    """What the operator is to do; a caller cannot, and is to come again."""
    told = _of_driver(error)
    is_missing = getattr(told, "sqlstate", "") in _POSTGRESQL_MISSING or (
        getattr(told, "sqlite_errorcode", None) is not None and any(words in str(told) for words in _SQLITE_MISSING)
    )
    if not is_missing:
        return None
    return "nel database mancano le tabelle di questa versione: eseguire `pontepa db upgrade`"


def _says_full(error: BaseException) -> bool:
    told = _of_driver(error)
    return getattr(told, "sqlite_errorcode", None) in _SQLITE_FULL or getattr(told, "sqlstate", "") == _POSTGRESQL_FULL


def _of_driver(error: BaseException) -> BaseException:
    return getattr(error, "orig", None) or error
