"""A citizen's portal sends the payer: where the payer goes back to is kept with the session.

Source: pa-per-ente, 2.11, effects (`backUrl` mandatory, `email` optional).
"""

from __future__ import annotations

from datetime import datetime

from hub.domain.errors import NotFound, UrlNonValida
from hub.domain.stati import TipoSessione
from hub.store import portali, sessioni
from hub.store.database import Database
from hub.usecases.controlli_dovuti import check_url


def land_precaricato(db: Database, id_session: str, back_url: str, email: str | None, now: datetime) -> None:
    """Keep the return address of a session, and the e-mail when there is one. Once the payment began nothing changes.

    Raises: NotFound (not a session of an open position), UrlNonValida (missing or not an address of the web).
    """
    if not back_url:
        raise UrlNonValida("backUrl assente", "backUrl: obbligatorio, l'indirizzo a cui il pagatore ritorna")
    check_url(back_url)
    with db.reading() as session:
        row = sessioni.by_id(session, id_session)
    if row.tipo != TipoSessione.PRECARICATO_ANONIMO_ENTE:
        raise NotFound("sessione di pagamento sconosciuta")
    with db.transaction() as session:
        portali.set_landing(session, id_session, back_url, email, now)
