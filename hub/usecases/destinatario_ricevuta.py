"""Through whom a receipt may come: the steps that are the same for RTs and for the receipts of the new model.

Money is not refused for the station it came through, as long as that is one of the ente's own intermediary: another
intermediary of the same installation has nothing to say about it. Source: node, order of checks (3.0.4, steps 2 to 4),
receipt processing (3.5.1).
"""

from __future__ import annotations

from hub.domain import errors_nodo
from hub.domain.errors import HubError
from hub.store import stazioni
from hub.store.database import Session


def refuse_destinatario(
    session: Session, intermediario: str, stazione: str, dominio: str, iuv: str
) -> HubError | None:
    """Return why a receipt for a dominio is not taken through a station; None when it is.

    An ente that has changed its intermediary still gets what was begun through the old one.
    """
    found = stazioni.tramite(session, intermediario, stazione, dominio)
    if not found.is_intermediario:
        return errors_nodo.IntermediarioErrato("intermediario sconosciuto")
    if not found.is_stazione:
        return errors_nodo.StazioneErrata("stazione sconosciuta per questo intermediario")
    if found.is_served or stazioni.has_begun(session, intermediario, dominio, iuv):
        return None
    return errors_nodo.DominioErrato("dominio sconosciuto per questo intermediario")
