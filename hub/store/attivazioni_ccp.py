"""The write of a classic activation: dovuto taken, carrello, attempt, what the PSP said, all or nothing.

Source: node, paaAttivaRPT (3.8), locking (3.0.5), idempotency (3.0.6).
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import Row, insert, update
from sqlalchemy.dialects import postgresql, sqlite

from hub.domain.errors import Conflict
from hub.domain.stati import StatoDovuto, StatoTentativo
from hub.store import carrelli as carrelli_store
from hub.store import dovuti as dovuti_store
from hub.store.avvisi_nodo import APERTI
from hub.store.database import Session
from hub.store.schema import attivazioni_ccp, tentativi


def start(
    session: Session, dovuto: Row[Any], tentativo: dict[str, Any], psp: dict[str, Any], lapsed: datetime, now: datetime
) -> None:
    """Begin an attempt at a stored dovuto. `lapsed`: attempts made until then give way, and stay open.

    Raises: Conflict (this very key was activated before, or somebody else is paying at this moment).
    """
    carrello_id = _carrello(session, dovuto, tentativo, psp["importo_cent"], now)
    session.execute(
        update(tentativi)
        .where(
            tentativi.c.carrello_id == carrello_id,
            tentativi.c.stato.in_(APERTI),
            tentativi.c.superato_at.is_(None),
            tentativi.c.created_at <= lapsed,
        )
        .values(superato_at=now)
    )
    row = {
        **tentativo,
        "carrello_id": carrello_id,
        "stato": str(StatoTentativo.DA_INVIARE),
        "created_at": now,
        "updated_at": now,
    }
    dialect = postgresql if session.dialect.name == "postgresql" else sqlite
    statement = dialect.insert(tentativi).values(row).on_conflict_do_nothing().returning(tentativi.c.id)
    if session.execute(statement).scalar_one_or_none() is None:
        raise Conflict("tentativi: una attivazione di questo avviso è aperta, o ha già questo CCP")
    kept = {name: psp[name] for name in ("psp", "intermediario_psp", "canale", "dati")}
    session.execute(insert(attivazioni_ccp), {"tentativo_id": tentativo["id"], **kept})


def _carrello(
    session: Session, dovuto: Row[Any], tentativo: dict[str, Any], importo_cent: int, now: datetime
) -> str:
    """Return the carrello of the attempt: that of the one which lapsed, or a new one. Raises: Conflict."""
    if dovuto.stato == StatoDovuto.PAGAMENTO_INIZIATO and dovuto.carrello_id is not None:
        return str(dovuto.carrello_id)
    carrello_id = carrelli_store.add_open(
        session,
        ente_id=dovuto.ente_id,
        dominio=tentativo["dominio"],
        iuv=tentativo["iuv"],
        importo_cent=importo_cent,
        now=now,
    )
    if not dovuti_store.take(session, dovuto.id, at=now, carrello_id=carrello_id):
        raise Conflict("dovuti: il dovuto è stato preso in questo momento")
    return carrello_id
