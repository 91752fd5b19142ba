"""Keep a session that is made of parts: elements over several enti, or a stored dovuto."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from hub.domain.stati import StatoSessione, TipoSessione
from hub.store import sessioni
from hub.store.database import Database
from hub.usecases.authenticate import Chiamante
from hub.usecases.controlli_dovuti import check_url


@dataclass(frozen=True, slots=True)
class Apertura:
    """What every session is opened with. `url_esito` None or blank: the ente's own address, if it has one."""

    url_esito: str | None
    correlation_id: str
    ttl: timedelta
    now: datetime


def open_sessione(
    db: Database, chiamante: Chiamante, tipo: TipoSessione, elementi: list[dict[str, Any]], apertura: Apertura
) -> str:
    """Keep a session of the caller's ente and return its idSession. `elementi`: columns of sessioni_elementi.

    Raises: UrlNonValida.
    """
    url_esito = (apertura.url_esito or chiamante.ente.url_esito or "").strip()
    check_url(url_esito)
    id_session = str(uuid.uuid4())
    with db.transaction() as session:
        sessioni.add(
            session,
            id_session=id_session,
            ente_id=chiamante.ente.id,
            applicazione=chiamante.applicazione,
            tipo=str(tipo),
            stato=str(StatoSessione.NUOVO_CARRELLO),
            show_mypay="SHORT",
            url_esito=url_esito,
            created_at=apertura.now,
            updated_at=apertura.now,
            expires_at=apertura.now + apertura.ttl,
            correlation_id=apertura.correlation_id,
        )
        sessioni.add_elementi(session, id_session, elementi)
    return id_session
