"""One way into the database: `transaction()` to write, `reading()` to read.

PostgreSQL: a bounded pool; the server groups commits. SQLite: WAL and `synchronous=FULL`, one writing connection per
process whose transactions are grouped: each caller's work is a savepoint, the last of those who wait commits for all,
and nobody is answered before that commit. Two processes meet on `BEGIN IMMEDIATE` with a long busy timeout.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import Connection, Engine, create_engine, event, text
from sqlalchemy.engine import make_url
from sqlalchemy.exc import InterfaceError, OperationalError, ProgrammingError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.pool import NullPool, QueuePool

from hub.domain.errors import OutOfService

Session = Connection

# Longer than any transaction of ours: a writer of another process is waited for, not refused.
_SQLITE_BUSY_MS = 30_000
# A group is closed after this many savepoints, so that the first of them never waits long for its commit.
_GROUP_MAX = 64


def _sqlite_engine(url: str, pool_size: int) -> Engine:
    # The writer and the pool of readers live in one engine; the driver's own BEGIN is switched off, ours is explicit.
    engine = create_engine(
        url,
        poolclass=QueuePool,
        hide_parameters=True,
        pool_size=pool_size + 1,
        max_overflow=0,
        connect_args={"check_same_thread": False, "timeout": _SQLITE_BUSY_MS / 1000},
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
        connection.exec_driver_sql("BEGIN IMMEDIATE" if immediate else "BEGIN DEFERRED")

    return engine


class _Group:
    """The transaction that several callers share; done when its single commit is durable."""

    def __init__(self) -> None:
        self.size = 0
        self.done = threading.Event()
        self.error: BaseException | None = None


class _GroupWriter:
    """The one writing connection of this process (SQLite)."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._turn = threading.Lock()
        self._waiting = 0
        self._count = threading.Lock()
        self._connection: Connection | None = None
        self._group: _Group | None = None

    @contextmanager
    def transaction(self) -> Iterator[Session]:
        with self._count:
            self._waiting += 1
        with self._turn:
            with self._count:
                self._waiting -= 1
            group = None
            try:
                connection = self._open()
                group = self._group
                assert group is not None
                savepoint = connection.begin_nested()
                try:
                    yield connection
                except BaseException:
                    if _is_open(connection):
                        savepoint.rollback()
                    raise
                savepoint.commit()
                group.size += 1
            finally:
                if self._connection is not None and self._group is not None:
                    is_full = self._group.size >= _GROUP_MAX
                    if self._waiting == 0 or is_full or not _is_open(self._connection):
                        self._close()
        group.done.wait()
        if group.error is not None:
            raise group.error

    def _open(self) -> Connection:
        if self._connection is None:
            connection = self._engine.connect().execution_options(pontepa_write=True)
            try:
                connection.begin()
            except BaseException:
                connection.close()
                raise
            self._connection, self._group = connection, _Group()
        return self._connection

    def _close(self) -> None:
        connection, group = self._connection, self._group
        assert connection is not None and group is not None
        self._connection = self._group = None
        try:
            if not _is_open(connection):
                raise OutOfService("il database ha annullato la transazione: ripetere la richiesta")
            connection.commit()
        except BaseException as error:
            group.error = error
            # SQLite leaves the transaction open when its commit fails; nobody may get this connection again.
            connection.invalidate()
            raise
        finally:
            group.done.set()
            connection.close()


def _is_open(connection: Connection) -> bool:
    """Whether SQLite still has the transaction: a full disk or an I/O error may undo all of it, for the whole group.

    Source: SQLite, "Response To Errors Within A Transaction".
    """
    driver = connection.connection.driver_connection
    return driver is not None and driver.in_transaction


@contextmanager
def _translated() -> Iterator[None]:
    try:
        yield
    except (OperationalError, InterfaceError, ProgrammingError, PoolTimeout) as error:
        # ProgrammingError: the tables are not those of this version.
        raise OutOfService("il database non risponde: ripetere la richiesta") from error


class Database:
    """An open database. `is_postgresql` chooses between two spellings of one statement, nothing more."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self.is_postgresql = engine.dialect.name == "postgresql"
        # What the driver itself raises when a connection is used below SQLAlchemy.
        self.driver_error: type[Exception] = engine.dialect.loaded_dbapi.Error  # type: ignore[attr-defined]
        # PostgreSQL: no BEGIN and ROLLBACK around a statement that stands alone; the same pool.
        self._single = engine.execution_options(isolation_level="AUTOCOMMIT") if self.is_postgresql else engine
        self._writer = None if self.is_postgresql else _GroupWriter(engine)

    @classmethod
    def open(cls, url: str, *, pool_size: int = 8) -> Database:
        """Open a pool for this process; nothing is connected before the first use."""
        if make_url(url).get_backend_name() == "sqlite":
            return cls(_sqlite_engine(url, pool_size))
        engine = create_engine(
            url,
            pool_size=pool_size,
            max_overflow=0,
            hide_parameters=True,
            connect_args={"prepare_threshold": 5},
        )
        return cls(engine)

    @contextmanager
    def transaction(self) -> Iterator[Session]:
        """Give a session; raise rolls back, return commits and the commit is durable when this returns.

        Raises: OutOfService (the database does not answer, or has no room: nothing was written).
        """
        with _translated(), self._writer.transaction() if self._writer else self.engine.begin() as session:
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
        with _translated(), self.engine.connect().execution_options(pontepa_write=True) as session:
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

    @contextmanager
    def statement(self) -> Iterator[Session]:
        """Give a session for exactly one writing statement: a transaction of its own, in one round trip.

        Raises: OutOfService.
        """
        with _translated(), self._writer.transaction() if self._writer else self._single.connect() as session:
            yield session

    @contextmanager
    def reading(self) -> Iterator[Session]:
        """Give a session that writes nothing; each of its statements sees what was committed before it.

        Raises: OutOfService.
        """
        with _translated(), self._single.connect() as session:
            yield session

    def listen_connection(self) -> Connection:
        """Give a connection outside the pool's turns, for waiting on notifications (PostgreSQL)."""
        return create_engine(self.engine.url, poolclass=NullPool, isolation_level="AUTOCOMMIT").connect()

    def ping(self) -> bool:
        """Whether the database answers."""
        try:
            with self.reading() as session:
                session.execute(text("SELECT 1"))
        except OutOfService:
            return False
        return True

    def close(self) -> None:
        self.engine.dispose()
