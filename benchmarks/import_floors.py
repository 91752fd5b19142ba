"""What the import of a flow is compared with: the same rows copied into a bare table, and stored one by one by an ORM.

The bytes are those that the hub has just stored, read back before any clock starts; the bare table has their columns,
no index and no key.
"""

from __future__ import annotations

import io
import itertools
import tempfile
import time
from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import psycopg
from sqlalchemy import Column, create_engine, func, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import make_url
from sqlalchemy.orm import Session, registry

from hub.domain.iuv import build_iuv
from hub.store.database import Database
from hub.store.schema import dovuti, enti
from tests.tracciati import make_codice_fiscale

_BLOCK_BYTES = 1024 * 1024
_BATCH_ROWS = 10_000
_ESCAPES = str.maketrans({"\\": "\\\\", "\t": "\\t", "\n": "\\n", "\r": "\\r"})


def columns_of(url: str) -> list[Column[Any]]:
    """Return the columns of a dovuto that the import has filled."""
    database = Database.open(url)
    with database.reading() as session:
        counts = session.execute(select(*(func.count(column) for column in dovuti.c)).where(_IMPORTED)).one()
    database.close()
    return [column for column, count in zip(dovuti.c, counts, strict=True) if count]


def write_copy(url: str, columns: Sequence[Column[Any]], path: Path) -> int:
    """Write the imported dovuti as COPY reads them, in file order; return their number."""
    if url.startswith("sqlite"):
        with path.open("w", encoding="utf-8", newline="") as file:
            return sum(bool(file.write("\t".join(map(_as_copy, row)) + "\n")) for row in _raw_rows(url, columns))
    names = ", ".join(column.name for column in columns)
    query = f"COPY (SELECT {names} FROM dovuti WHERE {_IMPORTED} ORDER BY id) TO STDOUT"
    with psycopg.connect(_dsn(url)) as connection, path.open("wb") as file:
        with connection.cursor().copy(query) as copy:
            return sum(_newlines(file, bytes(block)) for block in copy)


def copy_seconds(url: str, columns: Sequence[Column[Any]], path: Path) -> float:
    """Copy the bytes into a bare table of a PostgreSQL, commit included; return how long it took."""
    names = ", ".join(column.name for column in columns)
    with psycopg.connect(_dsn(url)) as connection:
        _make_bare(connection, columns, postgresql.dialect())
        connection.commit()
        with path.open("rb") as file:
            started = time.perf_counter()
            with connection.cursor().copy(f"COPY bare ({names}) FROM STDIN") as copy:
                while block := file.read(_BLOCK_BYTES):
                    copy.write(block)
            connection.commit()
            return time.perf_counter() - started


def bulk_seconds(url: str, columns: Sequence[Column[Any]]) -> float:
    """Insert the imported rows of a SQLite into a bare table of another file by `executemany`, one transaction.

    Only what the driver does is counted: each batch is in memory before the clock goes on.
    """
    with tempfile.TemporaryDirectory(dir=Path(make_url(url).database or "").parent) as folder:
        database = Database.open(f"sqlite:///{folder}/bare.db")
        with database.engine.connect() as connection:
            driver: Any = connection.connection.driver_connection
            _make_bare(driver, columns, sqlite.dialect())
            insert = f"INSERT INTO bare VALUES ({', '.join('?' * len(columns))})"
            seconds = 0.0
            driver.execute("BEGIN IMMEDIATE")
            rows = _raw_rows(url, columns)
            while batch := list(itertools.islice(rows, _BATCH_ROWS)):
                started = time.perf_counter()
                driver.executemany(insert, batch)
                seconds += time.perf_counter() - started
            started = time.perf_counter()
            driver.execute("COMMIT")
            seconds += time.perf_counter() - started
        database.close()
    return seconds


class _Dovuto:
    """A dovuto as an ORM keeps it."""

    def __init__(self, **values: Any) -> None:
        for name, value in values.items():
            setattr(self, name, value)


def orm_rows_per_second(url: str, rows: int) -> float:
    """Store new dovuti in the real table, each with a look-up by IUD, an insert and a commit of its own."""
    mapping = registry()
    mapping.map_imperatively(_Dovuto, dovuti)
    database = Database.open(url)
    try:
        # The very connection settings of the hub; for SQLite its explicit BEGIN is the writer's.
        engine = database.engine.execution_options(pontepa_write=True)
        with Session(engine, expire_on_commit=False) as session:
            ente_id = session.scalars(select(enti.c.id).where(enti.c.cod_ipa_ente == "C_PROVA")).one()
            session.commit()
            given = [_values(ente_id, number) for number in range(1, rows + 1)]
            started = time.perf_counter()
            for values in given:
                wanted = select(_Dovuto).where(dovuti.c.ente_id == ente_id, dovuti.c.iud == values["iud"])
                if session.scalars(wanted).first() is None:
                    session.add(_Dovuto(**values))
                session.commit()
                session.expunge_all()
            return rows / (time.perf_counter() - started)
    finally:
        mapping.dispose()
        database.close()


def _values(ente_id: int, number: int) -> dict[str, Any]:
    now = datetime.now(UTC)
    payer = {"tipo": "F", "codice": make_codice_fiscale(number), "anagrafica": "Mario Rossi", "indirizzo": "Via Roma",
             "civico": "1", "cap": "20100", "localita": "Milano", "provincia": "MI", "nazione": "IT",
             "email": "mario@example.org"}  # fmt: skip
    return {
        "id": f"{'f' * 16}{number:016x}", "ente_id": ente_id, "dominio": "12345678903", "posizione": 1,
        "iud": f"ORM-{number:09d}", "iuv": build_iuv(1, number, sistema=20), "tipo": "TARI", "importo_cent": 10_000,
        "causale": "TARI 2026 saldo", "dati_specifici": "9/0101101IM/", "scadenza": date(2030, 6, 30),
        "tipo_versamento": "ALL", "pagatore_tipo": "F", "pagatore_codice": payer["codice"], "pagatore": payer,
        "origine": "ORM", "stato": "INSERIMENTO_DOVUTO", "attuale": True, "created_at": now, "updated_at": now,
    }  # fmt: skip


_IMPORTED = dovuti.c.flusso_id.is_not(None)


def _raw_rows(url: str, columns: Sequence[Column[Any]]) -> Iterator[tuple[Any, ...]]:
    """Give the imported rows of a SQLite as its driver gives them."""
    engine = create_engine(url)
    names = ", ".join(column.name for column in columns)
    with engine.connect() as connection:
        driver: Any = connection.connection.driver_connection
        yield from driver.execute(f"SELECT {names} FROM dovuti WHERE {_IMPORTED} ORDER BY id")
    engine.dispose()


def _as_copy(value: Any) -> str:
    return "\\N" if value is None else str(value).translate(_ESCAPES)


def _newlines(file: io.BufferedWriter, block: bytes) -> int:
    file.write(block)
    return block.count(b"\n")


def _make_bare(connection: Any, columns: Sequence[Column[Any]], dialect: Any) -> None:
    declared = ", ".join(f"{column.name} {column.type.compile(dialect)}" for column in columns)
    connection.execute("DROP TABLE IF EXISTS bare")
    connection.execute(f"CREATE TABLE bare ({declared})")


def _dsn(url: str) -> str:
    return make_url(url).set(drivername="postgresql").render_as_string(hide_password=False)
