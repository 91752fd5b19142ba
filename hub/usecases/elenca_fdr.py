"""Ask the node, for each ente in its turn, which settlement flows it has, and keep those that are new.

What is read at the node is kept before the cursor moves, so that a crash asks again and finds what it knows. After a
stop longer than the node's memory what it still lists is taken, and the rest is told as a gap.
Source: node, 2.6 (cursor), 2.12 (import algorithm), 6.3 rule 11; 2.0.4 (classes of faults).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Row

from hub.crash import Punto, crash_point
from hub.domain.acquisizione_fdr import (
    FINESTRA,
    PAUSA_FERMA,
    SOVRAPPOSIZIONE,
    DomandaFdr,
    Elenco,
    EsitoDomanda,
    Trasporto,
    pausa_dopo,
)
from hub.domain.delivery import Delivery
from hub.formats.segreti import Cassaforte
from hub.log import get_logger
from hub.ports import FlussiRendicontazione
from hub.store import acquisizioni_fdr, rendicontazioni
from hub.store.database import Database
from hub.usecases import circuito_fdr
from hub.usecases.profilo_fdr import domanda_of, trasporto_of

_REASON_MAX = 500


@dataclass(frozen=True, slots=True)
class Ritmo:
    """How often a list is asked for, how long a worker may hold one thing, the pause between two calls.

    `lease` is longer than any call may take. Source: node, 2.0.5.
    """

    intervallo: timedelta
    lease: timedelta
    pausa_s: float = 2.0


Porte = Mapping[Trasporto, FlussiRendicontazione]


def run_once(
    db: Database, porte: Porte, cassaforte: Cassaforte, ritmo: Ritmo, clock: Callable[[], datetime]
) -> bool:
    """Ask for the list of one ente whose turn has come; True when there was one."""
    with db.reading() as session:
        is_one_missing = acquisizioni_fdr.is_one_missing(session)
    if is_one_missing:
        with db.transaction() as session:
            acquisizioni_fdr.add_missing(session, clock())
    with db.reading() as session:
        if not acquisizioni_fdr.has_claimable(session, clock()):
            return False
    with db.transaction() as session:
        now = clock()
        row = acquisizioni_fdr.claim(session, now, now + ritmo.lease)
        if row is None:
            return False
        domanda = domanda_of(session, cassaforte, row.stazione_id, row.dominio)
        trasporto = trasporto_of(session, row.stazione_id)

    def exchange() -> Elenco:
        return porte[trasporto].elenca(domanda, _dal(row, now))

    elenco = circuito_fdr.ask(db, row.stazione_id, exchange, clock, ritmo.lease)
    crash_point(Punto.FDR_ELENCATI)
    if isinstance(elenco, Delivery):
        _put_off(db, row, elenco, clock())
        return True
    with db.transaction() as session:
        nuovi = _keep(session, row, trasporto, elenco, ritmo, clock())
        crash_point(Punto.FDR_NOTI)
    _tell(domanda, trasporto, elenco, nuovi)
    return True


def _dal(row: Row[Any], now: datetime) -> datetime:
    """From when on flows are wanted: with an overlap, and from the beginning of the node's memory the first time."""
    return (row.pubblicato_at or now - FINESTRA) - SOVRAPPOSIZIONE


def _put_off(db: Database, row: Row[Any], held: Delivery, now: datetime) -> None:
    """Leave a turn for when the circuit lets it: nothing was asked, nothing has failed."""
    wait = timedelta(seconds=held.retry_after_s or 1)
    with db.transaction() as session:
        acquisizioni_fdr.settle(session, row, next_attempt_at=now + wait)


def _keep(
    session: Any, row: Row[Any], trasporto: Trasporto, elenco: Elenco, ritmo: Ritmo, now: datetime
) -> int:
    if elenco.esito != EsitoDomanda.OK:
        is_refused = elenco.esito == EsitoDomanda.RIFIUTATA
        pausa = PAUSA_FERMA if is_refused else pausa_dopo(row.errori + 1, elenco.retry_after_s)
        acquisizioni_fdr.settle(
            session,
            row,
            next_attempt_at=now + pausa,
            errori=row.errori + 1,
            ferma=is_refused,
            codice=elenco.codice[:64],
            motivo=elenco.dettaglio[:_REASON_MAX] or None,
        )
        return 0
    comuni = {"dominio": row.dominio, "ente_id": row.ente_id, "stazione_id": row.stazione_id, "trasporto": trasporto}
    nuovi = rendicontazioni.add_listed(session, elenco.flussi, now, comuni)
    if row.elencata_at is not None and now - row.elencata_at > FINESTRA:
        acquisizioni_fdr.note_lacuna(session, row, row.elencata_at, now - FINESTRA, now)
    published = [flusso.pubblicato_at for flusso in elenco.flussi if flusso.pubblicato_at is not None]
    acquisizioni_fdr.settle(
        session,
        row,
        next_attempt_at=now + ritmo.intervallo,
        elencata_at=now,
        pubblicato_at=max([*published, *([row.pubblicato_at] if row.pubblicato_at else [])], default=None),
        errori=0,
        ferma=False,
        codice=None,
        motivo="; ".join(elenco.saltati)[:_REASON_MAX] or None,
    )
    return nuovi


def _tell(domanda: DomandaFdr, trasporto: Trasporto, elenco: Elenco, nuovi: int) -> None:
    log = get_logger()
    tell = {EsitoDomanda.OK: log.info, EsitoDomanda.RIFIUTATA: log.error}.get(elenco.esito, log.warning)
    tell(
        "fdr_listed",
        dominio=domanda.dominio,
        stazione=domanda.stazione.id,
        trasporto=str(trasporto),
        outcome=str(elenco.esito),
        code=elenco.codice,
        flussi=len(elenco.flussi),
        nuovi=nuovi,
        saltati=len(elenco.saltati),
    )
