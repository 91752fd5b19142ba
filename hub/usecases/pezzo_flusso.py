"""Some rows of a flow, decided and written in one transaction with how far the flow is.

The usual rows, which insert without ids of their own, are written before anybody has looked whether their IUD is
free: the unique indexes say so. Where that fails, or a row wants more, all rows of the piece are decided one by one,
each against what is stored and what the rows before it did. Source: flows, 2.4 to 2.6; defects 2 and 7 (12).
"""

from __future__ import annotations

from collections.abc import Callable, Container, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from itertools import compress, islice
from typing import Any, NamedTuple

from sqlalchemy import Row

from hub.crash import Punto, crash_point
from hub.domain.dovuto_importato import DovutoImportato
from hub.domain.errors import ImportScadenzaObbligatoria
from hub.domain.flussi import ORIGINE_FLUSSO
from hub.domain.iuv import build_iuv_all
from hub.domain.scarto import Scarto, rifiuto
from hub.domain.stati import StatoDovuto
from hub.formats.tracciati.blocco import read_blocco
from hub.formats.tracciati.import_dovuti import ImportDovuti
from hub.formats.tracciati.righe import Riga
from hub.log import get_logger
from hub.store import depositati
from hub.store.carico import Carico, RigaOccupata
from hub.store.database import Database, Session
from hub.usecases.colonne_dovuto import columns_of_blocco, columns_of_rows
from hub.usecases.controlli_blocco import RegoleBlocco
from hub.usecases.controlli_flusso import Regole
from hub.usecases.deposito_dovuti import check_scadenza
from hub.usecases.magazzino import Magazzino, twice_in_flusso

# Rows read together: more would not fit the processor's cache, fewer would not be worth the columns.
BLOCCO_ROWS = 500
# Others may take an IUD between the look and the write; they do not do so for ever.
_ATTEMPTS_MAX = 5
_ERRORE = "PAA_IMPORT_ERROR"
# What a row may run into that nobody has thought of: it is refused, and the others go on.
_UNEXPECTED = (ArithmeticError, LookupError, TypeError, ValueError)


class UnaPerUna(Exception):
    """These rows must be decided one by one: the indexes alone cannot."""


@dataclass(frozen=True)
class Contesto:
    """What the rows of one flow are judged by. `concessi`: tipi that whoever brought it may touch; None: all."""

    db: Database
    flusso: Row[Any]
    ente: Row[Any]
    tracciato: type[ImportDovuti]
    tipi: Mapping[str, Row[Any]]
    concessi: Container[str] | None
    regole: Regole

    @property
    def draws_iuv(self) -> bool:
        return "genera_iuv" in self.tracciato.nomi


@dataclass
class Esito:
    """What a piece came to: rows accepted, numbers left for IUVs, what leaves no dovuto, the IUD that it cancelled.

    `ultima`: the number of the last row. `needed_look`: some row could not have been decided without looking at what
    is stored.
    """

    iuv: tuple[int, int]
    ultima: int = 0
    caricate: int = 0
    needed_look: bool = False
    righe: list[tuple[int, str | None, str | None, str | None, str | None]] = field(default_factory=list)
    cancelled: set[str] = field(default_factory=set)


def write_by_column(
    contesto: Contesto,
    righe: Iterator[Riga],
    iuv: tuple[int, int],
    cancelled: frozenset[str] | set[str],
    now: datetime,
    settle: Callable[[Session, Esito], None],
) -> Esito:
    """Decide and write these rows, all or nothing, and return what they came to.

    `iuv`: numbers held for the flow, as many as there are rows. `cancelled`: the IUD that earlier pieces cancelled.
    `settle` is called in the transaction of the rows.
    Raises: UnaPerUna (nothing is written: these rows must be read again, and decided one by one).
    """
    return _Pezzo(contesto, iuv, cancelled, now).write_by_column(righe, settle)


def write_one_by_one(
    contesto: Contesto,
    righe: Sequence[Riga],
    iuv: tuple[int, int],
    cancelled: frozenset[str] | set[str],
    now: datetime,
    settle: Callable[[Session, Esito], None],
) -> Esito:
    """Decide these rows each against what is stored; for the rest as `write_by_column`.

    Raises: RigaOccupata (others keep changing the same dovuti).
    """
    for _attempt in range(_ATTEMPTS_MAX):
        try:
            return _Pezzo(contesto, iuv, cancelled, now).write_one_by_one(righe, settle)
        except RigaOccupata as error:
            refused = error
    raise refused


class _Lette(NamedTuple):
    """Rows that were read: the numbers of the plainly good ones and their columns, and the others as written."""

    numeri: list[int]
    colonne: dict[str, Sequence[Any]]
    altre: list[Riga]


