"""Load the flows that have come: claimed, looked at as a whole, then piece by piece, many side by side.

One piece of one flow at a time, each ente in turn, so that an enormous flow does not keep a small one waiting. How far
a flow is stands in the transaction of its rows: whoever takes over after a crash goes on at the next row.
Source: flows, 1.4, 1.6 and 2.6.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime
from typing import Any

from sqlalchemy import Row

from hub.crash import Punto, crash_point
from hub.domain.errors import Conflict, FlussoRifiutato
from hub.domain.stati import StatoFlusso, StatoImport
from hub.log import get_logger
from hub.ports import Archivio
from hub.store import lavori_flussi
from hub.store.database import Database
from hub.store.segni import Segni
from hub.usecases.flusso_aperto import HELD_ROWS, FlussoAperto, LimitiImport


class ImportaFlussi:
    """The flows that this process loads."""

    def __init__(
        self,
        db: Database,
        archivio: Archivio,
        limiti: LimitiImport,
        iuv_quindici_fino_al: date,
        clock: Callable[[], datetime],
        segni: Segni | None = None,
    ) -> None:
        """`segni`: where it is remembered, outside of the database, which numbers were taken; None: nowhere."""
        self._segni = segni or Segni(None)
        self._db, self._archivio, self._limiti, self._clock = db, archivio, limiti, clock
        self._iuv_quindici_fino_al = iuv_quindici_fino_al
        self._aperti: list[FlussoAperto] = []

    def run_once(self) -> bool:
        """Take in one more flow if one waits, and load one piece of the flow whose turn it is."""
        has_begun = self._claim_one()
        if not self._aperti:
            return has_begun
        # The ente that was served longest ago, and of its flows the one.
        served = {aperto.ente_id: aperto.served for aperto in sorted(self._aperti, key=lambda one: one.served)}
        aperto = min(self._aperti, key=lambda one: (served[one.ente_id], one.served))
        try:
            # Alone a flow takes long strides; among others each waits for all of them.
            rows_max = self._limiti.pezzo_rows
            is_done = aperto.step(rows_max if len(self._aperti) == 1 else min(rows_max, HELD_ROWS))
        except Conflict as error:
            # Somebody else has it by now, or its rows change under every attempt: after the lease it is taken again.
            get_logger().warning("flow_left", flusso=aperto.flusso_id, reason=str(error))
            is_done = True
        except FlussoRifiutato as error:
            # It was whole when it was looked at.
            self._abort(aperto.row, error, has_begun=True)
            is_done = True
        except BaseException:
            self._forget(aperto)
            raise
        if is_done:
            self._forget(aperto)
        return True

    def close(self) -> None:
        """Let go of the open files and of the flows: another process goes on at once. Raises: OutOfService."""
        left = [aperto.row for aperto in self._aperti]
        while self._aperti:
            self._forget(self._aperti[-1])
        if left:
            with self._db.transaction() as session:
                for row in left:
                    lavori_flussi.release(session, row, self._clock())

    def _forget(self, aperto: FlussoAperto) -> None:
        self._aperti.remove(aperto)
        aperto.close()

    def _claim_one(self) -> bool:
        if len(self._aperti) >= self._limiti.aperti_max:
            return False
        open_enti = [aperto.ente_id for aperto in self._aperti]
        full = [ente_id for ente_id in set(open_enti) if open_enti.count(ente_id) >= self._limiti.per_ente_max]
        now = self._clock()
        with self._db.reading() as session:
            if not lavori_flussi.has_claimable(session, now, full):
                return False
        with self._db.transaction() as session:
            row = lavori_flussi.claim(session, now, now + self._limiti.lease, full)
        if row is None:
            return False
        crash_point(Punto.FLUSSO_PRESO)
        aperto = FlussoAperto(self._db, self._archivio, row, self._limiti, self._clock, self._segni)
        try:
            aperto.begin(self._iuv_quindici_fino_al)
        except FlussoRifiutato as error:
            aperto.close()
            self._abort(row, error, has_begun=row.stato_flusso is not None)
        except BaseException:
            aperto.close()
            raise
        else:
            self._aperti.append(aperto)
        return True

    def _abort(self, row: Row[Any], error: FlussoRifiutato, *, has_begun: bool) -> None:
        """Refuse the file as a whole; rows that were loaded before it went bad stay."""
        now = self._clock()
        values: dict[str, Any] = {"stato": str(StatoImport.IMPORT_ABORTITO), "codice_errore": error.stato}
        if has_begun:
            values["stato_flusso"] = str(StatoFlusso.ERRORE_CARICAMENTO)
        with self._db.transaction() as session:
            lavori_flussi.advance(session, row, at=now, finished_at=now, **values)
        get_logger().warning("flow_refused", flusso=row.id, codice=error.stato)
