"""Write the file of a booked export: claim, read in pages, write as it reads, finish under the fence.

Who writes holds the booking by a lease that he renews; when he dies it runs out and another begins the file again. The
file is in the archive before the booking says so. Source: flows, 3.1 to 3.4; pa-per-ente, 2.8 and 2.9.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import chain
from threading import Event
from typing import Any

from sqlalchemy import Row

from hub.crash import Punto, crash_point
from hub.domain.documenti import TIPO_MARCA
from hub.domain.errors import OutOfService
from hub.domain.flussi import GenereExport
from hub.domain.stati import StatoExport
from hub.formats.istanti import ROMA, giorno_di
from hub.formats.tracciati.export_pagati import foglio_pagati
from hub.formats.tracciati.export_scaduti import foglio_scaduti
from hub.formats.tracciati.foglio_zip import write_csv
from hub.log import get_logger
from hub.ports import Archivio
from hub.store import chiusure_export, enti, estrazioni, prenotazioni_export, tipi
from hub.store.database import Database
from hub.store.estrazioni import Finestra
from hub.usecases import righe_export

Clock = Callable[[], datetime]

# A page takes a fraction of a second; a machine that stands still for longer than this has lost the booking.
LEASE = timedelta(minutes=2)
_RENEW_EVERY = timedelta(seconds=5)
# A part of the outside does not answer: this long until the next attempt.
_AGAIN_AFTER = timedelta(seconds=15)
# An export that brings down who writes it is not begun for ever.
ATTEMPTS_MAX = 10
# Above these a csv might pass the 2 GiB of a plain zip: receipts are 6 kB each, a row without is one.
_PLAIN_ROWS_MAX = 500_000
_PLAIN_RECEIPTS_MAX = 50_000

# Of the expired positions, told in place of the state. Source: flows, 3.4.
_NESSUNO = "PAA_ERROR_NESSUN_DOVUTO_TROVATO"
_CREAZIONE = "PAA_ERROR_CREAZIONE_CSV"
ELABORAZIONE = "PAA_ERROR_ELABORAZIONE"


class _Ceduta(Exception):
    """The booking is not ours any more, or we were asked to stop."""


class _DatabaseAssente(Exception):
    """The database did not give the rows: whatever else does not answer is the archive."""


@dataclass(frozen=True, slots=True)
class _Estratto:
    """What goes into a file: `path` under the archive, header and rows."""

    path: str
    header: Sequence[str]
    rows: Iterator[Sequence[str]]
    all_quoted: bool
    is_huge: bool = False


def run_once(db: Database, archivio: Archivio, clock: Clock, stop: Event | None = None) -> bool:
    """Write the file of one booking; True when there was one. `stop`: leave it to another as soon as possible."""
    with db.reading() as session:
        if not prenotazioni_export.has_due(session, clock()):
            return False
    with db.transaction() as session:
        row = prenotazioni_export.claim(session, clock(), LEASE)
    if row is None:
        return False
    crash_point(Punto.EXPORT_PRESO)
    _Esportatore(db, archivio, clock, stop or Event(), row).run()
    return True


class _Esportatore:
    """One booking in the hands of one process."""

    def __init__(self, db: Database, archivio: Archivio, clock: Clock, stop: Event, row: Row[Any]) -> None:
        self._db = db
        self._archivio = archivio
        self._clock = clock
        self._stop = stop
        self._row = row
        self._log = get_logger().bind(prenotazione=row.id, genere=row.genere, tentativo=row.fence)
        self._righe = 0
        self._started_at = self._renewed_at = clock()

    def run(self) -> None:
        """Bring the booking to its end, or give it back.

        What is neither our loss of it nor a part that does not answer goes up; the booking is taken again when its
        lease is over.
        """
        if self._row.fence > ATTEMPTS_MAX:
            self._fail(ELABORAZIONE)
            return
        try:
            estratto = self._scaduti() if self._row.genere == GenereExport.SCADUTI else self._pagati()
            self._write(estratto, next(estratto.rows, None))
        except _Ceduta:
            self._give_back(timedelta(0))
        except (OutOfService, _DatabaseAssente):
            self._try_again(ELABORAZIONE)

    def _write(self, estratto: _Estratto, first: Sequence[str] | None) -> None:
        if first is None:
            codice = _NESSUNO if self._row.genere == GenereExport.SCADUTI else None
            self._finish(StatoExport.EXPORT_ESEGUITO_NESSUN_DOVUTO_TROVATO, codice_errore=codice, righe=0)
            return
        nome_csv = estratto.path.rpartition("/")[2].removesuffix(".zip") + ".csv"
        try:
            with (
                self._archivio.write(estratto.path) as file,
                write_csv(file, nome_csv, all_quoted=estratto.all_quoted, is_huge=estratto.is_huge) as scritto,
            ):
                scritto.rows([estratto.header])
                scritto.rows(self._counted(chain([first], estratto.rows)))
        except OutOfService:
            self._try_again(_CREAZIONE)
            return
        crash_point(Punto.EXPORT_SCRITTO)
        if not self._finish(StatoExport.EXPORT_ESEGUITO, file=estratto.path, righe=self._righe):
            self._remove(estratto.path)

    def _counted(self, rows: Iterator[Sequence[str]]) -> Iterator[Sequence[str]]:
        """Give the rows, counted. Raises: _Ceduta, _DatabaseAssente."""
        try:
            for row in rows:
                yield row
                self._righe += 1
                if self._righe % righe_export.PAGINA == 0:
                    self._look()
            # Whoever holds the booking by now writes the same file: his must not be replaced.
            self._keep()
        except OutOfService as error:
            raise _DatabaseAssente from error

    def _look(self) -> None:
        """Between two pages: stop when asked, renew the lease, say how far it is. Raises: _Ceduta."""
        if self._stop.is_set():
            raise _Ceduta
        now = self._clock()
        if now - self._renewed_at < _RENEW_EVERY:
            return
        self._keep()
        seconds = (now - self._started_at).total_seconds()
        self._log.info("export_progress", righe=self._righe, righe_al_secondo=round(self._righe / seconds))

    def _keep(self) -> None:
        now = self._clock()
        with self._db.transaction() as session:
            if not prenotazioni_export.keep(session, self._row, now + LEASE, now, righe=self._righe):
                raise _Ceduta
        self._renewed_at = now

    def _pagati(self) -> _Estratto:
        row = self._row
        with self._db.reading() as session:
            ente = enti.by_id(session, row.ente_id)
        finestra = self._close_window(ente)
        crash_point(Punto.EXPORT_CHIUSO)
        sources = [righe_export.pagati(self._db, ente, finestra, row.tipi)]
        if row.ente_secondario and row.versione == "1.3":
            sources.append(righe_export.quote(self._db, ente, finestra))
        limit = _PLAIN_RECEIPTS_MAX if row.ricevuta else _PLAIN_ROWS_MAX
        with self._db.reading() as session:
            is_huge = estrazioni.has_more_pagati(session, ente.id, finestra, row.tipi, TIPO_MARCA, limit)
        foglio = foglio_pagati(row.versione, con_ricevuta=row.ricevuta)
        at = self._started_at.astimezone(ROMA)
        if row.versione == "1.0":
            nome = f"{row.id}_ESTRAZIONE_DOVUTI_{at:%Y-%m-%d_%H_%M_%S}"
        else:
            versione = row.versione.replace(".", "_")
            nome = f"{ente.cod_ipa_ente}-{row.id}_ESTRAZIONE_DOVUTI_{at:%Y%m%d%H%M%S}-{versione}"
        path = f"{ente.cod_ipa_ente}/EXPORT/{at:%Y_%m}/{nome}.zip"
        rows = (foglio.row(pagato) for pagato in chain(*sources))
        return _Estratto(path, foglio.intestazione, rows, all_quoted=True, is_huge=is_huge)

    def _close_window(self, ente: Row[Any]) -> Finestra:
        """Return the window; of an incremental one nothing that is still being written belongs to it any more."""
        row = self._row
        if not row.incrementale:
            return Finestra(row.giorno_da, row.giorno_a, is_incrementale=False)
        chiavi = [chiusure_export.chiave_ente(ente.id), chiusure_export.chiave_secondario(ente.codice_fiscale)]
        # A window that begins in the future is empty: there is nothing to close before it.
        if row.istante_a > row.istante_da:
            with self._db.transaction() as session:
                chiusure_export.close(session, chiavi, row.istante_a)
        return Finestra(row.istante_da, row.istante_a, is_incrementale=True)

    def _scaduti(self) -> _Estratto:
        row = self._row
        with self._db.reading() as session:
            ente = enti.by_id(session, row.ente_id)
            wanted = tipi.with_scadenza(session, row.ente_id, row.tipi or [])
        at = self._started_at.astimezone(ROMA)
        # Due today is not late yet.
        entro = min(row.data_scadenza, giorno_di(self._started_at) - timedelta(days=1))
        foglio = foglio_scaduti()
        path = f"{ente.cod_ipa_ente}/EXPORT_DOVUTI_SCADUTI/{at:%Y-%m}/EXP_SCADUTI_{row.request_token}.zip"
        rows = (foglio.row(scaduto) for scaduto in righe_export.scaduti(self._db, ente.id, wanted, entro))
        return _Estratto(path, foglio.intestazione, rows, all_quoted=False)

    def _finish(self, to: StatoExport, **values: Any) -> bool:
        now = self._clock()
        with self._db.transaction() as session:
            is_ours = prenotazioni_export.finish(session, self._row, to, now, **values)
        seconds = (now - self._started_at).total_seconds()
        self._log.info("export_done", stato=str(to), righe=self._righe, seconds=round(seconds, 1), is_ours=is_ours)
        return is_ours

    def _fail(self, codice: str) -> None:
        """End in error; the codes belong to the expired positions, the other kind has none."""
        is_coded = self._row.genere == GenereExport.SCADUTI
        self._finish(StatoExport.ERROR_EXPORT, codice_errore=codice if is_coded else None)

    def _try_again(self, codice: str) -> None:
        if self._row.fence >= ATTEMPTS_MAX:
            self._fail(codice)
        else:
            self._log.warning("export_put_off", codice=codice)
            self._give_back(_AGAIN_AFTER)

    def _give_back(self, after: timedelta) -> None:
        now = self._clock()
        with self._db.transaction() as session:
            prenotazioni_export.keep(session, self._row, now + after, now)

    def _remove(self, path: str) -> None:
        """Take away a file that nobody is told of; expired positions have one name, it may be another's by now."""
        with self._db.reading() as session:
            row = prenotazioni_export.find(session, GenereExport(self._row.genere), self._row.request_token)
        if row is None or row.genere == GenereExport.PAGATI or row.stato == StatoExport.ERROR_EXPORT:
            self._archivio.delete(path)
