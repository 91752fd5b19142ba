"""Attempts without an outcome, each with its next automatic step, when that is, and why it is still open.

Nothing waits for a human silently: what is a day old, or was set aside, is marked for the operators, and is asked about
all the same. Source: node, 2.0.5 (state query), 4.5 (no receipt arrives).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Row

from hub.domain.stati import StatoMessaggio, StatoTentativo
from hub.store import tentativi
from hub.store.database import Database, Session
from hub.usecases.recupero import TOPIC_RECUPERO
from hub.usecases.start_pagamento import TOPIC_NODO

# From this age on a person should look. Source: node, 2.0.5: hourly up to 24 h, then the manual queue.
VECCHIO = timedelta(hours=24)
_PASSI = {
    StatoMessaggio.DA_INVIARE: "invio al nodo",
    StatoMessaggio.IN_INVIO: "in corso",
    StatoMessaggio.SCONOSCIUTO: "domanda al nodo: stato, pendenti, copia",
    StatoMessaggio.PARCHEGGIATO: "nessuno: messo da parte da un operatore",
}
_RICERCA = "ricerca della ricevuta: stato, pendenti, copia"
_SCADENZA = "scadenza, se non arriva la ricevuta"


@dataclass(frozen=True, slots=True)
class Tempi:
    """`attesa`: how long a receipt may take before it is searched for; `scadenze`: by profile, where time decides."""

    attesa: timedelta
    scadenze: Mapping[str, timedelta]


@dataclass(frozen=True, slots=True)
class TentativoAperto:
    """`passo`, `prossimo_at`: what happens next by itself, and when; `motivo`: what the node said last.

    `messaggio`: of the outbox, for `pontepa outbox show`; `operatori`: a person should look.
    """

    id: str
    ente: str
    stazione: str
    profilo: str
    dominio: str
    iuv: str
    ccp: str
    stato: str
    created_at: datetime
    passo: str
    prossimo_at: datetime | None
    motivo: str
    messaggio: int | None
    tentativi: int
    operatori: bool


def list_aperti(
    db: Database, tempi: Tempi, now: datetime, *, tutti: bool = False, limit: int = 100
) -> list[TentativoAperto]:
    """Return attempts without an outcome; without `tutti` those that are in doubt or whose receipt is overdue."""
    found: list[TentativoAperto] = []
    after = ""
    with db.reading() as session:
        while len(found) < limit:
            rows = tentativi.list_open(session, after=after, limit=limit)
            said = (_said(session, row, tempi, now) for row in rows)
            found += [one for one in said if tutti or _is_unresolved(one, now)]
            if len(rows) < limit:
                break
            after = rows[-1].id
    return found[:limit]


def find_aperto(db: Database, id: str, tempi: Tempi, now: datetime) -> TentativoAperto | None:
    """Return one attempt without an outcome; None when it has one. Raises: NotFound."""
    with db.reading() as session:
        row = tentativi.by_id(session, id)
        open_rows = tentativi.list_open(session, only=row.id, limit=1)
        return _said(session, open_rows[0], tempi, now) if open_rows else None


def _is_unresolved(one: TentativoAperto, now: datetime) -> bool:
    is_due = one.prossimo_at is None or one.prossimo_at <= now
    return one.stato == StatoTentativo.SCONOSCIUTO or one.operatori or one.passo == _RICERCA and (
        one.tentativi > 0 or is_due
    )


def _said(session: Session, row: Row[Any], tempi: Tempi, now: datetime) -> TentativoAperto:
    message = tentativi.of_message(session, row, TOPIC_RECUPERO) or tentativi.of_message(session, row, TOPIC_NODO)
    if row.profilo in tempi.scadenze and row.stato == StatoTentativo.ACCETTATO:
        passo, prossimo_at, message = _SCADENZA, row.created_at + tempi.scadenze[row.profilo], None
    elif row.stato == StatoTentativo.ACCETTATO and (message is None or message.topic != TOPIC_RECUPERO):
        passo, prossimo_at, message = _RICERCA, row.updated_at + tempi.attesa, None
    elif message is None:
        passo, prossimo_at = "nessuno: il messaggio non c'è più", None
    else:
        stato = StatoMessaggio(message.stato)
        is_search = message.topic == TOPIC_RECUPERO and stato in (StatoMessaggio.DA_INVIARE, StatoMessaggio.SCONOSCIUTO)
        passo = _RICERCA if is_search else _PASSI.get(stato, f"nessuno: messaggio {stato}")
        prossimo_at = None if stato == StatoMessaggio.PARCHEGGIATO else message.next_attempt_at
    return TentativoAperto(
        id=row.id,
        ente=row.cod_ipa_ente,
        stazione=row.stazione_id,
        profilo=row.profilo,
        dominio=row.dominio,
        iuv=row.iuv,
        ccp=row.ccp,
        stato=row.stato,
        created_at=row.created_at,
        passo=passo,
        prossimo_at=prossimo_at,
        motivo=_motivo(row, message),
        messaggio=None if message is None else message.id,
        tentativi=0 if message is None else message.attempts,
        operatori=now - row.created_at >= VECCHIO or prossimo_at is None,
    )


def _motivo(row: Row[Any], message: Row[Any] | None) -> str:
    """What was said last, and what the node had said of an attempt that it has accepted."""
    said = (message.motivo or message.last_code or "") if message is not None else row.fault_code or ""
    if message is None or row.stato != StatoTentativo.ACCETTATO or not row.fault_code or row.fault_code in said:
        return str(said)
    return f"{said}; prima il nodo ha detto {row.fault_code}" if said else f"il nodo ha detto {row.fault_code}"