class _Pezzo:
    """One attempt at the rows of a piece."""

    def __init__(
        self, contesto: Contesto, iuv: tuple[int, int], cancelled: frozenset[str] | set[str], now: datetime
    ) -> None:
        self._contesto, self._now, self._cancelled = contesto, now, cancelled
        self._esito = Esito(iuv)
        # IUD of rows that are refused by themselves: was it accepted before, then that is what they are refused for.
        self._refused: list[str] = []

    def write_by_column(self, righe: Iterator[Riga], settle: Callable[[Session, Esito], None]) -> Esito:
        blocchi: Iterable[_Lette] = self._blocchi(righe)
        if not self._contesto.db.is_postgresql:
            # SQLite has one writer: nothing is read while the others wait for it.
            blocchi = list(blocchi)
        try:
            with self._writing(settle) as (session, carico):
                self._add_blocchi(session, carico, blocchi)
        except (RigaOccupata, *_UNEXPECTED) as error:
            raise UnaPerUna from error
        return self._esito

    def write_one_by_one(self, righe: Sequence[Riga], settle: Callable[[Session, Esito], None]) -> Esito:
        with self._writing(settle) as (session, carico):
            self._add_one_by_one(session, carico, righe)
        return self._esito

    @contextmanager
    def _writing(self, settle: Callable[[Session, Esito], None]) -> Iterator[tuple[Session, Carico]]:
        db = self._contesto.db
        with db.transaction() as session:
            with Carico(session, self._comuni(), db.driver_error) as carico:
                yield session, carico
                carico.note(self._esito.righe)
            crash_point(Punto.FLUSSO_RIGHE)
            settle(session, self._esito)
            crash_point(Punto.FLUSSO_SCRITTO)

    def _comuni(self) -> dict[str, Any]:
        contesto = self._contesto
        return {
            "ente_id": contesto.ente.id,
            "dominio": contesto.ente.codice_fiscale,
            "posizione": 1,
            "origine": ORIGINE_FLUSSO,
            "flusso_id": contesto.flusso.id,
            "stato": str(StatoDovuto.INSERIMENTO_DOVUTO),
            "created_at": self._now,
            "updated_at": self._now,
        }

    def _blocchi(self, righe: Iterator[Riga]) -> Iterator[_Lette]:
        contesto = self._contesto
        concessi = contesto.concessi
        tipi = {codice: tipo for codice, tipo in contesto.tipi.items() if concessi is None or codice in concessi}
        tests = RegoleBlocco(tipi, self._now)
        while some := list(islice(righe, BLOCCO_ROWS)):
            self._esito.ultima = some[-1].numero
            blocco = read_blocco(contesto.tracciato, some)
            if blocco.buone:
                blocco.drop(tests.doubtful(blocco.colonne))
            numeri = [some[place].numero for place in blocco.buone]
            yield _Lette(numeri, blocco.colonne, [some[place] for place in blocco.altre])

    def _add_blocchi(self, session: Session, carico: Carico, blocchi: Iterable[_Lette]) -> None:
        contesto = self._contesto
        has_history = depositati.has_history(session, contesto.ente.id)
        for blocco in blocchi:
            rows = self._simple_rows(blocco.altre)
            iud = [*blocco.colonne.get("iud", ()), *(row.iud for row in rows)]
            if not self._cancelled.isdisjoint(iud):
                raise UnaPerUna
            if has_history:
                carico.close()
                if depositati.is_history(session, contesto.ente.id, iud):
                    raise UnaPerUna
            flags = blocco.colonne.get("genera_iuv", ())
            wanted = list(compress(blocco.numeri, flags))
            drawn = self._draw([*wanted, *(row.riga for row in rows if row.genera_iuv)])
            if blocco.numeri:
                carico.add(columns_of_blocco(contesto.flusso.id, blocco.numeri, blocco.colonne, drawn))
            if rows:
                carico.add(columns_of_rows(contesto.flusso.id, rows, drawn))
            self._esito.caricate += len(blocco.numeri) + len(rows)
        if self._refused:
            carico.close()
            self._look_at_refused(session)

    def _look_at_refused(self, session: Session) -> None:
        """Source: flows, 2.4: first of all rules, whether the IUD was accepted earlier in the file."""
        ente_id, flusso_id = self._contesto.ente.id, self._contesto.flusso.id
        for start in range(0, len(self._refused), BLOCCO_ROWS):
            iud = self._refused[start : start + BLOCCO_ROWS]
            if not self._cancelled.isdisjoint(iud) or depositati.is_in_flusso(session, ente_id, flusso_id, iud):
                raise UnaPerUna

    def _simple_rows(self, righe: Sequence[Riga]) -> list[DovutoImportato]:
        """Return the rows outside the columns that the unique indexes can judge; refuse what is to be refused."""
        found = []
        for riga in righe:
            read = self._contesto.tracciato.read_riga(riga)
            scarti = self._broken(read) if isinstance(read, DovutoImportato) else read
            if scarti:
                self._refuse(riga.numero, scarti)
                if isinstance(read, DovutoImportato):
                    self._refused.append(read.iud)
            elif isinstance(read, DovutoImportato):
                if read.azione != "I" or read.iuv:
                    raise UnaPerUna
                found.append(read)
        return found

    def _broken(self, dovuto: DovutoImportato) -> Sequence[Scarto]:
        """What the row breaks by itself; a row that only what is stored can refuse asks to be looked at there."""
        try:
            found = self._contesto.regole(dovuto)
            if not found:
                check_scadenza(self._contesto.tipi[dovuto.tipo], dovuto.scadenza, self._now)
        except (ImportScadenzaObbligatoria, *_UNEXPECTED):
            raise UnaPerUna from None
        concessi = self._contesto.concessi
        if not found and concessi is not None and dovuto.tipo not in concessi:
            raise UnaPerUna
        return found

    def _add_one_by_one(self, session: Session, carico: Carico, righe: Sequence[Riga]) -> None:
        contesto = self._contesto
        magazzino = Magazzino(contesto.ente, contesto.tipi, self._now, contesto.concessi)
        accepted = set(self._cancelled)
        self._esito.ultima = righe[-1].numero
        for start in range(0, len(righe), BLOCCO_ROWS):
            some = righe[start : start + BLOCCO_ROWS]
            read = [(riga, contesto.tracciato.read_riga(riga)) for riga in some]
            held = magazzino.look(session, [one for _riga, one in read if isinstance(one, DovutoImportato)])
            ours = contesto.flusso.id
            accepted.update(iud for iud, rows in held.items() if any(row.flusso_id == ours for row in rows))
            rows, replaced = [], []
            self._esito.needed_look |= bool(held)
            for riga, one in read:
                scarti = self._judge(magazzino, accepted, one) if isinstance(one, DovutoImportato) else one
                if scarti or not isinstance(one, DovutoImportato):
                    self._refuse(riga.numero, scarti)
                    continue
                accepted.add(one.iud)
                self._esito.needed_look |= one.azione != "I" or bool(one.iuv)
                if one.azione != "I":
                    replaced.append(magazzino.payable(one.iud))
                if one.azione == "A":
                    self._note_cancelled(one, replaced[-1])
                else:
                    rows.append(one)
            if replaced:
                carico.cancel([row.id for row in replaced], self._now)
            drawn = self._draw([row.riga for row in rows if row.genera_iuv and not row.iuv and row.azione == "I"])
            if rows:
                carico.add(columns_of_rows(contesto.flusso.id, rows, drawn))
            carico.close()
            self._esito.caricate += len(rows)

    def _judge(self, magazzino: Magazzino, accepted: set[str], dovuto: DovutoImportato) -> Sequence[Scarto]:
        if dovuto.iud in accepted:
            self._esito.needed_look = True
            return (twice_in_flusso(dovuto),)
        try:
            found = self._contesto.regole(dovuto)
            if not found:
                found = magazzino.refusals(dovuto)
                self._esito.needed_look |= bool(found)
            return found
        except _UNEXPECTED as error:
            get_logger().error("flow_row_failed", flusso=self._contesto.flusso.id, riga=dovuto.riga, exc_info=error)
            return (Scarto(dovuto.riga, "", "", _ERRORE, "errore inatteso nella lettura della riga"),)

    def _note_cancelled(self, dovuto: DovutoImportato, row: Row[Any]) -> None:
        self._esito.cancelled.add(dovuto.iud)
        self._esito.caricate += 1
        self._esito.righe.append((dovuto.riga, None, None, dovuto.iud, row.iuv))

    def _refuse(self, riga: int, scarti: Sequence[Scarto]) -> None:
        self._esito.righe.append((riga, *rifiuto(scarti), None, None))

    def _draw(self, righe: list[int]) -> dict[int, str]:
        """Give the next numbers to these rows, in the order of the file."""
        if not righe:
            return {}
        first, end = self._esito.iuv
        assert first + len(righe) <= end, "not as many numbers as rows"
        self._esito.iuv = first + len(righe), end
        segregazione = int(self._contesto.ente.codice_segregazione)
        return dict(zip(sorted(righe), build_iuv_all(segregazione, first, len(righe)), strict=True))

