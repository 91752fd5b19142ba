"""The notices of a loaded flow: one PDF for each accepted row that asked for an IUV, in one ZIP, in file order.

They are finished by parts, which wait in the archive: whoever takes over from a dead worker prints only what is
missing. Source: flows, 1.5 (`_AVVISI_PDF`) and 5.1.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime
from itertools import chain, islice
from pathlib import Path
from typing import Any

from sqlalchemy import Row

from hub.crash import Punto, crash_point
from hub.domain.avviso import Avviso
from hub.domain.dovuto_importato import DovutoImportato
from hub.domain.flussi import read_nome
from hub.formats.tracciati.import_dovuti import VERSIONI
from hub.formats.tracciati.righe import read_righe
from hub.formats.zip_avvisi import ScrittoreZip, pack_entry, read_entries
from hub.formats.zip_flusso import open_csv
from hub.ports import Archivio
from hub.store import avvisi as dovuti_del_flusso
from hub.store import loghi
from hub.store.anagrafe import Anagrafe
from hub.store.database import Database
from hub.usecases.avviso_dovuto import build_avviso

# Layouts in which a row can ask for an IUV.
_VERSIONI = frozenset({"1_3", "1_4"})
# Rows of a part: at most half a minute of work for one processor is done twice after a crash.
_PARTE_RIGHE = 1000
# Notices between two beats, for each thread: a sixth of a second, on a slow machine one.
_BATTITO_AVVISI = 8
# Entries copied between two beats: some tens of MiB.
_BATTITO_COPIE = 1000
_THREADS_MAX = 4


def write_avvisi(
    db: Database,
    anagrafe: Anagrafe,
    archivio: Archivio,
    flusso: Row[Any],
    cartella: str,
    tick: Callable[[], None],
    now: datetime,
    modelli: Path | None = None,
) -> str | None:
    """Write the notices of a loaded flow (a row of flussi_import) and return the path; None when no row has one.

    The file is `<name of the flow>_AVVISI_PDF.zip`, in the folder `cartella` of the archive. A second time it has the
    same bytes, as long as nobody has paid or changed anything. `tick` is called at least every second; what it raises
    ends the work, and the parts that are finished stay. `modelli`: where enti have page templates of their own.
    Raises: OutOfService, NotFound (the received file).
    """
    if flusso.versione not in _VERSIONI:
        return None
    configurato = anagrafe.find_by_id(flusso.ente_id, now)
    assert configurato is not None
    printed = frozenset(codice for codice, tipo in configurato.tipi.items() if tipo.stampa_avviso)
    if not printed:
        return None
    with db.reading() as session:
        logo = loghi.find(session, flusso.ente_id)

    def entry(avviso: Avviso) -> bytes:
        # Ten MiB of typesetter, for the flows that have something to print.
        from hub.formats.avviso import render_avviso

        return pack_entry(f"avviso_{avviso.iuv}.pdf", render_avviso(avviso, modelli))

    stampa = _Stampa(db, archivio, flusso, lambda row: build_avviso(configurato, row, logo), entry, tick)
    parti = stampa.write_parti(cartella)
    path = f"{cartella}/{read_nome(flusso.nome_file).base}_AVVISI_PDF.zip" if parti else None
    if path is not None:
        stampa.join(path, parti)
        crash_point(Punto.AVVISI_UNITI)
    for parte in parti:
        archivio.delete(parte)
    return path


@dataclass(slots=True)
class _Parte:
    """A stretch of the file: its first and last row, and those which asked for an IUV and cancel nothing."""

    first: int
    last: int
    asked: set[int]


class _Stampa:
    """The printing of one flow."""

    def __init__(
        self,
        db: Database,
        archivio: Archivio,
        flusso: Row[Any],
        build: Callable[[Row[Any]], Avviso | None],
        entry: Callable[[Avviso], bytes],
        tick: Callable[[], None],
    ) -> None:
        self._db, self._archivio, self._flusso = db, archivio, flusso
        self._build, self._entry, self._tick = build, entry, tick

    def write_parti(self, cartella: str) -> list[str]:
        """Print what is not printed yet and return the paths of all the parts, in order."""
        parti = []
        with ThreadPoolExecutor(_threads(), thread_name_prefix="stampa_avvisi") as pool:
            for number, parte in enumerate(self._parti_del_file(), 1):
                self._tick()
                path = f"{cartella}/avvisi-{self._flusso.id}-{number:05d}.parte"
                if self._archivio.size_bytes(path) is None:
                    avvisi = self._avvisi(parte)
                    if not avvisi:
                        continue
                    self._print(path, avvisi, pool)
                    crash_point(Punto.AVVISI_PARTE)
                parti.append(path)
        return parti

    def join(self, path: str, parti: Sequence[str]) -> None:
        """Make one archive of the parts."""
        with self._archivio.write(path) as out, ScrittoreZip(out) as archive:
            for parte in parti:
                with self._archivio.open(parte) as entries:
                    for count, entry in enumerate(read_entries(entries)):
                        archive.add(entry)
                        if count % _BATTITO_COPIE == 0:
                            self._tick()

    def _parti_del_file(self) -> Iterator[_Parte]:
        """Give the rows of the received file, so many at a time."""
        # Whether a row asked for an IUV only the file says: one that brought its own number may have asked too.
        tracciato = VERSIONI[self._flusso.versione]
        nome = read_nome(self._flusso.nome_file)
        with self._archivio.open(self._flusso.file) as archive, open_csv(archive, nome) as csv:
            righe = read_righe(csv)
            next(righe)  # the header
            while (first := next(righe, None)) is not None:
                parte = _Parte(first.numero, first.numero, set())
                for riga in chain((first,), islice(righe, _PARTE_RIGHE - 1)):
                    parte.last = riga.numero
                    read = tracciato.read_riga(riga)
                    if isinstance(read, DovutoImportato) and read.genera_iuv and read.azione != "A":
                        parte.asked.add(riga.numero)
                yield parte

    def _avvisi(self, parte: _Parte) -> list[Avviso]:
        if not parte.asked:
            return []
        with self._db.reading() as session:
            rows = dovuti_del_flusso.of_flusso(session, self._flusso.id, parte.first, parte.last)
        built = (self._build(row) for row in rows if row.riga in parte.asked)
        return [avviso for avviso in built if avviso is not None]

    def _print(self, path: str, avvisi: Sequence[Avviso], pool: ThreadPoolExecutor) -> None:
        with self._archivio.write(path) as out:
            step = _BATTITO_AVVISI * _threads()
            for start in range(0, len(avvisi), step):
                for entry in pool.map(self._entry, avvisi[start : start + step]):
                    out.write(entry)
                self._tick()


def _threads() -> int:
    """Return how many notices to print together: one processor is left to who calls meanwhile."""
    return max(1, min(_THREADS_MAX, (os.cpu_count() or 1) - 1))
