"""Read a settlement flow out of the archive into its payments, and let it count in the place of what it replaces.

The rows go in by pieces, each in a transaction of its own with how far the reading is: a flow of any length holds
neither memory nor the database. Nobody sees them before the last step, which is one: the older revision stops counting
and this one begins to. Source: node, 6.3 rules 4 to 7, 6.4.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from datetime import datetime, timedelta
from itertools import islice
from typing import Any, BinaryIO

from sqlalchemy import Row

from hub.crash import Punto, crash_point
from hub.domain.acquisizione_fdr import Trasporto, pausa_dopo
from hub.domain.errors import Conflict, NotFound, OutOfService
from hub.domain.rendicontazione import Riga, Riversamento, Totali
from hub.domain.stati import StatoRendicontazione
from hub.formats.fdr import RendicontazioneNonLeggibile, read_flusso
from hub.formats.fdr_rest import read_pacchetto
from hub.log import get_logger
from hub.ports import Archivio
from hub.store import rendicontazioni
from hub.store.database import Database

# Rows of a flow in one transaction: a twentieth of a second of SQLite's one writer.
PEZZO = 2000
# Longer than a piece may take, whatever else the machine does.
LEASE = timedelta(minutes=5)
# Different bytes each time, none of them to be read: it does not get better.
_LETTURE_MAX = 6
_REASON_MAX = 500

_Lettore = Callable[[BinaryIO], tuple[Riversamento, Iterator[Riga]]]
_LETTORI: Mapping[Trasporto, _Lettore] = {Trasporto.SOAP: read_flusso, Trasporto.REST: read_pacchetto}


def run_once(db: Database, archivio: Archivio, clock: Callable[[], datetime], pezzo: int = PEZZO) -> bool:
    """Read one flow that is in the archive; True when there was one."""
    with db.reading() as session:
        if not rendicontazioni.has_claimable(session, clock(), is_stored=True):
            return False
    with db.transaction() as session:
        now = clock()
        row = rendicontazioni.claim(session, now, now + LEASE, is_stored=True)
    if row is None:
        return False
    try:
        _Lettura(db, archivio, clock, row, pezzo).run()
    except Conflict as error:
        get_logger().warning("fdr_ceded", rendicontazione=row.id, reason=str(error))
    return True


class _Lettura:
    """One flow in the hands of one worker."""

    def __init__(
        self, db: Database, archivio: Archivio, clock: Callable[[], datetime], row: Row[Any], pezzo: int
    ) -> None:
        self._db, self._archivio, self._clock, self._row, self._pezzo = db, archivio, clock, row, pezzo

    def run(self) -> None:
        """Raises: Conflict (it is another worker's by now)."""
        row = self._row
        try:
            with self._archivio.open(row.file) as source:
                # The suffix says how it came: the row's transport may have been changed since.
                is_xml = row.file.endswith(".xml")
                riversamento, righe = _LETTORI[Trasporto.SOAP if is_xml else Trasporto.REST](source)
                reason = _why_not_ours(row, riversamento)
                if reason is not None:
                    self._set_aside(reason)
                    return
                totali = self._copy(righe)
        except RendicontazioneNonLeggibile as error:
            self._not_readable(error.reason)
        except NotFound as error:
            self._again(str(error))
        except OutOfService as error:
            # The archive does not answer: the bytes are there, another time.
            with self._db.transaction() as session:
                next_at = self._clock() + pausa_dopo(1)
                rendicontazioni.advance(
                    session, row, at=self._clock(), lease_until=None, next_attempt_at=next_at, motivo=str(error)
                )
        else:
            self._conclude(riversamento, totali)

    def _copy(self, righe: Iterator[Riga]) -> Totali:
        """Keep the rows that are not kept yet, and return the totals of all."""
        totali = Totali()
        while piece := list(islice(righe, self._pezzo)):
            totali = totali.plus(piece)
            new = [riga for riga in piece if riga.numero > self._row.righe_lette]
            if not new:
                continue
            now = self._clock()
            with self._db.transaction() as session:
                rendicontazioni.add_righe(session, self._row.id, new)
                rendicontazioni.advance(
                    session, self._row, at=now, lease_until=now + LEASE, righe_lette=totali.righe,
                    netto_cent=totali.netto_cent, lordo_cent=totali.lordo_cent,
                )  # fmt: skip
            crash_point(Punto.FDR_PEZZO)
        return totali

    def _conclude(self, riversamento: Riversamento, totali: Totali) -> None:
        row, now = self._row, self._clock()
        reason = _why_inconsistent(riversamento, totali)
        to = StatoRendicontazione.PARSED if reason is None else StatoRendicontazione.INCONSISTENT
        versante = row.psp or riversamento.mittente.codice
        values = _testata(riversamento) | {"versante": versante, "parsed_at": now, "righe_lette": totali.righe}
        values |= {"netto_cent": totali.netto_cent, "lordo_cent": totali.lordo_cent}
        values |= {"somma": str(totali.somma(riversamento)), "motivo": reason}
        crash_point(Punto.FDR_LETTO)
        with self._db.transaction() as session:
            current = rendicontazioni.active_of(session, row.dominio, versante, riversamento.iuf)
            is_older = current is not None and not _replaces(row, riversamento, current)
            if is_older:
                assert current is not None
                rendicontazioni.move(
                    session, row, to=to, at=now, superata_da=current.id, next_attempt_at=None, **values
                )
            else:
                if current is not None:
                    rendicontazioni.supersede(session, current.id, row.id, now)
                rendicontazioni.activate(session, row, to=to, at=now, **values)
            crash_point(Punto.FDR_CONTA)
        tell = get_logger().info if reason is None else get_logger().warning
        tell(
            "fdr_read", rendicontazione=row.id, iuf=riversamento.iuf, righe=totali.righe, stato=str(to),
            supera=None if is_older or current is None else current.id, is_superata=is_older,
        )  # fmt: skip

    def _not_readable(self, reason: str) -> None:
        row = self._row
        if row.sha256 == row.illeggibile_sha256 or row.attempts >= _LETTURE_MAX:
            self._set_aside(reason)
        else:
            self._again(reason)

    def _again(self, reason: str) -> None:
        """Let the bytes be asked for once more: what came may have been spoilt on its way."""
        row, now = self._row, self._clock()
        with self._db.transaction() as session:
            rendicontazioni.drop_righe(session, row.id)
            rendicontazioni.move(
                session, row, to=StatoRendicontazione.DOWNLOAD_ERROR, at=now, motivo=reason[:_REASON_MAX],
                next_attempt_at=now + pausa_dopo(row.attempts), illeggibile_sha256=row.sha256, righe_lette=0,
                netto_cent=0, lordo_cent=0,
            )  # fmt: skip
        get_logger().warning("fdr_not_read", rendicontazione=row.id, iuf=row.iuf, reason=reason, is_parked=False)

    def _set_aside(self, reason: str) -> None:
        """Leave a flow to a person, with its bytes and its reason; the revision that counted goes on counting."""
        row, now = self._row, self._clock()
        with self._db.transaction() as session:
            rendicontazioni.drop_righe(session, row.id)
            rendicontazioni.move(
                session, row, to=StatoRendicontazione.INCONSISTENT, at=now, motivo=reason[:_REASON_MAX],
                next_attempt_at=None, righe_lette=0, netto_cent=0, lordo_cent=0,
            )  # fmt: skip
        get_logger().error("fdr_not_read", rendicontazione=row.id, iuf=row.iuf, reason=reason, is_parked=True)


def _why_not_ours(row: Row[Any], riversamento: Riversamento) -> str | None:
    if riversamento.ricevente.codice != row.dominio:
        return f"istitutoRicevente {riversamento.ricevente.codice}: il flusso è stato chiesto per {row.dominio}"
    if riversamento.iuf != row.iuf:
        return f"identificativoFlusso {riversamento.iuf}: è stato chiesto {row.iuf}"
    return None


def _why_inconsistent(riversamento: Riversamento, totali: Totali) -> str | None:
    """Source: node, 6.3 rule 6; 2.12 (the totals that the node has computed)."""
    if riversamento.righe != totali.righe:
        return f"numeroTotalePagamenti {riversamento.righe}: i pagamenti sono {totali.righe}"
    if not totali.quadra(riversamento):
        return (
            f"importoTotalePagamenti {_euro(riversamento.importo_cent)}: la somma dei pagamenti è "
            f"{_euro(totali.netto_cent)}, {_euro(totali.lordo_cent)} senza il segno delle revoche"
        )
    if riversamento.calcolati not in (None, (riversamento.righe, riversamento.importo_cent)):
        righe, importo_cent = riversamento.calcolati or (0, 0)
        return f"il nodo ha contato {righe} pagamenti per {_euro(importo_cent)}, il PSP dice altro"
    return None


def _euro(importo_cent: int) -> str:
    sign = "-" if importo_cent < 0 else ""
    return f"{sign}{abs(importo_cent) // 100}.{abs(importo_cent) % 100:02d}"


def _replaces(row: Row[Any], riversamento: Riversamento, current: Row[Any]) -> bool:
    """Whether a flow counts in the place of the one that counts: a higher revision, else a later instant.

    Source: node, 6.3 rule 5; reconciliation, 1.6 rule 4 (equal or earlier changes nothing).
    """
    if row.revisione and current.revisione and row.revisione != current.revisione:
        return bool(row.revisione > current.revisione)
    return riversamento.generato_at > current.generato_at


def _testata(riversamento: Riversamento) -> dict[str, Any]:
    return {
        "versione": riversamento.versione,
        "generato_at": riversamento.generato_at,
        "trn": riversamento.trn,
        "regolato": riversamento.regolato,
        "mittente_tipo": riversamento.mittente.tipo,
        "mittente_codice": riversamento.mittente.codice,
        "mittente_nome": riversamento.mittente.denominazione,
        "bic_riversamento": riversamento.bic_riversamento,
        "ricevente_codice": riversamento.ricevente.codice,
        "ricevente_nome": riversamento.ricevente.denominazione,
        "righe": riversamento.righe,
        "importo_cent": riversamento.importo_cent,
        "osservazioni": list(riversamento.osservazioni) or None,
    }
