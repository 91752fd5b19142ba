"""Cancel a whole flow: each of its dovuti that is still payable, in short transactions that delay nobody.

The flow is called cancelled first, with the row from which there is work to do; who comes after a crash goes on from
there. Only versions that count now and that this flow brought are touched: what a later flow or the web service has
replaced is theirs. Paid and in payment stay as they are. Source: flows, 1.5 (operator actions) and 2.6.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from hub.crash import Punto, crash_point
from hub.domain.errors import Conflict
from hub.domain.stati import StatoDovuto, StatoFlusso, StatoImport
from hub.log import get_logger
from hub.store import annullamenti, enti
from hub.store.database import Database

# Some tens of milliseconds of one transaction: what waits for it does not notice.
_RIGHE = 2000
# SQLite has one writer, and who waits for it asks again every few milliseconds: between two stretches all of them fit.
_PAUSA_S = 0.05
# Whoever works on a cancellation moves it on several times a second.
_ABANDONED_AFTER = timedelta(seconds=60)
# Stretches of one tick of the worker, which must be able to stop.
_STRETCHES = 200


@dataclass(frozen=True, slots=True)
class Annullamento:
    """How far a cancellation is: rows of the flow looked at, dovuti cancelled, left because paid, left in payment."""

    righe: int
    righe_totali: int
    annullati: int
    pagati: int
    in_pagamento: int
    is_over: bool


def annulla_flusso(
    db: Database, flusso_id: int, operatore: str, clock: Callable[[], datetime]
) -> Iterator[Annullamento]:
    """Cancel a flow and tell after each stretch how far it is; run again, it ends what a crash left undone.

    Raises: Conflict (the flow is not loaded: it is loading, it failed, it never became one; its results are being
    written).
    """
    with db.transaction() as session:
        row = annullamenti.by_id(session, flusso_id, lock=True)
        if row.annullamento_riga is None:
            if row.stato_flusso not in (StatoFlusso.CARICATO, StatoFlusso.ANNULLATO):
                raise Conflict(
                    f"flusso {row.nome_file or row.request_token} in stato {row.stato_flusso or row.stato}: si annulla "
                    f"solo un flusso {StatoFlusso.CARICATO}"
                )
            if row.stato == StatoImport.IMPORT_IN_ELAB:
                raise Conflict(f"flusso {row.nome_file}: i file dei risultati sono in scrittura, riprovare fra poco")
            annullamenti.begin(session, row, operatore, clock())
    while not (stretch := _stretch(db, flusso_id, operatore, clock())).is_over:
        yield stretch
        time.sleep(_PAUSA_S)
    yield stretch


def run_once(db: Database, clock: Callable[[], datetime]) -> bool:
    """Go on with a cancellation that somebody began and left; True when there was one."""
    with db.reading() as session:
        flusso_id = annullamenti.find_abandoned(session, clock() - _ABANDONED_AFTER)
    if flusso_id is None:
        return False
    for _ in range(_STRETCHES):
        if _stretch(db, flusso_id, "worker", clock()).is_over:
            break
        time.sleep(_PAUSA_S)
    return True


def _stretch(db: Database, flusso_id: int, operatore: str, now: datetime) -> Annullamento:
    with db.transaction() as session:
        # As everyone who changes stored dovuti of an ente: one at a time, so that none works on what another read.
        enti.lock(session, annullamenti.by_id(session, flusso_id).ente_id)
        row = annullamenti.by_id(session, flusso_id, lock=True)
        totali = row.righe_totali or 0
        if row.annullamento_riga is not None:
            da, a = row.annullamento_riga, row.annullamento_riga + _RIGHE
            cancelled = annullamenti.annul(session, row, da, a, now)
            stati = annullamenti.count(session, row, da, a)
            left = {"dovuti_annullati": cancelled}
            # What is payable still was passed over: the stretch is looked at again.
            if is_done := not stati.pop(StatoDovuto.INSERIMENTO_DOVUTO, 0):
                left["dovuti_pagati"] = stati.pop(StatoDovuto.COMPLETATO, 0)
                left["dovuti_in_pagamento"] = sum(stati.values())
            riga = a if is_done else da
            annullamenti.advance(session, row, None if riga > totali else riga, now, left)
            row = annullamenti.by_id(session, flusso_id)
            crash_point(Punto.ANNULLO_TRATTO)
    crash_point(Punto.ANNULLO_TENUTO)
    conto = Annullamento(
        righe=min((row.annullamento_riga or totali + 1) - 1, totali),
        righe_totali=totali,
        annullati=row.dovuti_annullati,
        pagati=row.dovuti_pagati,
        in_pagamento=row.dovuti_in_pagamento,
        is_over=row.annullamento_riga is None,
    )
    if conto.is_over:
        get_logger().info(
            "flusso_annullato",
            request_token=row.request_token,
            nome_file=row.nome_file,
            operatore=row.annullato_da,
            finito_da=operatore,
            annullati=conto.annullati,
            pagati=conto.pagati,
            in_pagamento=conto.in_pagamento,
        )
    return conto
