"""Write the files of results of the flows that are loaded: rejects and IUVs, then the notices; then they are done.

Both kinds are made from the received file and from what is stored, so a worker that takes over writes the same bytes.
Source: flows, 1.5.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from datetime import datetime, timedelta
from itertools import islice
from pathlib import Path
from threading import Event
from time import monotonic
from typing import Any

from sqlalchemy import Row

from hub.crash import Punto, crash_point
from hub.domain.errors import Conflict
from hub.domain.flussi import read_nome
from hub.domain.stati import StatoImport
from hub.formats.istanti import giorno_di
from hub.formats.tracciati.import_dovuti import VERSIONI
from hub.formats.tracciati.righe import Riga, read_righe
from hub.formats.tracciati.risultati import RigaConIuv, Righe, intestazione_scarti, line_scarto, writing
from hub.formats.zip_flusso import open_csv
from hub.log import get_logger
from hub.ports import Archivio
from hub.store import enti, lavori_flussi
from hub.store.anagrafe import Anagrafe
from hub.store.database import Database
from hub.usecases.stampa_avvisi import write_avvisi

LEASE = timedelta(seconds=60)
_BEAT_S = 1.0
# A MiB of rows and of what became of them.
_BATCH_ROWS = 500
# A flow whose files are made in less than a minute does not queue behind one that takes hours.
PICCOLO_ROWS = 2000


def write_once(
    db: Database,
    archivio: Archivio,
    clock: Callable[[], datetime],
    *,
    rows_max: int | None = None,
    lease: timedelta = LEASE,
    stop: Event | None = None,
) -> bool:
    """Write rejects and IUVs of one flow; False when none waits. Raises: OutOfService.

    `rows_max`: only flows that have no more rows. `lease`: a worker that is silent for so long is dead. `stop`: when it
    is set the flow is given back as it is.
    """
    flusso = _claim(db, clock, lease, is_written=False, rows_max=rows_max)
    if flusso is None:
        return False
    tick = _Beat(db, flusso, clock, lease, stop)
    try:
        scarti, iuv = _write(db, archivio, flusso, tick)
        crash_point(Punto.RISULTATI_SCRITTI)
        with db.transaction() as session:
            lavori_flussi.advance(
                session, flusso, at=clock(), file_scarti=scarti, file_iuv=iuv, risultati_at=clock(), lease_until=None
            )
        crash_point(Punto.RISULTATI_TENUTI)
    except Conflict as error:
        get_logger().warning("flow_left", flusso=flusso.id, reason=str(error))
    return True


def print_once(
    db: Database,
    anagrafe: Anagrafe,
    archivio: Archivio,
    modelli: Path,
    clock: Callable[[], datetime],
    *,
    rows_max: int | None = None,
    lease: timedelta = LEASE,
    stop: Event | None = None,
) -> bool:
    """Print the notices of one flow and call it done; False when none waits. The rest as `write_once`."""
    flusso = _claim(db, clock, lease, is_written=True, rows_max=rows_max)
    if flusso is None:
        return False
    try:
        folder = folder_of(db, flusso)
        tick = _Beat(db, flusso, clock, lease, stop)
        avvisi = write_avvisi(db, anagrafe, archivio, flusso, folder, tick, clock(), modelli)
        crash_point(Punto.AVVISI_SCRITTI)
        now = clock()
        with db.transaction() as session:
            lavori_flussi.advance(
                session,
                flusso,
                at=now,
                stato=str(StatoImport.IMPORT_ESEGUITO),
                file_avvisi=avvisi,
                lease_until=None,
                finished_at=now,
            )
    except Conflict as error:
        get_logger().warning("flow_left", flusso=flusso.id, reason=str(error))
        return True
    get_logger().info("flow_done", flusso=flusso.id, righe=flusso.righe_totali, caricate=flusso.righe_caricate)
    return True


def folder_of(db: Database, flusso: Row[Any]) -> str:
    """Return the folder of a flow's results. Shape: `<codIpaEnte>/IMPORT_ELABORATI/<yyyy_MM>/<name>`."""
    with db.reading() as session:
        cod_ipa_ente = enti.by_id(session, flusso.ente_id).cod_ipa_ente
    month = giorno_di(flusso.received_at or flusso.created_at).strftime("%Y_%m")
    return f"{cod_ipa_ente}/IMPORT_ELABORATI/{month}/{read_nome(flusso.nome_file).base}"


