"""The rows of a flow, written in sets below SQLAlchemy: COPY on PostgreSQL, one prepared statement on SQLite.

Values come column by column. What is the same in all of them is written once. COPY stays open from set to set, so
that the server works on one while the next is being made.
"""

from __future__ import annotations

import queue
import threading
from collections.abc import Mapping, Sequence
from contextlib import ExitStack, suppress
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import update

from hub.domain.errors import Conflict
from hub.domain.stati import StatoDovuto
from hub.store.database import Session
from hub.store.schema import dovuti

# What changes from row to row, in the order in which the columns are given; texts, integers and None.
VARIABILI = (
    "id", "riga", "iud", "iuv", "tipo", "importo_cent", "commissione_cent", "causale", "dati_specifici",
    "bilancio_xml", "scadenza", "tipo_versamento", "pagatore_tipo", "pagatore_codice", "pagatore", "secondario",
)  # fmt: skip
_NOTED = "riga, codici, descrizioni, iud, iuv, flusso_id"
_NULL = r"\N"
# Sets of rows that wait to be sent: a quarter of a MiB each.
_SENT_AHEAD = 4
_ESCAPES = str.maketrans({"\\": r"\\", "\t": r"\t", "\n": r"\n", "\r": r"\r"})
_UNIQUE_VIOLATION = "23505"


class RigaOccupata(Conflict):
    """An IUD or an IUV of the set is taken, or what is to be changed has changed: look at the rows one by one."""


class Carico:
    """What one transaction writes of a flow. `comuni`: the columns that all its rows share."""

    def __init__(self, session: Session, comuni: Mapping[str, Any], driver_error: type[Exception]) -> None:
        self._session = session
        self._driver: Any = session.connection.driver_connection
        self._driver_error = driver_error
        self._is_postgresql = session.dialect.name == "postgresql"
        self._comuni = {name: _plain(value, self._is_postgresql) for name, value in comuni.items()}
        # While rows are being copied: what ends it, what takes them.
        self._copying: tuple[ExitStack, Any] | None = None

    def __enter__(self) -> Carico:
        return self

    def __exit__(self, *exc: Any) -> None:
        if self._copying is None or exc[0] is None:
            self.close()
            return
        stack, self._copying = self._copying[0], None
        # The server answers that the copy was broken off, which is what is meant.
        with suppress(self._driver_error):
            stack.__exit__(*exc)

    def add(self, colonne: Sequence[Sequence[Any]]) -> None:
        """Write rows: the columns of `VARIABILI`. Raises: RigaOccupata (now or later, and the transaction is lost)."""
        try:
            if self._is_postgresql:
                self._copy(colonne)
            else:
                names = ", ".join((*VARIABILI, *self._comuni))
                places = ", ".join("?" * len(VARIABILI) + "".join("?" * len(self._comuni)))
                fixed = tuple(self._comuni.values())
                rows = [(*row, *fixed) for row in zip(*colonne, strict=True)]
                self._driver.executemany(f"INSERT INTO dovuti ({names}) VALUES ({places})", rows)
        except self._driver_error as error:
            raise self._meaning(error) from error

    def note(self, righe: Sequence[tuple[int, str | None, str | None, str | None, str | None]]) -> None:
        """Keep rows that left no dovuto: number, codes and texts of the refusal, IUD and IUV of what was cancelled."""
        if not righe:
            return
        self.close()
        flusso_id = self._comuni["flusso_id"]
        if self._is_postgresql:
            columns = list(zip(*righe, strict=True))
            with self._driver.cursor() as cursor, cursor.copy(f"COPY flussi_righe ({_NOTED}) FROM STDIN") as copy:
                copy.write(copy_text(columns, [flusso_id]))
        else:
            rows = [(*riga, flusso_id) for riga in righe]
            self._driver.executemany(f"INSERT INTO flussi_righe ({_NOTED}) VALUES (?, ?, ?, ?, ?, ?)", rows)

    def cancel(self, ids: Sequence[str], at: datetime) -> None:
        """Cancel versions that wait to be paid. Raises: RigaOccupata (one of them does not any more)."""
        self.close()
        is_free = (dovuti.c.stato == StatoDovuto.INSERIMENTO_DOVUTO) & dovuti.c.attuale
        changed = self._session.execute(
            update(dovuti)
            .where(dovuti.c.id.in_(ids), is_free)
            .values(stato=str(StatoDovuto.ANNULLATO), attuale=False, updated_at=at)
        )
        if changed.rowcount != len(ids):
            raise RigaOccupata("un dovuto è cambiato mentre il flusso si caricava")

    def close(self) -> None:
        """End what is being copied; the session may be asked again. Raises: RigaOccupata."""
        if self._copying is None:
            return
        stack, self._copying = self._copying[0], None
        try:
            stack.close()
        except self._driver_error as error:
            raise self._meaning(error) from error

    def _copy(self, colonne: Sequence[Sequence[Any]]) -> None:
        if self._copying is None:
            stack = ExitStack()
            cursor = stack.enter_context(self._driver.cursor())
            statement = f"COPY dovuti ({', '.join((*VARIABILI, *self._comuni))}) FROM STDIN"
            copy = stack.enter_context(cursor.copy(statement))
            self._copying = stack, stack.enter_context(_Mittente(copy, self._driver_error))
        self._copying[1].write(copy_text(colonne, list(self._comuni.values())))

    def _meaning(self, error: Exception) -> Exception:
        """The refusal behind what the driver says; what is none of ours as it is."""
        state = getattr(error, "sqlstate", None)
        if state == _UNIQUE_VIOLATION or (not self._is_postgresql and "UNIQUE constraint" in str(error)):
            return RigaOccupata("uno IUD o uno IUV del flusso è già preso")
        return error


