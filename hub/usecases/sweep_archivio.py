"""Keep the archive of files from growing for ever: what no row names goes, and what its time to be kept is over.

First the row, then the file: a crash between the two leaves a file that no row names, which goes another time. What is
being written is young by the clock of its store, and its row is not at its end; the row is looked at again just before
a file goes. What does not look like a file of ours is left alone: a bucket may have other tenants.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime, timedelta
from itertools import chain
from threading import Event
from typing import Any

from sqlalchemy import Row

from hub.domain.archiviato import FileArchiviato
from hub.domain.errors import OutOfService
from hub.domain.pulizia import Conservazione, Motivo, Rimovibile, motivo_di, origine_di
from hub.domain.stati import StatoExport
from hub.log import get_logger
from hub.ports import Archivio
from hub.store import enti, prenotazioni_export, pulizie_archivio
from hub.store.database import Database, Session

Clock = Callable[[], datetime]

_EVERY = timedelta(hours=1)
# A page of removals takes seconds. Should a second process begin all the same, both remove the same: no harm.
_LEASE = timedelta(minutes=10)
_BATCH = 200


def run_once(
    db: Database,
    archivio: Archivio,
    clock: Clock,
    conservazione: Conservazione,
    stop: Event | None = None,
) -> bool:
    """Sweep the archive when an hour has passed since the last time; True when it was done.

    `stop`: leave it to another as soon as possible.
    """
    with db.reading() as session:
        if not pulizie_archivio.is_due(session, clock()):
            return False
    now = clock()
    with db.transaction() as session:
        fence = pulizie_archivio.take(session, now, now + _LEASE)
    if fence is None:
        return False
    _Pulizia(db, archivio, clock, stop or Event(), fence).run(conservazione)
    return True


def removable(db: Database, archivio: Archivio) -> Iterator[list[Rimovibile]]:
    """Tell, page by page, the files that no row wants and that are old enough to go. Raises: OutOfService."""
    with db.reading() as session:
        ids = _ids(session)
    for page in archivio.pages():
        with db.reading() as session:
            yield _unwanted(session, page, ids)


def expired(db: Database, archivio: Archivio, conservazione: Conservazione, now: datetime) -> Iterator[Rimovibile]:
    """Tell the files that have been kept long enough. Raises: OutOfService."""
    for motivo, find, age in _expiring(conservazione):
        after = 0
        while True:
            with db.reading() as session:
                rows = find(session, now - age, after, _BATCH)
            for row in rows:
                for path in pulizie_archivio.files_of(row):
                    if (size_bytes := archivio.size_bytes(path)) is not None:
                        yield Rimovibile(path, size_bytes, None, motivo)
            if len(rows) < _BATCH:
                break
            after = rows[-1].id


def _unwanted(session: Session, files: Sequence[FileArchiviato], ids: dict[str, int]) -> list[Rimovibile]:
    origini = {file.path: origine_di(file.path) for file in files}
    aged = [(file, motivo) for file in files if (motivo := motivo_di(file, origini[file.path])) is not None]
    asked = {file.path: origine for file, _ in aged if (origine := origini[file.path]) is not None}
    wanted = pulizie_archivio.wanted(session, asked, ids)
    free = ((file, motivo) for file, motivo in aged if file.path not in wanted)
    return [Rimovibile(file.path, file.size_bytes, file.eta, motivo) for file, motivo in free]


_Find = Callable[..., Sequence[Row[Any]]]


def _expiring(conservazione: Conservazione) -> Iterator[tuple[Motivo, _Find, timedelta]]:
    if conservazione.export is not None:
        yield Motivo.EXPORT_SCADUTO, pulizie_archivio.finished_exports, conservazione.export
    if conservazione.flussi is not None:
        yield Motivo.FLUSSO_SCADUTO, pulizie_archivio.finished_imports, conservazione.flussi


class _Ceduta(Exception):
    """The sweeping is another's by now, or we were asked to stop."""


class _Pulizia:
    """One sweep in the hands of one process."""

    def __init__(self, db: Database, archivio: Archivio, clock: Clock, stop: Event, fence: int) -> None:
        self._db, self._archivio, self._clock, self._stop, self._fence = db, archivio, clock, stop, fence
        self._removed: Counter[Motivo] = Counter()
        self._size_bytes = 0
        # Of these, what the database does not know yet.
        self._new: Counter[Motivo] = Counter()
        self._new_bytes = 0

    def run(self, conservazione: Conservazione) -> None:
        """Remove what may go; when the archive does not answer, or we are to stop, the rest is another time's."""
        started = self._clock()
        next_at, fine = started, "interrotta"
        try:
            for motivo, find, age in _expiring(conservazione):
                self._expire(motivo, find, started - age)
            self._sweep()
            next_at, fine = started + _EVERY, "finita"
        except _Ceduta:
            pass
        except OutOfService as error:
            next_at, fine = self._clock() + _LEASE, str(error)
        self._keep(next_at)
        get_logger().info(
            "archive_swept",
            fine=fine,
            size_bytes=self._size_bytes,
            **{str(motivo).lower(): self._removed[motivo] for motivo in Motivo},
        )

    def _sweep(self) -> None:
        with self._db.reading() as session:
            ids = _ids(session)
        for page in removable(self._db, self._archivio):
            for file in page:
                if self._is_unwanted(file, ids):
                    self._remove(file.path, file.size_bytes, file.motivo)
            self._hold()

    def _is_unwanted(self, file: Rimovibile, ids: dict[str, int]) -> bool:
        """Ask again, just before it goes: since its page was listed an upload may have committed."""
        origine = origine_di(file.path)
        if origine is None:
            return True  # what nobody finished has no row
        with self._db.reading() as session:
            return not pulizie_archivio.wanted(session, {file.path: origine}, ids)

    def _expire(self, motivo: Motivo, find: _Find, before: datetime) -> None:
        after = 0
        while True:
            with self._db.transaction() as session:
                rows = find(session, before, after, _BATCH, lock=True)
                for row in rows:
                    _forget(session, motivo, row, self._clock())
            for path in chain.from_iterable(map(pulizie_archivio.files_of, rows)):
                self._remove(path, self._archivio.size_bytes(path), motivo)
            self._hold()
            if len(rows) < _BATCH:
                return
            after = rows[-1].id

    def _remove(self, path: str, size_bytes: int | None, motivo: Motivo) -> None:
        if self._stop.is_set():
            raise _Ceduta
        if size_bytes is None:
            return
        self._archivio.delete(path)
        self._removed[motivo] += 1
        self._new[motivo] += 1
        self._size_bytes += size_bytes
        self._new_bytes += size_bytes

    def _hold(self) -> None:
        """Go on holding the sweep. Raises: _Ceduta."""
        if not self._keep(self._clock() + _LEASE):
            raise _Ceduta

    def _keep(self, until: datetime) -> bool:
        with self._db.transaction() as session:
            is_ours = pulizie_archivio.keep(session, self._fence, until, self._new, self._new_bytes)
        self._new.clear()
        self._new_bytes = 0
        return is_ours


def _forget(session: Session, motivo: Motivo, row: Row[Any], now: datetime) -> None:
    if motivo == Motivo.EXPORT_SCADUTO:
        prenotazioni_export.move(session, row, to=StatoExport.EXPORT_CANCELLATO, at=now, file=None)
    else:
        pulizie_archivio.forget_files(session, row, now)


def _ids(session: Session) -> dict[str, int]:
    return {ente.cod_ipa_ente: ente.id for ente in enti.all_rows(session)}