class _Beat:
    """Says that the worker is alive, once a second at most.

    Raises: Conflict (somebody else has the flow, or it was given back because the process stops).
    """

    def __init__(
        self, db: Database, flusso: Row[Any], clock: Callable[[], datetime], lease: timedelta, stop: Event | None
    ) -> None:
        self._stop = stop
        self._db, self._flusso, self._clock, self._lease = db, flusso, clock, lease
        self._said = monotonic()

    def __call__(self) -> None:
        if self._stop is not None and self._stop.is_set():
            with self._db.transaction() as session:
                lavori_flussi.release(session, self._flusso, self._clock())
            raise Conflict("il processo si ferma")
        if monotonic() - self._said < _BEAT_S:
            return
        self._said, now = monotonic(), self._clock()
        with self._db.transaction() as session:
            lavori_flussi.advance(session, self._flusso, at=now, lease_until=now + self._lease)


def _claim(db: Database, clock: Callable[[], datetime], lease: timedelta, **values: Any) -> Row[Any] | None:
    now = clock()
    with db.reading() as session:
        if not lavori_flussi.has_loaded(session, now, **values):
            return None
    with db.transaction() as session:
        return lavori_flussi.claim_loaded(session, now, now + lease, **values)


def _write(
    db: Database, archivio: Archivio, flusso: Row[Any], tick: Callable[[], None]
) -> tuple[str | None, str | None]:
    """Return the paths of rejects and IUVs; None: there are no such rows."""
    nome = read_nome(flusso.nome_file)
    folder = folder_of(db, flusso)
    scarti_path = f"{folder}/{nome.base}_SCARTI.zip" if flusso.righe_totali > flusso.righe_caricate else None
    iuv_path = f"{folder}/{nome.base}_IUV.zip" if flusso.righe_caricate else None
    with ExitStack() as stack:
        archive = stack.enter_context(archivio.open(flusso.file))
        righe = read_righe(stack.enter_context(open_csv(archive, nome)))
        scarti = stack.enter_context(_opened(archivio, scarti_path)) if scarti_path else None
        accettate = stack.enter_context(_opened(archivio, iuv_path)) if iuv_path else None
        _fill(db, flusso, righe, scarti, accettate, tick)
    return scarti_path, iuv_path


@contextmanager
def _opened(archivio: Archivio, path: str) -> Iterator[Righe]:
    with archivio.write(path) as out, writing(out, path.rpartition("/")[2].removesuffix(".zip")) as righe:
        yield righe


def _fill(
    db: Database,
    flusso: Row[Any],
    righe: Iterator[Riga],
    scarti: Righe | None,
    accettate: Righe | None,
    tick: Callable[[], None],
) -> None:
    header = next(righe)
    if scarti is not None:
        scarti.add(intestazione_scarti(header))
    if accettate is not None:
        accettate.add(header.testo)
    line_iuv = RigaConIuv(VERSIONI[flusso.versione])
    while batch := list(islice(righe, _BATCH_ROWS)):
        tick()
        with db.reading() as session:
            esiti = lavori_flussi.esiti(session, flusso.id, batch[0].numero, batch[-1].numero)
        for riga in batch:
            esito = esiti[riga.numero]
            if esito.codici is not None:
                assert scarti is not None
                scarti.add(line_scarto(riga, esito.codici, esito.descrizioni))
            else:
                assert accettate is not None
                accettate.add(line_iuv(riga, esito.iuv))
