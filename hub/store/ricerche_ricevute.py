"""Which settlement flows were looked at for receipts that nobody brought, and which receipts those are."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import Row, and_, exists, insert, select

from hub.domain.servizi_rest import Servizio
from hub.store.chiavi import of_ente
from hub.store.database import Session
from hub.store.schema import (
    dovuti,
    rendicontazioni,
    rendicontazioni_righe,
    ricerche_ricevute,
    rt_ricevute,
    servizi_rest,
)

# Of a payment that was made: the other codes have no receipt, or had one that the payer does not have any more.
_ESEGUITO = "0"


def flussi_to_look_at(session: Session, limit: int) -> list[Row[Any]]:
    """The flows that count, of stations that may ask for receipts, which nobody has looked at."""
    seen = exists().where(ricerche_ricevute.c.rendicontazione_id == rendicontazioni.c.id)
    asking = select(servizi_rest.c.stazione_id).where(servizi_rest.c.servizio == Servizio.RICEVUTE)
    stazioni = session.execute(asking).scalars().all()
    if not stazioni:
        return []
    query = select(rendicontazioni).where(
        rendicontazioni.c.attiva,
        rendicontazioni.c.parsed_at.is_not(None),
        rendicontazioni.c.stazione_id.in_(stazioni),
        ~seen,
    )
    return list(session.execute(query.order_by(rendicontazioni.c.id).limit(limit)))


def missing(session: Session, flusso: Row[Any]) -> list[tuple[str, str]]:
    """IUV and IUR of what was paid of dovuti of ours, and of which no receipt is here."""
    righe = rendicontazioni_righe
    ours = exists().where(*of_ente(flusso.ente_id), dovuti.c.iuv == righe.c.iuv)
    query = (
        select(righe.c.iuv, righe.c.iur)
        .distinct()
        .where(
            righe.c.rendicontazione_id == flusso.id,
            righe.c.esito == _ESEGUITO,
            ours,
            ~_has_receipt(flusso.dominio, righe.c.iur),
            ~_has_paid(flusso.dominio, righe.c.iuv, righe.c.iur),
        )
    )
    return [(row.iuv, row.iur) for row in session.execute(query.order_by(righe.c.iuv, righe.c.iur))]


def is_known(session: Session, dominio: str, iuv: str, iur: str) -> bool:
    """Whether a receipt with this IUR is here, of the new model by its token, of the classic one by what it paid."""
    query = select(_has_receipt(dominio, iur) | _has_paid(dominio, iuv, iur))
    return bool(session.execute(query).scalar_one())


def _has_receipt(dominio: str, iur: Any) -> Any:
    return exists().where(and_(rt_ricevute.c.dominio == dominio, rt_ricevute.c.ccp == iur))


def _has_paid(dominio: str, iuv: Any, iur: Any) -> Any:
    return exists().where(and_(dovuti.c.dominio == dominio, dovuti.c.iuv == iuv, dovuti.c.iur == iur))


def note(session: Session, rendicontazione_id: int, mancanti: int, now: datetime) -> None:
    values = {"rendicontazione_id": rendicontazione_id, "mancanti": mancanti, "cercata_at": now}
    session.execute(insert(ricerche_ricevute), values)
