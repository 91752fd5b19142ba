"""How far the database was, as the data folder remembers it: one that was restored from an older copy is noticed.

A mark is written after the commit that it speaks of and is never ahead of it, so a database that is behind a mark has
forgotten something: numbers that are on notices, messages that have left. Marks are this machine's, in one small file.
"""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path
from typing import Any

from hub.domain.errors import DatabaseRipristinato, Misconfigured, OutOfService
from hub.store import installazione
from hub.store.database import Database

# Whose numbers: tax code and segregation code. Which: from included, to excluded.
Chiave = tuple[str, str]
Numeri = tuple[int, int]

_FILE = "segni.json"
_LOCK = ".segni.lock"


@dataclass
class Marche:
    """The marks. `numeri`: the last run of numbers that this machine took, by whose they are; `battito`: the heartbeat.

    A machine gives back only numbers of its own last run: those of another machine are under that one's mark.
    """

    battito: int = 0
    numeri: dict[Chiave, Numeri] = field(default_factory=dict)

    def note(self, key: Chiave, numeri: Numeri) -> None:
        first, end = self.numeri.get(key, (0, 0))
        self.numeri[key] = (first if end == numeri[0] else numeri[0], numeri[1])


class Segni:
    """The marks of a machine; its processes and threads take turns. `folder` None: nothing is remembered."""

    def __init__(self, folder: Path | None) -> None:
        self._folder = folder

    @contextmanager
    def taking(self, key: Chiave) -> Iterator[Callable[[Numeri], None]]:
        """Give what judges numbers that the database gives in the block, before they are committed there.

        They are remembered, and may be used, when the block has ended well. Raises: OutOfService; and the judge:
        DatabaseRipristinato (they were taken before: none may be used).
        """
        with self._held() as marche:

            def judge(taken: Numeri) -> None:
                if taken[0] < marche.numeri.get(key, (0, 0))[1]:
                    raise DatabaseRipristinato()
                marche.note(key, taken)

            yield judge

    @contextmanager
    def returning(self, key: Chiave, numeri: Numeri) -> Iterator[Numeri]:
        """Give which of these numbers may be given back in the block. The mark goes down before the counter does."""
        if self._folder is None or numeri[0] >= numeri[1]:
            yield numeri
            return
        with self._held() as marche:
            first, end = marche.numeri.get(key, (0, 0))
            start = max(first, numeri[0]) if end == numeri[1] else numeri[1]
            if start < end:
                marche.numeri[key] = (first, start)
                self._write(marche)
            yield start, numeri[1]

    def beat(self, db: Database, now: datetime) -> None:
        """Let the heart beat in the database and remember it. Raises: DatabaseRipristinato, OutOfService."""
        with self._held() as marche:
            with db.transaction() as session:
                counted = installazione.add_battiti(session, 1, now)
                if counted <= marche.battito:
                    raise DatabaseRipristinato()
            marche.battito = counted

    def check(self, db: Database) -> None:
        """Raises: DatabaseRipristinato (the database has forgotten something), OutOfService, Misconfigured."""
        marche = self.read()
        # Read before the database, which may only go on meanwhile.
        with db.reading() as session:
            counted = installazione.battito(session)
            counters = installazione.contatori(session)
        if counted < marche.battito or any(
            counters.get(key, installazione.PRIMO) < end for key, (_, end) in marche.numeri.items()
        ):
            raise DatabaseRipristinato()

    def restart(self, battito: int, contatori: Mapping[Chiave, int]) -> None:
        """Remember a database that was moved past everything, and nothing else. Raises: OutOfService."""
        if self._folder is not None:
            with self._alone():
                self._write(Marche(battito, {key: (prossimo, prossimo) for key, prossimo in contatori.items()}))

    def read(self) -> Marche:
        """Return what is remembered. Raises: Misconfigured (nobody can read it), OutOfService."""
        if self._folder is None:
            return Marche()
        path = self._folder / _FILE
        try:
            told: dict[str, Any] = json.loads(path.read_bytes())
            numeri = {
                (codice_fiscale, segregazione): (int(first), int(end))
                for codice_fiscale, segregazione, first, end in told["numeri"]
            }
            return Marche(int(told["battito"]), numeri)
        except FileNotFoundError:
            return Marche()
        except OSError as error:
            raise _absent() from error
        except (ValueError, KeyError, TypeError) as error:
            raise Misconfigured(
                f"{path} non si legge: se il database è stato ripristinato da una copia eseguire "
                "`pontepa db restored`, altrimenti togliere il file"
            ) from error

    @contextmanager
    def _held(self) -> Iterator[Marche]:
        """Give the marks to nobody else; what was changed is durable when the block ends well."""
        if self._folder is None:
            yield Marche()
            return
        with self._alone():
            marche = self.read()
            before = replace(marche, numeri=dict(marche.numeri))
            yield marche
            if marche != before:
                self._write(marche)

    @contextmanager
    def _alone(self) -> Iterator[None]:
        assert self._folder is not None
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            lock = os.open(self._folder / _LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o640)
        except OSError as error:
            raise _absent() from error
        try:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield
        finally:
            os.close(lock)

    def _write(self, marche: Marche) -> None:
        assert self._folder is not None
        numeri = [[*key, *run] for key, run in sorted(marche.numeri.items())]
        unfinished = self._folder / f".{_FILE}"
        try:
            with unfinished.open("w", encoding="ascii") as file:
                json.dump({"battito": marche.battito, "numeri": numeri}, file)
                file.flush()
                os.fsync(file.fileno())
            os.replace(unfinished, self._folder / _FILE)
            folder = os.open(self._folder, os.O_RDONLY)
            try:
                os.fsync(folder)
            finally:
                os.close(folder)
        except OSError as error:
            raise _absent() from error


def _absent() -> OutOfService:
    return OutOfService("la cartella dei dati non risponde o è piena: ripetere la richiesta")