class _Mittente:
    """Sends what is copied while the next is being made: the driver waits for the server at every write."""

    def __init__(self, copy: Any, driver_error: type[Exception]) -> None:
        self._copy, self._driver_error = copy, driver_error
        self._waiting: queue.Queue[str | None] = queue.Queue(_SENT_AHEAD)
        self._error: Exception | None = None
        self._thread = threading.Thread(target=self._send, name="copy", daemon=True)

    def __enter__(self) -> _Mittente:
        self._thread.start()
        return self

    def __exit__(self, *exc: Any) -> None:
        self._waiting.put(None)
        self._thread.join()
        if self._error is not None and exc[0] is None:
            raise self._error

    def write(self, text: str) -> None:
        """Send a text, some time. Raises: what an earlier one met."""
        if self._error is not None:
            raise self._error
        self._waiting.put(text)

    def _send(self) -> None:
        while (text := self._waiting.get()) is not None:
            if self._error is None:
                try:
                    self._copy.write(text)
                except self._driver_error as error:
                    self._error = error


def copy_text(colonne: Sequence[Sequence[Any]], comuni: Sequence[Any]) -> str:
    r"""Return rows as COPY reads them.

    Source: PostgreSQL, COPY, "Text Format".

    >>> copy_text([["a", "b\\c"], [1, None]], ["x"])
    'a\t1\tx\nb\\\\c\t\\N\tx\n'
    """
    filled = [_filled(column) for column in colonne]
    suffix = "".join("\t" + (_NULL if value is None else str(value)) for value in comuni).replace("%", "%%")
    line = "\t".join(["%s"] * len(colonne)) + suffix + "\n"
    return "".join(map(line.__mod__, zip(*filled, strict=True)))


def _filled(column: Sequence[Any]) -> Sequence[Any]:
    """Return a column of texts, or of anything else, with None and what has a meaning for COPY written out."""
    present = column
    try:
        # The usual column. What joins has no None, and what is not in the whole is in none of them.
        whole = "".join(column)
    except TypeError:
        present = [value for value in column if value is not None]
        whole = "".join(present) if present and isinstance(present[0], str) else ""
    if "\\" in whole or "\t" in whole or "\n" in whole or "\r" in whole:
        return [_NULL if value is None else value.translate(_ESCAPES) for value in column]
    return column if len(present) == len(column) else [_NULL if value is None else value for value in column]


def _plain(value: Any, is_postgresql: bool) -> Any:
    """As the database reads it from a text: instants in UTC, which SQLite keeps without saying so."""
    if isinstance(value, datetime):
        text = value.astimezone(UTC).replace(tzinfo=None).isoformat(sep=" ", timespec="microseconds")
        return text + "+00:00" if is_postgresql else text
    return value
