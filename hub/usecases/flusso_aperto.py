"""One flow while its rows are loaded: looked at as a whole, then piece by piece, each with how far it is.

Source: flows, 1.4, 1.6 and 2.6.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from itertools import chain, islice
from time import monotonic
from typing import Any, BinaryIO

from sqlalchemy import Row

from hub.crash import Punto, crash_point
from hub.domain.errors import FlussoRifiutato, NotFound
from hub.domain.flussi import NomeFlusso, read_nome
from hub.domain.stati import StatoFlusso
from hub.formats.istanti import giorno_di
from hub.formats.tracciati.import_dovuti import VERSIONI
from hub.formats.tracciati.righe import BLOCK_BYTES, Leggibile, Riga, read_righe
from hub.formats.zip_flusso import CsvNelloZip, open_csv
from hub.log import get_logger
from hub.ports import Archivio
from hub.store import enti, lavori_flussi, tipi
from hub.store.database import Database, Session
from hub.store.iuv import give_back
from hub.store.segni import Segni
from hub.usecases.controlli_flusso import Regole
from hub.usecases.pezzo_flusso import Contesto, Esito, UnaPerUna, write_by_column, write_one_by_one
from hub.usecases.tassonomia_vigente import tassonomia_vigente

# Rows that are kept in memory to be decided again, or while others wait: about 4 MiB, a fifth of a second.
HELD_ROWS = 5000
# SQLite has one writer: who calls meanwhile waits for no more than these.
_SQLITE_ROWS = 5000
# Nineteen separators, and something in the columns that must not be empty.
_ROW_BYTES_LEAST = 32
# A line in the log for a flow that takes long.
_SAY_EVERY_S = 10.0


@dataclass(frozen=True, slots=True)
class LimitiImport:
    """How flows are worked at.

    `pezzo_rows`: rows of one transaction at most; `aperti_max`: flows of a process side by side, `per_ente_max` of them
    of one ente; `lease`: a worker that is silent for so long is dead.
    """

    pezzo_rows: int
    aperti_max: int = 16
    per_ente_max: int = 4
    lease: timedelta = timedelta(seconds=60)


class FlussoAperto:
    """One flow while its rows are loaded."""

    def __init__(
        self,
        db: Database,
        archivio: Archivio,
        row: Row[Any],
        limiti: LimitiImport,
        clock: Callable[[], datetime],
        segni: Segni,
    ) -> None:
        self.flusso_id: int = row.id
        self.ente_id: int = row.ente_id
        self.served = 0.0
        self._db, self._archivio, self.row, self._limiti, self._clock = db, archivio, row, limiti, clock
        self._segni = segni
        self._stack = ExitStack()
        self._one_by_one = False

    def begin(self, iuv_quindici_fino_al: date) -> None:
        """Look at the file as a whole, make it a flow, and stand before the first row that is not decided.

        Raises: FlussoRifiutato (the file as a whole), Conflict, OutOfService.
        """
        row = self.row
        with self._db.reading() as session:
            ente = enti.by_id(session, row.ente_id)
            configured = {tipo.codice: tipo for tipo in tipi.of_ente(session, row.ente_id)}
            self._cancelled = lavori_flussi.cancelled_iud(session, row.id)
            tassonomia = tassonomia_vigente(session)
        nome = read_nome(row.nome_file)
        if nome.cod_ipa_ente != ente.cod_ipa_ente:
            raise FlussoRifiutato(
                f"PAA_IMPORT_ENTE_ERR({nome.cod_ipa_ente},{ente.cod_ipa_ente})",
                f"il nome del file è dell'ente {nome.cod_ipa_ente}, non di {ente.cod_ipa_ente}",
            )
        self._csv_bytes = row.csv_bytes
        if row.stato_flusso is None:
            archivio = self._open_archivio()
            _check_bytes(archivio, row)
            self._csv_bytes = self._look(archivio, nome)
            self._found(nome, self._csv_bytes)
        giorno = giorno_di(row.received_at or row.created_at)
        regole = Regole(
            configured,
            ente.codice_segregazione,
            are_15_admitted=giorno < iuv_quindici_fino_al,
            tassonomia=tassonomia,
            giorno=giorno,
        )
        concessi = None if row.tipi is None else frozenset(row.tipi)
        self._contesto = Contesto(self._db, row, ente, VERSIONI[nome.versione], configured, concessi, regole)
        self._totali, self._caricate = row.righe_totali or 0, row.righe_caricate or 0
        self._iuv = (row.iuv_da or 0, row.iuv_a or 0)
        self._nome = nome
        self._stand()
        self._started, self._started_at_row = monotonic(), self._totali
        self._said = self._started

    def step(self, rows_max: int) -> bool:
        """Load the next piece; True when the flow has none left. Raises: Conflict, OutOfService."""
        self.served = monotonic()
        first = list(islice(self._righe, 1))
        if not first:
            self._finish()
            return True
        rows_max = min(rows_max, self._rows_left_most())
        if not self._contesto.db.is_postgresql:
            rows_max = min(rows_max, _SQLITE_ROWS)
        elif self._one_by_one:
            rows_max = min(rows_max, HELD_ROWS)
        righe = chain(first, islice(self._righe, rows_max - 1))
        now = self._clock()
        if self._contesto.draws_iuv and self._iuv[1] - self._iuv[0] < rows_max:
            self._lease_iuv(rows_max, now)
        values = (self._iuv, self._cancelled, now, self._settle)
        try:
            if self._one_by_one:
                esito = write_one_by_one(self._contesto, list(righe), *values)
                self._one_by_one = esito.needed_look
            else:
                esito = write_by_column(self._contesto, righe, *values)
        except UnaPerUna:
            self._one_by_one = True
            self._stand()
            return False
        crash_point(Punto.FLUSSO_PEZZO)
        self._totali, self._iuv = esito.ultima, esito.iuv
        self._caricate += esito.caricate
        self._cancelled |= esito.cancelled
        self._say()
        return False

    @property
    def _contatore(self) -> tuple[str, str]:
        return self._contesto.ente.codice_fiscale, self._contesto.ente.codice_segregazione

    def _rows_left_most(self) -> int:
        """More rows than this cannot be left."""
        left_bytes = self._csv_bytes - self._csv.given_bytes + BLOCK_BYTES
        return max(left_bytes // _ROW_BYTES_LEAST, 1)

    def close(self) -> None:
        self._stack.close()

    def _settle(self, session: Session, esito: Esito) -> None:
        now = self._clock()
        lavori_flussi.advance(
            session,
            self.row,
            at=now,
            righe_totali=esito.ultima,
            righe_caricate=self._caricate + esito.caricate,
            csv_letti=self._csv.given_bytes,
            iuv_da=esito.iuv[0],
            iuv_a=esito.iuv[1],
            lease_until=now + self._limiti.lease,
        )

    def _lease_iuv(self, count: int, now: datetime) -> None:
        held = self._iuv
        with self._segni.taking(self._contatore) as judge, self._db.transaction() as session:
            taken = lavori_flussi.lease_iuv(session, self.row, self._contesto.ente, held, count, now)
            # What was held already is new to nobody.
            judge((held[1] if taken[0] == held[0] else taken[0], taken[1]))
        self._iuv = taken

    def _finish(self) -> None:
        """The flow is loaded: its dovuti can be paid, the files of results are to be written."""
        now = self._clock()
        with self._segni.returning(self._contatore, self._iuv) as left, self._db.transaction() as session:
            if left[0] < left[1]:
                give_back(session, *self._contatore, *left)
            lavori_flussi.advance(
                session,
                self.row,
                at=now,
                stato_flusso=str(StatoFlusso.CARICATO),
                csv_letti=self._csv_bytes,
                iuv_da=None,
                iuv_a=None,
                lease_until=None,
            )
        crash_point(Punto.FLUSSO_CARICATO)
        self._say(is_last=True)

    def _say(self, *, is_last: bool = False) -> None:
        now = monotonic()
        if not is_last and now - self._said < _SAY_EVERY_S:
            return
        self._said = now
        rate = (self._totali - self._started_at_row) / max(now - self._started, 0.001)
        get_logger().info(
            "flow_loaded" if is_last else "flow_loading",
            flusso=self.flusso_id,
            righe=self._totali,
            caricate=self._caricate,
            righe_s=int(rate),
        )

    def _stand(self) -> None:
        """Open the csv and stand before the first row that is not decided."""
        self._stack.close()
        self._csv = _Counted(self._csv_of(self._open_archivio(), self._nome))
        self._righe: Iterator[Riga] = read_righe(self._csv)
        # The header, and the rows that are decided.
        for _riga in islice(self._righe, 1 + self._totali):
            pass

    def _open_archivio(self) -> BinaryIO:
        try:
            return self._stack.enter_context(self._archivio.open(self.row.file))
        except NotFound as error:
            raise FlussoRifiutato("PAA_IMPORT_ERROR", "il file del flusso manca dall'archivio") from error

    def _csv_of(self, archivio: BinaryIO, nome: NomeFlusso) -> CsvNelloZip:
        return self._stack.enter_context(open_csv(archivio, nome))

    def _look(self, archivio: BinaryIO, nome: NomeFlusso) -> int:
        """Read the first line of the csv and return its bytes. The door has expanded every byte of what it kept.

        Raises: FlussoRifiutato (no csv of this name, not even a header, UTF-16).
        """
        with open_csv(archivio, nome) as csv:
            next(read_righe(csv))
        archivio.seek(0)
        return csv.size_bytes

    def _found(self, nome: NomeFlusso, csv_bytes: int) -> None:
        now = self._clock()
        with self._db.transaction() as session:
            has_begun = lavori_flussi.begin(
                session, self.row, iuf=nome.iuf, versione=nome.versione, csv_bytes=csv_bytes, at=now
            )
            other = None if has_begun else lavori_flussi.loading_state(session, self.ente_id, nome.iuf)
        crash_point(Punto.FLUSSO_INIZIATO)
        if not has_begun:
            code = "DUPLICATO" if other == StatoFlusso.CARICATO else "IN_CARICAMENTO"
            raise FlussoRifiutato(
                f"PAA_IMPORT_FLUSSO_{code}", f"il flusso {nome.iuf} dell'ente c'è già: usare un altro iuf nel nome"
            )


class _Counted:
    """The csv, and how many of its bytes have been read."""

    def __init__(self, csv: Leggibile) -> None:
        self._csv = csv
        self.given_bytes = 0

    def read(self, size: int = -1, /) -> bytes:
        data = self._csv.read(size)
        self.given_bytes += len(data)
        return data


def _check_bytes(archivio: BinaryIO, row: Row[Any]) -> None:
    """Raises: FlussoRifiutato (what the archive gives is not what came through the door)."""
    digest = hashlib.sha256()
    while block := archivio.read(BLOCK_BYTES):
        digest.update(block)
    archivio.seek(0)
    if digest.hexdigest() != row.sha256:
        message = "il file non è quello ricevuto: la somma di controllo è diversa"
        raise FlussoRifiutato("PAA_IMPORT_NO_MATCH_MD5", message)
